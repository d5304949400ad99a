/** Query parameters to slots (docs/request.md, section 6). */
import type { Slot } from "../bytecode/program.ts";
import { type ByteTable, byteTable } from "../source/byte-table.ts";
import { Occurrences } from "./occurrences.ts";
import { INVALID, type Slots } from "./slots.ts";
import { hexDigit, indexOfByte, isUtf8 } from "./text.ts";
import { addElement, beginList, invalidate, type Names, readText } from "./values.ts";

const PERCENT = 0x25;
const AMPERSAND = 0x26;
const PLUS = 0x2b;
const EQUALS = 0x3d;
const SPACE = 0x20;
const MALFORMED = -1;

/** The parameters of one request that a program reads. */
export class Query {
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

  /** Reads all query slots from the query `slots.bytes[start .. end]`, which is valid as `request.query`. */
  load(names: Names, slots: Slots, start: number, end: number): void {
    this.#found.reset();
    if (!this.#split(slots, start, end)) {
      this.refuse(slots);
      return;
    }
    for (let i = 0; i < this.#slots.length; i++)
      loadOccurrences(names, slots, this.#slots[i]!, this.#found, this.#names[i]!);
  }

  /** The query is invalid: so is everything read from it. */
  refuse(slots: Slots): void {
    for (const slot of this.#slots) invalidate(slots, slot.shape, slot.cell);
  }

  /** False if some name is malformed, whether it is read or not. */
  #split(slots: Slots, start: number, end: number): boolean {
    for (let from = start; from < end; ) {
      const stop = indexOfByte(slots.bytes, AMPERSAND, from, end);
      if (stop > from) {
        const equals = indexOfByte(slots.bytes, EQUALS, from, stop);
        const at = slots.room(equals - from);
        const last = decode(slots.bytes, from, equals, at);
        if (last === MALFORMED || !isUtf8(slots.bytes, at, last)) return false;
        const name = this.#table.find(slots.bytes, at, last);
        if (name >= 0) this.#add(slots, name, Math.min(equals + 1, stop), stop);
      }
      from = stop + 1;
    }
    return true;
  }

  #add(slots: Slots, name: number, start: number, end: number): void {
    const at = slots.room(end - start);
    const last = decode(slots.bytes, start, end, at);
    if (last !== MALFORMED) slots.used = last;
    this.#found.add(name, at, last);
  }
}

/** Reads a slot from what was found under its name: one for a scalar, each an element for a list. Used for cookies too. */
export function loadOccurrences(
  names: Names,
  slots: Slots,
  slot: Slot,
  found: Occurrences,
  name: number,
): void {
  if (found.count(name) === 0) return;
  const element = slot.shape.element;
  if (element === null) {
    if (found.count(name) > 1) slots.state[slot.cell] = INVALID;
    else readOccurrence(names, slots, slot, slot.cell, found, found.first(name));
    return;
  }
  beginList(slots, element, slot.cell);
  for (let entry = found.first(name); entry >= 0; entry = found.next(entry)) {
    const cell = addElement(slots, slot.cell);
    if (cell < 0) return;
    readOccurrence(names, slots, slot, cell, found, entry);
  }
}

function readOccurrence(
  names: Names,
  slots: Slots,
  slot: Slot,
  cell: number,
  found: Occurrences,
  entry: number,
): void {
  if (found.end(entry) === MALFORMED) slots.state[cell] = INVALID;
  else readText(names, slots, slot.shape.element ?? slot.shape, cell, found.start(entry), found.end(entry));
}

/** Decodes `+` and escapes once, to `at` in the same bytes; returns where the result ends, or -1 for a malformed escape. */
function decode(bytes: Uint8Array, start: number, end: number, at: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === PERCENT) {
      const high = i + 2 < end ? hexDigit(bytes[i + 1]!) : -1;
      const low = i + 2 < end ? hexDigit(bytes[i + 2]!) : -1;
      if (high < 0 || low < 0) return MALFORMED;
      bytes[at++] = high * 16 + low;
      i += 2;
    } else {
      bytes[at++] = byte === PLUS ? SPACE : byte;
    }
  }
  return at;
}
