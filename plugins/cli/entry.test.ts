/** `bin/ipe` is a program for sh and for any Node. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { folderWith, IPE, start } from "./ipe.fixture.ts";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, args: readonly string[], env = process.env): Promise<Ended> {
  const child = spawn(program, args, { cwd: folderWith({}), env, stdio: ["ignore", "pipe", "pipe"] });
  const seen = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    seen.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    seen.stderr += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...seen };
}

/** The Node that the machine has itself, which may be older than the project's. */
function machineNode(): string {
  const PATH = process.env["PATH"]!.split(delimiter)
    .filter((folder) => !folder.includes("node_modules"))
    .join(delimiter);
  return execFileSync("/bin/sh", ["-c", "command -v node"], { env: { PATH }, encoding: "utf8" }).trim();
}

const nodes = [
  { name: "the machine's Node", node: machineNode() },
  { name: "the project's Node", node: process.execPath },
];

describe("by sh", () => {
  test.each([
    { name: "as it is", env: process.env },
    { name: "without a PATH", env: {} },
    { name: "with an empty PATH", env: { PATH: "" } },
  ])("$name, and through a link", async ({ env }) => {
    const want = { code: 0, stdout: "0.1.0\n", stderr: "" };
    const folder = folderWith({});
    symlinkSync(IPE, join(folder, "link"));
    symlinkSync(dirname(IPE), join(folder, "links"));
    for (const path of [IPE, join(folder, "link"), join(folder, "links", "ipe")])
      expect(await run(path, ["--version"], env)).toEqual(want);
    expect(await run("/bin/sh", [IPE, "--version"], env)).toEqual(want);
  });

  test("words arrive as they are", async () => {
    const ran = await run(IPE, ["check", "a b*$x"]);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("`a b*$x`") });
  });
});

describe("by Node", () => {
  test.each(nodes)("$name, from another folder and through a link", async ({ node }) => {
    const folder = folderWith({});
    symlinkSync(IPE, join(folder, "link"));
    for (const path of [IPE, join(folder, "link")])
      expect(await run(node, [path, "--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
    expect(await run(node, [IPE, "check", "a b*$x"])).toMatchObject({ code: 2, stdout: "" });
  });

  test.each(nodes)("$name passes signals on", async ({ node }) => {
    const folder = folderWith({ "p.ipe": "policy P:\n  allows\n" });
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const child = start(folder, ["serve", "--bundle", "p.ipe", "--grpc", "127.0.0.1:0"], { node });
      await once(createInterface({ input: child.stdout! }), "line");
      child.kill(signal);
      expect(await once(child, "exit"), signal).toEqual([0, null]);
    }
  });
});

test("without the project's Node: code 2 and what to do", async () => {
  const folder = folderWith({});
  mkdirSync(join(folder, "bin"));
  copyFileSync(IPE, join(folder, "bin", "ipe"));
  copyFileSync(join(dirname(IPE), "package.json"), join(folder, "bin", "package.json"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ devDependencies: { node: "1000.0.0" } }));
  const want = {
    code: 2,
    stdout: "",
    stderr: `ipe: the Node that this project runs on is missing; run \`npm ci\` in ${folder} first\n`,
  };
  expect(await run(join(folder, "bin", "ipe"), ["--version"])).toEqual(want);
  for (const { node } of nodes)
    expect(await run(node, [join(folder, "bin", "ipe"), "--version"])).toEqual(want);
});
