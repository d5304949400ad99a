/** What the Lua plugins `ipe-snapshot` and `ipe-guard` do (plugins/kong/server/lua), for the gateway of the tests. */
import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import {
  DECISION_KEY,
  METADATA_KEY,
  PASS_PREFIX,
  SNAPSHOT_KEY,
  type VerifiedName,
} from "../../plugins/kong/index.ts";
import { type Bytes, callKong, type KongState } from "./client/index.ts";

export interface SnapshotOptions {
  /** Names whose lines are removed once they are in the snapshot; canonical. */
  readonly strip?: readonly string[];
  /** Longest body that goes into it; 0 is none. */
  readonly bodyLimit?: number;
  readonly verified?: readonly VerifiedName[];
}

/** Leave the facts in `ctx.shared`, as bytes of JSON the way `cjson` writes it. */
export function takeSnapshot(
  state: KongState,
  { strip = [], bodyLimit = 0, verified = [] }: SnapshotOptions = {},
): void {
  const { request } = state;
  const headers = request.headers.length >= 1000 ? undefined : grouped(request.headers);
  const readable = request.body !== "in-file" && request.body.length <= bodyLimit;
  const json = {
    version: 2,
    method: request.method,
    target: request.target,
    headers,
    scheme: request.scheme,
    http_version: request.httpVersion,
    time: request.startTime,
    source_ip: request.forwardedIp,
    source_port: request.forwardedPort,
    destination_ip: request.variables["server_addr"],
    destination_port: request.variables["server_port"],
    server_name: request.variables["ssl_server_name"],
    tls_version: request.variables["ssl_protocol"],
    client_verify: request.variables["ssl_client_verify"],
    body_read: bodyLimit > 0,
    body: bodyLimit > 0 && readable ? Buffer.from(request.body as Uint8Array).toString("base64") : undefined,
    verified:
      verified.length === 0
        ? undefined
        : Object.fromEntries(verified.map((name) => [name, verifiedOf(state)[name]])),
    verified_read: verified.length === 0 ? undefined : verified,
    stripped: strip.length === 0 || headers === undefined ? undefined : strip,
    logs: true,
    responds: true,
  };
  const calls = state.calls.length;
  for (const [name] of headers === undefined ? [] : request.headers)
    if (strip.includes(name.toLowerCase().replaceAll("_", "-")))
      callKong(state, "kong.service.request.clear_header", [name]);
  state.calls.length = calls;
  state.shared.set(SNAPSHOT_KEY, jsonBytes(json));
}

/** `undefined` is nil; `false` stands for what nobody can tell. */
function verifiedOf({ request: { verified = {} }, shared }: KongState): Record<VerifiedName, unknown> {
  const { consumer, aclGroups, credential, route, service } = verified;
  return {
    consumer: members(consumer, ["id", "username", "custom_id"]),
    groups:
      consumer === undefined
        ? texts(shared.get("authenticated_groups"))
        : isText((consumer as { id?: unknown } | null)?.id)
          ? (texts(aclGroups) ?? false)
          : false,
    credential: members(credential, ["id"]),
    route: members(route, ["id", "name"], ["tags"]),
    service: members(service, ["id", "name"], ["tags"]),
    token: text(shared.get("authenticated_jwt_token")),
  };
}

function members(of: unknown, names: readonly string[], lists: readonly string[] = []): unknown {
  if (of === undefined) return undefined;
  if (typeof of !== "object" || of === null) return false;
  const table = of as Record<string, unknown>;
  return Object.fromEntries([
    ...names.map((name) => [name, text(table[name])]),
    ...lists.map((name) => [name, texts(table[name])]),
  ]);
}

function text(value: unknown): unknown {
  return isNil(value) ? undefined : isText(value) ? value : false;
}

function texts(value: unknown): unknown {
  if (isNil(value)) return undefined;
  // An empty table of Lua is no array.
  if (Array.isArray(value) && value.length === 0) return {};
  return Array.isArray(value) && value.every(isText) ? value : false;
}

/** `null` is `ngx.null`. */
function isNil(value: unknown): boolean {
  return value === undefined || value === null;
}

function isText(value: unknown): boolean {
  return typeof value === "string" || value instanceof Uint8Array;
}

/** What the snapshot does once the upstream has answered, and what later plugins and logs find then. */
export function answerUpstream(state: KongState): void {
  const text = state.shared.get(DECISION_KEY);
  const decision = JSON.parse(typeof text === "string" ? text : "{}") as {
    readonly response_headers?: readonly { readonly name: string; readonly value: string }[];
    readonly log?: { readonly metadata?: Readonly<Record<string, string>> };
  };
  for (const { name, value } of decision.response_headers ?? []) state.responseHeaders.set(name, value);
  const told = state.shared.get(METADATA_KEY) ?? {};
  const logged = decision.log?.metadata ?? state.serialized.get("ipe.metadata") ?? {};
  if (!isDeepStrictEqual(told, logged)) throw new Error("later plugins and logs are told different metadata");
  state.metadata = told as KongState["metadata"];
}

/** 503 unless a decision that lets the request pass was recorded. */
export function guard(state: KongState): void {
  const decision = state.shared.get(DECISION_KEY);
  if (typeof decision === "string" && decision.startsWith(PASS_PREFIX)) return;
  state.exit = { status: 503, body: '{"message":"no decision"}', headers: new Map() };
}

function grouped(headers: readonly (readonly [string, Bytes])[]): Record<string, Bytes | Bytes[]> {
  const found: Record<string, Bytes | Bytes[]> = Object.create(null);
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const before = found[key];
    found[key] = before === undefined ? value : [before, value].flat();
  }
  return found;
}

/** `cjson.encode`: bytes above 0x7f as they are, whatever they are. */
function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(characters(value)), "latin1");
}

/** The same value, with one character for each byte of a text. */
function characters(value: unknown): unknown {
  if (typeof value === "string" || value instanceof Uint8Array)
    return Buffer.from(value as string, "utf8").toString("latin1");
  if (Array.isArray(value)) return value.map(characters);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, characters(member)]));
}
