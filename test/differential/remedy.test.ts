/** Whatever is called a remedy is one: on random policies and requests the changed request is allowed. */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createEngine, findRemedy, type Remedy, runTest } from "../../core/index.ts";
import { findTests } from "../../plugins/cli/test-units.ts";
import { evaluate } from "../reference/reference.ts";
import { prepare } from "./bundles.ts";
import { generateBundle } from "./policies.ts";
import { partSeed, Random } from "./random.ts";
import { buildRequest, generateRequest } from "./requests.ts";

const SEED = 20_261;
const BUNDLES = 40;
/** Fewer than usual: many of these policies contradict each other. */
const LOADS = 800;
const REQUESTS = 3;

test("with the changes of a remedy a random request is allowed", () => {
  const kinds: Record<Remedy["kind"], number> = {
    "none-needed": 0,
    changes: 0,
    impossible: 0,
    "not-found": 0,
  };
  for (let index = 0; index < BUNDLES; index++) {
    const seed = partSeed(SEED, index);
    const prepared = prepare(generateBundle(seed));
    const made = createEngine(prepared.bytes);
    if (!made.ok) throw new Error(made.error);
    const random = new Random(partSeed(seed, 1));
    for (let i = 0; i < REQUESTS; i++) {
      const model = generateRequest(prepared.document.schema, random, i % 2 === 0 ? "http" : "direct");
      const { request, valuation } = buildRequest(model, prepared.document.schema);
      const remedy = findRemedy(made.engine.program, request, { loads: LOADS });
      kinds[remedy.kind]++;
      const where = `seed ${SEED}, bundle ${index}, request ${i}`;
      expect(remedy.kind === "none-needed", where).toBe(
        evaluate(prepared.document, valuation).decision.allow,
      );
      if (remedy.kind !== "changes") continue;
      expect(made.engine.decide(remedy.request).allow, where).toBe(true);
      expect(remedy.changes.length, where).toBeGreaterThan(0);
    }
  }
  // Random policies often contradict each other; those that do not are repaired.
  expect(kinds.changes).toBeGreaterThan((BUNDLES * REQUESTS) / 8);
  expect(kinds["none-needed"]).toBeGreaterThan(0);
});

/** Written by people for people, so what is denied in them can be repaired. */
const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
const names = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** By example the test whose request is not repaired: four times that are all missing have to stand in one order. */
const NOT_FOUND: Readonly<Record<string, string>> = { "maintenance-window": "other work" };

describe("every denied request of the examples has a remedy", () => {
  test.each(names)("%s", (name) => {
    const [unit] = findTests([`${examples}${name}`], { oneBundle: false, outside: false }).units;
    const engine = unit!.engine!;
    let denied = 0;
    for (const example of unit!.tests) {
      const { request } = runTest(example, engine);
      if (request === null || engine.decide(request).allow) continue;
      denied++;
      const remedy = findRemedy(engine.program, request);
      if (remedy.kind === "not-found" && NOT_FOUND[name] === example.name) continue;
      if (remedy.kind !== "changes") throw new Error(`${example.name}: ${JSON.stringify(remedy)}`);
      expect(engine.decide(remedy.request).allow, example.name).toBe(true);
      expect(remedy.changes.length, example.name).toBeGreaterThan(0);
    }
    expect(denied).toBeGreaterThan(0);
  });
});
