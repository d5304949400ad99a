/** From declarations to a schema: names, types, sources, resources and constants, each checked on its own. */

import { parseAddress, parseNetwork } from "../source/address.ts";
import { Diagnostics } from "../source/diagnostics.ts";
import { BUILTINS, JSON_DEPTH_MAX, SHAPE_WIDTH_MAX } from "../source/gen/facts.ts";
import { NOT_ENFORCED } from "../source/ids.ts";
import type { Span } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import { parseDatetime } from "../source/time.ts";
import type {
  AttributeDeclaration,
  ConstantDeclaration,
  DataTable,
  Declaration,
  Document,
  Expression,
  Name,
  NamedKind,
  TypeDeclaration,
  TypeReference,
} from "../syntax/ast.ts";
import { RESERVED } from "../syntax/parser.ts";
import { valueSpan } from "../syntax/walk.ts";
import { resolveTable } from "./data.ts";
import { resolveMap } from "./data-maps.ts";
import { FirstPlaces } from "./first-places.ts";
import { resolvePathMode } from "./path-mode.ts";
import { resolveSets } from "./policy-sets.ts";
import { resolveResources } from "./resources.ts";
import {
  type Attribute,
  type Constant,
  type ConstantValue,
  type DataMap,
  type DataSet,
  type EnumInfo,
  type FieldInfo,
  type RecordInfo,
  type Schema,
  type Type,
  typeName,
} from "./schema.ts";
import { checkSourceFits, resolveSource } from "./sources.ts";

const SCALARS = ["string", "int", "float", "bool", "ip", "cidr", "datetime", "duration"] as const;
const TYPES_LATER = ["set", "map"];
/** Built-ins that the design names and this version cannot supply. */
export const BUILTINS_LATER = ["request.headers"];
/** Types in one another; no JSON text that is read nests deeper. */
const TYPE_DEPTH_MAX = JSON_DEPTH_MAX;
const DATETIME_EXAMPLE = '"2027-01-31T18:00:00Z"';
export const NETWORK_EXAMPLE = 'write one such as "10.0.0.0/8"';

/** A schema, and what is declared but could not be resolved: whoever uses it is not reported again. */
export interface Resolved {
  readonly schema: Schema;
  readonly faulty: Faulty;
  /** Checks literals of templates' arguments, as those in the document's `typed` are. */
  readonly checkTyped: (typed: Document["typed"]) => void;
}

/** Names of declarations that are reported as faulty. */
export interface Faulty {
  /** Attributes and constants. */
  readonly attributes: ReadonlySet<string>;
  /** Enums, and types that lack a field. */
  readonly types: ReadonlySet<string>;
}

/** Resolve all declarations of a document; problems go to `report`, what is sound is returned. */
export function resolve(document: Document, report: Diagnostics): Resolved {
  return new Resolver(document, report).resolved();
}

class Resolver {
  readonly #report: Diagnostics;
  readonly #document: Document;
  readonly #declarations: readonly Declaration[];
  readonly #places: FirstPlaces;
  readonly #enums = new Map<string, EnumInfo>();
  readonly #records = new Map<string, RecordInfo>();
  readonly #typeDeclarations = new Map<string, TypeDeclaration>();
  readonly #resolving = new Set<string>();
  /** Cells of a record, and how many types stand in one another in it. */
  readonly #sizes = new Map<RecordInfo, { readonly width: number; readonly depth: number }>();
  readonly #attributes = new Map<string, Attribute>();
  readonly #constants = new Map<string, Constant>();
  readonly #data = new Map<string, DataSet>();
  readonly #maps = new Map<string, DataMap>();
  /** Of constants by name, also of those that stand further down. */
  readonly #constantDeclarations = new Map<string, ConstantDeclaration>();
  readonly #faultyAttributes: Set<string>;
  readonly #faultyTypes: Set<string>;

  constructor(document: Document, report: Diagnostics) {
    this.#document = document;
    this.#declarations = document.declarations;
    this.#report = report;
    this.#places = new FirstPlaces(report);
    this.#faultyAttributes = this.#faulty("attribute", "constant");
    this.#faultyTypes = this.#faulty("type", "enum");
  }

  resolved(): Resolved {
    for (const d of this.#declarations) if (d.kind === "enum") this.#enum(d);
    this.#collectTypes();
    for (const name of this.#typeDeclarations.keys()) this.#record(name);
    const resources = resolveResources(this.#declarations, this.#report, this.#places);
    const resourceEnum: EnumInfo = {
      name: "resource",
      ordered: false,
      // With a faulty one there is no bundle; its name is known all the same.
      members: [...resources.patterns.map((r) => r.name), ...resources.faulty, ...this.#faulty("resource")],
    };
    const builtins = new Map(BUILTINS.map((b) => [b.name, builtin(b.name, b.type, resourceEnum)]));
    for (const d of this.#declarations) {
      if (d.kind === "constant" && !this.#constantDeclarations.has(d.name.text))
        this.#constantDeclarations.set(d.name.text, d);
    }
    const captures = this.#document.faulty.some((f) => f.kind === "resource") ? null : resources.captures;
    for (const d of this.#declarations) {
      if (d.kind === "constant") this.#constant(d);
      if (d.kind === "data") for (const table of d.tables) this.#table(table);
      if (d.kind === "attributes") for (const a of d.attributes) this.#attribute(a, captures);
    }
    const checkTyped = (typed: Document["typed"]): void => {
      for (const { type, values } of typed) this.#typed(type, values);
    };
    checkTyped(this.#document.typed);
    this.#ambiguousPaths();
    const schema: Schema = {
      enums: this.#enums,
      records: this.#records,
      attributes: this.#attributes,
      builtins,
      resources: resources.patterns,
      constants: this.#constants,
      data: this.#data,
      maps: this.#maps,
      sets: resolveSets(this.#document, { ...this.#known(), builtins }, this.#report),
      defaultAllow: this.#defaultAllow(),
      pathMode: resolvePathMode(this.#declarations, this.#report),
    };
    const faulty = { attributes: this.#faultyAttributes, types: this.#faultyTypes };
    return { schema, faulty, checkTyped };
  }

  /** Names that the parser could not read the declarations of. */
  #faulty(...kinds: readonly NamedKind[]): Set<string> {
    const found = this.#document.faulty.filter((f) => f.kind === "unknown" || kinds.includes(f.kind));
    return new Set(found.map((f) => f.name));
  }

  #enum(d: Extract<Declaration, { kind: "enum" }>): void {
    if (!this.#newTypeName(d.name)) return;
    const members = new Set<string>();
    for (const member of d.members) {
      if (members.has(member.text))
        this.#report.error("duplicate-name", member.span, `a second member \`${member.text}\``, "remove it");
      members.add(member.text);
    }
    this.#enums.set(d.name.text, { name: d.name.text, ordered: d.ordered, members: [...members] });
  }

  #collectTypes(): void {
    for (const d of this.#declarations) {
      if (d.kind === "type" && this.#newTypeName(d.name)) this.#typeDeclarations.set(d.name.text, d);
    }
  }

  #newTypeName(name: Name): boolean {
    if (
      (SCALARS as readonly string[]).includes(name.text) ||
      TYPES_LATER.includes(name.text) ||
      name.text === "list" ||
      name.text === "record"
    ) {
      this.#report.error(
        "reserved-name",
        name.span,
        `\`${name.text}\` is the name of a built-in type`,
        "choose another name",
      );
      return false;
    }
    return this.#places.isNew(name, "type or enum");
  }

  #record(name: string): RecordInfo | null {
    const known = this.#records.get(name);
    if (known !== undefined) return known;
    const declaration = this.#typeDeclarations.get(name)!;
    if (this.#resolving.has(name)) {
      this.#report.error(
        "recursive-type",
        declaration.name.span,
        `type \`${name}\` contains itself`,
        "values have a fixed shape: take the cycle out",
      );
      return null;
    }
    // INVARIANT: the recursion ends here, however long the chain of types is.
    if (this.#resolving.size >= TYPE_DEPTH_MAX) {
      this.#tooDeep(declaration);
      return null;
    }
    this.#resolving.add(name);
    const record: RecordInfo = { name, fields: this.#fields(declaration) };
    this.#resolving.delete(name);
    this.#records.set(name, record);
    this.#measure(record, declaration);
    return record;
  }

  #fields(declaration: TypeDeclaration): FieldInfo[] {
    const fields: FieldInfo[] = [];
    const names = new Set<string>();
    for (const { name, type: reference } of declaration.fields) {
      if (RESERVED.has(name.text))
        this.#report.error(
          "reserved-name",
          name.span,
          `\`${name.text}\` is a word of the language`,
          "choose another name for the field",
        );
      if (names.has(name.text))
        this.#report.error("duplicate-name", name.span, `a second field \`${name.text}\``, "remove it");
      names.add(name.text);
      const type = this.#type(reference);
      if (type === null) this.#faultyTypes.add(declaration.name.text);
      else fields.push({ name: name.text, type, optional: reference.optional });
    }
    if (declaration.fields.length === 0 && !this.#faultyTypes.has(declaration.name.text))
      this.#report.error(
        "empty-type",
        declaration.name.span,
        `type \`${declaration.name.text}\` has no fields`,
        "its fields stand indented below it, one `name: type` each",
      );
    return fields;
  }

  /** A type that is too large counts as small from then on: whoever contains it is not reported as well. */
  #measure(record: RecordInfo, declaration: TypeDeclaration): void {
    let width = 1;
    let depth = 1;
    for (const { type } of record.fields) {
      const element = type.kind === "list" ? type.element : type;
      const size = element.kind === "record" ? this.#sizes.get(element.record)! : { width: 1, depth: 0 };
      width += type.kind === "list" ? 1 : size.width;
      depth = Math.max(depth, size.depth + 1);
    }
    const tooWide = width > SHAPE_WIDTH_MAX;
    const tooDeep = depth > TYPE_DEPTH_MAX;
    if (tooWide)
      this.#report.error(
        "too-large",
        declaration.name.span,
        `type \`${record.name}\` has more than ${SHAPE_WIDTH_MAX - 1} fields, nested ones included`,
        "declare only the fields that policies read",
      );
    if (tooDeep) this.#tooDeep(declaration);
    this.#sizes.set(record, { width: tooWide ? 1 : width, depth: tooDeep ? 1 : depth });
  }

  #tooDeep(declaration: TypeDeclaration): void {
    this.#report.error(
      "too-deep",
      declaration.name.span,
      `types nested deeper than ${TYPE_DEPTH_MAX}`,
      "no JSON text that is read nests so deep: declare attributes of the inner values",
    );
  }

  #type(reference: TypeReference): Type | null {
    const element = this.#elementType(reference.name);
    if (element === null || !reference.list) return element;
    if (reference.element !== null && RESERVED.has(reference.element.text)) {
      this.#report.error(
        "reserved-name",
        reference.element.span,
        `\`${reference.element.text}\` is a word of the language`,
        "choose another name for the element",
      );
    }
    return { kind: "list", element, elementName: reference.element?.text ?? null };
  }

  #elementType(name: Name): Type | null {
    const scalar = SCALARS.find((s) => s === name.text);
    if (scalar !== undefined) return { kind: scalar };
    const declared = this.#enums.get(name.text);
    if (declared !== undefined) return { kind: "enum", enum: declared };
    if (this.#typeDeclarations.has(name.text)) {
      const record = this.#record(name.text);
      return record === null ? null : { kind: "record", record };
    }
    if (TYPES_LATER.includes(name.text)) {
      this.#report.error(
        "not-implemented",
        name.span,
        `type \`${name.text}\` is not implemented yet`,
        NOT_ENFORCED,
      );
      return null;
    }
    if (this.#faultyTypes.has(name.text)) return null;
    const known = [...SCALARS, ...this.#enums.keys(), ...this.#typeDeclarations.keys()];
    this.#report.error(
      "unknown-type",
      name.span,
      `unknown type \`${name.text}\``,
      didYouMean(
        name.text,
        known,
        `types are ${SCALARS.join(", ")}, \`list of ...\`, and declared enums and types`,
      ),
    );
    return null;
  }

  #constant(d: Extract<Declaration, { kind: "constant" }>): void {
    if (!this.#usableName(d.name) || !this.#places.isNew(d.name, "attribute or constant")) return;
    const type = this.#type(d.type);
    if (type === null) {
      this.#faultyAttributes.add(d.name.text);
      return;
    }
    if (d.type.optional)
      this.#report.error("type-mismatch", d.type.span, "a constant is never absent", "remove the `?`");
    const value = literalOf(type, d.value, this.#report);
    if (value === null) this.#faultyAttributes.add(d.name.text);
    else this.#constants.set(d.name.text, { name: d.name.text, value, span: d.name.span });
  }

  #known(): { readonly attributes: ReadonlyMap<string, Attribute>; readonly faulty: ReadonlySet<string> } {
    return { attributes: this.#attributes, faulty: this.#faultyAttributes };
  }

  #table(table: DataTable): void {
    if (!this.#usableName(table.name) || !this.#places.isNew(table.name, "attribute or constant")) return;
    if (table.key !== null) {
      const map = resolveMap(table, table.key, (reference) => this.#type(reference), this.#report);
      if (map === null) this.#faultyAttributes.add(table.name.text);
      else this.#maps.set(map.name, map);
      return;
    }
    const set = resolveTable(table, (reference) => this.#type(reference), this.#report);
    if (set === null) this.#faultyAttributes.add(table.name.text);
    else this.#data.set(set.name, set);
  }

  /** A parameter of a template, and what is passed for it. */
  #typed(reference: TypeReference, values: readonly Expression[]): void {
    if (reference.optional)
      this.#report.error("type-mismatch", reference.span, "a parameter is never absent", "remove the `?`");
    const type = this.#elementType(reference.name);
    if (type === null) return;
    if (type.kind === "record") {
      const help = "pass what is compared with its fields";
      this.#report.error("type-mismatch", reference.span, "no literal is a record", help);
      return;
    }
    for (const value of values) {
      if (reference.list !== (value.kind === "list") && value.kind !== "error")
        this.#report.error(
          "type-mismatch",
          value.span,
          `${literalName(value)} is no ${reference.list ? "list" : typeName(type)}`,
          reference.list ? "write it in brackets" : "pass one value",
        );
      else
        for (const item of value.kind === "list" ? value.items : [value]) literalOf(type, item, this.#report);
    }
  }

  /** The name of an attribute or constant. */
  #usableName(name: Name): boolean {
    if (RESERVED.has(name.text)) {
      this.#report.error(
        "reserved-name",
        name.span,
        `\`${name.text}\` is a word of the language`,
        "choose another name",
      );
      return false;
    }
    if (name.text.endsWith(".count")) {
      this.#report.error(
        "reserved-name",
        name.span,
        `\`${name.text}\` ends in \`.count\`, which counts a list`,
        "choose another name",
      );
      this.#faultyAttributes.add(name.text.slice(0, -".count".length));
      return false;
    }
    if (BUILTINS.some((b) => b.name === name.text) || BUILTINS_LATER.includes(name.text)) {
      this.#report.error(
        "builtin-name",
        name.span,
        `\`${name.text}\` is built in`,
        "remove the declaration, or choose another name",
      );
      return false;
    }
    return true;
  }

  #attribute(d: AttributeDeclaration, captures: ReadonlySet<string> | null): void {
    if (!this.#usableName(d.name) || !this.#places.isNew(d.name, "attribute or constant")) return;
    const type = this.#type(d.type);
    const source = resolveSource(d, captures, this.#report);
    if (type === null || source === null) {
      this.#faultyAttributes.add(d.name.text);
      return;
    }
    checkSourceFits(d, type, source, this.#report);
    const value = d.default === null ? null : this.#default(d.default, type);
    const marking = d.marking?.text ?? "verified";
    this.#attributes.set(d.name.text, {
      name: d.name.text,
      type,
      optional: d.type.optional && value === null,
      marking,
      source: source.kind,
      argument: source.argument,
      verbatim: d.verbatim !== null,
      default: value,
      span: d.name.span,
    });
  }

  #default(literal: Expression, type: Type): ConstantValue | null {
    if (type.kind === "list" || type.kind === "record") {
      this.#report.error(
        "not-implemented",
        literal.span,
        `a default for a ${type.kind} is not implemented yet`,
        "make the attribute optional and test it with `exists`",
      );
      return null;
    }
    if (literal.kind !== "path") return literalOf(type, literal, this.#report);
    const constant = this.#constantDeclarations.get(literal.path.text);
    if (constant !== undefined) {
      const fits = this.#fitsItsType(constant);
      return fits ? literalOf(type, { ...constant.value, span: literal.span }, this.#report) : null;
    }
    if (!this.#faultyAttributes.has(literal.path.text))
      this.#report.error(
        "unknown-attribute",
        literal.span,
        `there is no constant \`${literal.path.text}\``,
        didYouMean(
          literal.path.text,
          [...this.#constantDeclarations.keys()],
          "a default is a literal, or a constant that is declared with `constant`",
        ),
      );
    return null;
  }

  /** One that does not is reported where it is declared, which may be further down; whoever uses it is not. */
  #fitsItsType(constant: ConstantDeclaration): boolean {
    const type = this.#type(constant.type);
    return type !== null && literalOf(type, constant.value, new Diagnostics()) !== null;
  }

  /** A record and a dotted attribute below its name would make one text mean two things. */
  #ambiguousPaths(): void {
    for (const attribute of this.#attributes.values()) {
      for (
        let dot = attribute.name.lastIndexOf(".");
        dot > 0;
        dot = attribute.name.lastIndexOf(".", dot - 1)
      ) {
        const prefix = this.#attributes.get(attribute.name.slice(0, dot));
        if (prefix?.type.kind === "record") {
          this.#report.error(
            "ambiguous-name",
            attribute.span!,
            `\`${attribute.name}\` could also be a field of the record \`${prefix.name}\``,
            "choose another name",
          );
        }
      }
    }
  }

  #defaultAllow(): boolean {
    const defaults = this.#declarations.filter((d) => d.kind === "default");
    for (const extra of defaults.slice(1))
      this.#report.error("duplicate-name", extra.span, "a second `default`", "remove it: a bundle has one");
    const first = defaults[0];
    if (first === undefined || !first.allow) return false;
    this.#report.warning(
      "default-allow",
      first.span,
      "requests that no policy speaks of are allowed",
      "remove it to deny them",
      { title: "write `default deny`", span: first.span, text: "default deny" },
    );
    return true;
  }
}

function builtin(name: string, type: string, resource: EnumInfo): Attribute {
  return {
    name,
    type:
      type === "enum"
        ? { kind: "enum", enum: resource }
        : { kind: type as "string" | "int" | "bool" | "ip" | "datetime" },
    optional: false,
    marking: "verified",
    source: "builtin",
    argument: name,
    verbatim: false,
    default: null,
    span: null,
  };
}

/** A literal as a value of a scalar type; reports and returns null where it does not fit. */
export function literalOf(type: Type, literal: Expression, report: Diagnostics): ConstantValue | null {
  const mismatch = (help: string): null => {
    report.error("type-mismatch", literal.span, `${literalName(literal)} is no ${typeName(type)}`, help);
    return null;
  };
  if (literal.kind === "error") return null;
  switch (type.kind) {
    case "string":
      return literal.kind === "string"
        ? { kind: "string", value: literal.value }
        : mismatch("strings stand in double quotes");
    case "int":
      return literal.kind === "int"
        ? { kind: "int", value: literal.value }
        : mismatch("an int is written without quotes, fraction and exponent");
    case "float":
      return literal.kind === "int" || literal.kind === "float"
        ? { kind: "float", value: literal.value }
        : mismatch("a float is written without quotes");
    case "bool":
      return literal.kind === "bool"
        ? { kind: "bool", value: literal.value }
        : mismatch("write true or false");
    case "enum":
      return literal.kind === "string"
        ? memberOf(type.enum, literal.value, valueSpan(literal), report)
        : mismatch('members are written in quotes: "high"');
    case "ip":
      if (literal.kind !== "string") return mismatch('addresses are written in quotes: "10.0.0.1"');
      if (parseAddress(literal.value) !== null) return { kind: "ip", value: literal.value };
      report.error(
        "bad-address",
        valueSpan(literal),
        `\`${literal.value}\` is not an IP address`,
        'write one such as "10.0.0.1" or "2001:db8::1"',
      );
      return null;
    case "cidr": {
      if (literal.kind !== "string") return mismatch('networks are written in quotes: "10.0.0.0/8"');
      const network = parseNetwork(literal.value);
      if (!("error" in network)) return { kind: "cidr", value: literal.value };
      report.error(
        "bad-network",
        valueSpan(literal),
        `\`${literal.value}\` is not a network: ${network.error}`,
        NETWORK_EXAMPLE,
      );
      return null;
    }
    case "datetime":
      return literal.kind === "string"
        ? datetimeOf(literal.value, valueSpan(literal), report)
        : mismatch(`datetimes are written in quotes: ${DATETIME_EXAMPLE}`);
    case "duration":
      return literal.kind === "duration"
        ? { kind: "duration", value: literal.value }
        : mismatch("durations are written without quotes: 90s, 1h30m, 7d");
    default:
      return mismatch(`a ${type.kind} has no literal`);
  }
}

function datetimeOf(text: string, span: Span, report: Diagnostics): ConstantValue | null {
  const value = parseDatetime(text);
  if (value !== null) return { kind: "datetime", value };
  report.error(
    "bad-datetime",
    span,
    `\`${text}\` is not a datetime`,
    `write it by RFC 3339: ${DATETIME_EXAMPLE}, or with an offset such as +01:00`,
  );
  return null;
}

function memberOf(info: EnumInfo, value: string, span: Span, report: Diagnostics): ConstantValue | null {
  if (info.members.includes(value)) return { kind: "enum", enum: info, value };
  const what = info.name === "resource" ? "a declared resource" : `a member of \`${info.name}\``;
  const known = info.members.map((m) => `"${m}"`).join(", ");
  report.error(
    "unknown-enum-value",
    span,
    `\`${value}\` is not ${what}`,
    didYouMean(
      value,
      info.members,
      known === "" ? 'declare it: resource Order: "/orders/{order_id}"' : `one of ${known}`,
    ),
  );
  return null;
}

/** A literal in a message. */
export function literalName(literal: Expression): string {
  if ("from" in literal && literal.from !== undefined) return `the parameter \`${literal.from.parameter}\``;
  if (literal.kind === "list") return "a list";
  return literal.kind === "string"
    ? `the string "${literal.value}"`
    : literal.kind === "int" || literal.kind === "float"
      ? `the number ${literal.text}`
      : literal.kind === "bool"
        ? `\`${literal.value}\``
        : "this";
}
