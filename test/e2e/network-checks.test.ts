/** Connections without HTTP through a real Envoy, which asks before it connects them. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Envoy } from "../../compose/envoy/index.ts";
import { type RunningServer, startServer } from "../../plugins/envoy/index.ts";
import { engineOf } from "../engine.ts";
import { createAuthority, type Identity } from "./certificates.fixture.ts";
import {
  type Ended,
  freePorts,
  GREETING,
  type Greeter,
  plain,
  secure,
  startGreeter,
  startSilence,
} from "./network-checks/connections.ts";
import { documentedPolicy, type ListenerOptions, startProxy } from "./network-checks/envoy.ts";

const authority = createAuthority("test authority");
const server = authority.issue({
  commonName: "server",
  uris: ["spiffe://example.org/server"],
  dnsNames: ["db.example.org"],
});
const orders = authority.issue({ commonName: "orders", uris: ["spiffe://example.org/ns/shop/sa/orders"] });
const billing = authority.issue({ commonName: "billing", uris: ["spiffe://example.org/ns/shop/sa/billing"] });
const stranger = createAuthority("test authority").issue({
  commonName: "orders",
  uris: ["spiffe://example.org/ns/shop/sa/orders"],
});

const DEFAULT_ALLOW = `default allow

guard Blocked:
  triggers when source.ip == "203.0.113.9"
  denies
`;

const logger = pino({ level: "silent" });
const NAMES = ["db", "cache", "through", "other", "early", "handshake", "open", "hanging"] as const;
type Name = (typeof NAMES)[number];

let folder: string;
let port: Readonly<Record<Name, number>>;
let envoy: Envoy;
let upstream: Greeter;
let upstreamTls: Greeter;
let pdp: RunningServer;
let openPdp: RunningServer;
let silence: { readonly port: number; stop(): void };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-network-"));
  const free = await freePorts(NAMES.length);
  port = Object.fromEntries(NAMES.map((name, i) => [name, free[i]!])) as typeof port;
  const policy = documentedPolicy
    .replace("5432", String(port.db))
    .replace("6379", String(port.cache))
    .replace("8443", String(port.through))
    .replace("10.1.0.0/16", "127.0.0.2/32");
  const address = "127.0.0.1:0";
  pdp = await startServer({ address, engine: engineOf(policy).engine, logger });
  openPdp = await startServer({ address, engine: engineOf(DEFAULT_ALLOW).engine, logger });
  silence = await startSilence();
  upstream = await startGreeter();
  upstreamTls = await startGreeter(server);
  const files = {
    "server.crt": await written("server.crt", server.certificate),
    "server.key": await written("server.key", server.key),
    "authority.crt": await written("authority.crt", authority.certificate),
  };
  const listeners: Record<Name, Omit<ListenerOptions, "port">> = {
    db: { files },
    cache: {},
    through: { inspected: true, upstream: "upstream-tls" },
    other: {},
    early: { connect: "IMMEDIATE" },
    handshake: { files, connect: "ON_DOWNSTREAM_TLS_HANDSHAKE" },
    open: { server: "open" },
    hanging: { server: "hanging" },
  };
  envoy = await startProxy({
    listeners: Object.fromEntries(NAMES.map((name) => [name, { port: port[name], ...listeners[name] }])),
    servers: { ipe: pdp.port, open: openPdp.port, hanging: silence.port },
    upstreams: { upstream: upstream.port, "upstream-tls": upstreamTls.port },
    accessLog: join(folder, "access.log"),
  });
}, 400_000);

afterAll(async () => {
  await envoy?.stop();
  pdp?.stop();
  openPdp?.stop();
  silence?.stop();
  upstream?.stop();
  upstreamTls?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function written(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

/** Closed, without a byte, and nobody was connected. */
async function expectClosed(converse: () => Promise<Ended>): Promise<Ended> {
  const before = [upstream.connections(), upstreamTls.connections()];
  const ended = await converse();
  expect(ended).toMatchObject({ received: "", closed: true });
  expect([upstream.connections(), upstreamTls.connections()]).toEqual(before);
  return ended;
}

async function expectOpen(converse: () => Promise<Ended>): Promise<void> {
  expect(await converse()).toEqual({ received: `${GREETING}hello`, closed: false, error: null });
}

const showing = (identity: Identity) => ({
  ca: authority.certificate,
  cert: identity.certificate,
  key: identity.key,
  servername: "db.example.org",
});

test("source and destination decide", async () => {
  await expectOpen(() => plain(port.cache, "hello", "127.0.0.2"));
  await expectClosed(() => plain(port.cache, "hello", "127.0.0.1"));
  await expectClosed(() => plain(port.other, "hello", "127.0.0.2"));
});

test("a certificate's SPIFFE id and the server name decide, and a denial says so in TLS", async () => {
  await expectOpen(() => secure(port.db, showing(orders)));
  await expectOpen(() => secure(port.db, { ...showing(orders), servername: "DB.Example.org" }));
  for (const options of [
    showing(billing),
    { ...showing(orders), servername: "other.example.org" },
    { ...showing(orders), servername: "" },
  ])
    expect((await expectClosed(() => secure(port.db, options))).error).toContain("access denied");
});

test("who shows no certificate, or a stranger's, gets as far as nobody", async () => {
  await expectClosed(() => secure(port.db, { ca: authority.certificate, servername: "db.example.org" }));
  await expectClosed(() => secure(port.db, showing(stranger)));
  // Who speaks no TLS at all gets TLS's own alert.
  expect(await plain(port.db, "hello")).toMatchObject({
    closed: true,
    received: expect.not.stringContaining("220"),
  });
});

test("TLS that passes through: the name decides, and no name is none", async () => {
  const ca = authority.certificate;
  await expectOpen(() => secure(port.through, { ca, servername: "api.example.org" }));
  await expectOpen(() => secure(port.through, { ca, servername: "WWW.example.org" }));
  await expectClosed(() => secure(port.through, { ca, servername: "admin.example.org" }));
  await expectClosed(() => secure(port.through, { ca, servername: "" }));
  await expectClosed(() => plain(port.through, "hello"));
});

test("who says nothing hears nothing, and nobody is connected", async () => {
  const before = upstream.connections();
  expect(await plain(port.cache, null, "127.0.0.2")).toEqual({ received: "", closed: false, error: null });
  expect(await plain(port.cache, null)).toEqual({ received: "", closed: false, error: null });
  expect(upstream.connections()).toBe(before);
});

test("what the page warns of: connected at once, a denied client hears what the upstream says first", async () => {
  const ended = await plain(port.early, "hello");
  expect(ended).toMatchObject({ received: GREETING, closed: true });
  expect(await plain(port.early, null)).toMatchObject({ received: GREETING });
  expect(await secure(port.handshake, showing(billing), null)).toMatchObject({ received: GREETING });
});

test("`default allow` lets no connection in", async () => {
  await expectClosed(() => plain(port.open, "hello"));
});

test("a server that never answers: closed", async () => {
  await expectClosed(() => plain(port.hanging, "hello"));
});

test("the access log says who decided", async () => {
  await plain(port.cache, "hello", "127.0.0.2");
  await plain(port.cache, "hello");
  const logged = async (): Promise<readonly unknown[]> =>
    (await readFile(join(folder, "access.log"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const line = (decision: string, reason: string): object => ({
    listener: "cache",
    check: expect.objectContaining({ decision, policy: "Cache", reason, decision_id: expect.any(String) }),
  });
  await expect
    .poll(logged, { timeout: 10_000 })
    .toEqual(expect.arrayContaining([line("allow", "satisfied"), line("deny", "unsatisfied")]));
});

test("the server is gone: closed", async () => {
  await expectOpen(() => plain(port.cache, "hello", "127.0.0.2"));
  pdp.stop();
  await expectClosed(() => plain(port.cache, "hello", "127.0.0.2"));
  await expectClosed(() => secure(port.db, showing(orders)));
});
