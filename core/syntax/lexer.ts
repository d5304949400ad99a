/**
 * The lexer: on demand, one token at a time, with exact offsets. Line ends are blanks; what matters of lines is
 * whether a token stands in column 1 (a declaration starts there) and, in `metadata`, the rest of a line.
 */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Source, Span } from "../source/source.ts";

export type TokenKind = "word" | "string" | "number" | "symbol" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** Dotted name, symbol or number as written; the value of a string. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The first character of its line. */
  readonly column1: boolean;
}

const SYMBOLS = [
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
];
const WORD = /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y;
// A word or a second number glued to a number (`5x`, `007`) is taken in, to be reported as one bad number.
const NUMBER = /[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[A-Za-z0-9_]*/y;
const JSON_NUMBER = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const BLANKS = /(?:[ \t\r\n]+|\/\/[^\n]*)+/y;
const PLAIN_TEXT = /[^"\\\n\r\u0000-\u0008\u000b-\u001f]+/y;
const LINE_END_IN_STRING = /[ \t]*\r?\n[ \t]*/y;

/** Longest source text, in UTF-16 units; offsets and time stay bounded. */
export const SOURCE_LENGTH_MAX = 16 * 1024 * 1024;

export class Lexer {
  readonly source: Source;
  readonly #text: string;
  readonly #report: Diagnostics;
  #at: number;

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
      this.#skip(BLANKS);
      const start = this.#at;
      if (start >= this.#text.length) return this.#token("end", "", start);
      const word = this.#match(WORD);
      if (word !== null) return this.#token("word", word, start);
      const first = this.#text[start]!;
      if (first === '"') return this.#string(start);
      const number = this.#match(NUMBER);
      if (number !== null) return this.#number(number, start);
      const symbol = SYMBOLS.find((s) => this.#text.startsWith(s, start));
      if (symbol !== undefined) {
        this.#at += symbol.length;
        return this.#token("symbol", symbol, start);
      }
      this.#badCharacters(start);
    }
  }

  /** Move back (or on) to an offset that a token named. */
  rewind(offset: number): void {
    this.#at = offset;
  }

  /** From an offset to the end of its line or to a blank and `//`, without blanks at the end. */
  restOfLine(offset: number): { text: string; start: number; end: number } {
    let start = offset;
    while (this.#text[start] === " " || this.#text[start] === "\t") start++;
    let end = this.#text.indexOf("\n", start);
    if (end === -1) end = this.#text.length;
    const line = this.#text.slice(start, end);
    const comment = line.search(/(?:^|[ \t])\/\//);
    const text = (comment === -1 ? line : line.slice(0, comment)).trimEnd();
    this.#at = end;
    return { text, start, end: start + text.length };
  }

  #token(kind: TokenKind, text: string, start: number): Token {
    const before = this.#text[start - 1];
    const column1 = start === 0 || before === "\n" || (start === 1 && before === "\ufeff");
    return { kind, text, start, end: this.#at, column1 };
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #number(text: string, start: number): Token {
    if (!JSON_NUMBER.test(text)) {
      this.#report.error(
        "bad-number",
        this.span(start, this.#at),
        `\`${text}\` is not a number`,
        "numbers are spelled as in JSON: 0, 12, 1.5, 2e3",
      );
      return this.#token("number", "0", start);
    }
    return this.#token("number", text, start);
  }

  #badCharacters(start: number): void {
    let end = start;
    while (
      end < this.#text.length &&
      /[^\sA-Za-z0-9_"()[\],:?<>=!+\-*/{}.]/u.test(String.fromCodePoint(this.#text.codePointAt(end)!))
    ) {
      end += this.#text.codePointAt(end)! > 0xffff ? 2 : 1;
    }
    if (end === start) end = start + 1;
    const bad = this.#text.slice(start, end);
    const help = /[\u2018\u2019\u201c\u201d']/.test(bad)
      ? 'strings stand in straight double quotes: "text"'
      : bad === "&&" || bad === "&"
        ? "write `and`"
        : bad === "||" || bad === "|"
          ? "write `or`"
          : bad === "!"
            ? "write `not`"
            : bad.startsWith("#")
              ? "comments start with `//`"
              : null;
    this.#report.error(
      "bad-character",
      this.span(start, end),
      `\`${bad.slice(0, 20)}\` has no meaning here`,
      help,
    );
    this.#at = end;
  }

  #string(start: number): Token {
    let value = "";
    this.#at = start + 1;
    for (;;) {
      const plain = this.#match(PLAIN_TEXT);
      if (plain !== null) value += plain;
      const next = this.#text[this.#at];
      if (next === '"') {
        this.#at++;
        this.#checkText(value, start);
        return this.#token("string", value, start);
      }
      if (next === "\\") {
        value += this.#escape();
      } else if (next === "\n" || (next === "\r" && this.#text[this.#at + 1] === "\n")) {
        if (this.#startsDeclaration()) return this.#unterminated(start, value);
        // A line end, with the blanks around it, reads as one blank.
        this.#match(LINE_END_IN_STRING);
        value = `${value.replace(/[ \t]+$/, "")} `;
      } else if (next === undefined) {
        return this.#unterminated(start, value);
      } else {
        const code = next.charCodeAt(0).toString(16).padStart(4, "0");
        this.#report.error(
          "bad-string",
          this.span(this.#at, this.#at + 1),
          "a control character in a string",
          `write \\u${code}`,
        );
        this.#at++;
      }
    }
  }

  /** Does the next line start a declaration in column 1? Then the quote before it was never closed. */
  #startsDeclaration(): boolean {
    const line = this.#text.slice(this.#text.indexOf("\n", this.#at) + 1);
    return /^(?:policy|guard|enum|type|resource|attributes|constant|default)\b/.test(line.slice(0, 16));
  }

  #unterminated(start: number, value: string): Token {
    const lineEnd = this.#text.indexOf("\n", start);
    this.#at = lineEnd === -1 ? this.#text.length : lineEnd;
    this.#report.error(
      "unterminated-string",
      this.span(start, this.#at),
      "this string has no closing quote",
      'close it with `"`; a quote inside is written `\\"`',
    );
    return this.#token("string", value, start);
  }

  #escape(): string {
    const start = this.#at;
    const letter = this.#text[start + 1];
    const simple =
      letter === undefined
        ? undefined
        : { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }[letter];
    if (simple !== undefined) {
      this.#at = start + 2;
      return simple;
    }
    const hex = this.#text.slice(start + 2, start + 6);
    if (letter === "u" && /^[0-9a-fA-F]{4}$/.test(hex)) {
      this.#at = start + 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    this.#at = Math.min(this.#text.length, start + 2);
    this.#report.error(
      "bad-escape",
      this.span(start, this.#at),
      `\`${this.#text.slice(start, this.#at).trim()}\` is not an escape`,
      "escapes are JSON's: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
    );
    return "";
  }

  #checkText(value: string, start: number): void {
    if (!value.isWellFormed()) {
      this.#report.error(
        "bad-string",
        this.span(start, this.#at),
        "half of a surrogate pair in a string",
        "write both halves, or the character itself",
      );
    }
  }
}
