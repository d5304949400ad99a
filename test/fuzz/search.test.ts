/** The searches over bundles that no compiler made and requests that no policy expects: they end, and what they say is so. */
import { expect, test } from "vitest";
import { sealBundle } from "../../core/bytecode/digest.ts";
import {
  createEngine,
  type Engine,
  findDifferences,
  findRemedy,
  parseNeutralRequest,
  programChanges,
  requestForm,
} from "../../core/index.ts";
import { partSeed, Random } from "../differential/random.ts";
import { hostileRequests } from "./hostile-requests.ts";
import { mutate } from "./mutate.ts";
import { seeds } from "./seeds.ts";

const SEED = 90_125;
/** Enough mutants that a few dozen are accepted. */
const MUTANTS = 1_200;
const LOADS = 150;

function engines(): Engine[] {
  const all = seeds();
  const mutants = Array.from({ length: MUTANTS }, (_, i) => {
    const random = new Random(partSeed(SEED, i));
    return sealBundle(mutate(random.pick(all).bytes, random, all).bytes);
  });
  return [...all.map(({ bytes }) => bytes), ...mutants].flatMap((bytes) => {
    const made = createEngine(bytes);
    return made.ok ? [made.engine] : [];
  });
}

test("remedies and differences of bundles and requests of all kinds", () => {
  const all = engines();
  expect(all.length).toBeGreaterThan(seeds().length + 10);
  let remedies = 0;
  let witnesses = 0;
  all.forEach((engine, index) => {
    const random = new Random(partSeed(SEED, 10_000 + index));
    for (const request of hostileRequests(engine.program, random).slice(0, 3)) {
      const remedy = findRemedy(engine.program, request, { loads: LOADS });
      expect(remedy.kind === "none-needed", engine.digest).toBe(engine.decide(request).allow);
      if (remedy.kind === "changes") {
        remedies++;
        expect(engine.decide(remedy.request).allow, engine.digest).toBe(true);
      }
      const form = requestForm(request);
      if (form === null) continue;
      const again = parseNeutralRequest(form);
      if (!again.ok) throw new Error(`${JSON.stringify(form)}: ${again.errors.join(", ")}`);
    }
    const other = all[(index + 1) % all.length]!;
    const changes = programChanges(engine.program, other.program);
    const found = findDifferences(engine.program, other.program, changes, {
      seed: index,
      samples: 25,
      witnesses: 2,
      goesOn: () => true,
    });
    for (const { request, from, to } of found.witnesses) {
      witnesses++;
      const parsed = parseNeutralRequest(request);
      if (!parsed.ok) throw new Error(parsed.errors.join(", "));
      expect([engine.decide(parsed.request), other.decide(parsed.request)]).toEqual([from, to]);
    }
  });
  expect(remedies).toBeGreaterThan(20);
  expect(witnesses).toBeGreaterThan(20);
});
