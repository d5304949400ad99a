/** `data` tables that are maps: what each key gives, from the text, a JSON object or two columns of a CSV file. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { DataTable, Expression, MapEntry, TypeReference } from "../syntax/ast.ts";
import { parseEntries } from "../syntax/values.ts";
import { contentSpan, DATA_VALUES_MAX } from "./data.ts";
import { columns, literal, read } from "./data-files.ts";
import { literalOf } from "./resolve.ts";
import type { ConstantValue, DataMap, Type } from "./schema.ts";

const KEYS: readonly string[] = ["string", "int", "enum"];

/** What a table holds; null, reported, where something of it is wrong. */
export function resolveMap(
  table: DataTable,
  keyReference: TypeReference,
  typeOf: (reference: TypeReference) => Type | null,
  report: Diagnostics,
): DataMap | null {
  const key = keyType(keyReference, typeOf, report);
  const value = valueType(table.element, typeOf, report);
  const entries = entriesOf(table, keyReference, report);
  if (key === null || value === null || entries === null) return null;
  const name = table.name.text;
  if (entries.length > DATA_VALUES_MAX) {
    report.error(
      "too-large",
      table.name.span,
      `\`${name}\` holds more than ${DATA_VALUES_MAX} values`,
      "split it",
    );
    return null;
  }
  if (entries.length === 0) {
    report.error("empty-map", contentSpan(table), "nothing is in an empty map", "fill it, or remove it");
    return null;
  }
  const constants = constantsOf(entries, key, value, report);
  return constants === null ? null : { name, key, value, entries: constants, span: table.name.span };
}

function keyType(
  reference: TypeReference,
  typeOf: (reference: TypeReference) => Type | null,
  report: Diagnostics,
): Type | null {
  const type = typeOf(reference);
  if (type === null) return null;
  if (reference.optional)
    report.error("type-mismatch", reference.span, "a key of a map is never absent", "remove the `?`");
  if (KEYS.includes(type.kind)) return type;
  report.error(
    "type-mismatch",
    reference.span,
    `there is no map of ${type.kind}`,
    "keys are strings, ints or members of an enum",
  );
  return null;
}

function valueType(
  reference: TypeReference,
  typeOf: (reference: TypeReference) => Type | null,
  report: Diagnostics,
): Type | null {
  const type = typeOf(reference);
  if (type === null) return null;
  if (reference.optional)
    report.error("type-mismatch", reference.span, "a value of a map is never absent", "remove the `?`");
  if (type.kind !== "record" && type.kind !== "list") return type;
  report.error(
    "type-mismatch",
    reference.span,
    `there is no map to ${type.kind}`,
    "values are single: strings, numbers, truth values, times, addresses, networks or members of an enum",
  );
  return null;
}

/** Each key once. */
function constantsOf(
  entries: readonly MapEntry[],
  keyType: Type,
  valueType: Type,
  report: Diagnostics,
): DataMap["entries"] | null {
  const seen = new Set<ConstantValue["value"]>();
  let isSound = true;
  const constants = entries.flatMap((entry) => {
    const key = literalOf(keyType, entry.key, report);
    const value = literalOf(valueType, entry.value, report);
    if (key !== null && seen.has(key.value)) {
      report.error(
        "duplicate-key",
        entry.key.span,
        `the key ${JSON.stringify(key.value)} stands there twice`,
        "a key has one value: remove one of the entries",
      );
      isSound = false;
    }
    if (key !== null) seen.add(key.value);
    if (key !== null && value !== null) return [{ key, value }];
    isSound = false;
    return [];
  });
  return isSound ? constants : null;
}

// --- from files ---

/** Null where they cannot be had, which is reported. */
function entriesOf(table: DataTable, key: TypeReference, report: Diagnostics): readonly MapEntry[] | null {
  const { content } = table;
  if (content.kind === "entries") return content.entries;
  if (content.kind === "list") throw new Error("a map has entries; the parser makes no list");
  const source = read(content, report);
  if (source === null) return null;
  if (source.rows !== undefined) {
    const rows = columns(source, content.path, [content.column, content.valueColumn], report);
    return (
      rows?.map(({ cells, span }) => ({
        key: literal(cells[0]!, key.name.text, span),
        value: literal(cells[1]!, table.element.name.text, span),
      })) ?? null
    );
  }
  if (content.column === null)
    return (
      parseEntries(source, report)?.map((entry) => ({
        key: fromJson(entry.key, key.name.text),
        value: fromJson(entry.value, table.element.name.text),
      })) ?? null
    );
  report.error(
    "bad-data",
    content.column.span,
    `\`${content.path.value}\` has no columns`,
    "columns are those of a CSV file",
  );
  return null;
}

/** JSON knows texts only as keys, and no durations. */
function fromJson(value: Expression, type: string): Expression {
  const isWritten = type === "int" || type === "duration";
  return isWritten && value.kind === "string" ? literal(value.value, type, value.span) : value;
}
