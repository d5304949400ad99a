import { Buffer } from "node:buffer";
import {
  announcedSize,
  type Body,
  type Fact,
  type HeaderLine,
  type NeutralRequest,
  type Program,
  type Text,
  undelivered,
  undeliveredConnection,
} from "../../../core/index.ts";
import { BODY_LIMIT_MAX } from "./config.ts";
import { text, textOrAbsent } from "./kong-text.ts";
import type { Pdk } from "./pdk.ts";
import type { Snapshot } from "./snapshot.ts";
import { askVerified, extensionsOf, type VerifiedFacts, verifiedNameOf } from "./verified.ts";

/** What Kong says of a request, before anything is made of it. `undefined`: it was not asked, or had no answer. */
export interface KongFacts extends VerifiedFacts {
  readonly method: unknown;
  /** The target as received. Kong's `get_path` is normalised, `get_path_with_query` is not. */
  readonly target: unknown;
  /** By name: a text, or a list of texts where there are several lines. `undefined`: too many to be told. */
  readonly headers: unknown;
  readonly scheme: unknown;
  /** 1, 1.1, 2 or 3. */
  readonly version: unknown;
  /** Seconds since 1970, with a fraction. */
  readonly time: unknown;
  readonly sourceIp: unknown;
  readonly sourcePort: unknown;
  readonly destinationIp: unknown;
  readonly destinationPort: unknown;
  /** nginx' `$ssl_server_name`, `$ssl_protocol`, `$ssl_client_verify`: empty where there is no TLS. */
  readonly serverName: unknown;
  readonly tlsVersion: unknown;
  readonly clientVerify: unknown;
  /** All bytes of it; `undefined` where Kong does not have them at hand. */
  readonly body: unknown;
}

export type FactName = keyof KongFacts;

/** Kong's `get_headers` gives at most this many lines, and over a socket nobody hears that there were more. */
export const HEADER_LINES_MAX = 1000;

/** Which facts a bundle needs: each of them may cost a round trip. Method, target and host always are. */
export function factsNeeded(program: Pick<Program, "slots">): ReadonlySet<FactName> {
  const needed = new Set<FactName>(["method", "target", "headers"]);
  for (const { name, read, source, argument } of program.slots) {
    if (!read) continue;
    const verified = source === "extension" ? verifiedNameOf(argument) : undefined;
    if (verified !== undefined) needed.add(verified);
    // Where nothing announces the size it is the body's.
    if (source === "body" || (source === "builtin" && name === "request.size")) needed.add("body");
    const fact = source === "builtin" ? FACT_OF[name] : undefined;
    if (fact !== undefined) needed.add(fact);
  }
  return needed;
}

/** The keys of Kong's that a bundle reads. */
export function extensionKeys(program: Pick<Program, "slots">): readonly string[] {
  return program.slots
    .filter(({ read, source }) => read && source === "extension")
    .map(({ argument }) => argument);
}

const FACT_OF: Readonly<Record<string, FactName | undefined>> = {
  "request.scheme": "scheme",
  "request.protocol": "version",
  "request.time": "time",
  "source.ip": "sourceIp",
  "source.port": "sourcePort",
  "destination.ip": "destinationIp",
  "destination.port": "destinationPort",
  "connection.requested_server_name": "serverName",
  "connection.tls_version": "tlsVersion",
  "connection.mtls": "clientVerify",
};

/** Ask Kong for each fact by itself: one round trip each. */
export async function askFacts(kong: Pdk, needed: ReadonlySet<FactName>): Promise<KongFacts> {
  const ask = async (name: FactName, call: () => Promise<unknown>): Promise<unknown> =>
    needed.has(name) ? await call() : undefined;
  return {
    method: await kong.request.getMethod(),
    target: await kong.request.getPathWithQuery(),
    headers: await kong.request.getHeaders(HEADER_LINES_MAX),
    scheme: await ask("scheme", () => kong.request.getForwardedScheme()),
    version: await ask("version", () => kong.request.getHttpVersion()),
    time: await ask("time", () => kong.nginx.reqStartTime()),
    sourceIp: await ask("sourceIp", () => kong.client.getForwardedIp()),
    sourcePort: await ask("sourcePort", () => kong.client.getForwardedPort()),
    destinationIp: await ask("destinationIp", () => kong.nginx.getVar("server_addr")),
    destinationPort: await ask("destinationPort", () => kong.nginx.getVar("server_port")),
    serverName: await ask("serverName", () => kong.nginx.getVar("ssl_server_name")),
    tlsVersion: await ask("tlsVersion", () => kong.nginx.getVar("ssl_protocol")),
    clientVerify: await ask("clientVerify", () => kong.nginx.getVar("ssl_client_verify")),
    body: await ask("body", () => kong.request.getRawBody()),
    ...(await askVerified(kong, needed)),
  };
}

/** Ask for what the snapshot was not told to hand over. Of groups it may be only that they are not known. */
export async function askMissing(
  kong: Pdk,
  { facts, holds }: Pick<Snapshot, "facts" | "holds">,
  needed: ReadonlySet<FactName>,
): Promise<KongFacts> {
  const missing = new Set([...needed].filter((name) => !holds(name)));
  if (missing.size === 0) return facts;
  const asked = await askVerified(kong, missing);
  const told = Object.entries(asked).filter(([name]) => missing.has(name as FactName));
  return {
    ...facts,
    ...Object.fromEntries(told),
    ...(missing.has("body") ? { body: await kong.request.getRawBody() } : {}),
  };
}

/**
 * What Kong says as a neutral request (docs/request.md). Pure; never throws, whatever was said.
 *
 * - **Path**: the target of the request line as nginx received it (`$request_uri`).
 * - **Host**: the header `host`, by which Kong's router chooses the route (`http_host` in kong/router); several lines
 *   are undelivered. `kong.request.get_host` is nginx' `$host`, which a target in absolute form overrides.
 * - **Source**: `get_forwarded_ip`, so what Kong's `trusted_ips` and `real_ip_header` make of it; scheme and port likewise.
 * - **Body**: Kong has read all of it (`ngx.req.read_body`), or says nothing. One of exactly the longest length counts only
 *   if a `content-length` announced it, as everywhere (docs/request.md, section 7).
 * - **Connection**: nginx' variables. A connection without TLS has no server name and no TLS version, and is no mutual
 *   TLS; a client certificate that did not verify says neither yes nor no.
 * - **Extensions**: what Kong itself has verified, by the keys that are asked for.
 * - Principals, certificates: nothing of Kong's tells them.
 */
export function toNeutral(
  facts: KongFacts,
  bodyLimit = BODY_LIMIT_MAX,
  keys: readonly string[] = [],
): NeutralRequest {
  const headers = headerLines(facts.headers);
  const lengths = valuesOf(headers, "content-length");
  const announced = headers === undelivered ? undelivered : announcedSize(lengths);
  const body = bodyOf(facts.body, bodyLimit, announced);
  return {
    method: text(facts.method),
    target: text(facts.target),
    host: hostOf(headers),
    scheme: text(facts.scheme),
    protocol: protocolOf(facts.version),
    size: announced === undefined ? sizeOf(body) : announced,
    time: timeOf(facts.time),
    headers,
    headersJoined: false,
    body,
    source: { ip: text(facts.sourceIp), port: portOf(facts.sourcePort), principal: undelivered },
    destination: {
      ip: text(facts.destinationIp),
      port: portOf(facts.destinationPort),
      principal: undelivered,
    },
    connection: {
      ...undeliveredConnection,
      requestedServerName: textOrAbsent(facts.serverName),
      tlsVersion: textOrAbsent(facts.tlsVersion),
      mtls: mtlsOf(facts.clientVerify),
    },
    extensions: extensionsOf(facts, keys),
  };
}

/** Names and values; one line that cannot be understood makes them all unknown. */
function headerLines(headers: unknown): readonly HeaderLine[] | typeof undelivered {
  if (headers === null || typeof headers !== "object" || Array.isArray(headers)) return undelivered;
  const lines: HeaderLine[] = [];
  for (const [name, values] of Object.entries(headers)) {
    // Kong's MsgPack client writes an empty list for a header without a value (mp_rpc.lua, `fix_mmap`).
    const many = Array.isArray(values) ? (values.length === 0 ? [""] : values) : [values];
    for (const value of many) {
      const line = lineOf(value);
      if (line === undelivered) return undelivered;
      lines.push({ name, value: line });
    }
  }
  // Kong stops at that many and does not say so.
  return lines.length >= HEADER_LINES_MAX ? undelivered : lines;
}

function lineOf(value: unknown): Text | typeof undelivered {
  // nginx' Lua module has `true` for a header without a value.
  if (value === true || value === "" || (value instanceof Uint8Array && value.length === 0)) return "";
  return text(value);
}

function valuesOf(lines: readonly HeaderLine[] | typeof undelivered, name: string): Text[] {
  if (lines === undelivered) return [];
  return lines.filter((line) => line.name.toLowerCase() === name).map((line) => line.value);
}

function hostOf(headers: readonly HeaderLine[] | typeof undelivered): Fact<Text> {
  if (headers === undelivered) return undelivered;
  const [host, second] = valuesOf(headers, "host");
  return second === undefined ? host : undelivered;
}

const PROTOCOLS: Readonly<Record<number, string | undefined>> = {
  1: "HTTP/1.0",
  1.1: "HTTP/1.1",
  2: "HTTP/2",
  3: "HTTP/3",
};

function protocolOf(version: unknown): Fact<string> {
  return (typeof version === "number" ? PROTOCOLS[version] : undefined) ?? undelivered;
}

/** nginx counts whole milliseconds; as seconds they are a fraction that no double holds exactly. */
function timeOf(seconds: unknown): Fact<number> {
  return typeof seconds === "number" && seconds > 0 ? Math.round(seconds * 1000) : undelivered;
}

function portOf(port: unknown): Fact<number> {
  const digits = typeof port === "number" ? String(port) : latin1(port);
  return /^[1-9][0-9]{0,4}$/.test(digits) ? Number(digits) : undelivered;
}

function mtlsOf(verify: unknown): Fact<boolean> {
  const said = latin1(verify);
  if (said === "SUCCESS") return true;
  return said === "" || said === "NONE" ? false : undelivered;
}

function latin1(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  return typeof value === "string" ? value : "";
}

function bodyOf(body: unknown, limit: number, announced: Fact<number>): Body {
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  if (!(bytes instanceof Uint8Array) || bytes.length > limit) return { kind: "undelivered" };
  if (bytes.length === 0) return { kind: "empty" };
  if (bytes.length === BODY_LIMIT_MAX && announced !== bytes.length) return { kind: "undelivered" };
  return { kind: "bytes", bytes };
}

function sizeOf(body: Body): Fact<number> {
  if (body.kind === "empty") return 0;
  return body.kind === "bytes" ? body.bytes.length : undelivered;
}
