/** Cookies to slots (docs/request.md, section 5). */
import type { Slot } from "../bytecode/program.ts";
import { type ByteTable, byteTable } from "../source/byte-table.ts";
import { type Headers, holds } from "./headers.ts";
import { Occurrences } from "./occurrences.ts";
import { loadOccurrences } from "./query.ts";
import type { Slots } from "./slots.ts";
import { indexOfByte, trimEnd, trimStart } from "./text.ts";
import { invalidate, type Names } from "./values.ts";

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/** The cookies of one request that a program reads. */
export class Cookies {
  readonly #slots: readonly Slot[];
  readonly #names: readonly number[];
  readonly #table: ByteTable;
  readonly #found: Occurrences;

  constructor(slots: readonly Slot[]) {
    const names = [...new Set(slots.map((slot) => slot.argument))];
    this.#slots = slots;
    this.#names = slots.map((slot) => names.indexOf(slot.argument));
    this.#table = byteTable(names);
    this.#found = new Occurrences(names.length);
  }

  /** Reads all cookie slots from the lines of the header with this index. */
  load(names: Names, slots: Slots, headers: Headers, header: number): void {
    this.#found.reset();
    const lines = headers.lines;
    let refused = headers.tooLong(header);
    for (let line = lines.first(header); line >= 0 && !refused; line = lines.next(line)) {
      refused = headers.joined && holds(slots, COMMA, lines.start(line), lines.end(line));
      this.#split(slots, lines.start(line), lines.end(line));
    }
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i]!;
      if (refused) invalidate(slots, slot.shape, slot.cell);
      else loadOccurrences(names, slots, slot, this.#found, this.#names[i]!);
    }
  }

  #split(slots: Slots, start: number, end: number): void {
    const bytes = slots.bytes;
    for (let from = start; from < end; ) {
      const stop = indexOfByte(bytes, SEMICOLON, from, end);
      const first = trimStart(bytes, from, stop);
      const last = trimEnd(bytes, first, stop);
      const equals = indexOfByte(bytes, EQUALS, first, last);
      const name = equals < last ? this.#table.find(bytes, first, equals) : -1;
      if (name >= 0) this.#found.add(name, equals + 1, last);
      from = stop + 1;
    }
  }
}
