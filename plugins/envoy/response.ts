import {
  type Caller,
  callerOf,
  canonicalName,
  type Decision,
  fieldValue,
  grpcWebHeaders,
  type HeaderValue,
  headerText,
  isDenialStatus,
  jsonRpcCallOf,
  jsonRpcError,
  type NeutralRequest,
  rewriteQuery,
  type SettableHeaders,
  undelivered,
} from "../../core/index.ts";
import {
  type CheckResponse,
  type HeaderValueOption,
  OVERWRITE_IF_EXISTS_OR_ADD,
  STATUS_OK,
  STATUS_PERMISSION_DENIED,
  type Struct,
} from "../../proto/messages.ts";
import { struct } from "../../proto/struct.ts";

/** Which decision of which bundle is answered. */
export interface Answer {
  readonly decisionId: string;
  /** Digest of the bundle. */
  readonly bundle: string;
  readonly settable: SettableHeaders;
  /** Query parameters that some policy may set. */
  readonly parameters: readonly string[];
}

/**
 * A decision as Envoy's CheckResponse.
 *
 * INVARIANT: `status` is set; a header name is never both set and removed (Envoy removes last).
 *
 * Throws when the decision cannot be carried out as it stands (a header value with a line break): the caller answers
 * with `failureResponse`, since an obligation that cannot be fulfilled denies.
 */
export function toCheckResponse(decision: Decision, request: NeutralRequest, answer: Answer): CheckResponse {
  const { policy, outcome } = decision.reason;
  const dynamic_metadata = metadata(answer, decision.allow, policy, outcome, decision.setMetadata);
  if (decision.allow) return { ...allowed(decision, request, answer), dynamic_metadata };
  const reason = policy ?? outcome;
  const denial = decision.denial ?? BARE_DENIAL;
  return {
    status: { code: STATUS_PERMISSION_DENIED, message: reason },
    denied_response: denied({ ...denial, reason, decisionId: answer.decisionId, request }),
    dynamic_metadata,
  };
}

/** The denial for a request about which no decision could be made: 403, reason `error`. */
export function failureResponse(
  request: NeutralRequest | null,
  answer: Omit<Answer, "settable" | "parameters">,
): CheckResponse {
  return {
    status: { code: STATUS_PERMISSION_DENIED, message: "error" },
    denied_response: failed(403, request, answer.decisionId),
    dynamic_metadata: metadata(answer, false, null, "error"),
  };
}

/**
 * The same as `error_response` (Envoy 1.37 and later), which obeys `failure_mode_allow`. The status code is INTERNAL
 * because Envoy looks at `error_response` only when it is not 0; older versions see a plain denial.
 */
export function errorResponse(
  request: NeutralRequest | null,
  answer: Omit<Answer, "settable" | "parameters">,
): CheckResponse {
  return {
    status: { code: STATUS_INTERNAL, message: "error" },
    error_response: failed(503, request, answer.decisionId),
    dynamic_metadata: metadata(answer, false, null, "error"),
  };
}

const STATUS_INTERNAL = 13;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const BARE_DENIAL = { status: 403, body: null, headers: [] };

function allowed(
  decision: Decision,
  request: NeutralRequest,
  { settable, parameters }: Pick<Answer, "settable" | "parameters">,
): CheckResponse {
  const { setRequestHeaders: set, removeRequestHeaders: taken, setResponseHeaders: response } = decision;
  if (request.headers === undelivered && set.length + taken.length + response.length > 0)
    throw new Error("a connection without HTTP has no header to set or to remove");
  return {
    status: { code: STATUS_OK },
    ok_response: {
      headers: [...set.map(overwrite), ...pathChange(decision, request, parameters)],
      headers_to_remove: removals(request.headers, { set, taken, settable }),
      ...(response.length === 0 ? {} : { response_headers_to_add: response.map(overwrite) }),
    },
  };
}

/**
 * The path with the query that the upstream gets, or nothing where it is the client's own. It is set as `:path`:
 * `query_parameters_to_set` takes no value with an escape in it where `validate_mutations` is on, and compares names as they stand
 * (seen with Envoy 1.40).
 */
function pathChange(
  { setQueryParameters: set, removeQueryParameters: taken }: Decision,
  { target }: NeutralRequest,
  parameters: readonly string[],
): HeaderValueOption[] {
  if (set.length + taken.length + parameters.length === 0) return [];
  if (target === undelivered || target === undefined) {
    if (set.length === 0) return [];
    throw new Error("the request has no path whose query could be changed");
  }
  const text = typeof target === "string" ? target : decoder.decode(target);
  const question = text.indexOf("?");
  const [path, query] = question === -1 ? [text, ""] : [text.slice(0, question), text.slice(question + 1)];
  const changed = rewriteQuery(query, { set, remove: [...parameters, ...taken] });
  if (changed === query) return [];
  if (typeof target !== "string" && Buffer.compare(Buffer.from(text), target) !== 0)
    throw new Error("the path is no UTF-8, so that its query cannot be changed");
  return [overwrite({ name: ":path", value: changed === "" ? path : `${path}?${changed}` })];
}

/**
 * Every settable header that this decision does not set, what it removes, and every spelling of these that the client sent:
 * a copy must not reach the upstream. The plain names are removed also when no copy was seen, since `allowed_headers` and
 * `disallowed_headers` of the filter can hide it from us, but not from the upstream.
 */
function removals(
  lines: NeutralRequest["headers"],
  {
    set,
    taken,
    settable,
  }: {
    readonly set: readonly HeaderValue[];
    readonly taken: readonly string[];
    readonly settable: SettableHeaders;
  },
): string[] {
  if (settable.names.length + taken.length === 0) return [];
  const names = new Set([...settable.names, ...taken]);
  for (const line of lines === undelivered ? [] : lines) {
    const name = canonicalName(line.name);
    if (settable.canonical.has(name) || taken.includes(name)) names.add(line.name.toLowerCase());
  }
  for (const header of set) names.delete(header.name.toLowerCase());
  return [...names];
}

/**
 * A header that replaces all lines of its name. Envoy up to 1.36 reads `append` alone, later versions prefer it to
 * `append_action` (ext_authz_grpc_impl.cc, `getAppendAction`), other clients of the API may know only the latter, whose
 * default appends: so both say "overwrite". Without `keep_empty_value` Envoy drops an empty value.
 */
function overwrite(header: HeaderValue): HeaderValueOption {
  return {
    header: { key: header.name, value: fieldValue(header.name, header.value) },
    append: { value: false },
    append_action: OVERWRITE_IF_EXISTS_OR_ADD,
    keep_empty_value: true,
  };
}

interface DeniedAnswer {
  readonly status: number;
  /** Configured body, or null for the default one. */
  readonly body: string | null;
  readonly headers: readonly HeaderValue[];
  readonly reason: string;
  readonly decisionId: string;
  readonly request: NeutralRequest | null;
}

function denied(answer: DeniedAnswer): NonNullable<CheckResponse["denied_response"]> {
  const { decisionId, reason } = answer;
  const status = isDenialStatus(answer.status) ? answer.status : 403;
  const { headers, body } = inWordsOf(callerOf(answer.request), { ...answer, status });
  return {
    status: { code: status },
    headers: [
      overwrite({ name: "x-ipe-reason", value: headerText(reason) }),
      overwrite({ name: "x-ipe-decision", value: decisionId }),
      ...headers.map(overwrite),
    ],
    body,
  };
}

/** Headers and body as the client understands them. */
function inWordsOf(
  caller: Caller,
  { status, body, headers, reason, decisionId, request }: DeniedAnswer,
): { readonly headers: readonly HeaderValue[]; readonly body: string } {
  const untyped = headers.filter(({ name }) => name !== CONTENT_TYPE);
  const isTyped = untyped.length < headers.length;
  if (caller === "grpc-web" || caller === "grpc-web-text") {
    const own = grpcWebHeaders(caller, { status, message: body ?? reason });
    return { headers: [...untyped, ...own.map(([name, value]) => ({ name, value }))], body: "" };
  }
  const call = caller === "http" && request !== null && !isTyped ? jsonRpcCallOf(request) : null;
  if (call !== null) {
    const type = { name: CONTENT_TYPE, value: "application/json" };
    return { headers: [...headers, type], body: jsonRpcError(call, body ?? reason, decisionId) };
  }
  // A gRPC client needs the content type that Envoy writes for it; the body becomes its status message.
  const type = body === null ? "application/json" : "text/plain";
  const typed = isTyped && body !== null ? headers : [...untyped, { name: CONTENT_TYPE, value: type }];
  return {
    headers: caller === "grpc" ? untyped : typed,
    body: body ?? JSON.stringify({ decision: "deny", reason, decision_id: decisionId }),
  };
}

const CONTENT_TYPE = "content-type";

function failed(
  status: number,
  request: NeutralRequest | null,
  decisionId: string,
): ReturnType<typeof denied> {
  return denied({ status, body: null, headers: [], reason: "error", decisionId, request });
}

/** For access logs and later filters, on allow and on deny; `own`: what policies set, which takes no place of ours: `%DYNAMIC_METADATA(envoy.filters.http.ext_authz:policy)%`. */
function metadata(
  answer: Omit<Answer, "settable" | "parameters">,
  allow: boolean,
  policy: string | null,
  reason: string,
  own: readonly HeaderValue[] = [],
): Struct {
  return struct({
    ...Object.fromEntries(own.map(({ name, value }) => [name, value])),
    decision: allow ? "allow" : "deny",
    decision_id: answer.decisionId,
    policy,
    reason,
    bundle: answer.bundle,
  });
}
