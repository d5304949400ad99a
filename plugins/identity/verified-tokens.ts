/** Tokens that were verified, so that the next request with one costs a hash and not a signature. */
import type { Claims } from "../../core/index.ts";

/** Tokens kept at most; the one that was asked for longest ago goes first. */
export const TOKENS_MAX = 4096;
/** Longer ones are verified each time: they would hold too much memory (4,096 of these 32 MiB). */
export const CACHED_TOKEN_LENGTH_MAX = 8 * 1024;
/** Of a token that does not expire. */
export const LIFETIME_MS_MAX = 300_000;

export interface VerifiedToken {
  readonly claims: Claims;
  /** Milliseconds since 1970: from then on it has expired. */
  readonly expiresAt: number;
  /** By what it was verified: an issuer's keys, and the number of their set. */
  readonly keys: { generation(): number | null };
  readonly generation: number;
}

/** Bounded. Keys are digests: no token is kept. */
export class VerifiedTokens {
  /** In order of use. */
  readonly #tokens = new Map<string, VerifiedToken>();

  /** A token that is good now, or null. */
  get(digest: string, now: number): VerifiedToken | null {
    const token = this.#tokens.get(digest);
    if (token === undefined) return null;
    this.#tokens.delete(digest);
    // Keys that were withdrawn, or cannot be had any more, verify nothing.
    if (now >= token.expiresAt || token.keys.generation() !== token.generation) return null;
    this.#tokens.set(digest, token);
    return token;
  }

  add(digest: string, token: VerifiedToken): void {
    this.#tokens.delete(digest);
    this.#tokens.set(digest, token);
    if (this.#tokens.size <= TOKENS_MAX) return;
    const [oldest] = this.#tokens.keys();
    this.#tokens.delete(oldest!);
  }

  get size(): number {
    return this.#tokens.size;
  }
}
