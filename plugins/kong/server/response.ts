import type { Decision, Denial, NeutralRequest } from "../../../core/index.ts";
import {
  canonicalName,
  fieldValue,
  type HeaderLine,
  headerText,
  isDenialStatus,
  type SettableHeaders,
  undelivered,
} from "../../../core/index.ts";

/** Which decision of which bundle is answered. */
export interface Answer {
  readonly decisionId: string;
  /** Digest of the bundle. */
  readonly bundle: string;
  readonly settable: SettableHeaders;
}

/** What is to be done about a request. */
export type Action =
  | {
      readonly kind: "pass";
      /** Header names to remove, in every spelling that the client sent. */
      readonly clear: readonly string[];
      readonly set: Readonly<Record<string, string>>;
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
    return { kind: "pass", clear: removals(request, answer.settable, { set, taken, stripped }), set };
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
  settable: SettableHeaders,
  stripped: ReadonlySet<string> = new Set(),
): Action & { kind: "pass" } {
  return { kind: "pass", clear: removals(request, settable, { set: {}, taken: [], stripped }), set: {} };
}

/** What log plugins and the guard are told. Texts only: both protocols carry them unchanged. */
export function record(
  answer: Omit<Answer, "settable">,
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

/**
 * The client learns the reason's short id and the decision's id, and nothing else. A gRPC client gets no `content-type` of
 * ours: Kong writes its own and makes the body the status message (kong/pdk/response.lua).
 */
function exit({
  status,
  body,
  headers,
  reason,
  decisionId,
  request,
}: DeniedAnswer): Action & { kind: "exit" } {
  const own: Record<string, string> = Object.create(null);
  for (const { name, value } of headers) own[name] = fieldValue(name, value);
  // A body whose type the policy says is the policy's alone.
  const isOwn = body !== null && own["content-type"] !== undefined;
  const { "content-type": type = "application/json", ...others } = own;
  return {
    kind: "exit",
    status,
    headers: {
      ...others,
      "x-ipe-reason": headerText(reason),
      "x-ipe-decision": decisionId,
      ...(isGrpc(request) ? {} : { "content-type": isOwn ? type : "application/json" }),
    },
    body: isOwn ? body : JSON.stringify({ message: body ?? reason, decision_id: decisionId }),
  };
}

function isGrpc(request: NeutralRequest | null): boolean {
  return linesOf(request).some((line) => {
    if (line.name.toLowerCase() !== "content-type") return false;
    const { value } = line;
    const text = typeof value === "string" ? value : new TextDecoder("latin1").decode(value.subarray(0, 32));
    return text.trimStart().toLowerCase().startsWith("application/grpc");
  });
}
