/** Runs of many cases. A run is named by its seed; bundle number and request number in it name one case. */
import type { Outcome, ReasonOutcome } from "../../core/decision/decision.ts";
import type { Operators } from "../reference/operators.ts";
import { OPERATORS } from "../reference/operators.ts";
import { prepare } from "./bundles.ts";
import { judge } from "./compare.ts";
import { generateBundle } from "./policies.ts";
import { partSeed, Random } from "./random.ts";
import { generateRequest, type Route } from "./requests.ts";
import { INTERPRETERS, type Runtime } from "./runtimes.ts";
import { shrunkReport } from "./shrink.ts";

const ROUTES: readonly Route[] = ["http", "direct"];

export interface RunOptions {
  readonly seed: number;
  /** Bundles `from`, `from + step` ... below `end`. */
  readonly from: number;
  readonly end: number;
  readonly step: number;
  readonly requests: number;
  /** How attributes reach the runtimes; without it both ways in turn. */
  readonly route?: Route;
  readonly runtimes?: readonly Runtime[];
  readonly operators?: Operators;
  /** Called after every bundle with the cases judged so far. */
  readonly progress?: (cases: number) => void;
}

export interface RunSummary {
  cases: number;
  bundles: number;
  policies: number;
  /** Policies that the checker refused, by diagnostic. */
  refused: Record<string, number>;
  outcomes: Partial<Record<Outcome, number>>;
  reasons: Partial<Record<ReasonOutcome, number>>;
  /** The first difference found, with the smallest case that shows it; null if none was. */
  difference: string | null;
}

export function emptySummary(): RunSummary {
  return { cases: 0, bundles: 0, policies: 0, refused: {}, outcomes: {}, reasons: {}, difference: null };
}

/** Judge the cases of a run, up to the first difference. */
export function run(options: RunOptions): RunSummary {
  const summary = emptySummary();
  for (let index = options.from; index < options.end && summary.difference === null; index += options.step) {
    runBundle(index, options, summary);
    options.progress?.(summary.cases);
  }
  return summary;
}

function runBundle(index: number, options: RunOptions, summary: RunSummary): void {
  const { runtimes = INTERPRETERS, operators = OPERATORS } = options;
  const seed = partSeed(options.seed, index);
  const generated = generateBundle(seed);
  summary.bundles++;
  summary.policies += generated.policies.length;
  try {
    const prepared = prepare(generated);
    for (const [id, times] of prepared.refused) count(summary.refused, id, times);
    const loaded = runtimes.map((runtime) => runtime(prepared));
    const random = new Random(partSeed(seed, 1));
    for (let request = 0; request < options.requests; request++) {
      const model = generateRequest(
        prepared.document.schema,
        random,
        options.route ?? ROUTES[request % ROUTES.length]!,
      );
      const { explanation, difference } = judge(prepared, loaded, model, operators);
      summary.cases++;
      for (const policy of explanation.policies) count(summary.outcomes, policy.outcome, 1);
      count(summary.reasons, explanation.decision.reason.outcome, 1);
      if (difference !== null) {
        const where = `seed ${options.seed}, bundle ${index}, request ${request}`;
        summary.difference = `${where}\n${shrunkReport({ bundle: prepared.generated, request: model }, runtimes, operators)}`;
        return;
      }
    }
  } catch (error) {
    throw new Error(`seed ${options.seed}, bundle ${index} (${seed}): ${String(error)}`, { cause: error });
  }
}

function count<K extends string>(into: Partial<Record<K, number>>, key: K, times: number): void {
  into[key] = (into[key] ?? 0) + times;
}
