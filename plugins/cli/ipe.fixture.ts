/** Runs `bin/ipe` as a user does: from a folder of its own, as a process. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const IPE = fileURLToPath(new URL("../../bin/ipe", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with files, removed when the test ends. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "ipe-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** How to run it, where that matters. */
export interface Way {
  /** A Node, given `bin/ipe` to run. */
  readonly node?: string;
  /** A file descriptor in place of the pipe that this process reads. */
  readonly stderr?: number;
}

/** No proxy has to notice the end of a server, but where a test says so. */
const AT_ONCE = ["--drain-delay", "0s"];

/** Start `ipe` in a folder; ends with the test at the latest. */
export function start(folder: string, args: readonly string[], { node, stderr }: Way = {}): ChildProcess {
  const asked = args[0] === "serve" && !args.includes("--drain-delay") ? [...args, ...AT_ONCE] : args;
  const [program, words] = node === undefined ? [IPE, asked] : [node, [IPE, ...asked]];
  const child = spawn(program, words, { cwd: folder, stdio: ["pipe", "pipe", stderr ?? "pipe"] });
  onTestFinished(() => {
    if (child.exitCode === null) child.kill("SIGKILL");
  });
  return child;
}

/** Run `ipe` to its end. */
export function ipe(folder: string, args: readonly string[], stdin = ""): Promise<Ran> {
  const child = start(folder, args);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout!.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr!.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin!.on("error", () => undefined);
  child.stdin!.end(stdin);
  return new Promise((resolve) => {
    child.once("close", (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}
