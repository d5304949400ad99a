/** TLS at the ports of `ipe serve`, with clients that are who they say and others. */
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { folderWith, ipe, type Ran } from "../ipe.fixture.ts";
import { authority, check, filesOf, get, issued, POLICY, secured, stranger, TLS } from "./secured.fixture.ts";

const server = issued("server");
const proxy = issued("proxy", ["spiffe://example.org/ns/mesh/sa/proxy"]);
const scraper = issued("scraper", ["spiffe://example.org/ns/monitoring/sa/scraper"]);
const twofold = issued("twofold", ["spiffe://example.org/ns/mesh/sa/proxy", "spiffe://example.org/b"]);
const nameless = issued("nameless");
const forged = stranger.issue({
  commonName: "proxy",
  uris: ["spiffe://example.org/ns/mesh/sa/proxy"],
});

function handshake(address: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const [host, port] = address.split(":");
  const socket = connect({ host, port: Number(port), ca: authority.certificate, ...options });
  return new Promise((resolve, reject) => {
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Every number of the metrics that begin so. */
async function counts(address: string, name: string): Promise<Record<string, number>> {
  const answer = await get(address, "/metrics", scraper);
  if (typeof answer === "string") throw new Error(answer);
  const lines = answer.text.split("\n").filter((line) => line.startsWith(name));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(name.length, at), Number(line.slice(at + 1))];
    }),
  );
}

/** Decisions at all ports. */
async function decided(admin: string): Promise<number> {
  const asked = await counts(admin, "authorization_requests_total");
  return Object.values(asked).reduce((sum, count) => sum + count, 0);
}

describe("a certificate of the server's", () => {
  test("every port speaks TLS, 1.2 or 1.3, and nothing else", async () => {
    const { at } = await secured(folderWith(filesOf(server)), []);
    expect(await check(at["grpc"]!)).toBe("decided 0");
    expect(await get(at["http"]!, "/forward-auth/envoy/a")).toMatchObject({ status: 200 });
    expect(await get(at["http"]!, "/forward-auth/envoy/b")).toMatchObject({ status: 403 });
    expect(await get(at["admin"]!, "/bundle")).toMatchObject({ status: 200 });
    for (const door of ["grpc", "http", "admin"]) {
      const protocols = door === "grpc" ? { ALPNProtocols: ["h2"] } : {};
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const socket = await handshake(at[door]!, { maxVersion: version, ...protocols });
        expect(socket.getProtocol()).toBe(version);
        socket.destroy();
      }
      const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" } as const;
      await expect(handshake(at[door]!, { ...old, ...protocols })).rejects.toThrow();
      const weak = { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256:AES128-SHA" } as const;
      await expect(handshake(at[door]!, { ...weak, ...protocols })).rejects.toThrow();
    }
    const plain = connectPlain(Number(at["http"]!.split(":")[1]), "127.0.0.1");
    plain.write("GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n");
    let answered = "";
    plain.on("data", (chunk) => {
      answered += chunk.toString("latin1");
    });
    await once(plain, "close");
    expect(answered).not.toContain("HTTP/1.1 200");
    expect(await counts(at["admin"]!, "ipe_tls_clients_refused_total")).toMatchObject({
      '{cause="handshake"}': expect.any(Number),
    });
  });

  test("another pair: for connections that begin, when it can be used", async () => {
    const folder = folderWith(filesOf(server));
    const { at, errors } = await secured(folder, []);
    const serial = async (): Promise<string> => {
      const socket = await handshake(at["http"]!);
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256.replaceAll(":", "").toLowerCase();
    };
    expect(await serial()).toBe(server.digest);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const kept = { agent } as const;
    expect(await get(at["http"]!, "/forward-auth/envoy/a", null, kept)).toMatchObject({ status: 200 });

    const next = issued("next");
    const put = (name: string, text: string): void => {
      writeFileSync(join(folder, `new-${name}`), text);
      renameSync(join(folder, `new-${name}`), join(folder, name));
    };
    put("cert.pem", next.certificate);
    await expect.poll(errors, { timeout: 15_000 }).toContain("does not belong to the first certificate");
    expect(errors()).toContain("; the certificate in force stays");
    expect(await serial()).toBe(server.digest);
    expect(await counts(at["admin"]!, "ipe_tls_certificate_loads_total")).toEqual({
      ...{ '{result="accepted"}': 1, '{result="refused"}': 1 },
    });
    put("key.pem", next.key);
    await expect.poll(serial, { timeout: 15_000 }).toBe(next.digest);
    expect(await get(at["http"]!, "/forward-auth/envoy/a", null, kept)).toMatchObject({ status: 200 });
    const old = Object.values(agent.freeSockets).flat()[0] as TLSSocket;
    expect(old.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase()).toBe(server.digest);
    agent.destroy();
    expect(await check(at["grpc"]!)).toBe("decided 0");
    const expiry = await counts(at["admin"]!, "ipe_tls_certificate_expiry_timestamp_seconds");
    expect(expiry[""]! * 1000).toBeGreaterThan(Date.now());
    expect(errors()).not.toContain("BEGIN");
  });

  test.each([
    ["no file", { "cert.pem": null }, "cannot read `cert.pem`"],
    ["no certificate", { "cert.pem": "" }, "holds no certificate"],
    [
      "a damaged one",
      { "cert.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
      "cannot be read",
    ],
    ["an expired one", { expired: true }, "the certificate has expired"],
    ["another one's key", { "key.pem": proxy.key }, "does not belong to the first certificate"],
    ["no key", { "key.pem": server.certificate }, "holds no key that can be read"],
    ["no authority", { "ca.pem": "\n" }, "`ca.pem` holds no certificate"],
    ["a file without end", { "cert.pem": "x".repeat(1_100_000) }, "is longer than"],
  ])("%s: it does not start", async (_, changes, problem) => {
    const files: Record<string, string> = filesOf(server);
    for (const [name, text] of Object.entries(changes))
      if (text === null) delete files[name];
      else if (text !== true) files[name] = text;
    if ("expired" in changes) {
      const past = authority.issue({ commonName: "past", expires: new Date(Date.now() - 3_600_000) });
      Object.assign(files, { "cert.pem": past.certificate, "key.pem": past.key });
    }
    const words = [
      "serve",
      "--bundle",
      "p.ipe",
      "--http",
      "127.0.0.1:0",
      ...TLS,
      "--tls-client-ca",
      "ca.pem",
    ];
    const ran = await ipe(folderWith(files), words);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, "", expect.stringContaining(problem)]);
    expect(ran.stderr).not.toContain("PRIVATE KEY-----\n");
  });

  test.each([
    [["--tls-cert", "cert.pem"], "belong together"],
    [["--tls-key", "key.pem"], "belong together"],
    [["--tls-client-ca", "ca.pem"], "needs --tls-cert"],
    [[...TLS, "--tls-client-spiffe", "spiffe://a.org/b"], "need --tls-client-ca"],
    [
      [...TLS, "--tls-client-ca", "ca.pem", "--tls-client-spiffe", "spiffe://*"],
      "takes spiffe://DOMAIN/PATH",
    ],
    [[...TLS, "--tls-client-ca", "ca.pem", "--tls-admin-spiffe", "spiffe://a.org/b"], "belongs to --admin"],
  ])("options that do not go together: %j", async (words, problem) => {
    const ran = await ipe(folderWith(filesOf(server)), [
      ...["serve", "--bundle", "p.ipe", "--http", "127.0.0.1:0", ...words],
    ]);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, "", expect.stringContaining(problem)]);
  });
});

describe("certificates of clients", () => {
  const MUTUAL = ["--tls-client-ca", "ca.pem"];
  const LISTED = [
    ...MUTUAL,
    ...["--tls-client-spiffe", "spiffe://example.org/ns/mesh/*"],
    ...["--tls-client-spiffe", "spiffe://example.org/edge"],
    ...["--tls-admin-spiffe", "spiffe://example.org/ns/monitoring/sa/scraper"],
  ];

  test("no decision without one that the authority vouches for", async () => {
    const { at } = await secured(folderWith(filesOf(server)), MUTUAL);
    for (const shown of [null, forged]) {
      expect(await check(at["grpc"]!, shown)).toBe("failed 14");
      expect(await get(at["http"]!, "/forward-auth/envoy/a", shown)).toMatch(/^refused/);
      expect(await get(at["http"]!, "/health/live", shown)).toMatch(/^refused/);
      expect(await get(at["admin"]!, "/metrics", shown)).toMatchObject({ status: 403 });
      expect(await get(at["admin"]!, "/health/ready", shown)).toMatchObject({ status: 200, text: "ready\n" });
    }
    const refused = await counts(at["admin"]!, "ipe_tls_clients_refused_total");
    expect(refused['{cause="certificate"}']).toBeGreaterThanOrEqual(6);
    expect(await decided(at["admin"]!)).toBe(0);
    for (const shown of [proxy, scraper, nameless, twofold]) {
      expect(await check(at["grpc"]!, shown)).toBe("decided 0");
      expect(await get(at["http"]!, "/forward-auth/envoy/a", shown)).toMatchObject({ status: 200 });
    }
  });

  test("only who is listed: proxies at their ports, operators at theirs", async () => {
    const { at, errors } = await secured(folderWith(filesOf(server)), [...LISTED, "--log-level", "info"]);
    expect(await check(at["grpc"]!, proxy)).toBe("decided 0");
    expect(await get(at["http"]!, "/forward-auth/envoy/a", proxy)).toMatchObject({ status: 200 });
    expect(await get(at["admin"]!, "/bundle", proxy)).toMatchObject({ status: 403 });
    expect(await get(at["admin"]!, "/bundle", scraper)).toMatchObject({ status: 200 });
    for (const shown of [scraper, nameless, twofold]) {
      expect(await check(at["grpc"]!, shown)).toBe("failed 14");
      expect(await get(at["http"]!, "/forward-auth/envoy/a", shown)).toMatch(/^refused/);
    }
    const refused = await counts(at["admin"]!, "ipe_tls_clients_refused_total");
    expect(refused['{cause="id"}']).toBeGreaterThanOrEqual(7);
    expect(errors()).toContain('"detail":"spiffe://example.org/ns/monitoring/sa/scraper"');
    expect(await decided(at["admin"]!)).toBe(2);
  });

  test("operators with a certificate put bundles in force", async () => {
    const folder = folderWith({
      ...{ ...filesOf(server), "tokens.txt": `ann ${"5f0c".repeat(8)}\n` },
      ...{
        "own.pem": scraper.certificate,
        "own-key.pem": scraper.key,
        "next.ipe": POLICY.replace("/a", "/c"),
      },
    });
    const { at } = await secured(folder, [...LISTED, "--admin-token", "tokens.txt"]);
    const bundles = (...words: string[]): Promise<Ran> =>
      ipe(folder, ["bundles", ...words, "--admin", at["admin"]!, "--token", "tokens.txt"]);
    const shown = ["--cert", "own.pem", "--key", "own-key.pem"];
    const pushed = await bundles("push", "next.ipe", "--ca", "ca.pem", ...shown);
    expect([pushed.code, pushed.stdout]).toEqual([0, expect.stringContaining("accepted sha256:")]);
    expect(await get(at["http"]!, "/forward-auth/envoy/c", proxy)).toMatchObject({ status: 200 });
    expect((await bundles("list", "--ca", "ca.pem")).stderr).toContain("a client certificate is missing");
    expect((await bundles("list", ...shown)).stderr).toContain("cannot ask");
    expect((await bundles("list", "--ca", "ca.pem", "--cert", "own.pem")).stderr).toContain(
      "belong together",
    );
  });

  test("what arrives together with the handshake is not answered either", async () => {
    const { at } = await secured(folderWith(filesOf(server)), LISTED);
    const [host, port] = at["http"]!.split(":");
    for (let round = 0; round < 20; round += 1) {
      const socket = connect({
        ...{ host, port: Number(port), ca: authority.certificate },
        ...{ cert: scraper.certificate, key: scraper.key },
      });
      // Before the handshake is done: it goes out in one piece with the end of it.
      socket.write("GET /forward-auth/envoy/a HTTP/1.1\r\nhost: a\r\n\r\n".repeat(50));
      let answered = "";
      socket.on("data", (chunk) => {
        answered += chunk.toString("latin1");
      });
      socket.on("error", () => undefined);
      await once(socket, "close");
      expect(answered).toBe("");
    }
    expect(await decided(at["admin"]!)).toBe(0);
  });

  test("another authority: those of the one before are turned away, also with a session that they kept", async () => {
    const folder = folderWith(filesOf(server));
    const { at, errors } = await secured(folder, MUTUAL);
    const shown = { cert: proxy.certificate, key: proxy.key };
    const first = await handshake(at["http"]!, { ...shown, maxVersion: "TLSv1.2" });
    const session = first.getSession()!;
    first.destroy();
    writeFileSync(join(folder, "ca.pem"), stranger.certificate);
    await expect.poll(errors, { timeout: 15_000 }).toContain("is in force, until");
    expect(await get(at["http"]!, "/health/live", proxy)).toMatch(/^refused/);
    expect(await get(at["http"]!, "/health/live", proxy, { session, maxVersion: "TLSv1.2" })).toMatch(
      /^refused/,
    );
    expect(await get(at["http"]!, "/health/live", forged)).toMatchObject({ status: 200 });
    expect(await check(at["grpc"]!, forged)).toBe("decided 0");
  });
});
