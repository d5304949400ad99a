/** What a sentence says about numbers: `2+ approvals`, `at least two`, `more than 3`, `between 1 and 5`, `older than 1.2`. */
import type { Word } from "./words.ts";

export type Comparator = ">=" | ">" | "<=" | "<" | "==" | "between" | "bare";

export interface NumberClaim {
  readonly comparator: Comparator;
  /** As written: a version has several dots. */
  readonly number: string;
  /** The other end of `between`. */
  readonly to: string | null;
  /** What is counted or measured, as words beside the number. */
  readonly about: readonly string[];
  /** Milliseconds or bytes that one unit may be; null without such a unit. */
  readonly unit: { readonly of: "time" | "size"; readonly sizes: readonly number[] } | null;
  readonly start: number;
  readonly end: number;
}

const BEFORE: readonly (readonly [Comparator, readonly string[]])[] = [
  [
    ">=",
    ["at least", "no fewer than", "no less than", "not fewer than", "not less than", "minimum of", "minimum"],
  ],
  [
    "<=",
    [
      "at most",
      "up to",
      "no more than",
      "not more than",
      "maximum of",
      "not exceed",
      "no longer than",
      "within",
    ],
  ],
  [
    ">",
    [
      "more than",
      "over",
      "above",
      "greater than",
      "exceeds",
      "exceed",
      "exceeding",
      "newer than",
      "later than",
    ],
  ],
  [">", ["higher than", "larger than", "beyond", "longer than"]],
  [
    "<",
    ["fewer than", "less than", "under", "below", "older than", "earlier than", "lower than", "smaller than"],
  ],
  ["<", ["shorter than", "younger than"]],
  ["==", ["exactly", "precisely"]],
];
const PHRASES = BEFORE.flatMap(([comparator, phrases]) =>
  phrases.map((phrase) => ({ comparator, parts: phrase.split(" ") })),
);
const AFTER: readonly (readonly [Comparator, readonly string[]])[] = [
  [">=", ["more", "higher", "greater", "above", "later", "newer", "longer"]],
  ["<=", ["fewer", "less", "lower", "below", "earlier", "older", "under", "shorter"]],
];
/** Where what is counted ends. */
const ENDS = new Set([
  ...[
    "from",
    "in",
    "by",
    "for",
    "with",
    "to",
    "per",
    "that",
    "who",
    "which",
    "must",
    "need",
    "needs",
    "is",
    "are",
  ],
  ...[
    "may",
    "can",
    "and",
    "or",
    "before",
    "after",
    "on",
    "at",
    "than",
    "unless",
    "until",
    "within",
    "outside",
    "when",
  ],
  ...[
    "if",
    "without",
    "was",
    "were",
    "be",
    "have",
    "has",
    "do",
    "does",
    "not",
    "as",
    "out",
    "into",
    "over",
    "under",
  ],
]);
const FILLERS = new Set([
  "of",
  "the",
  "a",
  "an",
  "their",
  "its",
  "different",
  "distinct",
  "other",
  "such",
  "these",
  "those",
]);
const LINKS = new Set([
  "is",
  "are",
  "be",
  "of",
  "the",
  "must",
  "has",
  "have",
  "was",
  "a",
  "an",
  "should",
  "version",
]);
const ABOUT_BEFORE_MAX = 3;
const ABOUT_AFTER_MAX = 4;
const SECOND = 1000;
const TIMES: readonly (readonly [RegExp, number])[] = [
  [/^(?:ms|milliseconds?)$/, 1],
  [/^(?:s|secs?|seconds?)$/, SECOND],
  [/^(?:mins?|minutes?)$/, 60 * SECOND],
  [/^(?:h|hrs?|hours?)$/, 3600 * SECOND],
  [/^days?$/, 86_400 * SECOND],
  [/^weeks?$/, 7 * 86_400 * SECOND],
];
const SIZES: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^bytes?$/, [1]],
  [/^(?:kb|kib|kilobytes?|kibibytes?)$/, [1000, 1024]],
  [/^(?:mb|mib|megabytes?|mebibytes?)$/, [1e6, 1024 ** 2]],
  [/^(?:gb|gib|gigabytes?|gibibytes?)$/, [1e9, 1024 ** 3]],
];

/** All numbers of a sentence with what is said of them. */
export function numberClaims(words: readonly Word[]): NumberClaim[] {
  const claims: NumberClaim[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word.number === null) continue;
    const range = rangeAt(words, i);
    const last = range?.last ?? i;
    const before =
      range === null ? comparatorBefore(words, i) : { comparator: "between" as const, first: range.first };
    const after = range === null ? comparatorAfter(words, i) : null;
    const comparator = word.plus ? ">=" : (after?.comparator ?? before?.comparator ?? "bare");
    const end = after?.last ?? last;
    const first = before?.first ?? i;
    const claim = claimOf(words, {
      comparator,
      first,
      last: end,
      number: word.number,
      to: range?.to ?? null,
    });
    // "one" alone is rarely a number: one of them, no one, one day.
    if (!(word.text === "one" && comparator === "bare")) claims.push(claim);
    i = end;
  }
  return claims;
}

interface Found {
  readonly comparator: Comparator;
  readonly first: number;
  readonly last: number;
  readonly number: string;
  readonly to: string | null;
}

function claimOf(words: readonly Word[], { comparator, first, last, number, to }: Found): NumberClaim {
  const following = wordsAfter(words, last);
  const unit = unitOf(following[0]);
  const about = (unit === null ? following : following.slice(1)).slice();
  if (about.length === 0) about.push(...wordsBefore(words, first));
  const isAge =
    unit?.of === "time" &&
    words.slice(first, last).some((w) => ["older", "newer", "younger"].includes(w.text));
  return {
    // What is older than a time has the greater age; what is older than a version, the smaller number.
    comparator: isAge ? (comparator === "<" ? ">" : comparator === ">" ? "<" : comparator) : comparator,
    number,
    to,
    about,
    unit,
    start: words[first]!.start,
    end: words[last]!.end,
  };
}

/** `between 1 and 5`, `from 1 to 5` */
function rangeAt(words: readonly Word[], i: number): { first: number; last: number; to: string } | null {
  const opening = words[i - 1]?.text;
  const joint = words[i + 1]?.text;
  const to = words[i + 2];
  if (to?.number == null || to.breaks) return null;
  const fits = (opening === "between" && joint === "and") || (opening === "from" && joint === "to");
  return fits ? { first: i - 1, last: i + 2, to: to.number } : null;
}

function comparatorBefore(
  words: readonly Word[],
  i: number,
): { comparator: Comparator; first: number } | null {
  if (words[i]!.breaks) return null;
  for (const { comparator, parts } of PHRASES) {
    const first = i - parts.length;
    if (first < 0 || !parts.every((part, k) => words[first + k]!.text === part)) continue;
    // `no more than` is no `more than`.
    const negated = /^(?:no|not|never)$/.test(words[first - 1]?.text ?? "") && !words[first]!.breaks;
    const opposite = { ">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "bare" } as const;
    const said = comparator as keyof typeof opposite;
    return negated ? { comparator: opposite[said], first: first - 1 } : { comparator, first };
  }
  return null;
}

/** `2 or more`, `3 or fewer` */
function comparatorAfter(words: readonly Word[], i: number): { comparator: Comparator; last: number } | null {
  if (words[i + 1]?.text !== "or" || words[i + 2] === undefined || words[i + 1]!.breaks) return null;
  const found = AFTER.find(([, list]) => list.includes(words[i + 2]!.text));
  return found === undefined ? null : { comparator: found[0], last: i + 2 };
}

function wordsAfter(words: readonly Word[], last: number): string[] {
  const found: string[] = [];
  for (let i = last + 1; i < words.length && found.length < ABOUT_AFTER_MAX; i++) {
    const word = words[i]!;
    if (word.breaks || ENDS.has(word.text) || word.number !== null) break;
    if (!FILLERS.has(word.text)) found.push(word.text);
  }
  return found;
}

function wordsBefore(words: readonly Word[], first: number): string[] {
  const found: string[] = [];
  for (let i = first - 1; i >= 0 && found.length < ABOUT_BEFORE_MAX; i--) {
    if (words[i + 1]!.breaks || words[i]!.number !== null) break;
    if (!LINKS.has(words[i]!.text)) found.push(words[i]!.text);
  }
  return found;
}

function unitOf(word: string | undefined): NumberClaim["unit"] {
  if (word === undefined) return null;
  const time = TIMES.find(([pattern]) => pattern.test(word));
  if (time !== undefined) return { of: "time", sizes: [time[1]] };
  const size = SIZES.find(([pattern]) => pattern.test(word));
  return size === undefined ? null : { of: "size", sizes: size[1] };
}
