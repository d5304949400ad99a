/** What evaluation returns. Plain data: a host turns it into its own response. */
import type { LimiterFailureMode } from "../syntax/ast.ts";

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
  | "obligation-invalid"
  | "limit"
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
  /** HTTP status, 400-599; 301, 302, 303, 307 or 308 with a header `location`. */
  readonly status: number;
  /** Configured body text, or `null`: the host writes its default body. */
  readonly body: string | null;
  /** Headers of the answer, by name; `content-type` is the body's. */
  readonly headers: readonly HeaderValue[];
}

/** What an allow does besides what it does to headers of the request; all of it empty on a deny. */
export interface Effects {
  /** Headers of the upstream's answer, by name: each takes the place of the upstream's own. */
  readonly setResponseHeaders: readonly HeaderValue[];
  /** Query parameters that the upstream gets, by name, which counts with case: each takes the place of all that the client sent. */
  readonly setQueryParameters: readonly HeaderValue[];
  /** Names of query parameters that the upstream does not get, sorted; none of those that are set. */
  readonly removeQueryParameters: readonly string[];
  /** What later filters, limits and logs of the proxy are told, by key. */
  readonly setMetadata: readonly HeaderValue[];
}

export const NO_EFFECTS: Effects = {
  setResponseHeaders: [],
  setQueryParameters: [],
  removeQueryParameters: [],
  setMetadata: [],
};

/** The decision of one bundle about one request. */
export interface Decision extends Effects {
  readonly allow: boolean;
  readonly reason: Reason;
  /**
   * Request headers to set on an allow, by name; empty on a deny. What policies append is in the values, joined by commas:
   * a value replaces whatever the client sent.
   */
  readonly setRequestHeaders: readonly HeaderValue[];
  /** Request headers to take away on an allow, in whatever spelling, sorted; empty on a deny. */
  readonly removeRequestHeaders: readonly string[];
  /**
   * What an allow takes, in the order of policies; empty on a deny. INVARIANT: it is no allow until all of it is taken, so who
   * cannot count refuses bundles with limits.
   */
  readonly limits: readonly LimitRequest[];
  /** What to answer on a deny; `null` on an allow. */
  readonly denial: Denial | null;
}

/** One token of one bucket. */
export interface LimitRequest {
  readonly policy: string;
  /** The bucket: the policy, the limit's place, and the values that it counts by. */
  readonly key: string;
  /** Microseconds until one token comes back. */
  readonly intervalMicros: number;
  /** Tokens in a full bucket. */
  readonly burst: number;
  /** What becomes of the allow while nobody can count. */
  readonly onFailure: LimiterFailureMode;
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
