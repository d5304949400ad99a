/** What an operator says about AuthZEN: who may ask, and which facts callers may state. */
import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { checkAttributeNames, type Engine } from "../../../core/index.ts";

export interface AuthzenConfig {
  /** Any of these bearer tokens opens the door. */
  readonly tokens: readonly string[];
  /** Facts that callers may state, and where an evaluation has them. */
  readonly facts: readonly StatedFact[];
  /** How callers reach this server, for the metadata document, without a slash at its end; null: as they did. */
  readonly url: string | null;
}

export interface StatedFact {
  /** A declared attribute, or one of `STATABLE`. */
  readonly name: string;
  /** One of `PARTS`. */
  readonly part: Part;
  /** Names and indexes from there on. */
  readonly path: readonly string[];
}

/** The four parts of an evaluation. */
export const PARTS = ["subject", "action", "resource", "context"] as const;
export type Part = (typeof PARTS)[number];

/** Built-in facts that are verified at a proxy: here they are known only if the operator believes its callers. */
export const STATABLE = [
  ...["source.ip", "source.port", "source.principal"],
  ...["destination.ip", "destination.port", "destination.principal"],
  ...["connection.mtls", "connection.requested_server_name", "connection.tls_version"],
  ...["connection.subject_peer_certificate", "connection.uri_san_peer_certificate"],
  ...["connection.dns_san_peer_certificate", "connection.sha256_peer_certificate_digest"],
] as const;

/** Shorter ones can be guessed. */
const TOKEN_CHARACTERS_MIN = 32;

/**
 * The tokens of a file: one a line, so that an old and a new one hold at once.
 *
 * @throws with a message that says what to do
 */
export function parseTokens(text: string): string[] {
  const tokens = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (tokens.length === 0)
    throw new Error("it holds no token; write one, such as `openssl rand -hex 32` gives");
  for (const token of tokens) {
    // RFC 6750, section 2.1. The message must not hold the token.
    if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
      throw new Error("a token has letters, digits and `-._~+/` only, and one stands on each line");
    if (token.length < TOKEN_CHARACTERS_MIN)
      throw new Error(
        `a token has at least ${TOKEN_CHARACTERS_MIN} characters; \`openssl rand -hex 32\` gives one`,
      );
  }
  return tokens;
}

/**
 * `NAME=/PART/...`: a fact and the JSON pointer (RFC 6901) to where an evaluation has it.
 *
 * @throws with a message that says what to do
 */
export function parseFact(text: string): StatedFact {
  const [, name, pointer] = /^([^=\s]+)=(\/.*)$/s.exec(text) ?? [];
  const tokens = (pointer ?? "").slice(1).split("/");
  const part = PARTS.find((each) => each === tokens[0]);
  if (name === undefined || part === undefined || /~(?![01])/.test(pointer!))
    throw new Error(
      `\`${text}\` is no NAME=POINTER, where the JSON pointer begins with /subject, /action, /resource or /context: tenant=/subject/properties/tenant`,
    );
  const path = tokens.slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  return { name, part, path };
}

/** @throws with a message that says what to do */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /[?#\s]/.test(text) || url.username !== "")
    throw new Error(`\`${text}\` is no URL such as https://pdp.example.org, without query and fragment`);
  return text.replace(/\/+$/, "");
}

/** Why a bundle does not go with the facts that are configured, as a sentence, or null. */
export function factObjection(
  { program }: Pick<Engine, "program">,
  facts: readonly StatedFact[],
): string | null {
  const attributes = new Map(
    facts.filter(({ name }) => !STATABLE.some((each) => each === name)).map(({ name }) => [name, null]),
  );
  const [error] = checkAttributeNames({ attributes }, program);
  if (error === undefined) return null;
  return `AuthZEN cannot use the bundle: a fact that callers may state is none of it: ${error}`;
}

/** Verified facts that a bundle reads and callers may not state: whatever asks for them is unknown, and denies. */
export function unstatedFacts({ program }: Pick<Engine, "program">, facts: readonly StatedFact[]): string[] {
  const stated = new Set(facts.map(({ name }) => name));
  return program.slots
    .filter(({ read, name, source }) => {
      const verified = source === "extension" || STATABLE.some((each) => each === name);
      return read && verified && !stated.has(name);
    })
    .map(({ name }) => name);
}

/** Whether an `Authorization` header shows one of the tokens. Takes as long whichever it is, and however much of it is right. */
export function createAuthentication(tokens: readonly string[]): (header: string) => boolean {
  const digests = tokens.map(digest);
  return (header) => {
    const shown = digest(/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? "");
    let known = false;
    for (const each of digests) known = timingSafeEqual(each, shown) || known;
    return known;
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
