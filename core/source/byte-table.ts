/**
 * A fixed set of names, found by bytes: open addressing over one array, no strings on the way. With `fold`,
 * ASCII letters are equal whatever their case.
 *
 * The names come from a bundle, never from a request. A seed that depends on all of it keeps its author from choosing
 * names that collide.
 */

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class ByteTable {
  readonly #bytes: Uint8Array;
  readonly #offsets: Int32Array;
  /** Index of a name plus one; 0 is free. A power of two, at most half full. */
  readonly #cells: Int32Array;
  readonly #fold: boolean;
  readonly #seed: number;
  /** Longer texts are in no table: they are not even hashed. */
  readonly #lengthMax: number;

  /** Name i is `bytes[offsets[i] .. offsets[i + 1]]`. Of equal names the first one is found. */
  constructor(bytes: Uint8Array, offsets: Int32Array, fold = false, seed = 0) {
    const count = Math.max(0, offsets.length - 1);
    let size = 4;
    while (size < count * 2) size *= 2;
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.#cells = new Int32Array(size);
    this.#fold = fold;
    this.#seed = (seed ^ FNV_BASIS) | 0;
    let lengthMax = -1;
    for (let i = 0; i < count; i++) lengthMax = Math.max(lengthMax, offsets[i + 1]! - offsets[i]!);
    this.#lengthMax = lengthMax;
    for (let i = 0; i < count; i++) this.#insert(i);
  }

  /** Index of the name equal to `text[start .. end]`, or -1. */
  find(text: Uint8Array, start: number, end: number): number {
    if (end - start > this.#lengthMax) return -1;
    const mask = this.#cells.length - 1;
    for (let at = this.#hash(text, start, end) & mask; ; at = (at + 1) & mask) {
      const index = this.#cells[at]! - 1;
      if (index < 0) return -1;
      if (this.#equals(index, text, start, end)) return index;
    }
  }

  #insert(index: number): void {
    const start = this.#offsets[index]!;
    const end = this.#offsets[index + 1]!;
    if (this.find(this.#bytes, start, end) >= 0) return;
    const mask = this.#cells.length - 1;
    let at = this.#hash(this.#bytes, start, end) & mask;
    while (this.#cells[at] !== 0) at = (at + 1) & mask;
    this.#cells[at] = index + 1;
  }

  #hash(text: Uint8Array, start: number, end: number): number {
    let hash = this.#seed;
    for (let i = start; i < end; i++)
      hash = Math.imul(hash ^ (this.#fold ? lower(text[i]!) : text[i]!), FNV_PRIME);
    return hash ^ (hash >>> 15);
  }

  #equals(index: number, text: Uint8Array, start: number, end: number): boolean {
    const from = this.#offsets[index]!;
    if (this.#offsets[index + 1]! - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) {
      const a = text[i]!;
      const b = this.#bytes[j]!;
      if (a !== b && !(this.#fold && lower(a) === lower(b))) return false;
    }
    return true;
  }
}

/** A table of names given as strings. */
export function byteTable(names: readonly string[], fold = false): ByteTable {
  const encoded = names.map((name) => new TextEncoder().encode(name));
  const offsets = new Int32Array(names.length + 1);
  for (const [i, name] of encoded.entries()) offsets[i + 1] = offsets[i]! + name.length;
  const bytes = new Uint8Array(offsets[names.length]!);
  for (const [i, name] of encoded.entries()) bytes.set(name, offsets[i]!);
  return new ByteTable(bytes, offsets, fold);
}

/** ASCII only. */
export function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
