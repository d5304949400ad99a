/** A request that is shown as decided differently is: on random policies and edits of them, both engines are asked. */
import { expect, test } from "vitest";
import {
  createEngine,
  type Engine,
  findDifferences,
  parseNeutralRequest,
  programChanges,
} from "../../core/index.ts";
import { prepare } from "./bundles.ts";
import { type GeneratedBundle, type GeneratedPolicy, generateBundle } from "./policies.ts";
import { partSeed, Random } from "./random.ts";

const SEED = 4_711;
const PAIRS = 30;
const SAMPLES = 400;

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
    if (changes.policies.length > 0) changed++;
    if (witnesses.length > 0) found++;
    for (const { request, from, to } of witnesses) {
      const where = `seed ${SEED}, pair ${index}: ${JSON.stringify(request)}`;
      const parsed = parseNeutralRequest(request);
      if (!parsed.ok) throw new Error(`${where}: ${parsed.errors.join(", ")}`);
      expect(old.decide(parsed.request), where).toEqual(from);
      expect(next.decide(parsed.request), where).toEqual(to);
      expect([from.allow, from.setRequestHeaders, from.denial], where).not.toEqual([
        to.allow,
        to.setRequestHeaders,
        to.denial,
      ]);
    }
  }
  expect(changed).toBeGreaterThan(PAIRS / 2);
  expect(found).toBeGreaterThan(changed / 4);
});
