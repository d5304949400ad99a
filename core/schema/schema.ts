/** What a document declares, resolved: types, attributes, resources, constants. No syntax in here. */
import type { Span } from "../source/source.ts";
import type { PathMode } from "../syntax/ast.ts";

export interface EnumInfo {
  readonly name: string;
  readonly ordered: boolean;
  readonly members: readonly string[];
}

export interface RecordInfo {
  readonly name: string;
  readonly fields: readonly FieldInfo[];
}

export interface FieldInfo {
  readonly name: string;
  readonly type: Type;
  readonly optional: boolean;
}

export type ScalarKind = "string" | "int" | "float" | "bool" | "ip" | "cidr" | "datetime" | "duration";

export type Type =
  | { readonly kind: ScalarKind }
  | { readonly kind: "enum"; readonly enum: EnumInfo }
  | { readonly kind: "list"; readonly element: Type; readonly elementName: string | null }
  | { readonly kind: "record"; readonly record: RecordInfo };

/**
 * A literal value of a scalar type. Addresses and networks keep their text; `value` of an enum is the member, of a
 * datetime and a duration its milliseconds.
 */
export type ConstantValue =
  | { readonly kind: "string" | "ip" | "cidr"; readonly value: string }
  | { readonly kind: "int" | "float" | "datetime" | "duration"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "enum"; readonly enum: EnumInfo; readonly value: string };

/** Policy sets, and the attribute that chooses one. */
export interface Sets {
  readonly selector: Attribute;
  readonly names: readonly string[];
}

/** Constants that a `data` table holds. */
export interface DataSet {
  readonly name: string;
  readonly element: Type;
  /** In order of the text; one may stand there twice. */
  readonly values: readonly ConstantValue[];
  readonly span: Span;
}

/** Constants by keys that a `data` table holds. */
export interface DataMap {
  readonly name: string;
  /** A string, an int or an enum. */
  readonly key: Type;
  readonly value: Type;
  /** At least one, in order of the text; each key once. */
  readonly entries: readonly { readonly key: ConstantValue; readonly value: ConstantValue }[];
  readonly span: Span;
}

export type AttributeSource = "builtin" | "header" | "query" | "cookie" | "capture" | "body" | "extension";

/** A named, typed fact about a request. */
export interface Attribute {
  readonly name: string;
  readonly type: Type;
  readonly optional: boolean;
  /** `verified` where neither client nor a component in front is the origin. */
  readonly marking: "claimed" | "trusted" | "verified";
  readonly source: AttributeSource;
  /** Header (lower case), parameter, cookie, capture or extension name; JSON pointer; a builtin's own name. */
  readonly argument: string;
  readonly verbatim: boolean;
  readonly default: ConstantValue | null;
  /** Where it is declared; null for a builtin. */
  readonly span: Span | null;
}

/** `any` is one segment whatever it is, `rest` any number of them; there is at most one `rest`. Both have no text. */
export interface Segment {
  readonly kind: "literal" | "capture" | "any" | "rest";
  readonly text: string;
}

export interface ResourcePattern {
  readonly name: string;
  readonly method: string | null;
  readonly segments: readonly Segment[];
  readonly span: Span;
}

export interface Constant {
  readonly name: string;
  readonly value: ConstantValue;
  readonly span: Span;
}

export interface Schema {
  readonly enums: ReadonlyMap<string, EnumInfo>;
  readonly records: ReadonlyMap<string, RecordInfo>;
  /** Declared attributes, in order, without built-ins. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly builtins: ReadonlyMap<string, Attribute>;
  readonly resources: readonly ResourcePattern[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly data: ReadonlyMap<string, DataSet>;
  readonly maps: ReadonlyMap<string, DataMap>;
  /** Null where no policy belongs to a set. */
  readonly sets: Sets | null;
  readonly defaultAllow: boolean;
  readonly pathMode: PathMode;
}

/** Name of a type as a user writes it. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "enum":
      return type.enum.name;
    case "record":
      return type.record.name;
    case "list":
      return `list of ${typeName(type.element)}`;
    default:
      return type.kind;
  }
}

/** Cells of one value of the type: 1, and for a record those of its fields. */
export function typeWidth(type: Type): number {
  return type.kind === "record"
    ? type.record.fields.reduce((sum, field) => sum + typeWidth(field.type), 1)
    : 1;
}

export function isNumber(type: Type): boolean {
  return type.kind === "int" || type.kind === "float";
}

/** Can values of the type be compared with `<`? */
export function isOrdered(type: Type): boolean {
  if (type.kind === "enum") return type.enum.ordered;
  return isNumber(type) || type.kind === "string" || type.kind === "datetime" || type.kind === "duration";
}

export function sameType(a: Type, b: Type): boolean {
  if (a.kind === "enum" && b.kind === "enum") return a.enum === b.enum;
  if (a.kind === "record" && b.kind === "record") return a.record === b.record;
  if (a.kind === "list" && b.kind === "list") return sameType(a.element, b.element);
  return a.kind === b.kind;
}
