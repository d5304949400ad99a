/** The truth of a condition, read off the checked tree: every part is evaluated, nothing is skipped. */
import type { CheckedDocument, Operand, SetOperand } from "../../core/check/check.ts";
import type { Attribute, ConstantValue, DataSet, Type } from "../../core/schema/schema.ts";
import type { Aggregate, Arithmetic, Expression, Lookup, Name } from "../../core/syntax/ast.ts";
import { addressOf } from "./addresses.ts";
import type { Operators, Side, Truth } from "./operators.ts";
import { patternMatches } from "./patterns.ts";
import {
  ABSENT,
  type Address,
  type Content,
  INVALID,
  present,
  type Valuation,
  type Value,
} from "./values.ts";

type Compare = Extract<Expression, { kind: "compare" }>;
type Range = Extract<Expression, { kind: "range" }>;

/** All that a condition's truth depends on. */
export interface Scope {
  readonly document: CheckedDocument;
  readonly valuation: Valuation;
  readonly operators: Operators;
  /** Elements bound by enclosing aggregates, by element name. */
  readonly elements: ReadonlyMap<string, Value>;
}

export function truth(e: Expression, scope: Scope): Truth {
  switch (e.kind) {
    case "and":
      return scope.operators.and(e.parts.map((part) => truth(part, scope)));
    case "or":
      return scope.operators.or(e.parts.map((part) => truth(part, scope)));
    case "not":
      return scope.operators.not(truth(e.operand, scope));
    case "bool":
      return e.value ? "true" : "false";
    case "path":
      return isTrue(read(e.path, scope));
    case "exists":
      return scope.operators.exists(read(e.path, scope));
    case "exists_lookup":
      return scope.operators.exists(lookedUp(e.lookup, scope));
    case "lookup":
      return isTrue(
        operand(e, scope).kind === "constant" ? present(side(e, scope)![0]!) : lookedUp(e, scope),
      );
    case "aggregate":
      return quantified(e, scope);
    case "compare":
      return compared(e, scope);
    default:
      throw new Error(`a checked document holds no condition of kind ${e.kind}`);
  }
}

// --- values ---

/** What a path stands for now. */
export function read(name: Name, scope: Scope): Value {
  const found = scope.document.resolutions.names.get(name);
  if (found === undefined) throw new Error(`a checked document resolves \`${name.text}\``);
  if (found.kind === "constant") return present(constantContent(found.value));
  const start =
    found.kind === "element"
      ? (scope.elements.get(found.element.name) ?? ABSENT)
      : slot(found.attribute, scope.valuation);
  return found.fields.reduce(fieldOf, start);
}

/** A default replaces absent, never invalid. */
function slot(attribute: Attribute, valuation: Valuation): Value {
  const value = valuation.get(attribute.name) ?? ABSENT;
  return value.state === "absent" && attribute.default !== null
    ? present(constantContent(attribute.default))
    : value;
}

/** Fields of an absent record are absent, of an invalid one invalid. */
function fieldOf(record: Value, field: string): Value {
  if (record.state !== "present") return record;
  return (record.value as ReadonlyMap<string, Value>).get(field) ?? ABSENT;
}

function isTrue(value: Value): Truth {
  return value.state !== "present" ? "unknown" : value.value === true ? "true" : "false";
}

function constantContent(constant: ConstantValue): Content {
  return constant.kind === "ip" || constant.kind === "cidr" ? addressOf(constant.value) : constant.value;
}

// --- aggregates ---

/** The truth of the body for every element; null for a list that is absent or invalid. */
function forEach(e: Aggregate, scope: Scope): readonly Truth[] | null {
  const list = read(e.list, scope);
  if (list.state !== "present") return null;
  const binding = scope.document.resolutions.elements.get(e.list);
  return (list.value as readonly Value[]).map((element) => {
    if (e.where !== null)
      return truth(e.where, { ...scope, elements: new Map([...scope.elements, [binding!.name, element]]) });
    if (e.function !== "count") return isTrue(element);
    // Counted without `where`, an element that is not present is possible but not sure.
    return element.state === "present" ? "true" : "unknown";
  });
}

function quantified(e: Aggregate, scope: Scope): Truth {
  const truths = forEach(e, scope);
  if (truths === null) return "unknown";
  return e.function === "any" ? scope.operators.or(truths) : scope.operators.and(truths);
}

/** Every number that the count may be. */
function counted(e: Aggregate, scope: Scope): Side {
  const truths = forEach(e, scope);
  if (truths === null) return null;
  const numbers: number[] = [];
  const sure = truths.filter((t) => t === "true").length;
  const possible = truths.filter((t) => t !== "false").length;
  for (let n = sure; n <= possible; n++) numbers.push(n);
  return numbers;
}

// --- comparisons ---

function compared(e: Compare, scope: Scope): Truth {
  const { operators } = scope;
  if (e.operator === "contains_any" || e.operator === "contains_all") return containsEach(e, scope);
  const [haystack, needle] = e.operator === "contains" ? [e.left, e.right] : [e.right, e.left];
  const data = scope.document.resolutions.operands.get(haystack);
  if (data?.kind === "set") return inData(needle, data.set, scope);
  if (e.operator === "in_hours") return inHours(e, scope);
  if (e.operator === "in") {
    if (e.right.kind === "list") return inLiteral(e.left, e.right.items, scope);
    return e.right.kind === "range" ? inRange(e.left, e.right, scope) : isIn(e.left, e.right, scope);
  }
  const [leftOperand, rightOperand] = [operand(e.left, scope), operand(e.right, scope)];
  if (e.operator === "contains" && typeOf(leftOperand)?.kind === "list") return isIn(e.right, e.left, scope);
  const [left, right] = [side(e.left, scope), side(e.right, scope)];
  const members = membersOf(leftOperand) ?? membersOf(rightOperand);
  const less = (l: Content, r: Content) => operators.less(l, r, members);
  switch (e.operator) {
    case "==":
      return operators.test(left, right, operators.same);
    case "!=":
      return operators.test(left, right, (l, r) => !operators.same(l, r));
    case "<":
      return operators.test(left, right, less);
    case ">":
      return operators.test(left, right, (l, r) => less(r, l));
    case "<=":
      return operators.test(left, right, (l, r) => less(l, r) || operators.same(l, r));
    case ">=":
      return operators.test(left, right, (l, r) => less(r, l) || operators.same(l, r));
    case "starts_with":
      return operators.test(left, right, (l, r) => String(l).startsWith(String(r)));
    case "ends_with":
      return operators.test(left, right, (l, r) => String(l).endsWith(String(r)));
    case "contains":
      return operators.test(left, right, (l, r) => String(l).includes(String(r)));
    case "matches":
    case "like": {
      const { pattern } = scope.document.resolutions.patterns.get(e)!;
      return operators.test(left, right, (l) => patternMatches(pattern, String(l)));
    }
  }
}

/** What the zone's clocks show, by the engine's own calendar; the years that bundles know are 2020 to 2049. */
function inHours(e: Compare, scope: Scope): Truth {
  const now = side(e.left, scope);
  if (now === null || e.right.kind !== "list") return "unknown";
  const ms = Number(now[0]);
  if (ms < Date.UTC(2020, 0, 1) || ms >= Date.UTC(2050, 0, 1)) return "unknown";
  const [zone, hours = "09:00-17:00", days = "Mon-Fri"] = e.right.items.map((item) =>
    String(side(item, scope)![0]),
  );
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone!,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const shown = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const clock = `${shown.get("hour")}:${shown.get("minute")}`;
  const [from, to] = hours.split("-");
  const open = days.split(",").some((part) => {
    const week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const [first, last = first] = part.trim().toLowerCase().split("-");
    const day = week.indexOf(shown.get("weekday")!.toLowerCase());
    return day >= week.indexOf(first!) && day <= week.indexOf(last!);
  });
  return open && clock >= from! && clock < to! ? "true" : "false";
}

/** `x in [a, b]`: or of equalities (for an ip and a network: lies in); an unknown `x` is not even in an empty list. */
function inLiteral(needle: Expression, items: readonly Expression[], scope: Scope): Truth {
  const left = side(needle, scope);
  if (left === null) return "unknown";
  return scope.operators.or(
    items.map((item) =>
      item.kind === "range"
        ? inRange(needle, item, scope)
        : matches(left, kindOf(needle, scope), side(item, scope), kindOf(item, scope), scope),
    ),
  );
}

/** `x in a..b`: not before `a`, and not behind `b`. */
function inRange(needle: Expression, range: Range, scope: Scope): Truth {
  const { operators } = scope;
  const [low, x, high] = [side(range.low, scope), side(needle, scope), side(range.high, scope)];
  const members = membersOf(operand(needle, scope));
  const notBefore = operators.test(x, low, (value, end) => !operators.less(value, end, members));
  const notBehind = operators.test(x, high, (value, end) => !operators.less(end, value, members));
  return operators.and([notBefore, notBehind]);
}

/** `xs contains_any ys`: or (`contains_all`: and) over what stands right, of lying in the list on the left. */
function containsEach(e: Compare, scope: Scope): Truth {
  const join = e.operator === "contains_any" ? scope.operators.or : scope.operators.and;
  const list = side(e.left, scope);
  const elements = list === null ? null : (list[0] as readonly Value[]);
  const kind = (typeOf(operand(e.left, scope)) as Extract<Type, { kind: "list" }>).element.kind;
  const isIn = (value: Side, valueKind: string): Truth =>
    value === null || elements === null
      ? "unknown"
      : scope.operators.or(
          elements.map((element) => matches(sideOf(element), kind, value, valueKind, scope)),
        );
  const right = scope.document.resolutions.operands.get(e.right);
  const literal =
    right?.kind === "set"
      ? right.set.values.map((value) => isIn([constantContent(value)], value.kind))
      : e.right.kind === "list"
        ? e.right.items.map((item) => isIn(side(item, scope), kindOf(item, scope)))
        : null;
  if (literal !== null) return literal.length === 0 && elements === null ? "unknown" : join(literal);
  const others = side(e.right, scope);
  if (others === null) return "unknown";
  return join((others[0] as readonly Value[]).map((other) => isIn(sideOf(other), kind)));
}

/** `x in data`: or of equalities, as with a list that stands in the text. */
function inData(needle: Expression, { values }: DataSet, scope: Scope): Truth {
  const left = side(needle, scope);
  if (left === null) return "unknown";
  const kind = kindOf(needle, scope);
  return scope.operators.or(
    values.map((value) => matches(left, kind, [constantContent(value)], value.kind, scope)),
  );
}

/** `x in xs` for a list, `x in network`. */
function isIn(needle: Expression, haystack: Expression, scope: Scope): Truth {
  const left = side(needle, scope);
  const kind = kindOf(needle, scope);
  const type = typeOf(operand(haystack, scope));
  if (type?.kind !== "list")
    return matches(left, kind, side(haystack, scope), kindOf(haystack, scope), scope);
  const list = side(haystack, scope);
  if (left === null || list === null) return "unknown";
  const elements = list[0] as readonly Value[];
  return scope.operators.or(
    elements.map((element) => matches(left, kind, sideOf(element), type.element.kind, scope)),
  );
}

function matches(left: Side, leftKind: string, right: Side, rightKind: string, scope: Scope): Truth {
  const { same, contains } = scope.operators;
  const lies = leftKind === "ip" && rightKind === "cidr";
  return scope.operators.test(left, right, lies ? (l, r) => contains(l as Address, r as Address) : same);
}

function operand(e: Expression, scope: Scope): Exclude<Operand, SetOperand> {
  const found = scope.document.resolutions.operands.get(e);
  if (found === undefined || found.kind === "set")
    throw new Error(`a checked document resolves the operand at ${e.span.start}`);
  return found;
}

function side(e: Expression, scope: Scope): Side {
  const found = operand(e, scope);
  if (found.kind === "constant") return [constantContent(found.value)];
  if (found.kind === "count") return counted(found.aggregate, scope);
  if (found.kind === "computed") return sideOf(computed(e, scope));
  if (e.kind !== "path") throw new Error("only a path reads a slot");
  return sideOf(read(e.path, scope));
}

// --- computed values ---

/** Arithmetic, `lower`, `sum`, `min`, `max`: invalid where some part is not there, and beyond the bounds of its type. */
function computed(e: Expression, scope: Scope): Value {
  switch (e.kind) {
    case "arithmetic":
      return calculated(e, scope);
    case "lower": {
      const text = exactly(e.operand, scope);
      return text === null
        ? INVALID
        : present(String(text).replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
    }
    case "lookup":
      return lookedUp(e, scope);
    case "aggregate":
      return folded(e, scope);
    default:
      throw new Error(`nothing computes a ${e.kind}`);
  }
}

/** The one content that an operand has; null where it has none, or where a count may be several. */
function exactly(e: Expression, scope: Scope): Content | null {
  const contents = side(e, scope);
  return contents?.length === 1 ? contents[0]! : null;
}

/** The value beside the key: absent where the map has none such, invalid where the key is not known. */
function lookedUp(e: Lookup, scope: Scope): Value {
  const key = exactly(e.key, scope);
  if (key === null) return INVALID;
  const entry = scope.document.resolutions.lookups.get(e)!.entries.find((each) => each.key.value === key);
  return entry === undefined ? ABSENT : present(constantContent(entry.value));
}

function calculated(e: Arithmetic, scope: Scope): Value {
  const [left, right] = [exactly(e.left, scope), exactly(e.right, scope)];
  if (left === null || right === null) return INVALID;
  const [a, b] = [Number(left), Number(right)];
  return bounded(e.operator === "+" ? a + b : e.operator === "-" ? a - b : a * b, kindOf(e, scope));
}

function bounded(number: number, kind: string): Value {
  const fits = kind === "float" ? Number.isFinite(number) : Number.isSafeInteger(number);
  return fits ? present(number === 0 ? 0 : number) : INVALID;
}

/** One value of a field of the elements that count: unknown as soon as it is not known whether one does, or what its field is. */
function folded(e: Aggregate, scope: Scope): Value {
  const truths = forEach({ ...e, function: "count" }, scope);
  if (truths === null) return INVALID;
  const { fields } = scope.document.resolutions.projections.get(e.list)!;
  const elements = (read(e.list, scope) as { value: readonly Value[] }).value;
  const counting = elements.flatMap((element, i) => {
    if (truths[i] === "false") return [];
    return [e.where !== null && truths[i] === "unknown" ? INVALID : fields.reduce(fieldOf, element)];
  });
  if (counting.some((value) => value.state !== "present")) return INVALID;
  const contents = counting.map((value) => (value as { value: Content }).value);
  if (e.function !== "sum") return extreme(e, contents, scope);
  let sum: Value = present(0);
  for (const content of contents) {
    if (sum.state === "present") sum = bounded(Number(sum.value) + Number(content), kindOf(e, scope));
  }
  return sum;
}

function extreme(e: Aggregate, contents: readonly Content[], scope: Scope): Value {
  const members = membersOf(operand(e, scope));
  const before = (a: Content, b: Content) =>
    e.function === "min" ? scope.operators.less(a, b, members) : scope.operators.less(b, a, members);
  const [first, ...others] = contents;
  return first === undefined
    ? INVALID
    : present(others.reduce((best, each) => (before(each, best) ? each : best), first));
}

function sideOf(value: Value): Side {
  return value.state === "present" ? [value.value] : null;
}

function typeOf(found: Exclude<Operand, SetOperand>): Type | null {
  return found.kind === "constant" || found.kind === "count" ? null : found.type;
}

function kindOf(e: Expression, scope: Scope): string {
  const found = operand(e, scope);
  return found.kind === "constant" ? found.value.kind : found.kind === "count" ? "int" : found.type.kind;
}

function membersOf(found: Exclude<Operand, SetOperand>): readonly string[] | null {
  if (found.kind === "constant") return found.value.kind === "enum" ? found.value.enum.members : null;
  const type = typeOf(found);
  return type?.kind === "enum" ? type.enum.members : null;
}
