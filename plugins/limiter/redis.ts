/** Buckets that servers share, in Redis or Valkey. */
import { Redis } from "ioredis";
import type { Logger } from "pino";
import { type Limiter, type LimitRequest, LocalLimiter, type Taking } from "../../core/index.ts";
import { TAKE } from "./script.ts";

export interface RedisLimiterOptions {
  /** `redis://[user:password@]host[:port][/database]`, `rediss://` by TLS, or `valkey://`, `valkeys://`. */
  readonly url: string;
  /** Default: that of the URL. */
  readonly password?: string;
  /** Longest wait for an answer. Default 50. */
  readonly timeoutMs?: number;
  /** In front of every key. Default `ipe:`. */
  readonly prefix?: string;
  readonly logger: Logger;
  readonly counter?: LimiterCounter;
}

/** Whoever counts how limits are taken. It must not throw. */
export interface LimiterCounter {
  /** `failed`: nobody could count, and `onFailure` of the policies said what counts. */
  took(result: "taken" | "refused" | "failed"): void;
}

export interface SharedLimiter extends Limiter {
  /** The server can be asked. */
  readonly connected: boolean;
  stop(): void;
}

const TIMEOUT_MS = 50;
/** After so many answers in a row that did not come nobody waits for another one ... */
const FAILURES_MAX = 3;
/** ... so long. */
const REST_MS = 1_000;
const RECONNECT_MS_MAX = 2_000;
const PREFIX = "ipe:";

/**
 * Counts in Redis. While it is gone, or does not answer in time, requests go by their policies' `on limiter failure`, where
 * `local` is a bucket of this process; what was taken there is not taken over when Redis is back.
 *
 * @throws for an address that is none
 */
export function createRedisLimiter(options: RedisLimiterOptions): SharedLimiter {
  const { logger, counter, timeoutMs = TIMEOUT_MS, prefix = PREFIX } = options;
  const redis = new Redis(redisUrl(options.url), {
    ...(options.password === undefined ? {} : { password: options.password }),
    commandTimeout: timeoutMs,
    connectTimeout: 1_000,
    // Who has to wait for a connection had better decide without one.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
    retryStrategy: (times) => Math.min(times * 100, RECONNECT_MS_MAX),
    scripts: { take: { lua: TAKE } },
  });
  const ask = (requests: readonly LimitRequest[]): Promise<unknown> => {
    const keys = requests.map(({ key }) => prefix + key);
    const numbers = requests.flatMap(({ intervalMicros, burst }) => [intervalMicros, burst]);
    return (redis as unknown as Scripts).take(keys.length, ...keys, ...numbers);
  };
  const local = new LocalLimiter();
  let restingUntil = 0;
  /** In a row. */
  let failures = 0;
  const failed = (problem: unknown): void => {
    failures++;
    if (failures < FAILURES_MAX) return;
    restingUntil = performance.now() + REST_MS;
    if (failures === FAILURES_MAX)
      logger.error(
        { err: problem },
        "limits cannot be counted in Redis: what policies say under `on limiter failure` counts",
      );
  };
  const alone = (requests: readonly LimitRequest[]): Taking => {
    counter?.took("failed");
    return withoutServer(requests, local);
  };
  redis.on("error", (problem: Error) => {
    logger.debug({ err: problem }, "connection to Redis");
  });
  return {
    get connected() {
      return redis.status === "ready" && performance.now() >= restingUntil;
    },
    async take(requests) {
      if (performance.now() < restingUntil) return alone(requests);
      try {
        if (redis.status !== "ready") throw new Error("there is no connection");
        const taking = takingOf(await ask(requests), requests);
        if (failures >= FAILURES_MAX) logger.info("limits are counted in Redis again");
        failures = 0;
        counter?.took(taking.taken ? "taken" : "refused");
        return taking;
      } catch (problem) {
        failed(problem);
        return alone(requests);
      }
    },
    stop: () => redis.disconnect(),
  };
}

interface Scripts {
  take(count: number, ...rest: readonly (string | number)[]): Promise<unknown>;
}

/** @throws for an answer that is none of the script's */
function takingOf(answer: unknown, requests: readonly LimitRequest[]): Taking {
  const [refused, retryAfterMs] = answer as readonly [number, number];
  if (refused === 0) return { taken: true };
  return { taken: false, policy: requests[refused - 1]!.policy, retryAfterMs };
}

/** What counts while nobody can count: one that denies is enough, one that allows takes nothing. */
function withoutServer(requests: readonly LimitRequest[], local: LocalLimiter): Taking {
  const denying = requests.find(({ onFailure }) => onFailure === "deny");
  if (denying !== undefined) return { taken: false, policy: denying.policy, retryAfterMs: null };
  return local.take(requests.filter(({ onFailure }) => onFailure === "local"));
}

/** ioredis knows Redis' names only; Valkey speaks the same protocol. */
function redisUrl(url: string): string {
  const scheme = /^(?:redis|valkey)(s?):\/\//.exec(url);
  if (scheme === null || !URL.canParse(url) || new URL(url).hostname === "")
    throw new Error(
      `\`${hidden(url)}\` is no address such as redis://127.0.0.1:6379 or rediss://cache.example:6380/1`,
    );
  return `redis${scheme[1]}://${url.slice(scheme[0].length)}`;
}

/** A password in it is nobody's to read. */
function hidden(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//...@");
}
