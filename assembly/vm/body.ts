/** The request body to cells (docs/request.md, section 7). */
import {
  LIMIT_BODY_BYTES_MAX,
  LIMIT_CELLS_MAX,
  LIMIT_LIST_ELEMENTS_MAX,
  TYPE_BOOL,
  TYPE_FLOAT,
  TYPE_INT,
  TYPE_LIST,
  TYPE_RECORD,
} from "../gen/constants";
import { allocateZeroed } from "../host/arena";
import { Bundle, SlotEntry } from "./bundle";
import { equalBytes, equalsFolded, findByte, isToken, lower, trimEnd, trimStart } from "./bytes";
import { Cell, cellAt, CELL_BYTES, INVALID, PRESENT, setStates } from "./cells";
import { readFloat, readInt } from "./decimal";
import { findLinesNamed, foundLines, foundOneJoinable, foundTooLong, foundValue, foundValueLength } from "./headers";
import {
  JSON_ARRAY,
  JSON_FALSE,
  JSON_NULL,
  JSON_NUMBER,
  JSON_OBJECT,
  JSON_STRING,
  JSON_TRUE,
  jsonNode,
  parseJson,
} from "./json";
import { BODY_EMPTY, BODY_UNDELIVERED, NeutralRequest, UNDELIVERED } from "./request";
import { readText, setNumber } from "./text-values";

// @ts-ignore: decorator
@inline export const BODY_ABSENT: u32 = 0;
// @ts-ignore: decorator
@inline export const BODY_INVALID: u32 = 1;
// @ts-ignore: decorator
@inline export const BODY_JSON: u32 = 2;

/** What `findMember` and `walkPointer` return instead of a node. */
// @ts-ignore: decorator
@inline const NOT_THERE: i32 = -1;
// @ts-ignore: decorator
@inline const CANNOT_BE: i32 = -2;

/** Some rule makes the whole body invalid: a list or all lists too long, or a near miss of a searched name. */
let spoiled: bool = false;
/** Cells of list elements so far, in all attributes together. */
let listCells: u32 = 0;

/** Parses the body, once a request. With `BODY_JSON` the slots can be read, and `bodyIsSpoiled` may change its mind. */
export function openBody(request: NeutralRequest): u32 {
  spoiled = false;
  listCells = 0;
  if (request.bodyState == BODY_EMPTY) return BODY_ABSENT;
  if (request.bodyState == BODY_UNDELIVERED) return BODY_INVALID;
  if (request.bodyLength == 0) return BODY_ABSENT;
  if (request.bodyLength > LIMIT_BODY_BYTES_MAX) return BODY_INVALID;
  if (isEncoded(request) || (!request.bodyIsJson && !headersSayJson(request))) return BODY_INVALID;
  return parseJson(request.body, request.bodyLength) ? BODY_JSON : BODY_INVALID;
}

/** Some slot met a rule by which the whole body is invalid: then every body slot is. */
export function bodyIsSpoiled(): bool {
  return spoiled;
}

/** Reads a slot by its pointer; absent cells stay as they are. */
export function readBody(bundle: Bundle, slot: SlotEntry, cell: Cell): void {
  const node = walkPointer(bundle.stringPointer(slot.argument), bundle.stringLength(slot.argument));
  if (node >= 0) readJson(bundle, slot.shape, cell, node);
  else if (node == CANNOT_BE) setStates(cell, bundle.shapeWidth(slot.shape), INVALID);
}

// --- media type ---

/** Also where nobody knows. */
function isEncoded(request: NeutralRequest): bool {
  if (request.headersState == UNDELIVERED) return true;
  findLinesNamed(request, "content-encoding");
  return foundLines() > 0;
}

/** One line that names a media type of JSON. */
function headersSayJson(request: NeutralRequest): bool {
  findLinesNamed(request, "content-type");
  return !foundTooLong() && foundOneJoinable() && isJsonType(foundValue(), foundValueLength());
}

/** `application/json`, or a type that ends in `+json`; parameters are ignored. */
function isJsonType(pointer: usize, length: u32): bool {
  const stop = findByte(SEMICOLON, pointer, pointer + length);
  const first = trimStart(pointer, stop);
  const last = trimEnd(first, stop);
  const slash = findByte(SLASH, first, last);
  if (slash == last) return false;
  // A `/` is no token byte, so a second one is refused here.
  if (!isToken(first, <u32>(slash - first)) || !isToken(slash + 1, <u32>(last - slash - 1))) return false;
  if (equalsFolded(first, <u32>(last - first), "application/json")) return true;
  return last - slash > 5 && equalsFolded(last - 5, 5, "+json");
}

// @ts-ignore: decorator
@inline const SEMICOLON: u32 = 0x3b;
// @ts-ignore: decorator
@inline const SLASH: u32 = 0x2f;

// --- pointers ---

/** The node that a JSON pointer leads to, or one of the two codes above. */
function walkPointer(pointer: usize, length: u32): i32 {
  const end = pointer + length;
  let node: i32 = 0;
  for (let at = pointer; at < end; ) {
    const stop = findByte(SLASH, at + 1, end);
    const kind = jsonNode(node).kind;
    if (kind == JSON_OBJECT) node = findMember(node, at + 1, stop);
    else if (kind == JSON_ARRAY) node = findElement(node, at + 1, stop);
    else return kind == JSON_NULL ? NOT_THERE : CANNOT_BE;
    if (node < 0) return node;
    at = stop;
  }
  return node;
}

/** The value of the member that a pointer's token names. Looks at all members, for near misses. */
function findMember(object: u32, token: usize, tokenEnd: usize): i32 {
  const end = jsonNode(object).next;
  let found = NOT_THERE;
  for (let i = object + 1; i < end; i = jsonNode(i + 1).next) {
    const name = jsonNode(i);
    const match = matchToken(name.pointer, name.length, token, tokenEnd);
    if (match == SAME) found = i + 1;
    else if (match == NEAR) spoiled = true;
  }
  return found;
}

// @ts-ignore: decorator
@inline const OTHER: u32 = 0;
// @ts-ignore: decorator
@inline const NEAR: u32 = 1;
// @ts-ignore: decorator
@inline const SAME: u32 = 2;

/** A name beside a token, in which `~0` is `~` and `~1` is `/`: the same, the same but for ASCII case, or another. */
function matchToken(name: usize, length: u32, token: usize, tokenEnd: usize): u32 {
  const end = name + length;
  let match = SAME;
  let at = name;
  for (let i = token; i < tokenEnd; i++, at++) {
    if (at == end) return OTHER;
    let wanted = <u32>load<u8>(i);
    if (wanted == 0x7e) wanted = load<u8>(++i) == 0x30 ? 0x7e : SLASH;
    const byte = <u32>load<u8>(at);
    if (byte == wanted) continue;
    if (lower(byte) != lower(wanted)) return OTHER;
    match = NEAR;
  }
  return at == end ? match : OTHER;
}

/** The element that a pointer's token counts: `0`, or digits without a leading zero. */
function findElement(array: u32, token: usize, tokenEnd: usize): i32 {
  const digits = tokenEnd - token;
  if (digits == 0 || (digits > 1 && load<u8>(token) == 0x30)) return CANNOT_BE;
  let index: u32 = 0;
  for (let i = token; i < tokenEnd; i++) {
    const digit = <u32>load<u8>(i) - 0x30;
    if (digit > 9) return CANNOT_BE;
    // No body has so many elements.
    index = index > LIMIT_BODY_BYTES_MAX ? index : index * 10 + digit;
  }
  if (index >= jsonNode(array).length) return NOT_THERE;
  let child = array + 1;
  for (; index > 0; index--) child = jsonNode(child).next;
  return child;
}

// --- values ---

/** Reads a node into a cell and the cells behind it, which are absent before: `null` leaves them so. */
function readJson(bundle: Bundle, shape: u32, cell: Cell, index: u32): void {
  const node = jsonNode(index);
  if (node.kind == JSON_NULL) return;
  const type = bundle.shape(shape).type;
  switch (type) {
    case TYPE_LIST:
      if (node.kind == JSON_ARRAY) readList(bundle, bundle.shape(shape).argument, cell, index);
      else cell.state = <u16>INVALID;
      return;
    case TYPE_RECORD:
      if (node.kind == JSON_OBJECT) readRecord(bundle, shape, cell, index);
      else setStates(cell, bundle.shapeWidth(shape), INVALID);
      return;
    case TYPE_INT:
    case TYPE_FLOAT: {
      let value = NaN;
      if (node.kind == JSON_NUMBER) {
        value = type == TYPE_INT ? readInt(node.pointer, node.length) : readFloat(node.pointer, node.length);
      }
      cell.state = <u16>(setNumber(cell, value) ? PRESENT : INVALID);
      return;
    }
    case TYPE_BOOL:
      setNumber(cell, node.kind == JSON_TRUE ? 1 : 0);
      cell.state = <u16>(node.kind == JSON_TRUE || node.kind == JSON_FALSE ? PRESENT : INVALID);
      return;
    default:
      if (node.kind == JSON_STRING) readText(bundle, shape, cell, node.pointer, node.length);
      else cell.state = <u16>INVALID;
  }
}

function readList(bundle: Bundle, element: u32, cell: Cell, index: u32): void {
  const node = jsonNode(index);
  const width = bundle.shapeWidth(element);
  if (node.length > LIMIT_LIST_ELEMENTS_MAX || listCells + node.length * width > LIMIT_CELLS_MAX) {
    spoiled = true;
    return;
  }
  listCells += node.length * width;
  const first = allocateZeroed(node.length * width * CELL_BYTES);
  if (first == 0) {
    cell.state = <u16>INVALID;
    return;
  }
  cell.state = <u16>PRESENT;
  cell.pointer = first;
  cell.length = node.length;
  cell.width = width;
  let child = index + 1;
  for (let i: u32 = 0; i < node.length; i++) {
    const part = cellAt(first, i * width);
    // `null` is an element like any other here, and one that fits no type.
    if (jsonNode(child).kind == JSON_NULL) setStates(part, width, INVALID);
    else readJson(bundle, element, part, child);
    child = jsonNode(child).next;
  }
}

/** Every field is searched for by its name; other members are ignored. */
function readRecord(bundle: Bundle, shape: u32, cell: Cell, index: u32): void {
  const record = bundle.shape(shape);
  cell.state = <u16>PRESENT;
  let offset: u32 = 1;
  for (let i: u32 = 0; i < record.fieldCount; i++) {
    const field = bundle.field(record.argument + i);
    const value = findField(index, bundle.stringPointer(field.name), bundle.stringLength(field.name));
    if (value >= 0) readJson(bundle, field.shape, cellAt(changetype<usize>(cell), offset), value);
    offset += bundle.shapeWidth(field.shape);
  }
}

/** The value of the member with this name. Looks at all members, for near misses. */
function findField(object: u32, name: usize, length: u32): i32 {
  const end = jsonNode(object).next;
  let found = NOT_THERE;
  for (let i = object + 1; i < end; i = jsonNode(i + 1).next) {
    const member = jsonNode(i);
    if (member.length != length) continue;
    if (equalBytes(member.pointer, length, name, length)) found = i + 1;
    else if (isNearMiss(member.pointer, name, length)) spoiled = true;
  }
  return found;
}

function isNearMiss(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (lower(load<u8>(a + i)) != lower(load<u8>(b + i))) return false;
  return true;
}
