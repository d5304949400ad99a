/** `data` tables: constants of a set, from the text or from a file. */
import { parseAddress } from "../source/address.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Span } from "../source/source.ts";
import type { DataTable, Expression, TypeReference } from "../syntax/ast.ts";
import { contentOf } from "./data-files.ts";
import { type Part, partType } from "./data-types.ts";
import { literalOf } from "./resolve.ts";
import type { ConstantValue, DataSet, Type } from "./schema.ts";

/** Values of one table. */
export const DATA_VALUES_MAX = 1_000_000;

const ELEMENT: Part = {
  name: "a value of a set",
  takes: ({ kind }) => kind !== "record" && kind !== "list" && kind !== "bool",
  refusal: (kind) => `there is no set of ${kind}`,
  help: "a set holds strings, numbers, addresses, networks, times or members of an enum",
};

/** What a table holds; null, reported, where something of it is wrong. */
export function resolveTable(
  table: DataTable,
  typeOf: (reference: TypeReference) => Type | null,
  report: Diagnostics,
): DataSet | null {
  const element = partType(table.element, ELEMENT, typeOf, report);
  const items = contentOf(table, report);
  if (element === null || items === null) return null;
  if (items.length > DATA_VALUES_MAX) {
    report.error(
      "too-large",
      table.name.span,
      `\`${table.name.text}\` holds more than ${DATA_VALUES_MAX} values`,
      "split it",
    );
    return null;
  }
  if (items.length === 0)
    report.warning("empty-list", contentSpan(table), "nothing is in an empty set", "fill it, or remove it");
  const values = items.map((item) => constantOf(element, item, report));
  if (values.some((value) => value === null)) return null;
  return { name: table.name.text, element, values: values as ConstantValue[], span: table.name.span };
}

/** In a set of networks an address is a network of one. */
function constantOf(type: Type, item: Expression, report: Diagnostics): ConstantValue | null {
  if (type.kind === "cidr" && item.kind === "string" && parseAddress(item.value) !== null)
    return { kind: "ip", value: item.value };
  return literalOf(type, item, report);
}

/** Where what a table holds is written. */
export function contentSpan({ content }: DataTable): Span {
  return content.kind === "file" ? content.path.span : content.span;
}
