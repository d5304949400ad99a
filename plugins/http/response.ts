import {
  type Caller,
  callerOf,
  canonicalName,
  type Decision,
  type Denial,
  fieldValue,
  grpcWebHeaders,
  headerText,
  isDenialStatus,
  isRedirectStatus,
  type NeutralRequest,
  type SettableHeaders,
  undelivered,
} from "../../core/index.ts";
import type { HttpAnswer } from "./listener.ts";
import type { ProxyName } from "./proxies.ts";

export interface Answer {
  readonly decisionId: string;
  readonly settable: SettableHeaders;
  readonly proxy: ProxyName;
}

const DENIAL_STATUS = 403;
const BARE_DENIAL: Denial = { status: DENIAL_STATUS, body: null, headers: [] };
/** nginx takes any other status than these and 2xx for an error of ours, and answers 500 (ngx_http_auth_request_module). */
const NGINX_DENIALS = [401, 403];

/**
 * A decision as what the proxy takes for one: 200, or a denial, which is never 2xx (it would pass) nor 5xx (some proxies
 * can be told to let pass what fails).
 *
 * An allow names every header that some policy may set, empty where this decision does not set it: the proxy puts each in the
 * place of the client's copy.
 *
 * Throws when the decision cannot be carried out as it stands: a client's copy in a spelling with `_` that no proxy would
 * replace, a value with a line break.
 */
export function toResponse(decision: Decision, request: NeutralRequest, answer: Answer): HttpAnswer {
  const { policy, outcome } = decision.reason;
  if (decision.allow) {
    refuseOtherEffects(decision);
    refuseOtherSpellings(request, answer.settable);
    const headers: Record<string, string> = Object.create(null);
    for (const name of answer.settable.names) headers[name] = "";
    for (const { name, value } of decision.setRequestHeaders) headers[name] = fieldValue(name, value);
    return { status: 200, headers: { ...headers, "x-ipe-decision": answer.decisionId }, body: "" };
  }
  return denied({
    ...(decision.denial ?? BARE_DENIAL),
    reason: policy ?? outcome,
    caller: callerOf(request),
    answer,
  });
}

/** For a request about which no decision could be made. */
export function failure(answer: Answer): HttpAnswer {
  return denied({ ...BARE_DENIAL, reason: "error", caller: "http", answer });
}

interface DeniedAnswer extends Denial {
  readonly caller: Caller;
  readonly reason: string;
  readonly answer: Answer;
}

/** The client learns the reason's short id and the decision's id, and nothing else. */
function denied(denial: DeniedAnswer): HttpAnswer {
  const { body, reason, caller } = denial;
  const { decisionId, proxy } = denial.answer;
  const status = statusFor(proxy, denial.status);
  const own: Record<string, string> = Object.create(null);
  for (const { name, value } of denial.headers) own[name] = fieldValue(name, value);
  const ids = { "x-ipe-reason": headerText(reason), "x-ipe-decision": decisionId };
  if (caller === "grpc-web" || caller === "grpc-web-text") {
    const web = Object.fromEntries(grpcWebHeaders(caller, { status, message: body ?? reason }));
    return { status, headers: { ...own, ...web, ...ids }, body: "" };
  }
  // A body whose type the policy says is the policy's alone.
  const isOwn = body !== null && own["content-type"] !== undefined;
  return {
    status,
    headers: { ...own, "content-type": isOwn ? own["content-type"]! : "application/json", ...ids },
    body: isOwn ? body : JSON.stringify({ message: body ?? reason, decision_id: decisionId }),
  };
}

function statusFor(proxy: ProxyName, status: number): number {
  if (!isDenialStatus(status) || status >= 500) return DENIAL_STATUS;
  if (proxy !== "nginx" || NGINX_DENIALS.includes(status)) return status;
  // `error_page 401` can send the client to the address in `location`, which a 302 could not pass on.
  return isRedirectStatus(status) ? 401 : DENIAL_STATUS;
}

/** INVARIANT: `objectionTo` has refused the bundle; nothing that a proxy does not do may look done. */
function refuseOtherEffects(decision: Decision): void {
  const { removeRequestHeaders, setResponseHeaders, setQueryParameters, removeQueryParameters, setMetadata } =
    decision;
  const others = [
    setResponseHeaders,
    setQueryParameters,
    setMetadata,
    removeRequestHeaders,
    removeQueryParameters,
  ];
  if (others.some((list) => list.length > 0))
    throw new Error("a proxy can only be told to set request headers");
}

/** Proxies replace a header by its name; an upstream may take `x_team` for `x-team`. */
function refuseOtherSpellings({ headers }: NeutralRequest, { names, canonical }: SettableHeaders): void {
  if (names.length === 0 || headers === undelivered) return;
  const other = headers.find(({ name }) => canonical.has(canonicalName(name)) && !names.includes(name));
  if (other !== undefined)
    throw new Error(`the client sent \`${other.name}\`, a spelling of a header that policies set`);
}
