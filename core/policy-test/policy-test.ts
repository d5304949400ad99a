/** A test of policies, wherever it was written: a request, and what must come out. Plain data. */
import type { Effects, HeaderValue, Outcome, ReasonOutcome } from "../decision/decision.ts";

/** Where a test stands; line and column are 1-based. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface PolicyTest {
  readonly name: string;
  readonly place: Place;
  /** JSON text in the form of docs/request.schema.json. */
  readonly request: string;
  readonly expected: Expected;
}

/** Reasons of one policy; null where the test does not ask. Each list is exact, in any order. */
export interface ExpectedReasons {
  /** Conditions as written in the policy; blanks and line ends do not matter. */
  readonly failed: readonly string[] | null;
  readonly missing: readonly string[] | null;
  readonly invalid: readonly string[] | null;
}

export interface ExpectedPolicy extends ExpectedReasons {
  readonly name: string;
  readonly outcome: Outcome | null;
}

/** What must come out; null where the test does not ask. The reasons are those of the deciding policy. */
export interface Expected extends ExpectedReasons {
  readonly decision: "allow" | "deny" | null;
  /** A name, or `none` where no policy may have decided. */
  readonly policy: { readonly name: string } | "none" | null;
  readonly reason: ReasonOutcome | null;
  /** Request headers that are set, by name: all of them. */
  readonly headers: readonly HeaderValue[] | null;
  /** Names of request headers that are removed: all of them. */
  readonly removed: readonly string[] | null;
  /** What else an allow does; of each that is there all. */
  readonly effects: Partial<Effects>;
  /** Headers of a denial, besides those that the host writes: all of them. */
  readonly answerHeaders: readonly HeaderValue[] | null;
  readonly status: number | null;
  /** Body of the denial. */
  readonly body: string | null;
  /** Outcomes of single policies, whoever decided. */
  readonly policies: readonly ExpectedPolicy[];
}
