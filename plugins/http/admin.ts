/** The port for operators: what is in force, and how it does. Nothing here decides about a request. */
import type { Logger } from "pino";
import { at, type HttpListener, listenHttp, type MetricsText, metricsDoor } from "./listener.ts";

/** The bundle in force. */
export interface BundleState {
  readonly digest: string;
  /** Where it comes from, as the operator named it. */
  readonly name: string;
  /** Number of policies and guards. */
  readonly policies: number;
  /** When it was put in force. */
  readonly loadedAt: Date;
}

export interface AdminOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly logger: Logger;
  readonly metrics: MetricsText;
  readonly bundle: () => BundleState;
  /** When the process began to serve. */
  readonly startedAt: Date;
  /** False once the process takes no more requests; this port is the last to close. */
  readonly ready: () => boolean;
}

/**
 * Serve `/bundle`, `/metrics`, `/health/live` and `/health/ready`. Whoever reaches the port may ask.
 *
 * @throws when the address cannot be bound
 */
export async function startAdminServer(options: AdminOptions): Promise<HttpListener> {
  const { bundle, metrics, startedAt, ...listening } = options;
  const listener = await listenHttp({
    ...listening,
    doors: [metricsDoor(metrics), at("/bundle", "GET", () => json(bundleForm(bundle(), startedAt)))],
    advice: "ask /bundle, /metrics, /health/live or /health/ready",
  });
  options.logger.info({ host: options.host, port: listener.port }, "serving admin");
  return listener;
}

function bundleForm({ digest, name, policies, loadedAt }: BundleState, startedAt: Date): object {
  return {
    ...{ digest, name, policies },
    loaded_at: loadedAt.toISOString(),
    started_at: startedAt.toISOString(),
  };
}

function json(value: object): { status: number; headers: Record<string, string>; body: string } {
  return { status: 200, headers: { "content-type": "application/json" }, body: `${JSON.stringify(value)}\n` };
}
