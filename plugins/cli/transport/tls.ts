/** TLS at the ports of `ipe serve`: the certificate in force, and who may connect. */
import {
  createServer as createPlainHttp,
  type Server as HttpServer,
  type ServerOptions as HttpServerOptions,
  type IncomingMessage,
  type RequestListener,
} from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createPlain, type Server, type Socket } from "node:net";
import {
  createServer as createTls,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import type { Logger } from "pino";
import { parseAddress } from "../../envoy/index.ts";
import type { ServerMetrics } from "../../prometheus/index.ts";
import type { Output } from "../output.ts";
import { type Certificate, followCertificate, readCertificate } from "./certificate.ts";
import { type ClientObjection, clientObjection } from "./client-ids.ts";
import type { TlsSettings, TransportSettings } from "./settings.ts";
import { claimSocket, withMode } from "./unix-socket.ts";

type MakeHttpServer = (options: HttpServerOptions, handler: RequestListener) => HttpServer;

/** Of the servers that take connections. */
export interface Makers {
  readonly grpc: (connected: (socket: Socket) => void) => Server;
  readonly http: MakeHttpServer;
  readonly admin: MakeHttpServer;
}

export interface Transport {
  readonly tcp: Makers;
  /** Access rights of files; nothing is encrypted. */
  readonly unix: Makers;
  readonly drainMs: number;
  readonly connectionAgeMs: number | undefined;
  stop(): void;
}

export interface TransportContext {
  readonly logger: Logger;
  readonly metrics: Pick<ServerMetrics, "tls">;
  readonly output: Output;
}

/** Whoever does not get further in this time is cut off. */
const HANDSHAKE_MS = 5_000;

const plain: Makers = { grpc: createPlain, http: createPlainHttp, admin: createPlainHttp };

/** @throws Failure where the certificate cannot be used */
export function openTransport(settings: TransportSettings, context: TransportContext): Transport {
  const { tls, socketMode, drainMs, connectionAgeMs } = settings;
  const http: MakeHttpServer = (options, handler) => withMode(createPlainHttp(options, handler), socketMode);
  const unix: Makers = {
    ...{ http, admin: http },
    grpc: (connected) => withMode(createPlain(connected), socketMode),
  };
  const common = { unix, drainMs, connectionAgeMs };
  if (tls === null) return { ...common, tcp: plain, stop: () => undefined };
  const tcp = new Tls(tls, context);
  return { ...common, tcp, stop: tcp.stop };
}

/** For an address: makers of its kind. @throws Failure where a Unix socket cannot be had */
export async function makersFor(address: string, { tcp, unix }: Transport): Promise<Makers> {
  const wanted = parseAddress(address);
  if (wanted === null || !("path" in wanted)) return tcp;
  await claimSocket(wanted.path);
  return unix;
}

class Tls implements Makers {
  readonly #settings: TlsSettings;
  readonly #context: TransportContext;
  readonly #servers = new Set<TlsServer>();
  #certificate: Certificate;
  readonly stop: () => void;

  constructor(settings: TlsSettings, context: TransportContext) {
    this.#settings = settings;
    this.#context = context;
    this.#certificate = readCertificate(settings);
    context.metrics.tls.loaded(this.#certificate.expires);
    this.stop = followCertificate(settings, {
      changed: (next) => this.#use(next),
      refused: (problem) => {
        context.metrics.tls.refused();
        context.output.message(`${(problem as Error).message}; the certificate in force stays`);
      },
    });
  }

  readonly grpc = (connected: (socket: Socket) => void): Server => {
    const { clientIds } = this.#settings;
    const options = { ...this.#options(), ALPNProtocols: ["h2"] };
    return this.#follow(
      createTls(options, (socket) => {
        if (this.#admits(socket, clientIds)) connected(socket);
        else socket.destroy();
      }),
    );
  };

  readonly http: MakeHttpServer = (options, handler) => {
    const { clientIds } = this.#settings;
    const admitted = new WeakSet<object>();
    const server = createHttps({ ...options, ...this.#options() }, (request, response) => {
      // INVARIANT: a connection that was turned away asks nothing, whatever has arrived on it.
      if (admitted.has(request.socket)) handler(request, response);
      else request.socket.destroy();
    });
    // Before Node's own listener reads from the connection.
    server.prependListener("secureConnection", (socket) => {
      if (this.#admits(socket, clientIds)) admitted.add(socket);
      else socket.destroy();
    });
    return this.#follow(server);
  };

  /** Whoever looks after processes has no certificate, and learns nothing but whether this one lives. */
  readonly admin: MakeHttpServer = (options, handler) => {
    const { adminIds } = this.#settings;
    const verdicts = new WeakMap<object, boolean>();
    const admitted = ({ socket }: IncomingMessage): boolean => {
      const verdict = verdicts.get(socket) ?? this.#admits(socket as TLSSocket, adminIds);
      verdicts.set(socket, verdict);
      return verdict;
    };
    const server = createHttps({ ...options, ...this.#options() }, (request, response) => {
      if (HEALTH.has(request.url ?? "") || admitted(request)) {
        handler(request, response);
        return;
      }
      request.resume();
      response.writeHead(403, { "content-type": "text/plain", connection: "close" });
      response.end("a client certificate is missing, or not one of those that may ask\n");
    });
    return this.#follow(server);
  };

  #options(): TlsOptions {
    return {
      ...this.#certificate.context,
      handshakeTimeout: HANDSHAKE_MS,
      requestCert: this.#settings.clientCa !== null,
      // Node would end the connection and say nothing to anybody; `#admits` looks, and counts.
      rejectUnauthorized: false,
    };
  }

  #admits(socket: TLSSocket, ids: readonly RegExp[] | null): boolean {
    if (this.#settings.clientCa === null) return true;
    const objection = clientObjection(socket, ids);
    if (objection !== null) this.#turnedAway(objection, socket);
    return objection === null;
  }

  #turnedAway({ cause, detail }: ClientObjection, { remoteAddress }: Socket): void {
    this.#context.metrics.tls.turnedAway(cause);
    this.#context.logger.info({ client: remoteAddress, cause, detail }, "a client was turned away");
  }

  #follow<S extends HttpServer | TlsServer>(server: S): S {
    const secure = server as TlsServer;
    this.#servers.add(secure);
    server.once("close", () => this.#servers.delete(secure));
    server.on("tlsClientError", (problem: NodeJS.ErrnoException, socket: TLSSocket) => {
      this.#context.metrics.tls.turnedAway("handshake");
      this.#context.logger.debug({ client: socket.remoteAddress, code: problem.code }, "a handshake failed");
    });
    return server;
  }

  /** For connections that begin from now on. */
  #use(next: Certificate): void {
    this.#certificate = next;
    for (const server of this.#servers) server.setSecureContext(next.context);
    this.#context.metrics.tls.loaded(next.expires);
    const { expires, fingerprint } = next;
    this.#context.logger.info({ fingerprint, expires }, "another certificate is in force");
    this.#context.output.message(
      `certificate ${fingerprint} is in force, until ${expires.toISOString()}; connections that are open keep theirs`,
    );
  }
}

const HEALTH = new Set(["/health/live", "/health/ready"]);
