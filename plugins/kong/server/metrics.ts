/** What a plugin counts. Kept in the process; whoever runs the server renders the snapshot as it likes. */

export interface MetricsSnapshot {
  readonly allowed: number;
  readonly denied: number;
  /** Decisions by the outcome that their reason names; `error` where no decision could be made. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Requests that came without a snapshot, so that facts had to be asked for one by one. */
  readonly withoutSnapshot: number;
}

export interface Metrics {
  decided(allow: boolean, outcome: string): void;
  missedSnapshot(): void;
  snapshot(): MetricsSnapshot;
}

export function createMetrics(): Metrics {
  const outcomes = new Map<string, number>();
  let [allowed, denied, withoutSnapshot] = [0, 0, 0];
  return {
    decided(allow, outcome) {
      if (allow) allowed += 1;
      else denied += 1;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    },
    missedSnapshot() {
      withoutSnapshot += 1;
    },
    snapshot: () => ({ allowed, denied, outcomes: Object.fromEntries(outcomes), withoutSnapshot }),
  };
}
