/** Ports of `ipe serve` that are Unix sockets. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { loadServices } from "../../../proto/index.ts";
import { folderWith, ipe, start } from "../ipe.fixture.ts";

const POLICY = 'policy P:\n  triggers when request.path == "/a"\n  allows\n';
const PORTS = ["grpc", "http", "admin"] as const;
const SOCKETS = PORTS.flatMap((port) => [`--${port}`, `unix:${port}.sock`]);

/** Resolves when all three are listened on. */
async function serving(folder: string, words: readonly string[] = []): Promise<ChildProcess> {
  const child = start(folder, ["serve", "--bundle", "p.ipe", ...SOCKETS, ...words]);
  child.stderr!.resume();
  for await (const line of createInterface({ input: child.stdout! }))
    if (line === "listening admin unix:admin.sock") return child;
  throw new Error("it did not start");
}

function get(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject);
    sent.end();
  });
}

async function check(path: string): Promise<number> {
  const Client = makeGenericClientConstructor(loadServices().authorization, "Authorization");
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const attributes = { request: { http: { method: "GET", path: "/a", host: "h", protocol: "HTTP/1.1" } } };
  return new Promise((resolve, reject) =>
    client["Check"]!({ attributes }, (problem: Error | null, response: { status?: { code?: number } }) =>
      problem === null ? resolve(response.status?.code ?? 0) : reject(problem),
    ),
  );
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test("all ports, for those who may use the file, and removed at the end", async () => {
  const folder = folderWith({ "p.ipe": POLICY });
  const at = (name: string): string => join(folder, name);
  const child = await serving(folder, ["--socket-mode", "0600"]);
  expect(await check(at("grpc.sock"))).toBe(0);
  expect(await get(at("http.sock"), "/forward-auth/envoy/a")).toBe(200);
  expect(await get(at("http.sock"), "/forward-auth/envoy/b")).toBe(403);
  expect(await get(at("admin.sock"), "/bundle")).toBe(200);
  for (const port of PORTS) expect(modeOf(at(`${port}.sock`))).toBe("600");
  child.kill("SIGTERM");
  expect((await once(child, "exit"))[0]).toBe(0);
  for (const port of PORTS) expect(existsSync(at(`${port}.sock`))).toBe(false);
});

test("a dead server's socket is replaced, one on which somebody answers is not", async () => {
  const folder = folderWith({ "p.ipe": POLICY });
  const first = await serving(folder);
  for (const port of PORTS) expect(modeOf(join(folder, `${port}.sock`))).toBe("660");
  for (const port of PORTS) {
    const words = ["--grpc", "127.0.0.1:0", `--${port}`, `unix:${port}.sock`];
    const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", ...words]);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([
      ...[2, "", expect.stringContaining("another process answers there")],
    ]);
  }
  expect(await get(join(folder, "admin.sock"), "/bundle")).toBe(200);
  first.kill("SIGKILL");
  await once(first, "exit");
  expect(existsSync(join(folder, "grpc.sock"))).toBe(true);
  await expect(get(join(folder, "admin.sock"), "/bundle")).rejects.toThrow("ECONNREFUSED");
  await serving(folder);
  expect(await check(join(folder, "grpc.sock"))).toBe(0);
  expect(await get(join(folder, "admin.sock"), "/bundle")).toBe(200);
});

test("another umask changes neither the socket nor other files", async () => {
  const folder = folderWith({ "p.ipe": POLICY });
  const before = process.umask(0o077);
  onTestFinished(() => void process.umask(before));
  await serving(folder, ["--socket-mode", "666", "--store", "store"]);
  expect(modeOf(join(folder, "http.sock"))).toBe("666");
  const socket = connect(join(folder, "http.sock"));
  await once(socket, "connect");
  socket.destroy();
  expect(statSync(join(folder, "store")).isDirectory()).toBe(true);
});

test.each([
  ["a file", ["--http", "unix:p.ipe"], "is no socket; remove it (rm p.ipe)"],
  ["no folder", ["--http", "unix:none/a.sock"], "cannot listen on `unix:none/a.sock`"],
  ["a long path", ["--http", `unix:${"a".repeat(108)}`], "has more than 107 bytes"],
  ["a mode without a socket", ["--http", "127.0.0.1:0", "--socket-mode", "660"], "belongs to an address"],
  ["a mode that is none", ["--http", "unix:a.sock", "--socket-mode", "rw"], "three octal digits"],
])("%s: it does not start, and nothing is removed", async (_, words, problem) => {
  const folder = folderWith({ "p.ipe": POLICY });
  const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", ...words]);
  expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, "", expect.stringContaining(problem)]);
  expect(readFileSync(join(folder, "p.ipe"), "utf8")).toBe(POLICY);
});
