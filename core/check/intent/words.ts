/** An English sentence as words and numbers. docs/intent.md is the grammar. */

export interface Word {
  /** In lower case, without a possessive's `'s`. */
  readonly text: string;
  /** Its singular, roughly. */
  readonly stem: string;
  readonly start: number;
  readonly end: number;
  /** `requester's` */
  readonly possessive: boolean;
  /** A number as written (`1,000` without commas), else null. */
  readonly number: string | null;
  /** `2+` */
  readonly plus: boolean;
  /** A comma, full stop or the like stands before it. */
  readonly breaks: boolean;
}

/** Sentences are read up to here. */
const WORDS_MAX = 400;
const TOKEN = /(\d[\d,]*(?:\.\d+)*)(\+?)|(\p{L}[\p{L}\p{M}\d_]*)(['’]s?(?![\p{L}\d]))?|[.,;:!?()–—]/gu;
const NUMBER_WORDS: Readonly<Record<string, string>> = {
  one: "1",
  two: "2",
  three: "3",
  four: "4",
  five: "5",
  six: "6",
  seven: "7",
  eight: "8",
  nine: "9",
  ten: "10",
  eleven: "11",
  twelve: "12",
  fifteen: "15",
  twenty: "20",
  thirty: "30",
  fifty: "50",
  hundred: "100",
};

/** The words of a sentence; hyphens separate words. */
export function wordsOf(sentence: string): readonly Word[] {
  const words: Word[] = [];
  let breaks = true;
  for (const match of sentence.matchAll(TOKEN)) {
    const [all, digits, plus, letters, possessive] = match;
    if (digits === undefined && letters === undefined) {
      breaks = true;
      continue;
    }
    if (words.length === WORDS_MAX) break;
    const text = (letters ?? all).toLowerCase();
    words.push({
      text,
      stem: stem(text),
      start: match.index,
      end: match.index + all.length,
      possessive: possessive !== undefined,
      number: digits?.replaceAll(",", "") ?? numberWord(text),
      plus: plus === "+",
      breaks,
    });
    breaks = false;
  }
  return words;
}

function numberWord(text: string): string | null {
  return Object.hasOwn(NUMBER_WORDS, text) ? NUMBER_WORDS[text]! : null;
}

/** The singular, roughly. */
export function stem(word: string): string {
  if (!word.endsWith("s") || word.length < 4) return word;
  if (word.endsWith("ies")) return word.length > 4 ? `${word.slice(0, -3)}y` : word.slice(0, -1);
  if (/[sui]s$/.test(word)) return word;
  return word.slice(0, /(?:sses|shes|ches|xes)$/.test(word) ? -2 : -1);
}

const COMMON_START = 6;

/** One word in two numbers, or two of one family: approvals, approvers. */
export function areRelated(a: string, b: string): boolean {
  const [first, second] = [stem(a.toLowerCase()), stem(b.toLowerCase())];
  if (first === second) return true;
  return (
    first.length >= COMMON_START &&
    second.length >= COMMON_START &&
    second.startsWith(first.slice(0, COMMON_START))
  );
}

/** Words in a name of the policy text: `risk_level` and `riskLevel` are two. */
export function nameWords(name: string): string[] {
  if (/^[a-z\d]+$/.test(name)) return [name];
  return name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== "");
}

const NEGATIONS = new Set([
  ...["not", "no", "never", "nothing", "nobody", "none", "neither", "nor", "cannot", "without", "unless"],
  ...["except", "excluding", "outside", "other", "but", "non", "only", "unlike", "instead", "rather"],
  ...[
    "forbidden",
    "refused",
    "denied",
    "prohibited",
    "blocked",
    "rejected",
    "deny",
    "refuse",
    "block",
    "isn",
    "don",
    "doesn",
  ],
]);

/** Does the sentence turn anything into its opposite, or set it against something? */
export function hasContrast(words: readonly Word[]): boolean {
  return words.some((word) => NEGATIONS.has(word.text));
}
