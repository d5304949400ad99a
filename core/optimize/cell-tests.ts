/**
 * Tests of one cell with constants. INVARIANT: such a test is unknown exactly where its cell is not present, so between
 * two of the same cell ordinary logic holds, as long as one of them stays.
 */
import { type Condition, isRef, type Ref } from "../plan/plan.ts";
import type { ConstantValue, EnumInfo } from "../schema/schema.ts";
import { compareBytes } from "../source/bytes.ts";
import { literal } from "./conditions.ts";

/** Strings, numbers, and members as their ranks. */
export type Value = string | number;

export type CellTest =
  | { readonly kind: "values"; readonly values: ReadonlyMap<Value, ConstantValue> }
  | { readonly kind: "bound"; readonly order: "lt" | "le"; readonly limit: Value }
  | { readonly kind: "text"; readonly test: "starts" | "ends" | "contains"; readonly text: string };

export interface CellLiteral {
  readonly ref: Ref;
  readonly test: CellTest;
  readonly negated: boolean;
}

/** Constants of a set that is looked into. */
const VALUES_MAX = 1_000;

/** A condition as a test of one cell, or null. */
export function cellLiteral(c: Condition): CellLiteral | null {
  const { test: condition, negated } = literal(c);
  switch (condition.kind) {
    case "compare": {
      const { order, left: ref, right } = condition;
      if (!isRef(ref) || isRef(right)) return null;
      const value = plainValue(ref, right);
      if (value === null) return null;
      if (order === "eq")
        return { ref, test: { kind: "values", values: new Map([[value, right]]) }, negated };
      return { ref, test: { kind: "bound", order, limit: value }, negated };
    }
    case "in-set": {
      const { ref, set } = condition;
      // A set of data that large is hardly written a second time, and to look at it for each policy takes long.
      if (set.length > VALUES_MAX) return null;
      const values = new Map<Value, ConstantValue>();
      for (const constant of set) {
        const value = plainValue(ref, constant);
        if (value === null) return null;
        values.set(value, constant);
      }
      return { ref, test: { kind: "values", values }, negated };
    }
    case "text":
      if (isRef(condition.right) || condition.right.kind !== "string") return null;
      return {
        ref: condition.left,
        test: { kind: "text", test: condition.test, text: condition.right.value },
        negated,
      };
    default:
      return null;
  }
}

/** Where equality and order of constants are those of plain values; null elsewhere. */
function plainValue({ type }: Ref, constant: ConstantValue): Value | null {
  switch (constant.kind) {
    case "string":
      return type.kind === "string" ? constant.value : null;
    case "enum":
      return type.kind === "enum" ? type.enum.members.indexOf(constant.value) : null;
    case "int":
    case "float":
      // As in the pools there is one zero.
      return type.kind === "int" || type.kind === "float" ? constant.value + 0 : null;
    case "datetime":
    case "duration":
      return type.kind === constant.kind ? constant.value + 0 : null;
    default:
      return null;
  }
}

/** Is the second true wherever the first is, as far as the cell is present? False also means: not known to be. */
export function implies(a: CellLiteral, b: CellLiteral): boolean {
  if (a.test.kind === "values" && !a.negated)
    return [...a.test.values.keys()].every((value) => holds(b, value));
  if (b.test.kind === "values" && b.negated)
    return [...b.test.values.keys()].every((value) => !holds(a, value));
  if (a.negated !== b.negated) return false;
  return a.negated ? testImplies(b.test, a.test) : testImplies(a.test, b.test);
}

function holds({ test, negated }: CellLiteral, value: Value): boolean {
  return testHolds(test, value) !== negated;
}

function testHolds(test: CellTest, value: Value): boolean {
  switch (test.kind) {
    case "values":
      return test.values.has(value);
    case "bound": {
      const order = compareValues(value, test.limit);
      return test.order === "lt" ? order < 0 : order <= 0;
    }
    case "text":
      return textHolds(test.test, String(value), test.text);
  }
}

function testImplies(a: CellTest, b: CellTest): boolean {
  if (a.kind === "values") return [...a.values.keys()].every((value) => testHolds(b, value));
  if (a.kind === "bound" && b.kind === "bound") {
    const order = compareValues(a.limit, b.limit);
    return order < 0 || (order === 0 && (a.order === "lt" || b.order === "le"));
  }
  // What starts with `ab` starts with `a` and contains `b`.
  if (a.kind === "text" && b.kind === "text")
    return (b.test === "contains" || a.test === b.test) && textHolds(b.test, a.text, b.text);
  return false;
}

/** INVARIANT: texts of policies are whole code points, so that UTF-16 units and UTF-8 bytes give the same answers. */
function textHolds(test: "starts" | "ends" | "contains", text: string, part: string): boolean {
  switch (test) {
    case "starts":
      return text.startsWith(part);
    case "ends":
      return text.endsWith(part);
    case "contains":
      return text.includes(part);
  }
}

function compareValues(a: Value, b: Value): number {
  return typeof a === "string" || typeof b === "string" ? compareBytes(String(a), String(b)) : a - b;
}

/**
 * The enum whose members are all that a cell can hold, or null. It must be ordered: `resource.type`, which may equal none
 * of its names, is not.
 */
export function closedEnum({ type }: Ref): EnumInfo | null {
  return type.kind === "enum" && type.enum.ordered ? type.enum : null;
}
