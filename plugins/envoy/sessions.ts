/**
 * The connections' sessions of HTTP/2: how old they get, and how they end. Node and grpc-js end one by a single GOAWAY that names
 * the last call that has arrived; calls that the client sends meanwhile are lost. RFC 9113, 6.8 has the way without loss: first
 * a GOAWAY that takes every call, and when the client has heard of it the one that names the last.
 */
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Server } from "@grpc/grpc-js";

/**
 * GOAWAY (type 7) of 8 bytes on stream 0: the last stream is the largest there can be, and nothing is wrong. Node's own
 * `goaway` takes no call after it, whichever stream it names, so the frame is written beside the session. What a session writes
 * are whole frames, hence one more fits in between.
 */
const LEAVING = Buffer.from("0000080700000000007fffffff00000000", "hex");
/** A client that does not answer a ping in this time is told nothing more. */
const HEARD_MS = 1_000;
/** How far an age may be off, so that connections made at once do not end at once. */
const JITTER = 0.1;

export interface SessionOptions {
  /** A connection is ended at this age, more or less by a tenth. Undefined: never. */
  readonly maxAgeMs?: number | undefined;
  /** How long calls may take that are open when a connection is to end. */
  readonly graceMs: number;
}

export interface Sessions {
  /** Begin a session on a connection, by handing it to grpc-js. */
  begin(socket: Socket, inject: (socket: Socket) => void): void;
  /** End all of them; what is left after the grace time is cut off. */
  drain(): void;
}

/** INVARIANT: called after the injector is made, and before the first connection. */
export function followSessions(server: Server, { maxAgeMs, graceMs }: SessionOptions): Sessions {
  const sessions = new Map<ServerHttp2Session, Socket>();
  let beginning: Socket | null = null;
  const retire = (session: ServerHttp2Session, socket: Socket): void => {
    if (session.closed || session.destroyed) return;
    const end = (): void => {
      clearTimeout(heard);
      if (!session.closed && !session.destroyed) session.close();
    };
    const heard = setTimeout(end, HEARD_MS);
    const cut = setTimeout(() => session.destroy(), graceMs);
    session.once("close", () => clearTimeout(cut));
    // TLS takes one piece at a time, and the session may be writing: calls that cross the end are refused, and may be sent again.
    if (socket instanceof TLSSocket) end();
    else socket.write(LEAVING, () => session.destroyed || session.ping(end));
  };
  http2ServerOf(server).on("session", (session: ServerHttp2Session) => {
    const socket = beginning!;
    sessions.set(session, socket);
    session.once("close", () => sessions.delete(session));
    if (maxAgeMs === undefined) return;
    const ageMs = maxAgeMs * (1 - JITTER + 2 * JITTER * Math.random());
    const age = setTimeout(() => retire(session, socket), ageMs);
    age.unref();
    session.once("close", () => clearTimeout(age));
  });
  return {
    begin(socket, inject) {
      beginning = socket;
      inject(socket);
      beginning = null;
    },
    drain() {
      for (const [session, socket] of sessions) retire(session, socket);
    },
  };
}

/** grpc-js makes the server behind an injector itself, and shows it to nobody. Its version is pinned, and tests come by here. */
function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  const [first] = http2Servers?.keys() ?? [];
  if (first === undefined) throw new Error("this version of @grpc/grpc-js keeps its sessions elsewhere");
  return first;
}
