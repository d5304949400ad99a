/**
 * A set of small numbers that gives them out in rising order and is empty then. Words of bits with two levels of bits
 * above that say which words hold any: the cost is that of the numbers in it, however many there could be.
 */
export class RisingSet {
  readonly #low: Int32Array;
  readonly #middle: Int32Array;
  readonly #high: Int32Array;

  /** Numbers below `count`. */
  constructor(count: number) {
    const words = (bits: number): number => (bits + 31) >>> 5;
    this.#low = new Int32Array(words(count));
    this.#middle = new Int32Array(words(this.#low.length));
    this.#high = new Int32Array(words(this.#middle.length));
  }

  add(number: number): void {
    this.#low[number >> 5]! |= 1 << (number & 31);
    this.#middle[number >> 10]! |= 1 << ((number >> 5) & 31);
    this.#high[number >> 15]! |= 1 << ((number >> 10) & 31);
  }

  /** Take the smallest number out; -1 when there is none. */
  take(): number {
    for (let h = 0; h < this.#high.length; h++) {
      const high = this.#high[h]!;
      if (high === 0) continue;
      const m = h * 32 + lowestBit(high);
      const middle = this.#middle[m]!;
      const l = m * 32 + lowestBit(middle);
      const low = this.#low[l]!;
      const left = low & (low - 1);
      this.#low[l] = left;
      if (left === 0) {
        const others = middle & (middle - 1);
        this.#middle[m] = others;
        if (others === 0) this.#high[h] = high & (high - 1);
      }
      return l * 32 + lowestBit(low);
    }
    return -1;
  }

  clear(): void {
    while (this.take() !== -1);
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
