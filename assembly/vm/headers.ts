/** Header lines, and headers and cookies to cells (docs/request.md, sections 4 and 5). */
import { JOINABLE_HEADERS, LIMIT_HEADER_BYTES_MAX, SLOT_VERBATIM, TYPE_LIST } from "../gen/constants";
import { allocate } from "../host/arena";
import { literalLength, literalPointer } from "../host/literal";
import { Bundle, SlotEntry } from "./bundle";
import { equalBytesFolded, equalsFolded, equalsText, findByte, trimEnd, trimStart } from "./bytes";
import { Cell, INVALID } from "./cells";
import { NamedText, NeutralRequest, UNDELIVERED } from "./request";
import { addPiece, addPieces, beginPieces, readPieces, readText } from "./text-values";

// @ts-ignore: decorator
@inline const COMMA: u32 = 0x2c;
// @ts-ignore: decorator
@inline const SEMICOLON: u32 = 0x3b;

/** The lines of one name: what `findLines` and `findLinesNamed` found last. */
let lineCount: u32 = 0;
let totalBytes: u32 = 0;
/** Value of the first line, without blanks at both ends. */
let firstValue: usize = 0;
let firstLength: u32 = 0;
/** Lines that are not empty, and the value of the last of them. */
let fullCount: u32 = 0;
let fullValue: usize = 0;
let fullLength: u32 = 0;

/** The lines of a name in lower case. */
function findLines(request: NeutralRequest, name: usize, nameLength: u32): void {
  forgetLines();
  for (let i: u32 = 0; i < request.headerCount; i++) {
    const line = request.header(i);
    if (equalBytesFolded(line.name, line.nameLength, name, nameLength)) noteLine(line);
  }
}

/** The same for a literal of this module. */
export function findLinesNamed(request: NeutralRequest, name: string): void {
  findLines(request, literalPointer(name), literalLength(name));
}

function forgetLines(): void {
  lineCount = 0;
  totalBytes = 0;
  fullCount = 0;
}

export function foundLines(): u32 {
  return lineCount;
}

export function foundTooLong(): bool {
  return totalBytes > LIMIT_HEADER_BYTES_MAX;
}

export function foundValue(): usize {
  return firstValue;
}

export function foundValueLength(): u32 {
  return firstLength;
}

/**
 * Whether the lines stand for one value, which `foundValue` then gives. Of a name that proxies join the lines are joined
 * here too, so that it does not matter whether one did: empty ones drop out, and a comma means several.
 */
export function foundOneValue(request: NeutralRequest, name: usize, nameLength: u32, verbatim: bool): bool {
  const joinable = isJoinable(name, nameLength);
  if (joinable) {
    if (fullCount > 1) return verbatim && joinLines(request, name, nameLength);
    if (fullCount == 1) {
      firstValue = fullValue;
      firstLength = fullLength;
    }
  } else if (lineCount != 1) return false;
  return verbatim || !(joinable || request.headersJoined) || !holds(COMMA, firstValue, firstLength);
}

/** All lines that are not empty with commas between them, in the arena; false where there is no room. */
function joinLines(request: NeutralRequest, name: usize, nameLength: u32): bool {
  const joined = allocate(<usize>(totalBytes + lineCount));
  if (joined == 0) return false;
  let at = joined;
  for (let i: u32 = 0; i < request.headerCount; i++) {
    const line = request.header(i);
    if (!equalBytesFolded(line.name, line.nameLength, name, nameLength)) continue;
    const end = line.value + line.valueLength;
    const first = trimStart(line.value, end);
    const length = <usize>(trimEnd(first, end) - first);
    if (length == 0) continue;
    if (at != joined) store<u8>(at++, COMMA);
    memory.copy(at, first, length);
    at += length;
  }
  firstValue = joined;
  firstLength = <u32>(at - joined);
  return true;
}

function isJoinable(name: usize, length: u32): bool {
  for (let i = 0; i < JOINABLE_HEADERS.length; i++) {
    if (equalsText(name, length, unchecked(JOINABLE_HEADERS[i]))) return true;
  }
  return false;
}

/** The one line found, as it is; of a name that no proxy joins. */
export function foundOneLine(): bool {
  return lineCount == 1;
}

/** The same of a name that proxies join: one value, which then holds no comma. */
export function foundOneJoinable(): bool {
  if (fullCount > 1) return false;
  if (fullCount == 1) {
    firstValue = fullValue;
    firstLength = fullLength;
  }
  return lineCount > 0 && !holds(COMMA, firstValue, firstLength);
}

/** Reads `request.id` from its header, which proxies join. */
export function readRequestId(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell): void {
  findLinesNamed(request, "x-request-id");
  if (request.headersState == UNDELIVERED || foundTooLong()) cell.state = <u16>INVALID;
  else if (foundOneJoinable()) readText(bundle, slot.shape, cell, firstValue, firstLength);
  else if (lineCount > 0) cell.state = <u16>INVALID;
}

/** Reads a slot from the header with this name, in lower case. */
export function readHeader(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell, name: usize, nameLength: u32): void {
  findLines(request, name, nameLength);
  if (request.headersState == UNDELIVERED || foundTooLong()) {
    cell.state = <u16>INVALID;
    return;
  }
  if (lineCount == 0) return;
  const shape = bundle.shape(slot.shape);
  if (shape.type == TYPE_LIST) {
    const separator = equalsText(name, nameLength, "cookie") ? SEMICOLON : COMMA;
    beginPieces();
    for (let i: u32 = 0; i < request.headerCount; i++) {
      const line = request.header(i);
      if (equalBytesFolded(line.name, line.nameLength, name, nameLength)) addPieces(separator, line.value, line.valueLength);
    }
    readPieces(bundle, shape.argument, cell);
  } else if (foundOneValue(request, name, nameLength, (slot.flags & SLOT_VERBATIM) != 0)) readText(bundle, slot.shape, cell, firstValue, firstLength);
  else cell.state = <u16>INVALID;
}

/** Reads a slot from the cookies with the name of its argument. */
export function readCookie(bundle: Bundle, request: NeutralRequest, slot: SlotEntry, cell: Cell): void {
  findLinesNamed(request, "cookie");
  if (request.headersState == UNDELIVERED || foundTooLong() || (request.headersJoined && cookiesHoldComma(request))) {
    cell.state = <u16>INVALID;
    return;
  }
  beginPieces();
  found = 0;
  for (let i: u32 = 0; i < request.headerCount; i++) {
    const line = request.header(i);
    if (equalsFolded(line.name, line.nameLength, "cookie")) splitCookies(bundle, slot, line);
  }
  if (found == 0) return;
  const shape = bundle.shape(slot.shape);
  if (shape.type == TYPE_LIST) readPieces(bundle, shape.argument, cell);
  else if (found == 1) readText(bundle, slot.shape, cell, cookieValue, cookieLength);
  else cell.state = <u16>INVALID;
}

/** How many cookies have the name, and the value of the last one. */
let found: u32 = 0;
let cookieValue: usize = 0;
let cookieLength: u32 = 0;

function splitCookies(bundle: Bundle, slot: SlotEntry, line: NamedText): void {
  const end = line.value + line.valueLength;
  for (let from = line.value; from < end; ) {
    const stop = findByte(SEMICOLON, from, end);
    const first = trimStart(from, stop);
    const last = trimEnd(first, stop);
    const equals = findByte(0x3d, first, last);
    if (equals < last && bundle.stringIs(slot.argument, first, <u32>(equals - first))) {
      found++;
      cookieValue = equals + 1;
      cookieLength = <u32>(last - cookieValue);
      addPiece(cookieValue, cookieLength);
    }
    from = stop + 1;
  }
}

function cookiesHoldComma(request: NeutralRequest): bool {
  for (let i: u32 = 0; i < request.headerCount; i++) {
    const line = request.header(i);
    if (equalsFolded(line.name, line.nameLength, "cookie") && holds(COMMA, line.value, line.valueLength)) return true;
  }
  return false;
}

function noteLine(line: NamedText): void {
  const end = line.value + line.valueLength;
  const value = trimStart(line.value, end);
  const length = <u32>(trimEnd(value, end) - value);
  if (lineCount++ == 0) {
    firstValue = value;
    firstLength = length;
  }
  if (length > 0) {
    fullCount++;
    fullValue = value;
    fullLength = length;
  }
  // INVARIANT: lines lie side by side in memory, so their lengths together fit 32 bits.
  totalBytes += line.valueLength;
}

function holds(byte: u32, pointer: usize, length: u32): bool {
  return findByte(byte, pointer, pointer + length) < pointer + length;
}
