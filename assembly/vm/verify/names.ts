/** What names and texts in a bundle may look like. */
import { LIMIT_POINTER_TOKENS_MAX, UNSETTABLE_HEADERS } from "../../gen/constants";
import { equalsText, findByte, isLowerToken } from "../bytes";

/** A JSON pointer (RFC 6901) within the limits. */
export function isPointer(pointer: usize, length: u32): bool {
  if (length == 0) return true;
  if (load<u8>(pointer) != 0x2f) return false;
  let tokens: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte == 0x2f) tokens++;
    if (byte != 0x7e) continue;
    const escape = i + 1 < length ? <u32>load<u8>(pointer + i + 1) : 0;
    if (escape != 0x30 && escape != 0x31) return false;
  }
  return tokens <= LIMIT_POINTER_TOKENS_MAX;
}

/** A header that a policy may set: none that frames or routes the message, none of ours, without `_`. */
export function isSettableHeader(pointer: usize, length: u32): bool {
  if (!isLowerToken(pointer, length) || findByte(0x5f, pointer, pointer + length) < pointer + length) return false;
  if (length >= 6 && equalsText(pointer, 6, "x-ipe-")) return false;
  for (let i = 0; i < UNSETTABLE_HEADERS.length; i++) {
    if (equalsText(pointer, length, unchecked(UNSETTABLE_HEADERS[i]))) return false;
  }
  return true;
}

/** Visible ASCII and spaces. */
export function isHeaderValue(pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (<u32>load<u8>(pointer + i) - 0x20 > 0x5e) return false;
  return true;
}

/** The same header to many servers: `_` and `-` are equal. The first is in lower case, the second in any. */
export function isSameHeader(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  if (aLength != bLength) return false;
  for (let i: u32 = 0; i < aLength; i++) if (dashed(load<u8>(a + i)) != dashed(load<u8>(b + i))) return false;
  return true;
}

/** The same for headers that are the same; otherwise as `hashBytes`. */
export function hashHeader(seed: u32, pointer: usize, length: u32): u32 {
  let hash: u32 = 0x811c9dc5 ^ seed;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ dashed(load<u8>(pointer + i))) * 0x01000193;
  return hash ^ (hash >> 15);
}

function dashed(byte: u32): u32 {
  if (byte == 0x5f) return 0x2d;
  return byte - 0x41 < 26 ? byte | 0x20 : byte;
}
