/** A case's request as the neutral request that core takes. */
import {
  type Body,
  type Fact,
  type HeaderLine,
  type NeutralRequest,
  type Peer,
  type Text,
  undelivered,
} from "../../core/index.ts";
import type { Case, CasePeer, CaseText } from "./vectors.ts";

export function neutralRequest(given: Case): NeutralRequest {
  const hidden = new Set(given.undelivered ?? []);
  const fact = <T>(name: string, value: T | undefined): Fact<T> => (hidden.has(name) ? undelivered : value);
  const { request, connection = {} } = given;
  return {
    method: fact("request.method", request.method),
    target: fact("request.path", request.path),
    host: fact("request.host", request.host),
    scheme: fact("request.scheme", request.scheme),
    protocol: fact("request.protocol", request.protocol),
    size: fact("request.size", request.size ?? bodyBytes(given)?.length ?? 0),
    time: fact("request.time", request.time === undefined ? undefined : Date.parse(request.time)),
    headers: hidden.has("headers") ? undelivered : headerLines(given),
    headersJoined: given.joined ?? false,
    body: hidden.has("body") ? { kind: "undelivered" } : bodyOf(given),
    source: peer("source", given.source ?? {}, fact),
    destination: peer("destination", given.destination ?? {}, fact),
    connection: {
      mtls: fact("connection.mtls", connection.mtls),
      requestedServerName: fact("connection.requested_server_name", connection.requested_server_name),
      tlsVersion: fact("connection.tls_version", connection.tls_version),
      subjectPeerCertificate: fact(
        "connection.subject_peer_certificate",
        connection.subject_peer_certificate,
      ),
      uriSanPeerCertificate: fact("connection.uri_san_peer_certificate", connection.uri_san_peer_certificate),
      dnsSanPeerCertificate: fact("connection.dns_san_peer_certificate", connection.dns_san_peer_certificate),
      sha256PeerCertificateDigest: fact(
        "connection.sha256_peer_certificate_digest",
        connection.sha256_peer_certificate_digest,
      ),
    },
    extensions: extensionsOf(given, hidden),
    ...(given.attributes === undefined ? {} : { attributes: new Map(Object.entries(given.attributes)) }),
  };
}

/** Field lines in order of the case's names. */
export function headerLines({ request }: Case): HeaderLine[] {
  return Object.entries(request.headers ?? {}).flatMap(([name, value]) =>
    [value].flat().map((line) => ({ name, value: textOf(line as CaseText) })),
  );
}

/** The body's bytes; null where there is none. */
export function bodyBytes({ request }: Case): Uint8Array | null {
  if (request.body_base64 !== undefined) return new Uint8Array(Buffer.from(request.body_base64, "base64"));
  if (request.body === undefined) return null;
  return new TextEncoder().encode(
    typeof request.body === "string" ? request.body : JSON.stringify(request.body),
  );
}

/** Is the body given as a JSON value, whatever `content-type` says? */
export function isJsonBody({ request }: Case): boolean {
  return typeof request.body === "object" && request.body !== null;
}

/** `undelivered` names all of them, or one as `extensions.KEY`. */
function extensionsOf(given: Case, hidden: ReadonlySet<string>): NeutralRequest["extensions"] {
  if (hidden.has("extensions")) return undelivered;
  const one = [...hidden].filter((name) => name.startsWith("extensions."));
  return new Map<string, Fact<Text>>([
    ...Object.entries(given.extensions ?? {}),
    ...one.map((name): [string, Fact<Text>] => [name.slice("extensions.".length), undelivered]),
  ]);
}

function bodyOf(given: Case): Body {
  const bytes = bodyBytes(given);
  if (bytes === null) return { kind: "empty" };
  return isJsonBody(given) ? { kind: "bytes", bytes, json: true } : { kind: "bytes", bytes };
}

function peer(name: string, given: CasePeer, fact: <T>(name: string, value: T | undefined) => Fact<T>): Peer {
  return {
    ip: fact(`${name}.ip`, given.ip),
    port: fact(`${name}.port`, given.port),
    principal: fact(`${name}.principal`, given.principal),
  };
}

function textOf(text: CaseText): Text {
  return typeof text === "string" ? text : new Uint8Array(Buffer.from(text.base64, "base64"));
}
