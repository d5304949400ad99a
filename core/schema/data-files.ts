/** Values of a `data` table: those in the text, of a JSON array, or of a column of a CSV file. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Source, Span } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import type { DataTable, Expression } from "../syntax/ast.ts";
import { parseValues } from "../syntax/values.ts";

type File = Extract<DataTable["content"], { kind: "file" }>;

/** Null where they cannot be had, which is reported. */
export function contentOf(table: DataTable, report: Diagnostics): readonly Expression[] | null {
  const { content } = table;
  if (content.kind === "list") return content.items;
  const source = read(content, report);
  if (source === null) return null;
  if (source.rows !== undefined) return column(source, table, content, report);
  if (content.column === null) return parseValues(source, report);
  report.error(
    "bad-data",
    content.column.span,
    `\`${content.path.value}\` has no columns`,
    "columns are those of a CSV file",
  );
  return null;
}

function read({ path }: File, report: Diagnostics): Source | null {
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
  const index = named === null ? 0 : header.cells.indexOf(named.value);
  if (index === -1) {
    report.error(
      "bad-data",
      named!.span,
      `\`${path.value}\` has no column \`${named!.value}\``,
      didYouMean(named!.value, header.cells, `its columns are ${header.cells.join(", ")}`),
    );
    return null;
  }
  return rows.map(({ line, cells }) =>
    literal(cells[index] ?? "", table.element.name.text, lines.span(line)),
  );
}

/** A cell as a literal: numbers as JSON spells them, all else as text. */
function literal(text: string, type: string, span: Span): Expression {
  const isInt = /^-?(?:0|[1-9][0-9]*)$/.test(text) && Number.isSafeInteger(Number(text));
  const isNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text);
  if (type === "int" && isInt) return { kind: "int", value: Number(text), text, span };
  if (type === "float" && isNumber && Number.isFinite(Number(text)))
    return { kind: "float", value: Number(text), text, span };
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
