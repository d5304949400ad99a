/**
 * A real nginx with the plugin in Kong's place, behind an Admin API that understands the same `POST /config`: what drives an image is
 * tried here where there is none.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { startLuaWorker } from "../lua/worker.ts";
import { obtainNginx, startNginx } from "../nginx/index.ts";
import { loadByAdmin, VERSION_HOST } from "./admin.ts";
import { echoAnswer } from "./echo.ts";
import type { KongGateway } from "./kong.ts";

const HOST = "127.0.0.1";
const HEADER_LINE_KIB = 128;

/** As `declarative` writes it. */
interface Declarative {
  readonly services: readonly { readonly plugins: readonly { readonly config: Record<string, unknown> }[] }[];
  readonly routes: readonly { readonly plugins: readonly { readonly config: { readonly body: string } }[] }[];
}

const DEFAULTS = { mode: "enforce", log_decisions: true, body_limit: 262_144 };

/** Starts all of it, on free ports of this machine. */
export async function startNginxAsKong(): Promise<KongGateway> {
  const upstream = createSocketServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = received.subarray(0, end + 4);
      const announced = /\r\ncontent-length: *(\d+)/i.exec(head.toString("latin1"))?.[1] ?? "0";
      if (received.length < head.length + Number(announced)) return;
      socket.end(answerOf(head));
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, HOST, resolve));
  const nginx = await startNginx(await obtainNginx(), {
    doors: [{ name: "plain" }, { name: "proxied", proxyProtocol: true }],
    upstream: { port: portOf(upstream) },
    headerLineKib: HEADER_LINE_KIB,
    logLevel: "error",
  });
  const worker = startLuaWorker();
  let version = "first";
  const admin = createServer(async (request, response) => {
    // Kong's route for this host, which nginx here does not have.
    if (request.headers.host === VERSION_HOST) return void response.end(version);
    const { services, routes } = JSON.parse(
      (JSON.parse(await textOf(request)) as { config: string }).config,
    ) as Declarative;
    const config = services[0]!.plugins[0]!.config;
    const refusal = worker.configure(config);
    if (refusal !== null) return void answer(response, 400, { message: refusal });
    await nginx.set({ config: { ...DEFAULTS, ...config } });
    version = routes[0]!.plugins[0]!.config.body;
    answer(response, 201, {});
  });
  await new Promise<void>((resolve) => admin.listen(0, HOST, resolve));
  const doors = { host: HOST, admin: portOf(admin), proxy: portOf(admin) };
  return {
    host: HOST,
    port: (door) => nginx.port(door),
    load: (plugin) => loadByAdmin(doors, plugin),
    stop: async () => {
      await nginx.stop();
      worker.close();
      admin.close();
      upstream.close();
    },
  };
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}

async function textOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await request.toArray()).toString();
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function answerOf(head: Buffer): string {
  const { headers, body } = echoAnswer(head, head.subarray(0, 5).toString() === "HEAD ");
  const lines = Object.entries({ ...headers, "content-length": String(body.length), connection: "close" });
  return `HTTP/1.1 200 OK\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}
