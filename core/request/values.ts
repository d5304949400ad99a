/** Texts to cells (docs/request.md, section 2). All texts are ranges of the slots' own bytes. */
import type { Program, Shape } from "../bytecode/program.ts";
import { readAddress, readNetwork } from "../source/address.ts";
import type { ByteTable } from "../source/byte-table.ts";
import { LIST_ELEMENTS_MAX } from "../source/gen/facts.ts";
import { readDatetime, readDuration } from "../source/time.ts";
import { readFloat, readInt } from "./number.ts";
import { ABSENT, INVALID, PRESENT, type Slots } from "./slots.ts";
import { isUtf8 } from "./text.ts";

const ADDRESS_BYTES = 16;
const ADDRESS_PREFIX = 128;
const TRUE = [0x74, 0x72, 0x75, 0x65];
const FALSE = [0x66, 0x61, 0x6c, 0x73, 0x65];

/** What turning texts into cells needs of a program. */
export interface Names {
  /** All strings of the program. */
  readonly strings: ByteTable;
  /** For each enum: string index to member index. */
  readonly members: readonly ReadonlyMap<number, number>[];
}

export function programNames(program: Program): Names {
  return {
    strings: program.stringTable,
    members: program.enums.map((type) => new Map(type.members.map((text, member) => [text, member]))),
  };
}

/** Reads the text `slots.bytes[start .. end]` as one scalar into the cell: present or invalid. Other shapes are invalid. */
export function readText(
  names: Names,
  slots: Slots,
  shape: Shape,
  cell: number,
  start: number,
  end: number,
): void {
  slots.state[cell] = fitsText(names, slots, shape, cell, start, end) ? PRESENT : INVALID;
}

function fitsText(
  names: Names,
  slots: Slots,
  shape: Shape,
  cell: number,
  start: number,
  end: number,
): boolean {
  const bytes = slots.bytes;
  switch (shape.type) {
    case "string":
      slots.offset[cell] = start;
      slots.length[cell] = end - start;
      slots.id[cell] = names.strings.find(bytes, start, end);
      // A text that equals one of the program's is UTF-8.
      return slots.id[cell]! >= 0 || isUtf8(bytes, start, end);
    case "int":
      return finite(slots, cell, readInt(bytes, start, end));
    case "float":
      return finite(slots, cell, readFloat(bytes, start, end));
    case "bool":
      return finite(
        slots,
        cell,
        equalBytes(bytes, start, end, TRUE) ? 1 : equalBytes(bytes, start, end, FALSE) ? 0 : Number.NaN,
      );
    case "enum": {
      const text = names.strings.find(bytes, start, end);
      const member = text < 0 ? undefined : names.members[shape.enumIndex]?.get(text);
      return finite(slots, cell, member ?? Number.NaN);
    }
    case "datetime":
      return finite(slots, cell, readDatetime(bytes, start, end));
    case "duration":
      return finite(slots, cell, readDuration(bytes, start, end));
    case "ip":
    case "cidr":
      return readAddressText(slots, shape.type, cell, start, end);
    default:
      return false;
  }
}

function readAddressText(
  slots: Slots,
  type: "ip" | "cidr",
  cell: number,
  start: number,
  end: number,
): boolean {
  const at = slots.room(ADDRESS_BYTES);
  const bytes = slots.bytes;
  let prefix = ADDRESS_PREFIX;
  if (type === "cidr") prefix = readNetwork(bytes, start, end, bytes, at);
  else if (!readAddress(bytes, start, end, bytes, at)) return false;
  if (prefix < 0) return false;
  slots.used = at + ADDRESS_BYTES;
  slots.offset[cell] = at;
  slots.length[cell] = prefix;
  return true;
}

function finite(slots: Slots, cell: number, value: number): boolean {
  if (Number.isNaN(value)) return false;
  slots.number[cell] = value;
  return true;
}

function equalBytes(bytes: Uint8Array, start: number, end: number, want: readonly number[]): boolean {
  if (end - start !== want.length) return false;
  for (let i = 0; i < want.length; i++) if (bytes[start + i] !== want[i]) return false;
  return true;
}

/** Makes a value and, in a record, all its fields invalid. */
export function invalidate(slots: Slots, shape: Shape, cell: number): void {
  slots.state.fill(INVALID, cell, cell + shape.width);
}

/** Makes a value and, in a record, all its fields absent. */
export function vacate(slots: Slots, shape: Shape, cell: number): void {
  slots.state.fill(ABSENT, cell, cell + shape.width);
}

/** Starts an empty present list; `addElement` takes its elements, which must follow without other cells between. */
export function beginList(slots: Slots, element: Shape, cell: number): void {
  slots.state[cell] = PRESENT;
  slots.offset[cell] = slots.cells;
  slots.length[cell] = 0;
  slots.id[cell] = element.width;
}

/** Takes the next element's cells, absent, and returns the first; -1, and the list is invalid, when it is one too many. */
export function addElement(slots: Slots, cell: number): number {
  if (slots.state[cell] !== PRESENT || slots.length[cell]! >= LIST_ELEMENTS_MAX) {
    slots.state[cell] = INVALID;
    return -1;
  }
  slots.length[cell]! += 1;
  return slots.take(slots.id[cell]!);
}
