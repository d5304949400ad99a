/** Where the log goes: a stream, a file that is rotated, an endpoint over HTTP. */
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import type { Writable } from "node:stream";
import { type Sink, Unacceptable } from "./outbox.ts";

/** Lines for a stream, such as stdout. It belongs to the process, and stays open. */
export function streamSink(name: string, stream: Writable): Sink {
  // Each write tells its own error; without a listener the process would end by it.
  stream.on("error", () => undefined);
  return {
    ...{ name, gatherMs: 5 },
    write: (lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines.join(""), (problem) => (problem ? reject(problem) : resolve()));
      }),
    close: () => Promise.resolve(),
  };
}

export interface FileSinkOptions {
  readonly path: string;
  /** Bytes of a file, but for one batch. */
  readonly bytesMax: number;
  /** Files that are kept, the one that is written among them. */
  readonly filesMax: number;
}

/** Read and written by its user only: it says who did what. */
const FILE_MODE = 0o600;
const LINE_FEED = 0x0a;

/**
 * Lines for a file: `PATH`, and older ones `PATH.1`, `PATH.2`, ... What is moved away by another program is begun anew.
 *
 * @throws the system's error where it cannot be opened
 */
export async function fileSink(options: FileSinkOptions): Promise<Sink> {
  const file = new RotatedFile(options);
  await file.begin();
  return {
    ...{ name: options.path, gatherMs: 5 },
    write: (lines) => file.write(lines.join("")),
    close: () => file.close(),
  };
}

class RotatedFile {
  readonly #options: FileSinkOptions;
  #handle: FileHandle | null = null;
  #inode = 0n;
  #bytes = 0;

  constructor(options: FileSinkOptions) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    const handle = await open(this.#options.path, "a+", FILE_MODE);
    try {
      const { ino, size } = await handle.stat({ bigint: true });
      this.#inode = ino;
      this.#bytes = Number(size);
      await this.#endLine(handle);
    } catch (problem) {
      await handle.close();
      throw problem;
    }
    this.#handle = handle;
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    if (this.#handle !== null && !(await this.#isThere())) await this.close();
    if (this.#handle === null) await this.begin();
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.bytesMax) await this.#rotate();
    const handle = this.#handle!;
    try {
      await handle.appendFile(bytes);
      this.#bytes += bytes.length;
    } catch (problem) {
      // A disk that is full may have taken a part of it, and all of it comes again.
      await handle.truncate(this.#bytes).catch(() => undefined);
      throw problem;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.datasync().catch(() => undefined);
    await handle?.close();
  }

  /** A crash may have left half a line: what follows must not become a part of it. */
  async #endLine(handle: FileHandle): Promise<void> {
    if (this.#bytes === 0) return;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, this.#bytes - 1);
    if (bytesRead !== 1 || buffer[0] === LINE_FEED) return;
    await handle.appendFile("\n");
    this.#bytes += 1;
  }

  async #isThere(): Promise<boolean> {
    const found = await stat(this.#options.path, { bigint: true }).catch(() => null);
    return found?.ino === this.#inode;
  }

  async #rotate(): Promise<void> {
    const { path, filesMax } = this.#options;
    await this.close();
    const older = (n: number): string => (n === 0 ? path : `${path}.${n}`);
    for (let n = filesMax - 1; n >= 0; n--) {
      if (n === filesMax - 1) await rm(older(n), { force: true });
      else await rename(older(n), older(n + 1)).catch(ifThere);
    }
    await this.begin();
  }
}

function ifThere(problem: NodeJS.ErrnoException): void {
  if (problem.code !== "ENOENT") throw problem;
}

export interface HttpSinkOptions {
  readonly url: string;
  /** A bearer token; null: none. */
  readonly token: string | null;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const GATHER_MS = 250;

/** Lines for an endpoint that takes `application/x-ndjson`: a POST for each batch, which may come twice where no answer came. */
export function httpSink({ url, token, timeoutMs = TIMEOUT_MS }: HttpSinkOptions): Sink {
  const headers = {
    "content-type": "application/x-ndjson",
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  const name = new URL(url).origin;
  return {
    ...{ name, gatherMs: GATHER_MS },
    async write(lines) {
      const response = await fetch(url, {
        ...{ method: "POST", headers, body: lines.join(""), redirect: "error" },
        signal: AbortSignal.timeout(timeoutMs),
      }).catch((problem: Error) => {
        throw new Error(`${name} does not answer: ${causeOf(problem)}`);
      });
      await response.body?.cancel().catch(() => undefined);
      if (response.ok) return;
      const message = `${name} answers ${response.status}`;
      throw isFinal(response.status) ? new Unacceptable(message) : new Error(message);
    },
    close: () => Promise.resolve(),
  };
}

function causeOf(problem: Error): string {
  const { cause } = problem;
  return cause instanceof Error && cause.message !== "" ? cause.message : problem.message;
}

/** The same lines will get the same answer: they are malformed or too many for it. Who may not write yet may later. */
function isFinal(status: number): boolean {
  return [400, 405, 406, 411, 413, 414, 415, 422].includes(status);
}
