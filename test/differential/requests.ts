/** Random requests: what the runtimes get, and the valuation that docs/request.md says it stands for. */

import {
  type Body,
  type Fact,
  type HeaderLine,
  type NeutralRequest,
  type Peer,
  type Text,
  undelivered,
} from "../../core/request/neutral.ts";
import type { Attribute, Schema } from "../../core/schema/schema.ts";
import { ABSENT, INVALID, present, type Valuation, type Value } from "../reference/values.ts";
import { type BuiltinFacts, builtinFacts } from "./builtin-facts.ts";
import { bytesOf, type JsonFact, jsonFact, type TextFact, textFact } from "./facts.ts";
import type { Random } from "./random.ts";
import { TARGETS, type Target, targetIn } from "./targets.ts";

/** `direct`: declared attributes are set by name. `http`: all goes through headers, query, cookies and body. */
export type Route = "direct" | "http";
type BodyState = "json" | "empty" | "null" | "scalar" | "broken" | "untyped" | "encoded" | "undelivered";

/** A request before it is put together; parts can be taken out for shrinking. */
export interface RequestModel {
  readonly route: Route;
  readonly joined: boolean;
  readonly method: Fact<Text>;
  readonly target: Target;
  readonly builtins: BuiltinFacts;
  /** By attribute name; attributes from captures have none, their value hangs on the target. */
  readonly json: ReadonlyMap<string, JsonFact>;
  readonly text: ReadonlyMap<string, TextFact>;
  readonly body: BodyState;
  /** The body's text where it is broken. */
  readonly brokenBody: string;
  readonly query: "good" | "bad-name" | "bad-byte";
  /** Delivered or not. */
  readonly headers: boolean;
  readonly extensions: boolean;
}

export interface BuiltRequest {
  readonly request: NeutralRequest;
  readonly valuation: Valuation;
}

const METHODS: readonly Fact<Text>[] = [
  "GET",
  "GET",
  "GET",
  "POST",
  "POST",
  "PUT",
  "a",
  undefined,
  undelivered,
  "",
  "BAD METHOD",
  Uint8Array.of(0xff),
];
const BROKEN_BODIES = [
  '{"a0":',
  '{"a0":1,"a0":1}',
  "\ufeff{}",
  "{} x",
  '{"a0":"\\ud800"}',
  "{'a0':1}",
  '{"a0":01}',
];

export function generateRequest(schema: Schema, random: Random, route: Route): RequestModel {
  const json = new Map<string, JsonFact>();
  const text = new Map<string, TextFact>();
  for (const a of schema.attributes.values()) {
    if (route === "direct" || a.source === "body")
      json.set(a.name, jsonFact(a.type, random, { direct: route === "direct" }));
    else if (a.source !== "capture")
      text.set(
        a.name,
        textFact(a.type, random, {
          split: a.source === "header" || a.source === "extension",
          once: a.source === "extension",
        }),
      );
  }
  text.set("request.id", textFact({ kind: "string" }, random, { split: false }));
  return {
    route,
    joined: random.chance(15),
    method: random.chance(85) ? random.pick(["GET", "POST"]) : random.pick(METHODS),
    target: targetIn(
      schema.pathMode,
      random.pick(random.chance(85) ? TARGETS.filter((t) => t.valid) : TARGETS),
      random,
    ),
    builtins: builtinFacts(random),
    json,
    text,
    body: random.chance(85)
      ? "json"
      : random.pick(["empty", "null", "scalar", "broken", "untyped", "encoded", "undelivered"] as const),
    brokenBody: random.pick(BROKEN_BODIES),
    query: random.chance(94) ? "good" : random.pick(["bad-name", "bad-byte"] as const),
    headers: random.chance(96),
    extensions: random.chance(95),
  };
}

// --- putting together ---

/** The neutral request, and what it means. */
export function buildRequest(model: RequestModel, schema: Schema): BuiltRequest {
  const attributes = [...schema.attributes.values()];
  const http = model.route === "http";
  const query = queryOf(
    model,
    attributes.filter((a) => http && a.source === "query"),
  );
  const { target } = targetOf(model.target, query);
  const fact = <T>(name: string) => model.builtins.get(name)?.fact as Fact<T>;
  const peer = (name: string): Peer => ({
    ip: fact<Text>(`${name}.ip`),
    port: fact<number>(`${name}.port`),
    principal: fact<Text>(`${name}.principal`),
  });
  const request: NeutralRequest = {
    method: model.method,
    target,
    host: fact<Text>("request.host"),
    scheme: fact<Text>("request.scheme"),
    protocol: fact<Text>("request.protocol"),
    size: fact<number>("request.size"),
    time: fact<number>("request.time"),
    headers: model.headers ? headersOf(model, http ? attributes : []) : undelivered,
    headersJoined: model.joined,
    body: http ? bodyOf(model, attributes) : { kind: "empty" },
    source: peer("source"),
    destination: peer("destination"),
    connection: {
      mtls: fact<boolean>("connection.mtls"),
      requestedServerName: fact<Text>("connection.requested_server_name"),
      tlsVersion: fact<Text>("connection.tls_version"),
      subjectPeerCertificate: fact<Text>("connection.subject_peer_certificate"),
      uriSanPeerCertificate: fact<Text>("connection.uri_san_peer_certificate"),
      dnsSanPeerCertificate: fact<Text>("connection.dns_san_peer_certificate"),
      sha256PeerCertificateDigest: fact<Text>("connection.sha256_peer_certificate_digest"),
    },
    extensions: model.extensions && http ? extensionsOf(model, attributes) : http ? undelivered : new Map(),
    ...(http
      ? {}
      : {
          attributes: new Map(
            [...model.json].map(([name, { json }]) => [name, json === null ? null : JSON.parse(json)]),
          ),
        }),
  };
  return { request, valuation: valuationOf(model, schema, query) };
}

function valuationOf(model: RequestModel, schema: Schema, query: string): Valuation {
  const values = new Map<string, Value>();
  for (const [name, { value }] of model.builtins) values.set(name, value);
  values.set("request.id", model.headers ? requestId(model) : INVALID);
  const method = methodOf(model.method);
  values.set("request.method", method === null ? INVALID : present(method));
  const { path, target } = targetOf(model.target, query);
  values.set("request.path", path);
  const queryInvalid =
    typeof target !== "string" || target === "" || target.includes("#") || model.query === "bad-byte";
  values.set("request.query", queryInvalid ? INVALID : present(query));
  const matched = method === null || path.state !== "present" ? null : model.target.resource(method);
  values.set("resource.type", matched === null ? INVALID : present(matched));
  const cookiesBroken = areCookiesBroken(model, schema);
  for (const a of schema.attributes.values()) values.set(a.name, attributeValue(a));
  return values;

  function attributeValue(a: Attribute): Value {
    const json = model.json.get(a.name);
    if (model.route === "direct") return json!.value;
    switch (a.source) {
      case "body":
        // Without headers a body has no type.
        return model.headers || model.body === "empty" ? bodyValue(model.body, json!) : INVALID;
      case "capture":
        return matched === null
          ? INVALID
          : captureValue(a, matched === "" ? undefined : model.target.captures[matched]?.[a.argument]);
      case "header":
        if (!model.headers) return INVALID;
        return a.type.kind === "list"
          ? model.text.get(a.name)!.value
          : scalarHeader(model, a.name, a.verbatim);
      case "query":
        return queryInvalid || model.query !== "good" ? INVALID : model.text.get(a.name)!.value;
      case "cookie":
        return cookiesBroken || !model.headers ? INVALID : model.text.get(a.name)!.value;
      default:
        return model.extensions ? model.text.get(a.name)!.value : INVALID;
    }
  }
}

function methodOf(method: Fact<Text>): string | null {
  return typeof method === "string" && /^[A-Za-z]+$/.test(method) ? method : null;
}

function targetOf(target: Target, query: string): { target: Fact<Text>; path: Value } {
  if (typeof target.path !== "string") return { target: target.path, path: INVALID };
  const whole = query === "" ? target.path : `${target.path}?${query}`;
  return { target: whole, path: target.valid ? present(target.judged ?? target.path) : INVALID };
}

function captureValue(a: Attribute, text: string | undefined): Value {
  if (text === undefined) return ABSENT;
  if (a.type.kind === "string") return present(text);
  return /^(?:0|[1-9][0-9]*)$/.test(text) ? present(Number(text)) : INVALID;
}

// --- query ---

function queryOf(model: RequestModel, attributes: readonly Attribute[]): string {
  const pieces = attributes.flatMap((a) =>
    model.text.get(a.name)!.occurrences.map(([value]) => `${a.argument}=${percentEncoded(value!)}`),
  );
  // A name that no attribute reads, in between and with a second `=`.
  pieces.splice(1, 0, "", "other=a=b");
  if (model.query === "bad-name") pieces.push("%zz=1");
  if (model.query === "bad-byte") pieces.push("b=é");
  return pieces.join("&");
}

function percentEncoded(bytes: Uint8Array): string {
  return [...bytes]
    .map((byte) =>
      byte === 0x20
        ? "+"
        : /[A-Za-z0-9._-]/.test(String.fromCharCode(byte))
          ? String.fromCharCode(byte)
          : `%${byte.toString(16).padStart(2, "0")}`,
    )
    .join("");
}

// --- headers ---

/** A comma in a value that the host joined counts as several lines. */
function scalarHeader(model: RequestModel, name: string, verbatim: boolean): Value {
  const { value, occurrences } = model.text.get(name)!;
  return model.joined && !verbatim && occurrences.some((line) => line[0]!.includes(0x2c)) ? INVALID : value;
}

/** From a header that proxies join: empty lines drop out while there is another one, and a comma means several. */
function requestId(model: RequestModel): Value {
  const { value, occurrences } = model.text.get("request.id")!;
  if (occurrences.length === 0) return value;
  const lines = occurrences.map((members) =>
    Buffer.from(members[0]!)
      .toString("latin1")
      .replace(/^[ \t]+|[ \t]+$/g, ""),
  );
  const full = lines.filter((line) => line !== "");
  if (full.length === 0) return present("");
  if (full.length > 1 || full[0]!.includes(",")) return INVALID;
  try {
    return present(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(full[0]!, "latin1")),
    );
  } catch {
    return INVALID;
  }
}

function headersOf(model: RequestModel, attributes: readonly Attribute[]): HeaderLine[] {
  const lines: HeaderLine[] = [];
  for (const a of attributes.filter((a) => a.source === "header")) {
    for (const members of model.text.get(a.name)!.occurrences)
      lines.push({ name: a.argument.toUpperCase(), value: joinedBytes(members, ", ") });
  }
  for (const members of model.text.get("request.id")!.occurrences)
    lines.push({ name: "X-Request-Id", value: joinedBytes([bytesOf(" "), members[0]!, bytesOf("\t ")], "") });
  for (const pieces of cookieLines(model, attributes))
    lines.push({ name: "cookie", value: joinedBytes(pieces, "; ") });
  if (model.body !== "untyped")
    lines.push({
      name: "Content-Type",
      value: model.joined ? "application/json" : "Application/Vnd.X+JSON; charset=utf-8",
    });
  if (model.body === "encoded") lines.push({ name: "content-encoding", value: "gzip" });
  return lines;
}

function cookieLines(model: RequestModel, attributes: readonly Attribute[]): Uint8Array[][] {
  const pieces = attributes
    .filter((a) => a.source === "cookie")
    .flatMap((a) =>
      model.text
        .get(a.name)!
        .occurrences.map(([value]) => joinedBytes([bytesOf(`${a.argument}=`), value!], "")),
    );
  if (pieces.length === 0) return [];
  return pieces.length === 1
    ? [pieces]
    : [[...pieces.slice(0, 1), bytesOf("no-equals-sign")], pieces.slice(1)];
}

function areCookiesBroken(model: RequestModel, schema: Schema): boolean {
  const cookies = [...schema.attributes.values()].filter(
    (a) => a.source === "cookie" && model.route === "http",
  );
  return (
    model.joined &&
    cookies.some((a) => model.text.get(a.name)!.occurrences.some(([value]) => value!.includes(0x2c)))
  );
}

function joinedBytes(parts: readonly Uint8Array[], separator: string): Uint8Array {
  return Uint8Array.from(parts.flatMap((part, i) => [...(i === 0 ? [] : bytesOf(separator)), ...part]));
}

function extensionsOf(model: RequestModel, attributes: readonly Attribute[]): Map<string, Text> {
  const found = new Map<string, Text>();
  for (const a of attributes.filter((a) => a.source === "extension")) {
    const { occurrences } = model.text.get(a.name)!;
    // A key holds one text: a list in one piece, a scalar once.
    if (occurrences.length > 0)
      found.set(a.argument, joinedBytes(a.type.kind === "list" ? occurrences.flat() : occurrences[0]!, " ,"));
  }
  return found;
}

// --- body ---

function bodyValue(state: BodyState, { value }: JsonFact): Value {
  if (state === "json") return value;
  return state === "empty" || state === "null" ? ABSENT : INVALID;
}

function bodyOf(model: RequestModel, attributes: readonly Attribute[]): Body {
  if (model.body === "empty" || model.body === "undelivered") return { kind: model.body };
  return { kind: "bytes", bytes: bytesOf(bodyText(model, attributes)) };
}

function bodyText(model: RequestModel, attributes: readonly Attribute[]): string {
  if (model.body === "null") return " null\r\n";
  if (model.body === "scalar") return model.joined ? "[1]" : '"text"';
  if (model.body === "broken") return model.brokenBody;
  const members: string[] = [];
  const group: string[] = [];
  for (const a of attributes.filter((a) => a.source === "body")) {
    const { json } = model.json.get(a.name)!;
    if (json === null) continue;
    if (a.argument.startsWith("/group/"))
      group.push(`${JSON.stringify(a.argument.slice("/group/".length).replaceAll("~1", "/"))}: ${json}`);
    else members.push(`${JSON.stringify(a.argument.slice(1))}: ${json}`);
  }
  if (group.length > 0) members.push(`"group": {${group.join(",")}}`);
  return `{${members.join(", ")} }`;
}
