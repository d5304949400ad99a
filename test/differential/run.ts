/**
 * A long differential run: `node test/differential/run.ts --cases 10000000 --seed 1 [--workers 2] [--requests 50] [--wasm] [--lua]`.
 * Progress goes to stderr, one JSON summary to stdout; the exit status is 1 when a difference was found.
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { emptySummary, type RunSummary } from "./run-bundles.ts";
import type { WorkerMessage, WorkerTask } from "./worker.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "2" },
    requests: { type: "string", default: "50" },
    wasm: { type: "boolean", default: false },
    lua: { type: "boolean", default: false },
  },
});
const [cases, seed, workers, requests] = [values.cases, values.seed, values.workers, values.requests].map(
  Number,
) as [number, number, number, number];
if (![cases, seed, workers, requests].every(Number.isSafeInteger) || workers < 1 || requests < 1) {
  throw new Error("--cases, --seed, --workers and --requests are whole numbers");
}

const PROGRESS_MS = 10_000;
const done = new Array<number>(workers).fill(0);
const started = performance.now();
const timer = setInterval(report, PROGRESS_MS);
const tasks = done.map(
  (_, from): WorkerTask => ({
    seed,
    from,
    end: Math.ceil(cases / requests),
    step: workers,
    requests,
    wasm: values.wasm,
    lua: values.lua,
  }),
);
const summaries = await Promise.all(tasks.map(start));
clearInterval(timer);
report();
const total = summaries.reduce(added, emptySummary());
const seconds = Math.round((performance.now() - started) / 1000);
process.stdout.write(
  `${JSON.stringify({ seed, requests, wasm: values.wasm, lua: values.lua, node: process.version, seconds, ...total }, null, 2)}\n`,
);
process.exitCode = total.difference === null ? 0 : 1;

function start(task: WorkerTask, index: number): Promise<RunSummary> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: task });
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "progress") done[index] = message.cases;
      else resolve(message.summary);
    });
    worker.on("error", reject);
  });
}

function report(): void {
  const judged = done.reduce((sum, n) => sum + n, 0);
  const rate = Math.round(judged / ((performance.now() - started) / 1000));
  process.stderr.write(`${judged} of ${cases} cases, ${rate} a second\n`);
}

function added(a: RunSummary, b: RunSummary): RunSummary {
  return {
    cases: a.cases + b.cases,
    bundles: a.bundles + b.bundles,
    policies: a.policies + b.policies,
    refused: addedCounts(a.refused, b.refused),
    outcomes: addedCounts(a.outcomes, b.outcomes),
    reasons: addedCounts(a.reasons, b.reasons),
    difference: a.difference ?? b.difference,
  };
}

function addedCounts<K extends string>(
  a: Partial<Record<K, number>>,
  b: Partial<Record<K, number>>,
): Record<K, number> {
  const sum: Record<string, number> = { ...(a as Record<string, number>) };
  for (const [key, times] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + (times as number);
  return sum as Record<K, number>;
}
