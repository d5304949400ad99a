/** What the doors have in common that decide: the engine in force, ids, the clock and the log. */
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import {
  type Decision,
  type DecisionCounter,
  type Engine,
  type Identity,
  type IdentityPlan,
  identityPlan,
  type Limiter,
  type NeutralRequest,
  type SettableHeaders,
  settableHeaders,
  settle,
  withVerified,
} from "../../core/index.ts";

/** What the doors need of core's `Engine`. */
export type HttpDecider = Pick<Engine, "digest" | "headerNames" | "program" | "decide">;

/** An engine with what is made once for it. One of these judges a request from start to end. */
export interface Judge {
  readonly engine: HttpDecider;
  readonly settable: SettableHeaders;
  /** Why proxies cannot be served from the bundle, or null. */
  readonly proxyObjection: string | null;
  /** What is to be verified for proxies; null where it is nothing. */
  readonly identity: IdentityPlan | null;
}

export function judgeWith(
  engine: HttpDecider,
  { identity, proxyObjection }: Pick<Judge, "proxyObjection"> & { readonly identity: Identity | undefined },
): Judge {
  return {
    engine,
    settable: settableHeaders(engine.headerNames),
    proxyObjection,
    identity: identityPlan(identity, engine.program),
  };
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
  /** Who counts what policies limit. Without it an allow with limits is a denial. */
  readonly limiter: Limiter | undefined;
}

/** One request on its way to its one answer. */
interface Pending<A> {
  readonly judge: Judge;
  readonly conversation: Conversation<A>;
  readonly surroundings: Surroundings;
  readonly decisionId: string;
  /** By `performance.now`, in milliseconds. */
  readonly start: number;
}

/**
 * Judge one request by what the conversation says, with nothing verified: at once, unless something has to be counted
 * elsewhere. Whatever goes wrong ends in its failure, which is a denial. Never throws, and a promise is never rejected.
 */
export function decide<A>(
  judge: Judge,
  conversation: Conversation<A>,
  surroundings: Surroundings,
): A | Promise<A> {
  const pending = begin(judge, conversation, surroundings);
  try {
    return conclude(pending, conversation.request());
  } catch (error) {
    return fail(pending, error);
  }
}

/**
 * `decide` with what the judge's plan verifies: at once, unless that takes time. Never throws, and a promise is never
 * rejected.
 */
export function decideVerified<A>(
  judge: Judge,
  conversation: Conversation<A>,
  surroundings: Surroundings,
): A | Promise<A> {
  const plan = judge.identity;
  if (plan === null) return decide(judge, conversation, surroundings);
  const pending = begin(judge, conversation, surroundings);
  try {
    const request = conversation.request();
    const found = plan.identity.verify(request, plan.facts);
    if (!(found instanceof Promise)) return conclude(pending, withVerified(request, found, plan));
    return found
      .then((facts) => withVerified(request, facts, plan))
      .then(
        (verified) => conclude(pending, verified),
        (error: unknown) => fail(pending, error),
      );
  } catch (error) {
    return fail(pending, error);
  }
}

function begin<A>(judge: Judge, conversation: Conversation<A>, surroundings: Surroundings): Pending<A> {
  const start = performance.now();
  return { judge, conversation, surroundings, decisionId: randomUUID().replaceAll("-", ""), start };
}

/** Never throws. */
function conclude<A>(pending: Pending<A>, request: NeutralRequest): A | Promise<A> {
  try {
    const decision = settle(pending.judge.engine.decide(request), pending.surroundings.limiter);
    if (!(decision instanceof Promise)) return answered(pending, request, decision);
    return decision.then(
      (settled) => answered(pending, request, settled),
      (error: unknown) => fail(pending, error),
    );
  } catch (error) {
    return fail(pending, error);
  }
}

/** Never throws. */
function answered<A>(pending: Pending<A>, request: NeutralRequest, decision: Decision): A {
  let answer: A;
  try {
    answer = pending.conversation.answer(decision, request, pending.decisionId);
  } catch (error) {
    return fail(pending, error);
  }
  tell(pending, decision);
  return answer;
}

/** The only place where the failure mode is applied. */
function fail<A>(pending: Pending<A>, error: unknown): A {
  const { conversation, surroundings, decisionId } = pending;
  observe(() =>
    surroundings.logger.error({ decision_id: decisionId, err: error }, "no decision could be made"),
  );
  tell(pending, null);
  return conversation.failure(decisionId);
}

/** Counted and logged once, with the time that verification took. */
function tell<A>({ judge, surroundings, decisionId, start }: Pending<A>, decision: Decision | null): void {
  const { logger, counter } = surroundings;
  observe(() => counter.decided(decision, (performance.now() - start) * 1000));
  observe(() => logDecision(logger, { decisionId, bundle: judge.engine.digest }, decision));
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
