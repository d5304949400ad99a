/** The plugin server: it listens on a Unix socket and speaks one of Kong's two protocols. */
import type { Buffer } from "node:buffer";
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import { LIMIT_MS } from "./config.ts";
import { Instances, type MakePlugin, makeIpePlugin } from "./instances.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { msgpackProtocol } from "./msgpack.ts";
import { protobufProtocol } from "./protobuf.ts";
import type { Protocol, ProtocolContext, ProtocolName } from "./protocol.ts";

export interface PluginServerOptions {
  /** Path of the Unix socket. One that a dead server left behind is replaced. */
  readonly socket: string;
  /** Must be what the dump file says. */
  readonly protocol: ProtocolName;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Default 500. */
  readonly limitMs?: number;
  /** Access rights of the socket, where Kong runs as somebody else. Default: what umask leaves. */
  readonly socketMode?: number;
  /** What to run; default is the plugin of this folder. */
  readonly plugin?: MakePlugin;
}

export interface RunningPluginServer {
  readonly socket: string;
  /** Instances that Kong has started and not closed. */
  readonly instances: number;
  /** Events that wait for Kong. */
  readonly openEvents: number;
  /** Take no more connections and cut off those that are there; removes the socket. */
  stop(): Promise<void>;
}

const SWEEP_MS = 600_000;

/** @throws when the socket cannot be listened on */
export async function startPluginServer(options: PluginServerOptions): Promise<RunningPluginServer> {
  const { logger, socket: path } = options;
  const context: ProtocolContext = {
    instances: new Instances(options.plugin ?? makeIpePlugin, {
      logger,
      metrics: options.metrics ?? createMetrics(),
    }),
    logger,
    limitMs: options.limitMs ?? LIMIT_MS,
  };
  const protocol = options.protocol === "MsgPack:1" ? msgpackProtocol(context) : protobufProtocol(context);
  const sweep = setInterval(() => context.instances.sweep(), SWEEP_MS).unref();
  const sockets = new Set<Socket>();
  await removeDead(path);
  const server = await listen(path, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(socket, protocol, logger);
  });
  if (options.socketMode !== undefined) chmodSync(path, options.socketMode);
  logger.info({ socket: path, protocol: options.protocol }, "serving Kong");
  return {
    socket: path,
    get instances() {
      return context.instances.size;
    },
    get openEvents() {
      return protocol.openEvents;
    },
    stop() {
      clearInterval(sweep);
      protocol.close();
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function serve(socket: Socket, protocol: Protocol, logger: Logger): void {
  const side = protocol.connected({
    write: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
    close: () => socket.end(),
  });
  // Kong's worker may be gone at any time.
  socket.on("error", () => undefined);
  socket.once("close", () => side.closed());
  socket.on("data", (chunk: Buffer) => {
    try {
      side.data(chunk);
    } catch (error) {
      logger.error({ err: error }, "a connection is closed");
      socket.destroy();
    }
  });
}

/** A socket that nobody listens on, left by a server that was killed. Anything else stays. */
async function removeDead(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const dead = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (problem: NodeJS.ErrnoException) => resolve(problem.code === "ECONNREFUSED"));
  });
  if (dead) rmSync(path, { force: true });
}

function listen(path: string, connected: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(connected);
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}
