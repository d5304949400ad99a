/** A request that is shown as decided differently is: on random policies and edits of them, both engines are asked. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import {
  compile,
  createEngine,
  type Engine,
  findDifferences,
  parseNeutralRequest,
  programChanges,
} from "../../core/index.ts";
import { readSources } from "../../plugins/cli/files.ts";
import { prepare } from "./bundles.ts";
import { type GeneratedBundle, type GeneratedPolicy, generateBundle } from "./policies.ts";
import { partSeed, Random } from "./random.ts";

const SEED = 4_711;
const PAIRS = 30;
const SAMPLES = 600;

function engineOf(bundle: GeneratedBundle): Engine {
  const made = createEngine(prepare(bundle).bytes);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

/** One policy changed, taken out, or doubled under another name. */
function edited(bundle: GeneratedBundle, random: Random): GeneratedBundle {
  const at = random.below(bundle.policies.length);
  const policy = bundle.policies[at]!;
  const edits: readonly GeneratedPolicy[][] = [
    [],
    [
      policy,
      { ...policy, name: `${policy.name}x`, kind: "guard", effect: "denies", requirement: null, onAllow: [] },
    ],
    [{ ...policy, metadata: [["mode", "permissive"]] }],
    [{ ...policy, trigger: policy.requirement ?? policy.trigger }],
    [{ ...policy, requirement: policy.trigger ?? policy.requirement }],
  ];
  return { ...bundle, policies: bundle.policies.toSpliced(at, 1, ...random.pick(edits)) };
}

test("a witness really is decided differently", () => {
  let changed = 0;
  let found = 0;
  for (let index = 0; index < PAIRS; index++) {
    const seed = partSeed(SEED, index);
    const bundle = generateBundle(seed);
    const old = engineOf(bundle);
    const next = engineOf(edited(bundle, new Random(partSeed(seed, 2))));
    const changes = programChanges(old.program, next.program);
    const { witnesses, tried } = findDifferences(old.program, next.program, changes, {
      seed: index,
      samples: SAMPLES,
      witnesses: 2,
      goesOn: () => true,
    });
    expect(tried).toBeLessThanOrEqual(SAMPLES);
    // What is said of a policy does not depend on the others around it.
    const touched = changes.policies.map((policy) => policy.name.replace(/x$/, ""));
    expect(new Set(touched).size).toBeLessThanOrEqual(1);
    if (changes.policies.length > 0) changed++;
    if (witnesses.length > 0) found++;
    for (const { request, from, to, watched } of witnesses) {
      const where = `seed ${SEED}, pair ${index}: ${JSON.stringify(request)}`;
      const parsed = parseNeutralRequest(request);
      if (!parsed.ok) throw new Error(`${where}: ${parsed.errors.join(", ")}`);
      expect(old.decide(parsed.request), where).toEqual(from);
      expect(next.decide(parsed.request), where).toEqual(to);
      expect([from.allow, from.setRequestHeaders, from.denial, []], where).not.toEqual([
        to.allow,
        to.setRequestHeaders,
        to.denial,
        watched,
      ]);
    }
  }
  expect(changed).toBeGreaterThan(PAIRS / 2);
  expect(found).toBeGreaterThan(changed / 5);
});

/** One word or number that means something else, as a typing error would have it. */
const EDITS: readonly (readonly [RegExp, string])[] = [
  [/ >= /g, " > "],
  [/ > /g, " >= "],
  [/ <= /g, " < "],
  [/ < /g, " <= "],
  [/ == /g, " != "],
  [/ != /g, " == "],
  [/\band\b/g, "or"],
  [/\bor\b/g, "and"],
  [/\bnot /g, ""],
  [/\bany\(/g, "all("],
  [/\ball\(/g, "any("],
  [/\b[0-9]+\b/g, "77"],
];
/** Examples of whose edits some are missed, with the reason. */
const MISSED: Readonly<Record<string, string>> = {
  refunds: "the sum of a list and of a number must come to exactly a third one",
  "records-retention": "four facts that depend on each other have to be right at once",
};
/** Of all edits of the examples every so many is tried. */
const EVERY = 2;

/** Each edit of the conditions in a text: not of declarations, comments, texts and tests. */
function* editsOf(text: string): Generator<string> {
  for (const [pattern, written] of EDITS) {
    for (const match of text.matchAll(pattern)) {
      const before = text.slice(0, match.index);
      const line = before.slice(before.lastIndexOf("\n") + 1);
      const quotes = line.replaceAll(/[^"]/g, "").length;
      if (!/\n(?:policy|guard) /.test(before) || line.includes("//") || quotes % 2 === 1) continue;
      yield before + written + text.slice(match.index + match[0].length);
    }
  }
}

test("an edit of a condition in an example is shown by a request", () => {
  const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
  const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const missed: string[] = [];
  let tried = 0;
  let index = 0;
  for (const { name } of folders) {
    const sources = readSources([`${examples}${name}`]);
    const old = bundleOf(sources);
    for (const source of sources) {
      for (const text of editsOf(source.text)) {
        if (index++ % EVERY !== 0) continue;
        const next = bundleOf(sources.map((each) => (each === source ? { ...each, text } : each)));
        if (old === null || next === null) continue;
        const changes = programChanges(old.program, next.program);
        const parts = changes.policies.flatMap((policy) => policy.parts.map(({ part }) => part));
        if (!parts.includes("trigger") && !parts.includes("requirement")) continue;
        tried++;
        const { witnesses } = findDifferences(old.program, next.program, changes, {
          seed: 1,
          samples: 20_000,
          witnesses: 1,
          goesOn: () => true,
        });
        if (witnesses.length === 0 && MISSED[name] === undefined)
          missed.push(`${name}: ${JSON.stringify(changes.policies)}`);
      }
    }
  }
  expect(missed).toEqual([]);
  expect(tried).toBeGreaterThan(20);
});

/** Null for what the checker refuses, as it does some edits. */
function bundleOf(sources: ReturnType<typeof readSources>): Engine | null {
  const compiled = compile(sources);
  if (!compiled.ok) return null;
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}
