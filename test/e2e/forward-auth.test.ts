/** Forward-auth behind real proxies: nginx, Caddy, Traefik, and Envoy's ext_authz over HTTP. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunningHttpServer, startHttpServer } from "../../plugins/http/index.ts";
import { exchange, type HttpResponse } from "../conformance/runtimes/http-client.ts";
import { engineOf } from "../engine.ts";
import { type Arrived, type Recorder, startRecorder } from "../kong/nginx/recorder.ts";
import {
  type Ports,
  type RunningProxy,
  startCaddy,
  startEnvoyProxy,
  startNginx,
  startTraefik,
} from "./forward-auth/proxies.ts";

const policy = `
attributes
  role: string? trusted from header "x-role"

policy Admins:
  triggers when exists role and role == "admin" and request.path starts_with "/orders"
  allows
  on allow
    set request header "x-checked" to "yes"

policy Readers:
  triggers when exists role and role == "reader" and request.method == "GET" and request.path starts_with "/orders"
    and source.ip != "203.0.113.9" and request.host == "example.org" and request.scheme == "http"
  allows

guard NoEntry:
  "Nobody is let into the cellar"
  triggers when request.path starts_with "/orders/cellar"
  denies
  on deny
    status 401
    set response header "www-authenticate" to "Bearer realm=\\"cellar\\""

guard Login:
  triggers when request.path starts_with "/orders/login"
  denies
  on deny
    redirect to "https://login.example.com/?next=%2Forders&from=a"
`;

const logger = pino({ level: "silent" });

/** Stands before a port of this machine and counts connections. */
async function startRelay(port: number) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const beyond = connect({ host: "127.0.0.1", port });
    sockets.push(socket, beyond);
    for (const each of [socket, beyond]) each.on("error", () => undefined);
    socket.pipe(beyond).pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.length / 2,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe.each<[string, (ports: Ports) => Promise<RunningProxy>]>([
  ["nginx", startNginx],
  ["caddy", startCaddy],
  ["traefik", startTraefik],
  ["envoy", startEnvoyProxy],
])("%s", (name, start) => {
  let server: RunningHttpServer;
  let upstream: Recorder;
  let proxy: RunningProxy;

  beforeAll(async () => {
    upstream = await startRecorder();
    server = await startHttpServer({ host: "127.0.0.1", port: 0, engine: engineOf(policy).engine, logger });
    proxy = await start({ auth: server.port, upstream: upstream.port });
  }, 400_000);
  afterAll(async () => {
    await proxy?.stop();
    await server?.drain();
    await upstream?.stop();
  });
  beforeEach(() => {
    upstream.take();
  });

  interface Seen {
    readonly response: HttpResponse;
    readonly arrived: Arrived | undefined;
  }

  async function ask(line: string, headers: readonly string[], body = ""): Promise<Seen> {
    const length = body === "" ? [] : [`content-length: ${body.length}`];
    const text = [
      `${line} HTTP/1.1`,
      "host: example.org",
      "connection: close",
      ...headers,
      ...length,
      "",
      body,
    ];
    const response = await exchange(proxy.port, Buffer.from(text.join("\r\n"), "latin1"));
    return { response, arrived: upstream.take()[0] };
  }

  function checked({ arrived }: Seen): string[] {
    const lines = arrived!.headers.filter(([header]) => /^x[-_]checked$/i.test(header));
    return lines.map(([, value]) => value).filter((value) => value !== "");
  }

  function expectDenied({ response, arrived }: Seen, status = 403): void {
    expect([response.status, arrived]).toEqual([status, undefined]);
  }

  test("allows, and hands over what the policy sets", async () => {
    const seen = await ask("POST /orders/7?a=b", ["x-role: admin"], "hello");
    expect(seen.response.status).toBe(200);
    expect([seen.arrived?.line, seen.arrived?.body]).toEqual(["POST /orders/7?a=b HTTP/1.1", "hello"]);
    expect(checked(seen)).toEqual(["yes"]);
  });

  test("method, host, scheme and the client's address are those of the request", async () => {
    expect((await ask("GET /orders/7", ["x-role: reader"])).response.status).toBe(200);
    expectDenied(await ask("POST /orders/7", ["x-role: reader"]));
  });

  test("denies, with the policy's status where the proxy passes it on", async () => {
    expectDenied(await ask("GET /orders/7", []));
    expectDenied(await ask("GET /orders/cellar", ["x-role: admin"]), 401);
  });

  test("sends the client where the policy says, and passes on the headers of a denial", async () => {
    const login = await ask("GET /orders/login", ["x-role: admin"]);
    expectDenied(login, 302);
    expect(login.response.headers.get("location")).toBe("https://login.example.com/?next=%2Forders&from=a");
    const cellar = await ask("GET /orders/cellar", ["x-role: admin"]);
    expect(cellar.response.headers.get("www-authenticate")).toBe('Bearer realm="cellar"');
  });

  test("a client's copy of what policies set never arrives", async () => {
    expect(checked(await ask("GET /orders/7", ["x-role: admin", "X-Checked: forged"]))).toEqual(["yes"]);
    const reader = ["x-role: reader", "x-checked: forged", "X-CHECKED: again"];
    expect(checked(await ask("GET /orders/7", reader))).toEqual([]);
    const other = await ask("GET /orders/7", ["x-role: reader", "x_checked: forged"]);
    // nginx and Caddy drop such names before anybody sees them.
    if (name === "nginx" || name === "caddy") expect(checked(other)).toEqual([]);
    else expectDenied(other);
  });

  test.each([
    ["X-Forwarded-Method: GET"],
    ["x-forwarded-method: GET", "x-forwarded-method: GET"],
    ["X_Forwarded_Method: GET"],
  ])("a method that the client claims is none: %s", async (...headers) => {
    expectDenied(await ask("POST /orders/7", ["x-role: reader", ...headers]));
  });

  test.each([["X-Forwarded-Uri: /orders/7"], ["X_Forwarded_Uri: /orders/7"], ["X-Original-Uri: /orders/7"]])(
    "a path that the client claims is none: %s",
    async (header) => {
      expectDenied(await ask("GET /admin", ["x-role: reader", header]));
    },
  );

  test("a host and an address that the client claims are none", async () => {
    const seen = await ask("GET /orders/7", ["x-role: reader", "X-Forwarded-For: 203.0.113.9"]);
    expect(seen.response.status).toBe(200);
    const text = ["GET /orders/7 HTTP/1.1", "host: other.example", "X-Forwarded-Host: example.org"];
    const lines = [...text, "x-role: reader", "connection: close", "", ""];
    const response = await exchange(proxy.port, Buffer.from(lines.join("\r\n")));
    expect([response.status, upstream.take()]).toEqual([403, []]);
  });

  test("a header that is there twice is not one of them", async () => {
    expectDenied(await ask("GET /orders/7", ["x-role: admin", "x-role: admin"]));
  });

  test.each([
    "/orders/../admin",
    "/orders/%2e%2e/admin",
    "/orders%2F..%2Fadmin",
    "//admin",
    "/orders/..%2fadmin",
  ])("%s never arrives as a way out", async (path) => {
    const { response, arrived } = await ask(`GET ${path}`, ["x-role: admin"]);
    expect([response.status === 200, arrived]).toEqual([false, undefined]);
  });

  test("keeps connections to the server", async () => {
    const relay = await startRelay(server.port);
    const behind = await start({ auth: relay.port, upstream: upstream.port });
    try {
      const text =
        "GET /orders/7 HTTP/1.1\r\nhost: example.org\r\nx-role: admin\r\nconnection: close\r\n\r\n";
      for (let i = 0; i < 20; i++) expect((await exchange(behind.port, Buffer.from(text))).status).toBe(200);
      // One for each thread of the proxy at most, not one for each check.
      expect(relay.connections()).toBeLessThan(10);
    } finally {
      await behind.stop();
      relay.stop();
    }
  }, 60_000);

  test("no server, no passage", async () => {
    const mortal = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      engine: engineOf(policy).engine,
      logger,
    });
    const behind = await start({ auth: mortal.port, upstream: upstream.port });
    try {
      await mortal.drain();
      const text =
        "GET /orders/7 HTTP/1.1\r\nhost: example.org\r\nx-role: admin\r\nconnection: close\r\n\r\n";
      const response = await exchange(behind.port, Buffer.from(text));
      expect(response.status).toBe({ nginx: 500, caddy: 502, traefik: 500, envoy: 403 }[name]);
      expect(upstream.take()).toEqual([]);
    } finally {
      await behind.stop();
    }
  }, 60_000);
});
