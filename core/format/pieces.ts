/** A text as pieces: its tokens as written, each with the comments around it and where the author broke lines. */
import { Diagnostics } from "../source/diagnostics.ts";
import { displayWidth } from "../source/display.ts";
import type { Source } from "../source/source.ts";
import { Lexer } from "../syntax/lexer.ts";
import { isWordOfLanguage } from "./spacing.ts";

/** A comment on lines of its own. */
export interface Comment {
  readonly text: string;
  /** Columns before it on its line. */
  readonly column: number;
  /** A blank line stands before it. */
  readonly blankBefore: boolean;
}

/** A comment behind something on one line. */
export interface TrailingComment {
  readonly text: string;
  readonly column: number;
  /** Columns between it and what it stands behind. */
  readonly gap: number;
}

export interface Piece {
  /** `value`: the rest of a line of metadata. */
  readonly kind: "word" | "string" | "number" | "symbol" | "value";
  /** As written: strings with their quotes, metadata values byte for byte. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Where its line starts with it: blanks before it. */
  readonly column: number;
  /** It starts a declaration. */
  readonly column1: boolean;
  /** Nothing at all stands between it and the piece before. */
  readonly glued: boolean;
  /** A `-` that belongs to the number behind it. */
  readonly sign: boolean;
  /** The author started a line with it. */
  readonly breakBefore: boolean;
  /** A blank line stands right before it, behind its comments if there are some. */
  readonly blankBefore: boolean;
  readonly comments: readonly Comment[];
  readonly trailing: TrailingComment | null;
  /** Blanks before it where the layout aligns it; null where it stands as usual. */
  padding: number | null;
}

export interface Pieces {
  readonly pieces: readonly Piece[];
  /** Comments behind the last piece, on lines of their own. */
  readonly tail: readonly Comment[];
}

/** A range that is one piece whatever is written in it. */
export interface Raw {
  readonly start: number;
  readonly end: number;
}

/** Take a text apart that the parser found no error in. `raws` are in order of text. */
export function piecesOf(source: Source, raws: readonly Raw[]): Pieces {
  const { text } = source;
  const lexer = new Lexer(source, new Diagnostics());
  const pieces: { -readonly [Key in keyof Piece]: Piece[Key] }[] = [];
  let nextRaw = 0;
  let lineStart = 0;
  let end = text.startsWith("\ufeff") ? 1 : 0;
  for (;;) {
    const last = pieces.at(-1);
    const token = lexer.next();
    const raw = raws[nextRaw];
    const isRaw = raw !== undefined && token.end > raw.start;
    const start = isRaw ? raw.start : token.start;
    const between = trivia(text, end, start);
    if (between.lines > 0) lineStart = text.lastIndexOf("\n", start - 1) + 1;
    if (last !== undefined) last.trailing = between.trailing;
    if (token.kind === "end" && !isRaw) return { pieces, tail: between.comments };
    if (isRaw) {
      nextRaw++;
      lexer.rewind(raw.end);
    }
    const kind = isRaw ? "value" : (token.kind as Piece["kind"]);
    const pieceEnd = isRaw ? raw.end : token.end;
    pieces.push({
      kind,
      text: text.slice(start, pieceEnd),
      start,
      end: pieceEnd,
      column: start - lineStart,
      column1: !isRaw && token.column1,
      glued: last !== undefined && start === end,
      sign: kind === "symbol" && token.text === "-" && isSign(text, token.end, last, start === end),
      breakBefore: between.lines > 0,
      blankBefore: between.blankAtEnd,
      comments: between.comments,
      trailing: null,
      padding: null,
    });
    end = pieceEnd;
  }
}

interface Trivia {
  readonly trailing: TrailingComment | null;
  readonly comments: readonly Comment[];
  /** Line ends. */
  readonly lines: number;
  readonly blankAtEnd: boolean;
}

/** What stands between two tokens: blanks, line ends and comments. */
function trivia(text: string, from: number, to: number): Trivia {
  const comments: Comment[] = [];
  let trailing: TrailingComment | null = null;
  let lines = 0;
  let emptyLines = 0;
  let at = from;
  for (;;) {
    const lineBreak = text.indexOf("\n", at);
    const lineEnd = lineBreak === -1 || lineBreak > to ? to : lineBreak;
    const line = text.slice(at, lineEnd);
    const comment = line.trim();
    const isLast = lineEnd === to && lineBreak !== to;
    if (comment.startsWith("//")) {
      const start = at + line.indexOf("//");
      const column = columnOf(text, start);
      // Behind the start of the text there is nothing that a comment could stand behind.
      if (lines === 0 && from > 0 && text[from - 1] !== "\ufeff")
        trailing = { text: comment, column, gap: start - at };
      else comments.push({ text: comment, column, blankBefore: emptyLines > 0 && lines > 0 });
      emptyLines = 0;
    } else if (lines > 0 && !isLast) emptyLines++;
    if (isLast) break;
    lines++;
    at = lineEnd + 1;
    if (at > to) break;
  }
  return { trailing, comments, lines, blankAtEnd: emptyLines > 0 };
}

/** Terminal columns between the start of a line and an offset in it. */
function columnOf(text: string, offset: number): number {
  const lineStart = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  return displayWidth(text.slice(lineStart, offset));
}

/** Behind an operand a `-` subtracts, unless it is written as a sign: then nobody but the parser can tell. */
function isSign(text: string, end: number, before: Piece | undefined, glued: boolean): boolean {
  if (!/[0-9]/.test(text[end] ?? "")) return false;
  if (before === undefined || !glued) return true;
  const isOperand =
    before.kind === "number" ||
    before.kind === "string" ||
    (before.kind === "word" && !isWordOfLanguage(before.text)) ||
    before.text === ")" ||
    before.text === "]";
  return !isOperand;
}
