/** Random conditions as small trees (for shrinking), right by construction in names, types and depth. */
import { isOrdered, sameType, type Type } from "../../core/schema/schema.ts";
import { ADDRESSES, globOf, NETWORKS, regularExpressionOf } from "./pools.ts";
import type { Random } from "./random.ts";
import { type GeneratedSchema, literal, rangeOf } from "./schema.ts";

export interface Aggregate {
  readonly function: "count" | "any" | "all" | "sum" | "min" | "max";
  readonly list: string;
  readonly where: Condition | null;
  /** Written `xs.count`. */
  readonly dotted: boolean;
}

export type Condition =
  | { readonly kind: "and" | "or"; readonly parts: readonly Condition[] }
  | { readonly kind: "not"; readonly operand: Condition }
  /** A test: words, operators and aggregates in order. */
  | { readonly kind: "leaf"; readonly tokens: readonly (string | Aggregate)[] };

/** A section's condition; a trailing `where` belongs to its one aggregate without a `where`. */
export interface Section {
  readonly condition: Condition;
  readonly where: Condition | null;
}

export interface ConditionOptions {
  /** Tests of optional attributes are guarded, as a trigger needs it: "or" by `not exists x or`, "either" also by `exists x and`. */
  readonly guarded: "no" | "or" | "either";
  /** Chooses constants: with another one the condition has the same shape. */
  readonly literals: Random;
}

/** Something that a condition can read. */
interface Readable {
  readonly text: string;
  readonly type: Type;
  /** Longest part of the name that may be absent by declaration. */
  readonly optional: string | null;
}

/** Where a condition stands: what can be read, how many aggregates enclose it, whether an aggregate may lack a `where`. */
interface Place {
  readonly readables: readonly Readable[];
  readonly frames: number;
  readonly open: boolean;
}

const FRAMES_MAX = 2;

export function generateSection(schema: GeneratedSchema, random: Random, options: ConditionOptions): Section {
  const generator = new ConditionGenerator(schema, random, options);
  const place: Place = { readables: rootReadables(schema), frames: 0, open: true };
  const trailing = random.chance(20) ? generator.trailing(place) : null;
  return trailing ?? { condition: generator.condition(place, 1 + random.below(6)), where: null };
}

function rootReadables(schema: GeneratedSchema): Readable[] {
  const declared = schema.attributes.flatMap((a) =>
    readablesBelow(a.name, a.type, a.optional && a.default === null ? a.name : null),
  );
  return [...declared, ...schema.builtins.map((b) => ({ text: b.name, type: b.type, optional: null }))];
}

function readablesBelow(text: string, type: Type, optional: string | null): Readable[] {
  const fields = type.kind === "record" ? type.record.fields : [];
  const below = fields.flatMap((f) =>
    readablesBelow(`${text}.${f.name}`, f.type, f.optional ? `${text}.${f.name}` : optional),
  );
  return [{ text, type, optional }, ...below];
}

class ConditionGenerator {
  readonly #schema: GeneratedSchema;
  readonly #random: Random;
  readonly #options: ConditionOptions;
  /** Optional names that the leaf being made reads. */
  #toGuard: string[] = [];

  constructor(schema: GeneratedSchema, random: Random, options: ConditionOptions) {
    this.#schema = schema;
    this.#random = random;
    this.#options = options;
  }

  condition(place: Place, size: number): Condition {
    if (size <= 1) return this.#leaf(place);
    const shape = this.#random.below(10);
    if (shape < 2) return { kind: "not", operand: this.condition(place, size - 1) };
    const parts = this.#random.times(2 + this.#random.below(2), () =>
      this.condition(place, Math.floor(size / 2)),
    );
    return { kind: shape < 6 ? "and" : "or", parts };
  }

  /** A section in the form `... xs.count >= 2 ... where ...`, or null when no list can be used so. */
  trailing(place: Place): Section | null {
    const lists = place.readables.filter((r) => r.type.kind === "list" && r.type.elementName !== null);
    if (lists.length === 0) return null;
    const list = this.#random.pick(lists);
    const bare = this.#guarding(() => this.#aggregateLeaf(list, null, { ...place, open: false }));
    const where = this.condition(this.#inside(list, place), 1 + this.#random.below(3));
    const others = this.#random.times(this.#random.below(3), () =>
      this.condition({ ...place, open: false }, 2),
    );
    const parts = this.#random.shuffled([
      this.#random.chance(20) ? ({ kind: "not", operand: bare } as const) : bare,
      ...others,
    ]);
    return {
      condition: parts.length === 1 ? parts[0]! : { kind: this.#random.pick(["and", "or"] as const), parts },
      where,
    };
  }

  #leaf(place: Place): Condition {
    return this.#guarding(() => {
      if (this.#random.chance(2)) return leaf(this.#random.pick(["true", "false"]));
      return this.#leafAbout(this.#pick(place), place);
    });
  }

  /** Elements first: a `where` that says nothing about its element is dull. Declared attributes before built-ins. */
  #pick(place: Place): Readable {
    const elements = place.readables.filter((r) => /^e\d/.test(r.text));
    if (elements.length > 0 && this.#random.chance(75)) return this.#random.pick(elements);
    const declared = place.readables.filter((r) => !this.#schema.builtins.some((b) => b.name === r.text));
    return this.#random.pick(declared.length > 0 && this.#random.chance(80) ? declared : place.readables);
  }

  /** Make a leaf, and guard the optional names that it reads. */
  #guarding(make: () => Condition): Condition {
    const outer = this.#toGuard;
    this.#toGuard = [];
    let made = make();
    if (this.#options.guarded !== "no" && !this.#random.chance(1)) {
      for (const name of innermostFirst(this.#toGuard)) {
        const exists = leaf("exists", name);
        const byOr = this.#options.guarded === "or" ? !this.#random.chance(5) : this.#random.chance(50);
        const guard: Condition = byOr ? { kind: "not", operand: exists } : exists;
        made = { kind: byOr ? "or" : "and", parts: this.#random.shuffled([guard, made]) };
      }
    }
    this.#toGuard = outer;
    return made;
  }

  #use(readable: Readable): string {
    if (readable.optional !== null) this.#toGuard.push(readable.optional);
    return readable.text;
  }

  #leafAbout(subject: Readable, place: Place): Condition {
    if (subject.text === "request.time" && this.#random.chance(60)) return this.#hoursLeaf();
    const found = this.#random.chance(12) ? this.#lookup(null, [subject]) : null;
    if (found !== null) return this.#lookupLeaf(found, place);
    if (this.#random.chance(8) || subject.type.kind === "record") return leaf("exists", subject.text);
    if (subject.type.kind === "list") return this.#listLeaf(subject, place);
    if (subject.type.kind === "bool" && this.#random.chance(60)) return leaf(this.#use(subject));
    return this.#scalarLeaf(subject, place);
  }

  #hoursLeaf(): Condition {
    const zone = this.#random.pick(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]);
    const hours = this.#random.pick(["", ', "00:00-24:00"', ', "11:00-17:01"', ', "09:00-17:00", "Thu-Fri"']);
    return leaf(`is_business_hours("${zone}"${hours})`);
  }

  // --- maps ---

  /** What some map gives one of the values, of the type if one is wanted; null where there is none. */
  #lookup(type: Type | null, among: readonly Readable[]): { text: string; type: Type } | null {
    const fitting = this.#schema.maps.flatMap((map) =>
      type !== null && !sameType(map.value, type)
        ? []
        : among.filter((r) => sameType(r.type, map.key)).map((key) => ({ map, key })),
    );
    if (fitting.length === 0) return null;
    const { map, key } = this.#random.pick(fitting);
    const lowered = key.type.kind === "string" && this.#random.chance(15);
    const used = this.#use(key);
    const text = `${map.name}[${lowered ? `lower(${used})` : used}]`;
    // Now and then of what is looked up.
    const next = this.#schema.maps.filter(
      (other) => sameType(other.key, map.value) && (type === null || sameType(other.value, type)),
    );
    if (next.length > 0 && this.#random.chance(20)) {
      this.#toGuard.push(text);
      const other = this.#random.pick(next);
      return { text: `${other.name}[${text}]`, type: other.value };
    }
    return { text, type: map.value };
  }

  #lookupLeaf({ text, type }: { text: string; type: Type }, place: Place): Condition {
    if (this.#random.chance(30)) return leaf("exists", text);
    const readable: Readable = { text, type, optional: text };
    if (type.kind === "bool" && this.#random.chance(60)) return leaf(this.#use(readable));
    return this.#scalarLeaf(readable, place);
  }

  // --- scalars ---

  #scalarLeaf(subject: Readable, place: Place): Condition {
    const { type } = subject;
    if (this.#random.chance(30)) return this.#inLeaf(subject, place);
    if (type.kind === "string" && this.#random.chance(15)) return this.#patternLeaf(subject);
    const operators = ["==", "!="];
    if (isOrdered(type)) operators.push("<", "<=", ">", ">=");
    if (type.kind === "string") operators.push("starts_with", "ends_with", "contains");
    const operator = this.#random.pick(operators);
    const left = this.#maybeComputed(type, this.#use(subject), place);
    const right = this.#operand(type, place);
    const flip = this.#random.chance(15) && !/[a-z]/.test(operator);
    return flip ? leaf(right, operator, left) : leaf(left, operator, right);
  }

  #patternLeaf(subject: Readable): Condition {
    const glob = this.#random.chance(30);
    const pattern = glob ? globOf(this.#options.literals) : regularExpressionOf(this.#options.literals);
    return leaf(this.#use(subject), glob ? "like" : "matches", JSON.stringify(pattern));
  }

  #inLeaf(subject: Readable, place: Place): Condition {
    const { type } = subject;
    const data = type.kind === "cidr" ? [] : this.#schema.data.filter((d) => fits(type, d.type, true));
    if (data.length > 0 && this.#random.chance(40)) {
      const { name } = this.#random.pick(data);
      return this.#random.chance(70)
        ? leaf(this.#use(subject), "in", name)
        : leaf(name, "contains", this.#use(subject));
    }
    const lists = place.readables.filter((r) => r.type.kind === "list" && fits(type, r.type.element, true));
    if (lists.length > 0 && this.#random.chance(40)) {
      const list = this.#use(this.#random.pick(lists));
      return this.#random.chance(50)
        ? leaf(this.#use(subject), "in", list)
        : leaf(list, "contains", this.#use(subject));
    }
    const left = this.#maybeComputed(type, this.#use(subject), place);
    if (type.kind === "ip" && this.#random.chance(50)) return leaf(left, "in", this.#network(place));
    if (isOrdered(type) && this.#random.chance(25)) return leaf(left, "in", this.#range(type, place));
    return leaf(
      left,
      "in",
      this.#list(this.#random.below(5), () =>
        type.kind === "ip" && this.#random.chance(60)
          ? this.#network(place)
          : isOrdered(type) && this.#random.chance(15)
            ? this.#range(type, place)
            : this.#operand(type, place),
      ),
    );
  }

  /** Of two constants the lower one comes first: anything else is an error. */
  #range(type: Type, place: Place): string {
    const [low, high] = rangeOf(type, this.#options.literals);
    if (this.#random.chance(60)) return `${low}..${high}`;
    const attribute = this.#random.pick(place.readables);
    if (!fits(type, attribute.type, false)) return `${low}..${high}`;
    const end = this.#use(attribute);
    return this.#random.chance(50) ? `${low}..${end}` : `${end} .. ${high}`;
  }

  #list(length: number, item: () => string): string {
    return `[${this.#random.times(length, item).join(", ")}]`;
  }

  /** A literal, a constant, or another attribute or element of the type. */
  #operand(type: Type, place: Place): string {
    const choice = this.#random.below(10);
    const others = place.readables.filter((r) => fits(type, r.type, false));
    const found = this.#random.chance(15) ? this.#lookup(type, place.readables) : null;
    if (found !== null) {
      this.#toGuard.push(found.text);
      return found.text;
    }
    if (choice < 3 && others.length > 0)
      return this.#maybeComputed(type, this.#use(this.#random.pick(others)), place);
    const constants = this.#schema.constants.filter(
      (c) =>
        c.value.kind === type.kind &&
        (c.value.kind !== "enum" || type.kind !== "enum" || c.value.enum === type.enum),
    );
    if (choice < 5 && constants.length > 0) return this.#random.pick(constants).name;
    return literal(
      type.kind === "float" && this.#random.chance(20) ? { kind: "int" } : type,
      this.#options.literals,
    ).text;
  }

  /** Now and then what is computed from a value of the type, of the same type. */
  #maybeComputed(type: Type, value: string, place: Place): string {
    if (!this.#random.chance(18)) return value;
    const other = (kind: "int" | "float" | "datetime" | "duration") => this.#term(kind, place);
    const operator = this.#random.pick(["+", "-", "*"]);
    switch (type.kind) {
      case "string":
        return `lower(${value})`;
      case "int":
        return this.#nested(`${value} ${operator} ${other("int")}`, other("int"));
      case "float":
        return this.#nested(`${other("float")} ${operator} ${value}`, other("int"));
      case "datetime":
        return `${value} ${this.#random.pick(["+", "-"])} ${other("duration")}`;
      case "duration":
        if (this.#random.chance(40)) return `${other("datetime")} - ${other("datetime")}`;
        return this.#random.chance(50) ? `${value} * ${other("int")}` : `${other("duration")} - ${value}`;
      default:
        return value;
    }
  }

  #nested(text: string, other: string): string {
    return this.#random.chance(70) ? text : `(${text}) * ${other} - ${other}`;
  }

  /** A value to calculate with: for times an attribute, so that not both sides are constants. */
  #term(kind: "int" | "float" | "datetime" | "duration", place: Place): string {
    const readables = place.readables.filter((r) => r.type.kind === kind);
    if (kind === "datetime") {
      if (this.#random.chance(30) || readables.length === 0)
        return this.#random.pick(["now", "request.time"]);
      return this.#use(this.#random.pick(readables));
    }
    if (readables.length > 0 && this.#random.chance(50)) return this.#use(this.#random.pick(readables));
    return kind === "duration"
      ? this.#random.pick(["1ms", "30m", "1d"])
      : this.#random.pick(["0", "1", "2", "3"]);
  }

  #network(place: Place): string {
    const attributes = place.readables.filter((r) => r.type.kind === "cidr");
    if (attributes.length > 0 && this.#random.chance(30)) return this.#use(this.#random.pick(attributes));
    return JSON.stringify(this.#options.literals.pick(this.#random.chance(80) ? NETWORKS : ADDRESSES).text);
  }

  // --- lists ---

  #listLeaf(list: Readable, place: Place): Condition {
    if (list.type.kind !== "list") throw new Error("no list");
    const { element } = list.type;
    if (element.kind !== "record" && this.#random.chance(35)) {
      const needle = this.#operand(element, place);
      return this.#random.chance(50)
        ? leaf(needle, "in", this.#use(list))
        : leaf(this.#use(list), "contains", needle);
    }
    const folded = this.#random.chance(30) ? this.#foldedLeaf(list, place) : null;
    if (folded !== null) return folded;
    if (element.kind !== "record" && this.#random.chance(35)) return this.#containsEach(list, element, place);
    const canWhere = this.#canFilter(list, place);
    const where =
      canWhere && this.#random.chance(75)
        ? this.condition(this.#inside(list, place), 1 + this.#random.below(4))
        : null;
    if (where === null && !place.open) return leaf("exists", list.text);
    return this.#aggregateLeaf(list, where, place);
  }

  #containsEach(list: Readable, element: Type, place: Place): Condition {
    const operator = this.#random.pick(["contains_any", "contains_all"]);
    const lies = operator === "contains_any";
    const others = [
      ...this.#schema.data.filter((d) => fits(element, d.type, lies)).map((d) => d.name),
      ...place.readables
        .filter((r) => r.type.kind === "list" && fits(element, r.type.element, false))
        .map((r) => r.text),
    ];
    const left = this.#use(list);
    if (others.length > 0 && this.#random.chance(60) && place.frames < FRAMES_MAX) {
      const other = this.#random.pick(others);
      const readable = place.readables.find((r) => r.text === other);
      return leaf(left, operator, readable === undefined ? other : this.#use(readable));
    }
    return leaf(
      left,
      operator,
      this.#list(this.#random.below(4), () => this.#operand(element, place)),
    );
  }

  /** `sum`, `min` or `max` of the elements or of one of their fields; null where there is nothing to take it of. */
  #foldedLeaf(list: Readable, place: Place): Condition | null {
    if (list.type.kind !== "list" || !place.open) return null;
    const { element } = list.type;
    const parts = readablesBelow("", element, null).filter((r) => isFoldable(r.type));
    if (parts.length === 0) return null;
    const { text, type } = this.#random.pick(parts);
    const isSum = type.kind !== "datetime" && type.kind !== "enum" && this.#random.chance(50);
    const where =
      this.#canFilter(list, place) && this.#random.chance(60)
        ? this.condition(this.#inside(list, place), 1 + this.#random.below(3))
        : null;
    const aggregate: Aggregate = {
      function: isSum ? "sum" : this.#random.pick(["min", "max"] as const),
      list: this.#use(list) + text,
      where,
      dotted: false,
    };
    const operator = this.#random.pick(["==", "!=", "<", "<=", ">", ">="]);
    const other = this.#operand(type, place);
    return {
      kind: "leaf",
      tokens: this.#random.chance(80) ? [aggregate, operator, other] : [other, operator, aggregate],
    };
  }

  /** Can a `where` here speak of the list's elements, without hiding an enclosing aggregate's? */
  #canFilter(list: Readable, place: Place): boolean {
    if (list.type.kind !== "list" || list.type.elementName === null || place.frames >= FRAMES_MAX)
      return false;
    const { elementName } = list.type;
    return !place.readables.some((r) => r.text === elementName);
  }

  #inside(list: Readable, place: Place): Place {
    if (list.type.kind !== "list" || list.type.elementName === null) throw new Error("no element name");
    const elements = readablesBelow(list.type.elementName, list.type.element, null);
    return { readables: [...place.readables, ...elements], frames: place.frames + 1, open: true };
  }

  /** `open` is false in the place of the one aggregate that a trailing `where` belongs to: it may be any of the three. */
  #aggregateLeaf(list: Readable, where: Condition | null, place: Place): Condition {
    const bools = list.type.kind === "list" && list.type.element.kind === "bool" && place.frames < FRAMES_MAX;
    const quantify = (where !== null || bools || !place.open) && this.#random.chance(45);
    const text = this.#use(list);
    if (quantify)
      return {
        kind: "leaf",
        tokens: [{ function: this.#random.pick(["any", "all"] as const), list: text, where, dotted: false }],
      };
    const count: Aggregate = {
      function: "count",
      list: text,
      where,
      dotted: where === null && this.#random.chance(50),
    };
    return this.#countLeaf(count, place);
  }

  #countLeaf(count: Aggregate, place: Place): Condition {
    if (this.#random.chance(20)) {
      const items = this.#list(this.#random.below(4), () => this.#number(place));
      return { kind: "leaf", tokens: [count, "in", items] };
    }
    const operator = this.#random.pick(["==", "!=", "<", "<=", ">", ">="]);
    const other = this.#random.chance(15) && place.open ? this.#otherCount(place) : this.#number(place);
    return {
      kind: "leaf",
      tokens: this.#random.chance(80) ? [count, operator, other] : [other, operator, count],
    };
  }

  /** What a count is compared with: mostly a number that it can be. */
  #number(place: Place): string {
    const numbers = place.readables.filter((r) => r.type.kind === "int" || r.type.kind === "float");
    if (numbers.length > 0 && this.#random.chance(25)) return this.#use(this.#random.pick(numbers));
    const constants = this.#schema.constants.filter((c) => c.value.kind === "int");
    if (constants.length > 0 && this.#random.chance(10)) return this.#random.pick(constants).name;
    return String(this.#random.below(4));
  }

  #otherCount(place: Place): Aggregate | string {
    const lists = place.readables.filter((r) => r.type.kind === "list");
    if (lists.length === 0) return this.#number(place);
    const list = this.#random.pick(lists);
    const canWhere = this.#canFilter(list, place);
    const where = canWhere && this.#random.chance(60) ? this.condition(this.#inside(list, place), 1) : null;
    return {
      function: "count",
      list: this.#use(list),
      where,
      dotted: where === null && this.#random.chance(50),
    };
  }
}

function leaf(...tokens: readonly string[]): Condition {
  return { kind: "leaf", tokens };
}

/** A look-up is asked where its key is known to be there: in a guard around its own. */
function innermostFirst(names: readonly string[]): string[] {
  const depth = (name: string): number => name.split("[").length;
  return [...new Set(names)].sort((a, b) => depth(b) - depth(a));
}

function isFoldable(type: Type): boolean {
  return isOrdered(type) && type.kind !== "string";
}

/** Can values of the types be compared for equality; with `lies`, also: can one lie in the other? */
function fits(type: Type, other: Type, lies: boolean): boolean {
  if (type.kind === "enum" && other.kind === "enum") return type.enum === other.enum;
  const numbers = ["int", "float"];
  if (numbers.includes(type.kind) && numbers.includes(other.kind)) return true;
  if (lies && type.kind === "ip" && other.kind === "cidr") return true;
  return type.kind === other.kind && type.kind !== "list" && type.kind !== "record";
}
