/**
 * An identity file as configuration, or every mistake in it. The file is YAML or JSON; whoever reads it hands over its
 * values with their places. docs/identity.md shows one.
 */
import { type FileProblem, type FileValue, listText, undelivered } from "../../core/index.ts";
import type { ApiKey, ApiKeys, ClientCertificate, IdentityConfig } from "./config.ts";
import { FileReader, type Place } from "./file-reader.ts";
import { type NamedFiles, readIssuers } from "./issuer-file.ts";

export type IdentityFile =
  | { readonly ok: true; readonly config: IdentityConfig }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const MEMBERS = ["jwt", "api_keys", "client_certificate"];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** Of the empty text, which somebody gets who hashes a variable that is not set. */
const SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export function readIdentityFile(root: FileValue, files: NamedFiles): IdentityFile {
  const reader = new FileReader();
  const members = reader.members(root, "an identity file", MEMBERS);
  if (members.size === 0 && root.kind === "object")
    reader.problem(root, `an identity file has at least one of ${MEMBERS.join(", ")}`);
  const jwt = members.get("jwt")?.value;
  const apiKeys = members.get("api_keys")?.value;
  const certificate = members.get("client_certificate")?.value;
  const config: IdentityConfig = {
    issuers: jwt === undefined ? [] : readIssuers(reader, jwt, files),
    apiKeys: apiKeys === undefined ? null : readApiKeys(reader, apiKeys),
    clientCertificate: certificate === undefined ? null : readCertificate(reader, certificate),
  };
  return reader.problems.length === 0 ? { ok: true, config } : { ok: false, problems: reader.problems };
}

function readApiKeys(reader: FileReader, value: FileValue): ApiKeys {
  const members = reader.members(value, "`api_keys`", ["header", "keys"]);
  const header = reader.optionalText(members, "header") ?? "x-api-key";
  if (!TOKEN.test(header)) reader.problem(members.get("header") ?? value, `\`${header}\` is no header name`);
  const listed = members.get("keys")?.value;
  if (listed === undefined) reader.problem(value, "`keys` is missing");
  const keys = new Map<string, ApiKey>();
  for (const item of listed === undefined ? [] : reader.items(listed, "`keys`")) {
    const [digest, key] = readApiKey(reader, item);
    if (keys.has(digest)) reader.problem(item, "a second key with this `sha256`");
    keys.set(digest, key);
  }
  return { header: header.toLowerCase(), keys };
}

function readApiKey(reader: FileReader, item: FileValue): readonly [digest: string, key: ApiKey] {
  const members = reader.members(item, "a key", ["sha256", "id", "claims"]);
  const digest = reader.requiredText(members, "sha256", item);
  if (digest !== "" && !SHA256.test(digest))
    reader.problem(
      members.get("sha256")!.value,
      "`sha256` must be 64 lower-case hex digits: printf %s KEY | sha256sum",
    );
  if (digest === SHA256_OF_NOTHING)
    reader.problem(members.get("sha256")!.value, "this is the SHA-256 of nothing");
  const facts = new Map<string, string | Uint8Array>([["id", reader.requiredText(members, "id", item)]]);
  const claims = members.get("claims")?.value;
  if (claims !== undefined)
    for (const [name, { value, ...place }] of reader.members(claims, "`claims`", null)) {
      if (name === "id" || name === "") reader.problem(place, "`claims` has no `id` and no empty name");
      const text = claimText(reader, value, place);
      if (text !== null && name !== "id") facts.set(name, text);
    }
  return [digest, facts];
}

/** As a claim of a token would be (core/request/claims.ts). */
function claimText(reader: FileReader, value: FileValue, place: Place): string | Uint8Array | null {
  switch (value.kind) {
    case "null":
      return null;
    case "text":
      return value.text;
    case "number":
      return value.spelling;
    case "bool":
      return String(value.value);
    case "object":
      reader.problem(place, "a claim is a text, a number, true, false or a list of texts");
      return null;
    case "array": {
      const text = listText(reader.texts(value, "a list"));
      if (text !== undelivered) return text as Uint8Array;
      reader.problem(place, "an item of a list has no comma, and no blank at an end");
      return null;
    }
  }
}

function readCertificate(reader: FileReader, value: FileValue): ClientCertificate {
  const members = reader.members(value, "`client_certificate`", ["header"]);
  const header = reader.requiredText(members, "header", value);
  if (header !== "" && !TOKEN.test(header)) reader.problem(value, `\`${header}\` is no header name`);
  return { header: header.toLowerCase() };
}
