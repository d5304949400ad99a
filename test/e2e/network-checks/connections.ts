/** Both ends of a connection through the proxy. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { Identity } from "../certificates.fixture.ts";

export const GREETING = "220 at your service\r\n";

export interface Greeter {
  readonly port: number;
  /** Connections so far. */
  readonly connections: () => number;
  stop(): void;
}

/** An upstream that speaks first, and then sends back what comes. */
export async function startGreeter(identity?: Identity): Promise<Greeter> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const greet = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write(GREETING);
    socket.pipe(socket);
  };
  const server: Server =
    identity === undefined
      ? createServer(greet)
      : createTlsServer({ cert: identity.certificate, key: identity.key }, greet);
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export interface Ended {
  /** All that arrived. */
  readonly received: string;
  /** The other side ended it; otherwise this side did, with an answer or after a while. */
  readonly closed: boolean;
  readonly error: string | null;
}

/** How long a client waits that says nothing, or hears nothing. */
const WAIT_MS = 1_500;

/** Connect, say something (null: nothing), and wait for its echo or for the end. */
export function converse(
  socket: Socket,
  said: string | null,
  begin: "connect" | "secureConnect",
): Promise<Ended> {
  return new Promise((resolve) => {
    let received = "";
    let error: string | null = null;
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ received, closed, error });
    };
    const timer = setTimeout(() => finish(false), WAIT_MS);
    if (said !== null) socket.on(begin, () => socket.write(said));
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (said !== null && received.endsWith(said)) finish(false);
    });
    socket.on("error", (problem) => {
      error = problem.message;
    });
    socket.on("close", () => finish(true));
  });
}

export function plain(port: number, said: string | null, from = "127.0.0.1"): Promise<Ended> {
  return converse(connect({ port, host: "127.0.0.1", localAddress: from }), said, "connect");
}

export function secure(
  port: number,
  options: ConnectionOptions,
  said: string | null = "hello",
): Promise<Ended> {
  const checkServerIdentity = (): undefined => undefined;
  const socket = connectTls({ port, host: "127.0.0.1", checkServerIdentity, ...options });
  return converse(socket, said, "secureConnect");
}

/** A port that takes connections and never says a word. */
export async function startSilence(): Promise<{ readonly port: number; stop(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
