/** Where LuaJIT comes from: the environment, the PATH, or the system's packages. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const INSTALL_TIMEOUT_MS = 300_000;
const RETRY_MS = 500;
/** Kong's own is a LuaJIT 2.1, too. */
const WANTED = /^LuaJIT 2\.1\./;

/**
 * A LuaJIT 2.1: `LUAJIT_BIN`, else `luajit` on the PATH, else the package `luajit`, which apt-get installs once. Throws with
 * what to do; a `LUAJIT_BIN` that cannot be used is an error, never passed over.
 */
export function obtainLuajit(environment: NodeJS.ProcessEnv = process.env): string {
  const advice = "set LUAJIT_BIN to a LuaJIT 2.1, or install the package luajit";
  const named = environment.LUAJIT_BIN;
  if (named !== undefined && named !== "") {
    if (!isLuajit(named)) throw new Error(`LUAJIT_BIN is ${named}, which is no LuaJIT 2.1; ${advice}`);
    return named;
  }
  const found = onPath(environment.PATH ?? "");
  if (found !== undefined) return found;
  const output = install();
  const installed = onPath(environment.PATH ?? "");
  if (installed === undefined)
    throw new Error(`there is no LuaJIT 2.1 and apt-get did not install one; ${advice}. It said: ${output}`);
  return installed;
}

function onPath(searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, "luajit"))
    .find(isLuajit);
}

function isLuajit(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    if (!statSync(path).isFile()) return false;
  } catch {
    return false;
  }
  return WANTED.test(spawnSync(path, ["-v"], { encoding: "utf8" }).stdout ?? "");
}

/** Returns what apt-get said. Of several processes that want it one installs, and the others wait. */
function install(): string {
  const lock = join(tmpdir(), "ipe-installs-luajit");
  try {
    mkdirSync(lock);
  } catch {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const deadline = Date.now() + INSTALL_TIMEOUT_MS;
    while (existsSync(lock) && Date.now() < deadline) Atomics.wait(pause, 0, 0, RETRY_MS);
    return existsSync(lock)
      ? `another process holds ${lock}; remove it if none is running`
      : "nothing to this process";
  }
  try {
    return aptGet();
  } finally {
    rmdirSync(lock);
  }
}

function aptGet(): string {
  process.stderr.write("luajit: installing the package luajit, once\n");
  const prefix = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const steps = [
    ["apt-get", "update", "-qq"],
    ["apt-get", "install", "-y", "-qq", "-o", "DPkg::Lock::Timeout=120", "luajit"],
  ];
  return steps
    .map((step) => {
      const [program, ...rest] = [...prefix, ...step];
      const ran = spawnSync(program!, rest, { encoding: "utf8", timeout: INSTALL_TIMEOUT_MS });
      return `${ran.stdout ?? ""}${ran.stderr ?? ""}${ran.error?.message ?? ""}`;
    })
    .join("\n")
    .trim()
    .slice(-1500);
}
