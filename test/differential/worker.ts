/** One worker of a long run. */
import { parentPort, workerData } from "node:worker_threads";
import { type RunSummary, run } from "./run-bundles.ts";
import { INTERPRETERS, loadWasm, type Runtime } from "./runtimes.ts";

export interface WorkerTask {
  readonly seed: number;
  readonly from: number;
  readonly end: number;
  readonly step: number;
  readonly requests: number;
  readonly wasm: boolean;
  readonly lua: boolean;
}

export type WorkerMessage =
  | { readonly kind: "progress"; readonly cases: number }
  | { readonly kind: "done"; readonly summary: RunSummary };

/** Bundles between two messages. */
const PROGRESS_BUNDLES = 100;

const task = workerData as WorkerTask;
let bundles = 0;
const others: Runtime[] = [];
if (task.wasm) others.push(await loadWasm());
// Only where it is asked for, since it starts a process.
if (task.lua) others.push((await import("../lua/twin.ts")).luaRuntime());
const summary =
  others.length > 0
    ? run({ ...task, runtimes: [...INTERPRETERS, ...others], route: "http", progress })
    : run({ ...task, progress });
post({ kind: "progress", cases: summary.cases });
post({ kind: "done", summary });

function progress(cases: number): void {
  if (++bundles % PROGRESS_BUNDLES === 0) post({ kind: "progress", cases });
}

function post(message: WorkerMessage): void {
  parentPort!.postMessage(message);
}
