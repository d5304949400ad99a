/**
 * Equalities and memberships of one cell become one test: `x == "a" or x in ["b", "c"]` is `x in ["a", "b", "c"]`, and
 * `x in ["a", "b"] and x != "b"` is `x == "a"`. A set of members that are neighbours at an end of an ordered enum is a
 * comparison, which needs no set. A set that holds nothing, or everything, is left as it was written: its test is
 * unknown where the cell is not present, so it is no constant.
 *
 * A new set is a constant of the bundle, so it is made only where the instructions that it saves are more bytes.
 */
import type { Condition, Ref } from "../plan/plan.ts";
import type { ConstantValue } from "../schema/schema.ts";
import { type CellLiteral, cellLiteral, closedEnum, type Value } from "./cell-tests.ts";
import { type Joined, joined, negatedIf, refKey, withParts } from "./conditions.ts";
import { networkUnion } from "./networks.ts";

const INSTRUCTION_BYTES = 8;
const SET_BYTES = 12;
const ELEMENT_BYTES = 4;

export function mergeSets(c: Condition): Condition {
  const inner = withParts(c, mergeSets);
  if (inner.kind === "and" || inner.kind === "or") return mergedParts(inner.kind, inner.parts);
  const literal = cellLiteral(inner);
  if (literal?.test.kind !== "values") return inner;
  const made = setTest({ ...literal, values: literal.test.values });
  return made === null || sizeOfSet(made) > 0 ? inner : made;
}

/** Values that make a test true; with `negated` those that make it false. */
interface ValueSet {
  readonly ref: Ref;
  readonly values: ReadonlyMap<Value, ConstantValue>;
  readonly negated: boolean;
}

function mergedParts(kind: Joined, conditions: readonly Condition[]): Condition {
  const flat = joined(kind, conditions);
  if (flat.kind !== kind) return flat;
  const groups = new Map<string, { readonly parts: Condition[]; set: ValueSet | null }>();
  const groupOf = new Map<Condition, string>();
  for (const part of flat.parts) {
    const set = valueSet(cellLiteral(part));
    const key = set === null ? networkKey(kind, part) : refKey(set.ref);
    if (key === null) continue;
    groupOf.set(part, key);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { parts: [part], set });
    else {
      group.parts.push(part);
      group.set = set === null || group.set === null ? null : combined(kind, group.set, set);
    }
  }
  const merged = new Map<string, Condition | null>();
  for (const [key, { parts, set }] of groups) {
    if (parts.length === 1) continue;
    const test = set === null ? networkUnion(kind === "and", parts) : setTest(set);
    merged.set(key, test !== null && bytesOf([test], parts) <= bytesOf(parts, parts) ? test : null);
  }
  const placed = new Set<string>();
  return joined(
    kind,
    flat.parts.flatMap((part) => {
      const key = groupOf.get(part);
      const test = key === undefined ? null : (merged.get(key) ?? null);
      if (key === undefined || test === null) return [part];
      if (placed.has(key)) return [];
      placed.add(key);
      return [test];
    }),
  );
}

function valueSet(literal: CellLiteral | null): ValueSet | null {
  return literal?.test.kind === "values" ? { ...literal, values: literal.test.values } : null;
}

/** Addresses have no finite sets: networks are united where a part of them is enough, which is `or`, or `and` of negations. */
function networkKey(kind: Joined, part: Condition): string | null {
  const { test, negated } =
    part.kind === "not" ? { test: part.operand, negated: true } : { test: part, negated: false };
  if (negated !== (kind === "and")) return null;
  if (test.kind === "in-set" && test.ref.type.kind === "ip") return `ip ${refKey(test.ref)}`;
  return null;
}

/** Union or intersection of two sets, one or both given by what they lack. */
function combined(kind: Joined, a: ValueSet, b: ValueSet): ValueSet {
  // By De Morgan an intersection is the complement of a union of complements.
  const flip = kind === "and";
  const [aLacks, bLacks] = [a.negated !== flip, b.negated !== flip];
  const only = (from: ValueSet, keep: (value: Value) => boolean): ReadonlyMap<Value, ConstantValue> =>
    new Map([...from.values].filter(([value]) => keep(value)));
  if (!aLacks && !bLacks) return { ...a, values: new Map([...a.values, ...b.values]), negated: flip };
  if (aLacks && bLacks) return { ...a, values: only(a, (value) => b.values.has(value)), negated: !flip };
  const [lacking, having] = aLacks ? [a, b] : [b, a];
  return { ...a, values: only(lacking, (value) => !having.values.has(value)), negated: !flip };
}

/** The smallest test for a set; null where it holds nothing or everything. */
function setTest({ ref, values, negated }: ValueSet): Condition | null {
  const info = closedEnum(ref);
  if (values.size === 0 || values.size === info?.members.length) return null;
  const [first] = values.values();
  if (values.size === 1)
    return negatedIf(negated, { kind: "compare", order: "eq", left: ref, right: first! });
  const inSet = negatedIf(negated, { kind: "in-set", ref, set: [...values.values()] });
  if (info === null) return inSet;
  const member = (rank: number): ConstantValue => ({ kind: "enum", enum: info, value: info.members[rank]! });
  const ranks = info.members.map((_, rank) => rank);
  const lacking = ranks.filter((rank) => !values.has(rank));
  if (lacking.length === 1)
    return negatedIf(!negated, { kind: "compare", order: "eq", left: ref, right: member(lacking[0]!) });
  const lowest = (set: (rank: number) => boolean, size: number): boolean => ranks.slice(0, size).every(set);
  if (lowest((rank) => values.has(rank), values.size))
    return negatedIf(negated, { kind: "compare", order: "lt", left: ref, right: member(values.size) });
  if (lowest((rank) => !values.has(rank), lacking.length))
    return negatedIf(!negated, { kind: "compare", order: "lt", left: ref, right: member(lacking.length) });
  return inSet;
}

/** What tests cost, beside their cells' names and single constants. The sets of `known` stay in the bundle for the reasons. */
function bytesOf(tests: readonly Condition[], known: readonly Condition[]): number {
  const there = new Set(known.map(setKey));
  return tests.reduce((sum, test) => {
    const size = sizeOfSet(test);
    const set = size === 0 || there.has(setKey(test)) ? 0 : SET_BYTES + size * ELEMENT_BYTES;
    return sum + INSTRUCTION_BYTES + set;
  }, 0);
}

/** Elements of the set that a test needs; 0 where it needs none. */
function sizeOfSet(test: Condition): number {
  const inSet = test.kind === "not" ? test.operand : test;
  return inSet.kind === "in-set" && inSet.set.length > 1 ? inSet.set.length : 0;
}

function setKey(test: Condition): string {
  const inSet = test.kind === "not" ? test.operand : test;
  if (inSet.kind !== "in-set") return "";
  return inSet.set
    .map((constant) => `${constant.kind} ${constant.value}`)
    .sort()
    .join("\n");
}
