/** Texts to cells (docs/request.md, section 2). */
import {
  LIMIT_LIST_ELEMENTS_MAX,
  TYPE_BOOL,
  TYPE_CIDR,
  TYPE_DATETIME,
  TYPE_DURATION,
  TYPE_ENUM,
  TYPE_FLOAT,
  TYPE_INT,
  TYPE_IP,
  TYPE_STRING,
} from "../gen/constants";
import { allocate, allocateZeroed } from "../host/arena";
import { ADDRESS_BYTES, ADDRESS_PREFIX, readAddress, readNetwork } from "./address";
import { Bundle } from "./bundle";
import { equalsText, findByte, trimEnd, trimStart } from "./bytes";
import { Cell, cellAt, CELL_BYTES, INVALID, KIND_ADDRESS, KIND_NUMBER, KIND_STRING, PRESENT } from "./cells";
import { readFloat, readInt } from "./decimal";
import { readDatetime, readDuration } from "./time";
import { isUtf8 } from "./utf8";

/** Reads a text as one scalar: present or invalid. A list or a record has no spelling as text. */
export function readText(bundle: Bundle, shape: u32, cell: Cell, pointer: usize, length: u32): void {
  cell.state = <u16>(textFits(bundle, shape, cell, pointer, length) ? PRESENT : INVALID);
}

function textFits(bundle: Bundle, shape: u32, cell: Cell, pointer: usize, length: u32): bool {
  const entry = bundle.shape(shape);
  switch (entry.type) {
    case TYPE_STRING:
      setString(cell, pointer, length);
      return isUtf8(pointer, length);
    case TYPE_INT:
      return setNumber(cell, readInt(pointer, length));
    case TYPE_FLOAT:
      return setNumber(cell, readFloat(pointer, length));
    case TYPE_BOOL:
      return setNumber(cell, equalsText(pointer, length, "true") ? 1 : equalsText(pointer, length, "false") ? 0 : NaN);
    case TYPE_ENUM:
      return setNumber(cell, memberOf(bundle, entry.argument, pointer, length));
    case TYPE_DATETIME:
      return setNumber(cell, readDatetime(pointer, length));
    case TYPE_DURATION:
      return setNumber(cell, readDuration(pointer, length));
    case TYPE_IP:
    case TYPE_CIDR:
      return setAddress(cell, entry.type == TYPE_CIDR, pointer, length);
    default:
      return false;
  }
}

export function setString(cell: Cell, pointer: usize, length: u32): void {
  cell.pointer = pointer;
  cell.length = length;
  cell.kind = <u16>KIND_STRING;
}

/** False for NaN, which stands for no number. */
export function setNumber(cell: Cell, value: f64): bool {
  cell.number = value;
  cell.kind = <u16>KIND_NUMBER;
  return !isNaN(value);
}

function setAddress(cell: Cell, isNetwork: bool, pointer: usize, length: u32): bool {
  const address = allocate(ADDRESS_BYTES);
  if (address == 0) return false;
  const end = pointer + length;
  const prefix: i32 = isNetwork ? readNetwork(pointer, end, address) : readAddress(pointer, end, address) ? ADDRESS_PREFIX : -1;
  cell.pointer = address;
  cell.length = prefix;
  cell.kind = <u16>KIND_ADDRESS;
  return prefix >= 0;
}

/** Index of the member with this name, or NaN. */
function memberOf(bundle: Bundle, index: u32, pointer: usize, length: u32): f64 {
  const entry = bundle.enum_(index);
  for (let i: u32 = 0; i < entry.count; i++) {
    const name = bundle.member(entry.first + i);
    if (bundle.stringIs(name, pointer, length)) return <f64>i;
  }
  return NaN;
}

// --- lists ---

/** The elements of the list at hand: pointer and length each; a pointer of 0 is a malformed one. */
const PIECES: usize = memory.data(2048, 4);
let pieces: u32 = 0;
let tooMany: bool = false;

/** Begin to gather the texts of a list's elements. */
export function beginPieces(): void {
  pieces = 0;
  tooMany = false;
}

/** The next element; a pointer of 0 stands for an element that is invalid whatever its type. */
export function addPiece(pointer: usize, length: u32): void {
  if (pieces == LIMIT_LIST_ELEMENTS_MAX) {
    tooMany = true;
    return;
  }
  store<usize>(PIECES + (pieces << 3), pointer);
  store<u32>(PIECES + (pieces << 3), length, 4);
  pieces++;
}

/** Splits a text; members lose blanks at both ends, empty ones are dropped. */
export function addPieces(separator: u32, pointer: usize, length: u32): void {
  const end = pointer + length;
  for (let from = pointer; from <= end; ) {
    const stop = findByte(separator, from, end);
    const first = trimStart(from, stop);
    const last = trimEnd(first, stop);
    if (last > first) addPiece(first, <u32>(last - first));
    from = stop + 1;
  }
}

/** Makes the list of what was gathered. `element`: the shape of an element, a scalar. */
export function readPieces(bundle: Bundle, element: u32, cell: Cell): void {
  const first: usize = tooMany ? 0 : allocateZeroed(pieces * CELL_BYTES);
  if (first == 0) {
    cell.state = <u16>INVALID;
    return;
  }
  cell.state = <u16>PRESENT;
  cell.pointer = first;
  cell.length = pieces;
  cell.width = 1;
  for (let i: u32 = 0; i < pieces; i++) {
    const pointer = load<usize>(PIECES + (i << 3));
    const part = cellAt(first, i);
    if (pointer == 0) part.state = <u16>INVALID;
    else readText(bundle, element, part, pointer, load<u32>(PIECES + (i << 3), 4));
  }
}
