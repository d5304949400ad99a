/**
 * What a pattern is once it is parsed: regular expressions and globs alike. Greediness and captures are gone, since
 * `matches` and `like` only ask whether a text matches.
 */

export type Pattern =
  | { readonly kind: "empty" }
  /** One code point out of a set. */
  | { readonly kind: "set"; readonly set: CodePoints }
  /** One byte, whatever it is: the `*` of a glob repeats it. */
  | { readonly kind: "any-byte" }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly options: readonly Pattern[] }
  /** `max` is null where there is no end. */
  | { readonly kind: "repeat"; readonly of: Pattern; readonly min: number; readonly max: number | null };

/**
 * Tests of a place between two bytes. Word characters are the ASCII letters, digits and `_`; a boundary lies between
 * one of them and something else, which the begin and the end of the text are, too.
 */
export type Assertion = "begin-text" | "end-text" | "begin-line" | "end-line" | "boundary" | "no-boundary";

/** First and last code point of each range, one after the other: ascending, apart by at least one code point. */
export type CodePoints = readonly number[];

/** Why a text is no pattern, or none that we can take. */
export interface Problem {
  readonly id: "bad-pattern" | "pattern-too-large";
  readonly message: string;
  readonly help: string;
}

export type Parsed =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly problem: Problem };

export const EMPTY: Pattern = { kind: "empty" };

export function sequence(parts: readonly Pattern[]): Pattern {
  if (parts.length === 0) return EMPTY;
  return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
}

/** A pattern that is nothing but a text, perhaps anchored. */
export interface PlainText {
  readonly text: string;
  readonly anchoredAtBegin: boolean;
  readonly anchoredAtEnd: boolean;
}

/** The text that a pattern asks for, where simpler tests say the same; else null. */
export function plainTextOf(pattern: Pattern): PlainText | null {
  const parts = pattern.kind === "sequence" ? [...pattern.parts] : pattern.kind === "empty" ? [] : [pattern];
  const anchoredAtBegin = isAssertion(parts[0], "begin-text");
  if (anchoredAtBegin) parts.shift();
  const anchoredAtEnd = isAssertion(parts.at(-1), "end-text");
  if (anchoredAtEnd) parts.pop();
  let text = "";
  for (const part of parts) {
    if (part.kind !== "set" || part.set.length !== 2 || part.set[0] !== part.set[1]) return null;
    text += String.fromCodePoint(part.set[0]!);
  }
  return { text, anchoredAtBegin, anchoredAtEnd };
}

function isAssertion(pattern: Pattern | undefined, what: Assertion): boolean {
  return pattern?.kind === "assert" && pattern.what === what;
}
