/** The query that the upstream gets: without what the client sent under names that policies set, with what they set. */
import { hexDigit } from "../request/text.ts";
import { utf8 } from "../source/bytes.ts";
import type { HeaderValue } from "./decision.ts";

export interface QueryChanges {
  /** What is set, in this order, behind everything else; the client's pairs of these names go. */
  readonly set: readonly HeaderValue[];
  /** Names of which no pair stays: what some policy of the bundle can set, and what this allow removes. */
  readonly remove: readonly string[];
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** What is no UTF-8 is nobody's name, and none is empty. */
const NOBODYS = "";
/** Of RFC 3986, section 2.3. */
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/**
 * A raw query, as behind the `?`, with the changes. Pairs stand between `&`, and a pair goes if its name is one of those, decoded
 * once as for conditions: escapes, and `+` for a blank; what is no escape stays as it is written. All other pairs stay byte for
 * byte, in their order.
 *
 * One thing is not: where a server that separates by `;`, too, would find such a name in a pair, its `;` are escaped. So
 * that server sees the pair as policies do, and none that they have not judged.
 */
export function rewriteQuery(query: string, { set, remove }: QueryChanges): string {
  const names = new Set([...remove, ...set.map(({ name }) => name)]);
  if (names.size === 0) return query;
  const kept = query
    .split("&")
    .filter((pair) => !names.has(nameOf(pair)))
    .map((pair) => (hasHidden(pair, names) ? pair.replaceAll(";", "%3B") : pair))
    .join("&");
  const added = set
    .map(({ name, value }) => `${encodedParameter(name)}=${encodedParameter(value)}`)
    .join("&");
  return kept === "" || added === "" ? kept + added : `${kept}&${added}`;
}

/** Names of pairs as they stand in the query, each once, that mean one of these, or hide one behind a `;`: for hosts that remove by name. */
export function spellingsIn(query: string, names: readonly string[]): string[] {
  const known = new Set(names);
  const meant = query.split("&").filter((pair) => known.has(nameOf(pair)) || hasHidden(pair, known));
  return [...new Set(meant.map(rawName))];
}

function rawName(pair: string): string {
  const equals = pair.indexOf("=");
  return equals === -1 ? pair : pair.slice(0, equals);
}

function nameOf(pair: string): string {
  const name = rawName(pair);
  return /[%+]/.test(name) ? decoded(name) : name;
}

function hasHidden(pair: string, names: ReadonlySet<string>): boolean {
  return pair.includes(";") && pair.split(";").some((piece) => names.has(nameOf(piece)));
}

function decoded(text: string): string {
  // An escape may be part of a character whose other bytes are not escaped, so bytes first.
  const bytes = utf8(text);
  let end = 0;
  for (let i = 0; i < bytes.length; i++) {
    const isEscape = bytes[i] === 0x25 && i + 2 < bytes.length;
    const [high, low] = isEscape ? [hexDigit(bytes[i + 1]!), hexDigit(bytes[i + 2]!)] : [-1, -1];
    if (high >= 0 && low >= 0) {
      bytes[end++] = high * 16 + low;
      i += 2;
    } else bytes[end++] = bytes[i] === 0x2b ? 0x20 : bytes[i]!;
  }
  try {
    return decoder.decode(bytes.subarray(0, end));
  } catch {
    return NOBODYS;
  }
}

/** With everything but unreserved characters as escapes. */
export function encodedParameter(text: string): string {
  return Array.from(utf8(text), (byte) => {
    const character = String.fromCharCode(byte);
    return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}
