/**
 * The lexer: on demand, one token at a time, with exact offsets. Line ends are blanks; what matters of lines is
 * whether a token stands in column 1 (a declaration starts there) and, in `metadata`, the rest of a line.
 */
import type { Diagnostics } from "../source/diagnostics.ts";
import { shortened } from "../source/display.ts";
import type { DiagnosticId } from "../source/ids.ts";
import type { Source, Span } from "../source/source.ts";
import { parseDuration } from "../source/time.ts";

export type TokenKind = "word" | "string" | "number" | "duration" | "symbol" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** Dotted name, symbol, number or duration as written (empty for a bad number, which is reported); the value of a string. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The first character of its line. */
  readonly column1: boolean;
  /** Only blanks before it on its line. */
  readonly firstOfLine: boolean;
}

const SYMBOLS: ReadonlySet<string> = new Set([
  "==",
  "!=",
  "<=",
  ">=",
  "..",
  "<",
  ">",
  "(",
  ")",
  "[",
  "]",
  ",",
  ":",
  "?",
  "+",
  "-",
  "*",
  "/",
  "=",
  "{",
  "}",
  ".",
]);
const WORD = /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y;
// A word or a second number glued to a number (`5x`, `007`) is taken in, to be reported as one bad number.
const NUMBER = /[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[A-Za-z0-9_]*/y;
const JSON_NUMBER = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const PLAIN_TEXT = /[^"\\\n\r\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/y;
/**
 * Characters that a reviewer does not see, or that make text look other than it reads (CVE-2021-42574): refused raw,
 * also in comments. In strings they are written as escapes.
 */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
/** At the start of a line: no string goes on behind it. */
const DECLARATION =
  /(?:policy|guard|enum|type|resource|attributes|constant|default|condition|template|import|data|sets)\b|test[ \t]*"/;
const KEYWORD_OF_DECLARATION = new RegExp(`^(?:${DECLARATION.source})`);
const LINE_OF_DECLARATION = new RegExp(`\\n(?=${DECLARATION.source})`, "g");
const KEYWORD_LENGTH_MAX = 16;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BLANK = 0x20;
const QUOTE = 0x22;
const SLASH = 0x2f;
const BYTE_ORDER_MARK = 0xfeff;
const COMMENTS = "comments start with `//`";

/** Longest source text, in UTF-16 units; offsets and time stay bounded. */
export const SOURCE_LENGTH_MAX = 16 * 1024 * 1024;

/** Longest dotted name. */
const NAME_LENGTH_MAX = 256;

/** A problem in a string, reported once the string is known to be closed. */
interface Problem {
  readonly id: DiagnosticId;
  readonly span: Span;
  readonly message: string;
  readonly help: string;
}

/**
 * Where declarations start, at most: between two of these offsets no token goes on. Only what is no text at all, as
 * C's comments, can hide one.
 */
export function declarationStarts(text: string): number[] {
  return Array.from(text.matchAll(LINE_OF_DECLARATION), ({ index }) => index + 1);
}

export class Lexer {
  readonly source: Source;
  readonly #text: string;
  readonly #report: Diagnostics;
  #at: number;
  /** No end of a block comment was found; so there is none further on. */
  #unclosedBlock = false;

  constructor(source: Source, report: Diagnostics) {
    this.source = source;
    this.#text = source.text;
    this.#report = report;
    this.#at = source.text.startsWith("\ufeff") ? 1 : 0;
  }

  span(start: number, end: number): Span {
    return { source: this.source, start, end };
  }

  /** The next token. Bad characters are reported and skipped. */
  next(): Token {
    for (;;) {
      this.#blanks();
      const start = this.#at;
      if (start >= this.#text.length) return this.#token("end", "", start);
      const first = this.#text.charCodeAt(start);
      if (startsWord(first)) return this.#word(this.#match(WORD)!, start);
      if (first === QUOTE) return this.#string(start);
      if (isDigit(first)) return this.#number(this.#match(NUMBER)!, start);
      if (this.#text.startsWith("/*", start)) {
        this.#blockComment(start);
        continue;
      }
      const symbol = this.#symbol(start);
      if (symbol !== null) {
        this.#at += symbol.length;
        return this.#token("symbol", symbol, start);
      }
      this.#badCharacters(start);
    }
  }

  /** The longest symbol that starts here. */
  #symbol(start: number): string | null {
    const two = this.#text.slice(start, start + 2);
    if (SYMBOLS.has(two)) return two;
    return SYMBOLS.has(two[0]!) ? two[0]! : null;
  }

  /** Move back (or on) to an offset that a token named. */
  rewind(offset: number): void {
    this.#at = offset;
  }

  /** From an offset to the end of its line or to a blank and `//`, without blanks at the end. */
  restOfLine(offset: number): { text: string; start: number; end: number } {
    let start = offset;
    while (this.#text[start] === " " || this.#text[start] === "\t") start++;
    const end = this.#lineEnd(start);
    const line = this.#text.slice(start, end);
    const comment = line.search(/(?:^|[ \t])\/\//);
    const text = (comment === -1 ? line : line.slice(0, comment)).trimEnd();
    // The comment is looked at as comments are, when the lexer goes on.
    this.#at = comment === -1 ? end : start + line.indexOf("//", comment);
    this.#checkLine(text, start);
    return { text, start, end: start + text.length };
  }

  #token(kind: TokenKind, text: string, start: number): Token {
    const source = this.#text;
    let at = start - 1;
    let before = source.charCodeAt(at);
    while (before === BLANK || before === TAB || before === CARRIAGE_RETURN) before = source.charCodeAt(--at);
    const firstOfLine = at < 0 || before === LINE_FEED || (at === 0 && before === BYTE_ORDER_MARK);
    return { kind, text, start, end: this.#at, column1: firstOfLine && at === start - 1, firstOfLine };
  }

  /** Of a name that is too long the start is taken, so that nobody has to look at the whole of it. */
  #word(text: string, start: number): Token {
    if (text.length <= NAME_LENGTH_MAX) return this.#token("word", text, start);
    this.#report.error(
      "too-large",
      this.span(start, this.#at),
      `a name of more than ${NAME_LENGTH_MAX} characters`,
      "choose a shorter one",
    );
    return this.#token("word", text.slice(0, NAME_LENGTH_MAX), start);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  /** Where the line of an offset ends; its carriage return belongs to the line end. */
  #lineEnd(offset: number): number {
    const found = this.#text.indexOf("\n", offset);
    const end = found === -1 ? this.#text.length : found;
    return end > offset && found !== -1 && this.#text[end - 1] === "\r" ? end - 1 : end;
  }

  // --- blanks and comments ---

  #blanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === BLANK || code === LINE_FEED || code === TAB) this.#at++;
      else if (code === SLASH && this.#text.charCodeAt(this.#at + 1) === SLASH) this.#comment();
      else if (code === CARRIAGE_RETURN && this.#text.charCodeAt(this.#at + 1) === LINE_FEED) this.#at += 2;
      else return;
    }
  }

  #comment(): void {
    const start = this.#at;
    this.#at = this.#lineEnd(start);
    const text = this.#text.slice(start, this.#at);
    const hidden = text.search(HIDDEN);
    if (hidden !== -1)
      this.#report.error(
        "bad-character",
        this.span(start + hidden, start + hidden + 1),
        `${codeOf(text[hidden]!)} in a comment`,
        "remove it: a reviewer cannot see it, or sees another text",
      );
  }

  /** What C calls a comment, up to its end or else that of its line. */
  #blockComment(start: number): void {
    const close = this.#unclosedBlock ? -1 : this.#text.indexOf("*/", start + 2);
    this.#unclosedBlock = close === -1;
    this.#at = close === -1 ? this.#lineEnd(start) : close + 2;
    this.#report.error("bad-character", this.span(start, start + 2), "`/*` has no meaning here", COMMENTS);
  }

  // --- numbers and bad characters ---

  #number(text: string, start: number): Token {
    if (JSON_NUMBER.test(text)) return this.#token("number", text, start);
    if (parseDuration(text) !== null) return this.#token("duration", text, start);
    this.#report.error(
      "bad-number",
      this.span(start, this.#at),
      `\`${text}\` is not a number`,
      /[dhms]/.test(text)
        ? "durations are spelled 90s, 1h30m, 7d: units d, h, m, s, ms in this order, whole numbers"
        : "numbers are spelled as in JSON: 0, 12, 1.5, 2e3",
    );
    return this.#token("number", "", start);
  }

  #badCharacters(start: number): void {
    let end = start;
    while (end < this.#text.length) {
      const character = String.fromCodePoint(this.#text.codePointAt(end)!);
      if (/[ \t\r\nA-Za-z0-9_"()[\],:?<>=!+\-*/{}.]/.test(character)) break;
      end += character.length;
    }
    if (end === start) end = start + 1;
    // Whoever writes `#` means a comment.
    const rest = this.#text[start] === "#" ? this.#lineEnd(start) : end;
    if (rest > end) end = start + 1;
    const bad = this.#text.slice(start, end);
    const shown = HIDDEN.test(bad) || bad.trim() === "" ? codeOf(bad) : `\`${shortened(bad, 20)}\``;
    const span = this.span(start, end);
    const word = WORD_FOR.get(bad);
    this.#report.error(
      "bad-character",
      span,
      `${shown} has no meaning here`,
      adviceAbout(bad),
      word === undefined ? undefined : { title: adviceAbout(bad), span, text: word },
    );
    this.#at = Math.max(rest, end);
  }

  // --- strings ---

  #string(start: number): Token {
    const parts: string[] = [];
    const problems: Problem[] = [];
    this.#at = start + 1;
    for (;;) {
      const plain = this.#match(PLAIN_TEXT);
      const next = this.#text[this.#at];
      const atLineEnd = next === "\n" || (next === "\r" && this.#text[this.#at + 1] === "\n");
      if (plain !== null) parts.push(atLineEnd ? withoutBlanksBehind(plain) : plain);
      if (next === '"') {
        this.#at++;
        return this.#closed(parts.join(""), start, problems);
      }
      if (next === undefined) return this.#unterminated(start);
      if (atLineEnd) {
        if (!this.#lineEnds()) return this.#unterminated(start);
        parts.push(" ");
      } else if (next === "\\") parts.push(this.#escape(problems));
      else {
        problems.push({
          id: "bad-string",
          span: this.span(this.#at, this.#at + 1),
          message: `${codeOf(next)} in a string`,
          help: `write \\u${hex4(next)}`,
        });
        this.#at++;
      }
    }
  }

  /** Line ends with the blanks around them, which read as one blank; false where a declaration starts behind one. */
  #lineEnds(): boolean {
    for (;;) {
      const code = this.#text[this.#at];
      if (code === "\n") {
        this.#at++;
        // A declaration starts in column 1: then the quote before it was never closed.
        if (KEYWORD_OF_DECLARATION.test(this.#text.slice(this.#at, this.#at + KEYWORD_LENGTH_MAX)))
          return false;
      } else if (code === " " || code === "\t") this.#at++;
      else if (code === "\r" && this.#text[this.#at + 1] === "\n") this.#at++;
      else return true;
    }
  }

  #closed(value: string, start: number, problems: readonly Problem[]): Token {
    for (const { id, span, message, help } of problems) this.#report.error(id, span, message, help);
    if (!value.isWellFormed()) {
      this.#report.error(
        "bad-string",
        this.span(start, this.#at),
        "half of a surrogate pair in a string",
        "write both halves, or the character itself",
      );
    }
    return this.#token("string", value, start);
  }

  /** Goes on behind the line in which the string starts, so that what follows is still checked. */
  #unterminated(start: number): Token {
    this.#at = this.#lineEnd(start);
    this.#report.error(
      "unterminated-string",
      this.span(start, this.#at),
      "this string has no closing quote",
      'close it with `"`; a quote inside is written `\\"`',
    );
    return this.#token("string", this.#text.slice(start + 1, this.#at), start);
  }

  #escape(problems: Problem[]): string {
    const start = this.#at;
    const letter = this.#text[start + 1] ?? "";
    const simple = SIMPLE_ESCAPES.get(letter);
    if (simple !== undefined) {
      this.#at = start + 2;
      return simple;
    }
    const hex = this.#text.slice(start + 2, start + 6);
    if (letter === "u" && /^[0-9a-fA-F]{4}$/.test(hex)) {
      this.#at = start + 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    // Not over the end of the line: that is a matter of its own.
    const character = String.fromCodePoint(this.#text.codePointAt(start + 1) ?? 0);
    this.#at = start + 1 + (/[\r\n"]/.test(character) || letter === "" ? 0 : character.length);
    problems.push({
      id: "bad-escape",
      span: this.span(start, this.#at),
      message: `\`${this.#text.slice(start, this.#at)}\` is not an escape`,
      help: "escapes are JSON's: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
    });
    return "";
  }

  // --- metadata ---

  #checkLine(text: string, start: number): void {
    const hidden = text.search(HIDDEN);
    if (hidden !== -1)
      this.#report.error(
        "bad-metadata",
        this.span(start + hidden, start + hidden + 1),
        `${codeOf(text[hidden]!)} in a metadata value`,
        "remove it: a reviewer cannot see it, or sees another text",
      );
    else if (!text.isWellFormed())
      this.#report.error(
        "bad-metadata",
        this.span(start, start + text.length),
        "half of a surrogate pair in a metadata value",
        "write the character itself",
      );
  }
}

/** An ASCII letter or `_`. */
function startsWord(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || code === 0x5f;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** What other languages' operators are here. */
const WORD_FOR: ReadonlyMap<string, string> = new Map([
  ["&&", " and "],
  ["||", " or "],
  ["!", "not "],
  ["#", "//"],
  [";", ""],
]);

function adviceAbout(bad: string): string {
  if (/[\u2018\u2019\u201c\u201d'`]/.test(bad)) return 'strings stand in straight double quotes: "text"';
  if (bad === "&&" || bad === "&") return "write `and`";
  if (bad === "||" || bad === "|") return "write `or`";
  if (bad === "!") return "write `not`";
  if (bad.startsWith("#")) return COMMENTS;
  if (bad === ";") return "a line end is enough";
  if (bad === "\r") return "end lines with a line feed";
  return HIDDEN.test(bad) || bad.trim() === ""
    ? "remove it, or write a plain blank"
    : "remove it, or put it in quotes";
}

function withoutBlanksBehind(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === " " || text[end - 1] === "\t")) end--;
  return text.slice(0, end);
}

/** `U+202E` for a character that is better not shown. */
function codeOf(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}

function hex4(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, "0");
}
