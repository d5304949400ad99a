/** Decisions in AuthZEN's words. */
import {
  canonicalName,
  type Decision,
  fieldValue,
  type HeaderValue,
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
  decision: Decision,
  request: NeutralRequest,
  { decisionId, settable, parameters }: Names,
): EvaluationAnswer {
  const { allow, reason, setRequestHeaders, removeRequestHeaders } = decision;
  const context = {
    decision_id: decisionId,
    reason: reason.policy ?? reason.outcome,
    ...(allow ? effectsOf(decision, parameters) : {}),
  };
  if (!allow || settable.names.length + removeRequestHeaders.length === 0)
    return { decision: allow, context };
  const set = Object.fromEntries(setRequestHeaders.map(({ name, value }) => [name, fieldValue(name, value)]));
  const remove = removals(request, settable, removeRequestHeaders).filter(
    (name) => !Object.hasOwn(set, name),
  );
  return { decision: true, context: { ...context, request_headers: { set, remove } } };
}

interface Names {
  readonly decisionId: string;
  readonly settable: SettableHeaders;
  /** Query parameters that some policy may set. */
  readonly parameters: readonly string[];
}

/** What else an allow does; of what the bundle never does nothing is said. */
function effectsOf(
  { setResponseHeaders, setQueryParameters, removeQueryParameters, setMetadata }: Decision,
  parameters: readonly string[],
): Record<string, unknown> {
  const byName = (values: readonly HeaderValue[]): Record<string, string> =>
    Object.fromEntries(values.map(({ name, value }) => [name, value]));
  const set = byName(setQueryParameters);
  const gone = [...new Set([...parameters, ...removeQueryParameters])];
  const remove = gone.filter((name) => !Object.hasOwn(set, name));
  return {
    ...(setResponseHeaders.length === 0 ? {} : { response_headers: { set: byName(setResponseHeaders) } }),
    ...(gone.length === 0 ? {} : { query_parameters: { set, remove } }),
    ...(setMetadata.length === 0 ? {} : { metadata: byName(setMetadata) }),
  };
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
