/** Tokens where requests carry them. */
import { type HeaderLine, type NeutralRequest, type Text, undelivered } from "../../core/index.ts";
import type { Carrier } from "./config.ts";

/** A text in a request; `unclear`: it is there, and not exactly one that can be read. */
export type Carried = { readonly kind: "none" | "unclear" } | { readonly kind: "one"; readonly text: string };

export const NONE: Carried = { kind: "none" };
export const UNCLEAR: Carried = { kind: "unclear" };

/** The token of a carrier. What has another scheme (`Basic`) is no token. */
export function tokenIn(request: NeutralRequest, carrier: Carrier): Carried {
  if (carrier.kind === "cookie") return cookieIn(request, carrier.name);
  const carried = headerIn(request, carrier.name);
  if (carried.kind !== "one" || carrier.scheme === null) return carried;
  const [scheme = "", ...rest] = carried.text.split(" ");
  if (scheme.toLowerCase() !== carrier.scheme) return scheme === "" ? UNCLEAR : NONE;
  // RFC 6750, 2.1: one blank or more, and then the token alone.
  const [token, second] = rest.filter((part) => part !== "");
  return token === undefined || second !== undefined ? UNCLEAR : { kind: "one", text: token };
}

/** The value of a header that is there on one line. */
export function headerIn(request: NeutralRequest, name: string): Carried {
  const lines = linesOf(request, name);
  if (lines === null) return UNCLEAR;
  const [line, second] = lines;
  if (line === undefined) return NONE;
  const text = second === undefined ? ascii(line.value) : null;
  // A host that joins lines may have joined these.
  return text === null || text === "" || (request.headersJoined && text.includes(","))
    ? UNCLEAR
    : { kind: "one", text };
}

function cookieIn(request: NeutralRequest, name: string): Carried {
  const lines = linesOf(request, "cookie");
  if (lines === null) return UNCLEAR;
  const found: string[] = [];
  for (const line of lines) {
    const text = latin1(line.value);
    if (request.headersJoined && text.includes(",")) return UNCLEAR;
    for (const pair of text.split(";")) {
      const equals = pair.indexOf("=");
      const end = equals < 0 ? pair.length : equals;
      if (pair.slice(0, end).trim() === name) found.push(equals < 0 ? "" : pair.slice(equals + 1).trim());
    }
  }
  const [text, second] = found;
  if (text === undefined) return NONE;
  return second !== undefined || text === "" ? UNCLEAR : { kind: "one", text };
}

/** Null where the host does not know its headers. */
function linesOf({ headers }: NeutralRequest, name: string): readonly HeaderLine[] | null {
  return headers === undelivered ? null : headers.filter((line) => line.name.toLowerCase() === name);
}

/** Null where some byte is no visible ASCII character, blank or tab. */
function ascii(value: Text): string | null {
  const text = latin1(value);
  return /^[\t\x20-\x7e]*$/.test(text) ? text : null;
}

/** One character for each byte. */
function latin1(value: Text): string {
  return Buffer.from(value as string).toString("latin1");
}
