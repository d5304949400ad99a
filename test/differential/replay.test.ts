/** A decision judged again from its record is what the bundle says to the request itself, or nobody claims to know. */
import { pino } from "pino";
import { expect, test } from "vitest";
import { createEngine, type Engine } from "../../core/index.ts";
import { DecisionLog, Rules, readLine, replay } from "../../plugins/decision-log/index.ts";
import { prepare } from "./bundles.ts";
import { type GeneratedBundle, generateBundle } from "./policies.ts";
import { partSeed, Random } from "./random.ts";
import { buildRequest, generateRequest } from "./requests.ts";

const SEED = 9_231;
const BUNDLES = 60;
const REQUESTS = 40;

function engineOf(bundle: GeneratedBundle): Engine {
  const made = createEngine(prepare(bundle).bytes);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

/** Fewer policies; the rest turned round. */
function edited(bundle: GeneratedBundle, random: Random): GeneratedBundle {
  const policies = bundle.policies
    .filter(() => random.below(3) > 0)
    .map((policy) => ({ ...policy, requirement: policy.trigger ?? policy.requirement }));
  return { ...bundle, policies: policies.length === 0 ? bundle.policies : policies };
}

test("random bundles, edits of them, and requests with absent and invalid facts", async () => {
  const lines: string[] = [];
  const rules = new Rules({ masks: [], principals: [], key: null, plain: true });
  const log = new DecisionLog({
    sink: {
      name: "test",
      gatherMs: 0,
      write: async (more) => void lines.push(...more),
      close: async () => undefined,
    },
    ...{ rules: () => rules, bodies: false, onFailure: "deny", logger: pino({ level: "silent" }) },
  });
  const recorder = log.recorderFor("envoy");
  const wanted: {
    readonly by: Engine;
    readonly want: object;
    readonly own: boolean;
    readonly where: string;
  }[] = [];
  for (let index = 0; index < BUNDLES; index++) {
    const seed = partSeed(SEED, index);
    const bundle = generateBundle(seed);
    const random = new Random(partSeed(seed, 3));
    const { schema } = prepare(bundle).document;
    const old = engineOf(bundle);
    const next = engineOf(edited(bundle, random));
    for (let i = 0; i < REQUESTS; i++) {
      const model = generateRequest(schema, random, i % 2 === 0 ? "http" : "direct");
      const { request } = buildRequest(model, schema);
      for (const by of [old, next]) {
        const decision = old.decide(request);
        recorder.record({
          ...{
            decisionId: `${index}-${i}`,
            bundle: old.digest,
            decision,
            request,
            facts: old.factsOf(request),
          },
          ...{ evaluationMicros: 1, micros: 2, traceParent: null },
        });
        const { allow, reason } = by.decide(request);
        wanted.push({
          by,
          want: { allow, reason },
          own: by === old,
          where: `seed ${SEED}, bundle ${index}, request ${i}`,
        });
      }
    }
  }
  expect(await log.drain(30_000)).toBe(0);
  const told = { own: 0, other: 0 };
  for (const [i, { by, want, own, where }] of wanted.entries()) {
    const read = readLine(lines[i]!);
    if (read.kind !== "record") throw new Error(`${where}: ${lines[i]}`);
    const again = replay(read.record, by);
    if (again.kind !== "judged") continue;
    told[own ? "own" : "other"] += 1;
    const { allow, reason } = again.decision;
    expect({ allow, reason }, `${where}: ${lines[i]}`).toEqual(want);
  }
  // Values that are cut and times that nobody delivered cannot be told; most can.
  expect(told.own).toBeGreaterThan(BUNDLES * REQUESTS * 0.4);
  expect(told.other).toBeGreaterThan(BUNDLES * REQUESTS * 0.2);
});
