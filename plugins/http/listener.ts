/** A port on which doors answer HTTP requests: the limits, health, and the end. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { Logger } from "pino";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Answers a request, at once or later; null where it is not its own. A door that wants the body reads it before its answer
 * is there; whatever is left of it is thrown away.
 */
export type Door = (request: IncomingMessage) => HttpAnswer | Promise<HttpAnswer> | null;

export type MakeServer = (options: ServerOptions, handler: RequestListener) => Server;

export interface ListenerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** A Unix socket, in place of the two. */
  readonly path?: string | undefined;
  /** What takes connections, such as one with TLS. Default: in the clear. */
  readonly makeServer?: MakeServer | undefined;
  readonly logger: Logger;
  /** In this order; the first that answers has answered. */
  readonly doors: readonly Door[];
  /** What stands in the answer where no door is: where one would be. */
  readonly advice: string;
  /** Beside this listener's own state: the process is ready for requests. */
  readonly ready?: () => boolean;
  /** What is wrong though it is ready. */
  readonly notice?: (() => string | null) | undefined;
  /** A connection ends with the first answer after this time, more or less by a tenth. Default: never. */
  readonly connectionAgeMs?: number | undefined;
  /** How long `drain` waits for requests in flight. Default 10,000. */
  readonly drainMs?: number;
}

export interface HttpListener {
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Say that we are not ready, and end connections with their next answer: proxies go elsewhere, before `drain`. */
  leave(): void;
  /** Say that we are not ready, take no more connections, finish what is in flight. */
  drain(): Promise<void>;
}

/** Bytes of all header lines: what proxies take themselves (nginx 32 KiB, Envoy 60 KiB), and more. */
const HEADER_BYTES_MAX = 128 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Proxies keep connections; theirs must end before ours does, or a request meets a closed one (nginx: 60 s). */
const KEEP_ALIVE_MS = 75_000;
const DRAIN_MS = 10_000;

/**
 * Answer `/health/live`, `/health/ready` and what the doors answer. Anything else is 404.
 *
 * @throws when the address cannot be bound
 */
export async function listenHttp(options: ListenerOptions): Promise<HttpListener> {
  const { logger } = options;
  let draining: Promise<void> | null = null;
  let leaving = false;
  const ready = (): boolean => !leaving && (options.ready?.() ?? true);
  const isOld = ageOf(options.connectionAgeMs);
  const doors = [health(ready, options.notice ?? (() => null)), ...options.doors];
  const server = (options.makeServer ?? createServer)(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      // Chosen by the answer where it has to be, such as after a body that was not read.
      if (leaving || isOld(request.socket)) response.shouldKeepAlive = false;
      const answer = answerOf(doors, request) ?? plain(404, options.advice);
      if (!(answer instanceof Promise)) {
        send(request, response, answer);
        return;
      }
      answer
        .catch((error: unknown) => {
          logger.error({ err: error }, "no answer could be made");
          return plain(500, "no answer could be made");
        })
        .then((made) => send(request, response, made));
    },
  );
  // Node drops lines beyond 2,000 without a word; the limit in bytes is enough.
  server.maxHeadersCount = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const { host, port, path } = options;
    server.listen(path === undefined ? { host, port } : { path }, () => resolve());
  });
  server.on("error", (problem) => logger.error({ err: problem }, "the HTTP server has a problem"));
  return {
    port: portOf(server),
    leave() {
      leaving = true;
    },
    drain() {
      leaving = true;
      draining ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), options.drainMs ?? DRAIN_MS).unref();
      });
      return draining;
    },
  };
}

/** How far an age may be off, so that connections made at once do not end at once. */
const JITTER = 0.1;

/** Whether a connection is too old, counted from its first request. */
function ageOf(ageMs: number | undefined): (connection: object) => boolean {
  if (ageMs === undefined) return () => false;
  const ends = new WeakMap<object, number>();
  return (connection) => {
    const now = performance.now();
    const end = ends.get(connection) ?? now + ageMs * (1 - JITTER + 2 * JITTER * Math.random());
    ends.set(connection, end);
    return now >= end;
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}

/** One line of text. */
export function plain(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return { status, headers: { "content-type": "text/plain", ...headers }, body: `${text}\n` };
}

/** JSON on one line. */
export function json(value: object, status = 200): HttpAnswer {
  return { status, headers: { "content-type": "application/json" }, body: `${JSON.stringify(value)}\n` };
}

type Answering = (request: IncomingMessage) => HttpAnswer | Promise<HttpAnswer>;

/** A door at one path, its query aside, by method; other methods are answered 405. */
export function at(path: string, answers: { readonly GET?: Answering; readonly POST?: Answering }): Door {
  const methods = Object.keys(answers);
  const allowed = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return (request) => {
    if (request.url?.split("?", 1)[0] !== path) return null;
    const method = request.method ?? "";
    const answer = method === "POST" ? answers.POST : allowed.includes(method) ? answers.GET : undefined;
    if (answer !== undefined) return answer(request);
    return plain(405, `${path} takes ${methods.join(" and ")}`, { allow: allowed.join(", ") });
  };
}

/** What Prometheus reads. */
export interface MetricsText {
  text(): Promise<string>;
  readonly contentType: string;
}

export function metricsDoor(metrics: MetricsText): Door {
  return at("/metrics", {
    GET: async () => ({
      ...{ status: 200, headers: { "content-type": metrics.contentType } },
      body: await metrics.text(),
    }),
  });
}

function health(ready: () => boolean, notice: () => string | null): Door {
  return ({ url }) => {
    if (url === "/health/live") return plain(200, "live");
    if (url !== "/health/ready") return null;
    if (!ready()) return plain(503, "draining");
    const wrong = notice();
    return plain(200, wrong === null ? "ready" : `ready, but ${wrong}`);
  };
}

function answerOf(doors: readonly Door[], request: IncomingMessage): ReturnType<Door> {
  for (const door of doors) {
    const answer = door(request);
    if (answer !== null) return answer;
  }
  return null;
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpAnswer,
): void {
  // A body that nobody reads must not hold up the next request of the connection.
  request.resume();
  // Nobody between the proxy and us may keep a decision.
  response.writeHead(status, {
    ...headers,
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
