/** Asks an HTTP server the same again and again, by bytes that are made once: a client that takes less than the server. */
import type { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Connection } from "./load.ts";

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const ANSWER_MS = 10_000;

/** A connection that is kept. `message`: a whole request of HTTP/1.1. */
export async function connectHttp(port: number, message: Buffer): Promise<Connection<HttpAnswer>> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  socket.setTimeout(ANSWER_MS);
  const answers = createReader(socket);
  return {
    ask() {
      const answer = answers();
      socket.write(message);
      return answer;
    },
    close: () => socket.destroy(),
  };
}

/** A connection for each request: the one before is closed by the server, as `message` asks. */
export function reconnectHttp(port: number, message: Buffer): Connection<HttpAnswer> {
  return {
    async ask() {
      const connection = await connectHttp(port, message);
      const answer = await connection.ask();
      connection.close();
      return answer;
    },
    close: () => undefined,
  };
}

/** Each call gives the next answer; one is waited for at a time. */
function createReader(socket: Socket): () => Promise<HttpAnswer> {
  let waiting: PromiseWithResolvers<HttpAnswer> | null = null;
  let read = "";
  socket.on("data", (chunk: Buffer) => {
    read += chunk.toString("latin1");
    const answer = answerIn(read);
    if (answer === null) return;
    read = "";
    waiting?.resolve(answer);
    waiting = null;
  });
  // Between its turns a connection may wait as long as it likes.
  socket.on("timeout", () => waiting !== null && socket.destroy(new Error("no answer in time")));
  socket.on("error", (problem) => waiting?.reject(problem));
  socket.on("close", () => waiting?.reject(new Error("the server closed the connection")));
  return () => {
    if (socket.destroyed) return Promise.reject(new Error("the server closed the connection"));
    waiting = Promise.withResolvers();
    return waiting.promise;
  };
}

/** The answer that a text is, or null where it is not there as a whole. Answers of Node have a length. */
function answerIn(text: string): HttpAnswer | null {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const [first, ...lines] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = text.slice(end + 4);
  return body.length < Number(headers["content-length"])
    ? null
    : { status: Number(first!.split(" ")[1]), headers, body };
}
