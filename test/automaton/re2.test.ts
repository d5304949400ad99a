/** `matches` means what RE2 says: on random patterns and texts, on what is a pattern at all, and on every character. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { accepts, automatonOf } from "../../core/automaton/automaton.ts";
import { includes, rangesOf } from "../../core/automaton/code-points.ts";
import { parsePattern } from "../../core/automaton/parse-pattern.ts";
import type { CodePoints } from "../../core/automaton/pattern.ts";
import { foldCase, unicodeClass } from "../../core/automaton/unicode.ts";
import { utf8 } from "../../core/source/bytes.ts";
import { Random } from "../differential/random.ts";
import { randomPattern, randomText, textsFor } from "./random-patterns.ts";
import { withRe2 } from "./re2.ts";

const MINUTES = 60_000;

/** Our answers, or null where the pattern is refused; "large" where only our limits refuse it. */
function ours(pattern: string, texts: readonly string[]): readonly boolean[] | null | "large" {
  const parsed = parsePattern(pattern);
  if (!parsed.ok) return null;
  const built = automatonOf(parsed.pattern);
  return built.ok ? texts.map((text) => accepts(built.automaton, utf8(text))) : "large";
}

test(
  "at least 100,000 random pairs of pattern and text",
  () => {
    const random = new Random(2026);
    let pairs = 0;
    let matched = 0;
    for (let i = 0; i < 2550; i++) {
      const pattern = randomPattern(random);
      const texts = textsFor(pattern, random, 40);
      const answers = ours(pattern.text, texts);
      if (answers === "large") continue;
      const theirs = withRe2(pattern.text, (matches) => texts.map(matches));
      expect({ pattern: pattern.text, texts, answers }).toEqual({
        pattern: pattern.text,
        texts,
        answers: theirs,
      });
      pairs += texts.length;
      matched += answers!.filter((answer) => answer).length;
    }
    expect(pairs).toBeGreaterThanOrEqual(100_000);
    // Neither answer is rare, or little would be compared.
    expect(matched / pairs).toBeGreaterThan(0.3);
    expect(matched / pairs).toBeLessThan(0.8);
  },
  5 * MINUTES,
);

/** Pieces that are valid somewhere only. Without `\C`, which we refuse, and `(?<`, which only later versions of RE2 take. */
const PIECES = [
  ...'()[]{}*+?|\\^$.-:,<>=!_&" ab019kPpimsUdDwQExAzZBnLu\n',
  "é",
  "😀",
  ...[
    "[:",
    ":]",
    "alpha",
    "[:^digit:]",
    "{2}",
    "{2,}",
    "{,3}",
    "{3,2}",
    "{01}",
    "{11}",
    "{1001}",
    "(?",
    "(?i)",
    "(?:",
  ],
  ...[
    "(?P<",
    "(?-i)",
    "(?i-",
    "\\Q",
    "\\E",
    "\\p{",
    "Greek",
    "\\pN",
    "\\x{",
    "1f}",
    "\\x4",
    "\\0",
    "\\7",
    "\\12",
  ],
];

test(
  "what is a pattern, and what broken ones mean that still are",
  () => {
    const random = new Random(7);
    let taken = 0;
    let refused = 0;
    for (let i = 0; i < 8000; i++) {
      const pattern = brokenPattern(random);
      if (/\\C|\(\?</.test(pattern)) continue;
      const texts = random.times(4, () => randomText(random, 5));
      const answers = ours(pattern, texts);
      if (answers === "large") continue;
      const theirs = withRe2(pattern, (matches) => texts.map(matches));
      expect({ pattern, texts, answers }).toEqual({ pattern, texts, answers: theirs });
      if (answers === null) refused++;
      else taken++;
    }
    expect(taken).toBeGreaterThan(2000);
    expect(refused).toBeGreaterThan(2000);
  },
  5 * MINUTES,
);

function brokenPattern(random: Random): string {
  if (random.chance(50)) return random.times(random.below(9), () => random.pick(PIECES)).join("");
  const characters = [...randomPattern(random).text];
  for (let i = random.below(3); i >= 0; i--)
    characters.splice(
      random.below(characters.length + 1),
      random.below(3),
      ...(random.chance(70) ? [random.pick(PIECES)] : []),
    );
  return characters.join("");
}

// --- Unicode ---

/**
 * The package's RE2 has Unicode 13, the engine that compiles policies a later one. Characters that came later are left
 * out; these are older ones whose class or whose partner without case changed.
 */
const CHANGED_CLASS = new Set([0x295, 0x1734, 0x1171e, 0x16fe2, 0x16fe3]);
const CHANGED_CASE = new Set([0x19b, 0x264, 0x390, 0x3b0, 0x1fd3, 0x1fe3, 0xfb05, 0xfb06]);

/** Names of classes that RE2 knows, out of its own tables. */
function classNames(): string[] {
  const wasm = readFileSync(createRequire(import.meta.url).resolve("re2-wasm/build/wasm/re2.wasm"), "latin1");
  const words = wasm
    .split("\0")
    .flatMap((text) => /(?:^|[^A-Za-z_])([A-Z][A-Za-z_]*)$/.exec(text)?.[1] ?? []);
  return [...new Set(words)].filter((word) => withRe2(`\\p{${word}}`, () => true) !== null);
}

/** Characters of RE2's Unicode, in pieces of one text each. */
function assigned(): number[][] {
  const planes: readonly (readonly [number, number])[] = [
    [0, 0xd7ff],
    [0xe000, 0x323af],
    [0xe0000, 0xe01ff],
    [0xf0000, 0xf00ff],
    [0x10ff00, 0x10fffd],
  ];
  const all = planes.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  const pieces = Array.from({ length: Math.ceil(all.length / 8192) }, (_, i) =>
    all.slice(i * 8192, (i + 1) * 8192),
  );
  return withRe2("^[\\pL\\pM\\pN\\pP\\pS\\pZ\\pC]$", (matches) =>
    pieces.map((piece) => piece.filter((c) => matches(String.fromCodePoint(c)))),
  )!;
}

test(
  "every class of Unicode holds the same characters",
  () => {
    const pieces = assigned();
    expect(pieces.flat().length).toBeGreaterThan(140_000);
    const names = classNames();
    expect(names.length).toBeGreaterThan(120);
    for (const name of names) {
      const set = unicodeClass(name);
      expect(set, name).not.toBeNull();
      expect(differences(name, set!, pieces), name).toEqual([]);
    }
  },
  5 * MINUTES,
);

/** Characters that RE2 puts elsewhere; whole pieces are asked first. */
function differences(name: string, set: CodePoints, pieces: readonly number[][]): string[] {
  const found: number[] = [];
  for (const [letter, inside] of [
    ["p", true],
    ["P", false],
  ] as const)
    withRe2(`^\\${letter}{${name}}*$`, (matches) => {
      for (const piece of pieces) {
        const mine = piece.filter((c) => includes(set, c) === inside && !CHANGED_CLASS.has(c));
        if (!matches(String.fromCodePoint(...mine)))
          found.push(...mine.filter((c) => !matches(String.fromCodePoint(c))));
      }
    });
  return found.map((c) => c.toString(16));
}

test(
  "every character equals the same ones without case",
  () => {
    const old = assigned().flat();
    const isOld = new Set(old);
    const done = new Set<number>(CHANGED_CASE);
    for (const c of old) {
      const text = String.fromCodePoint(c);
      const spellings = [text, text.toLowerCase(), text.toUpperCase(), text.toUpperCase().toLowerCase()];
      const candidates = spellings.flatMap((spelling) => [...spelling].map((other) => other.codePointAt(0)!));
      if (done.has(c) || new Set(candidates).size === 1) continue;
      const alike = membersOf(foldCase([c, c]));
      for (const other of alike) done.add(other);
      withRe2(`(?i)^\\x{${c.toString(16)}}$`, (matches) => {
        for (const other of new Set([...candidates, ...alike]))
          if (!CHANGED_CASE.has(other) && isOld.has(other))
            expect(matches(String.fromCodePoint(other)), `${text}, U+${other.toString(16)}`).toBe(
              alike.includes(other),
            );
      });
    }
    expect(done.size).toBeGreaterThan(2500);
  },
  5 * MINUTES,
);

function membersOf(set: CodePoints): number[] {
  return [...rangesOf(set)].flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
}
