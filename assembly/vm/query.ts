/** Query parameters (docs/request.md, section 6). */
import { allocate } from "../host/arena";
import { Writer } from "../host/writer";
import { equalBytes, findByte } from "./bytes";
import { NAMED_TEXT_BYTES, NamedText } from "./request";
import { escapedByte, Target } from "./target";
import { isUtf8 } from "./utf8";

/** The parameters of the query at hand: names decoded, values as they stand. */
let parameters: usize = 0;
let count: u32 = 0;

/** Takes a valid query apart; false if some name is malformed, whether it is read or not. */
export function readQuery(target: Target): bool {
  count = 0;
  parameters = allocate((<usize>target.queryLength + 1) * NAMED_TEXT_BYTES);
  if (parameters == 0) return false;
  const end = target.query + target.queryLength;
  for (let from = target.query; from < end; ) {
    const stop = findByte(0x26, from, end);
    if (stop > from && !addParameter(from, stop)) return false;
    from = stop + 1;
  }
  return true;
}

/** The first parameter at or behind `from` with this name, or -1. */
export function findParameter(from: u32, name: usize, nameLength: u32): i32 {
  for (let i = from; i < count; i++) {
    const parameter = parameterAt(i);
    if (equalBytes(parameter.name, parameter.nameLength, name, nameLength)) return i;
  }
  return -1;
}

let value: usize = 0;
let valueLength: i32 = 0;

/** Decodes a parameter's value to `parameterValue`; false when it is malformed. */
export function decodeParameter(index: u32): bool {
  const parameter = parameterAt(index);
  value = parameter.value;
  valueLength = parameter.valueLength;
  if (!needsDecoding(value, parameter.valueLength)) return true;
  value = allocate(parameter.valueLength);
  valueLength = value == 0 ? -1 : decode(parameter.value, parameter.value + parameter.valueLength, value);
  return valueLength >= 0;
}

export function parameterValue(): usize {
  return value;
}

export function parameterValueLength(): u32 {
  return valueLength;
}

function addParameter(start: usize, end: usize): bool {
  const equals = findByte(0x3d, start, end);
  const parameter = parameterAt(count++);
  parameter.name = start;
  parameter.nameLength = <u32>(equals - start);
  parameter.value = min(equals + 1, end);
  parameter.valueLength = <u32>(end - parameter.value);
  if (!needsDecoding(start, parameter.nameLength)) return true;
  const name = allocate(parameter.nameLength);
  if (name == 0) return false;
  const length = decode(start, equals, name);
  if (length < 0 || !isUtf8(name, length)) return false;
  parameter.name = name;
  parameter.nameLength = length;
  return true;
}

function parameterAt(index: u32): NamedText {
  return changetype<NamedText>(parameters + index * NAMED_TEXT_BYTES);
}

function needsDecoding(pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte == 0x25 || byte == 0x2b) return true;
  }
  return false;
}

/** `+` is a space, escapes are decoded once. Returns the number of bytes, or -1 for a malformed escape. */
function decode(start: usize, end: usize, out: usize): i32 {
  let to = out;
  for (let at = start; at < end; at++) {
    let byte = <i32>load<u8>(at);
    if (byte == 0x25) {
      byte = escapedByte(at, end);
      if (byte < 0) return -1;
      at += 2;
    } else if (byte == 0x2b) byte = 0x20;
    store<u8>(to++, <u8>byte);
  }
  return <i32>(to - out);
}

/** As whoever reads it behind us may: `+` is a space, escapes are decoded once, and what is none stays as it is. */
export function decodeLeniently(start: usize, end: usize, out: Writer): void {
  for (let at = start; at < end; at++) {
    const byte = <u32>load<u8>(at);
    const escaped = byte == 0x25 ? escapedByte(at, end) : -1;
    out.byte(escaped >= 0 ? escaped : byte == 0x2b ? 0x20 : byte);
    if (escaped >= 0) at += 2;
  }
}
