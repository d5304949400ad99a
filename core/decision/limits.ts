/** Limits: what an allow takes, and what it becomes where nothing is left. */
import { type Decision, type LimitRequest, NO_EFFECTS } from "./decision.ts";

/** What became of a request for tokens: all were taken, or none. */
export type Taking =
  | { readonly taken: true }
  | {
      readonly taken: false;
      /** The first policy in order whose bucket is empty. */
      readonly policy: string;
      /** Milliseconds until all of them would be there; null where nobody knows. */
      readonly retryAfterMs: number | null;
    };

/** Whoever counts. */
export interface Limiter {
  /**
   * Take a token from each bucket, or none from any. While nobody can count, `onFailure` of each says what counts. Never
   * throws, and a promise is never rejected.
   */
  take(requests: readonly LimitRequest[]): Taking | Promise<Taking>;
}

/**
 * The decision when its tokens are taken, or could not be. A decision without limits is itself; one with limits is a denial
 * where nobody counts.
 */
export function settle(decision: Decision, limiter: Limiter | undefined): Decision | Promise<Decision> {
  const [first] = decision.limits;
  if (first === undefined) return decision;
  if (limiter === undefined) return limited(first.policy, null);
  const taking = limiter.take(decision.limits);
  return taking instanceof Promise
    ? taking.then((known) => settled(decision, known))
    : settled(decision, taking);
}

function settled(decision: Decision, taking: Taking): Decision {
  return taking.taken ? decision : limited(taking.policy, taking.retryAfterMs);
}

/** RFC 6585, section 4. */
const TOO_MANY_REQUESTS = 429;

/** The denial of a limit. `retryAfterMs`: null where waiting does not help, or nobody knows how long. */
export function limited(policy: string, retryAfterMs: number | null): Decision {
  const seconds = retryAfterMs === null ? null : Math.max(1, Math.ceil(retryAfterMs / 1000));
  return {
    allow: false,
    reason: { policy, outcome: "limit" },
    setRequestHeaders: [],
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
    denial: {
      status: TOO_MANY_REQUESTS,
      body: null,
      // RFC 9110, section 10.2.3: whole seconds.
      headers: seconds === null ? [] : [{ name: "retry-after", value: String(seconds) }],
    },
  };
}
