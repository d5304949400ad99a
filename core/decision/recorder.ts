/** Who keeps what was decided: a log, a trace. */
import type { NeutralRequest } from "../request/neutral.ts";
import type { ReadFact } from "../request/read-facts.ts";
import type { Decision } from "./decision.ts";
import type { TraceParent } from "./trace-parent.ts";

/** One decision, final: what a limit made of it is in it. */
export interface Judged {
  /** 32 hex digits. */
  readonly decisionId: string;
  /** Digest of the bundle. */
  readonly bundle: string;
  /** Null: none could be made, which is a denial. */
  readonly decision: Decision | null;
  /** Null where what was asked could not be read. */
  readonly request: NeutralRequest | null;
  /** What the bundle read of the request; null where nothing was judged, or nobody wants it. */
  readonly facts: readonly ReadFact[] | null;
  /** Microseconds that the policies took; null where none were asked. */
  readonly evaluationMicros: number | null;
  /** Microseconds from the request to the answer. */
  readonly micros: number;
  readonly traceParent: TraceParent | null;
}

/** Keeps the decisions of one host. It is called on the way of every request, and must not throw. */
export interface DecisionRecorder {
  /** `facts` is looked at. */
  readonly wantsFacts: boolean;
  /**
   * Called once a decision, before it is answered. False: it cannot be kept, and must not be without a trace; then the host
   * denies.
   */
  record(judged: Judged): boolean;
}

/** Several in one; null where there is none. Each is told, and each may refuse. */
export function recorderOf(recorders: readonly DecisionRecorder[]): DecisionRecorder | undefined {
  if (recorders.length < 2) return recorders[0];
  return {
    wantsFacts: recorders.some(({ wantsFacts }) => wantsFacts),
    record: (judged) => {
      let kept = true;
      for (const recorder of recorders) kept = recorder.record(judged) && kept;
      return kept;
    },
  };
}
