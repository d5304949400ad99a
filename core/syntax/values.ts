/** JSON of a data file: an array or an object of strings, numbers and truth values, read by the language's own lexer, so that places are known. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Source } from "../source/source.ts";
import type { Expression, MapEntry } from "./ast.ts";
import { Lexer, SOURCE_LENGTH_MAX, type Token } from "./lexer.ts";

/** Null where the text is no such array; that is reported. */
export function parseValues(source: Source, report: Diagnostics): Expression[] | null {
  return isTooLong(source, report)
    ? null
    : new Values(source, report, "a set is a JSON array of its values").list();
}

/** The members of an object; null where the text is no such object, which is reported. */
export function parseEntries(source: Source, report: Diagnostics): MapEntry[] | null {
  return isTooLong(source, report) ? null : new Values(source, report, "a map is a JSON object").entries();
}

function isTooLong(source: Source, report: Diagnostics): boolean {
  if (source.text.length <= SOURCE_LENGTH_MAX) return false;
  report.error(
    "too-large",
    { source, start: 0, end: 0 },
    `more than ${SOURCE_LENGTH_MAX} characters of data`,
    "split it into several files",
  );
  return true;
}

class Values {
  readonly #lexer: Lexer;
  readonly #report: Diagnostics;
  #token: Token;
  readonly #advice: string;
  #isSound = true;

  constructor(source: Source, report: Diagnostics, advice: string) {
    this.#lexer = new Lexer(source, report);
    this.#report = report;
    this.#advice = advice;
    this.#token = this.#lexer.next();
  }

  list(): Expression[] | null {
    const items: Expression[] = [];
    this.#symbol("[");
    while (this.#isSound && !this.#is("]")) {
      items.push(this.#value());
      if (!this.#is(",")) break;
      this.#advance();
      if (this.#is("]")) this.#fail("another value");
    }
    this.#symbol("]");
    if (this.#isSound && this.#token.kind !== "end") this.#fail("the end of the file");
    return this.#isSound ? items : null;
  }

  entries(): MapEntry[] | null {
    const entries: MapEntry[] = [];
    this.#symbol("{");
    while (this.#isSound && !this.#is("}")) {
      const key = this.#token.kind === "string" ? this.#value() : this.#fail("a key in double quotes");
      this.#symbol(":");
      if (this.#isSound) entries.push({ key, value: this.#value() });
      if (!this.#is(",")) break;
      this.#advance();
      if (this.#is("}")) this.#fail("another key");
    }
    this.#symbol("}");
    if (this.#isSound && this.#token.kind !== "end") this.#fail("the end of the file");
    return this.#isSound ? entries : null;
  }

  #value(): Expression {
    const { start, kind, text } = this.#token;
    if (kind === "string") {
      const span = this.#lexer.span(start, this.#token.end);
      this.#advance();
      return { kind: "string", value: text, span };
    }
    if (kind === "word" && (text === "true" || text === "false")) {
      const span = this.#lexer.span(start, this.#token.end);
      this.#advance();
      return { kind: "bool", value: text === "true", span };
    }
    const isNegative = this.#is("-");
    const end = this.#token.end;
    if (isNegative) this.#advance();
    const number = this.#token;
    if (number.kind !== "number" || (isNegative && number.start !== end))
      return this.#fail("a string, a number, true or false");
    this.#advance();
    const span = this.#lexer.span(start, number.end);
    const spelling = (isNegative ? "-" : "") + number.text;
    if (number.text === "") {
      this.#isSound = false;
      return { kind: "error", span };
    }
    const value = Number(spelling) + 0;
    const isInt = /^[0-9]+$/.test(number.text);
    if (isInt ? !Number.isSafeInteger(value) : !Number.isFinite(value)) {
      this.#report.error(
        "number-range",
        span,
        `\`${spelling}\` is not exact`,
        "an int lies within ±9007199254740991, a float is finite",
      );
      this.#isSound = false;
    }
    return { kind: isInt ? "int" : "float", value: value === 0 ? 0 : value, text: spelling, span };
  }

  #is(symbol: string): boolean {
    return this.#token.kind === "symbol" && this.#token.text === symbol;
  }

  #symbol(text: string): void {
    if (!this.#isSound) return;
    if (this.#is(text)) this.#advance();
    else this.#fail(`\`${text}\``);
  }

  #advance(): void {
    this.#token = this.#lexer.next();
  }

  #fail(what: string): Expression {
    const { start, end, kind, text } = this.#token;
    const span = this.#lexer.span(start, end);
    const found =
      kind === "end" ? "the end of the file" : kind === "string" ? "a string" : `\`${text.slice(0, 60)}\``;
    if (this.#isSound) this.#report.error("bad-data", span, `expected ${what}, found ${found}`, this.#advice);
    this.#isSound = false;
    return { kind: "error", span };
  }
}
