import type { Decision } from "./decision.ts";

/** Whoever counts the decisions of one host. It is called on the way of every request, and must not throw. */
export interface DecisionCounter {
  /**
   * `null`: no decision could be made, or none could be recorded. `micros`: from the request to the answer;
   * `evaluationMicros`: what the policies took of it, nothing where none were asked. Both in microseconds.
   */
  decided(decision: Decision | null, micros: number, evaluationMicros?: number | null): void;
}
