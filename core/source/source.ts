/** Policy text and places in it. */

/** One file of policy text. */
export interface Source {
  /** Name shown in diagnostics: the path as the user gave it. */
  readonly name: string;
  readonly text: string;
}

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

/** Where a span starts. */
export function locate(source: Source, offset: number): Location {
  const text = source.text;
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: [...text.slice(lineStart, offset)].length + 1 };
}

/** The text that a span covers. */
export function slice(span: Span): string {
  return span.source.text.slice(span.start, span.end);
}
