/** An upstream that keeps what arrives, byte by byte: one character for each. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface Arrived {
  /** For example `GET /orders HTTP/1.1`. */
  readonly line: string;
  /** In order; names as they were sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface Recorder {
  readonly port: number;
  /** Everything since the last time that this was called. */
  take(): readonly Arrived[];
  stop(): Promise<void>;
}

/**
 * Answers 200 as soon as a request is complete, and keeps the connection. nginx buffers bodies, so that each has a length.
 * `headers`: lines of the answer besides, with their ends.
 */
export async function startRecorder(headers = ""): Promise<Recorder> {
  const answer = `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${headers}\r\nok`;
  const sockets = new Set<Socket>();
  let arrived: Arrived[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      for (;;) {
        const found = firstOf(received);
        if (found === null) return;
        received = received.slice(found.length);
        arrived.push(found.request);
        socket.write(answer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    take: () => {
      const taken = arrived;
      arrived = [];
      return taken;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** The first request in what was received, null while it is not complete. */
function firstOf(received: string): { request: Arrived; length: number } | null {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line = "", ...fields] = received.slice(0, end).split("\r\n");
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });
  const announced = headers.find(([name]) => name.toLowerCase() === "content-length")?.[1];
  const length = end + 4 + Number(announced ?? 0);
  if (received.length < length) return null;
  return { request: { line, headers, body: received.slice(end + 4, length) }, length };
}
