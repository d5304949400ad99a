import { describe, expect, test } from "vitest";
import { randomGlob, randomPattern, textsFor } from "../../test/automaton/random-patterns.ts";
import { Random } from "../../test/differential/random.ts";
import { patternMatches } from "../../test/reference/patterns.ts";
import { utf8 } from "../source/bytes.ts";
import { AUTOMATON_BYTES_MAX, AUTOMATON_STATES_MAX } from "../source/gen/facts.ts";
import { type Automaton, accepts, automatonOf, FIRST_ROW, NO, YES } from "./automaton.ts";
import { parseGlob } from "./parse-glob.ts";
import { parsePattern } from "./parse-pattern.ts";
import type { Parsed } from "./pattern.ts";

function built(parsed: Parsed): Automaton {
  if (!parsed.ok) throw new Error(parsed.problem.message);
  const automaton = automatonOf(parsed.pattern);
  if (!automaton.ok) throw new Error(automaton.problem.message);
  return automaton.automaton;
}

function problemOf(pattern: string): string | null {
  const parsed = parsePattern(pattern);
  if (!parsed.ok) return `${parsed.problem.id}: ${parsed.problem.message}`;
  const automaton = automatonOf(parsed.pattern);
  return automaton.ok ? null : `${automaton.problem.id}: ${automaton.problem.message}`;
}

describe("regular expressions", () => {
  const cases: readonly { pattern: string; yes: readonly string[]; no: readonly string[] }[] = [
    { pattern: "", yes: ["", "a"], no: [] },
    { pattern: "b", yes: ["b", "abc"], no: ["", "ac"] },
    {
      pattern: "^/orders/[0-9]+$",
      yes: ["/orders/7"],
      no: ["/orders/", "/orders/7/", "x/orders/7", "/orders/7\n"],
    },
    { pattern: "a|^b$|", yes: ["", "c"], no: [] },
    { pattern: "^(?:a|bc)*$", yes: ["", "abca", "bc"], no: ["b", "cb"] },
    { pattern: "(?i)straße", yes: ["STRAẞE", "straße"], no: ["STRASSE"] },
    { pattern: "(?i)^kiss$", yes: ["KISS", "\u212aiſS"], no: ["kis"] },
    { pattern: "(?i)[^k]", yes: ["a"], no: ["K", "\u212a", ""] },
    { pattern: "^.$", yes: ["é", "😀"], no: ["\n", "", "ab"] },
    { pattern: "(?s)^.$", yes: ["\n"], no: ["\n\n"] },
    { pattern: "(?m)^b$", yes: ["a\nb\nc", "b"], no: ["ab", "b\r\n"] },
    { pattern: "\\bfoo\\b", yes: ["a foo.", "foo"], no: ["food", "_foo"] },
    { pattern: "\\Bo", yes: ["foo"], no: ["o", " o"] },
    // Inside of `é`, between its two bytes, there is no boundary.
    { pattern: "\\B", yes: ["aéb", ""], no: ["a", "a b"] },
    { pattern: "^\\pL+\\PL$", yes: ["aλЖ日-"], no: ["a", "-a"] },
    { pattern: "^\\p{Greek}\\p{^Greek}$", yes: ["λa"], no: ["aλ"] },
    { pattern: "^[[:alpha:]-]+$", yes: ["a-b"], no: ["é", "0"] },
    { pattern: "^[]a]+$", yes: ["]a"], no: ["[]"] },
    { pattern: "^[^]a]$", yes: ["[", "\n"], no: ["]", "a"] },
    { pattern: "^\\x41\\x{1F600}\\101\\a\\Q.*\\E$", yes: ["A😀A\x07.*"], no: ["A😀A\x07xx"] },
    {
      pattern: "^a{2,3}b{2}c{1,}d{0}e{,2}$",
      yes: ["aabbce{,2}", "aaabbcce{,2}"],
      no: ["abbce{,2}", "aabbcee"],
    },
    { pattern: "^a+?(?U)b*?$", yes: ["a", "abb"], no: ["b"] },
    { pattern: "(?P<year>\\d{4})-(?<month>\\d\\d)", yes: ["on 2026-01"], no: ["2026-1"] },
    { pattern: "^(?i:a)b(?-i:c)$", yes: ["Abc", "abc"], no: ["ABc", "abC"] },
    { pattern: "^(a(?i)b|c)d$", yes: ["aBd", "Cd"], no: ["aBD", "Abd"] },
  ];
  test.each(cases)("$pattern", ({ pattern, yes, no }) => {
    const automaton = built(parsePattern(pattern));
    for (const text of yes) expect(accepts(automaton, utf8(text)), JSON.stringify(text)).toBe(true);
    for (const text of no) expect(accepts(automaton, utf8(text)), JSON.stringify(text)).toBe(false);
  });

  const refused: readonly [pattern: string, problem: string][] = [
    ["a)b", "bad-pattern: `)` closes no group: `)` at character 2"],
    ["a(b", "bad-pattern: a group without `)`: `(b` at character 2"],
    ["x[a-", "bad-pattern: a class without `]`: `[a-` at character 2"],
    ["*", "bad-pattern: a repetition with nothing to repeat: `*` at character 1"],
    ["a|+", "bad-pattern: a repetition with nothing to repeat: `+` at character 3"],
    ["a**", "bad-pattern: a repetition cannot be repeated: `*` at character 3"],
    ["é{1001}", "bad-pattern: a repetition of more than 1000: `{1001}` at character 2"],
    ["a{3,2}", "bad-pattern: a repetition whose end is below its begin: `{3,2}` at character 2"],
    ["(a{100}){11}", "bad-pattern: repetitions in one another come to more than 1000: `{11}` at character 9"],
    ["[z-a]", "bad-pattern: a range whose end comes before its begin: `z-a` at character 2"],
    ["a(?=b)", "bad-pattern: `(?` is followed by nothing known: `(?` at character 2"],
    ["(?<=b)", "bad-pattern: `(?` is followed by nothing known: `(?` at character 1"],
    ["(?P<a>)(?P<a>)", "bad-pattern: two groups are named `a`: `(?` at character 8"],
    ["(?P<a b>)", "bad-pattern: `a b` is no name of a group: `(?` at character 1"],
    ["(a)\\1", "bad-pattern: a group cannot be referred to: `\\1` at character 4"],
    ["\\y", "bad-pattern: `\\y` means nothing: `\\y` at character 1"],
    ["a\\", "bad-pattern: the pattern ends with a backslash: `\\` at character 2"],
    ["\\C", "bad-pattern: `\\C` could split a character: `\\C` at character 1"],
    ["\\p{Klingon}", "bad-pattern: no class of Unicode is named `Klingon`: `\\p{Klingon}` at character 1"],
    ["\\p{Grek}", "bad-pattern: no class of Unicode is named `Grek`: `\\p{Grek}` at character 1"],
    ["\\p", "bad-pattern: a class of characters without its name: `\\p` at character 1"],
    ["[[:letter:]]", "bad-pattern: there is no class `[:letter:]`: `[:letter:]` at character 2"],
    ["\\x{110000}", "bad-pattern: `\\x` means nothing: `\\x` at character 1"],
    ["a".repeat(4097), "pattern-too-large: the pattern has 4097 characters, the limit is 4096"],
    ["(".repeat(300), "pattern-too-large: groups are nested deeper than 200"],
    ["(?:a|b)*a(?:a|b){11}$", "pattern-too-large: the pattern needs 4096 states, the limit is 4094"],
    ["a.{20}b", "pattern-too-large: the pattern takes too much work to compile"],
    ["\\pL{999}", "pattern-too-large: the pattern is too long when it is written out"],
  ];
  test.each(refused)("%s is refused", (pattern, problem) => {
    expect(problemOf(pattern)).toBe(problem);
  });
});

describe("globs", () => {
  const cases: readonly { glob: string; yes: readonly string[]; no: readonly string[] }[] = [
    { glob: "", yes: [""], no: ["a"] },
    { glob: "*", yes: ["", "a/b"], no: [] },
    { glob: "/a/*.png", yes: ["/a/.png", "/a/b/c.png"], no: ["/a/b.jpg", "x/a/b.png", "/a/b.png?"] },
    { glob: "a**b", yes: ["ab", "acb"], no: ["a", "abc"] },
    { glob: "a\\*\\\\b?.", yes: ["a*\\b?."], no: ["axx\\b?.", "a*\\bc."] },
    { glob: "é*日", yes: ["é日", "é*日"], no: ["é"] },
  ];
  test.each(cases)("$glob", ({ glob, yes, no }) => {
    const automaton = built(parseGlob(glob));
    for (const text of yes) expect(accepts(automaton, utf8(text)), text).toBe(true);
    for (const text of no) expect(accepts(automaton, utf8(text)), text).toBe(false);
  });

  test.each([
    ["a\\b", "a backslash before neither `*` nor a backslash, at character 2"],
    ["a\\", "a backslash before neither `*` nor a backslash, at character 2"],
    ["*".repeat(4097), "the pattern has 4097 characters, the limit is 4096"],
  ])("%s is refused", (glob, message) => {
    const parsed = parseGlob(glob);
    expect(parsed.ok ? null : parsed.problem.message).toBe(message);
  });
});

describe("tables", () => {
  const random = new Random(11);
  const patterns = random.times(400, () => randomPattern(random));
  const globs = random.times(200, () => randomGlob(random));
  const parsed = [
    ...patterns.map((pattern) => ({ pattern, parsed: parsePattern(pattern.text) })),
    ...globs.map((pattern) => ({ pattern, parsed: parseGlob(pattern.text) })),
  ];

  test("answer as the reference does", () => {
    let matched = 0;
    for (const { pattern, parsed: p } of parsed) {
      if (!p.ok) throw new Error(`${pattern.text}: ${p.problem.message}`);
      const automaton = automatonOf(p.pattern);
      if (!automaton.ok) continue;
      for (const text of textsFor(pattern, random, 20)) {
        const answer = patternMatches(p.pattern, text);
        if (answer) matched++;
        expect(accepts(automaton.automaton, utf8(text)), `${pattern.text} on ${JSON.stringify(text)}`).toBe(
          answer,
        );
      }
    }
    expect(matched).toBeGreaterThan(3000);
  });

  test("are total, within the limits, and minimal: states and classes all differ and are all reached", () => {
    for (const { parsed: p } of parsed) {
      const result = p.ok ? automatonOf(p.pattern) : null;
      if (result?.ok) checkTable(result.automaton);
    }
  });

  test("depend on the language only, not on how the pattern is spelled", () => {
    const same: readonly (readonly [string, string])[] = [
      ["(?:ab|ac)*d", "a*?d|(?:a(?:b|c))*d"],
      ["[a-c]", "a|b|c"],
      ["(?:^|x)*", ""],
      ["^(?:a{2}){2}$", "^aaaa$"],
      ["^[^\\x00-\\x{10FFFF}]$", "\\bX\\bY"],
      ["(?i)k", "[kK\\x{212a}]"],
      ["\\d", "[[:digit:]]"],
    ];
    for (const [a, b] of same) expect(built(parsePattern(a)), a).toEqual(built(parsePattern(b)));
  });

  test("stay small for what policies ask", () => {
    const sizes = ["^/api/v[0-9]+/", "(?i)bot|crawler", "^[^@ ]+@example\\.com$", "^\\p{Greek}+$"].map(
      (pattern) => {
        const { states, classes } = built(parsePattern(pattern));
        return { pattern, states, classes };
      },
    );
    expect(sizes).toMatchInlineSnapshot(`
      [
        {
          "classes": 7,
          "pattern": "^/api/v[0-9]+/",
          "states": 8,
        },
        {
          "classes": 10,
          "pattern": "(?i)bot|crawler",
          "states": 9,
        },
        {
          "classes": 21,
          "pattern": "^[^@ ]+@example\\.com$",
          "states": 20,
        },
        {
          "classes": 44,
          "pattern": "^\\p{Greek}+$",
          "states": 23,
        },
      ]
    `);
  });

  test("any text is a pattern or refused with a reason, soon", () => {
    const pieces = [
      ..."()[]{}*+?|\\^$.-:ab01,<>PpimsUQEé😀",
      "{2}",
      "{999}",
      "(?i)",
      "\\pL",
      "[[:",
      ":]",
      "(?P<n>",
      "{1000}",
    ];
    for (let i = 0; i < 1500; i++) {
      const text = random.times(random.below(30), () => random.pick(pieces)).join("");
      const before = performance.now();
      const problem = problemOf(text);
      expect(performance.now() - before, text).toBeLessThan(20_000);
      expect(problem ?? "bad-pattern: ").toMatch(/^(?:bad-pattern|pattern-too-large): /);
    }
  });
});

/** INVARIANT of every table, checked the slow way: two states differ by a class that leads to states which differ. */
function checkTable({ states, start, classOf, classes, targets }: Automaton): void {
  const width = classes + 1;
  expect(states).toBeLessThanOrEqual(AUTOMATON_STATES_MAX);
  expect(targets.byteLength).toBeLessThanOrEqual(AUTOMATON_BYTES_MAX);
  expect(targets.length).toBe(states * width);
  expect([...new Set(classOf)].length).toBe(classes);
  expect(start).toBe(states === 0 ? start & 1 : FIRST_ROW);
  const to = (state: number, column: number): number =>
    state < FIRST_ROW ? state : targets[(state - FIRST_ROW) * width + column]!;
  for (let state = FIRST_ROW; state < states + FIRST_ROW; state++) {
    for (let column = 0; column < classes; column++)
      expect(to(state, column)).toBeLessThan(states + FIRST_ROW);
    expect([NO, YES]).toContain(to(state, classes));
  }
  const reached = new Set([start]);
  for (const state of reached)
    for (let column = 0; column < classes; column++) reached.add(to(state, column));
  expect([...reached].filter((state) => state >= FIRST_ROW).length).toBe(states);
  const columns = Array.from({ length: classes }, (_, column) =>
    Array.from({ length: states }, (_, row) => to(row + FIRST_ROW, column)).join(),
  );
  expect(new Set(columns).size).toBe(classes);
  let kinds = Array.from({ length: states + FIRST_ROW }, (_, state) => to(state, classes));
  for (let count = 0; count < new Set(kinds).size; ) {
    count = new Set(kinds).size;
    const keys = kinds.map((kind, state) =>
      [kind, ...Array.from({ length: classes }, (_, column) => kinds[to(state, column)])].join(),
    );
    const numbers = new Map([...new Set(keys)].map((key, i) => [key, i]));
    kinds = keys.map((key) => numbers.get(key)!);
  }
  expect(new Set(kinds).size).toBe(states + FIRST_ROW);
}
