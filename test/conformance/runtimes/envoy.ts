/** What the two ways through a real Envoy share: its configuration, its refusals, and how an answer reads. */
import { type Bootstrap, type BootstrapOptions, toBootstrap } from "../../../compose/envoy/index.ts";
import type { Case, Want } from "../vectors.ts";
import type { EchoedLines } from "./echo.ts";
import type { HttpResponse } from "./http-client.ts";
import { answered, type CompiledVector, goneFrom, type Refused, type Seen } from "./runtime.ts";

/** Response header with what later filters and access logs would see of the decision. */
export const SEEN_HEADER = "x-seen-decision";
/** Room for the longest header of a vector. */
const HEADERS_KIB_MAX = 96;

type Json = Record<string, unknown>;

/**
 * The bootstrap of `compose/envoy` with three things for tests: addresses come from a PROXY line, long headers are
 * taken, and every response says what the decision left behind (`format`, in Envoy's command language).
 */
export function testBootstrap(options: BootstrapOptions, format: string): Bootstrap {
  const bootstrap = structuredClone(toBootstrap(options)) as unknown as {
    static_resources: { listeners: Json[] };
  };
  for (const listener of bootstrap.static_resources.listeners) {
    listener.listener_filters = [
      {
        name: "envoy.filters.listener.proxy_protocol",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
        },
      },
    ];
    const manager = managerOf(listener);
    const seen = { header: { key: SEEN_HEADER, value: format }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
    manager.max_request_headers_kb = HEADERS_KIB_MAX;
    (manager.route_config as Json).response_headers_to_add = [seen];
    manager.local_reply_config = { mappers: [{ filter: everyResponse, headers_to_add: [seen] }] };
  }
  return bootstrap as unknown as Bootstrap;
}

/** The HTTP connection manager of a listener. */
export function managerOf(listener: Json): Json {
  const [chain] = listener.filter_chains as { filters: { typed_config: Json }[] }[];
  return chain!.filters[0]!.typed_config;
}

const everyResponse = {
  status_code_filter: {
    comparison: { op: "GE", value: { default_value: 100, runtime_key: "conformance.every_response" } },
  },
};

export interface Refusal {
  readonly status: number;
  readonly why: string;
}

/**
 * What Envoy 1.40 answers itself before any filter sees the request, or null.
 * INVARIANT: such a case must get exactly this answer; a decision for it would be a difference too.
 */
export function envoyRefuses({ request }: Case): Refusal | null {
  const { method = "GET", path = "/", host = "" } = request;
  const refuse = (why: string, status = 400): Refusal => ({ status, why });
  if (!/^[A-Z]+$/.test(method)) return refuse("a method that its codec does not know");
  if (path === "*") return refuse("a target that is no path", 404);
  if (!path.startsWith("/")) return refuse("a target that starts with no slash");
  if (path.includes("#")) return refuse("a target with a fragment");
  if (!/^[\u0021-\u007e]*$/.test(path)) return refuse("a target with bytes that no URL has");
  if (!/^[\u0021-\u007e]*$/.test(host) || host.includes("/"))
    return refuse("a host with bytes that no host has");
  return null;
}

/** What the decision left behind. Header values are read with one character for each byte. */
export function noteIn({ headers }: HttpResponse): string | undefined {
  const note = headers.get(SEEN_HEADER);
  return note === undefined ? undefined : Buffer.from(note, "latin1").toString("utf8");
}

/** The answer to a refused request. */
export function refusal({ status, why }: Refusal, response: HttpResponse): Refused {
  const asExpected = response.status === status && !response.headers.has("x-ipe-reason");
  const seen: Seen = asExpected
    ? {}
    : { decision: `answered with ${response.status} and not refused` as Want["decision"] };
  return { refused: why, seen };
}

/**
 * A response as far as it shows the decision: the reason by its short id, the headers as the upstream saw them.
 * `want` is needed only to say which of the two names of a reason the short id is.
 */
export function seenResponse(vector: CompiledVector, given: Case, response: HttpResponse): Seen {
  const { headers, status } = response;
  const reason = headers.get("x-ipe-reason");
  if (reason === undefined) {
    if (status !== 200)
      return {
        decision: `answered with ${status} and no reason: ${response.body.slice(0, 200)}` as Want["decision"],
      };
    const lines = JSON.parse(response.body) as EchoedLines;
    return {
      decision: "allow",
      request_headers: settableLines(vector, lines),
      ...queryOf(vector, given, lines.find(([name]) => name === ":path")?.[1] ?? ""),
      response_headers: Object.fromEntries(
        Object.keys(given.want.response_headers).map((name) => [name, headers.get(name) ?? "(not there)"]),
      ),
      remove_request_headers: goneFrom(
        given.want,
        lines.map(([name]) => name),
      ),
      deny: null,
    };
  }
  const byPolicy = vector.program.policies.list.some((policy) => policy.name === reason);
  return {
    decision: "deny",
    reason: byPolicy
      ? { policy: reason, outcome: given.want.reason.outcome }
      : { policy: null, outcome: reason as "default" },
    request_headers: {},
    deny: {
      status,
      body:
        given.request.method === "HEAD" ? (given.want.deny?.body ?? null) : configuredBody(response, reason),
    },
    answer_headers: answered(given.want, (name) => headers.get(name)),
  };
}

/**
 * What the decision left behind for access logs and later filters names the reason in full; what the response shows of
 * it must be the same.
 */
export function withNote({ program }: CompiledVector, seen: Seen, text: string | undefined): Seen {
  const {
    decision,
    policy = null,
    reason,
    bundle,
    metadata,
    ...others
  } = JSON.parse(text ?? "{}") as Record<string, string | null>;
  const shown = seen.reason === undefined ? policy : seen.reason.policy;
  if (decision !== seen.decision || policy !== shown || bundle !== program.digest) {
    return { decision: `${seen.decision}, but the note says ${text}` as Want["decision"] };
  }
  // Envoy adds how long the question took.
  const { decision_id: _, ext_authz_duration: __, ...own } = others;
  // Filter state holds one text, so what policies set stands in a member of its own.
  const set = (metadata ?? own) as unknown as Record<string, string>;
  return { ...seen, metadata: set, reason: { policy, outcome: reason as Want["reason"]["outcome"] } };
}

/** Parameters that some policy may set, as the upstream finds them, and those of the ones to be removed that it does not find. */
export function queryOf(
  { program }: CompiledVector,
  { want }: Case,
  path: string,
): Pick<Want, "query_parameters" | "remove_query_parameters"> {
  const found = new URLSearchParams(path.includes("?") ? path.slice(path.indexOf("?")) : "");
  const set: Record<string, string> = {};
  for (const [name, value] of found)
    if (program.queryNames.includes(name)) set[name in set ? `${name} (again)` : name] = value;
  const gone = want.remove_query_parameters.filter((name) => !found.has(name));
  return { query_parameters: set, remove_query_parameters: gone };
}

/** Every line of a header that some policy may set, `_` as `-`: clients' copies would show. */
function settableLines({ program }: CompiledVector, lines: EchoedLines): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const [name, value] of lines) {
    if (!program.headerNames.includes(name.replaceAll("_", "-"))) continue;
    const key = name in seen ? `${name} (again)` : name;
    seen[key] = value;
  }
  return seen;
}

/** The default body is JSON with the reason and the decision's id; it stands for no configured body. */
function configuredBody({ body, headers }: HttpResponse, reason: string): string | null {
  if (headers.get("content-type") !== "application/json") return body;
  const { decision, reason: named, decision_id: id } = JSON.parse(body) as Record<string, unknown>;
  const isDefault = decision === "deny" && named === reason && id === headers.get("x-ipe-decision");
  return isDefault ? null : body;
}
