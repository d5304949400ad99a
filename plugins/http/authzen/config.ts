/** What an operator says about AuthZEN: who may ask, and which facts callers may state. */
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
