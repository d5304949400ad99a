/** Values of a `data` table: those in the text, of a JSON array, or of a column of a CSV file. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Source, Span } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import { parseDuration } from "../source/time.ts";
import type { DataTable, Expression, StringLiteral } from "../syntax/ast.ts";
import { parseValues } from "../syntax/values.ts";

type File = Extract<DataTable["content"], { kind: "file" }>;

/** Null where they cannot be had, which is reported. */
export function contentOf(table: DataTable, report: Diagnostics): readonly Expression[] | null {
  const { content } = table;
  if (content.kind === "list") return content.items;
  if (content.kind === "entries") throw new Error("a set has no entries; the parser makes none");
  const source = read(content, report);
  if (source === null) return null;
  if (source.rows !== undefined) return column(source, table, content, report);
  if (content.column === null) return parseValues(source, report);
  return noColumns(content.path.value, content.column.span, report);
}

/** Columns are named of a file that has none. */
export function noColumns(path: string, span: Span, report: Diagnostics): null {
  report.error("bad-data", span, `\`${path}\` has no columns`, "columns are those of a CSV file");
  return null;
}

export function read({ path }: File, report: Diagnostics): Source | null {
  const answer = path.span.source.read?.(path.value) ?? {
    ok: false,
    problem: "nothing is read from here",
    help: "write the values into the text",
  };
  if (answer.ok) return answer.source;
  report.error("bad-data", path.span, `\`${path.value}\` cannot be read: ${answer.problem}`, answer.help);
  return null;
}

/** Of the first row's columns the one that is named, or the first one. */
function column(
  source: Source,
  table: DataTable,
  { column: named, path }: File,
  report: Diagnostics,
): Expression[] | null {
  const rows = columns(source, path, [named], report);
  return rows?.map(({ cells: [cell], span }) => literal(cell!, table.element.name.text, span)) ?? null;
}

/** Cells of the columns that are named, or that stand so far from the first one, row by row. */
export function columns(
  source: Source,
  path: StringLiteral,
  names: readonly (StringLiteral | null)[],
  report: Diagnostics,
): { readonly cells: readonly string[]; readonly span: Span }[] | null {
  const lines = new Lines(source);
  const answer = source.rows!();
  if (!answer.ok) {
    report.error("bad-data", lines.span(answer.line), answer.problem, "correct the file");
    return null;
  }
  const [header, ...rows] = answer.rows;
  if (header === undefined) {
    report.error("bad-data", path.span, `\`${path.value}\` is empty`, "its first row names the columns");
    return null;
  }
  const indexes = names.map((named, place) => (named === null ? place : header.cells.indexOf(named.value)));
  const missing = names.find((named, i) => indexes[i] === -1 || (named === null && i >= header.cells.length));
  if (missing !== undefined) {
    report.error(
      "bad-data",
      missing?.span ?? path.span,
      missing === null
        ? `\`${path.value}\` has ${header.cells.length} columns, not ${names.length}`
        : `\`${path.value}\` has no column \`${missing.value}\``,
      missing === null
        ? "the first column holds the keys, the second one the values"
        : didYouMean(missing.value, header.cells, `its columns are ${header.cells.join(", ")}`),
    );
    return null;
  }
  return rows.map(({ line, cells }) => ({
    cells: indexes.map((index) => cells[index] ?? ""),
    span: lines.span(line),
  }));
}

/** A cell as a literal: numbers as JSON spells them, durations as the language does, all else as text. */
export function literal(text: string, type: string, span: Span): Expression {
  const isInt = /^-?(?:0|[1-9][0-9]*)$/.test(text) && Number.isSafeInteger(Number(text));
  const isNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text);
  if (type === "int" && isInt) return { kind: "int", value: Number(text), text, span };
  if (type === "float" && isNumber && Number.isFinite(Number(text)))
    return { kind: "float", value: Number(text), text, span };
  const duration = type === "duration" ? parseDuration(text) : null;
  if (duration !== null) return { kind: "duration", value: duration, text, span };
  if (type === "bool" && (text === "true" || text === "false"))
    return { kind: "bool", value: text === "true", span };
  return { kind: "string", value: text, span };
}

/** Lines of a file as places. */
class Lines {
  readonly #source: Source;
  readonly #starts: number[] = [0];

  constructor(source: Source) {
    this.#source = source;
    for (let at = source.text.indexOf("\n"); at !== -1; at = source.text.indexOf("\n", at + 1))
      this.#starts.push(at + 1);
  }

  /** 1-based. */
  span(line: number): Span {
    const start = this.#starts[line - 1] ?? this.#source.text.length;
    const end = this.#starts[line] ?? this.#source.text.length + 1;
    return { source: this.#source, start, end: Math.max(start, end - 1) };
  }
}
