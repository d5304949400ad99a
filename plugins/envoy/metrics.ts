/** What the server counts. Kept in the process; a host renders the snapshot as it likes. */
import type { DecisionCounter } from "../../core/index.ts";

/** Upper bounds of the latency buckets, in microseconds; the last bucket takes the rest. */
export const LATENCY_BOUNDS_MICROS = [
  10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000,
] as const;

export interface MetricsSnapshot {
  readonly allowed: number;
  readonly denied: number;
  /** Decisions by the outcome that their reason names; `error` where no decision could be made. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Time from the decoded message to the answer. `counts` has one more element than `boundsMicros`. */
  readonly latency: {
    readonly boundsMicros: readonly number[];
    readonly counts: readonly number[];
    readonly sumMicros: number;
  };
  /** Engines put in place of another one. */
  readonly swaps: number;
}

export interface Metrics extends DecisionCounter {
  swapped(): void;
}

export interface SnapshotMetrics extends Metrics {
  snapshot(): MetricsSnapshot;
}

export function createMetrics(): SnapshotMetrics {
  const outcomes = new Map<string, number>();
  const counts = new Array<number>(LATENCY_BOUNDS_MICROS.length + 1).fill(0);
  let [allowed, denied, swaps, sumMicros] = [0, 0, 0, 0];
  return {
    decided(decision, micros) {
      if (decision?.allow === true) allowed += 1;
      else denied += 1;
      const outcome = decision?.reason.outcome ?? "error";
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const bucket = bucketOf(micros);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sumMicros += micros;
    },
    swapped() {
      swaps += 1;
    },
    snapshot: () => ({
      allowed,
      denied,
      outcomes: Object.fromEntries(outcomes),
      latency: { boundsMicros: LATENCY_BOUNDS_MICROS, counts: [...counts], sumMicros },
      swaps,
    }),
  };
}

function bucketOf(micros: number): number {
  const index = LATENCY_BOUNDS_MICROS.findIndex((bound) => micros <= bound);
  return index < 0 ? LATENCY_BOUNDS_MICROS.length : index;
}
