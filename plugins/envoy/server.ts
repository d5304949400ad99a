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
import { type Checked, createChecker, judgeWith, malformed } from "./check.ts";
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
import { listen, parseAddress } from "./listener.ts";
import { createMetrics } from "./metrics.ts";
import { followSessions } from "./sessions.ts";

export interface RunningServer {
  /** `127.0.0.1:50051` or `unix:/path`, with the port in use. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Judge all later checks by this engine. A check that is being judged keeps the one it has. */
  swap(engine: Decider): void;
  /** All that a swap takes time for; what it returns swaps, in less time than a check takes. */
  prepare(engine: Decider): () => void;
  /** Report NOT_SERVING, and go on: whoever looks at health takes us off its list, before `drain`. */
  leave(): void;
  /**
   * Report NOT_SERVING, accept no more connections, tell clients (GOAWAY), let calls in flight finish, at most for
   * `drainMs`. Connections without a call do not hold it up. Resolves when the server is closed; calling it again
   * returns the same promise.
   */
  drain(): Promise<void>;
  /** Close at once; calls in flight fail. */
  stop(): void;
}

/**
 * Serve `envoy.service.auth.v3.Authorization` and `grpc.health.v1.Health`.
 *
 * There is no time limit of our own: a decision is one bounded, synchronous computation, which a timer could not stop. Who
 * verifies tokens beside it has limits of its own.
 *
 * @throws when the address cannot be bound; the system's error is the cause
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { logger } = options;
  const wanted = parseAddress(options.address);
  if (wanted === null) throw new Error(`\`${options.address}\` is neither HOST:PORT nor unix:PATH`);
  const metrics = options.metrics ?? createMetrics();
  const check = createChecker({
    logger,
    metrics,
    bodyBuffered: options.bodyBuffered ?? defaults.bodyBuffered,
    onError: options.onError ?? defaults.onError,
    limiter: options.limiter,
    recorder: options.recorder,
  });
  let judge = judgeWith(options.engine, options.identity);
  const traced = options.recorder !== undefined;
  const services = loadServices();
  const health = createHealth();
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_concurrent_streams": STREAMS_MAX,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Its counters cost time on every call, and nothing here reads them.
    "grpc.enable_channelz": 0,
  });
  server.addService(tolerant(services.authorization), {
    Check: (call: Call, answer: sendUnaryData<CheckResponse>): void => {
      const checked = check(call.request, judge, traced ? traceParentIn(call) : undefined);
      if (checked instanceof Promise) void checked.then((response) => respond(response, answer));
      else respond(checked, answer);
    },
  });
  server.addService(services.health, health.implementation);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const drainMs = options.drainMs ?? defaults.drainMs;
  const sessions = followSessions(server, { maxAgeMs: options.connectionAgeMs, graceMs: drainMs });
  const listener = await listen(
    wanted,
    (socket) => sessions.begin(socket, (begun) => injector.injectConnection(begun)),
    options.makeServer,
  ).catch((problem: Error) => {
    throw new Error(`cannot listen on ${options.address}: ${problem.message}`, { cause: problem });
  });
  const { port } = listener;
  const address = boundAddress(options.address, port);
  logger.info({ address, bundle: judge.engine.digest }, "serving ext_authz");

  const prepare = (engine: Decider) => {
    const next = judgeWith(engine, options.identity);
    return (): void => {
      judge = next;
      metrics.swapped();
    };
  };
  let draining: Promise<void> | undefined;
  return {
    address,
    port,
    swap: (engine) => prepare(engine)(),
    prepare,
    leave: () => health.leave(),
    drain() {
      if (draining === undefined) {
        listener.close();
        health.drain();
        sessions.drain();
        draining = listener.drain(drainMs);
      }
      return draining;
    },
    stop() {
      health.drain();
      injector.destroy();
      listener.stop();
    },
  };
}

type Call = ServerUnaryCall<CheckRequest, CheckResponse>;

/** Envoy's own span, where it traces. */
function traceParentIn({ metadata }: Call): string | undefined {
  const [text] = metadata.get("traceparent");
  return typeof text === "string" ? text : undefined;
}

function respond(response: Checked, answer: sendUnaryData<CheckResponse>): void {
  if (response === null) answer({ code: status.INTERNAL, details: "no decision could be made" });
  else answer(null, response);
}

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

function boundAddress(address: string, port: number): string {
  return port === 0 ? address : address.replace(/:[0-9]+$/, `:${port}`);
}
