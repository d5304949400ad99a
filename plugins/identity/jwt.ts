/** One token, verified: signature, algorithm, issuer, audience, times. */
import { errors, jwtVerify } from "jose";
import type { Claims } from "../../core/index.ts";
import type { Issuer } from "./config.ts";
import type { KeySet, Keys } from "./keys.ts";
import { readToken, type TokenTextRefusal } from "./token-text.ts";
import { LIFETIME_MS_MAX, type VerifiedToken } from "./verified-tokens.ts";

/** An issuer with its keys, and where in requests its tokens stand. */
export interface TrustedIssuer {
  readonly issuer: Issuer;
  readonly keys: Keys;
  /** Index of the carrier. */
  readonly carrier: number;
}

export type TokenRefusal =
  | TokenTextRefusal
  | "unknown-issuer"
  | "no-keys"
  | "unknown-key"
  | "ambiguous-key"
  | "expired"
  | "algorithm"
  | "signature"
  | `claim ${string}`
  | "refused";

/** Verify a token that a carrier has brought. Never rejects: whatever is wrong is a reason to refuse it. */
export async function verifyToken(
  token: string,
  carrier: number,
  issuers: readonly TrustedIssuer[],
): Promise<VerifiedToken | TokenRefusal> {
  const read = readToken(token);
  if (!read.ok) return read.reason;
  const trusted = issuers.find((each) => each.carrier === carrier && each.issuer.issuer === read.issuer);
  if (trusted === undefined) return "unknown-issuer";
  try {
    return await verifyBy(trusted, token, read.claims);
  } catch (problem) {
    return refusalOf(problem);
  }
}

async function verifyBy(
  { issuer, keys }: TrustedIssuer,
  token: string,
  claims: Claims,
): Promise<VerifiedToken | TokenRefusal> {
  let used = await keys.current();
  if (used === null) return "no-keys";
  let exp: number | undefined;
  try {
    exp = await expiryOf(token, used.set, issuer);
  } catch (problem) {
    if (!(problem instanceof errors.JWKSNoMatchingKey)) throw problem;
    used = await keys.newerThan(used.generation);
    if (used === null) return "unknown-key";
    exp = await expiryOf(token, used.set, issuer);
  }
  const lifetime = exp === undefined ? Date.now() + LIFETIME_MS_MAX : (exp + issuer.clockSkewSeconds) * 1000;
  // `1e999` is a number of JSON.
  return Number.isFinite(lifetime)
    ? { claims, expiresAt: lifetime, keys, generation: used.generation }
    : "claim exp";
}

/** `exp` of a token that is in order; throws otherwise. */
async function expiryOf(token: string, set: KeySet, issuer: Issuer): Promise<number | undefined> {
  const { payload } = await jwtVerify(token, set, {
    algorithms: [...issuer.algorithms],
    issuer: issuer.issuer,
    audience: [...issuer.audiences],
    clockTolerance: issuer.clockSkewSeconds,
    requiredClaims: [...issuer.required],
    ...(issuer.type === null ? {} : { typ: issuer.type }),
  });
  return payload.exp;
}

function refusalOf(problem: unknown): TokenRefusal {
  if (problem instanceof errors.JWKSNoMatchingKey) return "unknown-key";
  if (problem instanceof errors.JWKSMultipleMatchingKeys) return "ambiguous-key";
  if (problem instanceof errors.JWTExpired) return "expired";
  if (problem instanceof errors.JWTClaimValidationFailed) return `claim ${problem.claim}`;
  if (problem instanceof errors.JOSEAlgNotAllowed) return "algorithm";
  return problem instanceof errors.JWSSignatureVerificationFailed ? "signature" : "refused";
}
