/** The plugin `ipe` for Kong behind real HTTP: in an nginx with Lua that is set up as Kong's, with a stand-in for Kong around it. */
import { objections } from "../../../plugins/kong/index.ts";
import { type KongState, newState } from "../../kong/client/index.ts";
import { type Arrived, obtainNginx, startNginx, startRecorder } from "../../kong/nginx/index.ts";
import { headerLines } from "../neutral.ts";
import type { Case, Want } from "../vectors.ts";
import { exchange, type HttpResponse } from "./http-client.ts";
import { httpBytes, notExpressible as notInHttp } from "./http-form.ts";
import { kongRequest, REFUSED, seenOutcome } from "./kong.ts";
import { unverifiable, verifiedOf } from "./kong-verified.ts";
import type { CompiledVector, NotExpressible, Refused, Runtime, Seen } from "./runtime.ts";

const DOOR = "proxied";
/** Room for the longest header of a vector. */
const HEADER_LINE_KIB = 128;

export const kongNginx: Runtime = {
  name: "kong-nginx",
  open: async () => {
    const upstream = await startRecorder();
    const nginx = await startNginx(await obtainNginx(), {
      doors: [{ name: DOOR, proxyProtocol: true }],
      upstream,
      headerLineKib: HEADER_LINE_KIB,
      logLevel: "error",
    });
    let loaded: CompiledVector | null = null;
    return {
      judge: async (vector, given) => {
        if (loaded !== vector) await nginx.set({ config: configOf(vector) });
        loaded = vector;
        const { method, path } = given.request;
        // Of a bundle that is refused any request will do.
        const isRefused = objections(vector.program).length > 0 && method !== undefined && path !== undefined;
        const why = isRefused ? null : notExpressible(given, vector);
        if (why !== null) return { notExpressible: why };
        if (vector.program.slots.some(({ read, source }) => read && source === "extension"))
          await nginx.set({ facts: factsOf(given, vector) });
        const response = await exchange(nginx.port(DOOR), httpBytes(given));
        const { record, error } = await nginx.logged();
        const arrived = upstream.take();
        if (isRefused) return refusedBundle(given, response, arrived);
        if (error !== undefined) return { decision: `the log phase failed: ${error}` as Want["decision"] };
        const refusal = nginxRefuses(given);
        if (refusal !== null) return refused(refusal, response, arrived);
        return seenHttp(vector, given, { response, arrived, note: record?.ipe });
      },
      close: async () => {
        await nginx.stop();
        await upstream.stop();
      },
    };
  },
};

function configOf({ bundle }: CompiledVector): Record<string, unknown> {
  return {
    bundle: Buffer.from(bundle).toString("base64"),
    mode: "enforce",
    log_decisions: true,
    body_limit: 262_144,
  };
}

/** What Kong would have found out before the plugin runs. */
function factsOf(given: Case, { program }: CompiledVector): Record<string, unknown> {
  const { aclGroups: groups, ...facts } = verifiedOf(given, program);
  return { ...facts, groups };
}

/** Kong refuses such a bundle with the configuration. Where it is in force all the same, every request is answered with 500. */
function refusedBundle(
  given: Case,
  response: HttpResponse,
  arrived: readonly Arrived[],
): Seen | NotExpressible {
  const failed = response.status === 500 && response.headers.get("x-ipe-reason") === "error";
  const asExpected = failed || response.status === nginxRefuses(given)?.status;
  if (asExpected && arrived.length === 0) return { notExpressible: REFUSED };
  return { decision: `answered with ${response.status}, though the bundle is refused` as Want["decision"] };
}

/** Why no client can make this request to such an nginx, or null. */
export function notExpressible(given: Case, { program }: CompiledVector): string | null {
  const reads = (name: string): boolean => program.slots.some((slot) => slot.read && slot.name === name);
  if (reads("destination.ip") || reads("destination.port"))
    return "an address of its own, where nginx has one";
  // ngx_http_core_module, `ignore_invalid_headers`, which Kong leaves on.
  if (headerLines(given).some(({ name }) => !/^[\w-]+$/.test(name))) return "a header that nginx passes over";
  return unverifiable(given, program) ?? notInHttp(withoutExtensions(given), program, { joins: false });
}

/** They are no part of the request. */
function withoutExtensions({ undelivered = [], ...given }: Case): Case {
  const left = undelivered.filter((name) => !name.startsWith("extensions"));
  return left.length === 0 ? given : { ...given, undelivered: left };
}

export interface Refusal {
  readonly status: number;
  readonly why: string;
}

/**
 * What nginx answers itself before any plugin runs, or null (ngx_http_parse.c and ngx_http_request.c of 1.22).
 * INVARIANT: such a case must get exactly this answer; a decision for it would be a difference too.
 */
export function nginxRefuses(given: Case): Refusal | null {
  const { method = "GET", path = "/", host = "example.org" } = given.request;
  const refuse = (why: string, status = 400): Refusal => ({ status, why });
  const [file = ""] = path.split(/[?#]/);
  if (!/^[A-Z_-]+$/.test(method)) return refuse("a method that its parser does not know");
  if (!path.startsWith("/")) return refuse("a target that starts with no slash");
  if (/[\u0000-\u0020\u007f]/.test(path)) return refuse("a target with blanks or control characters");
  if (/%00|%(?![\da-f]{2})/i.test(file)) return refuse("a path with an escape that is none, or of NUL");
  if (leavesRoot(file)) return refuse("a path that leads above the root");
  if (/^(?::.*)?$|[\u0000-\u0020\u007f/]|\.\./.test(host)) return refuse("a host that is none");
  if (headerLines(given).filter(({ name }) => name === "authorization").length > 1)
    return refuse("a header twice that it takes once");
  return method === "TRACE" ? refuse("TRACE", 405) : null;
}

function refused({ status, why }: Refusal, response: HttpResponse, arrived: readonly Arrived[]): Refused {
  const asExpected =
    response.status === status && !response.headers.has("x-ipe-reason") && arrived.length === 0;
  const seen: Seen = asExpected
    ? {}
    : { decision: `answered with ${response.status} and not refused` as Want["decision"] };
  return { refused: why, seen };
}

interface Exchanged {
  readonly response: HttpResponse;
  readonly arrived: readonly Arrived[];
  /** What log plugins were told. */
  readonly note: unknown;
}

function seenHttp(vector: CompiledVector, given: Case, { response, arrived, note }: Exchanged): Seen {
  const { status, headers, body } = response;
  const state = newState(kongRequest(given, vector.program));
  state.serialized.set("ipe", note);
  const [request] = arrived;
  if (!headers.has("x-ipe-reason")) {
    if (status !== 200 || request === undefined)
      return { decision: `answered with ${status} and no reason: ${body.slice(0, 200)}` as Want["decision"] };
    const lines = request.headers.map(
      ([name, value]) => [name.toLowerCase(), Buffer.from(value, "latin1")] as const,
    );
    Object.assign(state, {
      query: /^[^ ]* [^ ?]*\??([^ ]*) /.exec(request.line)?.[1] ?? "",
      responseHeaders: headers,
      metadata: (note as { metadata?: KongState["metadata"] } | undefined)?.metadata ?? {},
    });
    return seenOutcome(vector, given, { kind: "upstream", headers: lines, state });
  }
  if (request !== undefined) return { decision: "denied, but it reached the upstream" as Want["decision"] };
  const exit = { status, headers, body: given.request.method === "HEAD" ? unseenBody(given, headers) : body };
  return seenOutcome(vector, given, { kind: "exit", exit, state });
}

/** An answer to HEAD has none: as it would be. */
function unseenBody({ want }: Case, headers: HttpResponse["headers"]): string {
  const message = want.deny?.body ?? headers.get("x-ipe-reason");
  return JSON.stringify({ message, decision_id: headers.get("x-ipe-decision") });
}

/** nginx resolves dot segments, with slashes merged, before anything else. */
function leavesRoot(path: string): boolean {
  let depth = 0;
  for (const segment of path.replace(/%2f/gi, "/").replace(/%2e/gi, ".").split("/")) {
    if (segment === "..") depth--;
    else if (segment !== "" && segment !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}
