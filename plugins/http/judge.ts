/** What the doors have in common that decide: the engine in force, ids, the clock and the log. */
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import {
  type Decision,
  type DecisionCounter,
  type Engine,
  type NeutralRequest,
  type SettableHeaders,
  settableHeaders,
} from "../../core/index.ts";

/** What the doors need of core's `Engine`. */
export type HttpDecider = Pick<Engine, "digest" | "headerNames" | "program" | "decide">;

/** An engine with what is made once for it. One of these judges a request from start to end. */
export interface Judge {
  readonly engine: HttpDecider;
  readonly settable: SettableHeaders;
  /** Why proxies cannot be served from the bundle, or null. */
  readonly proxyObjection: string | null;
}

export function judgeWith(engine: HttpDecider, proxyObjection: string | null): Judge {
  return { engine, settable: settableHeaders(engine.headerNames), proxyObjection };
}

/** Turns what is asked into a request, and a decision into an answer. */
export interface Conversation<A> {
  /** May throw: then there is no decision. */
  request(): NeutralRequest;
  /** May throw, when the decision cannot be carried out: then there is none. */
  answer(decision: Decision, request: NeutralRequest, decisionId: string): A;
  /** For a request about which no decision could be made. */
  failure(decisionId: string): A;
}

export interface Surroundings {
  readonly logger: Logger;
  readonly counter: DecisionCounter;
}

/** Judge one request: the only place where the failure mode is applied, which is a denial. Never throws. */
export function decide<A>(
  { engine }: Judge,
  conversation: Conversation<A>,
  { logger, counter }: Surroundings,
): A {
  const start = performance.now();
  const decisionId = randomUUID().replaceAll("-", "");
  let decision: Decision | null = null;
  let answer: A;
  try {
    const request = conversation.request();
    const judged = engine.decide(request);
    answer = conversation.answer(judged, request, decisionId);
    decision = judged;
  } catch (error) {
    observe(() => logger.error({ decision_id: decisionId, err: error }, "no decision could be made"));
    answer = conversation.failure(decisionId);
  }
  observe(() => counter.decided(decision, (performance.now() - start) * 1000));
  observe(() => logDecision(logger, { decisionId, bundle: engine.digest }, decision));
  return answer;
}

/** What watches a decision must not change it. */
function observe(action: () => void): void {
  try {
    action();
  } catch {
    // The log itself is broken: there is nowhere to tell it.
  }
}

/** Denials at `info`, the rest at `debug`. No path, no headers. */
function logDecision(
  logger: Logger,
  { decisionId, bundle }: { readonly decisionId: string; readonly bundle: string },
  decision: Decision | null,
): void {
  const allow = decision?.allow === true;
  const { policy = null, outcome = "error" } = decision?.reason ?? {};
  logger[allow ? "debug" : "info"](
    { decision_id: decisionId, bundle, policy, outcome },
    allow ? "allow" : "deny",
  );
}
