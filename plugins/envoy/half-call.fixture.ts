import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:http2";

/** A gRPC call whose headers the server has, and whose message it still waits for. */
export interface HalfCall {
  /** Send the message; the bytes of the answer. */
  finish(message: Buffer): Promise<Buffer>;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
}

/** INVARIANT: when this resolves, the server has begun the call: it answered a ping that was sent after the headers. */
export async function openCall(port: number, path: string): Promise<HalfCall> {
  const session = connect(`http://127.0.0.1:${port}`);
  const closed = new Promise<void>((resolve) => session.once("close", () => resolve()));
  session.on("error", () => {});
  await once(session, "connect");
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
  return {
    closed,
    async finish(message) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      const frame = Buffer.alloc(5);
      frame.writeUInt32BE(message.length, 1);
      stream.end(Buffer.concat([frame, message]));
      await once(stream, "end");
      session.close();
      return Buffer.concat(chunks).subarray(5);
    },
  };
}
