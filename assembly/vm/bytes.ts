/** Bytes in linear memory, given by pointer and length. */
import { literalLength, literalPointer } from "../host/literal";

/** Equal bytes of equal length. */
export function equalBytes(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  return aLength == bLength && memory.compare(a, b, aLength) == 0;
}

/** Negative, zero or positive: by bytes, a prefix before what it begins. */
export function compareBytes(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const order = memory.compare(a, b, min(aLength, bLength));
  if (order != 0) return order;
  return aLength == bLength ? 0 : aLength < bLength ? -1 : 1;
}

/** Equal to a literal of this module (ASCII). */
export function equalsText(pointer: usize, length: u32, literal: string): bool {
  return equalBytes(pointer, length, literalPointer(literal), literalLength(literal));
}

/** Likewise whatever the case of ASCII letters; the literal is in lower case. */
export function equalsFolded(pointer: usize, length: u32, literal: string): bool {
  return equalBytesFolded(pointer, length, literalPointer(literal), literalLength(literal));
}

/** Equal whatever the case of ASCII letters; the second is in lower case already. */
export function equalBytesFolded(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  if (aLength != bLength) return false;
  for (let i: u32 = 0; i < aLength; i++) if (lower(load<u8>(a + i)) != load<u8>(b + i)) return false;
  return true;
}

/** ASCII only. */
// @ts-ignore: decorator
@inline
export function lower(byte: u32): u32 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte;
}

/** In place. */
export function lowerBytes(pointer: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) store<u8>(pointer + i, <u8>lower(load<u8>(pointer + i)));
}

/** Address of the first such byte, or `end`. */
export function findByte(byte: u32, start: usize, end: usize): usize {
  while (start < end && load<u8>(start) != byte) start++;
  return start;
}

/** Space or tab. */
// @ts-ignore: decorator
@inline
export function isBlank(byte: u32): bool {
  return byte == 0x20 || byte == 0x09;
}

/** First byte that is no blank, or `end`. */
export function trimStart(start: usize, end: usize): usize {
  while (start < end && isBlank(load<u8>(start))) start++;
  return start;
}

/** One past the last byte that is no blank, or `start`. */
export function trimEnd(start: usize, end: usize): usize {
  while (end > start && isBlank(load<u8>(end - 1))) end--;
  return end;
}

/** Value of a hexadecimal digit, or -1. */
export function hexDigit(byte: u32): i32 {
  if (byte - 0x30 < 10) return byte - 0x30;
  const folded = byte | 0x20;
  return folded - 0x61 < 6 ? folded - 0x57 : -1;
}

/** One bit for each of the bytes 0x20-0x7f that a token of RFC 9110, section 5.6.2, may hold. */
const TOKEN_BITS: usize = memory.data<u32>([0x03ff6cfa, 0xc7fffffe, 0x57ffffff]);

/** A token of RFC 9110: non-empty, letters, digits and `!#$%&'*+-.^_`|~`. */
export function isToken(pointer: usize, length: u32): bool {
  if (length == 0) return false;
  for (let i: u32 = 0; i < length; i++) if (!hasBit(TOKEN_BITS, load<u8>(pointer + i))) return false;
  return true;
}

/** Is the byte's bit set in a table of 96 bits for the bytes 0x20-0x7f? */
export function hasBit(table: usize, byte: u32): bool {
  const bit = byte - 0x20;
  return bit < 96 && ((load<u32>(table + ((bit >> 5) << 2)) >> (bit & 31)) & 1) != 0;
}

/** A token without upper-case letters: how a bundle spells header names. */
export function isLowerToken(pointer: usize, length: u32): bool {
  if (!isToken(pointer, length)) return false;
  for (let i: u32 = 0; i < length; i++) if (<u32>load<u8>(pointer + i) - 0x41 < 26) return false;
  return true;
}

/** FNV-1a. For names of a bundle, which no client chooses; the seed comes from the bundle's digest, which no author chooses. */
export function hashBytes(seed: u32, pointer: usize, length: u32): u32 {
  let hash: u32 = 0x811c9dc5 ^ seed;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(pointer + i)) * 0x01000193;
  return hash ^ (hash >> 15);
}
