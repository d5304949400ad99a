/**
 * The tree of a selection in a few arrays, so that a million places are no million objects. A place is a run of words in
 * one of them:
 *
 * | word | meaning |
 * | --- | --- |
 * | 0 | the cell that is looked up; -1 for a list of policies |
 * | 1 | how |
 * | 2 | the place of those that demand nothing of the cell, or NOWHERE |
 * | 3 | where its table, or its policies, start in `tables` |
 * | 4 | entries of the table, or policies |
 *
 * What leads somewhere leads to a place (its first word), to one policy alone (below NOWHERE), or nowhere. A table of
 * texts or numbers is hashed: entries { value, where to }, a power of two of them, where to is NOWHERE in a free one. One of
 * prefixes or networks is in order: entries { value, entry that it lies in or -1, where to }.
 */

export const NOWHERE = -1;
export const CELL = 0;
export const HOW = 1;
export const REST = 2;
export const START = 3;
export const COUNT = 4;
export const PLACE_WORDS = 5;
/** Words of an entry that is hashed, and of one in order. */
export const HASHED_WORDS = 2;
export const ORDERED_WORDS = 3;

/** Where one policy alone stands. */
export function onlyPolicy(policy: number): number {
  return -2 - policy;
}

/** Place of a value in a table of `count` entries, from where on it is searched. */
export function hashOf(value: number, count: number): number {
  return (Math.imul(value, 0x9e3779b1) >>> 7) & (count - 1);
}

/** Words that grow. */
export class Words {
  #words: Int32Array;
  #length = 0;

  /** `capacity`: words that there is room for at once. */
  constructor(capacity = 1024) {
    this.#words = new Int32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Room for `count` words, each `value`; returns where they start. */
  take(count: number, value: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#words.length) {
      const grown = new Int32Array(Math.max(this.#length, this.#words.length * 2));
      grown.set(this.#words.subarray(0, start));
      this.#words = grown;
    }
    this.#words.fill(value, start, this.#length);
    return start;
  }

  at(index: number): number {
    return this.#words[index]!;
  }

  set(index: number, value: number): void {
    this.#words[index] = value;
  }

  /** Give back all from a place on. */
  release(start: number): void {
    this.#length = start;
  }

  /** The words themselves, until more are taken. */
  view(start: number, end: number): Int32Array {
    return this.#words.subarray(start, end);
  }

  /** Of `count` words that ascend, the place of one that is there. */
  placeIn(start: number, count: number, word: number): number {
    let low = 0;
    let high = count;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#words[start + middle]! <= word) low = middle;
      else high = middle;
    }
    return low;
  }

  done(): Int32Array {
    return this.#words.slice(0, this.#length);
  }
}
