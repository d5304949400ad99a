/** Environments and members of enums in a sentence against the constants of a rule. */
import { quoted } from "../analyses/analysis.ts";
import type { Finding } from "./findings.ts";
import type { Rule, TermTest } from "./rule.ts";
import { hasContrast, nameWords, type Word } from "./words.ts";

const ENVIRONMENTS: readonly (readonly string[])[] = [
  ["production", "prod"],
  ["staging", "stage", "preproduction", "preprod"],
  ["development", "dev"],
  ["sandbox"],
];
/** Members that are said too often to mean the enum. */
const TOO_COMMON = new Set([
  ...[
    "a",
    "an",
    "all",
    "any",
    "and",
    "by",
    "do",
    "for",
    "from",
    "in",
    "is",
    "no",
    "none",
    "not",
    "of",
    "off",
    "on",
  ],
  ...["one", "open", "or", "other", "read", "the", "to", "use", "with", "write", "yes", "new", "get", "set"],
]);
/** Larger enums are lists of names, and not what sentences speak of. */
const MEMBERS_MAX = 200;
const ORDER_WORDS = new Set([
  "above",
  "below",
  "over",
  "under",
  "least",
  "most",
  "than",
  "beyond",
  "higher",
  "lower",
]);
const EXCLUDING: readonly (readonly string[])[] = [
  ["outside"],
  ["outside", "of"],
  ["except"],
  ["except", "in"],
  ["not", "in"],
  ["other", "than"],
];

interface Mention {
  readonly term: string;
  readonly start: number;
  readonly end: number;
  readonly index: number;
}

/** `grants`: the policy requires or allows, so that its trigger is where it applies. */
export function compareTerms(words: readonly Word[], rule: Rule, grants: boolean): Finding[] {
  const found: Finding[] = [];
  for (const test of uniqueByMembers(
    rule.terms.filter((t) => t.members !== null && t.members.length <= MEMBERS_MAX),
  )) {
    const tests = rule.terms.filter((t) => t.members === test.members);
    found.push(
      ...compareGroup(
        words,
        test.members!.map((m) => [m]),
        tests,
        grants,
      ),
    );
  }
  const environments = rule.terms.filter(
    (t) => t.members === null && t.constants.every((c) => groupOf(c) !== null),
  );
  if (environments.length > 0) found.push(...compareGroup(words, ENVIRONMENTS, environments, grants));
  else {
    const [mention] = mentionsOf(words, ENVIRONMENTS);
    const isRead = rule.terms.some((t) => t.constants.some((c) => groupOf(c) !== null));
    if (mention !== undefined && !isRead)
      found.push({ kind: "unmentioned", phrase: mention, text: "no condition asks for an environment" });
  }
  return found;
}

function uniqueByMembers(tests: readonly TermTest[]): TermTest[] {
  return [...new Map(tests.map((test) => [test.members, test])).values()];
}

/** `groups`: words that mean the same, the first one is the name. */
function compareGroup(
  words: readonly Word[],
  groups: readonly (readonly string[])[],
  tests: readonly TermTest[],
  grants: boolean,
): Finding[] {
  const mentions = mentionsOf(words, groups);
  const nameOf = (constant: string): string =>
    groups.find((g) => g.includes(constant.toLowerCase()) || g[0] === constant)?.[0] ?? constant;
  const named = new Set(tests.flatMap((test) => [...test.constants, ...(test.allowed ?? [])]).map(nameOf));
  const { condition } = tests[0]!;
  const [first] = mentions;
  if (first === undefined) return [];
  const isOrdered = mentions.some((m) => ORDER_WORDS.has(words[m.index - 1]?.text ?? ""));
  if (!mentions.some((m) => named.has(m.term))) {
    if (hasContrast(words) || isOrdered) return [];
    return [contradicted(first, condition, `the rule says ${quoted(condition)}`)];
  }
  if (!grants) return [];
  const polarity = tests.filter((test) => test.part === "trigger" && !test.ordered);
  return mentions.flatMap((mention): Finding[] => {
    const about = polarity.filter((test) => test.constants.map(nameOf).includes(mention.term));
    const others = mentions.filter((m) => m.term === mention.term && m !== mention);
    if (about.length === 0 || others.length > 0) return [];
    const excluded = isExcluded(words, mention);
    if (excluded && about.every((test) => test.positive))
      return [
        contradicted(mention, about[0]!.condition, `the rule applies where ${quoted(about[0]!.condition)}`),
      ];
    if (!hasContrast(words) && about.every((test) => !test.positive))
      return [
        contradicted(
          mention,
          about[0]!.condition,
          `the rule applies where not so: ${quoted(about[0]!.condition)}`,
        ),
      ];
    return [];
  });
}

function contradicted(phrase: Mention, condition: TermTest["condition"], text: string): Finding {
  return {
    kind: "contradicted",
    phrase,
    condition,
    text,
    help: "change one of them, so that both say the same",
  };
}

/** `outside production`, with nothing behind it that it could be a part of: not `outside production hours`. */
function isExcluded(words: readonly Word[], { index, end }: Mention): boolean {
  const last = words.findLastIndex((word) => word.end <= end);
  const next = words[last + 1];
  const stands =
    next === undefined ||
    next.breaks ||
    /^(?:environments?|systems?|clusters?|may|must|can|need|needs|is|are|everybody|anybody)$/.test(next.text);
  if (!stands) return false;
  const before = words[index - 1]?.text === "the" ? index - 1 : index;
  return EXCLUDING.some((phrase) =>
    phrase.every((part, k) => words[before - phrase.length + k]?.text === part),
  );
}

function mentionsOf(words: readonly Word[], groups: readonly (readonly string[])[]): Mention[] {
  const found: Mention[] = [];
  for (const group of groups) {
    for (const name of group) {
      const parts = nameWords(name);
      if (parts.length === 0 || (parts.length === 1 && TOO_COMMON.has(parts[0]!))) continue;
      for (let i = 0; i + parts.length <= words.length; i++) {
        if (!parts.every((part, k) => isWord(words[i + k]!, part))) continue;
        const last = words[i + parts.length - 1]!;
        found.push({ term: group[0]!, start: words[i]!.start, end: last.end, index: i });
      }
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

function isWord({ text, stem }: Word, part: string): boolean {
  return text === part || stem === part;
}

function groupOf(constant: string): readonly string[] | null {
  return ENVIRONMENTS.find((group) => group.includes(constant.toLowerCase())) ?? null;
}
