/** A compact token (RFC 7515, 7.1) read strictly, before anything of it is believed. */
import { Buffer } from "node:buffer";
import { type Claims, claimsOf } from "../../core/index.ts";

/** Characters. Tokens go in headers, of which proxies take 32 to 60 KiB in all. */
export const TOKEN_LENGTH_MAX = 16 * 1024;

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/**
 * Members of a token's header by which it would choose its own key (RFC 7515, 4.1), or ask for what is not done here
 * (`crit`). They are ignored by who knows better; a token that brings them is up to no good, and refused.
 */
const REFUSED_MEMBERS = ["jwk", "jku", "x5u", "x5c", "crit"];

export type TokenText =
  | {
      readonly ok: true;
      /** What the token says of its issuer; nobody has verified it. */
      readonly issuer: string;
      readonly claims: Claims;
    }
  | { readonly ok: false; readonly reason: TokenTextRefusal };

export type TokenTextRefusal = "too-long" | "malformed" | "own-key" | "no-issuer";

/** Header and payload must each be one strict JSON object: UTF-8, no name twice, base64url to the last bit. */
export function readToken(token: string): TokenText {
  if (token.length > TOKEN_LENGTH_MAX) return { ok: false, reason: "too-long" };
  const parts = COMPACT.test(token) ? token.split(".").map(decoded) : [];
  const [headerBytes, payload, signature] = parts;
  if (headerBytes == null || payload == null || signature == null) return { ok: false, reason: "malformed" };
  const header = claimsOf(headerBytes);
  const claims = claimsOf(payload);
  if (header === null || claims === null) return { ok: false, reason: "malformed" };
  // `null` too: `x5u` of null is a header that some parser may take for one.
  const members = JSON.parse(headerBytes.toString()) as object;
  if (REFUSED_MEMBERS.some((name) => Object.hasOwn(members, name))) return { ok: false, reason: "own-key" };
  const { iss } = JSON.parse(payload.toString()) as { readonly iss?: unknown };
  return typeof iss === "string" ? { ok: true, issuer: iss, claims } : { ok: false, reason: "no-issuer" };
}

/** Null where the text is no base64url to the last bit: two texts would be one token. */
function decoded(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : null;
}
