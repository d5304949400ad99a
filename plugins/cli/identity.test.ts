/** `ipe serve --identity`: the file, what it makes of requests, and what is said of it. */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, test } from "vitest";
import { readIdentityFile } from "../identity/index.ts";
import { folderWith, ipe, start } from "./ipe.fixture.ts";
import { parseTestFile } from "./test-file.ts";

const policy = `attributes
  caller: string? from jwt "sub"
  client: string? from extension "api_key.id"

policy Ann:
  triggers when exists caller and caller == "ann"
  allows

policy Billing:
  triggers when exists client and client == "billing"
  allows
`;
const WAIT_MS = 15_000;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const keyList = (key: string): string => `api_keys:\n  keys:\n    - {sha256: ${sha256(key)}, id: billing}\n`;
const issuers = `jwt:
  - issuer: https://issuer.example
    audiences: [orders]
    jwks: {file: keys.json}
`;

interface Serving {
  readonly child: ChildProcess;
  ask(headers: Record<string, string>): Promise<number>;
  readonly errors: () => string;
}

async function serve(
  folder: string,
  more: readonly string[] = ["--identity", "identity.yaml"],
): Promise<Serving> {
  const child = start(folder, [
    "serve",
    "--bundle",
    "p.ipe",
    "--http",
    "127.0.0.1:0",
    "--log-level",
    "info",
    ...more,
  ]);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  const port = /^listening http 127\.0\.0\.1:(\d+)$/.exec(line)![1]!;
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/forward-auth/envoy/`, { headers })).status;
  return { child, ask, errors: () => errors };
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("verifies tokens and keys, follows the file, and keeps what is in force when it is broken", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "k" }] });
  const folder = folderWith({
    "p.ipe": policy,
    "identity.yaml": issuers + keyList("key-1"),
    "keys.json": keys,
  });
  const served = await serve(folder);
  const exp = Math.floor(Date.now() / 1000) + 300;
  const token = await new SignJWT({ iss: "https://issuer.example", aud: "orders", sub: "ann", exp })
    .setProtectedHeader({ alg: "ES256", kid: "k" })
    .sign(privateKey);
  expect(await served.ask({ authorization: `Bearer ${token}` })).toBe(200);
  expect(await served.ask({ authorization: `Bearer ${token}x` })).toBe(403);
  expect(await served.ask({ "x-api-key": "key-1" })).toBe(200);
  expect(await served.ask({ "x-api-key": "key-2" })).toBe(403);
  writeFileSync(join(folder, "identity.yaml"), issuers + keyList("key-2"));
  await until(async () => (await served.ask({ "x-api-key": "key-2" })) === 200);
  expect(await served.ask({ "x-api-key": "key-1" })).toBe(403);
  writeFileSync(join(folder, "identity.yaml"), `${issuers}    algorithms: [none]\n${keyList("key-3")}`);
  await until(() => served.errors().includes("never accepted"));
  writeFileSync(join(folder, "identity.yaml"), keyList("key-3"));
  await until(() => served.errors().includes("start anew"));
  expect(await served.ask({ "x-api-key": "key-2" })).toBe(200);
  expect(await served.ask({ authorization: `Bearer ${token}` })).toBe(200);
  // What was refused is told, and why; no proof is.
  await until(() => served.errors().includes("a proof of identity was refused"));
  for (const secret of [token, "key-1", "key-2"]) expect(served.errors()).not.toContain(secret);
});

test("a file with mistakes: all of them, each with its place; nothing listens", async () => {
  const text = `jwt:
  - issuer: a
    audiences: []
    jwks: {url: "http://issuer.example/keys"}
    algorithms: [HS256]
api_key: {}
`;
  const folder = folderWith({ "p.ipe": policy, "identity.yaml": text });
  const ran = await ipe(folder, [
    "serve",
    "--bundle",
    "p.ipe",
    "--http",
    "127.0.0.1:0",
    "--identity",
    "identity.yaml",
  ]);
  expect([ran.code, ran.stdout]).toEqual([2, ""]);
  expect(ran.stderr).toContain("identity.yaml:6:1: error: an identity file has no member `api_key`");
  expect(ran.stderr).toContain("identity.yaml:3:5: error: `audiences` is empty");
  expect(ran.stderr).toContain("identity.yaml:4:17: error: keys are fetched by https only");
  expect(ran.stderr).toContain("identity.yaml:5:18: error: `HS256` verifies with a secret");
});

test("a claim that nobody verifies: forward-auth does not start, ext_authz says so", async () => {
  const folder = folderWith({ "p.ipe": policy, "identity.yaml": keyList("key-1") });
  const http = ["serve", "--bundle", "p.ipe", "--http", "127.0.0.1:0"];
  for (const words of [http, [...http, "--identity", "identity.yaml"]]) {
    const ran = await ipe(folder, words);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toContain(
      "it reads `caller`, and nobody verifies tokens here: start `ipe serve` with --identity FILE, and `jwt` in the file",
    );
  }
  const grpc = start(folder, ["serve", "--bundle", "p.ipe", "--grpc", "127.0.0.1:0", "--log-level", "error"]);
  let errors = "";
  grpc.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await once(createInterface({ input: grpc.stdout! }), "line");
  await until(() => errors.includes("to verify, add --identity FILE"));
});

test("which target can supply a claim", async () => {
  const folder = folderWith({
    "p.ipe": 'attributes\n  caller: string from jwt "sub"\n\npolicy P:\n  requires caller == "ann"\n',
  });
  const codes = async (target: string): Promise<number | null> =>
    (await ipe(folder, ["check", "--target", target, "p.ipe"])).code;
  for (const target of ["ext-authz", "istio-ext-authz", "forward-auth", "kong"])
    expect([target, await codes(target)]).toEqual([target, 0]);
  for (const target of ["envoy-wasm", "istio-wasm"])
    expect([target, await codes(target)]).toEqual([target, 1]);
});

test("the file in docs/identity.md has no mistake", () => {
  const page = readFileSync(new URL("../../docs/identity.md", import.meta.url), "utf8");
  const parsed = parseTestFile(/^```yaml\n(.*?)^```$/ms.exec(page)![1]!);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const file = readIdentityFile(parsed.value, { pathOf: String, bytesOf: () => Buffer.alloc(32, 7) });
  expect(file).toMatchObject({
    ok: true,
    config: { issuers: { length: 3 }, apiKeys: { keys: { size: 1 } } },
  });
});
