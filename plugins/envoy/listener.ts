/**
 * Where the server takes connections. grpc-js can listen by itself, but then nobody can end a connection that never
 * became a session of HTTP/2, and an address that is taken is told as two lines for developers.
 */
import { lookup } from "node:dns/promises";
import {
  type AddressInfo,
  createServer,
  isIPv6,
  type ListenOptions,
  type Server,
  type Socket,
} from "node:net";

export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/** Read `HOST:PORT` (IPv6 in brackets), `unix:PATH` or `unix:///PATH`; null for anything else. */
export function parseAddress(text: string): Address | null {
  const path = /^unix:(?:\/\/(?=\/))?(.+)$/s.exec(text)?.[1];
  if (path !== undefined) return { path };
  const [, bracketed, name, digits] = /^(?:\[([^\]]*)\]|([^\s:[\]/]+)):(0|[1-9][0-9]{0,4})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = bracketed ?? name;
  if (host === undefined || port > 65_535) return null;
  return bracketed !== undefined && !isIPv6(bracketed) ? null : { host, port };
}

/** Makes what takes connections; each is handed over when it is ready for HTTP/2. */
export type MakeServer = (connected: (socket: Socket) => void) => Server;

export interface Listener {
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Take no more connections; those that are open stay. */
  close(): void;
  /**
   * For a listener that is closed: resolves when all connections are gone. One that this side has ended goes as soon as
   * the other side ends it too, or soon after; what is left after `timeoutMs` is cut off.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Close, and cut all connections off. */
  stop(): void;
}

/** How long an ended connection waits for the other side, so that what was sent last arrives before the end. */
const LINGER_MS = 100;

/**
 * Listen on an address; a name that stands for several is listened on everywhere.
 *
 * @throws the system's error when that is not possible
 */
export async function listen(
  address: Address,
  accept: (socket: Socket) => void,
  make: MakeServer = createServer,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const connected = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    accept(socket);
  };
  const servers =
    "path" in address
      ? [await bind(address, make(connected))]
      : await bindAll(address, () => make(connected));
  const close = (): void => {
    for (const server of servers) server.close();
  };
  const destroy = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: "path" in address ? 0 : portOf(servers[0]!),
    close,
    async drain(timeoutMs) {
      const timer = setTimeout(destroy, timeoutMs + LINGER_MS);
      await Promise.all([...sockets].map(ended));
      clearTimeout(timer);
    },
    stop() {
      close();
      destroy();
    },
  };
}

/** Node ends the socket of a closed session once no call is left on it, and then waits for the other side for ever. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const linger = (): void => {
      const timer = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once("close", () => clearTimeout(timer));
    };
    socket.once("close", () => resolve());
    if (socket.writableFinished) linger();
    else socket.once("finish", linger);
  });
}

/** A name may stand for IPv4 and IPv6 on a machine that has only one of them: one address is enough. */
const NOT_HERE = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

async function bindAll(
  { host, port }: { readonly host: string; readonly port: number },
  make: () => Server,
): Promise<Server[]> {
  const servers: Server[] = [];
  let problem: unknown;
  for (const { address } of await lookup(host, { all: true })) {
    try {
      const chosen = servers[0] === undefined ? port : portOf(servers[0]);
      servers.push(await bind({ host: address, port: chosen }, make()));
    } catch (caught) {
      problem = caught;
      if (NOT_HERE.has((caught as NodeJS.ErrnoException).code ?? "")) continue;
      for (const server of servers) server.close();
      throw caught;
    }
  }
  if (servers.length === 0) throw problem;
  return servers;
}

function bind(options: ListenOptions, server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
