/**
 * Regular expressions in RE2's syntax, by its rules: what RE2 refuses is refused, what it takes means the same. Captures
 * are plain groups here, and `\C` (one byte) is refused, since it could split a character.
 */
import { ALL, CODE_POINT_MAX, complement, setOf, union } from "./code-points.ts";
import { PERL_CLASSES, POSIX_CLASSES } from "./named-classes.ts";
import type { Assertion, CodePoints, Parsed, Pattern, Problem } from "./pattern.ts";
import { sequence } from "./pattern.ts";
import { foldCase, unicodeClass } from "./unicode.ts";

/** UTF-16 units of a pattern's text. */
export const PATTERN_LENGTH_MAX = 4096;
/** Groups in one another. */
export const PATTERN_DEPTH_MAX = 200;
/** Of `{n}` and `{n,m}`, also multiplied where they stand in one another. */
export const REPEAT_MAX = 1000;

const NOT_NEWLINE = complement([0x0a, 0x0a]);
const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
export const ESCAPE_HELP = "for a backslash itself write two; in a quoted string each is doubled again";

/** Parse a regular expression; never throws. */
export function parsePattern(text: string): Parsed {
  const refused = refuseTooLong(text);
  if (refused !== null) return refused;
  try {
    return { ok: true, pattern: new Parser(text).parse() };
  } catch (error) {
    if (error instanceof PatternError) return { ok: false, problem: error.problem };
    throw error;
  }
}

/** What is said of a pattern or a glob that is too long, or null. */
export function refuseTooLong(text: string): Parsed | null {
  if (text.length <= PATTERN_LENGTH_MAX) return null;
  const problem: Problem = {
    id: "pattern-too-large",
    message: `the pattern has ${text.length} characters, the limit is ${PATTERN_LENGTH_MAX}`,
    help: "split it into several conditions",
  };
  return { ok: false, problem };
}

class PatternError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Those that change what is matched; `(?U)` only changes how much. */
interface Flags {
  readonly foldCase: boolean;
  readonly multiLine: boolean;
  readonly dotMatchesNewline: boolean;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #flags: Flags = { foldCase: false, multiLine: false, dotMatchesNewline: false };
  readonly #names = new Set<string>();

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Pattern {
    const pattern = this.#choice(0);
    if (this.#at < this.#text.length)
      this.#fail("`)` closes no group", 1, "remove it, or write `\\)` for the character");
    return pattern;
  }

  /** Alternatives, up to the end of the group. */
  #choice(depth: number): Pattern {
    if (depth > PATTERN_DEPTH_MAX)
      throw new PatternError({
        id: "pattern-too-large",
        message: `groups are nested deeper than ${PATTERN_DEPTH_MAX}`,
        help: "split the pattern into several conditions",
      });
    const options = [this.#sequence(depth)];
    while (this.#take("|")) options.push(this.#sequence(depth));
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(depth: number): Pattern {
    const parts: Pattern[] = [];
    /** The last thing was a repetition, on which no other may follow. */
    let repeated = false;
    while (this.#at < this.#text.length && !this.#sees("|") && !this.#sees(")")) {
      const repetition = this.#repetition(parts.length > 0, repeated);
      repeated = repetition !== null;
      if (repetition !== null) parts.push(this.#repeat(parts.pop()!, repetition));
      else parts.push(...this.#piece(depth));
    }
    return sequence(parts);
  }

  // --- repetitions ---

  #repetition(hasOperand: boolean, repeated: boolean): Repetition | null {
    const start = this.#at;
    const bounds = this.#bounds();
    if (bounds === null) return null;
    this.#take("?");
    if (repeated)
      this.#failAt(start, "a repetition cannot be repeated", "put what is repeated into a group, `(?:...)`");
    if (!hasOperand)
      this.#failAt(
        start,
        "a repetition with nothing to repeat",
        "write `\\` in front of it for the character",
      );
    if (bounds.min > REPEAT_MAX || (bounds.max ?? 0) > REPEAT_MAX)
      this.#failAt(start, `a repetition of more than ${REPEAT_MAX}`, "use `*` or `+`, or a smaller number");
    if (bounds.max !== null && bounds.max < bounds.min)
      this.#failAt(start, "a repetition whose end is below its begin", "swap the two numbers");
    return { ...bounds, start };
  }

  #bounds(): { readonly min: number; readonly max: number | null } | null {
    if (this.#take("*")) return { min: 0, max: null };
    if (this.#take("+")) return { min: 1, max: null };
    if (this.#take("?")) return { min: 0, max: 1 };
    // Anything else in braces is a text.
    const braces = /\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}/y;
    braces.lastIndex = this.#at;
    const match = braces.exec(this.#text);
    if (match === null) return null;
    this.#at = braces.lastIndex;
    const min = Number(match[1]);
    if (match[2] === undefined) return { min, max: min };
    return { min, max: match[3] === undefined ? null : Number(match[3]) };
  }

  #repeat(of: Pattern, { min, max, start }: Repetition): Pattern {
    const pattern: Pattern = { kind: "repeat", of, min, max };
    if (repetitionsOf(pattern) > REPEAT_MAX)
      this.#failAt(
        start,
        `repetitions in one another come to more than ${REPEAT_MAX}`,
        "use `*` or `+`, or smaller numbers",
      );
    return pattern;
  }

  // --- pieces ---

  #piece(depth: number): Pattern[] {
    if (this.#sees("(")) return this.#group(depth);
    if (this.#sees("[")) return [this.#set(this.#bracket())];
    if (this.#sees("\\")) return this.#backslash();
    const character = this.#next();
    switch (character) {
      case ".":
        return [this.#set(this.#flags.dotMatchesNewline ? ALL : NOT_NEWLINE)];
      case "^":
        return [assert(this.#flags.multiLine ? "begin-line" : "begin-text")];
      case "$":
        return [assert(this.#flags.multiLine ? "end-line" : "end-text")];
      default:
        return [this.#literal(character.codePointAt(0)!)];
    }
  }

  #set(set: CodePoints): Pattern {
    return { kind: "set", set };
  }

  #literal(codePoint: number): Pattern {
    return this.#set(this.#folded([codePoint, codePoint]));
  }

  #folded(set: CodePoints): CodePoints {
    return this.#flags.foldCase ? foldCase(set) : set;
  }

  #group(depth: number): Pattern[] {
    const start = this.#at;
    const before = this.#flags;
    this.#at++;
    if (this.#sees("?") && !this.#groupHead(start)) return [];
    const inside = this.#choice(depth + 1);
    if (!this.#take(")"))
      this.#failAt(start, "a group without `)`", "close it, or write `\\(` for the character");
    this.#flags = before;
    // A group of nothing is something to repeat all the same.
    return [inside];
  }

  /** Behind `(`: `?P<name>`, `?flags:` or `?flags)`. False where no group is opened. */
  #groupHead(start: number): boolean {
    const named = /\?P?<([^>]*)>/y;
    named.lastIndex = this.#at;
    const match = named.exec(this.#text);
    if (match !== null && !/^[=!]/.test(match[1]!)) {
      this.#name(start, match[1]!);
      this.#at = named.lastIndex;
      return true;
    }
    const head = /\?([imsU]*)(?:-([imsU]+))?([:)])/y;
    head.lastIndex = this.#at;
    const flags = head.exec(this.#text);
    if (flags === null)
      this.#failHead(
        start,
        "`(?` is followed by nothing known",
        "write `(?:...)`, `(?P<name>...)` or flags such as `(?i)`; there is no looking ahead or behind",
      );
    this.#at = head.lastIndex;
    for (const flag of flags[1]!) this.#setFlag(flag, true);
    for (const flag of flags[2] ?? "") this.#setFlag(flag, false);
    return flags[3] === ":";
  }

  #name(start: number, name: string): void {
    if (!/^[0-9A-Za-z_]+$/.test(name))
      this.#failHead(start, `\`${name}\` is no name of a group`, "use letters, digits and `_`");
    if (this.#names.has(name)) this.#failHead(start, `two groups are named \`${name}\``, "rename one");
    this.#names.add(name);
  }

  #failHead(start: number, what: string, help: string): never {
    this.#at = start + 2;
    return this.#failAt(start, what, help);
  }

  #setFlag(flag: string, on: boolean): void {
    if (flag === "i") this.#flags = { ...this.#flags, foldCase: on };
    else if (flag === "m") this.#flags = { ...this.#flags, multiLine: on };
    else if (flag === "s") this.#flags = { ...this.#flags, dotMatchesNewline: on };
  }

  // --- escapes ---

  /** Outside of brackets. */
  #backslash(): Pattern[] {
    switch (this.#text[this.#at + 1]) {
      case "A":
        return this.#assertion("begin-text");
      case "z":
        return this.#assertion("end-text");
      case "b":
        return this.#assertion("boundary");
      case "B":
        return this.#assertion("no-boundary");
      case "Q":
        return this.#quotation();
      case "C":
        return this.#fail("`\\C` could split a character", 2, "write `.`");
      default:
        return [this.#set(this.#namedClass() ?? this.#folded(single(this.#escape())))];
    }
  }

  #assertion(what: Assertion): Pattern[] {
    this.#at += 2;
    return [assert(what)];
  }

  /** `\Q` up to `\E` or the end: text as it is. */
  #quotation(): Pattern[] {
    this.#at += 2;
    const end = this.#text.indexOf("\\E", this.#at);
    const quoted = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    return [...quoted].map((character) => this.#literal(character.codePointAt(0)!));
  }

  /** `\d`, `\pL`, `\p{Greek}` and their opposites, with what equals their members without case; or null. */
  #namedClass(): CodePoints | null {
    const letter = this.#text[this.#at + 1] ?? "";
    if (letter === "p" || letter === "P") return this.#unicodeClass();
    const perl = Object.hasOwn(PERL_CLASSES, letter.toLowerCase())
      ? PERL_CLASSES[letter.toLowerCase()]
      : undefined;
    if (perl === undefined) return null;
    this.#at += 2;
    return this.#signed(perl, letter === letter.toUpperCase());
  }

  #signed(set: CodePoints, negated: boolean): CodePoints {
    const folded = this.#folded(set);
    return negated ? complement(folded) : folded;
  }

  #unicodeClass(): CodePoints {
    const expression = /\\([pP])(?:\{(\^?)([^}]*)\}|([^{]))/uy;
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#text);
    if (match === null)
      return this.#fail("a class of characters without its name", 2, "write `\\pL` or `\\p{Greek}`");
    const name = match[3] ?? match[4]!;
    const set = unicodeClass(name);
    if (set === null)
      return this.#fail(
        `no class of Unicode is named \`${name}\``,
        match[0].length,
        "use a general category, such as `L` or `Nd`, or a script, such as `Greek`",
      );
    this.#at = expression.lastIndex;
    return this.#signed(set, (match[1] === "P") !== (match[2] === "^"));
  }

  /** One character that a backslash stands before. */
  #escape(): number {
    const start = this.#at;
    const rest = this.#text.slice(start + 1, start + 12);
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (octal !== null) return this.#escaped(octal[0].length, Number.parseInt(octal[0], 8));
    const hexadecimal = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest);
    if (hexadecimal !== null) {
      const codePoint = Number.parseInt(hexadecimal[1] ?? hexadecimal[2]!, 16);
      if (codePoint <= CODE_POINT_MAX) return this.#escaped(hexadecimal[0].length, codePoint);
    }
    const letter = rest[0] ?? "";
    if (Object.hasOwn(SIMPLE_ESCAPES, letter)) return this.#escaped(1, SIMPLE_ESCAPES[letter]!);
    if (/^[!-/:-@[-`{-~ \0-\x1f\x7f]/.test(letter)) return this.#escaped(1, letter.charCodeAt(0));
    if (letter === "") return this.#fail("the pattern ends with a backslash", 1, ESCAPE_HELP);
    if (/[1-9]/.test(letter))
      return this.#fail("a group cannot be referred to", 2, "compare attributes with `==` instead");
    return this.#fail(`\`\\${rest.slice(0, 1)}\` means nothing`, 2, ESCAPE_HELP);
  }

  #escaped(length: number, codePoint: number): number {
    this.#at += 1 + length;
    return codePoint;
  }

  // --- brackets ---

  #bracket(): CodePoints {
    const start = this.#at;
    this.#at++;
    const negated = this.#take("^");
    const sets: CodePoints[] = [];
    for (let first = true; first || !this.#sees("]"); first = false) {
      if (this.#at >= this.#text.length)
        this.#failAt(start, "a class without `]`", "close it, or write `\\[` for the character");
      sets.push(this.#bracketItem());
    }
    this.#at++;
    const set = union(sets);
    return negated ? complement(set) : set;
  }

  #bracketItem(): CodePoints {
    const posix = /\[:(\^?)(.*?):\]/sy;
    posix.lastIndex = this.#at;
    const match = posix.exec(this.#text);
    if (match !== null) {
      const set = Object.hasOwn(POSIX_CLASSES, match[2]!) ? POSIX_CLASSES[match[2]!] : undefined;
      if (set === undefined)
        return this.#fail(
          `there is no class \`${match[0]}\``,
          match[0].length,
          "use alnum, alpha, ascii, blank, cntrl, digit, graph, lower, print, punct, space, upper, word or xdigit",
        );
      this.#at = posix.lastIndex;
      return this.#signed(set, match[1] === "^");
    }
    const named = this.#sees("\\") ? this.#namedClass() : null;
    return named ?? this.#range();
  }

  #range(): CodePoints {
    const start = this.#at;
    const first = this.#bracketCharacter();
    const after = this.#text[this.#at + 1];
    if (!this.#sees("-") || after === undefined || after === "]") return this.#folded(single(first));
    this.#at++;
    const last = this.#bracketCharacter();
    if (last < first) this.#failAt(start, "a range whose end comes before its begin", "swap the two");
    return this.#folded(setOf([[first, last]]));
  }

  #bracketCharacter(): number {
    return this.#sees("\\") ? this.#escape() : this.#next().codePointAt(0)!;
  }

  // --- text ---

  #sees(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    const seen = this.#sees(character);
    if (seen) this.#at++;
    return seen;
  }

  /** The next character, whole. */
  #next(): string {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at)!);
    this.#at += character.length;
    return character;
  }

  #fail(what: string, length: number, help: string): never {
    const end = this.#at + length;
    this.#at = end;
    return this.#failAt(end - length, what, help);
  }

  /** What stands from `start` up to here is wrong. */
  #failAt(start: number, what: string, help: string): never {
    const piece = this.#text.slice(start, Math.max(this.#at, start + 1));
    const shown = piece.length > 24 ? `${piece.slice(0, 24)}...` : piece;
    const message = `${what}: \`${shown}\` at character ${[...this.#text.slice(0, start)].length + 1}`;
    throw new PatternError({ id: "bad-pattern", message, help });
  }
}

interface Repetition {
  readonly min: number;
  readonly max: number | null;
  readonly start: number;
}

function assert(what: Assertion): Pattern {
  return { kind: "assert", what };
}

function single(codePoint: number): CodePoints {
  return [codePoint, codePoint];
}

/** How often the innermost part is written out at most, counting only `{...}`. */
function repetitionsOf(pattern: Pattern): number {
  switch (pattern.kind) {
    case "sequence":
      return Math.max(...pattern.parts.map(repetitionsOf));
    case "choice":
      return Math.max(...pattern.options.map(repetitionsOf));
    case "repeat":
      return Math.max(pattern.max ?? pattern.min, 1) * repetitionsOf(pattern.of);
    default:
      return 1;
  }
}
