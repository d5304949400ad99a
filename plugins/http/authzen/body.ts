import type { IncomingMessage } from "node:http";

/** Bytes of a document. A body inside of it has at most 262,144 for a policy. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;

/** The body; null where it is longer than a document may be. Rejects when the other side goes away. */
export async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > DOCUMENT_BYTES_MAX) return null;
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`: leaving it would end the connection before it has the answer.
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > DOCUMENT_BYTES_MAX) resolve(null);
      else chunks.push(chunk);
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the caller went away")));
  });
}
