import type {
  Decision,
  Denial,
  Effects,
  HeaderValue,
  NeutralRequest,
  QueryChanges,
} from "../../../core/index.ts";
import {
  type Caller,
  callerOf,
  canonicalName,
  fieldValue,
  grpcWebHeaders,
  type HeaderLine,
  headerText,
  isDenialStatus,
  jsonRpcCallOf,
  jsonRpcError,
  NO_EFFECTS,
  type SettableHeaders,
  undelivered,
} from "../../../core/index.ts";

/** Which decision of which bundle is answered. */
export interface Answer {
  readonly decisionId: string;
  /** Digest of the bundle. */
  readonly bundle: string;
  readonly settable: SettableHeaders;
  /** Names of query parameters that some policy of the bundle may set. */
  readonly queryNames: readonly string[];
}

/** What is to be done about a request. */
export type Action =
  | {
      readonly kind: "pass";
      /** Header names to remove, in every spelling that the client sent. */
      readonly clear: readonly string[];
      readonly set: Readonly<Record<string, string>>;
      /** Null where no policy of the bundle has to do with queries. */
      readonly query: QueryChanges | null;
      /** Of the answer: only who stands around the plugin in Lua can set them. */
      readonly responseHeaders: readonly HeaderValue[];
      readonly metadata: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "exit";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

/** Status where no decision could be made; the guard answers the same. */
export const FAILURE_STATUS = 503;

/**
 * A decision as what to do in Kong.
 *
 * Throws when it cannot be carried out as it stands (a header value with a line break): an obligation that cannot be
 * fulfilled denies.
 */
export function toAction(
  decision: Decision,
  request: NeutralRequest,
  answer: Answer,
  stripped: ReadonlySet<string> = new Set(),
): Action {
  if (decision.allow) {
    // More header lines than Kong tells: clients' copies in a spelling that nobody saw would stay.
    const taken = decision.removeRequestHeaders;
    if (request.headers === undelivered && answer.settable.names.length + taken.length > 0)
      throw new Error("the headers are not known, so that clients' copies cannot be removed");
    const set: Record<string, string> = Object.create(null);
    for (const { name, value } of decision.setRequestHeaders) set[name] = fieldValue(name, value);
    return {
      kind: "pass",
      clear: removals(request, answer.settable, { set, taken, stripped }),
      set,
      query: queryChanges(answer, decision),
      responseHeaders: decision.setResponseHeaders.map(({ name, value }) => ({
        name,
        value: fieldValue(name, value),
      })),
      metadata: Object.fromEntries(decision.setMetadata.map(({ name, value }) => [name, value])),
    };
  }
  const { policy, outcome } = decision.reason;
  const denial = decision.denial ?? { status: 403, body: null, headers: [] };
  return exit({
    ...denial,
    status: isDenialStatus(denial.status) ? denial.status : 403,
    reason: policy ?? outcome,
    decisionId: answer.decisionId,
    request,
  });
}

/** For a request about which no decision could be made. */
export function failure(request: NeutralRequest | null, decisionId: string): Action & { kind: "exit" } {
  return exit({ status: FAILURE_STATUS, body: null, headers: [], reason: "error", decisionId, request });
}

/** What is only to be cleaned of clients' copies, whatever the decision (permissive mode). */
export function passUnchanged(
  request: NeutralRequest | null,
  answer: Pick<Answer, "settable" | "queryNames">,
  stripped: ReadonlySet<string> = new Set(),
): Action & { kind: "pass" } {
  return {
    kind: "pass",
    clear: removals(request, answer.settable, { set: {}, taken: [], stripped }),
    set: {},
    query: queryChanges(answer, NO_EFFECTS),
    responseHeaders: [],
    metadata: {},
  };
}

function queryChanges(
  { queryNames }: Pick<Answer, "queryNames">,
  { setQueryParameters, removeQueryParameters }: Effects,
): QueryChanges | null {
  const remove = [...queryNames, ...removeQueryParameters];
  return remove.length === 0 ? null : { set: setQueryParameters, remove };
}

/** What log plugins and the guard are told. Texts only: both protocols carry them unchanged. */
export function record(
  answer: Pick<Answer, "decisionId" | "bundle">,
  mode: string,
  decision: Decision | null,
): Record<string, string> {
  return {
    decision: decision?.allow === true ? "allow" : "deny",
    decision_id: answer.decisionId,
    policy: decision?.reason.policy ?? "",
    reason: decision?.reason.outcome ?? "error",
    bundle: answer.bundle,
    mode,
  };
}

/**
 * Every settable header that this decision does not set, what it removes, and every spelling of these that the client sent. Setting a header
 * replaces all its lines (`kong.service.request.set_headers`), but only in its own spelling. With headers unknown, and for
 * names that somebody in front of us hid, the plain names go in any case.
 */
function removals(
  request: NeutralRequest | null,
  settable: SettableHeaders,
  {
    set,
    taken,
    stripped,
  }: {
    readonly set: Readonly<Record<string, string>>;
    readonly taken: readonly string[];
    readonly stripped: ReadonlySet<string>;
  },
): string[] {
  if (settable.names.length + taken.length === 0) return [];
  const open = (name: string): boolean => !stripped.has(canonicalName(name));
  const names = new Set([...settable.names.filter(open), ...taken]);
  const goes = (name: string): boolean => settable.canonical.has(name) && open(name);
  for (const { name } of linesOf(request)) {
    const canonical = canonicalName(name);
    if (goes(canonical) || taken.includes(canonical)) names.add(name.toLowerCase());
  }
  return [...names].filter((name) => !Object.hasOwn(set, name));
}

function linesOf(request: NeutralRequest | null): readonly HeaderLine[] {
  const headers = request?.headers ?? undelivered;
  return headers === undelivered ? [] : headers;
}

interface DeniedAnswer extends Denial {
  readonly reason: string;
  readonly decisionId: string;
  readonly request: NeutralRequest | null;
}

/** The client learns the reason's short id and the decision's id, and nothing else. */
function exit({ status, body, headers, ...about }: DeniedAnswer): Action & { kind: "exit" } {
  const own: Record<string, string> = Object.create(null);
  for (const { name, value } of headers) own[name] = fieldValue(name, value);
  const { "content-type": type = null, ...others } = own;
  const said = inWordsOf(callerOf(about.request), { ...about, status, body, type });
  return {
    kind: "exit",
    status,
    headers: {
      ...others,
      "x-ipe-reason": headerText(about.reason),
      "x-ipe-decision": about.decisionId,
      ...said.headers,
    },
    body: said.body,
  };
}

/**
 * Body and content type as the client understands them. A gRPC client gets no `content-type` of ours: Kong writes its own and makes
 * the body the status message (kong/pdk/response.lua).
 */
function inWordsOf(
  caller: Caller,
  {
    status,
    body,
    type,
    reason,
    decisionId,
    request,
  }: Omit<DeniedAnswer, "headers"> & { readonly type: string | null },
): { readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const message = body ?? reason;
  if (caller === "grpc-web" || caller === "grpc-web-text")
    return { headers: Object.fromEntries(grpcWebHeaders(caller, { status, message })), body: "" };
  // A body whose type the policy says is the policy's alone.
  const isOwn = body !== null && type !== null;
  const call = caller === "http" && request !== null && type === null ? jsonRpcCallOf(request) : null;
  const plain = isOwn ? body : JSON.stringify({ message, decision_id: decisionId });
  return {
    headers: caller === "grpc" ? {} : { "content-type": isOwn ? type : "application/json" },
    body: call === null ? plain : jsonRpcError(call, message, decisionId),
  };
}
