/** Comma-separated values (RFC 4180), with the line on which each row ends. */
import { CsvError, type Info, parse } from "csv-parse/sync";
import type { RowsAnswer } from "../../core/index.ts";

interface Parsed {
  readonly record: readonly string[];
  readonly info: Info;
}

/** Rows of equal length; empty lines are none. */
export function rowsOf(text: string): RowsAnswer {
  try {
    const parsed = parse(text, {
      bom: true,
      info: true,
      record_delimiter: ["\r\n", "\n"],
      skip_empty_lines: true,
    }) as unknown as Parsed[];
    return { ok: true, rows: parsed.map(({ record, info }) => ({ line: info.lines, cells: record })) };
  } catch (problem) {
    if (!(problem instanceof CsvError)) throw problem;
    const line = Number((problem as { lines?: number }).lines ?? 1);
    return { ok: false, line, problem: problemOf(problem.code) };
  }
}

function problemOf(code: CsvError["code"]): string {
  switch (code) {
    case "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH":
      return "the row has another number of cells than the first one";
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quote is not closed";
    case "INVALID_OPENING_QUOTE":
    case "CSV_INVALID_CLOSING_QUOTE":
      return "a quote stands inside of a cell";
    default:
      return "the row is no comma-separated values";
  }
}
