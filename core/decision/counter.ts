import type { Decision } from "./decision.ts";

/** Whoever counts the decisions of one host. It is called on the way of every request, and must not throw. */
export interface DecisionCounter {
  /** `null`: no decision could be made. `micros`: from the request to the answer, in microseconds. */
  decided(decision: Decision | null, micros: number): void;
}
