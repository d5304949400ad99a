/**
 * Numbers that are counted on the way of every request: fields and one look-up, no label and no text is made there. They
 * become samples when somebody asks.
 */
import type { Decision, DecisionCounter, ReasonOutcome } from "../../core/index.ts";

/** Upper bounds of the latency buckets, in seconds: a decision takes microseconds, one of many evaluations milliseconds. */
export const LATENCY_BOUNDS = [
  ...[0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5],
  ...[0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25],
] as const;

/** Upper bounds of the time that policies take, in microseconds. */
export const EVALUATION_BOUNDS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1_000, 10_000] as const;

/** How often something took how long. */
export class Durations {
  sum = 0;
  /** By bucket, not cumulative; the last one takes what is longer than all bounds. */
  readonly buckets: Float64Array;
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.buckets = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    this.sum += value;
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    this.buckets[bucket]! += 1;
  }
}

/** The decisions of one host. */
export class HostCounts implements DecisionCounter {
  allowed = 0;
  denied = 0;
  /** No decision could be made or recorded; they are denials, too. */
  errors = 0;
  /** Seconds from the request to the answer. */
  readonly latency = new Durations(LATENCY_BOUNDS);
  readonly #policies: PolicyCounts;

  constructor(policies: PolicyCounts) {
    this.#policies = policies;
  }

  decided(decision: Decision | null, micros: number, evaluationMicros: number | null = null): void {
    if (decision?.allow === true) this.allowed += 1;
    else this.denied += 1;
    if (decision === null) this.errors += 1;
    else this.#policies.count(decision.reason.policy ?? "", decision.reason.outcome);
    if (evaluationMicros !== null) this.#policies.evaluations.add(evaluationMicros);
    this.latency.add(micros / 1_000_000);
  }
}

type Outcomes = Record<ReasonOutcome, number>;

/** Policies with a series of their own. Bundles come and go, and a bundle may have a million policies. */
export const POLICIES_MAX = 1_000;
/** What all further policies are counted as. */
export const OTHER = "other";

/** How often which policy decided, and with which outcome. */
export class PolicyCounts {
  /** Microseconds that all policies of a decision took. */
  readonly evaluations = new Durations(EVALUATION_BOUNDS);
  readonly #outcomes = new Map<string, Outcomes>();
  readonly #other = noOutcomes();

  /** `policy`: empty where none decided. */
  count(policy: string, outcome: ReasonOutcome): void {
    this.#of(policy)[outcome] += 1;
  }

  /** Each policy with each outcome that occurred. */
  *entries(): Generator<readonly [policy: string, outcome: string, count: number]> {
    for (const [policy, outcomes] of [...this.#outcomes, [OTHER, this.#other] as const])
      for (const [outcome, count] of Object.entries(outcomes)) if (count > 0) yield [policy, outcome, count];
  }

  #of(policy: string): Outcomes {
    const known = this.#outcomes.get(policy);
    if (known !== undefined) return known;
    // A policy that bears the name is counted with the others, so that no series is there twice.
    if (this.#outcomes.size >= POLICIES_MAX || policy === OTHER) return this.#other;
    const outcomes = noOutcomes();
    this.#outcomes.set(policy, outcomes);
    return outcomes;
  }
}

function noOutcomes(): Outcomes {
  return {
    satisfied: 0,
    unsatisfied: 0,
    denied: 0,
    indeterminate: 0,
    default: 0,
    "obligation-conflict": 0,
    "obligation-invalid": 0,
    limit: 0,
    "no-policy-set": 0,
  };
}
