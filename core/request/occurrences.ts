/**
 * For each of a fixed set of names, where its values stand in the slots' bytes, in order of appearance.
 * Used for header lines, cookies and query parameters; emptied and used again for every request.
 */

const NONE = -1;
/** Integers of one entry: start, end, next entry. */
const STRIDE = 3;

export class Occurrences {
  readonly #counts: Int32Array;
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  #entries = new Int32Array(32 * STRIDE);
  #used = 0;

  constructor(names: number) {
    this.#counts = new Int32Array(names);
    this.#first = new Int32Array(names).fill(NONE);
    this.#last = new Int32Array(names).fill(NONE);
  }

  reset(): void {
    if (this.#used === 0) return;
    this.#used = 0;
    // A loop: the arrays are short, and `fill` costs more than that.
    for (let i = 0; i < this.#counts.length; i++) {
      this.#counts[i] = 0;
      this.#first[i] = NONE;
      this.#last[i] = NONE;
    }
  }

  /** An end of -1 marks a value that is malformed. */
  add(name: number, start: number, end: number): void {
    const entry = this.aside(start, end);
    if (this.#last[name] === NONE) this.#first[name] = entry;
    else this.#entries[this.#last[name]! + 2] = entry;
    this.#last[name] = entry;
    this.#counts[name]! += 1;
  }

  /** An entry that belongs to no name. */
  aside(start: number, end: number): number {
    const entry = this.#used;
    this.#used += STRIDE;
    if (this.#used > this.#entries.length) {
      const entries = new Int32Array(this.#entries.length * 2);
      entries.set(this.#entries);
      this.#entries = entries;
    }
    this.#entries[entry] = start;
    this.#entries[entry + 1] = end;
    this.#entries[entry + 2] = NONE;
    return entry;
  }

  count(name: number): number {
    return this.#counts[name]!;
  }

  /** The first entry of a name, or -1. */
  first(name: number): number {
    return this.#first[name]!;
  }

  /** The entry of the same name behind this one, or -1. */
  next(entry: number): number {
    return this.#entries[entry + 2]!;
  }

  start(entry: number): number {
    return this.#entries[entry]!;
  }

  end(entry: number): number {
    return this.#entries[entry + 1]!;
  }
}
