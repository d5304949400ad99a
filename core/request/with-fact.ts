/**
 * A request with one fact changed where a client, a proxy or an operator would change it: the header, the member of the
 * body, the segment of the path. Whoever changes a fact looks at the slots afterwards: not every value can be said by
 * every source (a header holds no line feed), and some facts stand in each other's way (a method picks the resource).
 */
import type { Program, Slot } from "../bytecode/program.ts";
import { parseDatetime } from "../source/time.ts";
import { type Json, NO_RESOURCE } from "./facts.ts";
import {
  type Connection,
  type HeaderLine,
  type NeutralRequest,
  type Peer,
  type Text,
  undelivered,
} from "./neutral.ts";
import { fitsCount, placeIn } from "./resources.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const REQUEST_ID_HEADER = "x-request-id";
/** A path that no declared resource of two segments or more takes; those that do are tried and found out. */
const UNKNOWN_PATHS = ["/", "/other", "/other/other"];
const CAPTURED = "1";

const CONNECTION_FACTS: Readonly<Record<string, keyof Connection>> = {
  "connection.mtls": "mtls",
  "connection.requested_server_name": "requestedServerName",
  "connection.tls_version": "tlsVersion",
  "connection.subject_peer_certificate": "subjectPeerCertificate",
  "connection.uri_san_peer_certificate": "uriSanPeerCertificate",
  "connection.dns_san_peer_certificate": "dnsSanPeerCertificate",
  "connection.sha256_peer_certificate_digest": "sha256PeerCertificateDigest",
};

/** The request with another value for a slot (`undefined`: left out), or null where there is no way to say it. */
export function withFact(
  request: NeutralRequest,
  slot: Slot,
  value: Json | undefined,
  program: Program,
): NeutralRequest | null {
  if (request.attributes?.has(slot.name) === true) return withAttribute(request, slot, value);
  switch (slot.source) {
    case "header":
      return withHeader(request, slot.argument, textsOf(slot, value, ", "));
    case "query":
      return withQuery(request, slot.argument, textsOf(slot, value, null));
    case "cookie":
      return withCookie(request, slot.argument, textsOf(slot, value, null));
    case "capture":
      return withCapture(request, slot, value, program);
    case "body":
      return withMember(request, slot.argument, value);
    case "extension": {
      const [text] = textsOf(slot, value, ",");
      const extensions = new Map(request.extensions === undelivered ? [] : request.extensions);
      if (text === undefined) extensions.delete(slot.argument);
      else extensions.set(slot.argument, text);
      return { ...request, extensions };
    }
    case "builtin":
      return withBuiltin(request, slot, value, program);
  }
}

/** The request with an attribute set directly, whatever its source says. Built-ins cannot be set so. */
export function withAttribute(request: NeutralRequest, slot: Slot, value: Json | undefined): NeutralRequest {
  return { ...request, attributes: new Map([...(request.attributes ?? []), [slot.name, value ?? null]]) };
}

/** Texts of a value; a list becomes one text with `separator` between, or with null one text an element. */
function textsOf(slot: Slot, value: Json | undefined, separator: string | null): string[] {
  if (value === undefined) return [];
  if (slot.shape.type !== "list" || !Array.isArray(value)) return [textOf(value)];
  return separator === null ? value.map(textOf) : [value.map(textOf).join(separator)];
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

// --- headers and cookies ---

function withHeader(request: NeutralRequest, name: string, values: readonly string[]): NeutralRequest {
  const others = linesOf(request).filter((line) => line.name.toLowerCase() !== name);
  return { ...request, headers: [...others, ...values.map((value) => ({ name, value }))] };
}

function linesOf(request: NeutralRequest): readonly HeaderLine[] {
  return request.headers === undelivered ? [] : request.headers;
}

function withCookie(request: NeutralRequest, name: string, values: readonly string[]): NeutralRequest {
  const lines = linesOf(request).filter((line) => line.name.toLowerCase() === "cookie");
  const pieces = lines
    .flatMap((line) => stringOf(line.value).split(";"))
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "" && piece.slice(0, Math.max(0, piece.indexOf("="))) !== name);
  const all = [...pieces, ...values.map((value) => `${name}=${value}`)];
  return withHeader(request, "cookie", all.length === 0 ? [] : [all.join("; ")]);
}

function stringOf(text: Text): string {
  return typeof text === "string" ? text : decoder.decode(text);
}

// --- path and query ---

interface Target {
  readonly path: string;
  /** Null without `?`. */
  readonly query: string | null;
}

function targetOf(request: NeutralRequest): Target {
  const { target } = request;
  if (target === undefined || target === undelivered) return { path: "/", query: null };
  const text = stringOf(target);
  const at = text.indexOf("?");
  return at < 0 ? { path: text, query: null } : { path: text.slice(0, at), query: text.slice(at + 1) };
}

function withTarget(request: NeutralRequest, { path, query }: Target): NeutralRequest {
  return { ...request, target: query === null ? path : `${path}?${query}` };
}

function withQuery(request: NeutralRequest, name: string, values: readonly string[]): NeutralRequest {
  const target = targetOf(request);
  const kept = (target.query ?? "")
    .split("&")
    .filter((piece) => piece !== "" && queryName(piece.split("=")[0]!) !== name);
  const all = [...kept, ...values.map((value) => `${escaped(name)}=${escaped(value)}`)];
  return withTarget(request, { ...target, query: all.length === 0 ? null : all.join("&") });
}

/** A malformed name stays as it is written. */
function queryName(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** Percent-encoded; half a surrogate pair cannot be. */
function escaped(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return "";
  }
}

function segmentsOf(path: string): string[] {
  const parts = path.split("/").slice(1);
  return parts.at(-1) === "" ? parts.slice(0, -1) : parts;
}

/** The resource that a request is about; the program's are in order, most specific first. */
function resourceOf(request: NeutralRequest, program: Program): Program["resources"][number] | undefined {
  const method =
    request.method === undelivered || request.method === undefined ? "" : stringOf(request.method);
  const segments = segmentsOf(targetOf(request).path);
  return program.resources.find(
    (resource) =>
      (resource.method === null || resource.method === method) &&
      fitsCount(resource, segments.length) &&
      resource.segments.every(
        (s, i) =>
          s.kind !== "literal" || s.text === queryName(segments[placeIn(resource, i, segments.length)]!),
      ),
  );
}

function withCapture(
  request: NeutralRequest,
  slot: Slot,
  value: Json | undefined,
  program: Program,
): NeutralRequest | null {
  const resource = resourceOf(request, program);
  const at = resource?.segments.findIndex((s) => s.kind === "capture" && s.text === slot.argument) ?? -1;
  if (at < 0) return value === undefined ? request : null;
  if (value === undefined) return null;
  const target = targetOf(request);
  const segments = segmentsOf(target.path);
  segments[placeIn(resource!, at, segments.length)] = escaped(textOf(value));
  return withTarget(request, { ...target, path: `/${segments.join("/")}` });
}

function withResource(
  request: NeutralRequest,
  name: Json | undefined,
  program: Program,
): NeutralRequest | null {
  if (name === undefined) return null;
  const method = request.method === undefined || request.method === undelivered ? "GET" : request.method;
  const whole = { ...request, method };
  if (name === NO_RESOURCE) {
    const path = UNKNOWN_PATHS.find(
      (each) => resourceOf(withTarget(whole, { path: each, query: null }), program) === undefined,
    );
    return path === undefined ? null : withTarget(whole, { ...targetOf(request), path });
  }
  const before = resourceOf(request, program);
  const texts = segmentsOf(targetOf(request).path);
  const captured = new Map(
    (before?.segments ?? []).flatMap(({ kind, text }, i) =>
      kind === "capture" ? [[text, texts[placeIn(before!, i, texts.length)]!] as const] : [],
    ),
  );
  const wanted = program.resources.find(
    (resource) => program.strings.at(program.enums[0]!.members[resource.member]!) === name,
  );
  if (wanted === undefined) return null;
  const path = wanted.segments
    .filter((s) => s.kind !== "rest")
    .map((s) => (s.kind === "literal" ? escaped(s.text) : (captured.get(s.text) ?? CAPTURED)));
  return withTarget(
    { ...whole, method: wanted.method ?? method },
    { ...targetOf(request), path: `/${path.join("/")}` },
  );
}

// --- body ---

function withMember(
  request: NeutralRequest,
  pointer: string,
  value: Json | undefined,
): NeutralRequest | null {
  const root = withPointer(bodyOf(request), tokensOf(pointer), value);
  if (root === undefined) return { ...request, body: { kind: "empty" } };
  const text = spelled(root);
  if (text === null) return null;
  const bytes = encoder.encode(text);
  if (request.body.kind === "bytes" && request.body.json === true)
    return { ...request, body: { kind: "bytes", bytes, json: true } };
  const plain = withHeader(withHeader(request, "content-encoding", []), "content-type", ["application/json"]);
  return { ...plain, body: { kind: "bytes", bytes } };
}

/** Null for what is nested so deeply that it would not be valid anyway. */
function spelled(value: Json): string | null {
  try {
    return JSON.stringify(value);
  } catch {
    return null;
  }
}

/** The body as a value; one that is missing or no JSON begins anew. */
function bodyOf({ body }: NeutralRequest): Json | undefined {
  if (body.kind !== "bytes") return undefined;
  try {
    return JSON.parse(decoder.decode(body.bytes)) as Json;
  } catch {
    return undefined;
  }
}

function tokensOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function withPointer(
  at: Json | undefined,
  tokens: readonly string[],
  value: Json | undefined,
): Json | undefined {
  const [token, ...rest] = tokens;
  if (token === undefined) return value;
  if (Array.isArray(at) && /^(?:0|[1-9][0-9]{0,3})$/.test(token) && Number(token) <= at.length) {
    const part = withPointer(at[Number(token)], rest, value);
    return at.toSpliced(Number(token), 1, part ?? null);
  }
  const members = new Map(
    typeof at === "object" && at !== null && !Array.isArray(at) ? Object.entries(at as object) : [],
  ) as Map<string, Json>;
  const part = withPointer(members.get(token), rest, value);
  if (part === undefined) members.delete(token);
  else members.set(token, part);
  return Object.fromEntries(members);
}

// --- built-in attributes ---

function withBuiltin(
  request: NeutralRequest,
  slot: Slot,
  value: Json | undefined,
  program: Program,
): NeutralRequest | null {
  const text = typeof value === "string" ? value : undefined;
  const number = typeof value === "number" ? value : undefined;
  const connection = CONNECTION_FACTS[slot.name];
  if (connection !== undefined)
    return { ...request, connection: { ...request.connection, [connection]: value } };
  switch (slot.name) {
    case "request.method":
      return { ...request, method: text };
    case "request.path":
      return text === undefined ? null : withTarget(request, { ...targetOf(request), path: text });
    case "request.query":
      return text === undefined ? null : withTarget(request, { ...targetOf(request), query: text });
    case "request.host":
      return { ...request, host: text };
    case "request.scheme":
      return { ...request, scheme: text };
    case "request.protocol":
      return { ...request, protocol: text };
    case "request.size":
      return { ...request, size: number };
    case "request.time":
      return { ...request, time: text === undefined ? undefined : (parseDatetime(text) ?? undefined) };
    case "request.id":
      return withHeader(request, REQUEST_ID_HEADER, text === undefined ? [] : [text]);
    case "resource.type":
      return withResource(request, value, program);
    default: {
      const [end, fact] = slot.name.split(".") as [string, string];
      if ((end !== "source" && end !== "destination") || !["ip", "port", "principal"].includes(fact))
        return null;
      const peer: Peer = { ...request[end], [fact]: value };
      return { ...request, [end]: peer };
    }
  }
}
