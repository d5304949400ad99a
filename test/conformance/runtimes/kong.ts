/** Our plugin server for Kong, asked by a client that plays Kong's side: with a snapshot and without one, which must say the same. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { pino } from "pino";
import type { ObligationKind, Program } from "../../../core/index.ts";
import {
  BODY_LIMIT_MAX,
  DECISION_KEY,
  NAME,
  objections,
  type ProtocolName,
  startPluginServer,
  VERIFIED,
} from "../../../plugins/kong/index.ts";
import {
  type Bytes,
  Gateway,
  type KongRequest,
  type KongState,
  type Outcome,
} from "../../kong/client/index.ts";
import { answerUpstream, guard, takeSnapshot } from "../../kong/snapshot.ts";
import { bodyBytes, headerLines, isJsonBody } from "../neutral.ts";
import type { Case, Want } from "../vectors.ts";
import { bodyProblem } from "./http-form.ts";
import { isAskable, unverifiable, verifiedOf } from "./kong-verified.ts";
import { answered, type CompiledVector, goneFrom, type Runtime, type Seen } from "./runtime.ts";

export const kongMsgpack = kongRuntime("kong-msgpack", "MsgPack:1");
export const kongProtobuf = kongRuntime("kong-protobuf", "ProtoBuf:1");

function kongRuntime(name: string, protocol: ProtocolName): Runtime {
  return {
    name,
    open: async () => {
      const folder = mkdtempSync(join(tmpdir(), "ipe-kong-"));
      const socket = join(folder, "ipe.sock");
      const server = await startPluginServer({ socket, protocol, logger: pino({ level: "silent" }) });
      const after = (state: KongState): void => {
        guard(state);
        if (state.exit === null) answerUpstream(state);
      };
      const options = { socket, protocol, pluginName: NAME, after, receiveMs: 10_000 };
      const asking = new Gateway(options);
      const telling = new Gateway({
        ...options,
        before: (state) => takeSnapshot(state, { bodyLimit: BODY_LIMIT_MAX, verified: VERIFIED }),
      });
      return {
        judge: async (vector, given) => {
          const config = { bundle: Buffer.from(vector.bundle).toString("base64") };
          if (objections(vector.program).length > 0) {
            const { kind } = await asking.request(kongRequest(given, vector.program), config);
            return kind === "error" ? { notExpressible: REFUSED } : { decision: kind as Want["decision"] };
          }
          const why = notExpressible(given, vector.program);
          if (why !== null) return { notExpressible: why };
          const request = kongRequest(given, vector.program);
          const told = seenOutcome(vector, given, await telling.request(request, config));
          if (!isAskable(given, vector.program, protocol)) return told;
          // Without a snapshot nobody is there on the way out, and such an allow is denied (test/kong/faults.test.ts).
          if (vector.program.obligationKinds.has("setResponseHeader")) return told;
          const asked = seenOutcome(vector, given, await asking.request(request, config));
          if (isDeepStrictEqual(asked, told)) return asked;
          return {
            decision: `${JSON.stringify(asked)}, with a snapshot ${JSON.stringify(told)}` as Want["decision"],
          };
        },
        close: async () => {
          asking.close();
          telling.close();
          await server.stop();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

export const REFUSED = "facts that Kong cannot supply, whose bundle the plugin refuses";
const VERSIONS: Readonly<Record<string, number>> = {
  "HTTP/1.0": 1,
  "HTTP/1.1": 1.1,
  "HTTP/2": 2,
  "HTTP/3": 3,
};
/** Facts that Kong's functions can fail to tell. */
const SILENT = new Set([
  ...["request.method", "request.path", "request.host", "request.scheme", "request.protocol", "request.time"],
  ...["source.ip", "source.port", "connection.mtls", "body"],
]);

export function notExpressible(given: Case, program: Program): string | null {
  const { request, connection = {} } = given;
  const hidden = new Set(given.undelivered);
  const reads = (name: string): boolean => program.slots.some((slot) => slot.read && slot.name === name);
  const missing = (name: string, value: unknown): boolean =>
    reads(name) && value === undefined && !hidden.has(name);
  if (given.attributes !== undefined) return "attributes given directly";
  if (given.joined === true) return "header lines joined by the host";
  if (given.undelivered?.some((name) => !SILENT.has(name) && !name.startsWith("extensions")))
    return "facts that Kong always knows";
  if (request.method === undefined && !hidden.has("request.method")) return "no method";
  if (request.path === undefined && !hidden.has("request.path")) return "no path";
  if (missing("request.scheme", request.scheme)) return "no scheme";
  if (missing("request.time", request.time)) return "no time";
  if (missing("request.protocol", VERSIONS[request.protocol ?? ""]))
    return "a protocol that nginx does not speak";
  if (missing("connection.mtls", connection.mtls)) return "a connection that may be of any kind";
  for (const side of ["source", "destination"] as const) {
    if (missing(`${side}.ip`, given[side]?.ip)) return "a connection without addresses";
    const port = given[side]?.port;
    if (missing(`${side}.port`, port) || (port ?? 0) > 65_535) return "a port that no connection has";
  }
  if (headerLines(given).some(({ name }) => /^(?:host|content-length)$/i.test(name)))
    return "a header that says the same as a fact beside it";
  return unverifiable(given, program) ?? bodyProblem(given);
}

/** A case as Kong would have it. */
export function kongRequest(given: Case, program: Program): KongRequest {
  const { request, source, destination, connection = {} } = given;
  const hidden = new Set(given.undelivered);
  const told = <T>(name: string, value: T): T | undefined => (hidden.has(name) ? undefined : value);
  const variables: [string, string | undefined][] = [
    ["server_addr", destination?.ip],
    ["server_port", destination?.port?.toString()],
    ["ssl_server_name", connection.requested_server_name],
    ["ssl_protocol", connection.tls_version],
    ["ssl_client_verify", verifyOf(hidden, connection.mtls)],
  ];
  return {
    method: told("request.method", request.method),
    target: told("request.path", request.path),
    headers: lines(given, program, hidden),
    scheme: told("request.scheme", request.scheme),
    httpVersion: told("request.protocol", VERSIONS[request.protocol ?? ""]),
    startTime: request.time === undefined ? undefined : told("request.time", Date.parse(request.time) / 1000),
    forwardedIp: told("source.ip", source?.ip),
    forwardedPort: told("source.port", source?.port),
    variables: Object.fromEntries(
      variables.filter((each): each is [string, string] => each[1] !== undefined),
    ),
    verified: verifiedOf(given, program),
    // Longer than what a policy reads is as good as not delivered.
    body: hidden.has("body") ? new Uint8Array(BODY_LIMIT_MAX + 1) : (bodyBytes(given) ?? new Uint8Array(0)),
  };
}

function verifyOf(hidden: ReadonlySet<string>, mtls: boolean | undefined): string | undefined {
  if (hidden.has("connection.mtls")) return "FAILED:unable to verify the first certificate";
  return mtls === true ? "SUCCESS" : mtls === false ? "NONE" : undefined;
}

function lines(given: Case, program: Program, hidden: ReadonlySet<string>): [string, Bytes][] {
  const { host, size } = given.request;
  const found: [string, Bytes][] = headerLines(given).map(({ name, value }) => [name, value]);
  if (host !== undefined) found.push(["host", host]);
  // Two of them are ambiguous, so that nobody knows.
  if (hidden.has("request.host")) found.push(["host", "a.example"], ["host", "b.example"]);
  if (isJsonBody(given)) found.push(["content-type", "application/json"]);
  const reads = program.slots.some((slot) => slot.read && slot.name === "request.size");
  const length = reads ? size : bodyBytes(given)?.length;
  if (length !== undefined && !hidden.has("body")) found.push(["content-length", String(length)]);
  return found;
}

/** What the client or the upstream sees, and what log plugins are told. */
export function seenOutcome({ program }: CompiledVector, { want }: Case, outcome: Outcome): Seen {
  const { state } = outcome;
  const shared = state.shared.get(DECISION_KEY);
  const left = typeof shared === "string" ? (JSON.parse(shared) as { log?: unknown }).log : undefined;
  const note = (state.serialized.get("ipe") ?? left ?? {}) as Record<string, string>;
  const { decision, policy, reason, bundle } = note;
  const shown = { policy: policy === "" ? null : (policy ?? null), outcome: reason as "default" };
  const kind = outcome.kind === "upstream" ? "allow" : outcome.kind === "exit" ? "deny" : "error";
  if (decision !== kind || bundle !== program.digest)
    return { decision: `${kind}, but the note says ${JSON.stringify(note)}` as Want["decision"] };
  if (outcome.kind === "upstream")
    return {
      decision: "allow",
      reason: shown,
      request_headers: settable(program, outcome.headers),
      remove_request_headers: goneFrom(
        want,
        outcome.headers.map(([name]) => name),
      ),
      ...carriedOut(program, want, state),
      metadata: state.metadata,
      deny: null,
    };
  if (outcome.kind === "error") return { decision: `error: ${outcome.why}` as Want["decision"] };
  const { status, headers, body } = outcome.exit;
  const id = headers.get("x-ipe-reason");
  // A body whose type the policy says is the policy's alone.
  const { message, decision_id } =
    want.answer_headers["content-type"] === undefined
      ? (JSON.parse(body) as Record<string, string>)
      : { message: body, decision_id: headers.get("x-ipe-decision") };
  if (decision_id !== headers.get("x-ipe-decision") || id !== (shown.policy ?? reason))
    return { decision: `deny, but the answer says ${id} and ${body}` as Want["decision"] };
  return {
    decision: "deny",
    reason: shown,
    request_headers: {},
    // Without a configured body the message is the reason's id, which a configured one may be too.
    deny: { status, body: message === id && want.deny?.body !== id ? null : message! },
    answer_headers: answered(want, (name) => headers.get(name)),
  };
}

/** What the client and the upstream see of an allow besides headers of the request. */
export function carriedOut(
  program: Program,
  want: Want,
  {
    query,
    responseHeaders,
  }: { readonly query: string; readonly responseHeaders: ReadonlyMap<string, string> },
): Pick<Seen, "response_headers" | "query_parameters" | "remove_query_parameters"> {
  const left = parsed(query);
  return {
    response_headers: Object.fromEntries(
      namesOf(program, "setResponseHeader").flatMap((name) => {
        const value = responseHeaders.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    query_parameters: settableQuery(program, query),
    remove_query_parameters: want.remove_query_parameters.filter((name) => !left.has(name)),
  };
}

function namesOf({ policies }: Program, kind: ObligationKind): string[] {
  const all = Array.from({ length: policies.length }, (_, i) => policies.obligationsOf(i)).flat();
  return [...new Set(all.filter((obligation) => obligation.kind === kind).map(({ name }) => name))];
}

/** Every parameter that some policy may set: clients' copies would show. */
function settableQuery({ queryNames }: Program, query: string): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const [name, value] of parsed(query))
    if (queryNames.includes(name)) seen[name in seen ? `${name} (again)` : name] = value;
  return seen;
}

/** A query whose characters are bytes. */
function parsed(query: string): URLSearchParams {
  return new URLSearchParams(`?${Buffer.from(query, "latin1").toString()}`);
}

/** Every line of a header that some policy may set, `_` as `-`: clients' copies would show. */
export function settable(
  program: Program,
  lines: readonly (readonly [string, Bytes])[],
): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const [name, value] of lines) {
    if (!program.headerNames.includes(name.replaceAll("_", "-"))) continue;
    seen[name in seen ? `${name} (again)` : name] = Buffer.from(value as string).toString();
  }
  return seen;
}
