/** Many texts in few objects: their bytes one after the other. */

/** Longer texts are kept once they are made: many entries of a bundle may name one long text, and each would hold its own. */
const LONG_BYTES = 64;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class Texts implements Iterable<string> {
  readonly bytes: Uint8Array;
  /** Text i is `bytes[offsets[i] .. offsets[i + 1]]`. */
  readonly offsets: Int32Array;
  readonly #long = new Map<number, string>();

  /** The bytes of each text are valid UTF-8. */
  constructor(bytes: Uint8Array, offsets: Int32Array) {
    this.bytes = bytes;
    this.offsets = offsets;
  }

  get length(): number {
    return this.offsets.length - 1;
  }

  /** The text of an index that exists. */
  at(index: number): string {
    const start = this.offsets[index]!;
    const end = this.offsets[index + 1]!;
    const known = end - start > LONG_BYTES ? this.#long.get(index) : undefined;
    if (known !== undefined) return known;
    const text = decoder.decode(this.bytes.subarray(start, end));
    if (end - start > LONG_BYTES) this.#long.set(index, text);
    return text;
  }

  *[Symbol.iterator](): Iterator<string> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}
