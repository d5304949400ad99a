/** The host (docs/request.md, section 3), brought to its plain form. */
import { allocate } from "../host/arena";
import { readAddress } from "./address";
import { findByte, lowerBytes } from "./bytes";
import { Fact } from "./request";
import { isWithinLimit } from "./target";

// @ts-ignore: decorator
@inline const PORT_DIGITS_MAX: u32 = 5;
// @ts-ignore: decorator
@inline const PORT_MAX: u32 = 65535;

const ADDRESS: usize = memory.data(16, 8);
let plain: usize = 0;
let plainLength: u32 = 0;

/** Of a host that is not missing: whether it is valid. Its plain form is then `plainHost`. */
export function readHost(fact: Fact): bool {
  if (!isWithinLimit(fact)) return false;
  const start = allocate(fact.length);
  if (start == 0) return false;
  const end = start + fact.length;
  memory.copy(start, fact.pointer, fact.length);
  lowerBytes(start, fact.length);
  const stop = load<u8>(start) == 0x5b ? literalEnd(start, end) : nameEnd(start, end);
  plain = start;
  plainLength = <u32>(stop - start);
  return stop != 0;
}

export function plainHost(): usize {
  return plain;
}

export function plainHostLength(): u32 {
  return plainLength;
}

/** `[`, an IPv6 address, `]`, and nothing but a port behind it. Where the literal ends, or 0. */
function literalEnd(start: usize, end: usize): usize {
  const close = findByte(0x5d, start, end);
  if (close == end) return 0;
  if (close + 1 < end && !isPort(close + 1, end)) return 0;
  if (findByte(0x3a, start + 1, close) == close || !readAddress(start + 1, close, ADDRESS)) return 0;
  return close + 1;
}

/** Where the name ends, without port and one trailing dot, or 0 when it is none. */
function nameEnd(start: usize, end: usize): usize {
  const colon = findByte(0x3a, start, end);
  if (colon < end && !isPort(colon, end)) return 0;
  const stop = colon > start && load<u8>(colon - 1) == 0x2e ? colon - 1 : colon;
  if (stop == start || load<u8>(start) == 0x2e || load<u8>(stop - 1) == 0x2e) return 0;
  for (let at = start; at < stop; at++) {
    if (!isNameByte(load<u8>(at))) return 0;
    if (at + 1 < stop && load<u16>(at) == 0x2e2e) return 0;
  }
  return stop;
}

/** A colon and zero to five digits, at most 65535. */
function isPort(start: usize, end: usize): bool {
  if (load<u8>(start) != 0x3a || <u32>(end - start) - 1 > PORT_DIGITS_MAX) return false;
  let port: u32 = 0;
  for (let at = start + 1; at < end; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= PORT_MAX;
}

/** Lower-case letters, digits, `.`, `-` and `_`. */
function isNameByte(byte: u32): bool {
  return byte - 0x61 < 26 || byte - 0x30 < 10 || byte == 0x2e || byte == 0x2d || byte == 0x5f;
}
