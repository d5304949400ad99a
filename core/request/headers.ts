/** Headers to slots (docs/request.md, section 4), and the lines that cookies and the body ask for. */
import type { Slot } from "../bytecode/program.ts";
import { HEADER_BYTES_MAX, JOINABLE_HEADERS } from "../source/gen/facts.ts";
import { type NeutralRequest, undelivered } from "./neutral.ts";
import { Occurrences } from "./occurrences.ts";
import { INVALID, type Slots } from "./slots.ts";
import { indexOfByte, stage, trimEnd, trimStart } from "./text.ts";
import { addElement, beginList, type Names, readText } from "./values.ts";

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const JOINABLE: ReadonlySet<string> = new Set(JOINABLE_HEADERS);

/** The field lines of one request whose names the program reads. */
export class Headers {
  readonly #indexes: ReadonlyMap<string, number>;
  /** Whether some name has this length: most lines of a request are passed over by it. */
  readonly #lengths: Uint8Array;
  readonly #lines: Occurrences;
  readonly #joinable: Uint8Array;
  /** Bytes in all lines of a name, blanks included. */
  readonly #totals: Float64Array;
  #joined = false;

  /** Names in lower case. */
  constructor(names: Iterable<string>) {
    this.#indexes = new Map([...new Set(names)].map((name, i) => [name, i]));
    this.#lengths = new Uint8Array(Math.max(0, ...[...this.#indexes.keys()].map((name) => name.length)) + 1);
    for (const name of this.#indexes.keys()) this.#lengths[name.length] = 1;
    this.#lines = new Occurrences(this.#indexes.size);
    this.#joinable = Uint8Array.from([...this.#indexes.keys()], (name) => (JOINABLE.has(name) ? 1 : 0));
    this.#totals = new Float64Array(this.#indexes.size);
  }

  /** Copies the lines that are read into the slots' bytes, without blanks at both ends. */
  load(request: NeutralRequest, slots: Slots): void {
    if (this.#indexes.size === 0) return;
    this.#lines.reset();
    const { headers } = request;
    // What nobody delivered is refused everywhere, as what is too long.
    this.#totals.fill(headers === undelivered ? Number.POSITIVE_INFINITY : 0);
    this.#joined = request.headersJoined;
    if (headers === undelivered) return;
    for (const line of headers) {
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

  /**
   * The one line of a name that has lines, or -1 where it stands for several. Of a name that proxies join the lines are
   * joined here too, so that it does not matter whether one did: empty ones drop out, and a comma means several.
   */
  only(slots: Slots, name: number, verbatim: boolean): number {
    const lines = this.#lines;
    const joinable = this.#joinable[name] === 1;
    const line = joinable
      ? this.#joinedLine(slots, name, verbatim)
      : lines.count(name) === 1
        ? lines.first(name)
        : -1;
    if (line < 0 || verbatim || !(joinable || this.#joined)) return line;
    return holds(slots, COMMA, lines.start(line), lines.end(line)) ? -1 : line;
  }

  /** The line that is not empty, or a new one of all such lines with commas between them; -1 where `verbatim` does not ask for that. */
  #joinedLine(slots: Slots, name: number, verbatim: boolean): number {
    const lines = this.#lines;
    let found = -1;
    let full = 0;
    for (let line = lines.first(name); line >= 0; line = lines.next(line)) {
      if (lines.end(line) === lines.start(line)) continue;
      full++;
      found = line;
    }
    if (full === 0) return lines.first(name);
    if (full === 1) return found;
    return verbatim ? this.#join(slots, name) : -1;
  }

  #join(slots: Slots, name: number): number {
    const lines = this.#lines;
    const start = slots.room(this.#totals[name]! + lines.count(name));
    for (let line = lines.first(name); line >= 0; line = lines.next(line)) {
      if (lines.end(line) === lines.start(line)) continue;
      if (slots.used > start) slots.bytes[slots.used++] = COMMA;
      slots.bytes.copyWithin(slots.used, lines.start(line), lines.end(line));
      slots.used += lines.end(line) - lines.start(line);
    }
    // It joins no list of lines: only its range is of use.
    return lines.aside(start, slots.used);
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
  const line = headers.only(slots, name, slot.verbatim);
  if (line < 0) slots.state[slot.cell] = INVALID;
  else readText(names, slots, slot.shape, slot.cell, lines.start(line), lines.end(line));
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
