/**
 * The service behind the proxy in demos and tests: it says what arrived.
 */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The body of every answer, as JSON. */
export interface Echo {
  readonly method: string;
  /** The request target as received. */
  readonly url: string;
  readonly httpVersion: string;
  /** Field lines in order, names as received. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: { readonly bytes: number; readonly sha256: string };
}

export interface UpstreamOptions {
  /** `fixed` answers `ok` without looking at the request, for measurements. Default `echo`. */
  readonly answer?: "echo" | "fixed";
}

export interface Upstream {
  readonly port: number;
  /** Requests received so far. */
  requests(): number;
  /** Ends open connections too. */
  stop(): Promise<void>;
}

/** An HTTP/1.1 server on a free port of 127.0.0.1 that answers 200 to everything. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  let requests = 0;
  const answer = options.answer === "fixed" ? answerFixed : answerEcho;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });
  // The proxy decides when an idle connection ends. If this end closed it first, a request could meet the closing
  // and the client would see a 503 that is nobody's decision.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerFixed(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { "content-type": "text/plain", "content-length": "2" });
  response.end("ok");
}

function answerEcho(request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash("sha256");
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  // The client went away: there is nobody to answer.
  request.on("error", () => response.destroy());
  request.on("end", () => {
    const echo: Echo = {
      method: request.method ?? "",
      url: request.url ?? "",
      httpVersion: request.httpVersion,
      headers: pairs(request.rawHeaders),
      body: { bytes, sha256: hash.digest("hex") },
    };
    const text = JSON.stringify(echo);
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    response.end(text);
  });
}

function pairs(flat: readonly string[]): [string, string][] {
  const lines: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) lines.push([flat[at] ?? "", flat[at + 1] ?? ""]);
  return lines;
}
