/** The endpoint that proxies ask before they pass a request on. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import {
  type Decision,
  type Engine,
  type Identity,
  type IdentityPlan,
  identityPlan,
  type NeutralRequest,
  type SettableHeaders,
  settableHeaders,
  withVerified,
} from "../../core/index.ts";
import { PROXIES } from "./proxies.ts";
import { objections, toNeutral } from "./request.ts";
import { type Answer, type AuthResponse, failure, toResponse } from "./response.ts";

/** What the server needs of core's `Engine`. */
export type HttpDecider = Pick<Engine, "digest" | "headerNames" | "program" | "decide">;

export interface HttpServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly engine: HttpDecider;
  readonly logger: Logger;
  /** Who verifies tokens and keys: no proxy tells of any. */
  readonly identity?: Identity;
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

/** Bytes of all header lines: what proxies take themselves (nginx 32 KiB, Envoy 60 KiB), and more. */
const HEADER_BYTES_MAX = 128 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Proxies keep connections; theirs must end before ours does, or a request meets a closed one (nginx: 60 s). */
const KEEP_ALIVE_MS = 75_000;
const DRAIN_MS = 10_000;
const DOOR = "/forward-auth/";

interface Judge {
  readonly engine: HttpDecider;
  readonly settable: SettableHeaders;
  /** What is to be verified; null where it is nothing. */
  readonly identity: IdentityPlan | null;
}

/**
 * Serve `/forward-auth/PROXY` (PROXY: nginx, caddy, traefik, envoy), `/health/live` and `/health/ready`. Anything else is 404.
 *
 * @throws when the address cannot be bound, or the bundle reads what no proxy tells
 */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const { logger } = options;
  let judge = judgeWith(options.engine, options.identity);
  let draining: Promise<void> | null = null;
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      // A body is of no interest, and must not hold up the next request of the connection.
      request.resume();
      const answer = answerTo(request, judge, { logger, ready: draining === null });
      if (answer instanceof Promise) void answer.then((later) => send(response, later));
      else send(response, answer);
    },
  );
  // Node drops lines beyond 2,000 without a word; the limit in bytes is enough.
  server.maxHeadersCount = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => resolve());
  });
  server.on("error", (problem) => logger.error({ err: problem }, "the HTTP server has a problem"));
  const { port } = server.address() as AddressInfo;
  logger.info({ host: options.host, port, bundle: judge.engine.digest }, "serving forward-auth");
  return {
    port,
    swap(engine) {
      judge = judgeWith(engine, options.identity);
    },
    drain() {
      draining ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), options.drainMs ?? DRAIN_MS).unref();
      });
      return draining;
    },
  };
}

/** Why no proxy could be served from a bundle, as a sentence, or null. */
export function objectionTo({ program }: Pick<HttpDecider, "program">, identity?: Identity): string | null {
  const [objection] = objections(program, identity);
  if (objection === undefined) return null;
  const where = objection.includes("--identity") ? "" : "; `ipe check --target forward-auth` says where";
  return `forward-auth cannot use the bundle: ${objection}${where}`;
}

function judgeWith(engine: HttpDecider, identity: Identity | undefined): Judge {
  const objection = objectionTo(engine, identity);
  if (objection !== null) throw new Error(objection);
  return {
    engine,
    settable: settableHeaders(engine.headerNames),
    identity: identityPlan(identity, engine.program),
  };
}

interface Surroundings {
  readonly logger: Logger;
  readonly ready: boolean;
}

function answerTo(
  request: IncomingMessage,
  judge: Judge,
  { logger, ready }: Surroundings,
): AuthResponse | Promise<AuthResponse> {
  const { url = "", method = "" } = request;
  if (url === "/health/live") return plain(200, "live");
  if (url === "/health/ready") return ready ? plain(200, "ready") : plain(503, "draining");
  const asked = /^\/forward-auth\/([a-z]+)(.*)$/s.exec(url);
  const proxy = PROXIES.find((each) => each === asked?.[1]);
  if (proxy === undefined) return plain(404, `ask ${DOOR}PROXY, where PROXY is ${PROXIES.join(", ")}`);
  return decide({ proxy, method, target: asked![2]!, rawHeaders: request.rawHeaders }, judge, logger);
}

/** At once, unless something has to be verified that takes time. Never throws, and a promise is never rejected. */
function decide(
  asked: Parameters<typeof toNeutral>[0],
  judge: Judge,
  logger: Logger,
): AuthResponse | Promise<AuthResponse> {
  const decisionId = randomUUID().replaceAll("-", "");
  const answer: Answer = { decisionId, settable: judge.settable, proxy: asked.proxy };
  const { engine, identity: plan } = judge;
  const fail = (error: unknown): AuthResponse => {
    observe(() => logger.error({ decision_id: decisionId, err: error }, "no decision could be made"));
    observe(() => logDecision(logger, { decisionId, bundle: engine.digest }, null));
    return failure(answer);
  };
  const conclude = (request: NeutralRequest): AuthResponse => {
    try {
      const judged = engine.decide(request);
      const response = toResponse(judged, request, answer);
      observe(() => logDecision(logger, { decisionId, bundle: engine.digest }, judged));
      return response;
    } catch (error) {
      return fail(error);
    }
  };
  try {
    const request = toNeutral(asked, Date.now());
    if (plan === null) return conclude(request);
    const found = plan.identity.verify(request, plan.facts);
    if (found instanceof Promise)
      return found.then((facts) => conclude(withVerified(request, facts, plan))).catch(fail);
    return conclude(withVerified(request, found, plan));
  } catch (error) {
    return fail(error);
  }
}

/** What watches a decision must not change it. */
function observe(action: () => void): void {
  try {
    action();
  } catch {
    // The log itself is broken: there is nowhere to tell it.
  }
}

/** Denials at `info`, the rest at `debug`. No path, no headers. */
function logDecision(
  logger: Logger,
  { decisionId, bundle }: { readonly decisionId: string; readonly bundle: string },
  decision: Decision | null,
): void {
  const allow = decision?.allow === true;
  const { policy = null, outcome = "error" } = decision?.reason ?? {};
  logger[allow ? "debug" : "info"](
    { decision_id: decisionId, bundle, policy, outcome },
    allow ? "allow" : "deny",
  );
}

function plain(status: number, text: string): AuthResponse {
  return { status, headers: { "content-type": "text/plain" }, body: `${text}\n` };
}

function send(response: ServerResponse, { status, headers, body }: AuthResponse): void {
  // Nobody between the proxy and us may keep a decision.
  response.writeHead(status, {
    ...headers,
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
