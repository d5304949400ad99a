/** What a store asks of the file system: few steps, each of which either lasts or did not happen. */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";

export interface Disk {
  /** With the folders above it; nothing where it is there. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder. */
  list(path: string): Promise<readonly string[]>;
  /** Null where there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  /** Write a file that nobody reads yet; its content outlives a crash once this resolves, its name does not. */
  write(path: string, chunks: Iterable<Uint8Array>): Promise<void>;
  /** Replaces what is at `to`, in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Names that were given and taken in a folder outlive a crash once this resolves. */
  syncFolder(path: string): Promise<void>;
  /** Nothing where it is gone already. */
  remove(path: string): Promise<void>;
}

/** Policies may say what nobody else is to know, and who writes here decides what is in force. */
const OWNER_FOLDER = 0o700;
const OWNER_FILE = 0o600;

/** The file system. Rejects with its errors. */
export const systemDisk: Disk = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: OWNER_FOLDER });
  },
  list: (path) => readdir(path),
  async read(path) {
    try {
      return await readFile(path);
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw problem;
    }
  },
  async write(path, chunks) {
    const file = await open(path, "w", OWNER_FILE);
    try {
      for (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename: (from, to) => rename(from, to),
  async syncFolder(path) {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  remove: (path) => rm(path, { force: true }),
};
