/** What the doors have in common that decide: the engine in force, ids, the clock and the log. */
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import {
  type Decision,
  type DecisionCounter,
  type DecisionRecorder,
  type Engine,
  type Identity,
  type IdentityPlan,
  identityPlan,
  type Limiter,
  type NeutralRequest,
  type ReadFact,
  type SettableHeaders,
  settableHeaders,
  settle,
  traceParentOf,
  withVerified,
} from "../../core/index.ts";

/** What the doors need of core's `Engine`. */
export type HttpDecider = Pick<Engine, "digest" | "headerNames" | "program" | "decide"> &
  Partial<Pick<Engine, "factsOf">>;

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
  /** Of the call that asks, as it came; where there is none, that of the request counts. */
  readonly traceParent?: string | undefined;
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
  /** Who keeps the decisions. An allow that it refuses is a denial. */
  readonly recorder: DecisionRecorder | undefined;
}

/** One request on its way to its one answer. */
interface Pending<A> {
  readonly judge: Judge;
  readonly conversation: Conversation<A>;
  readonly surroundings: Surroundings;
  readonly decisionId: string;
  /** By `performance.now`, in milliseconds. */
  readonly start: number;
  /** Null as long as there is none. */
  request: NeutralRequest | null;
  /** What was read of it, for who records. */
  facts: readonly ReadFact[] | null;
  evaluationMicros: number | null;
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
  const decisionId = randomUUID().replaceAll("-", "");
  return {
    ...{ judge, conversation, surroundings, decisionId, start },
    ...{ request: null, facts: null, evaluationMicros: null },
  };
}

/** Never throws. */
function conclude<A>(pending: Pending<A>, request: NeutralRequest): A | Promise<A> {
  try {
    const decision = settle(evaluate(pending, request), pending.surroundings.limiter);
    if (!(decision instanceof Promise)) return answered(pending, request, decision);
    return decision.then(
      (settled) => answered(pending, request, settled),
      (error: unknown) => fail(pending, error),
    );
  } catch (error) {
    return fail(pending, error);
  }
}

/** The decision before its limits. What was read is copied at once: the engine goes on to other requests. */
function evaluate<A>(pending: Pending<A>, request: NeutralRequest): Decision {
  const { engine } = pending.judge;
  pending.request = request;
  const begun = performance.now();
  const decision = engine.decide(request);
  pending.evaluationMicros = (performance.now() - begun) * 1000;
  if (pending.surroundings.recorder?.wantsFacts === true) pending.facts = engine.factsOf?.(request) ?? null;
  return decision;
}

/** Never throws. */
function answered<A>(pending: Pending<A>, request: NeutralRequest, decision: Decision): A {
  let answer: A;
  try {
    answer = pending.conversation.answer(decision, request, pending.decisionId);
  } catch (error) {
    return fail(pending, error);
  }
  return tell(pending, decision) ? answer : pending.conversation.failure(pending.decisionId);
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

/** Recorded, counted and logged once, with the time that verification took. False: it is an allow, and must not be one. */
function tell<A>(pending: Pending<A>, made: Decision | null): boolean {
  const { judge, surroundings, decisionId, start, evaluationMicros } = pending;
  const { logger, counter } = surroundings;
  const micros = (performance.now() - start) * 1000;
  // INVARIANT: an allow that cannot be recorded is none. A denial stays what it is.
  const kept = record(pending, made, micros) || made?.allow !== true;
  const decision = kept ? made : null;
  observe(() => counter.decided(decision, micros, evaluationMicros));
  observe(() => logDecision(logger, { decisionId, bundle: judge.engine.digest }, decision));
  return kept;
}

/** Never throws. */
function record<A>(
  { judge, conversation, surroundings, decisionId, request, facts, evaluationMicros }: Pending<A>,
  decision: Decision | null,
  micros: number,
): boolean {
  const { recorder } = surroundings;
  if (recorder === undefined) return true;
  try {
    return recorder.record({
      ...{ decisionId, bundle: judge.engine.digest, decision, request, facts, evaluationMicros, micros },
      traceParent: traceParentOf(conversation.traceParent, request),
    });
  } catch {
    return false;
  }
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
