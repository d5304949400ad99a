/** An evaluation as a neutral request (docs/authzen.md). */
import {
  type Fact,
  type FormReader,
  HTTP_FORM_MEMBERS,
  type HttpFacts,
  JSON_ARRAY,
  JSON_FALSE,
  JSON_NULL,
  JSON_OBJECT,
  JSON_STRING,
  JSON_STRING_ESCAPED,
  JSON_TRUE,
  type Member,
  type NeutralRequest,
  readHttp,
  type Text,
  undelivered,
} from "../../../core/index.ts";
import { STATABLE, type StatedFact } from "./config.ts";
import type { Evaluation } from "./evaluation.ts";

export type ReadRequest =
  | { readonly ok: true; readonly request: NeutralRequest }
  | { readonly ok: false; readonly error: string };

/**
 * What an application says of a request that it has received. Never throws.
 *
 * - `context.http` is the request: method, path, host, scheme, protocol, headers, body. Without a `method` there it is `action.name`.
 * - The facts of the configuration come from where the operator says. `null` there is absent.
 * - Everything else is undelivered, and so is what an evaluation does not say: nobody has proved that it is missing.
 *
 * INVARIANT: a verified fact has no other way in than the configuration.
 *
 * @param time milliseconds since 1970, by our own clock: an application's is not asked
 */
export function toNeutral(evaluation: Evaluation, facts: readonly StatedFact[], time: number): ReadRequest {
  const { reader } = evaluation;
  const before = reader.errors.length;
  const http = httpOf(evaluation);
  const stated = new Map(facts.map((fact) => [fact.name, find(evaluation, fact)] as const));
  const builtin = <T>(name: (typeof STATABLE)[number], read: (member: Member) => Fact<T>): Fact<T> => {
    const found = stated.get(name) ?? undelivered;
    if (found === undelivered) return undelivered;
    return reader.kind(found) === JSON_NULL ? undefined : read(found);
  };
  const text = (name: (typeof STATABLE)[number]): Fact<Text> => builtin(name, (at) => textAt(evaluation, at));
  const port = (name: (typeof STATABLE)[number]): Fact<number> =>
    builtin(name, (at) => {
      const value = reader.value(at);
      return typeof value === "number" ? value : undelivered;
    });
  const request: NeutralRequest = {
    ...http,
    time,
    source: { ip: text("source.ip"), port: port("source.port"), principal: text("source.principal") },
    destination: {
      ip: text("destination.ip"),
      port: port("destination.port"),
      principal: text("destination.principal"),
    },
    connection: {
      mtls: builtin("connection.mtls", (at) => flagAt(evaluation, at)),
      requestedServerName: text("connection.requested_server_name"),
      tlsVersion: text("connection.tls_version"),
      subjectPeerCertificate: text("connection.subject_peer_certificate"),
      uriSanPeerCertificate: text("connection.uri_san_peer_certificate"),
      dnsSanPeerCertificate: text("connection.dns_san_peer_certificate"),
      sha256PeerCertificateDigest: text("connection.sha256_peer_certificate_digest"),
    },
    extensions: undelivered,
    attributes: new Map(
      [...stated]
        .filter(([name]) => !STATABLE.some((known) => known === name))
        .map(([name, found]) => [name, found === undelivered ? undelivered : reader.value(found)]),
    ),
  };
  const errors = reader.errors.splice(before);
  return errors.length > 0 ? { ok: false, error: errors.join("; ") } : { ok: true, request };
}

function httpOf({ reader, parts, http }: Evaluation): HttpFacts {
  const context = parts.get("context");
  const object = reader.members(context, null).get("http");
  const known = context === undefined ? undefined : http.get(context.node);
  const facts = known ?? readStated(reader, object);
  if (context !== undefined && reader.errors.length === 0) http.set(context.node, facts);
  if (facts.method !== undelivered) return facts;
  const name = reader.text(reader.members(parts.get("action"), null).get("name"));
  return { ...facts, method: name ?? undelivered };
}

function readStated(reader: FormReader, object: Member | undefined): HttpFacts {
  const members = reader.members(object, HTTP_FORM_MEMBERS);
  return readHttp(reader, members, { place: "context.http", unsaid: undelivered });
}

/** Follow a path; what is not there, and what leads through a text or number, nobody delivered. `null` ends it: nothing is there. */
function find({ reader, parts }: Evaluation, { part, path }: StatedFact): Member | typeof undelivered {
  let at = parts.get(part);
  for (const token of path) {
    if (at === undefined || reader.kind(at) === JSON_NULL) break;
    const kind = reader.kind(at);
    if (kind === JSON_OBJECT) at = reader.members(at, null).get(token);
    else if (kind === JSON_ARRAY && /^(?:0|[1-9][0-9]{0,8})$/.test(token))
      at = reader.elements(at)[Number(token)];
    else return undelivered;
  }
  return at ?? undelivered;
}

function textAt({ reader }: Evaluation, at: Member): Fact<Text> {
  const kind = reader.kind(at);
  return kind === JSON_STRING || kind === JSON_STRING_ESCAPED ? reader.bytes(at) : undelivered;
}

function flagAt({ reader }: Evaluation, at: Member): Fact<boolean> {
  const kind = reader.kind(at);
  return kind === JSON_TRUE || kind === JSON_FALSE ? kind === JSON_TRUE : undelivered;
}
