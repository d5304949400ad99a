/** Our interpreter beside other engines on the same decisions. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Measurement, measure } from "../../../plugins/cli/measure.ts";
import { machineNow, writeSection } from "../page.ts";
import { line, time } from "../rounds.ts";
import type { Contender } from "./contender.ts";
import { ENGINES, type EngineName, OURS, type Race, races } from "./contenders.ts";
import { LEAF_KINDS, leafCandidates, leafNs } from "./leaf-tests.ts";
import { type Figures, page } from "./page.ts";

const ALLOCATION = fileURLToPath(new URL("allocation.ts", import.meta.url));
const ALLOCATION_FLAGS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];
const OPTIONS = { rounds: 31, roundMs: 20, warmUpMs: 300, clock: process.hrtime.bigint };

/** `write`: the tables go to docs/benchmarks.md as well, as its section. */
export async function benchEngines({ write }: { readonly write: boolean }): Promise<void> {
  const machine = machineNow();
  const bytes = allocation();
  const scenarios = (await races()).map((race) => {
    const found = measured(race);
    report(race, found);
    return { race, found, bytes: bytes[race.name]! };
  });
  const leaves = measure(leafCandidates(), OPTIONS);
  const leafTests = LEAF_KINDS.map((name) => ({ name, ns: leafNs(leaves, name) }));
  for (const { name, ns } of leafTests) line(`one more leaf test: ${name}`, `${ns.toFixed(1)} ns`);
  for (const { race, bytes: of } of scenarios)
    line(`${race.name}: bytes of one decision, facts ready`, of[OURS].toFixed(2));
  if (!write) return;
  writeSection("engines", page({ scenarios, leafTests, machine, options: OPTIONS }));
}

/** All engines by turns, facts ready and from the neutral request. */
function measured({ requests, contenders }: Race): Figures {
  const pass = (decide: Contender["ready"]) => (): number => {
    let allowed = 0;
    for (let i = 0; i < requests; i++) if (decide(i)) allowed++;
    return allowed;
  };
  const found = measure(
    Object.fromEntries(
      Object.entries(contenders).flatMap(([name, { ready, whole }]) => [
        [`${name} ready`, pass(ready)],
        [`${name} whole`, pass(whole)],
      ]),
    ),
    OPTIONS,
  );
  const each = (name: string): Measurement => {
    const { median, fastest, slowest, ...rest } = found[name]!;
    return { ...rest, median: median / requests, fastest: fastest / requests, slowest: slowest / requests };
  };
  return Object.fromEntries(
    ENGINES.map((name) => [name, { ready: each(`${name} ready`), whole: each(`${name} whole`) }]),
  ) as unknown as Figures;
}

function report({ name, requests, leafTests }: Race, found: Figures): void {
  const own = found[OURS];
  for (const engine of ENGINES) {
    const { ready, whole } = found[engine];
    line(
      `${name}, ${engine}: a decision, facts ready`,
      time(ready.median),
      `${(ready.median / own.ready.median).toFixed(1)} of ours`,
    );
    line(
      `${name}, ${engine}: from the request`,
      time(whole.median),
      `${(whole.median / own.whole.median).toFixed(1)} of ours`,
    );
  }
  const tests = leafTests / requests;
  line(
    `${name}, ours: for each leaf test of a decision`,
    `${(own.ready.median / tests).toFixed(1)} ns`,
    `${tests.toFixed(1)} tests`,
  );
}

function allocation(): Record<string, Record<EngineName, number>> {
  const text = execFileSync(process.execPath, [...ALLOCATION_FLAGS, ALLOCATION], { encoding: "utf8" });
  return JSON.parse(text) as Record<string, Record<EngineName, number>>;
}
