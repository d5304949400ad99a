/** Claims of a token that Kong's plugin `jwt` has verified (docs/adr/0014-what-kong-has-verified.md). */
import { Buffer } from "node:buffer";
import { type Claims, claimsOf, HEADER_BYTES_MAX, undelivered } from "../../../core/index.ts";

/**
 * Claims of a token as Kong left it in `ctx.shared`: nothing is verified here. Kong's own parser takes more than this (a name
 * twice, base64 with padding), and the upstream has another one: of such a token no claim is known.
 */
export function claimsOfToken(token: unknown): Claims {
  if (token === undefined || token === null) return () => undefined;
  const payload = payloadOf(token);
  return (payload === null ? null : claimsOf(payload)) ?? (() => undelivered);
}

/** The bytes between the two points, decoded; null where they are no base64url, to the last bit (RFC 7515, section 2). */
function payloadOf(token: unknown): Uint8Array | null {
  if (typeof token !== "string" && !(token instanceof Uint8Array)) return null;
  if (token.length > HEADER_BYTES_MAX) return null;
  const parts = Buffer.from(token as string)
    .toString("latin1")
    .split(".");
  if (parts.length !== 3) return null;
  const bytes = Buffer.from(parts[1]!, "base64url");
  return bytes.toString("base64url") === parts[1] ? bytes : null;
}
