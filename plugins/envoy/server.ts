import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import {
  type AuthorizationService,
  type CheckRequest,
  type CheckResponse,
  loadServices,
} from "../../proto/index.ts";
import { createChecker, judgeWith, malformed } from "./check.ts";
import {
  type Decider,
  defaults,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MESSAGE_BYTES_MAX,
  type ServerOptions,
  STREAMS_MAX,
} from "./config.ts";
import { createHealth } from "./health.ts";
import { createMetrics } from "./metrics.ts";

export interface RunningServer {
  /** `127.0.0.1:50051` or `unix:/path`, with the port in use. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Judge all later checks by this engine. A check that is being judged keeps the one it has. */
  swap(engine: Decider): void;
  /**
   * Report NOT_SERVING, accept no more connections, let calls in flight finish, at most for `drainMs`. Resolves when
   * the server is closed; calling it again returns the same promise.
   */
  drain(): Promise<void>;
  /** Close at once; calls in flight fail. */
  stop(): void;
}

/**
 * Serve `envoy.service.auth.v3.Authorization` and `grpc.health.v1.Health`.
 *
 * There is no time limit of our own: a decision is one bounded, synchronous computation, which a timer could not stop.
 *
 * @throws when the address cannot be bound
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { logger } = options;
  const metrics = options.metrics ?? createMetrics();
  const check = createChecker({
    logger,
    metrics,
    bodyBuffered: options.bodyBuffered ?? defaults.bodyBuffered,
    onError: options.onError ?? defaults.onError,
  });
  let judge = judgeWith(options.engine);
  const services = loadServices();
  const health = createHealth();
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_concurrent_streams": STREAMS_MAX,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Its counters cost time on every call, and nothing here reads them.
    "grpc.enable_channelz": 0,
  });
  server.addService(tolerant(services.authorization), {
    Check: (call: Call, answer: sendUnaryData<CheckResponse>): void => {
      const response = check(call.request, judge);
      if (response === null) answer({ code: status.INTERNAL, details: "no decision could be made" });
      else answer(null, response);
    },
  });
  server.addService(services.health, health.implementation);
  const port = await bind(server, options.address);
  const address = boundAddress(options.address, port);
  logger.info({ address, bundle: judge.engine.digest }, "serving ext_authz");

  let draining: Promise<void> | undefined;
  return {
    address,
    port,
    swap(engine) {
      judge = judgeWith(engine);
      metrics.swapped();
      logger.info({ bundle: engine.digest }, "bundle swapped");
    },
    drain() {
      if (draining === undefined) {
        health.drain();
        draining = shutDown(server, address, options.drainMs ?? defaults.drainMs);
      }
      return draining;
    },
    stop() {
      health.drain();
      server.drain(address, 0);
      server.forceShutdown();
    },
  };
}

type Call = ServerUnaryCall<CheckRequest, CheckResponse>;

/** The service, except that bytes which are no message reach the handler, whose failure mode decides about them. */
function tolerant({ Check }: AuthorizationService): ServiceDefinition {
  const requestDeserialize = (bytes: Buffer): CheckRequest => {
    try {
      return Check.requestDeserialize(bytes);
    } catch {
      return malformed;
    }
  };
  return { Check: { ...Check, requestDeserialize } };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(address.startsWith("unix:") ? 0 : port);
      else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

function boundAddress(address: string, port: number): string {
  return port === 0 ? address : address.replace(/:[0-9]+$/, `:${port}`);
}

/**
 * `drain` of grpc-js ends connections, by force after `drainMs`, and `tryShutdown` the listener; it calls back when both
 * are gone. (`forceShutdown` ends no connections while channelz is off: grpc-js 1.14 keeps no list of them then.)
 */
function shutDown(server: Server, address: string, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    server.drain(address, drainMs);
    server.tryShutdown(() => resolve());
  });
}
