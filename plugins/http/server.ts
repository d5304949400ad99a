/** The port on which proxies ask before they pass a request on. */
import type { Logger } from "pino";
import type { Identity, Limiter } from "../../core/index.ts";
import { type AuthzenConfig, factObjection } from "./authzen/config.ts";
import { authzenDoors } from "./authzen/door.ts";
import { FORWARD_AUTH_ADVICE, forwardAuthDoor, proxyObjectionTo } from "./forward-auth.ts";
import { type HttpDecider, type Judge, judgeWith } from "./judge.ts";
import { listenHttp, type MakeServer, metricsDoor } from "./listener.ts";
import type { HttpMetrics, RecorderFor } from "./metrics.ts";

/** Where facts come from that proxies do not tell. */
export interface FactSources {
  /** Serve AuthZEN, too. Default: nothing of it is there. */
  readonly authzen?: AuthzenConfig | undefined;
  /** Who verifies tokens and keys for proxies; AuthZEN's callers state their facts. Default: nobody. */
  readonly identity?: Identity | undefined;
}

export interface HttpServerOptions extends FactSources {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** A Unix socket, in place of the two. */
  readonly path?: string | undefined;
  /** What takes connections, such as one with TLS. Default: in the clear. */
  readonly makeServer?: MakeServer | undefined;
  readonly engine: HttpDecider;
  readonly logger: Logger;
  /** Who counts what policies limit. Without it an allow with limits is a denial. */
  readonly limiter?: Limiter | undefined;
  /** Who keeps decisions. Default: nobody. */
  readonly recorderFor?: RecorderFor | undefined;
  /** Counts decisions, and is read at `/metrics`. Default: nobody counts. */
  readonly metrics?: HttpMetrics;
  /** A connection ends with the first answer after this time, more or less by a tenth. Default: never. */
  readonly connectionAgeMs?: number | undefined;
  /** How long `drain` waits for requests in flight. Default 10,000. */
  readonly drainMs?: number;
}

export interface RunningHttpServer {
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Judge all later requests by this engine. Throws where `objectionTo` has one; the one before stays. */
  swap(engine: HttpDecider): void;
  /** All that a swap takes time for, and what it may throw; what it returns swaps. */
  prepare(engine: HttpDecider): () => void;
  /** Say that we are not ready, and end connections with their next answer, before `drain`. */
  leave(): void;
  /** Say that we are not ready, take no more connections, finish what is in flight. */
  drain(): Promise<void>;
}

/**
 * Serve `/forward-auth/PROXY` (PROXY: nginx, caddy, traefik, envoy), `/metrics`, `/health/live` and `/health/ready`.
 * With `authzen` also its two endpoints and its metadata. Anything else is 404.
 *
 * @throws when the address cannot be bound, or `objectionTo` has one to the bundle
 */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const { host, path, makeServer, logger, metrics, authzen, drainMs, connectionAgeMs, limiter } = options;
  const shared = { judge: () => judge, logger, metrics, limiter, recorderFor: options.recorderFor };
  let judge = usable(options.engine, options);
  const listener = await listenHttp({
    ...{ host, port: options.port, path, makeServer, connectionAgeMs, logger, advice: FORWARD_AUTH_ADVICE },
    doors: [
      forwardAuthDoor(shared),
      ...(authzen === undefined ? [] : authzenDoors({ config: authzen, ...shared })),
      ...(metrics === undefined ? [] : [metricsDoor(metrics)]),
    ],
    ...(drainMs === undefined ? {} : { drainMs }),
  });
  logger.info(
    { host: path ?? host, port: listener.port, bundle: judge.engine.digest },
    "serving forward-auth",
  );
  const prepare = (engine: HttpDecider) => {
    const next = usable(engine, options);
    return (): void => {
      judge = next;
    };
  };
  return {
    port: listener.port,
    swap: (engine) => prepare(engine)(),
    prepare,
    leave: () => listener.leave(),
    drain: () => listener.drain(),
  };
}

/**
 * Why the port cannot be served from a bundle, as a sentence, or null. With AuthZEN it can be from one that reads what no
 * proxy tells: then proxies are denied everything.
 */
export function objectionTo(
  engine: Pick<HttpDecider, "program">,
  { authzen, identity }: FactSources = {},
): string | null {
  return authzen === undefined ? proxyObjectionTo(engine, identity) : factObjection(engine, authzen.facts);
}

function usable(engine: HttpDecider, { authzen, identity }: FactSources): Judge {
  const objection = objectionTo(engine, { authzen, identity });
  if (objection !== null) throw new Error(objection);
  return judgeWith(engine, { identity, proxyObjection: proxyObjectionTo(engine, identity) });
}
