import type { Logger } from "pino";
import {
  type Decision,
  type NeutralRequest,
  settableHeaders,
  type Text,
  undelivered,
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
}

export function judgeWith(engine: Decider): Judge {
  return {
    engine,
    settable: settableHeaders(engine.headerNames),
    body: bodyUse(engine),
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
}

/** Stands for bytes that are no CheckRequest. (grpc-js takes a null for a message that never came.) */
export const malformed: CheckRequest = Object.freeze({});

/** `null`: fail the call. */
export type Checker = (check: CheckRequest, judge: Judge) => CheckResponse | null;

/**
 * Judge one check: the only place where the failure mode is applied. Whatever goes wrong inside ends in that mode, by
 * default in a denial. Never throws.
 */
export function createChecker(options: CheckerOptions): Checker {
  const decisionId = createDecisionIds();
  const { logger, metrics } = options;
  return (check, judge) => {
    const start = performance.now();
    const answer = { decisionId: decisionId(), bundle: judge.engine.digest, settable: judge.settable };
    let request: NeutralRequest | null = null;
    let response: CheckResponse | null;
    let decision: Decision | null = null;
    try {
      if (check === malformed) throw new Error("the message is no CheckRequest");
      request = toNeutral(check, {
        bodyBuffered: options.bodyBuffered === "when-read" ? judge.body !== "ignored" : options.bodyBuffered,
        body: judge.body,
        ...(check.attributes?.request?.http === undefined ? { askedAt: Date.now() } : {}),
      });
      const judged = judge.engine.decide(request);
      response = toCheckResponse(judged, request, answer);
      decision = judged;
    } catch (error) {
      observe(() =>
        logger.error({ decision_id: answer.decisionId, err: error }, "no decision could be made"),
      );
      response = onFailure(options.onError, request, answer);
    }
    observe(() => {
      metrics.decided(decision, (performance.now() - start) * 1000);
      logDecision(logger, answer, decision, request);
    });
    return response;
  };
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
