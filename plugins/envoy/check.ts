import type { Logger } from "pino";
import {
  type Decision,
  type DecisionRecorder,
  type Identity,
  type IdentityPlan,
  identityPlan,
  type Limiter,
  type NeutralRequest,
  type ReadFact,
  settableHeaders,
  settle,
  type Text,
  traceParentOf,
  undelivered,
  withVerified,
} from "../../core/index.ts";
import type { CheckRequest, CheckResponse } from "../../proto/messages.ts";
import type { BodyPromise, Decider, FailureMode } from "./config.ts";
import { createDecisionIds } from "./decision-id.ts";
import type { Metrics } from "./metrics.ts";
import { type BodyUse, toNeutral } from "./request.ts";
import { type Answer, errorResponse, failureResponse, toCheckResponse } from "./response.ts";

/** An engine with what is made once for it. One of these judges a request from start to end. */
export interface Judge {
  readonly engine: Decider;
  readonly settable: Answer["settable"];
  readonly body: BodyUse;
  /** What is to be verified beside Envoy; null where it is nothing. */
  readonly identity: IdentityPlan | null;
}

export function judgeWith(engine: Decider, identity?: Identity): Judge {
  return {
    engine,
    settable: settableHeaders(engine.headerNames),
    body: bodyUse(engine),
    identity: identityPlan(identity, engine.program),
  };
}

/** What a bundle wants of a request's body. */
export function bodyUse({ program }: Pick<Decider, "program">): BodyUse {
  const read = program.slots.filter((slot) => slot.read);
  if (read.some(({ source }) => source === "body")) return "read";
  return read.some(({ name, source }) => source === "builtin" && name === "request.size")
    ? "measured"
    : "ignored";
}

export interface CheckerOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly bodyBuffered: BodyPromise;
  readonly onError: FailureMode;
  readonly limiter?: Limiter | undefined;
  readonly recorder?: DecisionRecorder | undefined;
}

/** Stands for bytes that are no CheckRequest. (grpc-js takes a null for a message that never came.) */
export const malformed: CheckRequest = Object.freeze({});

/** `null`: fail the call. */
export type Checked = CheckResponse | null;

/** At once, unless something has to be verified or counted elsewhere. `traceParent`: of the call, as it came. */
export type Checker = (check: CheckRequest, judge: Judge, traceParent?: string) => Checked | Promise<Checked>;

/** One check on its way. */
interface Pending {
  readonly judge: Judge;
  readonly answer: Answer;
  /** By `performance.now`, in milliseconds. */
  readonly start: number;
  readonly traceParent: string | undefined;
  /** Null as long as there is none. */
  request: NeutralRequest | null;
  /** What was read of it, for who records. */
  facts: readonly ReadFact[] | null;
  evaluationMicros: number | null;
}

/**
 * Judge one check: the only place where the failure mode is applied. Whatever goes wrong inside ends in that mode, by
 * default in a denial. Never throws, and a promise is never rejected.
 */
export function createChecker(options: CheckerOptions): Checker {
  const decisionId = createDecisionIds();
  const answer = (pending: Pending, decision: Decision): Checked => {
    try {
      const response = toCheckResponse(decision, pending.request!, pending.answer);
      return finish(options, pending, { decision, response });
    } catch (error) {
      return fail(options, pending, error);
    }
  };
  const decide = (pending: Pending): Checked | Promise<Checked> => {
    try {
      const decision = settle(evaluate(pending, options.recorder), options.limiter);
      if (!(decision instanceof Promise)) return answer(pending, decision);
      return decision.then(
        (settled) => answer(pending, settled),
        (error) => fail(options, pending, error),
      );
    } catch (error) {
      return fail(options, pending, error);
    }
  };
  return (check, judge, traceParent) => {
    const start = performance.now();
    const names = {
      decisionId: decisionId(),
      bundle: judge.engine.digest,
      settable: judge.settable,
      parameters: judge.engine.program.queryNames,
    };
    const pending: Pending = {
      ...{ judge, answer: names, start, traceParent },
      ...{ request: null, facts: null, evaluationMicros: null },
    };
    try {
      if (check === malformed) throw new Error("the message is no CheckRequest");
      pending.request = toNeutral(check, {
        bodyBuffered: options.bodyBuffered === "when-read" ? judge.body !== "ignored" : options.bodyBuffered,
        body: judge.body,
        ...(check.attributes?.request?.http === undefined ? { askedAt: Date.now() } : {}),
      });
      const waiting = identify(pending);
      if (waiting !== null)
        return waiting.then(
          () => decide(pending),
          (error) => fail(options, pending, error),
        );
    } catch (error) {
      return fail(options, pending, error);
    }
    return decide(pending);
  };
}

/** The decision before its limits. What was read is copied at once: the engine goes on to other requests. */
function evaluate(pending: Pending, recorder: DecisionRecorder | undefined): Decision {
  const { engine } = pending.judge;
  const request = pending.request!;
  const begun = performance.now();
  const decision = engine.decide(request);
  pending.evaluationMicros = (performance.now() - begun) * 1000;
  if (recorder?.wantsFacts === true) pending.facts = engine.factsOf?.(request) ?? null;
  return decision;
}

/** Put what is verified beside Envoy into the request: at once (null), or when the promise resolves. */
function identify(pending: Pending): Promise<void> | null {
  const { identity: plan } = pending.judge;
  const request = pending.request!;
  if (plan === null) return null;
  const found = plan.identity.verify(request, plan.facts);
  if (found instanceof Promise)
    return found.then((facts) => {
      pending.request = withVerified(request, facts, plan);
    });
  pending.request = withVerified(request, found, plan);
  return null;
}

function fail(options: CheckerOptions, pending: Pending, error: unknown): Checked {
  const { request, answer } = pending;
  observe(() =>
    options.logger.error({ decision_id: answer.decisionId, err: error }, "no decision could be made"),
  );
  return finish(options, pending, { decision: null, response: onFailure(options.onError, request, answer) });
}

function finish(
  options: CheckerOptions,
  pending: Pending,
  made: { readonly decision: Decision | null; readonly response: Checked },
): Checked {
  const { answer, request, start, evaluationMicros } = pending;
  const micros = (performance.now() - start) * 1000;
  // INVARIANT: an allow that cannot be recorded is none, whatever the failure mode says. A denial stays what it is.
  const kept = record(options.recorder, pending, made.decision, micros) || made.decision?.allow !== true;
  const { decision, response } = kept ? made : { decision: null, response: failureResponse(request, answer) };
  observe(() => {
    options.metrics.decided(decision, micros, evaluationMicros);
    logDecision(options.logger, answer, decision, request);
  });
  return response;
}

/** Never throws. */
function record(
  recorder: DecisionRecorder | undefined,
  { answer, request, facts, evaluationMicros, traceParent }: Pending,
  decision: Decision | null,
  micros: number,
): boolean {
  if (recorder === undefined) return true;
  try {
    return recorder.record({
      ...{ decisionId: answer.decisionId, bundle: answer.bundle, decision, request, facts },
      ...{ evaluationMicros, micros, traceParent: traceParentOf(traceParent, request) },
    });
  } catch {
    return false;
  }
}

/** What watches a decision must not change it: a log that cannot be written is no reason to fail the call. */
function observe(action: () => void): void {
  try {
    action();
  } catch {
    // The log itself is broken: there is nowhere to tell it.
  }
}

function onFailure(mode: FailureMode, request: NeutralRequest | null, answer: Answer): CheckResponse | null {
  if (mode === "grpc-error") return null;
  return mode === "error-response" ? errorResponse(request, answer) : failureResponse(request, answer);
}

/** One line for each decision: denials at `info`, the rest at `debug`. No query, no headers, no body. */
function logDecision(
  logger: Logger,
  answer: Answer,
  decision: Decision | null,
  request: NeutralRequest | null,
): void {
  const level = decision?.allow === true ? "debug" : "info";
  if (!logger.isLevelEnabled(level)) return;
  logger[level](
    {
      decision_id: answer.decisionId,
      bundle: answer.bundle,
      policy: decision?.reason.policy ?? null,
      outcome: decision?.reason.outcome ?? "error",
      method: printable(request?.method),
      path: printable(request?.target)?.split("?", 1)[0] ?? null,
    },
    decision?.allow === true ? "allow" : "deny",
  );
}

const LOGGED_CHARACTERS_MAX = 1024;

function printable(fact: Text | typeof undelivered | undefined): string | null {
  if (fact === undefined || fact === undelivered) return null;
  const text =
    typeof fact === "string" ? fact : new TextDecoder().decode(fact.subarray(0, LOGGED_CHARACTERS_MAX));
  return text.slice(0, LOGGED_CHARACTERS_MAX);
}
