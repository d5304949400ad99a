/** From a checked document to the plan: names become cells, sugar becomes the few tests that the plan has. */
import { plainTextOf } from "../automaton/pattern.ts";
import type { CheckedDocument, Resolutions, Resolved, SetOperand } from "../check/check.ts";
import { burstOf, intervalOf } from "../check/limits.ts";
import { attributesOf, expiryOf, metadataOf } from "../check/policies.ts";
import {
  type Attribute,
  type ConstantValue,
  type Schema,
  type Sets,
  type Type,
  typeWidth,
} from "../schema/schema.ts";
import { compareBytes } from "../source/bytes.ts";
import { Locator, slice } from "../source/source.ts";
import type { Aggregate, Expression, Name, PolicyDeclaration, TextLiteral } from "../syntax/ast.ts";

import { namesOf } from "../syntax/walk.ts";
import {
  type Condition,
  type Count,
  type CountOperand,
  isRef,
  type Order,
  type Place,
  type Plan,
  type PlanNode,
  type PlanObligation,
  type PlanPart,
  type PlanPolicy,
  type PlanSets,
  type PlanSlot,
  type Read,
  type Ref,
  type Step,
} from "./plan.ts";

type Value = Ref | ConstantValue;
type Compare = Extract<Expression, { kind: "compare" }>;
type ListLiteral = Extract<Expression, { kind: "list" }>;
type Range = Extract<Expression, { kind: "range" }>;

const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;
type Severity = (typeof SEVERITIES)[number];

/** Lower a document that was checked without errors. */
export function lower(checked: CheckedDocument): Plan {
  const { schema, resolutions } = checked;
  const read = new Set<Attribute>();
  for (const policy of checked.policies)
    for (const builtin of builtinsOf(policy, schema, attributesOf(policy, resolutions))) read.add(builtin);
  const slots = layOut(schema, read);
  const lowering = new Lowering(resolutions, slots);
  const policies = checked.policies.map((policy) => lowering.policy(policy));
  return planOf(schema, slots, policies.sort(inOrder));
}

/** A plan of what is lowered. */
export function planOf(schema: Schema, slots: readonly PlanSlot[], policies: readonly PlanPolicy[]): Plan {
  const resource = schema.builtins.get("resource.type")!.type;
  return {
    defaultAllow: schema.defaultAllow,
    pathMode: schema.pathMode,
    enums: [...(resource.kind === "enum" ? [resource.enum] : []), ...schema.enums.values()],
    slots,
    resources: schema.resources,
    policies,
    sets: lowerSets(schema.sets, slots),
  };
}

function lowerSets(sets: Sets | null, slots: readonly PlanSlot[]): PlanSets | null {
  if (sets === null) return null;
  const selector = slots.find(({ attribute }) => attribute === sets.selector)!;
  return { selector, names: sets.names };
}

/** Built-ins that a policy reads: by its conditions, and the time where it expires. */
export function builtinsOf(
  policy: PolicyDeclaration,
  schema: Schema,
  reads: Iterable<Attribute>,
): readonly Attribute[] {
  const { builtins } = schema;
  const found = [...reads].filter((attribute) => builtins.get(attribute.name) === attribute);
  return expiryOf(policy) === null ? found : [...found, builtins.get("request.time")!];
}

/** Declared attributes in order of text, then the built-ins that are read, in order of their ids. */
export function layOut(
  { attributes: declared, builtins, sets }: Schema,
  read: ReadonlySet<Attribute>,
): PlanSlot[] {
  const attributes = [
    ...declared.values(),
    ...[...builtins.values()].filter((builtin) => read.has(builtin) || builtin === sets?.selector),
  ];
  let cell = 0;
  return attributes.map((attribute) => {
    const slot = { attribute, cell };
    cell += typeWidth(attribute.type);
    return slot;
  });
}

/** That of a plan. */
export function inOrder(a: PlanPolicy, b: PlanPolicy): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || compareBytes(a.name, b.name);
}

/** Status of a redirect that says none: the client asks again with GET. */
const FOUND = 302;

function obligationsOf(
  { onAllow, onDeny }: PolicyDeclaration,
  partsOf: (text: TextLiteral) => PlanPart[],
): PlanObligation[] {
  const obligations: PlanObligation[] = onAllow.map((action) => ({
    kind: ACTION_KINDS[`${action.kind} ${action.target}`]!,
    name: action.target.endsWith("header") ? action.header.value.toLowerCase() : action.header.value,
    value: action.kind === "remove" ? null : action.value.value,
    parts: action.kind === "remove" ? [] : partsOf(action.value),
  }));
  if (onDeny === null) return obligations;
  const answer = (name: string, value: string): void => {
    obligations.push({ kind: "set-answer", name: name.toLowerCase(), value, parts: [] });
  };
  for (const { header, value } of onDeny.headers) answer(header.value, value.value);
  if (onDeny.isJson) answer("content-type", "application/json");
  if (onDeny.redirect !== null) answer("location", onDeny.redirect.value);
  return obligations;
}

const ACTION_KINDS: Readonly<Record<string, PlanObligation["kind"]>> = {
  "set request header": "set-request",
  "append request header": "append-request",
  "remove request header": "remove-request",
  "set response header": "set-response",
  "set query parameter": "set-query",
  "remove query parameter": "remove-query",
  "set metadata": "set-metadata",
};

/** A bundle has each key once: what stands in several lines is joined. */
function metadata(p: PolicyDeclaration): PlanPolicy["metadata"] {
  const values = new Map<string, string>();
  for (const { key, value } of p.metadata) {
    const before = values.get(key.text);
    values.set(key.text, before === undefined ? value.text : `${before}; ${value.text}`);
  }
  return [...values].map(([key, value]) => ({ key, value }));
}

/** Where a condition stands. */
export type FindPlace = (e: Expression) => Place;

function placesIn(locator: Locator): FindPlace {
  return ({ span }) => ({ text: slice(span), ...locator.locate(span.source, span.start) });
}

/** Lowers policies one by one. */
export class Lowering {
  readonly #resolutions: Resolutions;
  readonly #cells: ReadonlyMap<Attribute, number>;
  readonly #placeOf: FindPlace;

  constructor(
    resolutions: Resolutions,
    slots: readonly PlanSlot[],
    placeOf: FindPlace = placesIn(new Locator()),
  ) {
    this.#resolutions = resolutions;
    this.#placeOf = placeOf;
    this.#cells = new Map(slots.map((slot) => [slot.attribute, slot.cell]));
  }

  policy(p: PolicyDeclaration): PlanPolicy {
    const effect = p.effect!;
    return {
      name: p.name.text,
      set: p.set?.value ?? null,
      intent: p.intent?.value ?? null,
      kind: p.kind,
      mode: metadataOf(p, "mode") === "permissive" ? "permissive" : "enforce",
      severity: (metadataOf(p, "severity") ?? "medium") as Severity,
      effect: effect.kind,
      trigger: p.trigger === null ? null : this.#node(p.trigger),
      requirement: effect.kind === "requires" ? this.#node(effect.condition) : null,
      denyStatus: p.onDeny?.status?.value ?? ((p.onDeny?.redirect ?? null) === null ? null : FOUND),
      denyBody: p.onDeny?.body?.value ?? null,
      denyBodyParts: this.#parts(p.onDeny?.body ?? null),
      denyBodyIsJson: p.onDeny?.isJson ?? false,
      reason: effect.kind === "denies" ? (effect.reason?.value ?? null) : null,
      obligations: obligationsOf(p, (text) => this.#parts(text)),
      metadata: metadata(p),
      expires: expiryOf(p),
      offWhenExpired: p.onExpiry !== null && expiryOf(p) !== null,
      limits: p.limits.map((limit) => ({
        intervalMicros: intervalOf(limit),
        burst: burstOf(limit),
        keys: limit.by.map(({ path }) => this.#ref(path, [])),
      })),
      limiterFailure: p.onLimiterFailure?.mode ?? "local",
    };
  }

  #parts(text: TextLiteral | null): PlanPart[] {
    return (text?.parts ?? []).map(({ value, text: behind }) => ({
      value: this.#ref(value.path, []),
      text: behind,
    }));
  }

  // --- the source tree ---

  #node(e: Expression): PlanNode {
    switch (e.kind) {
      case "and":
      case "or":
        return { kind: e.kind, parts: e.parts.map((part) => this.#node(part)) };
      case "not":
        return {
          kind: "not",
          operand: this.#node(e.operand),
          place: this.#placeOf(e),
          reads: this.#reads(e),
        };
      default:
        return {
          kind: "leaf",
          condition: this.#condition(e, []),
          place: this.#placeOf(e),
          reads: this.#reads(e),
        };
    }
  }

  #reads(e: Expression): Read[] {
    const found = new Map<string, Read>();
    for (const name of namesOf(e)) {
      const resolved = this.#resolutions.names.get(name);
      if (resolved?.kind !== "attribute") continue;
      const { attribute, fields } = resolved;
      const dotted = fields.length === 0 ? attribute.name : [attribute.name, ...fields].join(".");
      found.set(dotted, { cell: this.#refOf(resolved, []).cell, name: dotted });
    }
    const reads = [...found.values()];
    return reads.length < 2 ? reads : reads.sort((a, b) => compareBytes(a.name, b.name));
  }

  // --- conditions ---

  /** `frames`: names of the elements that are in scope, outermost first. */
  #condition(e: Expression, frames: readonly string[]): Condition {
    switch (e.kind) {
      case "and":
      case "or":
        return { kind: e.kind, parts: e.parts.map((part) => this.#condition(part, frames)) };
      case "not":
        return { kind: "not", operand: this.#condition(e.operand, frames) };
      case "bool":
        return { kind: "constant", value: e.value };
      case "exists":
        return { kind: "exists", ref: this.#ref(e.path, frames) };
      case "exists_lookup":
        return this.#computing(frames, (value) => ({ kind: "exists", ref: value(e.lookup) as Ref }));
      case "lookup":
        return this.#computing(frames, (value) => truthTest(value(e)));
      case "path": {
        const resolved = this.#resolutions.names.get(e.path)!;
        if (resolved.kind === "constant") return { kind: "constant", value: resolved.value.value === true };
        return { kind: "truth", ref: this.#refOf(resolved, frames) };
      }
      case "aggregate":
        return this.#quantifier(e, frames);
      case "compare":
        return this.#compare(e, frames);
      default:
        throw new Error(`a ${e.kind} is no condition; the checker lets none through`);
    }
  }

  #quantifier(e: Aggregate, frames: readonly string[]): Condition {
    const list = this.#ref(e.list, frames);
    const body = this.#body(e, frames) ?? { kind: "truth", ref: elementOf(list, frames.length + 1) };
    return { kind: e.function === "all" ? "all" : "any", list, body };
  }

  #body(e: Aggregate, frames: readonly string[]): Condition | null {
    const element = this.#resolutions.elements.get(e.list);
    return e.where === null || element === undefined
      ? null
      : this.#condition(e.where, [...frames, element.name]);
  }

  /** Make a test of operands, and put in front of it what must be computed for them. */
  #computing(frames: readonly string[], make: (value: (e: Expression) => Value) => Condition): Condition {
    const calculation = new Calculation();
    const test = make((e) => this.#value(e, calculation, frames));
    return calculation.steps.length === 0 ? test : { kind: "computing", steps: calculation.steps, test };
  }

  /** An operand; what is computed is then in a temporary. */
  #value(e: Expression, calculation: Calculation, frames: readonly string[]): Value {
    const operand = this.#resolutions.operands.get(e);
    if (operand === undefined)
      throw new Error(`no operand for \`${slice(e.span)}\`; the checker lets none through`);
    switch (operand.kind) {
      case "constant":
        return operand.value;
      case "count":
        return calculation.step(INT, (into) => ({
          kind: "tally",
          into,
          count: this.#count(operand.aggregate, frames),
        }));
      case "computed":
        return this.#computed(e, operand.type, calculation, frames);
      case "set":
        throw new Error(`a set is no value in \`${slice(e.span)}\`; the checker lets none through`);
      default:
        return this.#refOf(operand, frames);
    }
  }

  #computed(e: Expression, type: Type, calculation: Calculation, frames: readonly string[]): Ref {
    if (e.kind === "lower") {
      const ref = this.#value(e.operand, calculation, frames) as Ref;
      calculation.free(ref);
      return calculation.step(type, (into) => ({ kind: "lower", into, ref }));
    }
    if (e.kind === "lookup") {
      const map = this.#resolutions.lookups.get(e)!;
      const ref = this.#value(e.key, calculation, frames) as Ref;
      calculation.free(ref);
      return calculation.step(type, (into) => ({ kind: "lookup", into, ref, map }));
    }
    if (e.kind === "arithmetic") {
      const left = calculation.held(this.#value(e.left, calculation, frames));
      const right = calculation.held(this.#value(e.right, calculation, frames));
      calculation.free(right, left);
      return calculation.step(type, (into) => ({
        kind: ARITHMETIC[e.operator],
        into,
        left,
        right,
        float: type.kind === "float",
      }));
    }
    const aggregate = e as Aggregate;
    const { fields } = this.#resolutions.projections.get(aggregate.list)!;
    const count = this.#count(aggregate, frames);
    return calculation.step(type, (into) => ({
      kind: aggregate.function as "sum" | "min" | "max",
      into,
      count,
      field: fieldOffset(elementType(count.list), fields),
      float: type.kind === "float",
    }));
  }

  #count(e: Aggregate, frames: readonly string[]): Count {
    return { list: this.#ref(e.list, frames), body: this.#body(e, frames) };
  }

  #compare(e: Compare, frames: readonly string[]): Condition {
    switch (e.operator) {
      case "starts_with":
        return this.#text("starts", e, frames);
      case "ends_with":
        return this.#text("ends", e, frames);
      case "contains": {
        const data = this.#resolutions.operands.get(e.left);
        if (data?.kind === "set") return this.#inData(e.right, data, frames);
        return this.#isList(e.left) ? this.#has(e.left, e.right, frames) : this.#text("contains", e, frames);
      }
      case "contains_any":
      case "contains_all":
        return this.#containsEach(e, frames);
      case "matches":
      case "like":
        return this.#pattern(e, frames);
      case "in":
        return this.#in(e, frames);
      case "in_hours":
        return this.#hours(e, frames);
      default:
        return this.#ordered(e, frames);
    }
  }

  #text(test: "starts" | "ends" | "contains", e: Compare, frames: readonly string[]): Condition {
    return this.#computing(frames, (value) => ({
      kind: "text",
      test,
      left: value(e.left) as Ref,
      right: value(e.right),
    }));
  }

  #hours(e: Compare, frames: readonly string[]): Condition {
    const hours = this.#resolutions.hours.get(e)!;
    return this.#computing(frames, (value) => ({ kind: "hours", ref: value(e.left) as Ref, hours }));
  }

  /** A pattern that is nothing but a text is the test of texts that says the same. */
  #pattern(e: Compare, frames: readonly string[]): Condition {
    return this.#computing(frames, (value) => this.#patternTest(e, value(e.left) as Ref));
  }

  #patternTest(e: Compare, ref: Ref): Condition {
    const { pattern, automaton } = this.#resolutions.patterns.get(e)!;
    const plain = plainTextOf(pattern);
    if (plain === null) return { kind: "matches", ref, automaton };
    const right: ConstantValue = { kind: "string", value: plain.text };
    if (plain.anchoredAtBegin && plain.anchoredAtEnd)
      return { kind: "compare", order: "eq", left: ref, right };
    const starts = plain.anchoredAtBegin || plain.text === "";
    const test = starts ? "starts" : plain.anchoredAtEnd ? "ends" : "contains";
    return { kind: "text", test, left: ref, right };
  }

  /** `== != < <= > >=` */
  #ordered(e: Compare, frames: readonly string[]): Condition {
    const swapped = isCount(e.left) ? false : isCount(e.right) || this.#isConstant(e.left);
    const [left, right] = swapped ? [e.right, e.left] : [e.left, e.right];
    const { order, negated } = normalised(e.operator, swapped);
    const test = this.#orderTest(order, left, right, frames);
    return negated ? { kind: "not", operand: test } : test;
  }

  #orderTest(order: Order, left: Expression, right: Expression, frames: readonly string[]): Condition {
    if (isCount(left)) return this.#countTest(order, left, right, frames);
    return this.#computing(frames, (value) => this.#test(order, value(left) as Ref, value(right)));
  }

  #countTest(order: Order, left: Aggregate, right: Expression, frames: readonly string[]): Condition {
    return this.#computing(frames, (value) => ({
      kind: "count",
      order,
      left: this.#count(left, frames),
      right: isCount(right) ? { count: this.#count(right, frames) } : countOperand(value(right)),
    }));
  }

  #isConstant(e: Expression): boolean {
    return this.#resolutions.operands.get(e)?.kind === "constant";
  }

  #test(order: Order, left: Ref, right: Ref | ConstantValue): Condition {
    if (!isRef(right) && right.kind === "bool") {
      const truth: Condition = { kind: "truth", ref: left };
      return right.value ? truth : { kind: "not", operand: truth };
    }
    return { kind: "compare", order, left, right };
  }

  // --- in ---

  /** Sugar: of a list `any(ys where y in xs)`, of constants an `or` of `contains`, `all` and `and` likewise. */
  #containsEach(e: Compare, frames: readonly string[]): Condition {
    const list = this.#list(e.left, frames);
    const isAny = e.operator === "contains_any";
    const data = this.#resolutions.operands.get(e.right);
    // Networks of a request are in no constant set: only addresses lie in its networks.
    const inSet = elementType(list).kind !== "cidr";
    if (data?.kind === "set" && isAny && inSet && data.set.values.length > 0) {
      const ref = elementOf(list, frames.length + 1);
      return { kind: "any", list, body: inConstants(ref, data.set.values) };
    }
    if (data?.kind === "set" || e.right.kind === "list") {
      const parts =
        data?.kind === "set"
          ? data.set.values.map((value): Condition => ({ kind: "has", list, value }))
          : (e.right as ListLiteral).items.map((item) =>
              this.#computing(frames, (read) => ({ kind: "has", list, value: read(item) })),
            );
      if (parts.length > 1) return { kind: isAny ? "or" : "and", parts };
      return parts[0] ?? nothingIn(list, isAny);
    }
    const others = this.#list(e.right, frames);
    const value = elementOf(others, frames.length + 1);
    return { kind: isAny ? "any" : "all", list: others, body: { kind: "has", list, value } };
  }

  /** A list is never computed. */
  #list(e: Expression, frames: readonly string[]): Ref {
    return this.#value(e, new Calculation(), frames) as Ref;
  }

  /** In a set of a `data` table. */
  #inData(value: Expression, { set }: SetOperand, frames: readonly string[]): Condition {
    return this.#computing(frames, (read) => {
      const ref = read(value) as Ref;
      return set.values.length === 0 ? nothing(ref) : inConstants(ref, set.values);
    });
  }

  #in(e: Compare, frames: readonly string[]): Condition {
    const data = this.#resolutions.operands.get(e.right);
    if (data?.kind === "set") return this.#inData(e.left, data, frames);
    if (e.right.kind === "list") return this.#inLiteral(e.left, e.right.items, frames);
    if (e.right.kind === "range") return this.#inRange(e.left, e.right, frames);
    if (this.#isList(e.right)) return this.#has(e.right, e.left, frames);
    return this.#computing(frames, (value) => this.#inItem(value(e.left) as Ref, value(e.right)));
  }

  /** Both ends belong to it. */
  #inRange(left: Expression, range: Range, frames: readonly string[]): Condition {
    const test = (order: Order, end: Expression) => this.#orderTest(order, left, end, frames);
    return {
      kind: "and",
      parts: [{ kind: "not", operand: test("lt", range.low) }, test("le", range.high)],
    };
  }

  #inLiteral(left: Expression, items: readonly Expression[], frames: readonly string[]): Condition {
    const ranges = items
      .filter((item) => item.kind === "range")
      .map((range) => this.#inRange(left, range, frames));
    const single = items.filter((item) => item.kind !== "range");
    if (ranges.length === 0) return this.#inItems(left, single, frames);
    const rest = single.length === 0 ? [] : [this.#inItems(left, single, frames)];
    const tests = [...rest, ...ranges];
    return tests.length === 1 ? tests[0]! : { kind: "or", parts: tests };
  }

  #inItems(left: Expression, items: readonly Expression[], frames: readonly string[]): Condition {
    if (isCount(left)) return this.#countIn(left, items, frames);
    const test = (make: (ref: Ref, value: (e: Expression) => Value) => Condition) =>
      this.#computing(frames, (value) => make(value(left) as Ref, value));
    if (items.length === 0) return test(nothing);
    const constants = items.flatMap((item) => {
      const operand = this.#resolutions.operands.get(item);
      return operand?.kind === "constant" ? [operand.value] : [];
    });
    // What is computed is there for one test only: several are computed for each.
    const together =
      this.#isInSets(left) || constants.length < 2 ? [constants] : constants.map((each) => [each]);
    const fixed =
      constants.length === 0 ? [] : together.map((each) => test((ref) => this.#inConstants(ref, each)));
    const cells = items
      .filter((item) => !this.#isConstant(item))
      .map((item) => test((ref, value) => this.#inItem(ref, value(item))));
    const tests = [...fixed, ...cells].flatMap((c) => (c.kind === "or" ? c.parts : [c]));
    return tests.length === 1 ? tests[0]! : { kind: "or", parts: tests };
  }

  #isInSets(e: Expression): boolean {
    const operand = this.#resolutions.operands.get(e);
    return operand !== undefined && "type" in operand && setType(operand.type);
  }

  #inConstants(ref: Ref, constants: readonly ConstantValue[]): Condition {
    if (setType(ref.type) && constants.length > 1) return { kind: "in-set", ref, set: constants };
    const tests = constants.map((constant) => this.#inItem(ref, constant));
    return tests.length === 1 ? tests[0]! : { kind: "or", parts: tests };
  }

  #countIn(left: Aggregate, items: readonly Expression[], frames: readonly string[]): Condition {
    const parts = items.map((item) => this.#countTest("eq", left, item, frames));
    // No number is below 0, so this is false, and unknown where the list is.
    if (parts.length === 0)
      return { kind: "count", order: "lt", left: this.#count(left, frames), right: { number: 0 } };
    return parts.length === 1 ? parts[0]! : { kind: "or", parts };
  }

  /** Equality, or an ip in a network. */
  #inItem(ref: Ref, item: Ref | ConstantValue): Condition {
    if (ref.type.kind === "ip") {
      if (!isRef(item)) return { kind: "in-set", ref, set: [item] };
      if (item.type.kind === "cidr") return { kind: "in-cidr", ref, network: item };
    }
    return this.#test("eq", ref, item);
  }

  #has(list: Expression, value: Expression, frames: readonly string[]): Condition {
    return this.#computing(frames, (read) => {
      const listRef = read(list) as Ref;
      const operand = read(value);
      if (isRef(operand) && operand.type.kind === "ip" && elementType(listRef).kind === "cidr")
        return { kind: "in-cidrs", ref: operand, list: listRef };
      return { kind: "has", list: listRef, value: operand };
    });
  }

  #isList(e: Expression): boolean {
    if (e.kind !== "path") return false;
    const resolved = this.#resolutions.names.get(e.path);
    return resolved !== undefined && resolved.kind !== "constant" && resolved.type.kind === "list";
  }

  // --- operands ---

  #ref(name: Name, frames: readonly string[]): Ref {
    const resolved = this.#resolutions.names.get(name)!;
    if (resolved.kind === "constant")
      throw new Error(`\`${name.text}\` is a constant; the checker lets none through`);
    return this.#refOf(resolved, frames);
  }

  #refOf(resolved: Exclude<Resolved, { kind: "constant" }>, frames: readonly string[]): Ref {
    if (resolved.kind === "attribute") {
      const cell =
        this.#cells.get(resolved.attribute)! + fieldOffset(resolved.attribute.type, resolved.fields);
      return { frame: 0, cell, type: resolved.type };
    }
    const frame = (frames.indexOf(resolved.element.name) + 1) as 1 | 2;
    return { frame, cell: fieldOffset(resolved.element.type, resolved.fields), type: resolved.type };
  }
}

const INT: Type = { kind: "int" };
const ARITHMETIC = { "+": "add", "-": "subtract", "*": "multiply" } as const;

/** The steps in front of one test, and which temporaries still hold something. */
class Calculation {
  readonly steps: Step[] = [];
  readonly #taken = new Set<number>();

  /** A step into a temporary that is free. */
  step(type: Type, make: (into: number) => Step): Ref {
    let into = 0;
    while (this.#taken.has(into)) into++;
    this.#taken.add(into);
    this.steps.push(make(into));
    return { frame: 3, cell: into, type };
  }

  /** A value as a cell: a constant takes a temporary. */
  held(value: Value): Ref {
    if (isRef(value)) return value;
    const type = { kind: value.kind } as Type;
    return this.step(type, (into) => ({ kind: "number", into, value }));
  }

  /** What a step reads is not needed behind it. */
  free(...refs: readonly Ref[]): void {
    for (const ref of refs) if (ref.frame === 3) this.#taken.delete(ref.cell);
  }
}

function isCount(e: Expression): e is Aggregate {
  return e.kind === "aggregate" && e.function === "count";
}

function countOperand(value: Value): CountOperand {
  return isRef(value) ? { ref: value } : { number: Number(value.value) };
}

/** Cells between a record's own cell and that of a field below it. */
function fieldOffset(start: Type, fields: readonly string[]): number {
  let type = start;
  let offset = 0;
  for (const field of fields) {
    if (type.kind !== "record") throw new Error("a field of no record; the checker lets none through");
    offset++;
    for (const info of type.record.fields) {
      if (info.name === field) {
        type = info.type;
        break;
      }
      offset += typeWidth(info.type);
    }
  }
  return offset;
}

/** A bool alone. */
function truthTest(value: Value): Condition {
  return isRef(value) ? { kind: "truth", ref: value } : { kind: "constant", value: value.value === true };
}

/** With the sides swapped `<` is `>`; `>` is the negation of `<=`. */
function normalised(operator: string, swapped: boolean): { order: Order; negated: boolean } {
  switch (operator) {
    case "==":
      return { order: "eq", negated: false };
    case "!=":
      return { order: "eq", negated: true };
    case "<":
      return swapped ? { order: "le", negated: true } : { order: "lt", negated: false };
    case "<=":
      return swapped ? { order: "lt", negated: true } : { order: "le", negated: false };
    case ">":
      return swapped ? { order: "lt", negated: false } : { order: "le", negated: true };
    default:
      return swapped ? { order: "le", negated: false } : { order: "lt", negated: true };
  }
}

/** False for every value, unknown without one: nothing is in an empty list, but a test of nothing says nothing. */
function nothing(ref: Ref): Condition {
  return { kind: "not", operand: { kind: "compare", order: "eq", left: ref, right: ref } };
}

/** Nothing is contained: false for any, true for all, and unknown without a list. No number of elements is below 0. */
function nothingIn(list: Ref, isAny: boolean): Condition {
  const never: Condition = { kind: "count", order: "lt", left: { list, body: null }, right: { number: 0 } };
  return isAny ? never : { kind: "not", operand: never };
}

/** At least one constant. Networks are compared one by one: a set of them is for addresses that lie in it. */
function inConstants(ref: Ref, values: readonly ConstantValue[]): Condition {
  if (ref.type.kind !== "cidr") return { kind: "in-set", ref, set: values };
  const parts = values.map((right): Condition => ({ kind: "compare", order: "eq", left: ref, right }));
  return parts.length === 1 ? parts[0]! : { kind: "or", parts };
}

/** Types whose constants can stand in a set. */
function setType(type: Type): boolean {
  return type.kind !== "bool" && type.kind !== "cidr";
}

function elementType(list: Ref): Type {
  if (list.type.kind !== "list") throw new Error("elements of no list; the checker lets none through");
  return list.type.element;
}

function elementOf(list: Ref, frame: number): Ref {
  return { frame: frame as 1 | 2, cell: 0, type: elementType(list) };
}
