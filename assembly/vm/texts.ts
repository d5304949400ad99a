/** Values of the request as text, and texts of obligations with such values in them. */
import {
  LIMIT_PART_BYTES_MAX,
  NONE,
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_JSON_BODY,
  OBLIGATION_PART,
  OBLIGATION_SET_QUERY_PARAMETER,
  OBLIGATION_TEXT_BODY,
  TYPE_BOOL,
  TYPE_ENUM,
} from "../gen/constants";
import { literalLength, literalPointer } from "../host/literal";
import { newWriter, Writer } from "../host/writer";
import { Bundle, PolicyEntry } from "./bundle";
import { Cell, cellAt, INVALID, KIND_STRING, PRESENT } from "./cells";

/** A value is invalid, or cannot stand there. */
// @ts-ignore: decorator
@inline export const TEXT_UNFIT: u32 = 0xffffffff;
/** A value is absent or empty: there is nothing to set. */
// @ts-ignore: decorator
@inline export const TEXT_MISSING: u32 = 0xfffffffe;

let text: usize = 0;
let textLength: u32 = 0;

/** A present value that is no address, as text: in `readPointer` and `readLength`. Returns the length. */
export function readText(bundle: Bundle, cell: Cell, shape: u32): u32 {
  if (cell.kind == KIND_STRING) return give(cell.pointer, cell.length);
  const entry = bundle.shape(shape);
  if (entry.type == TYPE_BOOL) {
    const literal = cell.number == 1 ? "true" : "false";
    return give(literalPointer(literal), literalLength(literal));
  }
  if (entry.type == TYPE_ENUM) {
    // -1: no resource matches, which has no name.
    if (cell.number < 0) return give(0, 0);
    const member = bundle.member(bundle.enum_(entry.argument).first + <u32>cell.number);
    return give(bundle.stringPointer(member), bundle.stringLength(member));
  }
  const writer = newWriter(24);
  if (cell.number < 0) writer.byte(0x2d);
  writer.decimal(<u64>Math.abs(cell.number));
  return give(writer.start, writer.length);
}

export function readPointer(): usize {
  return text;
}

function give(pointer: usize, length: u32): u32 {
  text = pointer;
  textLength = length;
  return length;
}

/** What an obligation sets, written where there is a writer. Returns its length, TEXT_UNFIT or TEXT_MISSING. */
export function writeText(bundle: Bundle, cells: usize, index: u32, writer: Writer | null): u32 {
  const obligation = bundle.obligation(index);
  let size = bundle.stringLength(obligation.value);
  if (writer !== null) writer.bytes(bundle.stringPointer(obligation.value), size);
  let missing = false;
  for (let i = index + 1; i < bundle.obligationCount && bundle.obligation(i).kind == OBLIGATION_PART; i++) {
    const part = bundle.obligation(i);
    const cell = cellAt(cells, part.header);
    if (cell.state == INVALID) return TEXT_UNFIT;
    const length = cell.state == PRESENT ? readText(bundle, cell, bundle.obligationHeader(i)) : 0;
    if (length == 0) missing = true;
    else if (!fits(obligation.kind)) return TEXT_UNFIT;
    const behind = bundle.stringLength(part.value);
    size += length + behind;
    if (writer !== null) writer.bytes(text, length).bytes(bundle.stringPointer(part.value), behind);
  }
  return missing ? TEXT_MISSING : size;
}

/** Of a header: visible ASCII with blanks only between, and no comma in what is appended, where it would add a value of its own. */
function fits(kind: u32): bool {
  if (textLength > LIMIT_PART_BYTES_MAX) return false;
  if (kind >= OBLIGATION_SET_QUERY_PARAMETER) return true;
  for (let i: u32 = 0; i < textLength; i++) {
    const byte = <u32>load<u8>(text + i);
    if (byte - 0x20 > 0x5e || (byte == 0x2c && kind == OBLIGATION_APPEND_REQUEST_HEADER)) return false;
  }
  return load<u8>(text) != 0x20 && load<u8>(text + textLength - 1) != 0x20;
}

/** The row of a policy's body that has values in it, or NONE. */
export function bodyRow(bundle: Bundle, policy: PolicyEntry): u32 {
  for (let i: u32 = 0; i < policy.obligationCount; i++) {
    const kind = bundle.obligation(policy.firstObligation + i).kind;
    if (kind == OBLIGATION_TEXT_BODY || kind == OBLIGATION_JSON_BODY) return policy.firstObligation + i;
  }
  return NONE;
}

/** What follows the text of a body, written where there is a writer: what is absent, invalid or too long is left out. Returns at least its length. */
export function writeBodyParts(bundle: Bundle, cells: usize, row: u32, writer: Writer | null): u32 {
  const isJson = bundle.obligation(row).kind == OBLIGATION_JSON_BODY;
  let size: u32 = 0;
  for (let i = row + 1; i < bundle.obligationCount && bundle.obligation(i).kind == OBLIGATION_PART; i++) {
    const part = bundle.obligation(i);
    const cell = cellAt(cells, part.header);
    let length = cell.state == PRESENT ? readText(bundle, cell, bundle.obligationHeader(i)) : 0;
    if (length > LIMIT_PART_BYTES_MAX) length = 0;
    const behind = bundle.stringLength(part.value);
    size += length * 6 + behind;
    if (writer === null) continue;
    if (isJson) writer.jsonText(text, length);
    else writer.bytes(text, length);
    writer.bytes(bundle.stringPointer(part.value), behind);
  }
  return size;
}
