/**
 * Base64 (RFC 4648, section 4), strictly: the standard alphabet, padded, no blanks or line ends, and the unused bits
 * of the last group are zero, so that every sequence of bytes has one spelling.
 */

// @ts-ignore: decorator
@inline export const BASE64_MALFORMED: u32 = 0xffffffff;

/** Bytes that the spelling stands for, or `BASE64_MALFORMED` when its length or padding is wrong. */
export function base64Length(pointer: usize, length: u32): u32 {
  if ((length & 3) != 0) return BASE64_MALFORMED;
  if (length == 0) return 0;
  const padding: u32 = load<u8>(pointer + length - 1) != PAD ? 0 : load<u8>(pointer + length - 2) != PAD ? 1 : 2;
  return (length >> 2) * 3 - padding;
}

/** Decodes to `out`, which has room for `base64Length` bytes. False when some character does not belong there. */
export function base64Decode(pointer: usize, length: u32, out: usize): bool {
  const bytes = base64Length(pointer, length);
  if (bytes == BASE64_MALFORMED) return false;
  let left = bytes;
  for (let at = pointer, end = pointer + length; at < end; at += 4) {
    let group: u32 = 0;
    const digits: u32 = left >= 3 ? 4 : left + 1;
    for (let i: u32 = 0; i < digits; i++) {
      const digit = digitOf(load<u8>(at + i));
      if (digit < 0) return false;
      group |= <u32>digit << (18 - 6 * i);
    }
    const count = min<u32>(left, 3);
    // The bits of the last digit that no byte takes.
    if (count < 3 && (group & (0xffffff >> (8 * count))) != 0) return false;
    for (let i: u32 = 0; i < count; i++) store<u8>(out++, <u8>(group >> (16 - 8 * i)));
    left -= count;
  }
  return true;
}

// @ts-ignore: decorator
@inline const PAD: u32 = 0x3d;

function digitOf(byte: u32): i32 {
  if (byte - 0x41 < 26) return byte - 0x41;
  if (byte - 0x61 < 26) return byte - 0x61 + 26;
  if (byte - 0x30 < 10) return byte - 0x30 + 52;
  return byte == 0x2b ? 62 : byte == 0x2f ? 63 : -1;
}
