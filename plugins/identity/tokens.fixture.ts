/** Issuers, tokens and requests for tests. */
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import {
  type Identity,
  type NeutralRequest,
  parseNeutralRequest,
  undelivered,
  type VerifiedFacts,
} from "../../core/index.ts";
import type { IdentityConfig, Issuer, KeyTimes } from "./config.ts";
import { BEARER } from "./config.ts";
import { createIdentities, type IdentityDoor } from "./identity.ts";

export const ISSUER = "https://issuer.example";
export const AUDIENCE = "orders";

export interface TestKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly pem: string;
  readonly alg: string;
}

export async function testKey(alg: string, kid: string | null = "k1"): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), ...(kid === null ? {} : { kid }), alg, use: "sig" };
  return { privateKey, jwk, pem: await exportSPKI(publicKey), alg };
}

export const seconds = (): number => Math.floor(Date.now() / 1000);

export interface TokenParts {
  readonly header?: Readonly<Record<string, unknown>>;
  /** `undefined` leaves a claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export function claimsOf(more: TokenParts["claims"] = {}): Record<string, unknown> {
  return { iss: ISSUER, aud: AUDIENCE, sub: "ann", exp: seconds() + 600, ...more };
}

export async function signed({ privateKey, alg, jwk }: TestKey, parts: TokenParts = {}): Promise<string> {
  const kid = jwk.kid === undefined ? {} : { kid: jwk.kid };
  return new SignJWT(claimsOf(parts.claims))
    .setProtectedHeader({ alg, ...kid, ...parts.header })
    .sign(privateKey);
}

export const base64url = (text: string | Uint8Array): string =>
  Buffer.from(text as string).toString("base64url");

/** A token with these texts as header and payload, signed whatever they are. */
export async function signedTexts(
  { privateKey, alg }: TestKey,
  header: string | Uint8Array,
  payload: string | Uint8Array,
): Promise<string> {
  const input = `${base64url(header)}.${base64url(payload)}`;
  const way =
    alg === "EdDSA" || alg === "Ed25519"
      ? "Ed25519"
      : alg.startsWith("ES")
        ? { name: "ECDSA", hash: "SHA-256" }
        : "RSASSA-PKCS1-v1_5";
  const signature = await crypto.subtle.sign(way, privateKey, Buffer.from(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

export const TIMES: KeyTimes = { cacheMs: 60_000, staleMs: 600_000, cooldownMs: 10_000, timeoutMs: 500 };

export function issuerOf(more: Partial<Issuer> & Pick<Issuer, "keys">): Issuer {
  return {
    ...{ issuer: ISSUER, audiences: [AUDIENCE], algorithms: ["RS256", "ES256", "EdDSA"] },
    ...{ clockSkewSeconds: 0, carrier: BEARER, required: ["exp"], type: null },
    ...more,
  };
}

export type Lines = readonly (readonly [name: string, value: string | Uint8Array])[];

const parsed = parseNeutralRequest('{"request": {"method": "GET", "path": "/"}}');
if (!parsed.ok) throw new Error(parsed.errors.join());
const plain = parsed.request;

export function requestWith(lines: Lines, headersJoined = false): NeutralRequest {
  return { ...plain, headersJoined, headers: lines.map(([name, value]) => ({ name, value })) };
}

/** What comes out of facts, as words; texts as strings. */
export function told(facts: VerifiedFacts): Record<string, string> {
  const word = (fact: unknown): string =>
    fact === undefined
      ? "absent"
      : fact === undelivered
        ? "invalid"
        : `=${Buffer.from(fact as string).toString()}`;
  const entries = [...facts.extensions].map(([key, fact]) => [key, word(fact)]);
  if (facts.principal !== null) entries.push(["source.principal", word(facts.principal.value)]);
  return Object.fromEntries(entries);
}

export interface TestIdentity {
  ask(lines: Lines, keys?: readonly string[], joined?: boolean): Promise<Record<string, string>>;
  readonly refusals: string[];
  readonly problems: string[];
  supplies: Identity["supplies"];
}

/** An identity of a door, with what it told. */
export function testIdentity(
  config: Partial<IdentityConfig>,
  { door = "forward-auth", cache = true }: { readonly door?: IdentityDoor; readonly cache?: boolean } = {},
): TestIdentity {
  const refusals: string[] = [];
  const problems: string[] = [];
  const identity = createIdentities(
    { issuers: [], apiKeys: null, clientCertificate: null, ...config },
    {
      onRefusal: (what, why) => refusals.push(`${what}: ${why}`),
      onProblem: (_, problem) => problems.push(problem),
      cache,
    },
  ).at(door);
  return {
    refusals,
    problems,
    supplies: (fact) => identity.supplies(fact),
    async ask(lines, keys = ["jwt.sub"], joined = false) {
      const facts = keys.map((argument) =>
        argument === "source.principal"
          ? ({ source: "builtin", argument } as const)
          : ({ source: "extension", argument } as const),
      );
      return told(await identity.verify(requestWith(lines, joined), facts));
    },
  };
}
