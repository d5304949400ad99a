/** `data` tables that are maps: what each key gives, from the text, a JSON object or two columns of a CSV file. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { DataTable, Expression, MapEntry, TypeReference } from "../syntax/ast.ts";
import { parseEntries } from "../syntax/values.ts";
import { contentSpan, DATA_VALUES_MAX } from "./data.ts";
import { columns, literal, noColumns, read } from "./data-files.ts";
import { type Part, partType } from "./data-types.ts";
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
  const key = partType(keyReference, KEY, typeOf, report);
  const value = partType(table.element, VALUE, typeOf, report);
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

const KEY: Part = {
  name: "a key of a map",
  takes: ({ kind }) => KEYS.includes(kind),
  refusal: (kind) => `there is no map of ${kind}`,
  help: "keys are strings, ints or members of an enum",
};
const VALUE: Part = {
  name: "a value of a map",
  takes: ({ kind }) => kind !== "record" && kind !== "list",
  refusal: (kind) => `there is no map to ${kind}`,
  help: "values are single: strings, numbers, truth values, times, addresses, networks or members of an enum",
};

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
  return noColumns(content.path.value, content.column.span, report);
}

/** JSON knows texts only as keys, and no durations. */
function fromJson(value: Expression, type: string): Expression {
  const isWritten = type === "int" || type === "duration";
  return isWritten && value.kind === "string" ? literal(value.value, type, value.span) : value;
}
