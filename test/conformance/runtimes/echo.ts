/**
 * An upstream that answers with the header lines it received. It takes any bytes and any size, which Node's own HTTP
 * server does not.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface EchoUpstream {
  readonly port: number;
  stop(): Promise<void>;
}

/** `:path`, then header lines in order: name as received, value with one character for each byte. */
export type EchoedLines = readonly (readonly [name: string, value: string])[];

export async function startEcho(): Promise<EchoUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** One request on a connection. */
function serve(socket: Socket): void {
  let received = Buffer.alloc(0);
  let lines: EchoedLines | null = null;
  let bodyStart = 0;
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (lines === null) {
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      bodyStart = end + 4;
      const [first = "", ...fields] = received.subarray(0, end).toString("latin1").split("\r\n");
      lines = [[":path", first.split(" ")[1] ?? ""], ...fields.map(fieldOf)];
    }
    if (isComplete(lines, received.subarray(bodyStart))) answer(socket, lines);
  });
}

function isComplete(lines: EchoedLines, body: Buffer): boolean {
  const lineOf = (name: string): string | undefined => lines.find(([each]) => each === name)?.[1];
  if (lineOf("transfer-encoding") === "chunked") return body.subarray(-5).toString("latin1") === "0\r\n\r\n";
  return body.length >= Number(lineOf("content-length") ?? 0);
}

/** Of the upstream's own, which an allow may replace. */
const OWN_HEADERS = "x-seen: upstream\r\nx-seen: again\r\ncache-control: private\r\n";

function answer(socket: Socket, lines: EchoedLines): void {
  const body = JSON.stringify(lines);
  socket.end(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${OWN_HEADERS}connection: close\r\n\r\n${body}`,
  );
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
