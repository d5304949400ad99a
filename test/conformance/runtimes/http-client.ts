/** A client that sends bytes as they are and reads one response until the connection ends. */
import { connect } from "node:net";

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; the last line of a name counts. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const TIMEOUT_MS = 20_000;

/** @throws when there is no response, or none within the time limit */
export async function exchange(port: number, bytes: Uint8Array, host = "127.0.0.1"): Promise<HttpResponse> {
  const received = await send(port, bytes, host);
  const response = parse(received);
  if (response === null)
    throw new Error(`no HTTP response, but ${JSON.stringify(received.toString("latin1").slice(0, 200))}`);
  const body =
    response.headers.get("transfer-encoding") === "chunked" ? unchunked(response.body) : response.body;
  return { ...response, body: body.toString("utf8") };
}

/** A response as far as it has come; null before the end of its head. */
function parse(received: Buffer): (Omit<HttpResponse, "body"> & { readonly body: Buffer }) | null {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Map(lines.map(fieldOf));
  return { status: Number(first.split(" ")[1]), headers, body: received.subarray(end + 4) };
}

/** The announced length has come. (Envoy keeps a refused connection open for a second to let the client read.) */
function isComplete(received: Buffer): boolean {
  const response = parse(received);
  const length = response?.headers.get("content-length");
  return response !== null && length !== undefined && response.body.length >= Number(length);
}

function send(port: number, bytes: Uint8Array, host: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host });
    const finish = (): void => resolve(Buffer.concat(chunks));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no response within ${TIMEOUT_MS} ms`)));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (isComplete(Buffer.concat(chunks))) socket.destroy();
    });
    socket.on("close", finish);
    // A proxy that refuses a request may reset the connection behind its response.
    socket.on("error", (error) => (chunks.length > 0 ? finish() : reject(error)));
    socket.write(bytes);
  });
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.subarray(at, lineEnd).toString("latin1"), 16);
    if (!(size > 0)) break;
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
