import { once } from "node:events";
import { connect } from "node:net";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { compile, createEngine, type Decision, type Engine, NO_EFFECTS } from "../../core/index.ts";
import type { HttpDecider } from "./judge.ts";
import { PROXIES } from "./proxies.ts";
import { type RunningHttpServer, startHttpServer } from "./server.ts";

const ADMINS = `attributes
  role: string? trusted from header "x-role"

policy Admins:
  triggers when exists role and role == "admin"
  allows
  on allow
    set request header "x-checked" to "yes"

policy Readers:
  triggers when exists role and role == "reader"
  allows

guard Gone:
  triggers when exists role and role == "gone"
  denies
  on deny
    status 503
    body "nothing here"

guard Unpaid:
  triggers when exists role and role == "unpaid"
  denies
  on deny
    status 402
`;

function engineOf(text: string): Engine {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((each) => each.message).join());
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

async function start(engine: HttpDecider = engineOf(ADMINS)): Promise<RunningHttpServer & { url: string }> {
  const server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    engine,
    logger: pino({ level: "silent" }),
  });
  onTestFinished(() => server.drain());
  return { ...server, url: `http://127.0.0.1:${server.port}` };
}

async function ask(url: string, role: string, more: Record<string, string> = {}): Promise<Response> {
  const headers = { "x-role": role, "x-forwarded-method": "GET", "x-forwarded-uri": "/", ...more };
  return fetch(url, { headers });
}

test.each(PROXIES)("%s: 200 with every header that policies set, or a denial", async (proxy) => {
  const { url } = await start();
  const door = `${url}/forward-auth/${proxy}`;
  const admin = await ask(door, "admin");
  expect([admin.status, admin.headers.get("x-checked"), admin.headers.get("cache-control")]).toEqual([
    ...[200, "yes", "no-store"],
  ]);
  const reader = await ask(door, "reader");
  expect([reader.status, reader.headers.get("x-checked")]).toEqual([200, ""]);
  const denied = await ask(door, "guest");
  expect([denied.status, denied.headers.get("x-ipe-reason"), denied.headers.get("x-checked")]).toEqual([
    ...[403, "default", null],
  ]);
  expect(await denied.json()).toEqual({
    message: "default",
    decision_id: denied.headers.get("x-ipe-decision"),
  });
});

test("a denial is never 5xx; nginx hears of 401 and 403 only", async () => {
  const { url } = await start();
  for (const proxy of PROXIES) {
    const gone = await ask(`${url}/forward-auth/${proxy}`, "gone");
    expect([gone.status, await gone.json()]).toMatchObject([403, { message: "nothing here" }]);
    expect((await ask(`${url}/forward-auth/${proxy}`, "unpaid")).status).toBe(proxy === "nginx" ? 403 : 402);
  }
});

test("a client's copy in another spelling cannot be replaced, so nothing passes", async () => {
  const { url } = await start();
  const forged = await ask(`${url}/forward-auth/traefik`, "admin", { x_checked: "forged" });
  expect([forged.status, forged.headers.get("x-ipe-reason")]).toEqual([403, "error"]);
});

test("a decision that fails is a denial, and says nothing of why", async () => {
  const engine = engineOf(ADMINS);
  const failing = (decide: HttpDecider["decide"]): HttpDecider => ({
    ...{ digest: engine.digest, headerNames: engine.headerNames, program: engine.program },
    decide,
  });
  const broken: Decision = {
    ...{ allow: true, reason: { policy: "P", outcome: "satisfied" }, denial: null },
    setRequestHeaders: [{ name: "x-checked", value: "a\r\nb" }],
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
  };
  const cases = [
    () => {
      throw new Error("secret");
    },
    () => broken,
  ];
  for (const decide of cases) {
    const { url } = await start(failing(decide));
    const denied = await ask(`${url}/forward-auth/envoy/x`, "admin");
    expect([denied.status, denied.headers.get("x-ipe-reason")]).toEqual([403, "error"]);
    expect(await denied.text()).not.toContain("secret");
  }
});

test("`default allow` covers no request of which the proxy did not say what it is", async () => {
  const { url } = await start(
    engineOf(`default allow\n\nguard G:\n  triggers when request.method == "PUT"\n  denies\n`),
  );
  const said = { "x-forwarded-host": "example.org", "x-forwarded-proto": "https" };
  for (const proxy of ["nginx", "caddy", "traefik"]) {
    const door = `${url}/forward-auth/${proxy}`;
    expect((await ask(door, "guest", said)).status).toBe(200);
    expect((await fetch(door, { headers: said })).status).toBe(403);
    expect((await ask(door, "guest", { ...said, "x-forwarded-uri": "//" })).status).toBe(403);
  }
});

test("health, and what is not there", async () => {
  const { url } = await start();
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  for (const path of [
    "/",
    "/forward-auth",
    "/forward-auth/haproxy",
    "/forward-auth/nginxx",
    "//forward-auth/nginx",
  ])
    expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 404]);
});

test("another bundle is in force from the next request on; one that no proxy can serve is refused", async () => {
  const server = await start();
  const door = `${server.url}/forward-auth/caddy`;
  server.swap(engineOf('policy All:\n  requires request.method == "GET"\n'));
  expect((await ask(door, "guest")).status).toBe(200);
  expect(() => server.swap(engineOf("policy P:\n  requires source.port == 1\n"))).toThrow("source.port");
  expect((await ask(door, "guest")).status).toBe(200);
});

test("draining: what is in flight ends, then nobody listens", async () => {
  const { url, drain } = await start();
  expect((await ask(`${url}/forward-auth/caddy`, "admin")).status).toBe(200);
  await drain();
  await expect(fetch(`${url}/health/ready`)).rejects.toThrow();
});

test.each([
  [
    "many header lines",
    `GET /forward-auth/envoy/ HTTP/1.1\r\nhost: a\r\n${"x-a: b\r\n".repeat(5_000)}x-role: admin\r\n\r\n`,
    200,
  ],
  [
    "too many bytes of them",
    `GET /forward-auth/envoy/ HTTP/1.1\r\nhost: a\r\nx-a: ${"b".repeat(200_000)}\r\n\r\n`,
    431,
  ],
  ["no HTTP", "nonsense\r\n\r\n", 400],
  [
    "two lengths",
    "GET /forward-auth/envoy/ HTTP/1.1\r\nhost: a\r\nx-role: admin\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    400,
  ],
  [
    "a length and chunks",
    "GET /forward-auth/envoy/ HTTP/1.1\r\nhost: a\r\nx-role: admin\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    400,
  ],
])("raw bytes: %s", async (_, bytes, status) => {
  const { port } = await start();
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(bytes);
  const [chunk] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  expect(chunk.toString("latin1")).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});
