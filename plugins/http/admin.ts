/** The port for operators: what is in force, and how it does. Nothing here decides about a request. */
import type { Logger } from "pino";
import { type BundleDoorsOptions, bundleDoors } from "./bundle-doors.ts";
import {
  at,
  type HttpListener,
  json,
  listenHttp,
  type MakeServer,
  type MetricsText,
  metricsDoor,
} from "./listener.ts";

/** The bundle in force. */
export interface BundleState {
  readonly digest: string;
  /** Where it comes from, as the operator named it. */
  readonly name: string;
  /** Number of policies and guards. */
  readonly policies: number;
  /** When it was put in force. */
  readonly loadedAt: Date;
  /** What the statement about it says, where signatures are checked. */
  readonly signed?: SignedFacts | null;
}

export interface SignedFacts {
  readonly keyId: string;
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly validUntil: number;
}

export interface AdminOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** A Unix socket, in place of the two. */
  readonly path?: string | undefined;
  /** What takes connections, such as one with TLS. Default: in the clear. */
  readonly makeServer?: MakeServer | undefined;
  readonly logger: Logger;
  readonly metrics: MetricsText;
  readonly bundle: () => BundleState;
  /** When the process began to serve. */
  readonly startedAt: Date;
  /** What holders of a token may do. Default: nothing of it is there. */
  readonly operations?: BundleDoorsOptions | undefined;
  /** How long `drain` waits for requests in flight. Default 10,000. */
  readonly drainMs?: number;
  /** False once the process takes no more requests; this port is the last to close. */
  readonly ready: () => boolean;
  /** What is wrong, though requests are answered: `/health/ready` says it. */
  readonly notice?: (() => string | null) | undefined;
}

/**
 * Serve `/bundle`, `/metrics`, `/health/live` and `/health/ready`: whoever reaches the port may ask. With `operations` also
 * `/admin/bundles`, `/admin/rollback` and `/admin/status`, for who shows a token.
 *
 * @throws when the address cannot be bound
 */
export async function startAdminServer(options: AdminOptions): Promise<HttpListener> {
  const { bundle, metrics, startedAt, operations, ...listening } = options;
  const listener = await listenHttp({
    ...listening,
    doors: [
      metricsDoor(metrics),
      at("/bundle", { GET: () => json(bundleForm(bundle(), startedAt)) }),
      ...(operations === undefined ? [] : bundleDoors(operations)),
    ],
    advice: `ask /bundle, /metrics, /health/live or /health/ready${operations === undefined ? "" : ", or /admin/status"}`,
  });
  options.logger.info({ host: options.path ?? options.host, port: listener.port }, "serving admin");
  return listener;
}

function bundleForm({ digest, name, policies, loadedAt, signed }: BundleState, startedAt: Date): object {
  return {
    ...{ digest, name, policies },
    loaded_at: loadedAt.toISOString(),
    started_at: startedAt.toISOString(),
    ...(signed == null
      ? {}
      : { signed: { key: signed.keyId, sequence: signed.sequence, valid_until: signed.validUntil } }),
  };
}
