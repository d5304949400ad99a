/** Headers to slots (docs/request.md, section 4), and the lines that cookies and the body ask for. */
import type { Slot } from "../bytecode/program.ts";
import { HEADER_BYTES_MAX } from "../source/gen/facts.ts";
import type { NeutralRequest } from "./neutral.ts";
import { Occurrences } from "./occurrences.ts";
import { INVALID, type Slots } from "./slots.ts";
import { indexOfByte, stage, trimEnd, trimStart } from "./text.ts";
import { addElement, beginList, type Names, readText } from "./values.ts";

const COMMA = 0x2c;
const SEMICOLON = 0x3b;

/** The field lines of one request whose names the program reads. */
export class Headers {
  readonly #indexes: ReadonlyMap<string, number>;
  /** Whether some name has this length: most lines of a request are passed over by it. */
  readonly #lengths: Uint8Array;
  readonly #lines: Occurrences;
  /** Bytes in all lines of a name, blanks included. */
  readonly #totals: Float64Array;
  #joined = false;

  /** Names in lower case. */
  constructor(names: Iterable<string>) {
    this.#indexes = new Map([...new Set(names)].map((name, i) => [name, i]));
    this.#lengths = new Uint8Array(Math.max(0, ...[...this.#indexes.keys()].map((name) => name.length)) + 1);
    for (const name of this.#indexes.keys()) this.#lengths[name.length] = 1;
    this.#lines = new Occurrences(this.#indexes.size);
    this.#totals = new Float64Array(this.#indexes.size);
  }

  /** Copies the lines that are read into the slots' bytes, without blanks at both ends. */
  load(request: NeutralRequest, slots: Slots): void {
    if (this.#indexes.size === 0) return;
    this.#lines.reset();
    for (let i = 0; i < this.#totals.length; i++) this.#totals[i] = 0;
    this.#joined = request.headersJoined;
    for (const line of request.headers) {
      if (line.name.length >= this.#lengths.length || this.#lengths[line.name.length] === 0) continue;
      const name = this.#indexes.get(lowerAscii(line.name));
      if (name === undefined) continue;
      this.#totals[name]! += line.value.length;
      if (this.#totals[name]! > HEADER_BYTES_MAX) continue;
      const start = stage(slots, line.value);
      // A string's length says less than its bytes.
      this.#totals[name]! += slots.used - start - line.value.length;
      const from = trimStart(slots.bytes, start, slots.used);
      this.#lines.add(name, from, trimEnd(slots.bytes, from, slots.used));
    }
  }

  get joined(): boolean {
    return this.#joined;
  }

  /** Index of a name given to the constructor. */
  index(name: string): number {
    return this.#indexes.get(name)!;
  }

  get lines(): Occurrences {
    return this.#lines;
  }

  /** Whether there is some line of the name, also one over the limit. */
  some(name: number): boolean {
    return this.#lines.count(name) > 0 || this.tooLong(name);
  }

  tooLong(name: number): boolean {
    return this.#totals[name]! > HEADER_BYTES_MAX;
  }
}

/** Reads one slot; `name` is the index of its header. */
export function loadHeader(names: Names, slots: Slots, headers: Headers, slot: Slot, name: number): void {
  if (headers.tooLong(name)) {
    slots.state[slot.cell] = INVALID;
    return;
  }
  const lines = headers.lines;
  if (lines.count(name) === 0) return;
  if (slot.shape.element !== null) {
    const separator = slot.argument === "cookie" ? SEMICOLON : COMMA;
    beginList(slots, slot.shape.element, slot.cell);
    for (let line = lines.first(name); line >= 0; line = lines.next(line)) {
      splitList(names, slots, slot, separator, lines.start(line), lines.end(line));
    }
    return;
  }
  const start = lines.start(lines.first(name));
  const end = lines.end(lines.first(name));
  const several =
    lines.count(name) > 1 || (headers.joined && !slot.verbatim && holds(slots, COMMA, start, end));
  if (several) slots.state[slot.cell] = INVALID;
  else readText(names, slots, slot.shape, slot.cell, start, end);
}

/** Splits a text at the separator; members lose blanks, empty ones are dropped, the others are elements of the slot's list. */
export function splitList(
  names: Names,
  slots: Slots,
  slot: Slot,
  separator: number,
  start: number,
  end: number,
): void {
  for (let from = start; from <= end; ) {
    const stop = indexOfByte(slots.bytes, separator, from, end);
    const first = trimStart(slots.bytes, from, stop);
    const last = trimEnd(slots.bytes, first, stop);
    if (last > first) {
      const cell = addElement(slots, slot.cell);
      if (cell < 0) return;
      readText(names, slots, slot.shape.element!, cell, first, last);
    }
    from = stop + 1;
  }
}

/** Whether the byte occurs in the text. */
export function holds(slots: Slots, byte: number, start: number, end: number): boolean {
  return indexOfByte(slots.bytes, byte, start, end) < end;
}

/** Only ASCII letters: `toLowerCase` alone would make a `k` of the Kelvin sign. */
function lowerAscii(name: string): string {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code >= 0x41 && code <= 0x5a) return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  }
  return name;
}
