/** Rows of 32-bit words in a section. Only made once its whole extent is known to lie inside the bundle. */
import { NONE } from "../gen/constants.ts";
import { refuse } from "./refusal.ts";

export class Table {
  /** How messages call one entry: `slots entry`. */
  readonly label: string;
  readonly count: number;
  readonly #view: DataView;
  readonly #offset: number;
  readonly #rowBytes: number;

  constructor(
    label: string,
    view: DataView,
    place: { readonly offset: number; readonly count: number; readonly rowBytes: number },
  ) {
    this.label = label;
    this.count = place.count;
    this.#view = view;
    this.#offset = place.offset;
    this.#rowBytes = place.rowBytes;
  }

  /** Unsigned 32-bit word `column` of a row. */
  word(row: number, column: number): number {
    return this.#view.getUint32(this.start(row) + column * 4, true);
  }

  /** Byte `byte` of a row. */
  byte(row: number, byte: number): number {
    return this.#view.getUint8(this.start(row) + byte);
  }

  /** Unsigned 16-bit number at byte `byte` of a row. */
  half(row: number, byte: number): number {
    return this.#view.getUint16(this.start(row) + byte, true);
  }

  /** Double at the start of a row. */
  double(row: number): number {
    return this.#view.getFloat64(this.start(row), true);
  }

  /** Offset of a row in the bundle. */
  start(row: number): number {
    return this.#offset + row * this.#rowBytes;
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
