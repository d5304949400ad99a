/** A bundle that somebody wants to be in force, and what became of that. Plain data. */
import type { ByteSource, Engine, PolicyTest, Statement } from "../../../core/index.ts";
import type { FailedTest, TestsRun } from "./policy-tests.ts";

/** What brings a bundle: the start, a change of the watched path, SIGHUP, or an operator at the port for them. */
export type How = "start" | "watch" | "signal" | "admin" | "rollback";

export interface Attempt {
  readonly how: How;
  /** The operator's name; null where no person asked. */
  readonly who: string | null;
  /** Where the bundle comes from, as it was named. */
  readonly name: string;
}

export interface Candidate extends Attempt {
  readonly engine: Engine;
  /** Its bytes; null where the store has them. */
  readonly bundle: ByteSource | null;
  /** Null of a bundle, which has none, so that nothing is known of them. */
  readonly tests: readonly PolicyTest[] | null;
  /** The signed statement that came with it, not looked at; null without one. */
  readonly statement: string | null;
  /** What was asked for cannot be had, and this one is served in its place. */
  readonly fallback: boolean;
}

/** What spoke against a bundle: its text or bytes, its tests, its signature, a door that cannot use it, a disk, or the audit. */
export type Cause = "text" | "bundle" | "tests" | "signature" | "host" | "storage" | "audit";

export interface Refused {
  readonly result: "refused";
  readonly cause: Cause;
  /** A sentence for operators, lower case, without a final stop. */
  readonly reason: string;
  readonly failed: readonly FailedTest[];
}

export interface Taken {
  /** `unchanged`: it was in force already. */
  readonly result: "accepted" | "unchanged";
  readonly digest: string;
  readonly tests: TestsRun;
}

export type Offered = Taken | Refused;

/** The bundle in force. */
export interface Current extends Omit<Attempt, "how"> {
  /** A `How`; a store of another version may have others. */
  readonly how: string;
  readonly engine: Engine;
  /** When this process put it in force. */
  readonly at: Date;
  readonly statement: string | null;
  /** What the statement says, where signatures are checked. */
  readonly signed: Statement | null;
}
