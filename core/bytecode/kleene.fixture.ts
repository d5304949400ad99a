/** What conditions of a plan mean, straight from their definition, and conditions and facts at random. */
import fc from "fast-check";
import { accepts, automatonOf } from "../automaton/automaton.ts";
import { parsePattern } from "../automaton/parse-pattern.ts";
import type { Condition, Count, CountOperand, Order, Ref } from "../plan/plan.ts";
import { isRef } from "../plan/plan.ts";
import type { ConstantValue, Type } from "../schema/schema.ts";
import { parseAddress, parseNetwork } from "../source/address.ts";
import { utf8 } from "../source/bytes.ts";
import { constant, element, type NamedRef, ref, TYPES } from "./plan.fixture.ts";

export type Truth = true | false | null;

/** A JSON body; a value in it has its attribute's type, or is null or of a wrong type. */
export type Facts = Readonly<Record<string, unknown>>;

/** What a ref holds: undefined unless present. */
type Held = unknown;

// --- meaning ---

/** `elements`: those of the open bodies, outermost first. */
export function truthOf(c: Condition, facts: Facts, elements: readonly unknown[] = []): Truth {
  const held = (r: Ref | ConstantValue): Held =>
    isRef(r) ? read(r as NamedRef, facts, elements) : constantOf(r);
  const both = (a: Held, b: Held, test: () => boolean): Truth =>
    a === undefined || b === undefined ? null : test();
  switch (c.kind) {
    case "and":
      return allOf(c.parts.map((part) => truthOf(part, facts, elements)));
    case "or":
      return anyOf(c.parts.map((part) => truthOf(part, facts, elements)));
    case "not":
      return not(truthOf(c.operand, facts, elements));
    case "hours":
    case "computing":
      throw new Error("no condition here computes");
    case "constant":
      return c.value;
    case "exists":
      return exists(c.ref as NamedRef, facts, elements);
    case "truth": {
      const value = held(c.ref);
      return value === undefined ? null : value === true;
    }
    case "compare": {
      const [left, right] = [held(c.left), held(c.right)];
      return both(left, right, () => inOrder(c.order, left, right, c.left.type));
    }
    case "text": {
      const [left, right] = [held(c.left), held(c.right)] as string[];
      const test = { starts: "startsWith", ends: "endsWith", contains: "includes" } as const;
      return both(left, right, () => left![test[c.test]](right!));
    }
    case "matches": {
      const value = held(c.ref);
      return value === undefined ? null : accepts(c.automaton, utf8(value as string));
    }
    case "in-set": {
      const value = held(c.ref);
      return value === undefined ? null : c.set.some((item) => liesIn(c.ref.type, value, constantOf(item)));
    }
    case "in-cidr": {
      const [left, right] = [held(c.ref), held(c.network)];
      return both(left, right, () => contains(right as string, left as string));
    }
    case "has":
      return anyElement(c.list, c.value, (item, value) => same(elementType(c.list), item, value));
    case "in-cidrs":
      return anyElement(c.list, c.ref, (item, value) => contains(item as string, value as string));
    case "any":
    case "all": {
      const list = held(c.list) as unknown[] | undefined;
      if (list === undefined) return null;
      const truths = list.map((each) => truthOf(c.body, facts, [...elements, each]));
      return c.kind === "any" ? anyOf(truths) : allOf(truths);
    }
    case "count":
      return compareCounts(c.order, numbersOf(c.left), rightOf(c.right));
  }

  function anyElement(
    list: Ref,
    value: Ref | ConstantValue,
    test: (item: unknown, value: unknown) => boolean,
  ): Truth {
    const [items, wanted] = [held(list) as unknown[] | undefined, held(value)];
    if (items === undefined || wanted === undefined) return null;
    return anyOf(items.map((item) => (isOf(elementType(list), item) ? test(item, wanted) : null)));
  }

  /** Every number that a count may be, or null. */
  function numbersOf(count: Count): readonly number[] | null {
    const list = held(count.list) as unknown[] | undefined;
    if (list === undefined) return null;
    const truths = list.map(
      (each): Truth =>
        count.body === null
          ? isOf(elementType(count.list), each)
            ? true
            : null
          : truthOf(count.body, facts, [...elements, each]),
    );
    const sure = truths.filter((truth) => truth === true).length;
    return Array.from({ length: truths.filter((truth) => truth === null).length + 1 }, (_, i) => sure + i);
  }

  function rightOf(right: CountOperand): readonly number[] | null {
    if ("number" in right) return [right.number];
    if ("count" in right) return numbersOf(right.count);
    const value = held(right.ref) as number | undefined;
    return value === undefined ? null : [value];
  }
}

function compareCounts(order: Order, left: readonly number[] | null, right: readonly number[] | null): Truth {
  if (left === null || right === null || (left.length > 1 && right.length > 1)) return null;
  const answers = new Set(left.flatMap((l) => right.map((r) => inOrder(order, l, r, { kind: "int" }))));
  return answers.size === 1 ? [...answers][0]! : null;
}

function allOf(truths: readonly Truth[]): Truth {
  return truths.includes(false) ? false : truths.includes(null) ? null : true;
}

function anyOf(truths: readonly Truth[]): Truth {
  return not(allOf(truths.map(not)));
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

/** An absent field is false; an invalid value, and every field of one, is unknown. */
function exists(r: NamedRef, facts: Facts, elements: readonly unknown[]): Truth {
  let value: unknown = r.frame === 0 ? facts : elements[r.frame - 1];
  for (const name of r.path) {
    if (!isRecord(value)) return null;
    value = value[name] ?? null;
    if (value === null) return false;
  }
  return isOf(r.type, value) ? true : null;
}

function read(r: NamedRef, facts: Facts, elements: readonly unknown[]): Held {
  let value: unknown = r.frame === 0 ? facts : elements[r.frame - 1];
  for (const name of r.path) {
    if (!isRecord(value)) return undefined;
    value = value[name];
  }
  return isOf(r.type, value) ? value : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Has the value the type, as far as the pools go? */
function isOf(type: Type, value: unknown): boolean {
  switch (type.kind) {
    case "int":
    case "float":
      return typeof value === "number";
    case "bool":
      return typeof value === "boolean";
    case "list":
      return Array.isArray(value);
    case "record":
      return isRecord(value);
    default:
      return typeof value === "string";
  }
}

/** A value of another type. */
function wrong(type: Type): unknown {
  return type.kind === "record" ? 0 : {};
}

function constantOf(value: ConstantValue): unknown {
  return value.value;
}

function elementType(list: Ref): Type {
  if (list.type.kind !== "list") throw new Error("no list");
  return list.type.element;
}

function same(type: Type, a: unknown, b: unknown): boolean {
  return type.kind === "ip" || type.kind === "cidr" ? bits(a as string) === bits(b as string) : a === b;
}

function inOrder(order: Order, left: unknown, right: unknown, type: Type): boolean {
  if (order === "eq") return same(type, left, right);
  const rank = (value: unknown): number =>
    type.kind === "enum" ? type.enum.members.indexOf(value as string) : Number(value);
  return order === "lt" ? rank(left) < rank(right) : rank(left) <= rank(right);
}

function liesIn(type: Type, value: unknown, item: unknown): boolean {
  return type.kind === "ip" ? contains(item as string, value as string) : same(type, value, item);
}

/** `4` or `6`, then the bits of the prefix. */
function bits(text: string): string {
  const address = parseAddress(text);
  const network = address === null ? parseNetwork(text) : { bytes: address, prefix: 128 };
  if ("error" in network) throw new Error(text);
  const all = [...network.bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const family = network.prefix >= 96 && all.startsWith("0".repeat(80) + "1".repeat(16)) ? "4" : "6";
  return family + all.slice(0, network.prefix);
}

function contains(network: string, address: string): boolean {
  return bits(address).startsWith(bits(network));
}

// --- at random ---

const POOLS: Readonly<Record<string, readonly unknown[]>> = {
  string: ["", "a", "ab", "b", "leaf"],
  int: [0, 1, 2, -1],
  float: [0, 0.5, 1, 2],
  bool: [true, false],
  ip: ["10.0.0.1", "10.255.0.1", "11.0.0.1", "::1", "::"],
  cidr: ["10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "::/0", "::/64"],
};

function pool(type: Type): readonly unknown[] {
  return type.kind === "enum" ? type.enum.members : POOLS[type.kind]!;
}

function valueArbitrary(type: Type): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "list": {
      const each = valueArbitrary(type.element);
      return fc.array(fc.oneof({ weight: 6, arbitrary: each }, fc.constantFrom(null, wrong(type))), {
        maxLength: 4,
      });
    }
    case "record":
      return recordArbitrary(Object.fromEntries(type.record.fields.map((field) => [field.name, field.type])));
    default:
      return fc.constantFrom(...pool(type));
  }
}

function recordArbitrary(types: Readonly<Record<string, Type>>): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(
      Object.entries(types).map(([name, type]) => [
        name,
        fc.oneof({ weight: 8, arbitrary: valueArbitrary(type) }, fc.constantFrom(null, wrong(type))),
      ]),
    ),
    { requiredKeys: [] },
  );
}

export const factsArbitrary: fc.Arbitrary<Facts> = recordArbitrary(TYPES);

/** Refs that are in scope: of the request, and of the elements of the open bodies. */
function refsOf(lists: readonly Ref[]): NamedRef[] {
  const request = Object.keys(TYPES).flatMap((name) =>
    name === "home" ? ["home", "home.street", "home.number"] : [name],
  );
  const found = request.map(ref);
  lists.forEach((list, i) => {
    const frame = (i + 1) as 1 | 2;
    const type = elementType(list);
    found.push(element(list, frame));
    if (type.kind === "record")
      found.push(...type.record.fields.map((field) => element(list, frame, field.name)));
  });
  return found;
}

/** Conditions of at most some depth. `lists`: those of the open bodies. */
export function conditionArbitrary(depth: number, lists: readonly Ref[] = []): fc.Arbitrary<Condition> {
  const refs = refsOf(lists);
  const tests: fc.Arbitrary<Condition>[] = [testArbitrary(refs)];
  if (depth > 0) {
    const part = conditionArbitrary(depth - 1, lists);
    const parts = fc.array(part, { minLength: 2, maxLength: 3 });
    tests.push(
      fc.record({ kind: fc.constantFrom("and" as const, "or" as const), parts }),
      part.map((operand): Condition => ({ kind: "not", operand })),
    );
    tests.push(countArbitrary(depth, refs, lists));
    if (lists.length < 2) tests.push(quantifierArbitrary(depth, refs, lists));
  }
  return fc.oneof(...tests);
}

function listsIn(refs: readonly NamedRef[]): fc.Arbitrary<NamedRef> {
  // Rather those of elements and of records: their bodies have more to say.
  const lists = refs.filter((r) => r.type.kind === "list");
  const rich = lists.filter((r) => r.frame !== 0 || elementType(r).kind === "record");
  return fc.constantFrom(...lists, ...rich, ...rich, ...rich);
}

function quantifierArbitrary(
  depth: number,
  refs: readonly NamedRef[],
  lists: readonly Ref[],
): fc.Arbitrary<Condition> {
  return listsIn(refs).chain((list) =>
    fc.record({
      kind: fc.constantFrom("any" as const, "all" as const),
      list: fc.constant(list),
      body: conditionArbitrary(depth - 1, [...lists, list]),
    }),
  );
}

function countArbitrary(
  depth: number,
  refs: readonly NamedRef[],
  lists: readonly Ref[],
): fc.Arbitrary<Condition> {
  const count = listsIn(refs).chain(
    (list): fc.Arbitrary<Count> =>
      fc.record({
        list: fc.constant(list),
        body:
          lists.length < 2 ? fc.option(conditionArbitrary(depth - 1, [...lists, list])) : fc.constant(null),
      }),
  );
  const numbers = refs.filter((r) => r.type.kind === "int" || r.type.kind === "float");
  const right: fc.Arbitrary<CountOperand> = fc.oneof(
    fc.record({ number: fc.constantFrom(0, 1, 2, 3, 1.5, -1) }),
    fc.record({ ref: fc.constantFrom(...numbers) }),
    fc.record({ count }),
  );
  return fc.record({ kind: fc.constant("count" as const), order: orders, left: count, right });
}

const AUTOMATA = ["a.*b|^$", "^[a-c]+$", "b\\b", "^.?$", "x*"].map((text) => {
  const parsed = parsePattern(text);
  const built = parsed.ok ? automatonOf(parsed.pattern) : parsed;
  if (!built.ok) throw new Error(built.problem.message);
  return built.automaton;
});

const orders = fc.constantFrom("eq" as const, "lt" as const, "le" as const);

function testArbitrary(refs: readonly NamedRef[]): fc.Arbitrary<Condition> {
  return fc.constantFrom(...refs).chain((r) => {
    const exists: fc.Arbitrary<Condition> = fc.constant({ kind: "exists", ref: r });
    if (r.type.kind === "record") return exists;
    return fc.oneof(exists, ...(r.type.kind === "list" ? listTests(r, refs) : scalarTests(r, refs)));
  });
}

function scalarTests(r: NamedRef, refs: readonly NamedRef[]): fc.Arbitrary<Condition>[] {
  const others = refs.filter((other) => pairs(r.type, other.type));
  const constants = pool(r.type).map((value) => constant(r.type, value));
  const operand = fc.constantFrom<(Ref | ConstantValue)[]>(...others, ...constants, ...constants);
  const networks = pool({ kind: "cidr" }).map((value) => constant({ kind: "cidr" }, value));
  const inSet = (items: readonly ConstantValue[], minLength: number): fc.Arbitrary<Condition> =>
    fc.subarray([...items], { minLength }).map((set) => ({ kind: "in-set", ref: r, set }));
  switch (r.type.kind) {
    case "string":
      return [
        compareArbitrary(r, operand),
        textArbitrary(r, operand),
        inSet(constants, 2),
        fc.constantFrom(...AUTOMATA).map((automaton): Condition => ({ kind: "matches", ref: r, automaton })),
      ];
    case "bool":
      return [
        compareArbitrary(r, fc.constantFrom(...others)),
        fc.constant({ kind: "truth", ref: r }),
        fc.boolean().map((value) => ({ kind: "constant", value })),
      ];
    case "ip": {
      const network = fc.constantFrom(...refs.filter((other) => other.type.kind === "cidr"));
      const inCidr = network.map((each): Condition => ({ kind: "in-cidr", ref: r, network: each }));
      return [compareArbitrary(r, operand), inCidr, inSet([...constants, ...networks], 1)];
    }
    case "cidr":
      return [compareArbitrary(r, operand)];
    default:
      return [compareArbitrary(r, operand), inSet(constants, 2)];
  }
}

function textArbitrary(left: Ref, right: fc.Arbitrary<Ref | ConstantValue>): fc.Arbitrary<Condition> {
  return fc.record({
    kind: fc.constant("text" as const),
    test: fc.constantFrom("starts" as const, "ends" as const, "contains" as const),
    left: fc.constant(left),
    right,
  });
}

function compareArbitrary(left: Ref, right: fc.Arbitrary<Ref | ConstantValue>): fc.Arbitrary<Condition> {
  const ordered =
    left.type.kind === "int" ||
    left.type.kind === "float" ||
    (left.type.kind === "enum" && left.type.enum.ordered);
  return fc.record({
    kind: fc.constant("compare" as const),
    order: ordered ? orders : fc.constant("eq" as const),
    left: fc.constant(left),
    right,
  });
}

function listTests(list: NamedRef, refs: readonly NamedRef[]): fc.Arbitrary<Condition>[] {
  const type = elementType(list);
  if (type.kind === "record" || type.kind === "list") return [];
  const values: (Ref | ConstantValue)[] = [
    ...refs.filter((other) => pairs(type, other.type)),
    ...pool(type).map((v) => constant(type, v)),
  ];
  const tests: fc.Arbitrary<Condition>[] = [
    fc.constantFrom(...values).map((value): Condition => ({ kind: "has", list, value })),
  ];
  if (type.kind === "cidr")
    tests.push(
      fc
        .constantFrom(...refs.filter((other) => other.type.kind === "ip"))
        .map((each): Condition => ({ kind: "in-cidrs", ref: each, list })),
    );
  return tests;
}

/** May the two be compared? */
function pairs(a: Type, b: Type): boolean {
  const numbers = ["int", "float"];
  if (numbers.includes(a.kind) && numbers.includes(b.kind)) return true;
  if (a.kind === "enum" && b.kind === "enum") return a.enum === b.enum;
  return a.kind === b.kind && a.kind !== "list" && a.kind !== "record";
}
