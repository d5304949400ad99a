/** `different departments`, `the same tenant`, `outside the requester's department` against the pairs of a rule. */
import { quoted } from "../analyses/analysis.ts";
import type { Finding } from "./findings.ts";
import type { PairTest, Rule } from "./rule.ts";
import { areRelated, type Word } from "./words.ts";

/**
 * `apart`: several differ from each other. `different`: one differs from another one. `same`: two are equal.
 */
interface RelationClaim {
  readonly relation: "apart" | "different" | "same";
  readonly noun: string;
  readonly start: number;
  readonly end: number;
}

const DIFFERENT = new Set(["different", "differing", "distinct", "separate"]);
/** Words that may stand between `different` and what is different. */
const NOUN_WITHIN = 3;
/** Words by which a negation may come before. */
const NEGATED_WITHIN = 6;
const STOPS = new Set([
  "from",
  "than",
  "in",
  "of",
  "to",
  "and",
  "or",
  "for",
  "by",
  "with",
  "must",
  "may",
  "is",
  "are",
  "as",
]);
const NEGATED = new Set(["not", "never", "no", "nobody", "nothing", "cannot", "without"]);

export function compareRelations(words: readonly Word[], rule: Rule, denies: boolean): Finding[] {
  return relationClaims(words, rule).flatMap((claim): Finding[] => {
    const pairs = rule.pairs.filter((pair) => isAbout(claim.noun, pair));
    if (pairs.length === 0)
      return [
        { kind: "unmentioned", phrase: claim, text: `no condition compares one ${claim.noun} with another` },
      ];
    if (claim.relation === "apart") return apart(claim, pairs);
    // What a policy denies is the opposite of what it wants.
    if (denies || pairs.some((pair) => pair.equal === (claim.relation === "same"))) return [];
    return [contradicted(claim, pairs[0]!, `the rule says ${quoted(pairs[0]!.condition)}`)];
  });
}

/** Elements that differ from each other are compared with each other, not with a third. */
function apart(claim: RelationClaim, pairs: readonly PairTest[]): Finding[] {
  if (pairs.some((pair) => pair.elements === 2)) return [];
  const [pair] = pairs;
  return [
    contradicted(
      claim,
      pair!,
      `the rule compares each ${claim.noun} only with one other: ${quoted(pair!.condition)}`,
    ),
  ];
}

function contradicted(phrase: RelationClaim, { condition }: PairTest, text: string): Finding {
  const help =
    phrase.relation === "apart"
      ? `say from whose ${phrase.noun} they differ, as in "outside the requester's ${phrase.noun}"`
      : "change one of them, so that both say the same";
  return { kind: "contradicted", phrase, condition, text, help };
}

function isAbout(noun: string, pair: PairTest): boolean {
  return pair.about.some((word) => areRelated(word, noun));
}

function relationClaims(words: readonly Word[], rule: Rule): RelationClaim[] {
  const found: RelationClaim[] = [];
  for (const [i, word] of words.entries()) {
    const claim = claimAt(words, i, rule);
    if (claim !== null) found.push({ ...claim, start: word.start });
  }
  return found;
}

function claimAt(words: readonly Word[], i: number, rule: Rule): Omit<RelationClaim, "start"> | null {
  const { text } = words[i]!;
  const isSame = text === "same";
  if (isSame || DIFFERENT.has(text) || text === "another") {
    const at = nounAfter(words, i, rule);
    if (at === null) return null;
    const noun = words[at]!;
    const negated = words.slice(Math.max(0, i - NEGATED_WITHIN), i).some((w) => NEGATED.has(w.text));
    const isPlural = /[^s]s$/.test(noun.text) && text !== "another";
    const isRelative = words.slice(at + 1, at + 3).some((w) => w.text === "than" || w.text === "from");
    const differs = isPlural && !isRelative ? "apart" : "different";
    const relation = isSame ? (negated ? "different" : "same") : negated ? "same" : differs;
    return { relation, noun: singular(noun.text), end: noun.end };
  }
  if (text !== "outside") return null;
  // outside the requester's department
  for (let k = i + 1; k < Math.min(words.length - 1, i + 5); k++) {
    if (words[k]!.breaks) return null;
    if (!words[k]!.possessive && words[k]!.text !== "their" && words[k]!.text !== "own") continue;
    const at = nounAfter(words, k, rule);
    return at === null
      ? null
      : { relation: "different", noun: singular(words[at]!.text), end: words[at]!.end };
  }
  return null;
}

/** Where what is compared stands: a word of a pair that the rule compares, else the next word. */
function nounAfter(words: readonly Word[], i: number, rule: Rule): number | null {
  let next: number | null = null;
  for (let k = i + 1; k <= i + NOUN_WITHIN && k < words.length; k++) {
    const word = words[k]!;
    if (word.breaks || STOPS.has(word.text)) break;
    if (rule.pairs.some((pair) => isAbout(word.text, pair))) return k;
    next ??= k;
  }
  return next;
}

function singular(noun: string): string {
  return noun.endsWith("ies") ? `${noun.slice(0, -3)}y` : /[^s]s$/.test(noun) ? noun.slice(0, -1) : noun;
}
