/**
 * Spellings of addresses and networks (docs/request.md, section 2). Stored are 16 bytes; IPv4 is v4-mapped
 * (`::ffff:a.b.c.d`, prefix length + 96).
 */
import { findByte, hexDigit } from "./bytes";

// @ts-ignore: decorator
@inline export const ADDRESS_BYTES: u32 = 16;
/** Prefix length of an address. */
// @ts-ignore: decorator
@inline export const ADDRESS_PREFIX: u32 = 128;
/** Prefix length of ::ffff:0:0/96, the network of all v4-mapped addresses. */
// @ts-ignore: decorator
@inline export const MAPPED_PREFIX: u32 = 96;

/** Reads an address into 16 bytes; false when the text is none (what is there then has no meaning). */
export function readAddress(start: usize, end: usize, out: usize): bool {
  if (findByte(0x3a, start, end) < end) return readIpv6(start, end, out);
  store<u64>(out, 0);
  store<u32>(out, 0xffff0000, 8);
  return readIpv4(start, end, out + 12);
}

/** Reads a network into 16 bytes; returns its prefix length in 128 bits, or -1 when the text is none. */
export function readNetwork(start: usize, end: usize, out: usize): i32 {
  const slash = findByte(0x2f, start, end);
  if (slash == end || !readAddress(start, slash, out)) return -1;
  const written = readSmall(slash + 1, end);
  const dotted = findByte(0x3a, start, slash) == slash;
  if (written < 0 || written > (dotted ? 32 : 128)) return -1;
  const prefix: u32 = dotted ? written + MAPPED_PREFIX : written;
  return zeroBehind(out, prefix) ? prefix : -1;
}

export function isMapped(address: usize): bool {
  return load<u64>(address) == 0 && load<u32>(address, 8) == 0xffff0000;
}

/** Addresses of v4 before those of v6, each by its bytes. */
export function orderAddresses(a: usize, b: usize): i32 {
  const families = <i32>isMapped(b) - <i32>isMapped(a);
  return families != 0 ? families : memory.compare(a, b, ADDRESS_BYTES);
}

/** The bits behind the prefix are zero. */
export function zeroBehind(address: usize, prefix: u32): bool {
  let byte = prefix >> 3;
  if (byte < ADDRESS_BYTES && (load<u8>(address + byte) & (0xff >> (prefix & 7))) != 0) return false;
  while (++byte < ADDRESS_BYTES) if (load<u8>(address + byte) != 0) return false;
  return true;
}

/** Whether an address lies in a network: v4 in v4 networks only, v6 in v6 networks only. */
export function inNetwork(address: usize, network: usize, prefix: u32): bool {
  if (prefix < MAPPED_PREFIX && isMapped(address)) return false;
  const whole = prefix >> 3;
  if (memory.compare(address, network, whole) != 0) return false;
  const rest = prefix & 7;
  if (rest == 0) return true;
  return ((load<u8>(address + whole) ^ load<u8>(network + whole)) & ((0xff << (8 - rest)) & 0xff)) == 0;
}

function readIpv4(start: usize, end: usize, out: usize): bool {
  let at = start;
  for (let part: u32 = 0; part < 4; part++) {
    if (part > 0) {
      if (at >= end || load<u8>(at) != 0x2e) return false;
      at++;
    }
    const first = at;
    while (at < end && at - first < 4 && <u32>load<u8>(at) - 0x30 < 10) at++;
    const value = readSmall(first, at);
    if (value < 0 || value > 255) return false;
    store<u8>(out + part, <u8>value);
  }
  return at == end;
}

/** Groups before `::` are written where they belong; those behind it move to the end when all are read. */
function readIpv6(start: usize, end: usize, out: usize): bool {
  let at = start;
  let used: u32 = 0;
  let gap: i32 = -1;
  if (load<u8>(at) == 0x3a) {
    if (at + 1 >= end || load<u8>(at + 1) != 0x3a) return false;
    gap = 0;
    at += 2;
  }
  while (at < end) {
    if (used == 16) return false;
    const first = at;
    let value: u32 = 0;
    for (; at < end; at++) {
      const digit = hexDigit(load<u8>(at));
      if (digit < 0) break;
      if (at - first >= 4) return false;
      value = (value << 4) | digit;
    }
    if (at < end && load<u8>(at) == 0x2e) {
      if (used > 12 || !readIpv4(first, end, out + used)) return false;
      used += 4;
      break;
    }
    if (at == first) return false;
    store<u16>(out + used, bswap<u16>(<u16>value));
    used += 2;
    if (at == end) break;
    if (load<u8>(at) != 0x3a || ++at == end) return false;
    if (load<u8>(at) == 0x3a) {
      if (gap >= 0) return false;
      gap = used;
      at++;
    }
  }
  if (gap < 0) return used == 16;
  // `::` stands for at least one group (RFC 4291, section 2.2).
  if (used > 14) return false;
  const moved = used - gap;
  memory.copy(out + 16 - moved, out + gap, moved);
  memory.fill(out + gap, 0, 16 - used);
  return true;
}

/** A decimal number of one to three digits without leading zeros, or -1. */
function readSmall(start: usize, end: usize): i32 {
  const digits = end - start;
  if (digits < 1 || digits > 3 || (digits > 1 && load<u8>(start) == 0x30)) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
