/** Rows of 32-bit words in a section. Only made once its whole extent is known to lie inside the bundle. */
import type { ByteSource } from "../byte-source.ts";
import { NONE } from "../gen/constants.ts";
import { refuse } from "./refusal.ts";

/** Bytes that are looked at together. */
const WINDOW_BYTES = 65_536;

export class Table {
  /** How messages call one entry: `slots entry`. */
  readonly label: string;
  readonly count: number;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #rowBytes: number;
  /** The rows at hand: bytes of the source from `#windowAt` on. One buffer for all of them, or memory would go to pieces. */
  #window = new DataView(new ArrayBuffer(0));
  #windowAt = 0;
  #windowEnd = 0;

  constructor(
    label: string,
    source: ByteSource,
    place: { readonly offset: number; readonly count: number; readonly rowBytes: number },
  ) {
    this.label = label;
    this.count = place.count;
    this.#source = source;
    this.#offset = place.offset;
    this.#rowBytes = place.rowBytes;
  }

  /** Unsigned 32-bit word `column` of a row. */
  word(row: number, column: number): number {
    const at = this.#at(row, column * 4);
    return this.#window.getUint32(at, true);
  }

  /** Byte `byte` of a row. */
  byte(row: number, byte: number): number {
    const at = this.#at(row, byte);
    return this.#window.getUint8(at);
  }

  /** Unsigned 16-bit number at byte `byte` of a row. */
  half(row: number, byte: number): number {
    const at = this.#at(row, byte);
    return this.#window.getUint16(at, true);
  }

  /** Double at the start of a row. */
  double(row: number): number {
    const at = this.#at(row, 0);
    return this.#window.getFloat64(at, true);
  }

  /** Offset of a row in the bundle. */
  start(row: number): number {
    return this.#offset + row * this.#rowBytes;
  }

  /** Where a byte of a row stands in the window, which is moved to the row if it is elsewhere. */
  #at(row: number, byte: number): number {
    const at = this.start(row) - this.#windowAt;
    if (at >= 0 && at + this.#rowBytes <= this.#windowEnd) return at + byte;
    const rows = Math.max(1, Math.floor(WINDOW_BYTES / this.#rowBytes));
    const first = row - (row % rows);
    const end = Math.min(this.count, first + rows);
    const bytes = this.#source.read(this.start(first), this.start(end));
    if (this.#window.byteLength < bytes.length)
      this.#window = new DataView(new ArrayBuffer(Math.min(this.count, rows) * this.#rowBytes));
    new Uint8Array(this.#window.buffer).set(bytes);
    this.#windowEnd = bytes.length;
    this.#windowAt = this.start(first);
    return this.start(row) - this.#windowAt + byte;
  }

  /** What messages call a row. */
  at(row: number): string {
    return `${this.label} ${row}`;
  }

  /** An index below `count`. */
  index(row: number, column: number, target: { readonly what: string; readonly count: number }): number {
    const index = this.word(row, column);
    if (index >= target.count)
      refuse(this.at(row), `${target.what} ${index} does not exist, there are ${target.count}`);
    return index;
  }

  /** An index below `count`, or -1 for "none". */
  indexOrNone(
    row: number,
    column: number,
    target: { readonly what: string; readonly count: number },
  ): number {
    return this.word(row, column) === NONE ? -1 : this.index(row, column, target);
  }
}

/**
 * A range of rows of another table, given by its first row and count in two neighbouring columns. Ranges follow one
 * another without gap: each starts where `next` says. Returns where the next one starts.
 */
export function nextRange(
  table: Table,
  row: number,
  column: number,
  range: { readonly next: number; readonly of: Table },
): number {
  const first = table.word(row, column);
  const count = table.word(row, column + 1);
  if (first !== range.next)
    refuse(
      table.at(row),
      `its ${range.of.label} range starts at ${first}, not where the one before ends, at ${range.next}`,
    );
  if (count > range.of.count - first)
    refuse(
      table.at(row),
      `its ${range.of.label} range of ${count} from ${first} passes the end, there are ${range.of.count}`,
    );
  return first + count;
}

/** All rows of the table are used by ranges that ended at `next`. */
export function allUsed(table: Table, next: number): void {
  if (next !== table.count) refuse(table.at(next), "no entry uses it");
}
