/** Things with names, and the places that name them. */
import type { Type } from "../schema/schema.ts";
import type { Source, Span } from "../source/source.ts";

export type SymbolKind =
  | "attribute"
  /** A built-in attribute. */
  | "builtin"
  | "constant"
  /** A set of values. */
  | "data"
  /** A map of `data`. */
  | "map"
  | "enum"
  /** A member of an enum. */
  | "member"
  | "type"
  | "field"
  /** The name of a list's elements. */
  | "element"
  | "resource"
  | "policy"
  | "guard"
  | "condition"
  | "template"
  | "parameter";

export interface NamedSymbol {
  readonly kind: SymbolKind;
  readonly name: string;
  /** What it belongs to: the enum of a member, the type of a field, the template of a parameter, the list of an element. */
  readonly container: string | null;
  /** Type of its values; null where it has none, or where it is not known. */
  readonly type: Type | null;
  /** Its name where it is declared; null for what is built in. */
  readonly declared: Span | null;
}

export interface Occurrence {
  readonly symbol: NamedSymbol;
  /** The name alone: of a string literal what stands between the quotes. */
  readonly span: Span;
  readonly role: "declaration" | "use";
}

export interface SymbolTable {
  readonly symbols: readonly NamedSymbol[];
  /** By source in order of the document, then by place. */
  readonly occurrences: readonly Occurrence[];
}

/** What is named at an offset: also right behind its last character, where a cursor stands that has just written it. */
export function occurrenceAt(table: SymbolTable, source: Source, offset: number): Occurrence | null {
  const around = table.occurrences.filter(
    ({ span }) => span.source === source && span.start <= offset && offset <= span.end,
  );
  return around.find(({ span }) => offset < span.end) ?? around[0] ?? null;
}

/** Every place that names a symbol, in order. */
export function occurrencesOf(table: SymbolTable, symbol: NamedSymbol): readonly Occurrence[] {
  return table.occurrences.filter((occurrence) => occurrence.symbol === symbol);
}
