/** Programs for tests that come from the environment, the PATH, or Debian's packages. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const INSTALL_TIMEOUT_MS = 300_000;
const RETRY_MS = 500;

/** What is wanted. */
export interface WantedProgram {
  /** On the PATH. */
  readonly name: string;
  /** What people call it, such as `LuaJIT 2.1`. */
  readonly title: string;
  /** The variable of the environment that names one. */
  readonly variable: string;
  /** What apt-get installs. */
  readonly package: string;
  /** Asks which version it is. */
  readonly versionArgument: string;
  /** What a good one answers. */
  readonly version: RegExp;
}

/**
 * Path of a program: the variable's, else one on the PATH, else the package's, which apt-get installs once. Throws with what to
 * do; a variable that names none is an error, never passed over.
 */
export function obtainProgram(wanted: WantedProgram, environment: NodeJS.ProcessEnv = process.env): string {
  const { title, variable } = wanted;
  const advice = `set ${variable} to a ${title}, or install the package ${wanted.package}`;
  const named = environment[variable];
  if (named !== undefined && named !== "") {
    if (!isWanted(named, wanted)) throw new Error(`${variable} is ${named}, which is no ${title}; ${advice}`);
    return named;
  }
  const found = onPath(wanted, environment["PATH"] ?? "");
  if (found !== undefined) return found;
  const output = install(wanted);
  const installed = onPath(wanted, environment["PATH"] ?? "");
  if (installed === undefined)
    throw new Error(`there is no ${title} and apt-get did not install one; ${advice}. It said: ${output}`);
  return installed;
}

function onPath(wanted: WantedProgram, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, wanted.name))
    .find((path) => isWanted(path, wanted));
}

function isWanted(path: string, { version, versionArgument }: WantedProgram): boolean {
  try {
    accessSync(path, constants.X_OK);
    if (!statSync(path).isFile()) return false;
  } catch {
    return false;
  }
  return version.test(spawnSync(path, [versionArgument], { encoding: "utf8" }).stdout ?? "");
}

/** Returns what apt-get said. Of several processes that want it one installs, and the others wait. */
function install(wanted: WantedProgram): string {
  const lock = join(tmpdir(), `ipe-installs-${wanted.package}`);
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
    return aptGet(wanted);
  } finally {
    rmdirSync(lock);
  }
}

function aptGet(wanted: WantedProgram): string {
  process.stderr.write(`${wanted.name}: installing the package ${wanted.package}, once\n`);
  const prefix = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const steps = [
    ["apt-get", "update", "-qq"],
    ["apt-get", "install", "-y", "-qq", "-o", "DPkg::Lock::Timeout=120", wanted.package],
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
