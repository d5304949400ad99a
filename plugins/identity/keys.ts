/** The keys of an issuer: read or fetched, kept, and fetched again when a token names one that is not among them. */
import { createLocalJWKSet, type JSONWebKeySet, type JWK } from "jose";
import type { KeyTimes } from "./config.ts";

/** As jose takes them: the key for a token's header. Throws where none or several fit. */
export type KeySet = ReturnType<typeof createLocalJWKSet> | (() => Promise<Uint8Array>);

/** More keys than this are no key set of one issuer. */
const KEYS_MAX = 100;
const KEY_TYPES: readonly unknown[] = ["RSA", "EC", "OKP"];

export interface Keys {
  /**
   * The number of the set in force, or null where there is none. What was verified by another set does not count any more. Keys
   * that are due are fetched meanwhile.
   */
  generation(): number | null;
  /** The set in force, fetched if need be; null where it cannot be had. */
  current(): Promise<NumberedSet | null>;
  /** A set that is newer than this one, or null: asked for where this one lacks a key. */
  newerThan(generation: number): Promise<NumberedSet | null>;
}

export interface NumberedSet {
  readonly generation: number;
  readonly set: KeySet;
}

/** Keys that never change. */
export function fixedKeys(set: KeySet): Keys {
  return { generation: () => 0, current: async () => ({ generation: 0, set }), newerThan: async () => null };
}

export interface CachedKeysOptions {
  readonly times: KeyTimes;
  /** The text of the key set. */
  readonly load: (timeoutMs: number) => Promise<string>;
  /** Why keys could not be had, or what is wrong with them. */
  readonly onProblem: (problem: string) => void;
  /** Milliseconds that only rise. */
  readonly now?: () => number;
}

/**
 * Keys that are loaded again. However many tokens ask: one attempt at a time, and none before `cooldownMs` have passed
 * since the last one, so that invented key ids and an issuer that is down cost nobody much.
 */
export class CachedKeys implements Keys {
  readonly #options: CachedKeysOptions;
  readonly #now: () => number;
  #set: KeySet | null = null;
  #text: string | null = null;
  #generation = 0;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #attempt: Promise<void> | null = null;

  constructor(options: CachedKeysOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  generation(): number | null {
    const age = this.#now() - this.#loadedAt;
    const { cacheMs, staleMs } = this.#options.times;
    if (age >= cacheMs) void this.refresh();
    return this.#set !== null && age < staleMs ? this.#generation : null;
  }

  async current(): Promise<NumberedSet | null> {
    if (this.generation() === null) await this.refresh();
    const generation = this.generation();
    return generation === null ? null : { generation, set: this.#set! };
  }

  async newerThan(generation: number): Promise<NumberedSet | null> {
    if (this.#generation === generation) await this.refresh();
    return this.#generation === generation ? null : this.current();
  }

  /** Load once more, unless that was tried a moment ago. Never rejects. */
  refresh(): Promise<void> {
    if (this.#attempt !== null) return this.#attempt;
    if (this.#now() - this.#triedAt < this.#options.times.cooldownMs) return Promise.resolve();
    this.#triedAt = this.#now();
    this.#attempt = this.#load().finally(() => {
      this.#attempt = null;
    });
    return this.#attempt;
  }

  async #load(): Promise<void> {
    const { load, times, onProblem } = this.#options;
    try {
      const text = await load(times.timeoutMs);
      if (text !== this.#text) {
        const { set, leftOut } = parseKeySet(text);
        if (leftOut > 0)
          onProblem(`${leftOut} of its keys are no public keys of RSA, EC or OKP, and are left out`);
        this.#set = set;
        this.#text = text;
        this.#generation++;
      }
      this.#loadedAt = this.#now();
    } catch (problem) {
      onProblem(problem instanceof Error ? problem.message : String(problem));
    }
  }
}

/**
 * A JWK set (RFC 7517). Secrets and private keys are left out: who may read the set could sign with them.
 *
 * @throws where it is none
 */
export function parseKeySet(text: string): { readonly set: KeySet; readonly leftOut: number } {
  const keys = keysOf(text);
  if (keys === null) throw new Error("this is no JWK set: an object with a list `keys` was expected");
  if (keys.length > KEYS_MAX) throw new Error(`the key set has more than ${KEYS_MAX} keys`);
  const usable = keys.filter((key): key is JWK => isPublicKey(key));
  const set: JSONWebKeySet = { keys: usable };
  return { set: createLocalJWKSet(set), leftOut: keys.length - usable.length };
}

function keysOf(text: string): readonly unknown[] | null {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown };
    return Array.isArray(keys) ? keys : null;
  } catch {
    return null;
  }
}

function isPublicKey(key: unknown): boolean {
  if (typeof key !== "object" || key === null || Array.isArray(key)) return false;
  return KEY_TYPES.includes((key as JWK).kty) && !("d" in key) && !("k" in key);
}
