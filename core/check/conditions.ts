/** Names and types in conditions. */

import { automatonOf, YES } from "../automaton/automaton.ts";
import { parseGlob } from "../automaton/parse-glob.ts";
import { parsePattern } from "../automaton/parse-pattern.ts";
import type { Parsed, Problem } from "../automaton/pattern.ts";
import { daysOf, hoursOf, offsetsOf } from "../schema/business-hours.ts";
import { BUILTINS_LATER, type Faulty, literalName, literalOf, NETWORK_EXAMPLE } from "../schema/resolve.ts";
import {
  type ConstantValue,
  type DataMap,
  type DataSet,
  isNumber,
  isOrdered,
  type Schema,
  sameType,
  type Type,
  typeName,
} from "../schema/schema.ts";
import { parseAddress, parseNetwork } from "../source/address.ts";
import { compareBytes } from "../source/bytes.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { BUILTINS, FRAME_DEPTH_MAX, TEMPORARIES_MAX } from "../source/gen/facts.ts";
import type { DiagnosticId } from "../source/ids.ts";
import type { Span } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import type { Aggregate, Arithmetic, Expression, Lookup, Name, PolicyDeclaration } from "../syntax/ast.ts";
import { valueSpan } from "../syntax/walk.ts";
import { calculated, lowered, resultType, temporariesOf } from "./arithmetic.ts";
import type { CheckedPattern, ElementBinding, Operand, Resolutions, Resolved } from "./check.ts";
import { valuesIn } from "./texts.ts";

type Compare = Extract<Expression, { kind: "compare" }>;
type ListLiteral = Extract<Expression, { kind: "list" }>;
type Range = Extract<Expression, { kind: "range" }>;
/** An operand with its type; null where it was wrong and is reported. */
type Typed = { readonly operand: Operand; readonly type: Type } | null;

const INT: Type = { kind: "int" };
const ROOTS = new Set(BUILTINS.map((b) => b.name.split(".")[0]!).filter((root) => root !== "resource"));

/** Check every trigger and requirement, and the conditions that stand in none. */
export function checkConditions(
  policies: readonly PolicyDeclaration[],
  others: readonly Expression[],
  schema: Schema,
  faulty: Faulty,
  report: Diagnostics,
): Resolutions {
  const checker = new ConditionChecker(schema, faulty, report);
  for (const policy of policies) checker.policy(policy);
  for (const condition of others) checker.condition(condition, []);
  return checker.resolutions;
}

const NUMERIC: readonly string[] = ["sum", "min", "max"];
const NOW = "now";
const HOURS_EXAMPLE = 'write `is_business_hours("Europe/Berlin", "09:00-17:00", "Mon-Fri")`';
const REQUEST_TIME = "request.time";
/** Names for which "did you mean" is looked for: it costs time, and nobody reads hundreds. */
export const SUGGESTIONS_MAX = 100;
/** Keys of a map that a message names. */
const KEYS_SHOWN_MAX = 8;
/** Elements of the longest list. */
const CONTAINED_MAX = 256;

/** Checks conditions one after the other; all that it finds is in `resolutions`. */
export class ConditionChecker {
  readonly #schema: Schema;
  readonly #faulty: Faulty;
  readonly #report: Diagnostics;
  /** First words of all names: an element named so would hide them. */
  readonly #firstWords: ReadonlySet<string>;
  readonly #elementNames: ReadonlySet<string>;
  /** Times that "did you mean" was looked for. */
  suggestions = 0;
  /** What names mean outside of all lists. */
  readonly #known = new Map<string, Resolved>();
  /** Zones whose clocks were asked for: working one out takes milliseconds. */
  readonly #clocks = new Map<string, ReturnType<typeof offsetsOf>>();
  readonly resolutions: Resolutions = {
    names: new Map(),
    operands: new Map(),
    patterns: new Map(),
    elements: new Map(),
    projections: new Map(),
    hours: new Map(),
    lookups: new Map(),
  };
  /** By operator and text; null where it is no pattern. Policies of one template share many. */
  readonly #patterns = new Map<string, CheckedPattern | Problem>();
  /** Values by key, of maps that a constant was looked up in. */
  readonly #entries = new Map<DataMap, ReadonlyMap<ConstantValue["value"], ConstantValue>>();
  /** Computed values that are reported. */
  readonly #faultyValues = new Set<Expression>();

  constructor(schema: Schema, faulty: Faulty, report: Diagnostics) {
    this.#schema = schema;
    this.#faulty = faulty;
    this.#report = report;
    const names = [
      ...schema.attributes.keys(),
      ...schema.builtins.keys(),
      ...schema.constants.keys(),
      ...schema.data.keys(),
      ...schema.maps.keys(),
    ];
    this.#firstWords = new Set(names.map((name) => name.split(".")[0]!));
    this.#elementNames = new Set(elementNamesOf(schema));
  }

  policy(policy: PolicyDeclaration): void {
    const { trigger, effect, limits } = policy;
    if (trigger !== null) this.condition(trigger, []);
    if (effect?.kind === "requires") this.condition(effect.condition, []);
    for (const { by } of limits) for (const { path } of by) this.#resolve(path, []);
    for (const { path } of valuesIn(policy)) this.#resolve(path, []);
  }

  condition(e: Expression, scope: readonly ElementBinding[]): void {
    switch (e.kind) {
      case "and":
      case "or":
        for (const part of e.parts) this.condition(part, scope);
        return;
      case "not":
        this.condition(e.operand, scope);
        return;
      case "exists":
        this.#exists(e.path, scope);
        return;
      case "exists_lookup":
        this.#existsLookup(e.lookup, scope);
        return;
      case "lookup":
        this.#lookupTruth(e, scope);
        return;
      case "compare":
        this.#compare(e, scope);
        return;
      case "aggregate":
        if (isQuantifier(e)) this.#aggregate(e, scope);
        else {
          this.#error(
            "not-a-condition",
            e.span,
            `a ${e.function} is a value, no condition`,
            `compare it: \`${e.function}(xs) >= 1\``,
          );
          this.#insideOf(e, scope);
        }
        return;
      case "path":
        this.#truth(e, scope);
        return;
      case "bool":
        return;
      case "error":
        return;
      default:
        this.#error("not-a-condition", e.span, "a value alone is no condition", "compare it with something");
    }
  }

  // --- names ---

  #exists(path: Name, scope: readonly ElementBinding[]): void {
    const found = this.#resolve(path, scope);
    if (found?.kind === "constant")
      this.#error(
        "type-mismatch",
        path.span,
        `\`${path.text}\` is a constant and always there`,
        "remove the `exists`",
      );
  }

  #truth(e: Extract<Expression, { kind: "path" }>, scope: readonly ElementBinding[]): void {
    const found = this.#resolve(e.path, scope);
    if (found === null) return;
    const type = found.kind === "constant" ? constantType(found.value) : found.type;
    if (type.kind !== "bool")
      this.#error(
        "not-a-condition",
        e.span,
        `\`${e.path.text}\` is ${aType(type)}, no condition`,
        "only a bool stands alone; compare it with something",
      );
  }

  #resolve(name: Name, scope: readonly ElementBinding[]): Resolved | null {
    const found = this.#lookUp(name, scope);
    if (found !== null) this.resolutions.names.set(name, found);
    return found;
  }

  #lookUp(name: Name, scope: readonly ElementBinding[]): Resolved | null {
    const known = scope.length === 0 ? this.#known.get(name.text) : undefined;
    if (known !== undefined) return known;
    const found = this.#find(name, scope);
    if (found !== null && scope.length === 0) this.#known.set(name.text, found);
    return found;
  }

  #find(name: Name, scope: readonly ElementBinding[]): Resolved | null {
    const parts = name.text.split(".");
    const element = scope.find((binding) => binding.name === parts[0]);
    if (element !== undefined) {
      const end = this.#fields(name, element.type, parts.slice(1), parts[0]!);
      return end === null
        ? null
        : { kind: "element", element, fields: parts.slice(1), type: end.type, optional: end.optional };
    }
    if (name.text === NOW) return this.#lookUp({ ...name, text: REQUEST_TIME }, scope);
    const constant = this.#schema.constants.get(name.text);
    if (constant !== undefined) return { kind: "constant", value: constant.value };
    if (this.#schema.data.has(name.text))
      return this.#error(
        "type-mismatch",
        name.span,
        `\`${name.text}\` is a set of data, no attribute`,
        `ask what is in it: \`x in ${name.text}\``,
      );
    const map = this.#schema.maps.get(name.text);
    if (map !== undefined)
      return this.#error(
        "type-mismatch",
        name.span,
        `\`${name.text}\` is a map of data, no attribute`,
        `ask what it gives a key: \`${name.text}[${typeName(map.key)}]\``,
      );
    for (let length = parts.length; length > 0; length--) {
      const prefix = parts.slice(0, length).join(".");
      const attribute = this.#schema.attributes.get(prefix) ?? this.#schema.builtins.get(prefix);
      if (attribute === undefined) continue;
      const end = this.#fields(name, attribute.type, parts.slice(length), prefix);
      if (end === null) return null;
      return {
        kind: "attribute",
        attribute,
        fields: parts.slice(length),
        type: end.type,
        optional: attribute.optional || end.optional,
      };
    }
    return this.#isFaulty(parts) ? null : this.#unknown(name, scope);
  }

  /** Declared, but the declaration is reported: then the use is not. */
  #isFaulty(parts: readonly string[]): boolean {
    return parts.some((_, i) => this.#faulty.attributes.has(parts.slice(0, i + 1).join(".")));
  }

  #fields(
    name: Name,
    start: Type,
    fields: readonly string[],
    prefix: string,
  ): { type: Type; optional: boolean } | null {
    let type = start;
    let optional = false;
    let walked = prefix;
    for (const field of fields) {
      if (type.kind !== "record") {
        const help =
          type.kind !== "list"
            ? "only records have fields"
            : NUMERIC.includes(field)
              ? `write ${field}(${walked})`
              : `ask about its elements: any(${walked} where ...)`;
        return this.#error(
          "unknown-attribute",
          name.span,
          `\`${walked}\` is ${aType(type)} and has no \`${field}\``,
          help,
        );
      }
      const info = type.record.fields.find((f) => f.name === field);
      if (info === undefined) {
        if (this.#faulty.types.has(type.record.name)) return null;
        const known = type.record.fields.map((f) => f.name);
        return this.#error(
          "unknown-attribute",
          name.span,
          `type \`${type.record.name}\` has no field \`${field}\``,
          didYouMean(field, known, `its fields are ${known.join(", ")}`),
        );
      }
      type = info.type;
      optional ||= info.optional;
      walked += `.${field}`;
    }
    return { type, optional };
  }

  #unknown(name: Name, scope: readonly ElementBinding[]): null {
    if (BUILTINS_LATER.includes(name.text)) {
      const help =
        name.text === "request.headers"
          ? 'declare an attribute: `... trusted from header "x-name"`'
          : "this version refuses what it cannot enforce";
      return this.#error("not-implemented", name.span, `\`${name.text}\` is not implemented yet`, help);
    }
    if (this.#elementNames.has(name.text.split(".")[0]!)) {
      return this.#error(
        "unknown-attribute",
        name.span,
        `\`${name.text}\` is known only inside the \`where\` of its list`,
        "write `any(xs where ...)`, or put a `where` at the end of the section",
      );
    }
    const advice = ROOTS.has(name.text.split(".")[0]!)
      ? "docs/language.md lists the built-in attributes"
      : "declare it under `attributes`";
    return this.#error(
      "unknown-attribute",
      name.span,
      `unknown attribute \`${name.text}\``,
      this.#nearName(name.text, scope, advice),
    );
  }

  #nearName(name: string, scope: readonly ElementBinding[], otherwise: string): string {
    if (++this.suggestions > SUGGESTIONS_MAX) return otherwise;
    const known = [
      ...this.#schema.attributes.keys(),
      ...this.#schema.builtins.keys(),
      ...this.#schema.constants.keys(),
      ...this.#schema.data.keys(),
      ...this.#schema.maps.keys(),
      ...scope.map((s) => s.name),
      ...this.#fieldNames(scope),
    ];
    return didYouMean(name, known, otherwise);
  }

  *#fieldNames(scope: readonly ElementBinding[]): Iterable<string> {
    for (const { name, type } of scope)
      if (type.kind === "record") for (const field of type.record.fields) yield `${name}.${field.name}`;
    for (const a of this.#schema.attributes.values()) {
      if (a.type.kind === "record") for (const field of a.type.record.fields) yield `${a.name}.${field.name}`;
    }
  }

  // --- aggregates ---

  #aggregate(e: Aggregate, scope: readonly ElementBinding[]): void {
    const list = this.#resolve(e.list, scope);
    if (list === null) return;
    if (list.kind === "constant" || list.type.kind !== "list") {
      const what = list.kind === "constant" ? "a constant" : aType(list.type);
      this.#error(
        "type-mismatch",
        e.list.span,
        `\`${e.list.text}\` is ${what}, no list`,
        `\`${e.function}\` takes a list`,
      );
      return;
    }
    if (e.where !== null) this.#where(e, list.type, scope);
    else if (e.function !== "count" && list.type.element.kind !== "bool") {
      this.#error(
        "type-mismatch",
        e.span,
        `\`${e.function}\` over ${aType(list.type)} needs a \`where\``,
        `write \`${e.function}(${e.list.text} where ...)\``,
      );
    }
    if (e.where === null && e.function !== "count" && scope.length >= FRAME_DEPTH_MAX) this.#tooDeep(e);
    if (e.function === "all" && e.where !== null && e.where.kind === "bool") {
      this.#report.warning(
        "vacuous-all",
        e.span,
        "`all` over a constant says nothing about the elements",
        "test the elements behind `where`",
      );
    }
  }

  #where(e: Aggregate, type: Extract<Type, { kind: "list" }>, scope: readonly ElementBinding[]): void {
    const name = type.elementName;
    if (name === null) {
      this.#error(
        "where-needs-element",
        e.list.span,
        `\`${e.list.text}\` has no element name, so \`where\` cannot speak of its elements`,
        `declare it as \`list of item: ${typeName(type.element)}\``,
      );
      return;
    }
    if (scope.length >= FRAME_DEPTH_MAX) this.#tooDeep(e);
    if (scope.some((s) => s.name === name) || this.#firstWords.has(name))
      this.#error(
        "shadowed-name",
        e.list.span,
        `the element name \`${name}\` hides another name`,
        "choose another element name",
      );
    const binding: ElementBinding = { name, type: type.element };
    this.resolutions.elements.set(e.list, binding);
    this.condition(e.where!, [...scope, binding]);
  }

  #tooDeep(e: Aggregate): void {
    this.#tooDeepAt(e.span);
  }

  #tooDeepAt(span: Span): void {
    this.#error("too-deep", span, `aggregates nested deeper than ${FRAME_DEPTH_MAX}`, "split the condition");
  }

  /**
   * `sum(xs)`, `min(xs.price where ...)`: the type of its value, or null where that is reported. A list in front of the
   * last fields is what is gone through.
   */
  #numeric(e: Aggregate, scope: readonly ElementBinding[]): Type | null {
    const list = this.#listOf(e, scope);
    if (list === null) return null;
    const { type, fields } = list;
    const end = this.#fields(e.list, type.element, fields, e.list.text);
    if (end === null) return null;
    const fits =
      isNumber(end.type) ||
      end.type.kind === "duration" ||
      (e.function !== "sum" &&
        (end.type.kind === "datetime" || (end.type.kind === "enum" && end.type.enum.ordered)));
    if (!fits) {
      const takes = e.function === "sum" ? "numbers and durations" : "what has an order but strings";
      this.#error(
        "type-mismatch",
        e.list.span,
        `\`${e.function}\` over ${aType(end.type)}: it takes ${takes}`,
        end.type.kind === "record"
          ? `name a field: ${e.function}(${e.list.text}.field)`
          : "choose another list",
      );
    }
    this.resolutions.projections.set(e.list, { fields, type: end.type });
    if (e.where !== null) this.#where(e, type, scope);
    return fits ? end.type : null;
  }

  /** The list that a name or a beginning of it means, and the fields behind; null where that is reported. */
  #listOf(
    e: Aggregate,
    scope: readonly ElementBinding[],
  ): { type: Extract<Type, { kind: "list" }>; fields: readonly string[] } | null {
    const parts = e.list.text.split(".");
    for (let length = parts.length; length > 0; length--) {
      const text = parts.slice(0, length).join(".");
      const found = this.#quietly({ ...e.list, text }, scope);
      if (found === null || found.kind === "constant" || found.type.kind !== "list") continue;
      this.resolutions.names.set(e.list, found);
      return { type: found.type, fields: parts.slice(length) };
    }
    const found = this.#resolve(e.list, scope);
    if (found === null) return null;
    const what = found.kind === "constant" ? "a constant" : aType(found.type);
    return this.#error(
      "type-mismatch",
      e.list.span,
      `\`${e.list.text}\` is ${what}, no list`,
      `\`${e.function}\` takes a list`,
    );
  }

  /** What a name means, or null, without a word about it. */
  #quietly(name: Name, scope: readonly ElementBinding[]): Resolved | null {
    const parts = name.text.split(".");
    const element = scope.find((binding) => binding.name === parts[0]);
    for (let length = parts.length; length > 0; length--) {
      const prefix = parts.slice(0, length).join(".");
      const attribute = this.#schema.attributes.get(prefix) ?? this.#schema.builtins.get(prefix);
      const start = element?.type ?? attribute?.type;
      if (start === undefined || (element !== undefined && length > 1)) continue;
      const known = fieldsExist(start, parts.slice(length));
      return known ? this.#lookUp(name, scope) : null;
    }
    return null;
  }

  // --- computed values ---

  /** The type of arithmetic, a function, `sum`, `min` or `max`; null where that is reported. Its parts are checked. */
  #computed(e: Expression, scope: readonly ElementBinding[]): Type | null {
    const known = this.resolutions.operands.get(e);
    if (known?.kind === "computed") return known.type;
    if (known?.kind === "constant") return constantType(known.value);
    if (this.#faultyValues.has(e)) return null;
    const type =
      e.kind === "arithmetic"
        ? this.#arithmetic(e, scope)
        : e.kind === "lower"
          ? this.#lower(e, scope)
          : e.kind === "lookup"
            ? this.#lookedUp(e, scope)
            : this.#numeric(e as Aggregate, scope);
    if (type === null) this.#faultyValues.add(e);
    else if (!this.resolutions.operands.has(e)) this.resolutions.operands.set(e, { kind: "computed", type });
    if (type !== null && temporariesOf(e) > TEMPORARIES_MAX)
      this.#error("too-deep", e.span, "too many values are computed for one test", "split the condition");
    return type;
  }

  #lower(e: Extract<Expression, { kind: "lower" }>, scope: readonly ElementBinding[]): Type | null {
    const string: Type = { kind: "string" };
    const operand = this.#operand(e.operand, string, scope)?.operand;
    if (operand === undefined) return null;
    if (operand.kind === "constant") {
      const value = lowered(String(operand.value.value));
      this.resolutions.operands.set(e, { kind: "constant", value: { kind: "string", value } });
    }
    return string;
  }

  /** `quota[tier]`: a constant where the key is one. */
  #lookedUp(e: Lookup, scope: readonly ElementBinding[]): Type | null {
    const map = this.#mapOf(e.table, scope);
    if (map === null) {
      this.#insideOf(e.key, scope);
      return null;
    }
    this.resolutions.lookups.set(e, map);
    const key = this.#operand(e.key, map.key, scope);
    if (key === null) return null;
    if (key.operand.kind === "constant") return this.#constantKey(e, map, key.operand.value);
    if (key.type.kind !== "float") return map.value;
    return this.#error(
      "type-mismatch",
      e.key.span,
      `a float is no key of \`${map.name}\``,
      "its keys are ints",
    );
  }

  #constantKey(e: Lookup, map: DataMap, key: ConstantValue): Type | null {
    const isSample = "from" in e.key && e.key.from?.isSample === true;
    const found = isSample ? map.entries[0]!.value : this.#entriesOf(map).get(key.value);
    if (found === undefined)
      return this.#error(
        "unknown-key",
        valueSpan(e.key),
        `\`${map.name}\` has no key ${JSON.stringify(key.value)}`,
        this.#nearKey(key, map),
      );
    this.resolutions.operands.set(e, { kind: "constant", value: found });
    return map.value;
  }

  #nearKey({ value }: ConstantValue, { entries }: DataMap): string {
    const keys = entries.slice(0, KEYS_SHOWN_MAX).map(({ key }) => JSON.stringify(key.value));
    const more = entries.length > keys.length ? ` and ${entries.length - keys.length} more` : "";
    const known = `its keys are ${keys.join(", ")}${more}`;
    if (typeof value !== "string" || ++this.suggestions > SUGGESTIONS_MAX) return known;
    return didYouMean(value, this.#keysLike(value, entries), known);
  }

  /** Keys of about the same length: a map may be large. */
  *#keysLike(value: string, entries: DataMap["entries"]): Iterable<string> {
    for (const { key } of entries) {
      const text = String(key.value);
      if (Math.abs(text.length - value.length) <= 2) yield text;
    }
  }

  #entriesOf(map: DataMap): ReadonlyMap<ConstantValue["value"], ConstantValue> {
    const known = this.#entries.get(map);
    if (known !== undefined) return known;
    const entries = new Map(map.entries.map(({ key, value }) => [key.value, value]));
    this.#entries.set(map, entries);
    return entries;
  }

  #mapOf(table: Name, scope: readonly ElementBinding[]): DataMap | null {
    const map = this.#schema.maps.get(table.text);
    if (map !== undefined) return map;
    const parts = table.text.split(".");
    if (this.#isFaulty(parts)) return null;
    if (this.#schema.data.has(table.text))
      return this.#error(
        "unknown-map",
        table.span,
        `\`${table.text}\` is a set of data, no map`,
        `ask what is in it: \`x in ${table.text}\``,
      );
    if (this.#schema.constants.has(table.text) || this.#quietly(table, scope) !== null)
      return this.#error(
        "unknown-map",
        table.span,
        `\`${table.text}\` is no map of data, and no index can be taken of it`,
        'declare an attribute from a JSON pointer such as "/items/0", or a map under `data`',
      );
    return this.#error(
      "unknown-map",
      table.span,
      `there is no map \`${table.text}\``,
      didYouMean(
        table.text,
        this.#schema.maps.keys(),
        `declare it under \`data\`: \`${parts.at(-1)}: map of string to int = {...}\``,
      ),
    );
  }

  #existsLookup(e: Lookup, scope: readonly ElementBinding[]): void {
    if (this.#computed(e, scope) === null || this.resolutions.operands.get(e)?.kind !== "constant") return;
    this.#error(
      "type-mismatch",
      e.span,
      "the key is a constant, and its value always there",
      "remove the `exists`",
    );
  }

  /** A bool of a map alone. */
  #lookupTruth(e: Lookup, scope: readonly ElementBinding[]): void {
    const type = this.#computed(e, scope);
    if (type !== null && type.kind !== "bool")
      this.#error(
        "not-a-condition",
        e.span,
        `this is ${aType(type)}, no condition`,
        "only a bool stands alone; compare it with something",
      );
  }

  #arithmetic(e: Arithmetic, scope: readonly ElementBinding[]): Type | null {
    const left = this.#typeOf(e.left, scope);
    const right = this.#typeOf(e.right, scope);
    if (left === null || right === null) {
      for (const side of [e.left, e.right]) this.#insideOf(side, scope);
      return null;
    }
    const l = left === "literal" ? this.#literalType(e.left, right) : left;
    const r = right === "literal" ? this.#literalType(e.right, left) : right;
    const type = l === null || r === null ? null : resultType(e.operator, l, r);
    if (type === null) {
      const names = [l, r].map((each) => (each === null ? "that" : aType(each)));
      return this.#error(
        "type-mismatch",
        e.span,
        `there is no ${names[0]} ${e.operator} ${names[1]}`,
        "calculate with numbers and durations; a datetime and a duration, or two datetimes with `-`",
      );
    }
    const a = this.#operand(e.left, l!, scope)?.operand;
    const b = this.#operand(e.right, r!, scope)?.operand;
    if (a === undefined || b === undefined) return null;
    if (a.kind !== "constant" || b.kind !== "constant") return type;
    const value = calculated(e.operator, type, a.value, b.value);
    if (value === null)
      return this.#error(
        "number-range",
        e.span,
        `no ${typeName(type)} is as large as this`,
        "write smaller ones",
      );
    this.resolutions.operands.set(e, { kind: "constant", value });
    return type;
  }

  /** The type of a literal or constant in arithmetic: its own, and of a text next to a time that of a datetime. */
  #literalType(e: Expression, other: Type | "literal"): Type | null {
    if (e.kind === "int" || e.kind === "float" || e.kind === "duration" || e.kind === "bool")
      return { kind: e.kind };
    const constant = e.kind === "path" ? this.resolutions.names.get(e.path) : undefined;
    const type = constant?.kind === "constant" ? constantType(constant.value) : ({ kind: "string" } as const);
    const beside = other === "literal" ? "string" : other.kind;
    const isTime = type.kind === "string" && (beside === "datetime" || beside === "duration");
    return isTime ? { kind: "datetime" } : type;
  }

  // --- comparisons ---

  #compare(e: Compare, scope: readonly ElementBinding[]): void {
    switch (e.operator) {
      case "in":
        this.#in(e, scope);
        return;
      case "contains":
        this.#contains(e, scope);
        return;
      case "contains_any":
      case "contains_all":
        this.#containsEach(e, scope);
        return;
      case "starts_with":
      case "ends_with":
        this.#textTest(e, scope);
        return;
      case "in_hours":
        this.#businessHours(e, scope);
        return;
      case "matches":
      case "like":
        this.#patternTest(e, scope);
        return;
      default:
        this.#ordinary(e, scope);
    }
  }

  /** `is_business_hours(zone, hours, days)` */
  #businessHours(e: Compare, scope: readonly ElementBinding[]): void {
    this.#operand(e.left, { kind: "datetime" }, scope);
    const items = (e.right as ListLiteral).items;
    const texts = items.map((item) => {
      const operand = this.#operand(item, { kind: "string" }, scope)?.operand;
      if (operand !== undefined && operand.kind !== "constant")
        this.#error("bad-hours", item.span, "this must be known when the policy is compiled", "write a text");
      return operand?.kind === "constant" ? String(operand.value.value) : null;
    });
    if (texts.includes(null)) return;
    if (texts.length > 3)
      this.#error("bad-hours", e.span, "`is_business_hours` takes a zone, hours and days", HOURS_EXAMPLE);
    const [zone, hours = "09:00-17:00", days = "Mon-Fri"] = texts as string[];
    const clock = this.#clockOf(zone!);
    if (clock === null)
      this.#error(
        "bad-hours",
        items[0]!.span,
        `there is no time zone \`${zone}\``,
        didYouMean(
          zone!,
          Intl.supportedValuesOf("timeZone"),
          'write a name such as "Europe/Berlin" or "UTC"',
        ),
      );
    const window = hoursOf(hours);
    if (window === null)
      this.#error(
        "bad-hours",
        items[1]!.span,
        `\`${hours}\` are no hours of a day`,
        'write such as "09:00-17:00"',
      );
    const weekdays = daysOf(days);
    if (weekdays === null)
      this.#error(
        "bad-hours",
        items[2]!.span,
        `\`${days}\` are no days of a week`,
        'write such as "Mon-Fri" or "Sat, Sun"',
      );
    if (clock === null || window === null || weekdays === null) return;
    this.resolutions.hours.set(e, { days: weekdays, ...window, ...clock });
  }

  #clockOf(zone: string): ReturnType<typeof offsetsOf> {
    const known = this.#clocks.get(zone);
    if (known !== undefined) return known;
    const clock = offsetsOf(zone);
    this.#clocks.set(zone, clock);
    return clock;
  }

  /** `== != < <= > >=` */
  #ordinary(e: Compare, scope: readonly ElementBinding[]): void {
    const left = this.#typeOf(e.left, scope);
    const right = this.#typeOf(e.right, scope);
    if (left === null || right === null) {
      this.#insideOf(e.left, scope);
      this.#insideOf(e.right, scope);
      return;
    }
    if (left === "literal" && right === "literal") {
      this.#twoConstants(e);
      return;
    }
    const type = left === "literal" ? (right as Type) : left;
    const other = right === "literal" ? type : (right as Type);
    if (!this.#comparable(e, type)) return;
    if (
      left !== "literal" &&
      right !== "literal" &&
      !sameType(type, other) &&
      !(isNumber(type) && isNumber(other))
    ) {
      this.#error(
        "type-mismatch",
        e.span,
        `${typeName(type)} and ${typeName(other)} cannot be compared`,
        "compare values of one type",
      );
      return;
    }
    const counted = isCount(e.left) || isCount(e.right);
    const l = this.#operand(e.left, counted ? INT : type, scope);
    const r = this.#operand(e.right, counted ? INT : type, scope);
    if (l?.operand.kind === "constant" && r?.operand.kind === "constant") this.#twoConstants(e);
  }

  #comparable(e: Compare, type: Type): boolean {
    if (type.kind === "list" || type.kind === "record") {
      this.#error(
        "not-implemented",
        e.span,
        `comparing ${aType(type)} as a whole is not implemented yet`,
        type.kind === "list" ? "use `contains`, `count`, `any` or `all`" : "compare its fields",
      );
      return false;
    }
    return e.operator === "==" || e.operator === "!=" || this.#hasOrder(e.operatorSpan, type);
  }

  #hasOrder(span: Span, type: Type): boolean {
    if (isOrdered(type)) return true;
    if (type.kind === "enum")
      this.#error(
        "unordered-enum",
        span,
        `\`${type.enum.name}\` has no order`,
        "declare it with `<` between its members",
      );
    else this.#error("type-mismatch", span, `${aType(type)} has no order`, "use `==` or `!=`");
    return false;
  }

  #twoConstants(e: Compare): void {
    this.#error(
      "constant-comparison",
      e.span,
      "both sides are constants",
      "one of them must be an attribute",
    );
  }

  #textTest(e: Compare, scope: readonly ElementBinding[]): void {
    const left = this.#operand(e.left, { kind: "string" }, scope);
    const right = this.#operand(e.right, { kind: "string" }, scope);
    if (left === null || right === null) return;
    if (left.operand.kind === "constant")
      this.#error(
        "type-mismatch",
        e.left.span,
        `the left side of \`${e.operator}\` is no attribute`,
        "ask an attribute about the text",
      );
  }

  #patternTest(e: Compare, scope: readonly ElementBinding[]): void {
    const right = this.#typeOf(e.right, scope);
    if (right !== null && right !== "literal") {
      this.#operand(e.left, { kind: "string" }, scope);
      this.#error(
        "type-mismatch",
        e.right.span,
        `the pattern of \`${e.operator}\` is not known when the policy is compiled`,
        "write it as a string or a constant; with an attribute use `==`, `starts_with`, `ends_with` or `contains`",
      );
      return;
    }
    this.#textTest(e, scope);
    const operand = this.resolutions.operands.get(e.right);
    if (operand?.kind !== "constant" || operand.value.kind !== "string") return;
    const found = this.#patternOf(e.operator === "like" ? "like" : "matches", operand.value.value);
    if ("message" in found) {
      this.#error(found.id, e.right.span, found.message, found.help);
      return;
    }
    this.resolutions.patterns.set(e, found);
    if (found.automaton.states === 0)
      this.#report.warning(
        "constant-condition",
        e.right.span,
        `the pattern matches ${found.automaton.start === YES ? "every text" : "no text"}`,
        found.automaton.start === YES ? "write `exists` if that is what is asked" : "correct the pattern",
      );
  }

  #patternOf(operator: "matches" | "like", text: string): CheckedPattern | Problem {
    const key = `${operator} ${text}`;
    let found = this.#patterns.get(key);
    if (found === undefined) {
      found = checkedPattern(operator === "like" ? parseGlob(text) : parsePattern(text));
      this.#patterns.set(key, found);
    }
    return found;
  }

  #contains(e: Compare, scope: readonly ElementBinding[]): void {
    const data = this.#dataOf(e.left);
    if (data !== null) {
      this.#inData(e.left, data, e.right, scope);
      return;
    }
    const left = this.#typeOf(e.left, scope);
    if (left === null) {
      this.#typeOf(e.right, scope);
      return;
    }
    if (left !== "literal" && left.kind === "list") {
      this.#listHas(e, e.left, left, e.right, scope);
      return;
    }
    if (left !== "literal" && left.kind === "cidr") {
      this.#error("type-mismatch", e.span, "a network is asked with `in`", "write `address in network`");
      return;
    }
    this.#textTest(e, scope);
  }

  /** The set of a `data` table that a path names. */
  #dataOf(e: Expression): DataSet | null {
    return e.kind === "path" ? (this.#schema.data.get(e.path.text) ?? null) : null;
  }

  /** A value in a set of a `data` table. */
  #inData(set: Expression, data: DataSet, value: Expression, scope: readonly ElementBinding[]): void {
    this.resolutions.operands.set(set, { kind: "set", set: data });
    const type = this.#typeOf(value, scope);
    if (type === null) return;
    if (type === "literal") {
      this.#error(
        "constant-comparison",
        value.span,
        "what is looked for in a set of data is a constant",
        "it is an attribute",
      );
      return;
    }
    if (value.kind === "aggregate") {
      this.#error(
        "not-implemented",
        value.span,
        "a count in a set of data is not implemented yet",
        "compare the count with numbers",
      );
      return;
    }
    const { element } = data;
    const fits =
      sameType(type, element) ||
      (isNumber(type) && isNumber(element)) ||
      (type.kind === "ip" && element.kind === "cidr");
    if (!fits || type.kind === "cidr") {
      const advice =
        type.kind === "list"
          ? `ask about its elements: any(${slice(value)} where ...)`
          : "ask for values of its type";
      this.#error(
        "type-mismatch",
        value.span,
        `${aType(type)} is in no set of ${typeName(element)}`,
        type.kind === "cidr" ? "a set of networks is asked for addresses" : advice,
      );
      return;
    }
    this.#sought(value, type, scope);
  }

  /** What `in` looks for: computed of constants it is one. */
  #sought(e: Expression, type: Type, scope: readonly ElementBinding[]): void {
    if (this.#operand(e, type, scope)?.operand.kind === "constant")
      this.#error("constant-comparison", e.span, "the left side of `in` is a constant", "it is an attribute");
  }

  /** `contains_any`, `contains_all`: a list, and a list of the text, another one, or a set of data. */
  #containsEach(e: Compare, scope: readonly ElementBinding[]): void {
    const type = this.#typeOf(e.left, scope);
    if (type === null) {
      if (e.right.kind !== "list" && this.#dataOf(e.right) === null) this.#typeOf(e.right, scope);
      return;
    }
    if (type === "literal" || type.kind !== "list" || type.element.kind === "record") {
      const what = type === "literal" ? "a constant" : aType(type);
      const help = "compare lists of single values; for others use `any(xs where ...)`";
      this.#error("type-mismatch", e.left.span, `\`${e.operator}\` asks no such thing as ${what}`, help);
      return;
    }
    this.#operand(e.left, type, scope);
    const { element } = type;
    const data = this.#dataOf(e.right);
    if (data !== null) this.#containsData(e, element, data, scope);
    else if (e.right.kind === "list") this.#containsLiteral(e.right, element, scope);
    else this.#containsList(e, element, scope);
  }

  #containsData(e: Compare, element: Type, data: DataSet, scope: readonly ElementBinding[]): void {
    this.resolutions.operands.set(e.right, { kind: "set", set: data });
    const isAddress = element.kind === "ip" && data.element.kind === "cidr";
    if (!comparableTypes(element, data.element) && !(isAddress && e.operator === "contains_any"))
      this.#error(
        "type-mismatch",
        e.right.span,
        `a list of ${typeName(element)} contains nothing of a set of ${typeName(data.element)}`,
        "compare values of one type",
      );
    else if (e.operator === "contains_all" || element.kind === "cidr") {
      if (data.values.length > CONTAINED_MAX)
        this.#error(
          "too-large",
          e.right.span,
          `\`${data.name}\` holds ${data.values.length} values, too many for \`${e.operator}\` of a list of ${typeName(element)}`,
          `a list has at most ${CONTAINED_MAX} elements`,
        );
    } else if (scope.length >= FRAME_DEPTH_MAX) this.#tooDeepAt(e.span);
  }

  #containsLiteral(list: ListLiteral, element: Type, scope: readonly ElementBinding[]): void {
    if (list.items.length === 0)
      this.#report.warning(
        "empty-list",
        valueSpan(list),
        "nothing is in an empty list",
        "write what may stand there, or remove the test",
      );
    for (const item of list.items) {
      if (item.kind === "aggregate" || item.kind === "range")
        this.#error("type-mismatch", item.span, "only single values are contained", "write them one by one");
      else this.#operand(item, element, scope);
    }
  }

  #containsList(e: Compare, element: Type, scope: readonly ElementBinding[]): void {
    const other = this.#typeOf(e.right, scope);
    if (other === null) return;
    if (other === "literal" || other.kind !== "list" || !comparableTypes(element, other.element)) {
      this.#error(
        "type-mismatch",
        e.right.span,
        `the right side of \`${e.operator}\` is no list of ${typeName(element)}`,
        'write `["a", "b"]`, a list of the same type, or a set of data',
      );
      return;
    }
    this.#operand(e.right, other, scope);
    if (scope.length >= FRAME_DEPTH_MAX) this.#tooDeepAt(e.span);
  }

  #in(e: Compare, scope: readonly ElementBinding[]): void {
    const data = this.#dataOf(e.right);
    if (data !== null) {
      this.#inData(e.right, data, e.left, scope);
      return;
    }
    if (e.right.kind === "range") {
      this.#inRange(e, e.right, scope);
      return;
    }
    if (e.right.kind === "list") {
      this.#inLiteral(e, e.right, scope);
      return;
    }
    const right = this.#typeOf(e.right, scope);
    if (right === null) {
      this.#typeOf(e.left, scope);
      return;
    }
    if (right !== "literal" && right.kind === "list") {
      this.#listHas(e, e.right, right, e.left, scope);
      return;
    }
    const left = this.#typeOf(e.left, scope);
    if (left === null) return;
    if (left !== "literal" && left.kind === "ip" && (right === "literal" || right.kind === "cidr")) {
      this.#sought(e.left, left, scope);
      if (right === "literal") this.#networkLiteral(e.right, scope);
      else this.#operand(e.right, right, scope);
      return;
    }
    const help =
      left !== "literal" && left.kind === "string"
        ? "`in` takes a list; for a part of a text use `contains`"
        : "`in` takes a list, or a network for an ip";
    this.#error("type-mismatch", e.right.span, "the right side of `in` is no list", help);
  }

  #inLiteral(e: Compare, list: ListLiteral, scope: readonly ElementBinding[]): void {
    const type = this.#typeOf(e.left, scope);
    if (type === null) {
      for (const item of list.items) if (item.kind !== "range") this.#typeOf(item, scope);
      return;
    }
    if (type === "literal") {
      this.#error(
        "constant-comparison",
        e.left.span,
        "the left side of `in [...]` is a constant",
        "it is an attribute",
      );
      return;
    }
    if (type.kind === "list" || type.kind === "record") {
      this.#error(
        "type-mismatch",
        e.left.span,
        `${aType(type)} is in no list`,
        type.kind === "list"
          ? `ask about its elements: any(${slice(e.left)} where ...)`
          : "compare its fields",
      );
      return;
    }
    this.#sought(e.left, type, scope);
    if (list.items.length === 0)
      this.#report.warning(
        "empty-list",
        list.span,
        "nothing is in an empty list",
        "write what may stand there, or remove the test",
      );
    for (const item of list.items) {
      if (item.kind === "range") this.#rangeOf(item, type, scope);
      else if (type.kind === "ip" && this.#typeOf(item, scope) === "literal")
        this.#networkLiteral(item, scope);
      else if (type.kind === "ip") this.#addressItem(item, scope);
      else this.#operand(item, type, scope);
    }
  }

  /** `x in low..high`. */
  #inRange(e: Compare, range: Range, scope: readonly ElementBinding[]): void {
    const type = this.#typeOf(e.left, scope);
    if (type === null || type === "literal") {
      for (const end of [range.low, range.high]) this.#insideOf(end, scope);
      if (type === "literal")
        this.#error(
          "constant-comparison",
          e.left.span,
          "the left side of `in` is a constant",
          "it is an attribute",
        );
      return;
    }
    this.#sought(e.left, type, scope);
    this.#rangeOf(range, type, scope);
  }

  /** Both ends are of the type, which has an order, and something may lie between them. */
  #rangeOf(range: Range, type: Type, scope: readonly ElementBinding[]): void {
    if (!this.#hasOrder(range.span, type)) return;
    const low = this.#operand(range.low, type, scope)?.operand;
    const high = this.#operand(range.high, type, scope)?.operand;
    if (low?.kind === "constant" && high?.kind === "constant" && comesBefore(high.value, low.value))
      this.#error("empty-range", range.span, "nothing lies in this range", "write the lower end first");
  }

  #addressItem(item: Expression, scope: readonly ElementBinding[]): void {
    const type = this.#typeOf(item, scope);
    if (type === null || type === "literal") return;
    if (type.kind !== "ip" && type.kind !== "cidr") {
      this.#error("type-mismatch", item.span, "an ip is in addresses and networks only", NETWORK_EXAMPLE);
      return;
    }
    this.#operand(item, type, scope);
  }

  /** `"10.0.0.0/8"` or one address behind `in`. */
  #networkLiteral(e: Expression, scope: readonly ElementBinding[]): void {
    const constant = e.kind === "path" ? this.#resolve(e.path, scope) : null;
    const value =
      e.kind === "string"
        ? e.value
        : constant?.kind === "constant" && typeof constant.value.value === "string"
          ? constant.value.value
          : null;
    if (value === null) {
      this.#error(
        "type-mismatch",
        e.span,
        "an ip is in addresses and networks only",
        'they are written in quotes: "10.0.0.0/8"',
      );
      return;
    }
    const address = parseAddress(value);
    const network = address === null ? parseNetwork(value) : null;
    if (network !== null && "error" in network) {
      this.#error(
        "bad-network",
        valueSpan(e),
        `\`${value}\` is no address or network: ${network.error}`,
        NETWORK_EXAMPLE,
      );
      return;
    }
    this.resolutions.operands.set(e, {
      kind: "constant",
      value: { kind: address === null ? "cidr" : "ip", value },
    });
  }

  #listHas(
    e: Compare,
    list: Expression,
    type: Extract<Type, { kind: "list" }>,
    value: Expression,
    scope: readonly ElementBinding[],
  ): void {
    this.#operand(list, type, scope);
    const valueType = this.#typeOf(value, scope);
    if (valueType === null) return;
    if (type.element.kind === "record") {
      this.#error(
        "type-mismatch",
        e.span,
        `\`${slice(list)}\` holds records`,
        `ask about their fields: any(${slice(list)} where ...)`,
      );
      return;
    }
    if (type.element.kind === "cidr" && valueType !== "literal" && valueType.kind === "ip") {
      this.#operand(value, valueType, scope);
      return;
    }
    if (isCount(value)) {
      this.#error(
        "not-implemented",
        value.span,
        "a count as a member of a list is not implemented yet",
        "compare the count with numbers",
      );
      return;
    }
    const wanted =
      valueType !== "literal" && isNumber(valueType) && isNumber(type.element) ? valueType : type.element;
    this.#operand(value, wanted, scope);
  }

  // --- operands ---

  /** Where one side is wrong, the other is not compared; but what stands in its `where` is checked. */
  #insideOf(e: Expression, scope: readonly ElementBinding[]): void {
    if (e.kind === "aggregate") {
      if (NUMERIC.includes(e.function)) this.#computed(e, scope);
      else this.#aggregate(e, scope);
    } else if (e.kind === "arithmetic" || e.kind === "lookup") this.#computed(e, scope);
    else if (e.kind === "not") this.condition(e.operand, scope);
    else if (e.kind === "and" || e.kind === "or") for (const part of e.parts) this.condition(part, scope);
    else if (e.kind === "compare") this.condition(e, scope);
  }

  /** The type of an operand on its own, "literal" where it depends on the other side; null when reported. */
  #typeOf(e: Expression, scope: readonly ElementBinding[]): Type | "literal" | null {
    switch (e.kind) {
      case "string":
      case "int":
      case "float":
      case "bool":
      case "duration":
        return "literal";
      case "path": {
        const found = this.resolutions.names.get(e.path) ?? this.#resolve(e.path, scope);
        return found === null ? null : found.kind === "constant" ? "literal" : found.type;
      }
      case "aggregate":
        if (e.function === "count") return INT;
        if (NUMERIC.includes(e.function)) return this.#computed(e, scope);
        this.#error(
          "type-mismatch",
          e.span,
          `\`${e.function}\` is a condition, no value`,
          "use it alone, or with `not` in front",
        );
        return null;
      case "arithmetic":
      case "lower":
      case "lookup":
        return this.#computed(e, scope);
      case "error":
        return null;
      case "list":
        this.#error("type-mismatch", e.span, "a list stands only behind `in`", "write `x in [...]`");
        return null;
      case "range":
        this.#error("type-mismatch", e.span, "a range stands only behind `in`", "write `x in 1..5`");
        return null;
      default:
        this.#error("type-mismatch", e.span, "a condition is no value", "join conditions with `and` or `or`");
        return null;
    }
  }

  /** Check an operand against the type that its place wants, and record what it is. */
  #operand(e: Expression, wanted: Type, scope: readonly ElementBinding[]): Typed {
    const found = this.#operandOf(e, wanted, scope);
    if (found !== null) this.resolutions.operands.set(e, found.operand);
    return found;
  }

  #operandOf(e: Expression, wanted: Type, scope: readonly ElementBinding[]): Typed {
    if (isCount(e)) return this.#countOperand(e as Aggregate, wanted, scope);
    if (isComputed(e)) return this.#computedOperand(e, wanted, scope);
    if (e.kind === "path") {
      const found = this.resolutions.names.get(e.path) ?? this.#resolve(e.path, scope);
      if (found === null) return null;
      if (found.kind === "constant") return this.#constantOperand(e, found.value, wanted);
      if (sameType(found.type, wanted) || (isNumber(found.type) && isNumber(wanted)))
        return { operand: found, type: found.type };
      return this.#error(
        "type-mismatch",
        e.span,
        `\`${e.path.text}\` is ${aType(found.type)}, not ${aType(wanted)}`,
        "compare values of one type",
      );
    }
    if (this.#typeOf(e, scope) === null) return null;
    if (isNumber(wanted) && e.kind === "float" && wanted.kind === "int") {
      return this.#error(
        "type-mismatch",
        e.span,
        `${literalName(e)} is no int`,
        "compare an int with an int",
      );
    }
    const value = literalOf(wanted, e, this.#report);
    return value === null ? null : { operand: { kind: "constant", value }, type: wanted };
  }

  #countOperand(e: Aggregate, wanted: Type, scope: readonly ElementBinding[]): Typed {
    this.#aggregate(e, scope);
    if (!isNumber(wanted))
      return this.#error(
        "type-mismatch",
        e.span,
        `a count is an int, not ${aType(wanted)}`,
        "compare it with an int",
      );
    return { operand: { kind: "count", aggregate: e }, type: INT };
  }

  #computedOperand(e: Expression, wanted: Type, scope: readonly ElementBinding[]): Typed {
    const type = this.#computed(e, scope);
    if (type === null) return null;
    const operand = this.resolutions.operands.get(e)!;
    if (sameType(type, wanted) || (isNumber(type) && isNumber(wanted))) return { operand, type };
    return this.#error(
      "type-mismatch",
      e.span,
      `this is ${aType(type)}, not ${aType(wanted)}`,
      "compare values of one type",
    );
  }

  /** A named constant takes part as a literal would. */
  #constantOperand(e: Extract<Expression, { kind: "path" }>, value: ConstantValue, wanted: Type): Typed {
    const type = constantType(value);
    if (sameType(type, wanted) || (type.kind === "int" && wanted.kind === "float")) {
      const converted: ConstantValue =
        value.kind === "int" && wanted.kind === "float" ? { kind: "float", value: value.value } : value;
      return { operand: { kind: "constant", value: converted }, type: wanted };
    }
    if (type.kind === "string") {
      const literal = literalOf(
        wanted,
        { kind: "string", value: String(value.value), span: e.span },
        this.#report,
      );
      return literal === null ? null : { operand: { kind: "constant", value: literal }, type: wanted };
    }
    return this.#error(
      "type-mismatch",
      e.span,
      `the constant \`${e.path.text}\` is ${aType(type)}, not ${aType(wanted)}`,
      "compare values of one type",
    );
  }

  #error(id: DiagnosticId, span: Span, message: string, help: string): null {
    this.#report.error(id, span, message, help);
    return null;
  }
}

function checkedPattern(parsed: Parsed): CheckedPattern | Problem {
  if (!parsed.ok) return parsed.problem;
  const built = automatonOf(parsed.pattern);
  return built.ok ? { pattern: parsed.pattern, automaton: built.automaton } : built.problem;
}

/** A type's name with its article. */
function aType(type: Type): string {
  const name = typeName(type);
  return `${/^[aeio]/i.test(name) ? "an" : "a"} ${name}`;
}

function* elementNamesOf(schema: Schema): Iterable<string> {
  const types = [
    ...[...schema.attributes.values()].map((a) => a.type),
    ...[...schema.records.values()].flatMap((r) => r.fields.map((f) => f.type)),
  ];
  for (const type of types) if (type.kind === "list" && type.elementName !== null) yield type.elementName;
}

function isQuantifier(e: Aggregate): boolean {
  return e.function === "any" || e.function === "all";
}

/** A count by itself: it is compared as the range of numbers that it may be. */
function isCount(e: Expression): boolean {
  return e.kind === "aggregate" && e.function === "count";
}

function isComputed(e: Expression): boolean {
  return (
    e.kind === "arithmetic" ||
    e.kind === "lower" ||
    e.kind === "lookup" ||
    (e.kind === "aggregate" && NUMERIC.includes(e.function))
  );
}

function fieldsExist(start: Type, fields: readonly string[]): boolean {
  let type: Type | undefined = start;
  for (const field of fields) {
    type = type?.kind === "record" ? type.record.fields.find((f) => f.name === field)?.type : undefined;
  }
  return type !== undefined;
}

/** Of two constants of one ordered type. */
function comesBefore(a: ConstantValue, b: ConstantValue): boolean {
  if (a.kind === "enum" && b.kind === "enum")
    return a.enum.members.indexOf(a.value) < b.enum.members.indexOf(b.value);
  if (a.kind === "string" && b.kind === "string") return compareBytes(a.value, b.value) < 0;
  return Number(a.value) < Number(b.value);
}

/** Equal types, or two of numbers. */
function comparableTypes(a: Type, b: Type): boolean {
  return sameType(a, b) || (isNumber(a) && isNumber(b));
}

function constantType(value: ConstantValue): Type {
  return value.kind === "enum" ? { kind: "enum", enum: value.enum } : { kind: value.kind };
}

function slice(e: Expression): string {
  return e.span.source.text.slice(e.span.start, e.span.end);
}
