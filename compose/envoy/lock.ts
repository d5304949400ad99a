/**
 * A lock between processes: a folder, since making one either succeeds or finds it there.
 */

import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const RETRY_MS = 200;
/** A lock folder without its owner file is one being made, unless it stays so for this long. */
const OWNER_MISSING_MS = 10_000;

/**
 * Take the lock at `path`, whose parent folder exists. A lock whose owner has died is taken over. Rejects after
 * `timeoutMs`. Resolves to the function that gives the lock back.
 */
export async function acquireLock(path: string, timeoutMs: number): Promise<() => Promise<void>> {
  const deadline = Date.now() + timeoutMs;
  while (true) {
    if (await make(path)) return () => rm(path, { recursive: true, force: true });
    if (await isAbandoned(path)) await discard(path);
    else if (Date.now() > deadline)
      throw new Error(`another process holds ${path}; remove it if none is running`);
    else await sleep(RETRY_MS);
  }
}

async function make(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  await writeFile(join(path, "owner"), String(process.pid));
  return true;
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const owner = Number(await readFile(join(path, "owner"), "utf8"));
    return owner > 0 && !isAlive(owner);
  } catch {
    return await isOld(path);
  }
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > OWNER_MISSING_MS;
  } catch {
    // It was given back in the meantime.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** By renaming first, so that of several that find it abandoned only one removes it. */
async function discard(path: string): Promise<void> {
  const aside = `${path}.${process.pid}.${Date.now()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  await rm(aside, { recursive: true, force: true });
}
