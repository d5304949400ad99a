/** Single tests: which values of which attribute make one true, and which false. */
import { type Attribute, type ConstantValue, isNumber, type Type } from "../../schema/schema.ts";
import { isMapped, parseAddress, parseNetwork } from "../../source/address.ts";
import { LIST_ELEMENTS_MAX } from "../../source/gen/facts.ts";
import type { CompareOperator, Expression, Lookup } from "../../syntax/ast.ts";
import type { Resolutions, Resolved } from "../check.ts";
import { type Canon, constantText, mirrored } from "./canon.ts";
import { closed, complement, type Interval, type Intervals, type Space } from "./intervals.ts";
import { ALL_TEXTS, type TextEnd, type Texts, type TextTest } from "./texts.ts";
import type { Domain } from "./world.ts";

type Compare = Extract<Expression, { kind: "compare" }>;
type Readable = Exclude<Resolved, { kind: "constant" }>;

/** One test of one thing. */
export interface Leaf {
  /** What it is about: an attribute or field, a pair of them, a count, or the test itself. */
  readonly about: string;
  /** Values with which it is true, and false; without a value it is unknown. */
  readonly yes: Domain;
  readonly no: Domain;
  /** May there be no value, other than an invalid one? */
  readonly canBeAbsent: boolean;
  /** Names that are present where the test is true or false. */
  readonly present: readonly string[];
}

/** Operators that say nothing where one of their sides is missing. */
const NEED_BOTH: readonly string[] = [
  ...["==", "!=", "<", "<=", ">", ">="],
  ...["in", "starts_with", "ends_with", "contains"],
];
const YES: Domain = { kind: "members", members: new Set(["yes"]) };
const NO: Domain = { kind: "members", members: new Set(["no"]) };
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
/** Datetimes and durations are whole milliseconds, within the same bounds. */
const INTS: Space = { whole: [closed(-NUMBER_MAX, NUMBER_MAX)], step: 1 };
const FLOATS: Space = { whole: [closed(-Number.MAX_VALUE, Number.MAX_VALUE)], step: null };
const COUNTS: Space = { whole: [closed(0, LIST_ELEMENTS_MAX)], step: 1 };
/** Built-in numbers have narrower bounds than their type. */
const BUILTIN_INTS: Readonly<Record<string, Space>> = {
  "request.size": { whole: [closed(0, NUMBER_MAX)], step: 1 },
  "source.port": { whole: [closed(0, 65_535)], step: 1 },
  "destination.port": { whole: [closed(0, 65_535)], step: 1 },
};
/** Built-in texts that are brought into one form. */
const BUILTIN_TEXTS: Readonly<Record<string, Texts>> = {
  "request.path": { ...ALL_TEXTS, tests: [{ test: "starts", text: "/", holds: true }] },
  "request.host": { ...ALL_TEXTS, lower: true },
  "connection.requested_server_name": { ...ALL_TEXTS, lower: true },
};
/** IPv4 addresses are 0 to 2^32 - 1; those of IPv6 come behind them. */
const IPV6_START = 1n << 128n;
const IPV4_MAPPED = IPV6_START + (0xffffn << 32n);
const ADDRESSES: Space = {
  whole: [
    closed(0n, (1n << 32n) - 1n),
    closed(IPV6_START, IPV4_MAPPED - 1n),
    closed(IPV4_MAPPED + (1n << 32n), 2n * IPV6_START - 1n),
  ],
  step: 1n,
};
/** Larger tables are taken as a whole. */
const DATA_VALUES_MAX = 256;
/** `resource.type` where no resource matches: it equals no declared name. */
const NO_RESOURCE = "";

/** Finds out what single tests are about. */
export class Leaves {
  readonly #resolutions: Resolutions;
  readonly #canon: Canon;

  constructor(resolutions: Resolutions, canon: Canon) {
    this.#resolutions = resolutions;
    this.#canon = canon;
  }

  /** A test that is looked at as a whole: all that is known is that it is not true and false at once. */
  opaque(e: Expression, present: readonly string[]): Leaf {
    return { about: `: ${this.#canon.condition(e)}`, yes: YES, no: NO, canBeAbsent: true, present };
  }

  /** A bool alone. */
  truth(e: Extract<Expression, { kind: "path" }>): Leaf {
    const found = this.readable(e);
    if (found === null) return this.opaque(e, []);
    return this.#about(e, found, members(["true"]), members(["false"]));
  }

  compare(e: Compare): Leaf {
    const left = this.readable(e.left);
    if (e.operator === "in" && (e.right.kind === "list" || e.right.kind === "range")) {
      const items = e.right.kind === "list" ? e.right.items : [e.right];
      // What the items read may be missing: another of them, or one end of a range, can decide.
      return (
        (left === null ? null : this.#inConstants(e.left, left, items)) ?? this.opaque(e, this.#named(e.left))
      );
    }
    const data = this.#inData(e);
    if (data !== null) return data;
    const right = this.readable(e.right);
    const needed = NEED_BOTH.includes(e.operator) ? [...this.#named(e.left), ...this.#named(e.right)] : [];
    return this.#compared(e, left, right) ?? this.opaque(e, needed);
  }

  /** `x in teams`, `teams contains x` of a `data` table that is not too large to be looked at value by value. */
  #inData(e: Compare): Leaf | null {
    if (e.operator !== "in" && e.operator !== "contains") return null;
    const [value, table] = e.operator === "in" ? [e.left, e.right] : [e.right, e.left];
    const data = this.#resolutions.operands.get(table);
    const found = this.readable(value);
    if (data?.kind !== "set" || found === null || data.set.values.length > DATA_VALUES_MAX) return null;
    const domains = equalTo(found, data.set.values);
    return domains === null ? null : this.#about(value, found, domains.yes, domains.no);
  }

  #compared(e: Compare, left: Readable | null, right: Readable | null): Leaf | null {
    if (left !== null && right !== null) return this.#pair(e);
    const [l, r] = [this.#constant(e.left), this.#constant(e.right)];
    if (left !== null && r !== null) return this.#withConstant(e.left, left, e.operator, r);
    const operator = mirrored(e.operator);
    if (right !== null && l !== null && operator !== null)
      return this.#withConstant(e.right, right, operator, l);
    const computed =
      (r === null ? null : this.#computed(e.left, e.operator, r)) ??
      (l === null || operator === null ? null : this.#computed(e.right, operator, l));
    if (computed !== null) return computed;
    const [leftCount, rightCount] = [this.#count(e.left), this.#count(e.right)];
    if (leftCount !== null && r !== null) return countLeaf(leftCount, e.operator, r);
    if (rightCount !== null && l !== null && operator !== null) return countLeaf(rightCount, operator, l);
    return null;
  }

  /** Arithmetic, a function, `sum` and the like against a constant: one value, of which only the type is known. */
  #computed(e: Expression, operator: CompareOperator, value: ConstantValue): Leaf | null {
    const operand = this.#resolutions.operands.get(e);
    if (operand?.kind !== "computed") return null;
    const { type } = operand;
    const domains = testOf(
      { kind: "element", element: { name: "", type }, fields: [], type, optional: true },
      operator,
      value,
    );
    if (domains === null) return null;
    const [yes, no] =
      e.kind === "lower" ? [lowered(domains.yes), lowered(domains.no)] : [domains.yes, domains.no];
    // What a map gives is there for keys that are there only.
    const present = e.kind === "lookup" ? this.#named(e.key) : [];
    return { about: this.#canon.operand(e), yes, no, canBeAbsent: true, present };
  }

  /** A bool of a map alone. */
  lookup(e: Lookup): Leaf {
    const present = this.#named(e.key);
    return {
      about: this.#canon.lookup(e),
      yes: members(["true"]),
      no: members(["false"]),
      canBeAbsent: true,
      present,
    };
  }

  /** A path that is no constant. */
  readable(e: Expression): Readable | null {
    const found = e.kind === "path" ? this.#resolutions.names.get(e.path) : undefined;
    return found === undefined || found.kind === "constant" ? null : found;
  }

  /** The names on the way to a field: all are present when the field is. */
  waysTo(found: Readable): string[] {
    if (found.fields.length === 0) return [];
    const start = found.kind === "attribute" ? found.attribute.name : found.element.name;
    return found.fields.map((_, i) => [start, ...found.fields.slice(0, i)].join("."));
  }

  #named(e: Expression): string[] {
    const found = this.readable(e);
    const name = e.kind === "path" ? this.#canon.path(e.path) : null;
    return found === null || name === null ? [] : [...this.waysTo(found), name];
  }

  #constant(e: Expression): ConstantValue | null {
    const operand = this.#resolutions.operands.get(e);
    return operand?.kind === "constant" ? operand.value : null;
  }

  #count(e: Expression): Counted | null {
    if (e.kind !== "aggregate" || e.function !== "count") return null;
    const list = this.#canon.path(e.list);
    return { about: this.#canon.aggregate(e), present: list === null ? [] : [list] };
  }

  #about(e: Expression, found: Readable, yes: Domain, no: Domain): Leaf {
    const about = e.kind === "path" ? this.#canon.path(e.path)! : "";
    const canBeAbsent = !hasDefault(found);
    return { about, yes, no, canBeAbsent, present: this.waysTo(found) };
  }

  #inConstants(e: Expression, found: Readable, items: readonly Expression[]): Leaf | null {
    const constants: ConstantValue[] = [];
    const between: Interval[] = [];
    for (const item of items) {
      const value = this.#constant(item);
      const range = item.kind === "range" ? this.#between(found, item) : null;
      if (value !== null) constants.push(value);
      else if (range !== null) between.push(range);
      else return null;
    }
    if (items.length === 0) return null;
    const domains = between.length === 0 ? equalTo(found, constants) : inIntervals(found, constants, between);
    return domains === null ? null : this.#about(e, found, domains.yes, domains.no);
  }

  /** A range of constants, where they are numbers. */
  #between(found: Readable, range: Extract<Expression, { kind: "range" }>): Interval | null {
    const [low, high] = [this.#constant(range.low), this.#constant(range.high)];
    return low === null || high === null || !isSized(found.type)
      ? null
      : closed(Number(low.value), Number(high.value));
  }

  #withConstant(
    e: Expression,
    found: Readable,
    operator: CompareOperator,
    value: ConstantValue,
  ): Leaf | null {
    const domains = testOf(found, operator, value);
    return domains === null ? null : this.#about(e, found, domains.yes, domains.no);
  }

  /** Two attributes that are compared: less, equal or greater. */
  #pair(e: Compare): Leaf | null {
    const [left, right] = [this.#canon.condition(e.left), this.#canon.condition(e.right)];
    const operator = left <= right ? e.operator : mirrored(e.operator);
    const relations = operator === null ? null : (RELATIONS[operator] ?? null);
    if (relations === null) return null;
    const possible = left === right ? ["equal"] : ["less", "equal", "greater"];
    return {
      about: left <= right ? `${left} and ${right}` : `${right} and ${left}`,
      yes: members(possible.filter((relation) => relations.includes(relation))),
      no: members(possible.filter((relation) => !relations.includes(relation))),
      canBeAbsent: true,
      present: [...this.#named(e.left), ...this.#named(e.right)],
    };
  }
}

const RELATIONS: Partial<Record<CompareOperator, readonly string[]>> = {
  "==": ["equal"],
  "!=": ["less", "greater"],
  "<": ["less"],
  "<=": ["less", "equal"],
  ">": ["greater"],
  ">=": ["greater", "equal"],
};

function hasDefault(found: Readable): boolean {
  return found.kind === "attribute" && found.fields.length === 0 && found.attribute.default !== null;
}

// --- domains ---

interface Domains {
  readonly yes: Domain;
  readonly no: Domain;
}

function testOf(found: Readable, operator: CompareOperator, value: ConstantValue): Domains | null {
  switch (operator) {
    case "==":
    case "in":
      return equalTo(found, [value]);
    case "!=": {
      const equal = equalTo(found, [value]);
      return equal === null ? null : { yes: equal.no, no: equal.yes };
    }
    case "starts_with":
      return textTest(found, "starts", value);
    case "ends_with":
      return textTest(found, "ends", value);
    case "contains":
      return textTest(found, "contains", value);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return ordered(found, operator, value);
    default:
      return null;
  }
}

function equalTo(found: Readable, values: readonly ConstantValue[]): Domains | null {
  const { type } = found;
  const texts = values.map((v) => String(v.value));
  switch (type.kind) {
    case "int":
    case "float":
    case "datetime":
    case "duration":
      return inIntervals(found, values, []);
    case "bool":
      return among(texts, ["true", "false"]);
    case "enum":
      return among(texts, membersOf(type));
    case "string": {
      const all = textsOf(found);
      const set = new Set(texts);
      return {
        yes: { kind: "texts", texts: { ...all, only: set } },
        no: { kind: "texts", texts: { ...all, not: set } },
      };
    }
    case "ip":
      return numeric(joined(values.map(addressesOf)), ADDRESSES);
    case "cidr": {
      const set = new Set(values.map(constantText));
      return {
        yes: { kind: "values", not: false, values: set },
        no: { kind: "values", not: true, values: set },
      };
    }
    default:
      return null;
  }
}

function inIntervals(
  found: Readable,
  values: readonly ConstantValue[],
  between: readonly Interval[],
): Domains {
  const points = values.map((v) => closed(Number(v.value), Number(v.value)));
  return numeric(joined([...points, ...between]), spaceOf(found));
}

/** Are values of the type numbers? */
function isSized(type: Type): boolean {
  return isNumber(type) || type.kind === "datetime" || type.kind === "duration";
}

function textTest(found: Readable, test: TextTest["test"], value: ConstantValue): Domains | null {
  if (found.type.kind !== "string" || value.kind !== "string") return null;
  const all = textsOf(found);
  const domain = (holds: boolean): Domain => ({
    kind: "texts",
    texts: { ...all, tests: [...all.tests, { test, text: value.value, holds }] },
  });
  return { yes: domain(true), no: domain(false) };
}

function ordered(found: Readable, operator: "<" | "<=" | ">" | ">=", value: ConstantValue): Domains | null {
  const { type } = found;
  if (type.kind === "enum" && value.kind === "enum") {
    const limit = type.enum.members.indexOf(value.value);
    const fits = type.enum.members.filter((_, i) => isInOrder(i, operator, limit));
    return among(fits, membersOf(type));
  }
  if (type.kind === "string" && value.kind === "string") {
    const end = (open: boolean): TextEnd => ({ text: value.value, open });
    const all = textsOf(found);
    const low = (open: boolean): Domain => ({ kind: "texts", texts: { ...all, low: end(open) } });
    const high = (open: boolean): Domain => ({ kind: "texts", texts: { ...all, high: end(open) } });
    switch (operator) {
      case "<":
        return { yes: high(true), no: low(false) };
      case "<=":
        return { yes: high(false), no: low(true) };
      case ">":
        return { yes: low(true), no: high(false) };
      case ">=":
        return { yes: low(false), no: high(true) };
    }
  }
  if (!isSized(type)) return null;
  return numeric([beside(operator, Number(value.value))], spaceOf(found));
}

function lowered(domain: Domain): Domain {
  return domain.kind === "texts" ? { ...domain, texts: { ...domain.texts, lower: true } } : domain;
}

function isInOrder(a: number, operator: "<" | "<=" | ">" | ">=", b: number): boolean {
  return operator === "<" ? a < b : operator === "<=" ? a <= b : operator === ">" ? a > b : a >= b;
}

function beside(operator: "<" | "<=" | ">" | ">=", n: number): Interval {
  const isBelow = operator === "<" || operator === "<=";
  const isOpen = operator === "<" || operator === ">";
  return isBelow
    ? { low: -Infinity, lowOpen: false, high: n, highOpen: isOpen }
    : { low: n, lowOpen: isOpen, high: Infinity, highOpen: false };
}

function numeric(wanted: Intervals, space: Space): Domains {
  const no = complement(wanted, space);
  return {
    yes: { kind: "numbers", intervals: complement(no, space), space },
    no: { kind: "numbers", intervals: no, space },
  };
}

function among(chosen: readonly string[], all: readonly string[]): Domains {
  const set = new Set(chosen);
  return { yes: members(all.filter((m) => set.has(m))), no: members(all.filter((m) => !set.has(m))) };
}

function members(list: readonly string[]): Domain {
  return { kind: "members", members: new Set(list) };
}

function membersOf(type: Extract<Type, { kind: "enum" }>): readonly string[] {
  const { name, members: declared } = type.enum;
  // Only the built-in enum of resources has a small letter for a name that nobody can declare twice: it is open.
  return name === "resource" ? [...declared, NO_RESOURCE] : declared;
}

function builtinOf(found: Readable): Attribute | null {
  return found.kind === "attribute" && found.attribute.source === "builtin" ? found.attribute : null;
}

function spaceOf(found: Readable): Space {
  const narrower = BUILTIN_INTS[builtinOf(found)?.name ?? ""];
  return narrower ?? (found.type.kind === "float" ? FLOATS : INTS);
}

function textsOf(found: Readable): Texts {
  return BUILTIN_TEXTS[builtinOf(found)?.name ?? ""] ?? ALL_TEXTS;
}

// --- counts ---

type Counted = Pick<Leaf, "about" | "present">;

function countLeaf(counted: Counted, operator: CompareOperator, value: ConstantValue): Leaf | null {
  const n = Number(value.value);
  const wanted: Intervals | null =
    operator === "==" || operator === "!="
      ? [closed(n, n)]
      : operator === "<" || operator === "<=" || operator === ">" || operator === ">="
        ? [beside(operator, n)]
        : null;
  if (wanted === null || (value.kind !== "int" && value.kind !== "float")) return null;
  const { yes, no } = numeric(wanted, COUNTS);
  const [first, second] = operator === "!=" ? [no, yes] : [yes, no];
  return { ...counted, yes: allIn(first), no: allIn(second), canBeAbsent: true };
}

function allIn(domain: Domain): Domain {
  const all = domain.kind === "numbers" ? domain.intervals : COUNTS.whole;
  return { kind: "count", all, some: [], space: COUNTS };
}

/** Of a count of which not all numbers are in the other set: some number is in this one. */
export function someOf(domain: Domain): Domain {
  if (domain.kind !== "count") return domain;
  return { kind: "count", all: COUNTS.whole, some: [domain.all], space: COUNTS };
}

/** A count of which 0 is one of the numbers. */
export function withNone(domain: Domain): Domain {
  return domain.kind === "count" ? { ...domain, some: [...domain.some, [closed(0, 0)]] } : domain;
}

// --- addresses ---

function addressesOf(value: ConstantValue): Interval {
  const text = String(value.value);
  const address = parseAddress(text);
  if (address !== null) return block(address, 128);
  const network = parseNetwork(text);
  return "error" in network ? closed(0n, 2n * IPV6_START) : block(network.bytes, network.prefix);
}

function block(bytes: Uint8Array, prefix: number): Interval {
  const whole = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const isV4 = prefix >= 96 && isMapped(bytes);
  const first = isV4 ? whole & 0xffff_ffffn : IPV6_START + whole;
  return closed(first, first + (1n << BigInt(128 - prefix)) - 1n);
}

/** Closed intervals in any order and over each other, as a set. */
function joined(list: readonly Interval[]): Intervals {
  const sorted = [...list].sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
  const set: Interval[] = [];
  for (const interval of sorted) {
    const last = set.at(-1);
    if (last === undefined || interval.low > last.high) set.push(interval);
    else if (interval.high > last.high) set[set.length - 1] = closed(last.low, interval.high);
  }
  return set;
}
