/** UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */

export function isUtf8(pointer: usize, length: u32): bool {
  let at = pointer;
  const end = pointer + length;
  while (at < end) {
    // Eight ASCII bytes at once: nearly all text is.
    if (at + 8 <= end && (load<u64>(at) & 0x8080808080808080) == 0) {
      at += 8;
      continue;
    }
    const first = <u32>load<u8>(at);
    if (first < 0x80) {
      at++;
      continue;
    }
    const size = sequenceLength(first, at, end);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

/** Bytes of the sequence that begins with `first`, 0 when it is none (Unicode 15, table 3-7). */
function sequenceLength(first: u32, at: usize, end: usize): u32 {
  if (first < 0xc2 || first > 0xf4) return 0;
  const size: u32 = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + size > end) return 0;
  const second = <u32>load<u8>(at + 1);
  let low: u32 = 0x80;
  let high: u32 = 0xbf;
  if (first == 0xe0) low = 0xa0;
  else if (first == 0xed) high = 0x9f;
  else if (first == 0xf0) low = 0x90;
  else if (first == 0xf4) high = 0x8f;
  if (second < low || second > high) return 0;
  for (let i: u32 = 2; i < size; i++) if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  return size;
}

/** Writes a code point that is no surrogate; returns the number of bytes. */
export function writeCodePoint(at: usize, point: u32): u32 {
  if (point < 0x80) {
    store<u8>(at, point);
    return 1;
  }
  if (point < 0x800) {
    store<u8>(at, 0xc0 | (point >> 6));
    store<u8>(at + 1, 0x80 | (point & 0x3f));
    return 2;
  }
  if (point < 0x10000) {
    store<u8>(at, 0xe0 | (point >> 12));
    store<u8>(at + 1, 0x80 | ((point >> 6) & 0x3f));
    store<u8>(at + 2, 0x80 | (point & 0x3f));
    return 3;
  }
  store<u8>(at, 0xf0 | (point >> 18));
  store<u8>(at + 1, 0x80 | ((point >> 12) & 0x3f));
  store<u8>(at + 2, 0x80 | ((point >> 6) & 0x3f));
  store<u8>(at + 3, 0x80 | (point & 0x3f));
  return 4;
}
