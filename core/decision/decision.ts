/** What evaluation returns. Plain data: a host turns it into its own response. */

/** Outcome of one policy or guard. `expired`: it would be satisfied, or is off, and has no say. */
export type Outcome = "satisfied" | "unsatisfied" | "denied" | "indeterminate" | "not-applicable" | "expired";

/** Outcome named by the decision's reason. */
export type ReasonOutcome =
  | "satisfied"
  | "unsatisfied"
  | "denied"
  | "indeterminate"
  | "default"
  | "obligation-conflict"
  | "no-policy-set";

export interface Reason {
  /** The policy that decided; `null` for `default`, `obligation-conflict` and `no-policy-set`. */
  readonly policy: string | null;
  readonly outcome: ReasonOutcome;
}

export interface HeaderValue {
  /** Lower case. */
  readonly name: string;
  readonly value: string;
}

/** What a denial answers. */
export interface Denial {
  /** HTTP status, 400-599. */
  readonly status: number;
  /** Configured body text, or `null`: the host writes its default body. */
  readonly body: string | null;
}

/** The decision of one bundle about one request. */
export interface Decision {
  readonly allow: boolean;
  readonly reason: Reason;
  /** Request headers to set on an allow, by name; empty on a deny. */
  readonly setRequestHeaders: readonly HeaderValue[];
  /** What to answer on a deny; `null` on an allow. */
  readonly denial: Denial | null;
}

/** One non-true condition, as written. */
export interface FailedCondition {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in code points. */
  readonly column: number;
}

/** One policy's part in a decision. */
export interface PolicyReport {
  readonly name: string;
  readonly kind: "policy" | "guard";
  readonly mode: "enforce" | "permissive";
  readonly outcome: Outcome;
  readonly failed: readonly FailedCondition[];
  /** Names of attributes that the failed conditions read and that are absent; sorted, each once. */
  readonly missing: readonly string[];
  /** Likewise invalid. */
  readonly invalid: readonly string[];
}

/** The decision with every policy's report, in the order of the bundle. */
export interface Explanation {
  readonly decision: Decision;
  readonly policies: readonly PolicyReport[];
}
