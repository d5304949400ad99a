/** The servers of `ipe serve`, each at its address. */
import type { Logger } from "pino";
import type { Engine, Identity, Limiter } from "../../core/index.ts";
import { parseAddress, startServer } from "../envoy/index.ts";
import {
  type AdminOptions,
  type FactSources,
  objectionTo,
  startAdminServer,
  startHttpServer,
} from "../http/index.ts";
import type { ServerMetrics } from "../prometheus/index.ts";
import type { Evidence } from "./evidence.ts";
import { Failure } from "./exit.ts";
import { reason } from "./files.ts";
import { makersFor, type Transport } from "./transport/tls.ts";

/** What proxies ask, at one address. */
export interface Door {
  /** What stands behind `listening`. */
  readonly listening: string;
  /** All that a swap takes time for; what it returns swaps. */
  prepare(engine: Engine): () => void;
  /** Say that we are not ready, and go on. */
  leave(): void;
  drain(): Promise<void>;
}

/** What all doors share. */
export interface Surroundings {
  readonly logger: Logger;
  readonly metrics: ServerMetrics;
  readonly limiter: Limiter;
  readonly evidence: Evidence;
  readonly transport: Transport;
}

/** As they stand on the command line. */
export interface Addresses {
  readonly grpc?: string;
  readonly http?: string;
  readonly admin?: string;
}

/** Whether the addresses are some; a name that nobody knows is found out later. */
export function checkAddresses({ grpc, http, admin }: Addresses): void {
  if (grpc === undefined && http === undefined)
    throw new Failure(
      "say where to listen: --grpc 127.0.0.1:9191 for ext_authz, --http 127.0.0.1:9192 for forward-auth",
    );
  checkAddress("--grpc", grpc, 9191);
  checkAddress("--http", http, 9192);
  checkAddress("--admin", admin, 9193);
}

function checkAddress(option: string, address: string | undefined, port: number): void {
  if (address !== undefined && parseAddress(address) === null)
    throw new Failure(
      `${option} takes HOST:PORT, such as 127.0.0.1:${port} or [::1]:${port}, where port 0 is a free one, or unix:/path/to/socket, not \`${address}\``,
    );
}

export interface GrpcOptions extends Surroundings {
  readonly identity: Identity | undefined;
  readonly bodyBuffered?: boolean;
  readonly onError?: "deny" | "grpc-error" | "error-response";
}

/** ext_authz. */
export async function openGrpc(
  address: string,
  engine: Engine,
  { logger, metrics, limiter, transport, evidence, identity, ...options }: GrpcOptions,
): Promise<Door> {
  const recorder = evidence.recorderFor("envoy");
  const counter = metrics.counterFor("envoy");
  const server = await startServer({
    address,
    makeServer: (await makersFor(address, transport)).grpc,
    ...timesOf(transport),
    engine,
    logger,
    limiter,
    metrics: {
      decided: (decision, micros, evaluationMicros) => counter.decided(decision, micros, evaluationMicros),
      // Bundles are counted once, not by each door.
      swapped: () => undefined,
    },
    bodyBuffered: options.bodyBuffered ?? "when-read",
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    ...(identity === undefined ? {} : { identity }),
    ...(recorder === undefined ? {} : { recorder }),
  }).catch((problem: Error) => {
    throw new Failure(
      `cannot listen on \`${address}\`: ${obstacle("--grpc", address, problem.cause ?? problem)}`,
    );
  });
  return {
    listening: `grpc ${server.address}`,
    prepare: (next) => server.prepare(next),
    leave: () => server.leave(),
    drain: () => server.drain(),
  };
}

export interface HttpOptions extends Surroundings {
  readonly sources: FactSources;
}

/** Forward-auth and, where it is configured, AuthZEN. */
export async function openHttp(
  address: string,
  engine: Engine,
  { logger, metrics, limiter, transport, evidence, sources }: HttpOptions,
): Promise<Door> {
  const objection = objectionTo(engine, sources);
  if (objection !== null) throw new Failure(objection);
  const { http: makeServer } = await makersFor(address, transport);
  const server = await opened("--http", address, (where) =>
    startHttpServer({
      ...{ ...where, ...timesOf(transport), makeServer, engine, logger, metrics, limiter, ...sources },
      recorderFor: (host) => evidence.recorderFor(host),
    }),
  );
  return {
    listening: `http ${boundAddress(address, server.port)}`,
    prepare: (next) => server.prepare(next),
    leave: () => server.leave(),
    drain: () => server.drain(),
  };
}

export type Admin = Pick<Door, "listening" | "drain">;

/** The port for operators. It judges by no bundle, so it is no door. */
export async function openAdmin(
  address: string,
  {
    transport,
    ...options
  }: Omit<AdminOptions, "host" | "port" | "makeServer"> & Pick<Surroundings, "transport">,
): Promise<Admin> {
  const { admin: makeServer } = await makersFor(address, transport);
  const server = await opened("--admin", address, (where) =>
    startAdminServer({ ...where, drainMs: transport.drainMs, makeServer, ...options }),
  );
  return { listening: `admin ${boundAddress(address, server.port)}`, drain: () => server.drain() };
}

function timesOf({ drainMs, connectionAgeMs }: Transport): {
  readonly drainMs: number;
  readonly connectionAgeMs?: number;
} {
  return { drainMs, ...(connectionAgeMs === undefined ? {} : { connectionAgeMs }) };
}

function opened<Server>(
  option: string,
  address: string,
  start: (where: Pick<AdminOptions, "host" | "port" | "path">) => Promise<Server>,
): Promise<Server> {
  const where = parseAddress(address)!;
  return start("path" in where ? { host: "", port: 0, ...where } : where).catch((problem: Error) => {
    throw new Failure(`cannot listen on \`${address}\`: ${obstacle(option, address, problem)}`);
  });
}

function boundAddress(address: string, port: number): string {
  return address.replace(/:0$/, `:${port}`);
}

/** Why an address cannot be had, and what to do. */
function obstacle(option: string, address: string, problem: unknown): string {
  const advice = address.startsWith("unix:")
    ? "choose another path"
    : `choose another address with ${option}, or port 0 for a free one`;
  return `${reason(problem)}; ${advice}`;
}
