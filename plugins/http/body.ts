import type { IncomingMessage } from "node:http";

/** The body; null where it is longer than `bytesMax`. Rejects when the other side goes away. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return null;
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`: leaving it would end the connection before it has the answer.
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) resolve(null);
      else chunks.push(chunk);
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the caller went away")));
  });
}
