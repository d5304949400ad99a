/** Who counts what policies limit: this process, or a store that several servers share. */
import type { Logger } from "pino";
import { type Limiter, LocalLimiter } from "../../core/index.ts";
import type { ServerMetrics } from "../prometheus/index.ts";
import { Failure } from "./exit.ts";
import { readBytes, reason } from "./files.ts";

export interface LimiterOptions {
  /** Address of a Redis or Valkey. */
  readonly limiter?: string;
  /** File that holds its password. */
  readonly limiterPassword?: string;
  /** Milliseconds, as it stands on the command line. */
  readonly limiterTimeout?: string;
}

export interface OpenLimiter extends Limiter {
  stop(): void;
}

const TIMEOUT_MS_MAX = 10_000;

export async function openLimiter(
  { limiter: url, limiterPassword, limiterTimeout }: LimiterOptions,
  { logger, metrics }: { readonly logger: Logger; readonly metrics: ServerMetrics },
): Promise<OpenLimiter> {
  if (url === undefined) {
    if (limiterPassword !== undefined || limiterTimeout !== undefined)
      throw new Failure("--limiter-password and --limiter-timeout need --limiter redis://HOST:PORT");
    return inProcess(metrics);
  }
  // Loaded where it is needed: it takes its time.
  const { createRedisLimiter } = await import("../limiter/index.ts");
  try {
    const shared = createRedisLimiter({
      ...{ url, logger, counter: metrics.limiter },
      ...(limiterPassword === undefined ? {} : { password: passwordIn(limiterPassword) }),
      ...(limiterTimeout === undefined ? {} : { timeoutMs: timeoutOf(limiterTimeout) }),
    });
    metrics.countsIn(shared);
    return shared;
  } catch (problem) {
    throw problem instanceof Failure ? problem : new Failure(`--limiter: ${reason(problem)}`);
  }
}

function inProcess({ limiter: counter }: ServerMetrics): OpenLimiter {
  const local = new LocalLimiter();
  return {
    take(requests) {
      const taking = local.take(requests);
      counter.took(taking.taken ? "taken" : "refused");
      return taking;
    },
    stop: () => undefined,
  };
}

function passwordIn(path: string): string {
  return new TextDecoder().decode(readBytes(path)).replace(/\r?\n$/, "");
}

function timeoutOf(text: string): number {
  const timeoutMs = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX)
    throw new Failure(`--limiter-timeout takes milliseconds from 1 to ${TIMEOUT_MS_MAX}, not \`${text}\``);
  return timeoutMs;
}
