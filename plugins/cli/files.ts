/** Reading and writing files. */
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import type { Source } from "../../core/index.ts";
import { Failure } from "./exit.ts";
import { FileReader } from "./file-reader.ts";

const PIPE_WAIT_MS = 5;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Policy text of files and of the `.ipe` files in folders (those in their folders too). Each file counts once, and in the
 * order of their whole paths' bytes, so that the order of the arguments changes nothing. What they import is read through
 * `reader`, a new one where none is given.
 */
export function readSources(paths: readonly string[], reader = new FileReader(paths)): Source[] {
  const files = new Map(paths.flatMap(policyFiles).map((name) => [resolve(name), name]));
  const places = [...files.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return places.map((place) => reader.source(files.get(place)!, realpathSync(place)));
}

function policyFiles(path: string): string[] {
  if (!stat(path).isDirectory()) return [path];
  const found = readdirSync(path, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ipe") && !isHidden(name),
  );
  if (found.length === 0) throw new Failure(`\`${path}\` holds no .ipe file`);
  return found.map((name) => join(path, name));
}

/** Editors' drafts, and the versions that a Kubernetes ConfigMap keeps beside its links (`..data`). */
export function isHidden(path: string): boolean {
  return path.split(sep).some((part) => part.startsWith("."));
}

/** Is it policy text (a folder or an `.ipe` file) and not a bundle? */
export function isPolicyText(path: string): boolean {
  return path.endsWith(".ipe") || stat(path).isDirectory();
}

/** Is it a file, and no pipe or device, of more bytes? */
export function isLargeFile(path: string, bytes: number): boolean {
  const found = path === "-" ? undefined : statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size > bytes;
}

/** The bytes of a file, `-` for stdin. */
export function readBytes(path: string): Uint8Array {
  return reading(path, () => (path === "-" ? readStdin() : readFileSync(path)));
}

/** What is read at a path; what the system says against it ends the command. */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (problem) {
    throw new Failure(`cannot read \`${path}\`: ${reason(problem)}`);
  }
}

/** All of stdin. A pipe whose writer is slower than we are answers EAGAIN in between: that is no end. */
function readStdin(): Uint8Array {
  const chunks: Buffer[] = [];
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const chunk = Buffer.alloc(65_536);
    try {
      const count = readSync(0, chunk);
      if (count === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
    } catch (problem) {
      const code = (problem as NodeJS.ErrnoException).code;
      if (code === "EOF") return Buffer.concat(chunks);
      if (code !== "EAGAIN") throw problem;
      Atomics.wait(pause, 0, 0, PIPE_WAIT_MS);
    }
  }
}

/** A file as text; bytes that are not UTF-8 are refused. */
export function textOf(path: string): string {
  try {
    return decoder.decode(readBytes(path));
  } catch (problem) {
    if (problem instanceof Failure) throw problem;
    throw new Failure(`\`${path}\` is not UTF-8 text`);
  }
}

/**
 * Write a file whole or not at all: readers never see half of it. Links stay, what they lead to is written. What is no
 * file but a device or a pipe is written to, never replaced.
 */
export function writeWhole(path: string, bytes: Uint8Array): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory() || path.endsWith(sep)) throw new Failure("it is a folder; name a file in it");
    if (there === undefined || there.isFile()) replace(linksFollowed(path), bytes, there?.mode);
    else writeFileSync(path, bytes);
  } catch (problem) {
    throw new Failure(`cannot write \`${path}\`: ${reason(problem)}`);
  }
}

/** `mode`: who may read and write the file that was there stays as it was. */
function replace(path: string, bytes: Uint8Array, mode: number | undefined): void {
  const draft = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    writeFileSync(draft, bytes);
    if (mode !== undefined) chmodSync(draft, mode);
    renameSync(draft, path);
  } catch (problem) {
    rmSync(draft, { force: true });
    throw problem;
  }
}

/** Where a path leads, also if there is nothing yet. */
function linksFollowed(path: string): string {
  const folder = realpathSync(dirname(path));
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return isLink ? linksFollowed(resolve(folder, readlinkSync(path))) : join(folder, basename(path));
}

export function isFolder(path: string): boolean {
  return stat(path).isDirectory();
}

function stat(path: string): ReturnType<typeof statSync> & object {
  return reading(path, () => statSync(path));
}

/** The system's reason in words. */
export function reason(problem: unknown): string {
  const code = (problem as NodeJS.ErrnoException).code;
  switch (code) {
    case "ENOENT":
      return "there is no such file or folder";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "it is a folder";
    case "ENOTDIR":
      return "a part of the path is no folder";
    case "EADDRINUSE":
      return "the address is in use";
    case "EADDRNOTAVAIL":
      return "this machine has no such address";
    case "ENOTFOUND":
      return "there is no such host";
    case "ELOOP":
      return "its links lead in a circle";
    case "ENOSPC":
      return "no space left";
    default:
      return problem instanceof Error ? problem.message : String(problem);
  }
}
