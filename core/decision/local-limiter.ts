/** Buckets of tokens in this process. */
import type { LimitRequest } from "./decision.ts";
import type { Limiter, Taking } from "./limits.ts";

/** Buckets that are remembered; beyond it those that nobody took from for longest are forgotten, which means full. */
const BUCKETS_MAX = 262_144;
/** Characters of all their keys. */
const CHARACTERS_MAX = 64 * 2 ** 20;
/** Less than the clock can tell: sums of fractions are not exact. */
const SLACK_MICROS = 0.5;

export interface LocalLimiterOptions {
  /** Microseconds, never going back. Default: since the process began. */
  readonly clock?: () => number;
  readonly bucketsMax?: number;
}

/**
 * A bucket is one number: when it will be full again. A token moves that by its interval, and the bucket is empty where it
 * would lie further ahead than all tokens take. (The generic cell rate algorithm of ITU-T I.371, which is a token bucket.)
 */
export class LocalLimiter implements Limiter {
  readonly #fullAt = new Map<string, number>();
  readonly #clock: () => number;
  readonly #bucketsMax: number;
  #characters = 0;

  constructor({ clock = monotonic, bucketsMax = BUCKETS_MAX }: LocalLimiterOptions = {}) {
    this.#clock = clock;
    this.#bucketsMax = bucketsMax;
  }

  /** Buckets that are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  take(requests: readonly LimitRequest[]): Taking {
    const now = this.#clock();
    let empty: string | null = null;
    let waitMicros = 0;
    for (const request of requests) {
      const missing = this.#next(request, now) - now - request.burst * request.intervalMicros;
      if (missing <= SLACK_MICROS) continue;
      empty ??= request.policy;
      waitMicros = Math.max(waitMicros, missing);
    }
    if (empty !== null) return { taken: false, policy: empty, retryAfterMs: waitMicros / 1000 };
    for (const request of requests) this.#remember(request.key, this.#next(request, now));
    return { taken: true };
  }

  /** When the bucket is full once a token is taken. */
  #next({ key, intervalMicros }: LimitRequest, now: number): number {
    return Math.max(this.#fullAt.get(key) ?? now, now) + intervalMicros;
  }

  #remember(key: string, fullAt: number): void {
    // Of a Map the first key is the oldest: what is used goes to the end.
    if (!this.#fullAt.delete(key)) this.#characters += key.length;
    this.#fullAt.set(key, fullAt);
    while (this.#fullAt.size > this.#bucketsMax || this.#characters > CHARACTERS_MAX) {
      const [oldest] = this.#fullAt.keys();
      this.#fullAt.delete(oldest!);
      this.#characters -= oldest!.length;
    }
  }
}

function monotonic(): number {
  return performance.now() * 1000;
}
