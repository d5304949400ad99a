/** Tokens that we verify ourselves, behind a real Envoy (ext_authz) and a real nginx (forward-auth). */
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { obtainEnvoy, startEnvoy, toBootstrap } from "../../compose/envoy/index.ts";
import { startServer } from "../../plugins/envoy/index.ts";
import { startHttpServer } from "../../plugins/http/index.ts";
import { createIdentities, type Identities } from "../../plugins/identity/index.ts";
import { exchange } from "../conformance/runtimes/http-client.ts";
import { engineOf } from "../engine.ts";
import { type Recorder, startRecorder } from "../kong/nginx/recorder.ts";
import { type RunningProxy, startEnvoyProxy, startNginx } from "./forward-auth/proxies.ts";

const policy = `
attributes
  caller: string?         from jwt "sub"
  roles:  list of string? from jwt "roles"
  client: string?         from extension "api_key.id"

policy Ann:
  triggers when exists caller and exists roles and roles contains "admin" and caller == "ann"
  allows
  on allow
    set request header "x-checked" to "ann"

policy Bob:
  triggers when exists caller and exists roles and roles contains "admin" and caller == "bob"
  allows
  on allow
    set request header "x-checked" to "bob"

policy Billing:
  triggers when exists client and client == "billing" and request.path == "/invoices"
  allows

policy Anonymous:
  triggers when not exists caller and request.path == "/public"
  allows
`;

const ISSUER = "https://issuer.example";
const logger = pino({ level: "silent" });
const pair = await generateKeyPair("RS256", { extractable: true });
const forger = await generateKeyPair("RS256", { extractable: true });

let keyServer: Server;
let identities: Identities;

beforeAll(async () => {
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "RS256" };
  keyServer = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => keyServer.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/keys`;
  identities = createIdentities(
    {
      issuers: [
        {
          ...{
            issuer: ISSUER,
            audiences: ["orders"],
            algorithms: ["RS256"],
            clockSkewSeconds: 0,
            type: null,
          },
          ...{ required: ["exp"], carrier: { kind: "header", name: "authorization", scheme: "bearer" } },
          keys: { kind: "url", url, cacheMs: 60_000, staleMs: 60_000, cooldownMs: 1_000, timeoutMs: 1_000 },
        },
      ],
      apiKeys: {
        header: "x-api-key",
        keys: new Map([[createHash("sha256").update("s3cret").digest("hex"), new Map([["id", "billing"]])]]),
      },
      clientCertificate: null,
    },
    { onRefusal: () => undefined, onProblem: () => undefined },
  );
});
afterAll(() => {
  keyServer?.close();
  keyServer?.closeAllConnections();
});

function sign(claims: Record<string, unknown>, key = pair.privateKey): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 300;
  return new SignJWT({ iss: ISSUER, aud: "orders", sub: "ann", roles: ["admin", "dev"], exp, ...claims })
    .setProtectedHeader({ alg: "RS256", kid: "k1" })
    .sign(key);
}

async function envoyOverGrpc(upstream: Recorder): Promise<RunningProxy> {
  const identity = identities.at("ext-authz");
  const { engine } = engineOf(policy);
  const server = await startServer({ address: "127.0.0.1:0", engine, logger, identity });
  const listener = { kind: "ext_authz", name: "door", server } as const;
  const { path: binary } = await obtainEnvoy();
  const envoy = await startEnvoy({ binary, bootstrap: toBootstrap({ upstream, listeners: [listener] }) });
  const stop = async (): Promise<void> => {
    await envoy.stop();
    server.stop();
  };
  return { port: envoy.listenerPort("door"), stop };
}

function overHttp(start: typeof startNginx): (upstream: Recorder) => Promise<RunningProxy> {
  return async (upstream) => {
    const identity = identities.at("forward-auth");
    const { engine } = engineOf(policy);
    const server = await startHttpServer({ host: "127.0.0.1", port: 0, engine, logger, identity });
    const proxy = await start({ auth: server.port, upstream: upstream.port });
    const stop = async (): Promise<void> => {
      await proxy.stop();
      await server.drain();
    };
    return { port: proxy.port, stop };
  };
}

describe.each<[string, (upstream: Recorder) => Promise<RunningProxy>]>([
  ["Envoy, ext_authz", envoyOverGrpc],
  ["nginx, forward-auth", overHttp(startNginx)],
  ["Envoy, forward-auth", overHttp(startEnvoyProxy)],
])("%s", (_, start) => {
  let upstream: Recorder;
  let proxy: RunningProxy;
  beforeAll(async () => {
    upstream = await startRecorder();
    proxy = await start(upstream);
  }, 400_000);
  afterAll(async () => {
    await proxy?.stop();
    await upstream?.stop();
  });

  /** Status, and the caller of whom the upstream hears. */
  async function ask(path: string, lines: readonly string[]): Promise<readonly [number, string | null]> {
    const text = [`GET ${path} HTTP/1.1`, "host: example.org", "connection: close", ...lines, "", ""];
    const { status } = await exchange(proxy.port, Buffer.from(text.join("\r\n"), "latin1"));
    const arrived = upstream.take()[0];
    const caller = arrived?.headers.find(([name]) => name.toLowerCase() === "x-checked")?.[1];
    expect(arrived !== undefined).toBe(status === 200);
    return [status, caller === undefined || caller === "" ? null : caller];
  }
  const bearer = (token: string): string => `authorization: Bearer ${token}`;

  test("a token of the issuer lets through, the first time and the next", async () => {
    const token = await sign({});
    for (let i = 0; i < 3; i++) expect(await ask("/a", [bearer(token)])).toEqual([200, "ann"]);
    expect(await ask("/a", [bearer(await sign({ sub: "bob" })), "x-checked: root"])).toEqual([200, "bob"]);
    expect(await ask("/a", [bearer(await sign({ roles: ["dev"] }))])).toEqual([403, null]);
  });

  test("no token is no caller, a bad one is neither caller nor none", async () => {
    expect(await ask("/public", [])).toEqual([200, null]);
    expect(await ask("/a", [])).toEqual([403, null]);
    const past = Math.floor(Date.now() / 1000) - 10;
    const bad = [
      await sign({}, forger.privateKey),
      await sign({ exp: past }),
      await sign({ aud: "billing" }),
      await sign({ iss: "https://evil.example" }),
      `${(await sign({})).slice(0, -4)}AAAA`,
      "a.b.c",
      "",
    ];
    for (const token of bad)
      for (const path of ["/a", "/public"]) expect(await ask(path, [bearer(token)])).toEqual([403, null]);
  });

  test("no algorithm, and the public key as a secret", async () => {
    const [, payload] = (await sign({})).split(".");
    const head = (alg: string): string =>
      Buffer.from(JSON.stringify({ alg, kid: "k1" })).toString("base64url");
    expect(await ask("/a", [bearer(`${head("none")}.${payload}.`)])).toEqual([403, null]);
    const secret = Buffer.from(await exportSPKI(pair.publicKey));
    const confused = await new SignJWT(JSON.parse(Buffer.from(payload!, "base64url").toString()))
      .setProtectedHeader({ alg: "HS256", kid: "k1" })
      .sign(secret);
    expect(await ask("/a", [bearer(confused)])).toEqual([403, null]);
  });

  test("two tokens, both good", async () => {
    const token = await sign({});
    const twice = await ask("/a", [bearer(token), bearer(token)]);
    expect([400, 403]).toContain(twice[0]);
    expect([400, 403]).toContain((await ask("/a", [`authorization: Bearer ${token}, Bearer ${token}`]))[0]);
  });

  test("API keys", async () => {
    expect(await ask("/invoices", ["x-api-key: s3cret"])).toEqual([200, null]);
    expect(await ask("/invoices", ["x-api-key: s3cre"])).toEqual([403, null]);
    expect(await ask("/invoices", ["x-api-key: s3cret", "x-api-key: s3cret"])).toEqual([403, null]);
    expect(await ask("/invoices", [])).toEqual([403, null]);
  });
});
