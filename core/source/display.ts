/** Text on a terminal: what is safe to print, and how many cells it takes. */

/** Most code units of one source line that are shown; of a longer line a window around the place. */
const LINE_SHOWN_MAX = 160;
/** Of a long line, what is shown before the place. */
const LINE_BEFORE_MAX = 60;

/** One source line with the place marked below it. */
export interface MarkedLine {
  readonly line: string;
  readonly carets: string;
}

/** The line in which a span starts, and carets under the part of the span that stands in it. */
export function markedLine(text: string, start: number, end: number): MarkedLine {
  const lineStart = start === 0 ? 0 : text.lastIndexOf("\n", start - 1) + 1;
  const lineBreak = text.indexOf("\n", start);
  let lineEnd = lineBreak === -1 ? text.length : lineBreak;
  if (lineEnd > start && text[lineEnd - 1] === "\r") lineEnd--;
  const tooLong = lineEnd - lineStart > LINE_SHOWN_MAX;
  const from = tooLong ? boundary(text, Math.max(lineStart, start - LINE_BEFORE_MAX)) : lineStart;
  const to = tooLong ? boundary(text, Math.min(lineEnd, from + LINE_SHOWN_MAX)) : lineEnd;
  const before = (from > lineStart ? "…" : "") + printable(text.slice(from, start));
  const marked = printable(text.slice(start, Math.max(start, Math.min(end, to))));
  const after = printable(text.slice(start + marked.length, to)) + (to < lineEnd ? "…" : "");
  return {
    line: before + marked + after,
    carets: " ".repeat(displayWidth(before)) + "^".repeat(Math.max(1, displayWidth(marked))),
  };
}

/**
 * Control bytes, and characters that turn the direction of text, must not reach a terminal: policy text and names of
 * files may be hostile. One code unit stays one code unit.
 */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => (character === "\n" || character === "\t" ? " " : "\ufffd"),
  );
}

/** At most `lengthMax` code units of a text, cut between code points, with a mark where something is left out. */
export function shortened(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, boundary(text, lengthMax - 1))}…`;
}

/** The offset itself, or the one before where it would part a surrogate pair. */
function boundary(text: string, offset: number): number {
  const parts =
    (text.charCodeAt(offset) & 0xfc00) === 0xdc00 && (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800;
  return parts ? offset - 1 : offset;
}

/** Terminal cells of a text: wide East Asian characters and emoji take two, combining marks and joiners none. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (/^(?:\p{Mn}|\p{Me}|[\u200b-\u200d\u2060\ufeff])$/u.test(character)) continue;
    width += isWide(character.codePointAt(0)!) ? 2 : 1;
  }
  return width;
}

/** The ranges of Unicode's East_Asian_Width W and F that policy text is likely to hold. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf && code !== 0x303f) ||
    (code >= 0xa960 && code <= 0xa97c) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}
