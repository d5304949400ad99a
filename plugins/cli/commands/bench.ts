/** `ipe bench`: what a decision about one request costs on this machine. */
import { availableParallelism, cpus } from "node:os";
import type { ConditionTree, Engine, NeutralRequest } from "../../../core/index.ts";
import { EXIT_SUCCESS } from "../exit.ts";
import { type Measurement, measure } from "../measure.ts";
import type { Output } from "../output.ts";
import { load } from "./eval.ts";

const TIER = "interpreter";
const WARM_UP_MS = 200;
const NS_PER_SECOND = 1e9;
const LEAVES_SHOWN_MAX = 10;
/** Rounds of an idle machine differ by a few percent. */
const BUSY_SPREAD = 0.2;

export interface BenchOptions {
  readonly request: string;
  readonly rounds: number;
  readonly roundMs: number;
  readonly json?: boolean;
}

interface LeafTime {
  readonly policy: string;
  readonly text: string;
  readonly ns: number;
}

/** Measure one bundle with one request. */
export function benchCommand(bundle: string, options: BenchOptions, output: Output): number {
  const { engine, request } = load({ bundle, context: options.request }, output);
  const decision = engine.decide(request);
  const { whole, loaded } = measure(
    { whole: () => engine.decide(request), loaded: () => engine.decideAgain() },
    {
      rounds: options.rounds,
      roundMs: options.roundMs,
      warmUpMs: WARM_UP_MS,
      clock: process.hrtime.bigint,
    },
  );
  const leaves = leafTimes(engine, request);
  const found = { whole, loaded, leaves, decision: decision.allow ? "allow" : "deny" };
  output.result(
    options.json === true
      ? JSON.stringify(benchData(engine, found, options))
      : benchLines(engine, found, options).join("\n"),
  );
  return EXIT_SUCCESS;
}

interface Found {
  readonly whole: Measurement;
  readonly loaded: Measurement;
  readonly leaves: readonly LeafTime[];
  readonly decision: string;
}

/** Each condition alone, as `ipe explain` measures it, slowest first. */
function leafTimes(engine: Engine, request: NeutralRequest): LeafTime[] {
  const times = engine.program.policies.list.flatMap(({ name }) => {
    const { trigger, requirement } = engine.trees(request, name, process.hrtime.bigint)!;
    return [trigger, requirement]
      .flatMap(leavesOf)
      .map(({ text, ns }) => ({ policy: name, text: text.replace(/\s*\n\s*/g, " "), ns: ns! }));
  });
  return times.sort((a, b) => b.ns - a.ns);
}

function leavesOf(tree: ConditionTree | null): ConditionTree[] {
  if (tree === null) return [];
  return tree.kind === "leaf" ? [tree] : tree.children.flatMap(leavesOf);
}

function machine(): {
  readonly cpu: string;
  readonly threads: number;
  readonly platform: string;
  readonly node: string;
} {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    threads: availableParallelism(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

// --- for machines ---

function benchData(engine: Engine, found: Found, options: BenchOptions): Record<string, unknown> {
  const { whole, loaded, leaves, decision } = found;
  return {
    bundle: engine.digest,
    policies: engine.program.policies.length,
    tier: TIER,
    decision,
    end_to_end: measurementData(whole),
    facts_loaded: measurementData(loaded),
    leaf_tests: {
      count: leaves.length,
      median_ns: leaves.length === 0 ? null : rounded(medianOf(leaves)),
      slowest: leaves.slice(0, LEAVES_SHOWN_MAX).map((leaf) => ({ ...leaf, ns: rounded(leaf.ns) })),
    },
    method: { rounds: options.rounds, round_ms: options.roundMs, warm_up_ms: WARM_UP_MS },
    machine: machine(),
  };
}

function measurementData({ median, fastest, slowest, spread, calls }: Measurement): Record<string, number> {
  return {
    median_ns: rounded(median),
    per_second: Math.round(NS_PER_SECOND / median),
    fastest_ns: rounded(fastest),
    slowest_ns: rounded(slowest),
    spread_percent: rounded(spread * 100),
    calls_per_round: calls,
  };
}

function rounded(number: number): number {
  return Math.round(number * 10) / 10;
}

function medianOf(leaves: readonly LeafTime[]): number {
  return leaves[leaves.length >> 1]!.ns;
}

// --- for people ---

function benchLines(engine: Engine, found: Found, options: BenchOptions): string[] {
  const { whole, loaded, leaves, decision } = found;
  const { cpu, threads, platform, node } = machine();
  const count = engine.program.policies.length;
  return [
    `${count} ${count === 1 ? "policy" : "policies"}, decision: ${decision}, tier: ${TIER}`,
    "",
    measurementLine("from the request to the decision", whole),
    measurementLine("with the facts loaded", loaded),
    ...leafLines(leaves),
    "",
    `measured: ${options.rounds} rounds of about ${options.roundMs} ms by turns after ${WARM_UP_MS} ms of warm-up; medians, and the fastest and slowest round`,
    ...(Math.max(whole.spread, loaded.spread) > BUSY_SPREAD
      ? ["the rounds differ much: the machine is busy, and the fastest round is nearest to what it can do"]
      : []),
    `on: ${cpu}, ${threads} threads, ${platform}, Node ${node}; one thread, this process alone`,
  ];
}

function measurementLine(what: string, { median, fastest, slowest, spread }: Measurement): string {
  const rate = Math.round(NS_PER_SECOND / median).toLocaleString("en");
  return `${what.padEnd(34)}${timeText(median).padStart(10)}  ${rate.padStart(12)} a second   ${timeText(fastest)} to ${timeText(slowest)}, half of the rounds within ${(spread * 100).toFixed(1)} %`;
}

function leafLines(leaves: readonly LeafTime[]): string[] {
  if (leaves.length === 0) return ["no conditions"];
  const shown = leaves.slice(0, LEAVES_SHOWN_MAX);
  return [
    `${`each of ${leaves.length} leaf tests alone`.padEnd(34)}${timeText(medianOf(leaves)).padStart(10)}  median; the call that runs one included`,
    ...shown.map(({ policy, text, ns }) => `  ${timeText(ns).padStart(9)}  ${policy}: ${text}`),
    ...(leaves.length > shown.length ? [`  and ${leaves.length - shown.length} quicker ones`] : []),
  ];
}

function timeText(ns: number): string {
  if (ns < 1_000) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`;
  return ns < 1e6 ? `${(ns / 1_000).toFixed(2)} us` : `${(ns / 1e6).toFixed(2)} ms`;
}
