/** The port on which proxies ask before they pass a request on. */
import type { Logger } from "pino";
import { FORWARD_AUTH_ADVICE, forwardAuthDoor, objectionTo } from "./forward-auth.ts";
import { type HttpDecider, type Judge, judgeWith } from "./judge.ts";
import { listenHttp, metricsDoor } from "./listener.ts";
import type { HttpMetrics } from "./metrics.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly engine: HttpDecider;
  readonly logger: Logger;
  /** Counts decisions, and is read at `/metrics`. Default: nobody counts. */
  readonly metrics?: HttpMetrics;
  /** How long `drain` waits for requests in flight. Default 10,000. */
  readonly drainMs?: number;
}

export interface RunningHttpServer {
  readonly port: number;
  /** Judge all later requests by this engine. Throws where the bundle reads what no proxy tells; the one before stays. */
  swap(engine: HttpDecider): void;
  /** Say that we are not ready, take no more connections, finish what is in flight. */
  drain(): Promise<void>;
}

/**
 * Serve `/forward-auth/PROXY` (PROXY: nginx, caddy, traefik, envoy), `/metrics`, `/health/live` and `/health/ready`.
 * Anything else is 404.
 *
 * @throws when the address cannot be bound, or the bundle reads what no proxy tells
 */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const { host, logger, metrics, drainMs } = options;
  let judge = usable(options.engine);
  const listener = await listenHttp({
    ...{ host, port: options.port, logger, advice: FORWARD_AUTH_ADVICE },
    doors: [
      forwardAuthDoor({ judge: () => judge, logger, metrics }),
      ...(metrics === undefined ? [] : [metricsDoor(metrics)]),
    ],
    ...(drainMs === undefined ? {} : { drainMs }),
  });
  logger.info({ host, port: listener.port, bundle: judge.engine.digest }, "serving forward-auth");
  return {
    port: listener.port,
    swap(engine) {
      judge = usable(engine);
    },
    drain: () => listener.drain(),
  };
}

function usable(engine: HttpDecider): Judge {
  const objection = objectionTo(engine);
  if (objection !== null) throw new Error(objection);
  return judgeWith(engine);
}
