/** What a policy can know of the connection, at both doors of a real Envoy with TLS and with client certificates. */
import { mkdtemp, rm } from "node:fs/promises";
import { request as plainRequest } from "node:http";
import { type RequestOptions, request as tlsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import {
  type Envoy,
  filterStat,
  type ListenerTls,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
  writeFilterResource,
} from "../../compose/envoy/index.ts";
import { type RunningServer, startServer } from "../../plugins/envoy/index.ts";
import { engineOf } from "../engine.ts";
import { createAuthority } from "./certificates.fixture.ts";

const authority = createAuthority("test authority");
const server = authority.issue({
  commonName: "server",
  uris: ["spiffe://example.org/ns/shop/sa/server"],
  dnsNames: ["orders.example.org"],
});
const client = authority.issue({
  commonName: "client",
  organization: "Example",
  uris: ["spiffe://example.org/ns/shop/sa/client", "spiffe://example.org/second"],
  dnsNames: ["client.example.org"],
});
/** Neither URI nor DNS name: its subject is the principal. */
const nameless = authority.issue({ commonName: "nameless", organization: "Example" });

/** Each path asks one question, so that an answer says what the policy saw. */
const QUESTIONS = {
  "/mtls": "connection.mtls",
  "/no-mtls": "not connection.mtls",
  "/tls-1.3": 'connection.tls_version == "TLSv1.3"',
  "/tls-1.2": 'connection.tls_version == "TLSv1.2"',
  "/no-tls": "not exists connection.tls_version",
  "/name": 'connection.requested_server_name == "orders.example.org"',
  "/no-name": "not exists connection.requested_server_name",
  "/client": 'source.principal == "spiffe://example.org/ns/shop/sa/client"',
  "/nameless": 'source.principal contains "nameless"',
  "/nobody": "not exists source.principal",
  "/server": 'destination.principal == "spiffe://example.org/ns/shop/sa/server"',
  "/subject": 'connection.subject_peer_certificate == "CN=client,O=Example"',
  "/uri": 'connection.uri_san_peer_certificate == "spiffe://example.org/ns/shop/sa/client"',
  "/dns": 'connection.dns_san_peer_certificate == "client.example.org"',
  "/digest": `connection.sha256_peer_certificate_digest == "${client.digest}"`,
  "/no-certificate": "not exists connection.subject_peer_certificate",
  "/loopback":
    'source.ip in "127.0.0.0/8" and destination.ip == "127.0.0.1" and destination.port != source.port',
} as const;
type Question = keyof typeof QUESTIONS;

const policy = Object.entries(QUESTIONS)
  .map(
    ([path, condition], i) =>
      `policy Question${i}:\n  triggers when request.path == "${path}"\n  requires ${condition}\n`,
  )
  .join("\n");

const DOORS = ["wasm", "ext-authz"] as const;
type Door = (typeof DOORS)[number];

let envoy: Envoy;
let upstream: Upstream;
let authorization: RunningServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-tls-"));
  const { bundle, engine } = engineOf(policy);
  const configuration = JSON.stringify({ bundle: Buffer.from(bundle).toString("base64") });
  await writeFilterResource(folder, { wasm: await buildFilter(), configuration });
  upstream = await startUpstream({ answer: "fixed" });
  authorization = await startServer({ address: "127.0.0.1:0", engine, logger: pino({ level: "silent" }) });
  const own = { certificateChain: server.certificate, privateKey: server.key };
  const kinds: Readonly<Record<string, { tls?: ListenerTls }>> = {
    open: {},
    tls: { tls: own },
    uninspected: { tls: { ...own, inspected: false } },
    mutual: { tls: { ...own, clientAuthority: authority.certificate } },
  };
  envoy = await startEnvoy({
    binary: (await obtainEnvoy()).path,
    bootstrap: toBootstrap({
      upstream,
      listeners: Object.entries(kinds).flatMap(([name, tls]) => [
        { kind: "wasm", name: `${name}-wasm`, folder, ...tls },
        { kind: "ext_authz", name: `${name}-ext-authz`, server: authorization, ...tls },
      ]),
    }),
  });
  await envoy.waitForStat(filterStat("update_success"), 1);
}, 400_000);

afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
  authorization?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

interface Caller {
  readonly listener: "open" | "tls" | "uninspected" | "mutual";
  readonly options?: RequestOptions;
}

function ask(door: Door, { listener, options }: Caller, path: string): Promise<number | undefined> {
  const target = { host: "127.0.0.1", port: envoy.listenerPort(`${listener}-${door}`), path, agent: false };
  return new Promise((resolve, reject) => {
    const sent =
      listener === "open"
        ? plainRequest(target)
        : tlsRequest({ ...target, ca: authority.certificate, servername: "orders.example.org", ...options });
    sent.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject);
    sent.end();
  });
}

const CALLERS: Readonly<Record<string, Caller & { readonly holds: readonly Question[] }>> = {
  "no TLS": {
    listener: "open",
    holds: ["/no-mtls", "/no-tls", "/no-name", "/nobody", "/no-certificate", "/loopback"],
  },
  "TLS 1.3": {
    listener: "tls",
    holds: ["/no-mtls", "/tls-1.3", "/name", "/nobody", "/server", "/no-certificate", "/loopback"],
  },
  "TLS 1.2": {
    listener: "tls",
    options: { maxVersion: "TLSv1.2" },
    holds: ["/no-mtls", "/tls-1.2", "/name", "/nobody", "/server", "/no-certificate", "/loopback"],
  },
  "a server name in another case": {
    listener: "tls",
    options: { servername: "Orders.EXAMPLE.org" },
    holds: ["/no-mtls", "/tls-1.3", "/name", "/nobody", "/server", "/no-certificate", "/loopback"],
  },
  "no server name": {
    listener: "tls",
    options: { servername: "", checkServerIdentity: () => undefined },
    holds: ["/no-mtls", "/tls-1.3", "/nobody", "/server", "/no-certificate", "/loopback"],
  },
  "a client that shows no certificate": {
    listener: "mutual",
    holds: ["/no-mtls", "/tls-1.3", "/name", "/nobody", "/server", "/no-certificate", "/loopback"],
  },
  "a client with names": {
    listener: "mutual",
    options: { cert: client.certificate, key: client.key },
    holds: [
      "/mtls",
      "/tls-1.3",
      "/name",
      "/client",
      "/server",
      "/subject",
      "/uri",
      "/dns",
      "/digest",
      "/loopback",
    ],
  },
  "a client without names": {
    listener: "mutual",
    options: { cert: nameless.certificate, key: nameless.key },
    holds: ["/mtls", "/tls-1.3", "/name", "/nameless", "/server", "/loopback"],
  },
};

/** A CheckRequest has no field for these: the policy sees something invalid, and denies whatever it asks. */
const NOT_IN_A_CHECK: readonly Question[] = [
  "/mtls",
  "/no-mtls",
  "/tls-1.3",
  "/tls-1.2",
  "/no-tls",
  "/subject",
  "/uri",
  "/dns",
  "/digest",
  "/no-certificate",
];

describe.each(DOORS)("%s", (door) => {
  test.each(Object.keys(CALLERS))("%s", async (name) => {
    const caller = CALLERS[name]!;
    const seen: Record<string, number | undefined> = {};
    const want: Record<string, number> = {};
    for (const question of Object.keys(QUESTIONS) as Question[]) {
      seen[question] = await ask(door, caller, question);
      const known = door === "wasm" || !NOT_IN_A_CHECK.includes(question);
      want[question] = known && caller.holds.includes(question) ? 200 : 403;
    }
    expect(seen).toEqual(want);
  });

  test("a name that nobody looked for is not absent", async () => {
    const known = door === "wasm" ? 403 : 200;
    expect(await ask(door, { listener: "uninspected" }, "/name")).toBe(known);
    expect(await ask(door, { listener: "uninspected" }, "/no-name")).toBe(403);
  });

  test("a certificate of another authority is no connection at all", async () => {
    const stranger = createAuthority("test authority").issue({
      commonName: "client",
      uris: ["spiffe://example.org/ns/shop/sa/client"],
    });
    const options = { cert: stranger.certificate, key: stranger.key };
    const before = upstream.requests();
    await expect(ask(door, { listener: "mutual", options }, "/client")).rejects.toThrow();
    expect(upstream.requests()).toBe(before);
  });
});
