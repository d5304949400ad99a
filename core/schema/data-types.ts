/** What may stand in a table of data: elements of a set, keys and values of a map. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { TypeReference } from "../syntax/ast.ts";
import type { Type } from "./schema.ts";

/** A part of a table. */
export interface Part {
  /** In messages: `a key of a map`. */
  readonly name: string;
  takes(type: Type): boolean;
  refusal(kind: Type["kind"]): string;
  readonly help: string;
}

/** The type of a part; null, reported, where there is none such. `typeOf` reports names that are unknown. */
export function partType(
  reference: TypeReference,
  part: Part,
  typeOf: (reference: TypeReference) => Type | null,
  report: Diagnostics,
): Type | null {
  const type = typeOf(reference);
  if (type === null) return null;
  if (reference.optional)
    report.error("type-mismatch", reference.span, `${part.name} is never absent`, "remove the `?`");
  if (part.takes(type)) return type;
  report.error("type-mismatch", reference.span, part.refusal(type.kind), part.help);
  return null;
}
