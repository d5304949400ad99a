/** Policy text and places in it. */

/** One file of policy text. */
export interface Source {
  /** Name shown in diagnostics: the path as the user gave it. */
  readonly name: string;
  readonly text: string;
  /** Which file it is, however it was named; without, the object itself. */
  readonly place?: string;
  /** Reads what the text names, relative to it. The host's: core reads nothing itself. Without it, text names no files. */
  readonly read?: (path: string) => FileAnswer;
  /** Of a file of rows, such as CSV: its cells, read by the host, which knows the format. */
  readonly rows?: () => RowsAnswer;
}

/** The cells of a file, or the line (1-based) where it is wrong. */
export type RowsAnswer =
  | {
      readonly ok: true;
      readonly rows: readonly { readonly line: number; readonly cells: readonly string[] }[];
    }
  | { readonly ok: false; readonly line: number; readonly problem: string };

/** A file that policy text names, or why it cannot be had: lower case, no final stop, with advice. */
export type FileAnswer =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly problem: string; readonly help: string };

/** A range of one source, in UTF-16 code units, end exclusive. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** Line and column, 1-based; the column counts code points. */
export interface Location {
  readonly line: number;
  readonly column: number;
}

/** Where an offset is. For many offsets of one source take a `Locator`. */
export function locate(source: Source, offset: number): Location {
  return new Locator().locate(source, offset);
}

/**
 * Locations of many offsets: it keeps where the lines of each source start, and how far the last line was counted, so
 * that offsets in order of text cost as much as the text is long.
 */
export class Locator {
  readonly #lineStarts = new Map<Source, number[]>();
  #lastSource: Source | null = null;
  #lastOffset = 0;
  #last: Location = { line: 1, column: 1 };

  locate(source: Source, offset: number): Location {
    const starts = this.#startsOf(source);
    const line = lastAtMost(starts, offset);
    const goesOn = source === this.#lastSource && line === this.#last.line - 1 && offset >= this.#lastOffset;
    const from = goesOn ? this.#lastOffset : starts[line]!;
    const before = goesOn ? this.#last.column : 1;
    this.#last = { line: line + 1, column: before + codePoints(source.text, from, offset) };
    this.#lastSource = source;
    this.#lastOffset = offset;
    return this.#last;
  }

  #startsOf(source: Source): number[] {
    const known = this.#lineStarts.get(source);
    if (known !== undefined) return known;
    const starts = [0];
    for (let at = source.text.indexOf("\n"); at !== -1; at = source.text.indexOf("\n", at + 1))
      starts.push(at + 1);
    this.#lineStarts.set(source, starts);
    return starts;
  }
}

/** The text that a span covers. */
export function slice(span: Span): string {
  return span.source.text.slice(span.start, span.end);
}

/** Index of the last element that is at most `value`; the first element is. */
function lastAtMost(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Code points that start in `text[from .. to]`; a half surrogate is one. */
function codePoints(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const second = (text.charCodeAt(at) & 0xfc00) === 0xdc00;
    if (!second || at === from || (text.charCodeAt(at - 1) & 0xfc00) !== 0xd800) count++;
  }
  return count;
}
