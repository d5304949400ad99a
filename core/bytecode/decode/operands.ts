/** Rules 10 and 11: which operands each kind of the instruction table takes. */
import { SET_MEMBERS, SET_NETWORKS, SET_NUMBERS, SET_STRINGS } from "../gen/constants.ts";
import { type InstructionInfo, type OperandA, type OperandB, SET_NAMES } from "../gen/tables.ts";
import type { EnumType, Shape } from "../program.ts";
import type { Facts } from "./instructions.ts";

const ADDRESS_PREFIX = 128;

type CellA = Exclude<OperandA, "none">;
type CellB = Extract<OperandB, `${string}Cell`>;

export function isCellA(kind: OperandA): kind is CellA {
  return kind !== "none";
}

export function isCellB(kind: OperandB): kind is CellB {
  return kind.endsWith("Cell");
}

function isNumber({ type }: Shape): boolean {
  return type === "int" || type === "float";
}

/** Held as a number: compared with number constants. */
function isCounted(shape: Shape): boolean {
  return isNumber(shape) || shape.type === "datetime" || shape.type === "duration";
}

function isAddress({ type }: Shape): boolean {
  return type === "ip" || type === "cidr";
}

/** Does the operand kind take a cell of the shape? */
export function takesA(kind: CellA, shape: Shape, enums: readonly EnumType[]): boolean {
  const { type, element } = shape;
  const ordered = type === "enum" && enums[shape.enumIndex]!.ordered;
  switch (kind) {
    case "any":
      return true;
    case "number":
    case "counted":
      return isCounted(shape);
    case "ordered":
      return ordered;
    case "address":
      return isAddress(shape);
    case "numeric":
      return isCounted(shape) || type === "bool" || type === "enum";
    case "comparable":
      return isCounted(shape) || ordered;
    case "stringList":
      return element?.type === "string";
    case "numberList":
      return element !== null && isCounted(element);
    case "enumList":
      return element?.type === "enum" || element?.type === "bool";
    case "addressList":
      return element !== null && isAddress(element);
    case "scalar":
      return type !== "list" && type !== "record";
    case "bool":
    case "string":
    case "enum":
    case "ip":
    case "list":
    case "datetime":
      return type === kind;
  }
}

/** Does the operand kind take a cell of shape `b` beside `a`? `a` has passed `takesA`. */
export function takesB(kind: CellB, a: Shape | null, b: Shape): boolean {
  switch (kind) {
    case "stringCell":
      return b.type === "string";
    case "numericCell":
    case "comparableCell":
      // INVARIANT: `a` is ordered where that is asked, so the same enum is ordered, too.
      return comparable(a!, b);
    case "addressCell":
      return b.type === a!.type;
    case "cidrCell":
      return b.type === "cidr";
    case "listCell":
      return b.element !== null && comparable(a!, b.element);
    case "cidrListCell":
      return b.element?.type === "cidr";
    case "numberCell":
      return isNumber(b);
    case "countedCell":
      return isCounted(b);
  }
}

/** The same scalar type: int and float mix, enums are the same enum. */
function comparable(a: Shape, b: Shape): boolean {
  return (isNumber(a) && isNumber(b)) || (a.type === b.type && a.enumIndex === b.enumIndex);
}

/** Why `b`, which is no cell, is not the constant, immediate or body length that the instruction wants, or null. */
export function operandBProblem(
  info: InstructionInfo,
  b: number,
  a: Shape | null,
  facts: Facts,
): string | null {
  const { constants } = facts;
  switch (info.b) {
    case "truth":
      return b <= 1 ? null : `${b} is not 0 or 1`;
    case "string":
      return missing("string", b, constants.strings.length);
    case "number":
      return missing("number", b, constants.numbers.length);
    case "schedule":
      return missing("schedule", b, constants.schedules.length);
    case "automaton":
      return missing("automaton", b, constants.automata.length);
    case "map":
      return mapProblem(b, a!, facts);
    case "network":
      return networkProblem(b, info.a, a!, facts);
    case "member": {
      const scalar = a!.element ?? a!;
      return missing("member", b, scalar.type === "bool" ? 2 : facts.enums[scalar.enumIndex]!.members.length);
    }
    case "strings":
      return setProblem(b, SET_STRINGS, facts);
    case "numbers":
      return setProblem(b, SET_NUMBERS, facts);
    case "networks":
      return setProblem(b, SET_NETWORKS, facts);
    case "members": {
      const problem = setProblem(b, SET_MEMBERS, facts);
      if (problem !== null) return problem;
      // Elements ascend and a set is never empty, so the last one is the greatest.
      const greatest = constants.setElements[constants.setOffsets[b + 1]! - 1]!;
      return missing("member", greatest >>> 0, facts.enums[a!.enumIndex]!.members.length);
    }
    case "body":
      return b >= 1 ? null : "its body is empty";
    default:
      return null;
  }
}

/** What is compared with an address is one; `in` takes any network. */
function networkProblem(b: number, kindA: OperandA, a: Shape, { constants }: Facts): string | null {
  const problem = missing("network", b, constants.prefixes.length);
  const address = kindA !== "ip" && (a.element ?? a).type === "ip";
  if (problem !== null || !address || constants.prefixes[b] === ADDRESS_PREFIX) return problem;
  return `network ${b} has prefix length ${constants.prefixes[b]}, an address has ${ADDRESS_PREFIX}`;
}

function mapProblem(b: number, a: Shape, { maps }: Facts): string | null {
  const problem = missing("map", b, maps.length);
  if (problem !== null || comparable(a, maps[b]!.key)) return problem;
  return `map ${b} has keys of another type, ${maps[b]!.key.type}, than cell a`;
}

function setProblem(b: number, kind: number, { constants }: Facts): string | null {
  const problem = missing("set", b, constants.setKinds.length);
  if (problem !== null || constants.setKinds[b] === kind) return problem;
  return `set ${b} holds ${SET_NAMES[constants.setKinds[b]!]}, not ${SET_NAMES[kind]}`;
}

function missing(what: string, index: number, count: number): string | null {
  return index < count ? null : `${what} ${index} does not exist, there are ${count}`;
}
