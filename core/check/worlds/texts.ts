/** Sets of strings, as far as tests of one string describe them. */
import { compareBytes } from "../../source/bytes.ts";

export interface TextTest {
  readonly test: "starts" | "ends" | "contains";
  readonly text: string;
  /** False: the test must fail. */
  readonly holds: boolean;
}

/** An end of what lies before or behind a string in the order of UTF-8 bytes. */
export interface TextEnd {
  readonly text: string;
  readonly open: boolean;
}

/** All strings in `only` (null: all there are) and not in `not`, of which all tests hold. */
export interface Texts {
  readonly only: ReadonlySet<string> | null;
  readonly not: ReadonlySet<string>;
  readonly tests: readonly TextTest[];
  readonly low: TextEnd | null;
  readonly high: TextEnd | null;
  /** Without the letters A-Z. */
  readonly lower: boolean;
}

/** Further tests of one string are forgotten: each is compared with each. */
const TESTS_MAX = 64;
const NONE: ReadonlySet<string> = new Set();
export const ALL_TEXTS: Texts = { only: null, not: NONE, tests: [], low: null, high: null, lower: false };

export function meetTexts(a: Texts, b: Texts): Texts {
  const only = a.only === null ? b.only : b.only === null ? a.only : a.only.intersection(b.only);
  return {
    only,
    not: a.not.union(b.not),
    tests: [...a.tests, ...b.tests].slice(0, TESTS_MAX),
    low: narrower(a.low, b.low, 1),
    high: narrower(a.high, b.high, -1),
    lower: a.lower || b.lower,
  };
}

/** The end that leaves less; `side` is 1 for low ends, -1 for high ones. */
function narrower(a: TextEnd | null, b: TextEnd | null, side: 1 | -1): TextEnd | null {
  if (a === null || b === null) return a ?? b;
  const order = compareBytes(a.text, b.text) * side;
  return order > 0 || (order === 0 && a.open) ? a : b;
}

/** Surely empty; a set that only seems to have members is not found out. */
export function isEmptyTexts(texts: Texts): boolean {
  const { only, tests, low, high, lower } = texts;
  if (only !== null) return [...only].every((text) => !isIn(text, texts));
  if (lower && tests.some((t) => t.holds && /[A-Z]/.test(t.text))) return true;
  if (low !== null && high !== null && !isBehind(high.text, { ...low, open: low.open || high.open }))
    return true;
  if (tests.some((t) => t.holds && t.test === "starts" && liesOutside(t.text, low, high))) return true;
  return tests.some((a, i) => isImpossible(a) || tests.slice(i + 1).some((b) => areExclusive(a, b)));
}

/** No string with this start lies between the ends: all of them are at least the start, and below it none. */
function liesOutside(start: string, low: TextEnd | null, high: TextEnd | null): boolean {
  if (high !== null && !isBefore(start, high)) return true;
  return low !== null && compareBytes(start, low.text) < 0 && !low.text.startsWith(start);
}

function isBehind(text: string, low: TextEnd): boolean {
  const order = compareBytes(text, low.text);
  return order > 0 || (order === 0 && !low.open);
}

function isBefore(text: string, high: TextEnd): boolean {
  const order = compareBytes(text, high.text);
  return order < 0 || (order === 0 && !high.open);
}

function isIn(text: string, { not, tests, low, high, lower }: Texts): boolean {
  if ((low !== null && !isBehind(text, low)) || (high !== null && !isBefore(text, high))) return false;
  return !not.has(text) && !(lower && /[A-Z]/.test(text)) && tests.every((t) => passes(text, t) === t.holds);
}

function passes(text: string, { test, text: part }: TextTest): boolean {
  switch (test) {
    case "starts":
      return text.startsWith(part);
    case "ends":
      return text.endsWith(part);
    case "contains":
      return text.includes(part);
  }
}

/** Everything starts with, ends with and contains the empty string. */
function isImpossible({ text, holds }: TextTest): boolean {
  return !holds && text === "";
}

function areExclusive(a: TextTest, b: TextTest): boolean {
  if (a.holds && b.holds) {
    if (a.test !== b.test || a.test === "contains") return false;
    return !passes(a.text, b) && !passes(b.text, a);
  }
  if (a.holds === b.holds) return false;
  const [must, mustNot] = a.holds ? [a, b] : [b, a];
  // What a string surely has in it, at its start or its end, must not be what is forbidden there.
  return (mustNot.test === "contains" || mustNot.test === must.test) && passes(must.text, mustNot);
}
