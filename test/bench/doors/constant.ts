/**
 * The server beside ours: Node's HTTP server or that of grpc-js, which reads what it is asked and answers what it was given.
 * So much a check costs whatever it decides.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { type CheckRequest, type CheckResponse, loadServices } from "../../../proto/index.ts";
import type { HttpAnswer } from "./http-load.ts";

/** What ours answered. */
export type Constant =
  /** By the target. */
  | { readonly kind: "http"; readonly answers: readonly (readonly [path: string, answer: HttpAnswer])[] }
  | { readonly kind: "grpc"; readonly answer: CheckResponse };

/** Connections wait for their turn longer than Node's 5 seconds. */
const KEEP_ALIVE_MS = 75_000;

process.once("message", async (constant: Constant) => {
  const port = constant.kind === "http" ? await serveHttp(constant) : await serveGrpc(constant);
  console.log(`listening ${constant.kind} 127.0.0.1:${port}`);
});

async function serveHttp({ answers }: Constant & { readonly kind: "http" }): Promise<number> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const [, answer] = answers.find(([path]) => path === request.url)!;
    if (request.method === "POST") {
      readAll(request, () => send(response, answer));
    } else {
      request.resume();
      send(response, answer);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function readAll(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.once("end", () => done(Buffer.concat(chunks)));
}

function send(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  response.writeHead(status, headers);
  response.end(body);
}

async function serveGrpc({ answer }: Constant & { readonly kind: "grpc" }): Promise<number> {
  const server = new Server({ "grpc.enable_channelz": 0 });
  server.addService(loadServices().authorization, {
    Check: (_: ServerUnaryCall<CheckRequest, CheckResponse>, respond: sendUnaryData<CheckResponse>) =>
      respond(null, answer),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (problem, port) =>
      problem === null ? resolve(port) : reject(problem),
    );
  });
}
