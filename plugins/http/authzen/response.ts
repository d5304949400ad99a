/** Decisions in AuthZEN's words. */
import {
  canonicalName,
  type Decision,
  fieldValue,
  type NeutralRequest,
  type SettableHeaders,
  undelivered,
} from "../../../core/index.ts";

/** One answer (Authorization API 1.0, section 5.5). */
export interface EvaluationAnswer {
  readonly decision: boolean;
  readonly context: Readonly<Record<string, unknown>>;
}

/**
 * A decision as an answer. A denial has a reason's short id and the decision's id, and nothing else. An allow of a bundle
 * that sets headers names those to set and those to remove, whoever sent them, before the request goes on.
 *
 * Throws when the decision cannot be carried out: a value with a line break.
 */
export function toAnswer(
  { allow, reason: { policy, outcome }, setRequestHeaders, removeRequestHeaders }: Decision,
  request: NeutralRequest,
  { decisionId, settable }: { readonly decisionId: string; readonly settable: SettableHeaders },
): EvaluationAnswer {
  const context = { decision_id: decisionId, reason: policy ?? outcome };
  if (!allow || settable.names.length + removeRequestHeaders.length === 0)
    return { decision: allow, context };
  const set = Object.fromEntries(setRequestHeaders.map(({ name, value }) => [name, fieldValue(name, value)]));
  const remove = removals(request, settable, removeRequestHeaders).filter(
    (name) => !Object.hasOwn(set, name),
  );
  return { decision: true, context: { ...context, request_headers: { set, remove } } };
}

/** For an evaluation about which no decision could be made. */
export function failedAnswer(decisionId: string): EvaluationAnswer {
  return { decision: false, context: { decision_id: decisionId, reason: "error" } };
}

/** For an evaluation among others that is none. */
export function malformedAnswer(message: string): EvaluationAnswer {
  return { decision: false, context: { reason: "error", error: { status: 400, message } } };
}

/** Every settable header, what is taken away, and every spelling of these that the client sent. */
function removals(
  { headers }: NeutralRequest,
  { names, canonical }: SettableHeaders,
  taken: readonly string[],
): string[] {
  const sent = headers === undelivered ? [] : headers.map(({ name }) => name.toLowerCase());
  const goes = (name: string): boolean => canonical.has(name) || taken.includes(name);
  return [...new Set([...names, ...taken, ...sent.filter((name) => goes(canonicalName(name)))])];
}
