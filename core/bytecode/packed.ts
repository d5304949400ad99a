/** Texts of a pool, one behind the other: those that stand as in the last bundle, in front and at the end, are copied at once. */
import type { Pool } from "./pool.ts";

export class Packed {
  readonly #pool: Pool<Uint8Array>;
  /** Handles by index, of the last bundle. */
  #used: readonly number[] = [];
  /** By index: where the text ends. */
  ends = new Uint32Array();
  /** With zeros up to a multiple of four. */
  bytes = new Uint8Array();

  constructor(pool: Pool<Uint8Array>) {
    this.#pool = pool;
  }

  /** Pack what is used now. */
  pack(): void {
    const { used, values } = this.#pool;
    const { ends: oldEnds, bytes: oldBytes } = this;
    const old = this.#used;
    const most = Math.min(used.length, old.length);
    let head = 0;
    while (head < most && used[head] === old[head]) head++;
    let tail = 0;
    while (tail < most - head && used[used.length - 1 - tail] === old[old.length - 1 - tail]) tail++;

    const ends = new Uint32Array(used.length);
    ends.set(oldEnds.subarray(0, head));
    const [headEnd, tailIndex] = [endOf(ends, head), used.length - tail];
    let end = headEnd;
    for (let i = head; i < tailIndex; i++) {
      end += values[used[i]!]!.length;
      ends[i] = end;
    }
    const oldTail = oldBytes.subarray(endOf(oldEnds, old.length - tail), endOf(oldEnds, old.length));
    const moved = end - endOf(oldEnds, old.length - tail);
    for (let i = tailIndex; i < used.length; i++) ends[i] = oldEnds[i - used.length + old.length]! + moved;

    const bytes = new Uint8Array((endOf(ends, used.length) + 3) & ~3);
    bytes.set(oldBytes.subarray(0, headEnd));
    for (let i = head; i < tailIndex; i++) bytes.set(values[used[i]!]!, endOf(ends, i));
    bytes.set(oldTail, end);
    this.#used = used;
    this.ends = ends;
    this.bytes = bytes;
  }
}

/** Where the first so many texts end. */
function endOf(ends: Uint32Array, count: number): number {
  return count === 0 ? 0 : ends[count - 1]!;
}
