/** What an identity file says (docs/identity.md), read and checked. */

/** Where a token stands in a request. */
export type Carrier =
  /** `scheme`: what stands before the token, lower case (`bearer`); null where the value is the token alone. */
  | { readonly kind: "header"; readonly name: string; readonly scheme: string | null }
  | { readonly kind: "cookie"; readonly name: string };

/** Whose tokens are taken, and what they are verified by. */
export interface Issuer {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly keys: KeysFrom;
  readonly clockSkewSeconds: number;
  readonly carrier: Carrier;
  /** Claims that a token must have. */
  readonly required: readonly string[];
  /** What `typ` of the token's header must be, or null. */
  readonly type: string | null;
}

export type KeysFrom =
  | ({ readonly kind: "url"; readonly url: string } & KeyTimes)
  | ({ readonly kind: "file"; readonly path: string } & KeyTimes)
  /** A secret that issuer and we share. */
  | { readonly kind: "hmac"; readonly secret: Uint8Array };

export interface KeyTimes {
  /** After this the keys are fetched again, beside the requests that use them. */
  readonly cacheMs: number;
  /** After this, where fetching fails, there are no keys. */
  readonly staleMs: number;
  /** Between two attempts to fetch. */
  readonly cooldownMs: number;
  readonly timeoutMs: number;
}

export interface ApiKeys {
  /** Lower case. */
  readonly header: string;
  /** By the SHA-256 of the key, 64 lower-case hex digits. */
  readonly keys: ReadonlyMap<string, ApiKey>;
}

/** Facts of a key, as texts by name; `id` is among them. */
export type ApiKey = ReadonlyMap<string, string | Uint8Array>;

/** The certificate of which the proxy in front of a forward-auth door tells in a header. */
export interface ClientCertificate {
  /** Lower case. */
  readonly header: string;
}

export interface IdentityConfig {
  readonly issuers: readonly Issuer[];
  readonly apiKeys: ApiKeys | null;
  readonly clientCertificate: ClientCertificate | null;
}

/** Of a token with a key pair: who verifies cannot sign. `none` is in no list. */
export const ASYMMETRIC: readonly string[] = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
/** And the bytes that a secret must have at least (RFC 7518, 3.2). */
export const SYMMETRIC: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

export const DEFAULT_TIMES: KeyTimes = {
  cacheMs: 600_000,
  staleMs: 3_600_000,
  cooldownMs: 10_000,
  timeoutMs: 2_000,
};
/** A file is read again this often at most. */
export const FILE_TIMES: Pick<KeyTimes, "cacheMs" | "cooldownMs"> = { cacheMs: 1_000, cooldownMs: 1_000 };
export const DEFAULT_SKEW_SECONDS = 30;
export const SKEW_SECONDS_MAX = 300;

export const BEARER: Carrier = { kind: "header", name: "authorization", scheme: "bearer" };
