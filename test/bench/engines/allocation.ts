/**
 * Bytes of the JavaScript heap that one decision leaves behind, of every engine, facts ready, as one JSON object: scenario,
 * engine, bytes. As core/runtime/allocation.fixture.ts it wants a process of its own that collects nothing meanwhile:
 *
 *     node --expose-gc --min-semi-space-size=64 --max-semi-space-size=64 test/bench/engines/allocation.ts
 */
import type { Contender } from "./contender.ts";
import { OURS, races } from "./contenders.ts";

const ROUNDS = 8;
/** Of the others so few that all their garbage has room. */
const DECISIONS = { ours: 48_000, others: 800 } as const;

/** The smallest of several rounds, since the runtime's own work falls into some of them. */
function bytesOf({ ready }: Contender, requests: number, decisions: number): number {
  const passes = decisions / requests;
  const run = (): void => {
    for (let pass = 0; pass < passes; pass++) for (let i = 0; i < requests; i++) ready(i);
  };
  for (let warm = 0; warm < DECISIONS.ours / decisions && warm < ROUNDS; warm++) run();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc!();
    const before = process.memoryUsage().heapUsed;
    run();
    least = Math.min(least, process.memoryUsage().heapUsed - before);
  }
  return least / (passes * requests);
}

const measured = (await races()).map(({ name, requests, contenders }) => [
  name,
  Object.fromEntries(
    Object.entries(contenders).map(([engine, contender]) => [
      engine,
      bytesOf(contender, requests, engine === OURS ? DECISIONS.ours : DECISIONS.others),
    ]),
  ),
]);
console.log(JSON.stringify(Object.fromEntries(measured)));
