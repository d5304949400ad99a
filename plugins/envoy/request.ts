import { Buffer } from "node:buffer";
import {
  announcedSize,
  type Body,
  type Connection,
  type Fact,
  type HeaderLine,
  type NeutralRequest,
  type Peer,
  type Text,
  undelivered,
  undeliveredConnection,
} from "../../core/index.ts";
import type {
  AttributeContext,
  CheckRequest,
  Peer as EnvoyPeer,
  HeaderMap,
  HttpRequest,
  Timestamp,
} from "../../proto/messages.ts";

/**
 * Under the promise `bodyBuffered`, Envoy has the whole body if it is shorter than this. A body that just fills Envoy's
 * buffer looks whole and may go on, and many configurations name exactly the longest body that a policy reads: so one
 * of that length, unannounced, is not known to be whole.
 */
export const BUFFERED_BYTES = 262_144;

export interface RequestOptions {
  /** See `ServerOptions.bodyBuffered`. */
  readonly bodyBuffered: boolean;
  /** Default `read`. */
  readonly body?: BodyUse;
  /** When the server was asked, in milliseconds since 1970: the time of a connection, of which Envoy says none. */
  readonly askedAt?: number;
}

/**
 * What the bundle wants of the body. Nobody buffers for one that ignores it, so then the promise says nothing. Where
 * only `request.size` is read, the promise tells that there is none, as the filter sees it too; the length of a body
 * that nobody announced stays unknown there and here.
 */
export type BodyUse = "read" | "measured" | "ignored";

/**
 * Envoy's CheckRequest as a neutral request. Pure; never throws on a message that the decoder made.
 *
 * **Headers.** `header_map` (`encode_raw_headers: true`) keeps lines and bytes. `headers` does not: Envoy joins lines
 * with commas and writes `!` for bytes that are not UTF-8 (check_request_utils.cc, `sanitizeUtf8String`). A `!` there
 * may be anything, so it becomes a byte that is not UTF-8, and what contains it is invalid. The same goes for `path`
 * (HTTP/2 clients get any byte into it), `host` and `body`. A message with both is read as both, and a header in both
 * has several lines. Pseudo headers are not headers; where `header_map` has them, they are the exact method, path, host
 * and scheme.
 *
 * **Body.** Envoy does not say whether it buffered, and what it says can mislead:
 * - `size` counts the bytes received so far: it is 0 for a body that has not come yet, so it proves nothing but that there
 *   is more than what the message holds. -1 says that the sender does not know.
 * - `transfer-encoding` is removed before filters run, so its absence proves nothing either.
 * - `x-envoy-auth-partial-body` is `false` for a body that fills `max_request_bytes` exactly, though with
 *   `allow_partial_message` more may follow (and where Envoy sent no such header, a client of another proxy may have).
 *   So `false` proves nothing; anything else, on any line, means truncated.
 * - What follows an upgrade is not buffered and not announced.
 *
 * Hence: the body of a CONNECT or upgrade request, one that is marked partial, or comes as text and bytes at once, is
 * undelivered. Otherwise one well-formed `content-length` decides (Envoy's codecs hold clients to it): a body of
 * exactly that many bytes is whole, or proved empty for 0; any other is truncated and undelivered. Without a
 * `content-length` the body counts as whole, or proved empty, only under the promise `bodyBuffered`, below the size
 * that the promise names, and if nothing in the message contradicts the promise.
 *
 * **Size** is the announced one (`content-length`), else the length of a whole body, else undelivered.
 *
 * **The network filter** sends no `http` block: everything of HTTP is undelivered, and so are extensions, which it cannot
 * send. It says no time either; a connection comes when the server is asked. Where TLS passes through, it knows the server
 * name by the listener filter `tls_inspector` only, and does not say whether there is one: no name is undelivered.
 *
 * **The rest.** A path that is empty
 * (CONNECT) is undelivered. Pipes and internal listeners have no ip or port: undelivered. An empty principal is absent.
 * The API has no TLS version, no mTLS flag and no parsed certificate. The server name is known with
 * `include_tls_session: true` only; that a TLS client named none is not, since the filter cannot know it (see there).
 */
export function toNeutral(check: CheckRequest, options: RequestOptions): NeutralRequest {
  const attributes = check.attributes ?? {};
  const http = attributes.request?.http;
  return {
    ...(http === undefined ? withoutHttp : fromHttp(http, options)),
    time: milliseconds(attributes.request?.time, http === undefined ? options.askedAt : undefined),
    source: peer(attributes.source),
    destination: peer(attributes.destination),
    connection: connection(attributes),
    extensions: extensions(attributes.context_extensions, http !== undefined),
  };
}

/** Envoy always says when a request came; its clock is the one that counts. `otherwise`: where it says nothing. */
function milliseconds(time: Timestamp | undefined, otherwise: number | undefined): Fact<number> {
  if (time === undefined) return otherwise ?? undelivered;
  return (time.seconds ?? 0) * 1000 + Math.floor((time.nanos ?? 0) / 1_000_000);
}

const noExtensions: ReadonlyMap<string, Text> = new Map();

/** `sent`: what is not there, the route does not name. */
function extensions(
  from: Readonly<Record<string, string>> | undefined,
  sent: boolean,
): NeutralRequest["extensions"] {
  if (from === undefined || Object.keys(from).length === 0) return sent ? noExtensions : undelivered;
  return new Map(Object.entries(from).map(([key, value]) => [key, wellFormed(value)]));
}

type HttpFacts = Omit<NeutralRequest, "time" | "source" | "destination" | "connection" | "extensions">;

const undeliveredBody: Body = { kind: "undelivered" };
const emptyBody: Body = { kind: "empty" };

const withoutHttp: HttpFacts = {
  method: undelivered,
  target: undelivered,
  host: undelivered,
  scheme: undelivered,
  protocol: undelivered,
  size: undelivered,
  headers: undelivered,
  headersJoined: false,
  body: undeliveredBody,
};

function fromHttp(http: HttpRequest, options: RequestOptions): HttpFacts {
  const fields = new Fields();
  const joined = http.headers !== undefined && Object.keys(http.headers).length > 0;
  if (joined) addJoined(fields, http.headers);
  if (http.header_map !== undefined) addRaw(fields, http.header_map);
  const method = pseudo(fields.method, http.method);
  const length = announcedSize(fields.lengths);
  const body = fields.upgrade || isConnect(method) ? undeliveredBody : bodyOf(http, fields, length, options);
  return {
    method,
    target: pseudo(fields.path, http.path),
    host: pseudo(fields.authority, http.host),
    scheme: pseudo(fields.scheme, http.scheme),
    protocol: known(http.protocol),
    size: length === undefined ? sizeOf(body, options) : length,
    headers: fields.lines,
    headersJoined: joined,
    body,
  };
}

/** The header lines of one request, and those that say something about the request itself. */
class Fields {
  readonly lines: HeaderLine[] = [];
  readonly method: Text[] = [];
  readonly path: Text[] = [];
  readonly authority: Text[] = [];
  readonly scheme: Text[] = [];
  readonly lengths: Text[] = [];
  upgrade = false;
  partial = false;
  /** A `transfer-encoding`: there is a body. (Envoy removes the line.) */
  encoded = false;

  add(name: string, value: Text): void {
    if (name.startsWith(":")) this.addPseudo(name, value);
    else if (equalsIgnoringCase(name, "x-envoy-auth-partial-body"))
      this.partial ||= latin1(value) !== "false";
    else this.addLine(name, value);
  }

  private addPseudo(name: string, value: Text): void {
    if (name === ":method") this.method.push(value);
    else if (name === ":path") this.path.push(value);
    else if (name === ":authority") this.authority.push(value);
    else if (name === ":scheme") this.scheme.push(value);
  }

  private addLine(name: string, value: Text): void {
    this.lines.push({ name, value });
    if (equalsIgnoringCase(name, "content-length")) this.lengths.push(value);
    else if (equalsIgnoringCase(name, "upgrade")) this.upgrade = true;
    else if (equalsIgnoringCase(name, "transfer-encoding")) this.encoded = true;
  }
}

function addJoined(fields: Fields, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) fields.add(name, sanitized(value));
}

function addRaw(fields: Fields, map: HeaderMap): void {
  for (const { key = "", value = "", raw_value } of map.headers ?? []) {
    const raw = raw_value !== undefined && raw_value.length > 0;
    fields.add(key, raw ? raw_value : wellFormed(value));
    // Only one of the two may be set. A second line makes the header ambiguous, hence invalid.
    if (raw && value !== "") fields.add(key, wellFormed(value));
  }
}

const notText = Uint8Array.of(0xff);

/**
 * The decoder makes U+FFFD of bytes that are not UTF-8, which proto3 has parsers refuse ("Proto3 specification", string).
 * Envoy never sends such bytes, and what another sender meant is not known.
 */
function wellFormed(text: string): Text {
  return text.includes("\ufffd") ? notText : text;
}

/** Text that Envoy sanitised: every `!` may stand for a byte that is not UTF-8, and becomes one. */
function sanitized(text: string): Text {
  if (!text.includes("!")) return wellFormed(text);
  const bytes = Buffer.from(text, "utf8");
  for (let at = bytes.indexOf(0x21); at >= 0; at = bytes.indexOf(0x21, at + 1)) bytes[at] = 0xff;
  return bytes;
}

/** A fact that Envoy sends twice: exact as a pseudo header of `header_map`, sanitised in its own field. */
function pseudo(lines: readonly Text[], field: string | undefined): Fact<Text> {
  const [line, second] = lines;
  if (line === undefined) return field === undefined || field === "" ? undelivered : sanitized(field);
  return second === undefined && line.length > 0 ? line : undelivered;
}

function known(text: string | undefined): Fact<Text> {
  return text === undefined || text === "" ? undelivered : wellFormed(text);
}

function bodyOf(http: HttpRequest, fields: Fields, length: Fact<number>, options: RequestOptions): Body {
  const raw = http.raw_body ?? new Uint8Array(0);
  const text = http.body ?? "";
  if (fields.partial || (raw.length > 0 && text !== "")) return undeliveredBody;
  const bytes = text === "" ? raw : asBytes(sanitized(text));
  const whole =
    length === undefined
      ? options.bodyBuffered && options.body !== "ignored" && !contradicted(http, fields, bytes.length)
      : length === bytes.length;
  if (!whole) return undeliveredBody;
  return bytes.length === 0 ? emptyBody : { kind: "bytes", bytes };
}

/** Whether the message itself shows that there is more than what it holds, whatever was promised. */
function contradicted(http: HttpRequest, fields: Fields, held: number): boolean {
  const received = http.size ?? 0;
  return held >= BUFFERED_BYTES || received < 0 || received > held || (fields.encoded && held === 0);
}

function sizeOf(body: Body, { body: use }: RequestOptions): Fact<number> {
  if (body.kind === "empty") return 0;
  return body.kind === "undelivered" || use === "measured" ? undelivered : body.bytes.length;
}

function peer(from: EnvoyPeer | undefined): Peer {
  if (from === undefined) return { ip: undelivered, port: undelivered, principal: undelivered };
  const socket = from.address?.socket_address;
  return {
    ip: known(socket?.address),
    port: socket?.port_value ?? undelivered,
    principal: (from.principal ?? "") === "" ? undefined : wellFormed(from.principal!),
  };
}

/** Envoy names a principal of its own for every connection with TLS (`setAttrContextPeer`): URI, DNS name or subject. */
function connection({ tls_session: session, destination, request }: AttributeContext): Connection {
  if (session === undefined) return undeliveredConnection;
  const encrypted = (destination?.principal ?? "") !== "";
  const nameless = encrypted || request?.http === undefined ? undelivered : undefined;
  return {
    ...undeliveredConnection,
    requestedServerName: (session.sni ?? "") === "" ? nameless : wellFormed(session.sni!),
  };
}

function isConnect(method: Fact<Text>): boolean {
  return typeof method === "string" || method instanceof Uint8Array ? latin1(method) === "CONNECT" : false;
}

function asBytes(text: Text): Uint8Array {
  return typeof text === "string" ? Buffer.from(text, "utf8") : text;
}

/** Text for comparison with ASCII words: every byte one character. */
function latin1(text: Text): string {
  return typeof text === "string"
    ? text
    : Buffer.from(text.buffer, text.byteOffset, text.length).toString("latin1");
}

function equalsIgnoringCase(name: string, lower: string): boolean {
  return name.length === lower.length && (name === lower || name.toLowerCase() === lower);
}
