/** One request to a server of ours. No redirects: what goes along is for this server. */
import { type IncomingMessage, request as plain } from "node:http";
import { request as secure } from "node:https";

export interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** PEM texts, for `https`. `ca`: who vouches for the server, in place of the authorities that the system knows. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** What a server of ours says is shorter. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;

/** @throws the system's error, or what TLS has against the server */
export function ask(url: string, { method, headers, body, timeoutMs, tls }: Asked): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: false, signal: AbortSignal.timeout(timeoutMs) };
    const sent = url.startsWith("https:") ? secure(url, { ...options, ...tls }) : plain(url, options);
    sent.on("response", (response) =>
      textOf(response).then((text) => resolve(replyOf(response, text)), reject),
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

function replyOf({ statusCode, headers }: IncomingMessage, text: string): Reply {
  return { status: statusCode ?? 0, contentType: headers["content-type"] ?? "", text };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > REPLY_BYTES_MAX) throw new Error("the answer does not end");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
