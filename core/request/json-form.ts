/**
 * The JSON form of a request, as people write it for the command line (docs/request.schema.json): text in, neutral
 * request out, or every mistake in it.
 *
 * An object or array as `body` survives exactly as written, with its duplicate names and long numbers: the policy's
 * rules judge it, not this reader.
 */
import type { Program } from "../bytecode/program.ts";
import { BUILTINS } from "../source/gen/facts.ts";
import { didYouMean } from "../source/suggest.ts";
import { HTTP_FORM_MEMBERS, readHttp } from "./form-http.ts";
import { FormReader, type Member } from "./form-reader.ts";
import type { Connection, NeutralRequest, Peer } from "./neutral.ts";

export type ParsedRequest =
  | { readonly ok: true; readonly request: NeutralRequest }
  | { readonly ok: false; readonly errors: readonly string[] };

const PORT_MAX = 65535;

/** Members of the JSON form. */
export const REQUEST_FORM_MEMBERS = [
  "request",
  "source",
  "destination",
  "connection",
  "extensions",
  "attributes",
];
const REQUEST_MEMBERS = [...HTTP_FORM_MEMBERS, "size", "time"];
const PEER_MEMBERS = ["ip", "port", "principal"];
const CONNECTION_MEMBERS = [
  "mtls",
  "requested_server_name",
  "tls_version",
  "subject_peer_certificate",
  "uri_san_peer_certificate",
  "dns_san_peer_certificate",
  "sha256_peer_certificate_digest",
];

/**
 * Reads a request. Text is read as it stands; any other value as the text that `JSON.stringify` makes of it.
 * The errors name the member by its path, as in "`request.metod` is unknown: did you mean `request.method`?".
 */
export function parseNeutralRequest(value: unknown): ParsedRequest {
  const text = typeof value === "string" || value instanceof Uint8Array ? value : stringify(value);
  if (text === null) return { ok: false, errors: ["the request is no JSON value"] };
  const reader = new FormReader(typeof text === "string" ? new TextEncoder().encode(text) : text);
  const request = reader.scan() ? readRequest(reader) : null;
  return request === null || reader.errors.length > 0
    ? { ok: false, errors: reader.errors }
    : { ok: true, request };
}

/** Complaints about names in `attributes` that the program does not declare, or that are built in. */
export function checkAttributeNames(
  request: Pick<NeutralRequest, "attributes">,
  program: Pick<Program, "slots">,
): string[] {
  const builtins: string[] = BUILTINS.map((builtin) => builtin.name);
  const declared = program.slots.filter((slot) => slot.source !== "builtin").map((slot) => slot.name);
  const errors: string[] = [];
  for (const name of request.attributes?.keys() ?? []) {
    if (declared.includes(name)) continue;
    if (builtins.includes(name))
      errors.push(`attribute \`${name}\` is built in: give it as a part of the request`);
    else
      errors.push(
        `attribute \`${name}\` is not declared: ${didYouMean(name, declared, "declare it in the policy text")}`,
      );
  }
  return errors;
}

function readRequest(reader: FormReader): NeutralRequest {
  const top = reader.members(reader.root, REQUEST_FORM_MEMBERS);
  const http = reader.members(top.get("request"), REQUEST_MEMBERS);
  const facts = readHttp(reader, http, { place: "request", unsaid: undefined });
  const attributes = readAttributes(reader, top.get("attributes"));
  return {
    ...facts,
    size: reader.whole(http.get("size"), Number.MAX_SAFE_INTEGER) ?? facts.size,
    time: reader.datetime(http.get("time")),
    source: readPeer(reader, top.get("source")),
    destination: readPeer(reader, top.get("destination")),
    connection: readConnection(reader, top.get("connection")),
    extensions: readExtensions(reader, top.get("extensions")),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

function readPeer(reader: FormReader, member: Member | undefined): Peer {
  const peer = reader.members(member, PEER_MEMBERS);
  return {
    ip: reader.text(peer.get("ip")),
    port: reader.whole(peer.get("port"), PORT_MAX),
    principal: reader.text(peer.get("principal")),
  };
}

function readConnection(reader: FormReader, member: Member | undefined): Connection {
  const connection = reader.members(member, CONNECTION_MEMBERS);
  return {
    mtls: reader.flag(connection.get("mtls")),
    requestedServerName: reader.text(connection.get("requested_server_name")),
    tlsVersion: reader.text(connection.get("tls_version")),
    subjectPeerCertificate: reader.text(connection.get("subject_peer_certificate")),
    uriSanPeerCertificate: reader.text(connection.get("uri_san_peer_certificate")),
    dnsSanPeerCertificate: reader.text(connection.get("dns_san_peer_certificate")),
    sha256PeerCertificateDigest: reader.text(connection.get("sha256_peer_certificate_digest")),
  };
}

function readExtensions(reader: FormReader, member: Member | undefined): Map<string, string> {
  const extensions = new Map<string, string>();
  for (const [key, value] of reader.members(member, null)) extensions.set(key, reader.text(value) ?? "");
  return extensions;
}

function readAttributes(reader: FormReader, member: Member | undefined): Map<string, unknown> | undefined {
  if (member === undefined) return undefined;
  const attributes = new Map<string, unknown>();
  for (const [name, value] of reader.members(member, null)) attributes.set(name, reader.value(value));
  return attributes;
}

function stringify(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    // A cycle or a bigint.
    return null;
  }
}
