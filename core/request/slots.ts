/**
 * The slots of one request, as typed arrays of cells. A cell is one value: a slot takes one cell in the global
 * frame (a record one more for every cell of its fields); elements of lists are cells behind them.
 *
 * | type | fields of the cell |
 * | --- | --- |
 * | string | `offset`, `length`: bytes in `bytes`; `id`: index of the equal string of the bundle, or -1 |
 * | int, float | `number` |
 * | bool | `number` 0 or 1 |
 * | enum | `number`: member index (`resource.type`: -1 when nothing matches) |
 * | ip, cidr | `offset`: 16 bytes in `bytes` (v4 as v4-mapped); `length`: prefix length (ip: 128; v4 cidr: 96 + prefix) |
 * | list | `offset`: first element's cell; `length`: number of elements; `id`: cells of one element |
 * | record | only its state; the fields are the cells behind it |
 *
 * One object is used again and again: loading a request overwrites what was there.
 */

export const ABSENT = 0;
export const PRESENT = 1;
export const INVALID = 2;

const GROWTH = 2;

export class Slots {
  /** ABSENT, PRESENT or INVALID. */
  state: Uint8Array;
  number: Float64Array;
  id: Int32Array;
  offset: Int32Array;
  length: Int32Array;
  /** Cells in use. */
  cells = 0;
  bytes: Uint8Array;
  /** Bytes in use. */
  used = 0;

  constructor(cells: number) {
    const capacity = Math.max(64, cells);
    this.state = new Uint8Array(capacity);
    this.number = new Float64Array(capacity);
    this.id = new Int32Array(capacity);
    this.offset = new Int32Array(capacity);
    this.length = new Int32Array(capacity);
    this.bytes = new Uint8Array(4096);
  }

  /** Forget everything; the first `cells` cells become absent. */
  reset(cells: number): void {
    this.cells = 0;
    this.used = 0;
    this.take(cells);
  }

  /** Take `count` new cells, absent; returns the first one's index. */
  take(count: number): number {
    const first = this.cells;
    const end = first + count;
    if (end > this.state.length) this.grow(end);
    this.state.fill(ABSENT, first, end);
    this.cells = end;
    return first;
  }

  /** Make room for `count` more bytes; returns where they start. The caller writes them and moves `used`. */
  room(count: number): number {
    const end = this.used + count;
    if (end > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(end, this.bytes.length * GROWTH));
      bytes.set(this.bytes.subarray(0, this.used));
      this.bytes = bytes;
    }
    return this.used;
  }

  private grow(cells: number): void {
    const capacity = Math.max(cells, this.state.length * GROWTH);
    this.state = grown(this.state, new Uint8Array(capacity));
    this.number = grown(this.number, new Float64Array(capacity));
    this.id = grown(this.id, new Int32Array(capacity));
    this.offset = grown(this.offset, new Int32Array(capacity));
    this.length = grown(this.length, new Int32Array(capacity));
  }
}

function grown<T extends Uint8Array | Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
