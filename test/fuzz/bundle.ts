/**
 * Fuzz of the loader: broken bundles are refused, never crash it, and what is accepted all the same can be run.
 *
 *     node test/fuzz/bundle.ts --mutants 1000000 --seed 1 [--wasm | --lua]
 *
 * Progress goes to stderr, the summary to stdout as JSON. With `--wasm` every mutant also goes to the WebAssembly
 * virtual machine, with `--lua` to the Lua runtime, which must accept exactly the same ones and decide alike with them. Exit code 1 where something was found.
 */
import { isDeepStrictEqual, parseArgs } from "node:util";
import { sealBundle } from "../../core/bytecode/digest.ts";
import {
  createEngine,
  type Decision,
  disassemble,
  type Engine,
  type NeutralRequest,
} from "../../core/index.ts";
import { partSeed, Random } from "../differential/random.ts";
import { hostileRequests } from "./hostile-requests.ts";
import { type Mutant, mutate } from "./mutate.ts";
import { type Seed, seeds } from "./seeds.ts";

/** Another loader: null for an accepted bundle, else why it is refused. */
export type OtherLoader = (bundle: Uint8Array) => string | null;

export interface FuzzOptions {
  readonly mutants: number;
  readonly seed: number;
  readonly other?: OtherLoader;
  /** How findings call it. */
  readonly otherName?: string;
  /** Decides with the bundle that `other` accepted last. */
  readonly otherDecides?: (request: NeutralRequest) => Decision;
  readonly progress?: (done: number) => void;
}

export interface Finding {
  /** Index of the mutant: with the run's seed it can be made again. */
  readonly mutant: number;
  readonly from: string;
  readonly ways: readonly string[];
  readonly resealed: boolean;
  readonly problem: string;
}

export interface FuzzSummary {
  readonly mutants: number;
  readonly seed: number;
  /** Sealing a mutant again can give the seed's bytes back, where only a hash was changed. */
  readonly unchanged: number;
  readonly resealed: number;
  /** Changed, sealed again, and accepted. */
  readonly accepted: number;
  readonly requests: number;
  /** Refused, by the part of the bundle that the error names. */
  readonly refused: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly findings: readonly Finding[];
}

const FINDINGS_MAX = 20;

/** Run the fuzz. The same options give the same mutants. */
export function fuzzBundles(options: FuzzOptions): FuzzSummary {
  const all = seeds();
  const counts = { unchanged: 0, resealed: 0, accepted: 0, requests: 0, slowestMs: 0 };
  const refused: Record<string, number> = {};
  const findings: Finding[] = [];
  for (let i = 0; i < options.mutants && findings.length < FINDINGS_MAX; i++) {
    // Each mutant has its own generator, so that one can be made again without those before it.
    const random = new Random(partSeed(options.seed, i));
    const from = random.pick(all);
    const { mutant, resealed } = makeMutant(from, random, all);
    const start = performance.now();
    const judged = judge({ from, mutant, resealed }, random, options);
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - start);
    if (judged.unchanged) counts.unchanged++;
    if (resealed) counts.resealed++;
    if (judged.error === null && !judged.unchanged) counts.accepted++;
    if (judged.error !== null) refused[placeOf(judged.error)] = (refused[placeOf(judged.error)] ?? 0) + 1;
    counts.requests += judged.requests;
    if (judged.problem !== null)
      findings.push({ mutant: i, from: from.name, ways: mutant.ways, resealed, problem: judged.problem });
    options.progress?.(i + 1);
  }
  const slowestMs = Math.round(counts.slowestMs);
  return {
    mutants: options.mutants,
    seed: options.seed,
    ...counts,
    slowestMs,
    refused: sortedByCount(refused),
    findings,
  };
}

function makeMutant(from: Seed, random: Random, all: readonly Seed[]): { mutant: Mutant; resealed: boolean } {
  const { bytes, ways } = mutate(from.bytes, random, all);
  const resealed = random.chance(50);
  return { mutant: { bytes: resealed ? sealBundle(bytes) : bytes, ways }, resealed };
}

interface Judged {
  readonly unchanged: boolean;
  /** Why it was refused. */
  readonly error: string | null;
  readonly requests: number;
  /** What must not be. */
  readonly problem: string | null;
}

interface Case {
  readonly from: Seed;
  readonly mutant: Mutant;
  readonly resealed: boolean;
}

function judge({ from, mutant: { bytes }, resealed }: Case, random: Random, options: FuzzOptions): Judged {
  const unchanged = Buffer.compare(bytes, from.bytes) === 0;
  const judged = { unchanged, error: null, requests: 0, problem: null };
  try {
    const result = createEngine(bytes, { takesLimits: true });
    const error = result.ok ? null : result.error;
    const difference =
      options.other === undefined ? null : differenceOf(error, options.other(bytes), options.otherName);
    if (difference !== null) return { ...judged, error, problem: difference };
    if (!result.ok) return { ...judged, error, problem: refusalProblem(result.error, unchanged) };
    if (!resealed && !unchanged)
      return { ...judged, problem: "accepted though changed and not sealed again" };
    return { ...judged, ...run(result.engine, random, options) };
  } catch (thrown) {
    return { ...judged, problem: `thrown: ${thrown instanceof Error ? thrown.stack : String(thrown)}` };
  }
}

function refusalProblem(error: string, unchanged: boolean): string | null {
  if (unchanged) return `refused though unchanged: ${error}`;
  return error.startsWith("internal fault") ? error : null;
}

function differenceOf(error: string | null, other: string | null, name = "in WebAssembly"): string | null {
  if ((error === null) === (other === null)) return null;
  return `the loaders differ: here ${error ?? "accepted"}, ${name} ${other ?? "accepted"}`;
}

/** What was accepted can be printed, and gives one decision, however it is asked, whatever the request. */
function run(
  engine: Engine,
  random: Random,
  { otherDecides, otherName = "in WebAssembly" }: FuzzOptions,
): Pick<Judged, "requests" | "problem"> {
  const requests = hostileRequests(engine.program, random);
  disassemble(engine.program, { leaves: true });
  for (const [i, request] of requests.entries()) {
    const decision = engine.decide(request);
    const others = {
      explained: engine.explain(request).decision,
      [otherName]: otherDecides?.(request) ?? decision,
    };
    for (const [how, other] of Object.entries(others)) {
      if (isDeepStrictEqual(decision, other)) continue;
      const problem = `request ${i}: decided ${JSON.stringify(decision)}, ${how} ${JSON.stringify(other)}`;
      return { requests: i + 1, problem };
    }
  }
  return { requests: requests.length, problem: null };
}

/** `code instruction 12: ...` is of the code. */
function placeOf(error: string): string {
  return error.split(/[ ,:]/, 1)[0]!;
}

function sortedByCount(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([, a], [, b]) => b - a));
}

// --- command line ---

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mutants: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      wasm: { type: "boolean", default: false },
      lua: { type: "boolean", default: false },
    },
  });
  const mutants = Number(values.mutants);
  const started = performance.now();
  const progress = (done: number): void => {
    if (done % 10_000 === 0 || done === mutants) process.stderr.write(`\r${done} of ${mutants} mutants`);
  };
  const others = values.wasm ? await wasmOptions() : values.lua ? await luaOptions() : {};
  const summary = fuzzBundles({ mutants, seed: Number(values.seed), ...others, progress });
  process.stderr.write("\n");
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    JSON.stringify(
      { ...summary, wasm: values.wasm, lua: values.lua, seconds, node: process.version },
      null,
      2,
    ),
  );
  process.exitCode = summary.findings.length === 0 ? 0 : 1;
}

async function luaOptions(): Promise<Pick<FuzzOptions, "other" | "otherName" | "otherDecides">> {
  // Only where it is asked for, since it starts a process.
  const { startLuaVm } = await import("../lua/vm.ts");
  const vm = startLuaVm();
  return {
    otherName: "in Lua",
    other: (bundle) => vm.load(bundle),
    otherDecides: (request) => {
      const { policyOutcomes: _, ...decision } = vm.decide(request);
      return decision;
    },
  };
}

async function wasmOptions(): Promise<Required<Pick<FuzzOptions, "other" | "otherDecides">>> {
  // Only where it is asked for: building the twin loads the AssemblyScript compiler, which takes any `--wasm` on the
  // command line for its own.
  process.argv = process.argv.filter((argument) => argument !== "--wasm");
  const { testVm } = await import("../assembly/twin.ts");
  const vm = await testVm();
  return {
    other: (bundle) => vm.load(bundle),
    otherDecides: (request) => {
      const { policyOutcomes: _, ...decision } = vm.decide(request);
      return decision;
    },
  };
}

if (import.meta.main) await main();
