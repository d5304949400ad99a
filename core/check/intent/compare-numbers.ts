/** Numbers of a sentence against numbers of a rule. */
import { quoted } from "../analyses/analysis.ts";
import { closed, complement, type Intervals } from "../worlds/intervals.ts";
import type { Finding } from "./findings.ts";
import { type NumberClaim, numberClaims } from "./numbers.ts";
import type { NumberTest, Rule, TermTest } from "./rule.ts";
import { areRelated, hasContrast, type Word } from "./words.ts";

/** Below this a number in a rule says no more than "some" or "none". */
const WORTH_SAYING = 2;

/** `denies`: what the rule describes is what is refused. */
export function compareNumbers(words: readonly Word[], rule: Rule, denies: boolean): Finding[] {
  const claims = numberClaims(words);
  const bothWays = denies || hasContrast(words);
  const found: Finding[] = [];
  const explained = new Set<NumberTest>();
  for (const claim of claims) {
    const versions = versionTests(claim, rule.terms);
    if (versions.length > 0) {
      found.push(...compareVersion(claim, versions));
      continue;
    }
    const tests = testsFor(claim, claims, rule.numbers);
    for (const test of tests) explained.add(test);
    if (tests.length === 0) {
      // The same number under another name is most likely meant; of more than that nobody can be sure.
      const same = rule.numbers.filter((test) => hasNumber(test, claim));
      for (const test of same) explained.add(test);
      if (same.length === 0 && claim.comparator !== "bare")
        found.push({ kind: "unmentioned", phrase: claim, text: "no condition compares such a number" });
    } else if (!tests.some((test) => says(test, claim, bothWays))) {
      const { condition } = tests.at(-1)!;
      found.push({
        kind: "contradicted",
        phrase: claim,
        condition,
        text: `the rule says ${quoted(condition)}`,
        help: "change one of them, so that both say the same",
      });
    }
  }
  const silent = rule.numbers.filter((test) => !explained.has(test) && isWorthSaying(test));
  const conditions = new Set(silent.map((test) => test.condition));
  for (const condition of conditions)
    found.push({ kind: "unsaid", condition, text: `the sentence says nothing of ${quoted(condition)}` });
  return found;
}

function testsFor(
  claim: NumberClaim,
  claims: readonly NumberClaim[],
  tests: readonly NumberTest[],
): readonly NumberTest[] {
  if (claim.unit?.of === "time") {
    const times = tests.filter((test) => test.kind === "time");
    const related = times.filter((test) => isAbout(claim, test.about));
    const only = new Set(times.map((test) => test.condition)).size === 1;
    const alone = claims.filter((c) => c.unit?.of === "time").length === 1;
    return related.length > 0 ? related : only && alone ? times : [];
  }
  if (claim.unit?.of === "size")
    return tests.filter((test) => test.about.some((w) => /^(?:size|bytes?|length)$/.test(w)));
  return tests.filter((test) => test.kind !== "time" && isAbout(claim, test.about));
}

function isAbout(claim: NumberClaim, about: readonly string[]): boolean {
  return claim.about.some((word) => about.some((name) => areRelated(word, name)));
}

function says({ set, space }: NumberTest, claim: NumberClaim, bothWays: boolean): boolean {
  const opposite = complement(set, space);
  const sets = bothWays ? [set, opposite] : [set];
  return (claim.unit?.sizes ?? [1]).some((size) => {
    const [low, high] = [Number(claim.number) * size, Number(claim.to ?? claim.number) * size];
    // A number without a comparator is one of the ends, whichever.
    if (claim.comparator === "bare") return sets.some((s) => hasEnd(s, low));
    const wanted = complement(complement([wantedBy(claim, low, high)], space), space);
    return sets.some((s) => areEqual(s, wanted) || (s === set && hasSameEnd(s, wanted, claim)));
  });
}

function hasNumber({ set, space }: NumberTest, { number, unit }: NumberClaim): boolean {
  return (unit?.sizes ?? [1]).some((size) =>
    [set, complement(set, space)].some((s) => hasEnd(s, Number(number) * size)),
  );
}

function wantedBy({ comparator }: NumberClaim, low: number, high: number): Intervals[number] {
  switch (comparator) {
    case ">=":
      return { ...closed(low, Infinity) };
    case ">":
      return { ...closed(low, Infinity), lowOpen: true };
    case "<=":
      return { ...closed(-Infinity, low) };
    case "<":
      return { ...closed(-Infinity, low), highOpen: true };
    default:
      return closed(low, high);
  }
}

function hasEnd(set: Intervals, n: number): boolean {
  return set.some(({ low, high }) => low === n || high === n);
}

/** `at most 5` is said of 1 to 5, too; not of 5 alone. */
function hasSameEnd(set: Intervals, wanted: Intervals, { comparator }: NumberClaim): boolean {
  const [first, last] = [set[0], set.at(-1)];
  const [low, high] = [wanted[0], wanted.at(-1)];
  if (first === undefined || last === undefined || low === undefined || high === undefined) return false;
  if (first.low === last.high) return false;
  if (comparator === "<=" || comparator === "<")
    return last.high === high.high && last.highOpen === high.highOpen;
  if (comparator === ">=" || comparator === ">")
    return first.low === low.low && first.lowOpen === low.lowOpen;
  return false;
}

function areEqual(a: Intervals, b: Intervals): boolean {
  const shown = (set: Intervals): string =>
    set.map((i) => `${i.lowOpen ? "(" : "["}${i.low} ${i.high}${i.highOpen ? ")" : "]"}`).join();
  return shown(a) === shown(b);
}

function isWorthSaying({ set, kind }: NumberTest): boolean {
  return kind !== "count"
    ? set.length > 0
    : set.some(
        ({ low, high }) =>
          Number(low) >= WORTH_SAYING || (Number(high) >= WORTH_SAYING && Number(high) < 256),
      );
}

// --- versions ---

/** Texts that end in a number, as `TLSv1.2`, where the sentence names what stands before it. */
function versionTests(claim: NumberClaim, terms: readonly TermTest[]): readonly TermTest[] {
  if (claim.unit !== null || claim.comparator === "bare") return [];
  return terms.filter((term) => {
    const names = term.constants.map(
      (constant) => /^([A-Za-z]+?)[ _/-]?v?\d+(?:\.\d+)*$/.exec(constant)?.[1],
    );
    return names.every((name) => name !== undefined && claim.about.some((w) => areRelated(w, name)));
  });
}

function compareVersion(claim: NumberClaim, tests: readonly TermTest[]): Finding[] {
  return tests.flatMap((test) => {
    const fits = test.constants.map((constant) => fitsVersion(/[\d.]+$/.exec(constant)![0], claim));
    // Those that are named are all meant, or all not.
    if (fits.every((fit) => fit === fits[0])) return [];
    const odd = test.constants[fits.lastIndexOf(!fits[0])]!;
    return [
      {
        kind: "contradicted" as const,
        phrase: claim,
        condition: test.condition,
        text: `the rule treats \`${odd}\` as the others in ${quoted(test.condition)}`,
        help: "change one of them, so that both say the same",
      },
    ];
  });
}

function fitsVersion(version: string, { comparator, number, to }: NumberClaim): boolean {
  const [low, high] = [compareVersions(version, number), compareVersions(version, to ?? number)];
  switch (comparator) {
    case ">=":
      return low >= 0;
    case ">":
      return low > 0;
    case "<=":
      return low <= 0;
    case "<":
      return low < 0;
    default:
      return low >= 0 && high <= 0;
  }
}

function compareVersions(a: string, b: string): number {
  const [first, second] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    const difference = (first[i] ?? 0) - (second[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
