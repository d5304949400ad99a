import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { type CheckRequest, type CheckResponse, loadServices } from "../../proto/index.ts";
import { folderWith, ipe, start } from "./ipe.fixture.ts";

const policy = (path: string): string =>
  `resource R: "${path}"\n\npolicy P:\n  triggers when resource.type == "R"\n  allows\n`;
const WAIT_MS = 15_000;

interface Served {
  readonly child: ChildProcess;
  status(path: string): Promise<number>;
  readonly errors: () => string;
}

async function serve(folder: string, bundle: string, more: readonly string[] = []): Promise<Served> {
  const child = start(folder, [
    "serve",
    "--bundle",
    bundle,
    "--grpc",
    "127.0.0.1:0",
    "--log-level",
    "error",
    ...more,
  ]);
  let errors = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  expect(line).toMatch(/^listening grpc 127\.0\.0\.1:\d+$/);
  const Client = makeGenericClientConstructor(loadServices().authorization, "Authorization");
  const client = new Client(line.slice("listening grpc ".length), credentials.createInsecure());
  onTestFinished(() => client.close());
  const check = (request: CheckRequest): Promise<CheckResponse> =>
    new Promise((resolve, reject) =>
      client["Check"]!(request, (problem: Error | null, response: CheckResponse) =>
        problem === null ? resolve(response) : reject(problem),
      ),
    );
  const status = async (path: string): Promise<number> => {
    const response = await check({
      attributes: { request: { http: { method: "GET", path, host: "h", protocol: "HTTP/1.1" } } },
    } as unknown as CheckRequest);
    return response.status?.code ?? 0;
  };
  return { child, status, errors: () => errors };
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test("serves, follows a folder's edits, keeps the policy when one is broken, drains on SIGTERM", async () => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  const served = await serve(folder, ".");
  expect([await served.status("/a"), await served.status("/b")]).toEqual([0, 7]);
  writeFileSync(join(folder, "p.ipe"), policy("/b"));
  await until(async () => (await served.status("/b")) === 0);
  expect(await served.status("/a")).toBe(7);
  writeFileSync(join(folder, "p.ipe"), policy("/c").replace("resource.type", "resource.typ"));
  await until(() => served.errors().includes("the policy in force stays"));
  expect(served.errors()).toContain("p.ipe:4:17: error[unknown-attribute]");
  expect([await served.status("/b"), await served.status("/c")]).toEqual([0, 7]);
  served.child.kill("SIGTERM");
  const [code] = (await once(served.child, "exit")) as [number];
  expect(code).toBe(0);
});

test("follows a bundle that is replaced by rename, and refuses a damaged one", async () => {
  const folder = folderWith({ "a.ipe": policy("/a"), "b.ipe": policy("/b") });
  await ipe(folder, ["build", "a.ipe", "-o", "p.ipeb"]);
  const served = await serve(folder, "p.ipeb");
  expect(await served.status("/a")).toBe(0);
  await ipe(folder, ["build", "b.ipe", "-o", "p.ipeb"]);
  await until(async () => (await served.status("/b")) === 0);
  writeFileSync(join(folder, "damaged"), "no bundle");
  renameSync(join(folder, "damaged"), join(folder, "p.ipeb"));
  await until(() => served.errors().includes("is refused"));
  expect(await served.status("/b")).toBe(0);
});

test("the size of a request without content-length is known where routes buffer, and not elsewhere", async () => {
  const text = "policy Small:\n  requires request.size < 100\n";
  const folder = folderWith({ "p.ipe": text });
  const served = await serve(folder, "p.ipe");
  expect(await served.status("/a")).toBe(0);
  expect(served.errors()).toContain("reads `request.size`, so every route");
  const unbuffered = await serve(folder, "p.ipe", ["--no-body-buffered"]);
  expect(await unbuffered.status("/a")).toBe(7);
  const promised = await serve(folder, "p.ipe", ["--body-buffered"]);
  expect(await promised.status("/a")).toBe(0);
  expect(promised.errors()).not.toContain("so every route");
});

test("a ConfigMap's folder: links to a hidden version", async () => {
  const folder = folderWith({});
  mkdirSync(join(folder, "..2026"));
  writeFileSync(join(folder, "..2026", "p.ipe"), policy("/a"));
  symlinkSync("..2026", join(folder, "..data"));
  symlinkSync("..data/p.ipe", join(folder, "p.ipe"));
  const served = await serve(folder, ".");
  expect(await served.status("/a")).toBe(0);
});

test("an address that is taken: code 2 and what to do", async () => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  const served = await serve(folder, "p.ipe");
  const address = served.child.spawnargs.join(" ");
  expect(address).toContain("127.0.0.1:0");
  const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", "--grpc", "256.0.0.1:1"]);
  expect(ran).toMatchObject({ code: 2, stdout: "" });
  expect(ran.stderr).toContain("choose another address with --grpc");
});
