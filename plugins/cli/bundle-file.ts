/** A large bundle that stays in its file: only what decides is kept in memory, the rest is read again when it is shown. */
import { hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "../../core/index.ts";

const CHUNK_BYTES = 65_536;

/** Files that nobody holds any more are closed. */
const unused = new FinalizationRegistry<number>((file) => {
  closeSync(file);
});

/**
 * The bytes of a file that was opened once: replacing it by another one changes nothing here. What is read a second time
 * must be what it was: who writes into the file makes `read` throw, and never a bundle that was not verified.
 */
export class BundleFile implements ByteSource {
  readonly length: number;
  readonly #path: string;
  readonly #file: number;
  /** By chunk: the hash of what was read first. */
  readonly #hashes: (string | undefined)[];
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #chunkIndex = -1;

  /** Throws the system's error where the file cannot be opened. */
  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, "r");
    unused.register(this, this.#file);
    this.length = fstatSync(this.#file).size;
    this.#hashes = new Array(Math.ceil(this.length / CHUNK_BYTES));
  }

  read(start: number, end: number): Uint8Array {
    const first = Math.floor(start / CHUNK_BYTES);
    if (start < end && end <= (first + 1) * CHUNK_BYTES) {
      this.#load(first);
      return this.#chunk.subarray(start - first * CHUNK_BYTES, end - first * CHUNK_BYTES);
    }
    const bytes = new Uint8Array(end - start);
    for (let at = start; at < end; ) {
      const index = Math.floor(at / CHUNK_BYTES);
      this.#load(index);
      const stop = Math.min(end, (index + 1) * CHUNK_BYTES);
      bytes.set(this.#chunk.subarray(at - index * CHUNK_BYTES, stop - index * CHUNK_BYTES), at - start);
      at = stop;
    }
    return bytes;
  }

  #load(index: number): void {
    if (index === this.#chunkIndex) return;
    const start = index * CHUNK_BYTES;
    const size = Math.min(CHUNK_BYTES, this.length - start);
    this.#chunkIndex = -1;
    for (let done = 0; done < size; ) {
      const count = readSync(this.#file, this.#chunk, done, size - done, start + done);
      if (count === 0) throw new Error(`\`${this.#path}\` is shorter than when it was loaded`);
      done += count;
    }
    const seen = hash("sha256", this.#chunk.subarray(0, size));
    this.#hashes[index] ??= seen;
    if (this.#hashes[index] !== seen)
      throw new Error(`\`${this.#path}\` was written to after it was loaded; write a new file instead`);
    this.#chunkIndex = index;
  }
}
