/** A request in the JSON form that the command line reads: the way back from `parseNeutralRequest`. */
import { formatDatetime } from "../source/time.ts";
import type { Json } from "./facts.ts";
import {
  type Connection,
  type Fact,
  type NeutralRequest,
  type Peer,
  type Text,
  undelivered,
} from "./neutral.ts";

type Members = { readonly [name: string]: Json };

const CONNECTION_MEMBERS: readonly (readonly [keyof Connection, string])[] = [
  ["mtls", "mtls"],
  ["requestedServerName", "requested_server_name"],
  ["tlsVersion", "tls_version"],
  ["subjectPeerCertificate", "subject_peer_certificate"],
  ["uriSanPeerCertificate", "uri_san_peer_certificate"],
  ["dnsSanPeerCertificate", "dns_san_peer_certificate"],
  ["sha256PeerCertificateDigest", "sha256_peer_certificate_digest"],
];

/** The form says nothing of facts that nobody delivered, and has only text: null where the request holds something else. */
export function requestForm(request: NeutralRequest): Members | null {
  try {
    const form = members({
      request: members({
        method: textOf(request.method),
        path: textOf(request.target),
        host: textOf(request.host),
        scheme: textOf(request.scheme),
        protocol: textOf(request.protocol),
        time: request.time === undefined ? undefined : formatDatetime(delivered(request.time)),
        size: numberOf(request.size),
        headers: headersOf(request),
        body: bodyOf(request),
      }),
      source: peerOf(request.source),
      destination: peerOf(request.destination),
      connection: members(
        Object.fromEntries(
          CONNECTION_MEMBERS.map(([fact, name]) => {
            const value = request.connection[fact];
            return [name, typeof value === "boolean" ? value : textOf(value as Fact<Text>)];
          }),
        ),
      ),
      extensions: extensionsOf(request),
      attributes:
        request.attributes === undefined
          ? undefined
          : (Object.fromEntries(request.attributes) as { readonly [name: string]: Json }),
    });
    return form ?? {};
  } catch (problem) {
    if (problem instanceof Unsayable) return null;
    throw problem;
  }
}

class Unsayable extends Error {}

/** Those that are there; undefined where there are none. */
function members(all: { readonly [name: string]: Json | undefined }): Members | undefined {
  const there = Object.entries(all).filter(([, value]) => value !== undefined);
  return there.length === 0 ? undefined : (Object.fromEntries(there) as Members);
}

function delivered<T>(fact: T | typeof undelivered): T {
  if (fact === undelivered) throw new Unsayable();
  return fact as T;
}

function textOf(fact: Fact<Text>): string | undefined {
  const text = delivered(fact);
  if (typeof text === "object") throw new Unsayable();
  return text;
}

function numberOf(fact: Fact<number>): number | undefined {
  return delivered(fact);
}

function headersOf(request: NeutralRequest): Members | undefined {
  if (request.headersJoined) throw new Unsayable();
  const lines = new Map<string, string[]>();
  for (const { name, value } of delivered(request.headers)) {
    const text = textOf(value)!;
    lines.set(name, [...(lines.get(name) ?? []), text]);
  }
  return members(
    Object.fromEntries([...lines].map(([name, values]) => [name, values.length === 1 ? values[0]! : values])),
  );
}

/** A body that counts as JSON whatever its type is written as a value, any other one as text. */
function bodyOf({ body }: NeutralRequest): Json | undefined {
  if (body.kind === "empty") return undefined;
  if (body.kind === "undelivered") throw new Unsayable();
  const text = decodedOf(body.bytes);
  if (body.json !== true) return text;
  const value = parsedOf(text);
  // What JSON.stringify would write in another way, such as a name that stands twice, is lost.
  if (typeof value !== "object" || value === null || JSON.stringify(value) !== text) throw new Unsayable();
  return value;
}

function decodedOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unsayable();
  }
}

function parsedOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Unsayable();
  }
}

function peerOf({ ip, port, principal }: Peer): Members | undefined {
  return members({ ip: textOf(ip), port: numberOf(port), principal: textOf(principal) });
}

function extensionsOf(request: NeutralRequest): Members | undefined {
  const entries = [...delivered(request.extensions)];
  return members(Object.fromEntries(entries.map(([name, text]) => [name, textOf(text)])));
}
