/** The host (docs/request.md, section 3), brought to its plain form. */
import { readAddress } from "../source/address.ts";
import { lower } from "../source/byte-table.ts";
import type { Fact, Text } from "./neutral.ts";
import type { Slots } from "./slots.ts";
import { type Range, stageLimited } from "./target.ts";
import { indexOfByte } from "./text.ts";

const MINUS = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const UNDERSCORE = 0x5f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const PORT_DIGITS_MAX = 5;
const PORT_MAX = 65535;

/**
 * Reads a host that is not absent into `range`: lower case, without port and one trailing dot. Not valid when it
 * is undelivered, empty, over the limit or no host.
 */
export function readHost(slots: Slots, host: Fact<Text>, range: Range): void {
  range.valid = false;
  if (!stageLimited(slots, host, range)) return;
  const bytes = slots.bytes;
  for (let i = range.start; i < range.end; i++) bytes[i] = lower(bytes[i]!);
  range.valid = bytes[range.start] === OPEN ? readLiteral(slots, range) : readName(bytes, range);
}

/** `[`, an IPv6 address, `]`, and nothing but a port behind it. */
function readLiteral(slots: Slots, range: Range): boolean {
  const close = indexOfByte(slots.bytes, CLOSE, range.start, range.end);
  if (close === range.end) return false;
  if (close + 1 < range.end && !isPort(slots.bytes, close + 1, range.end)) return false;
  const at = slots.room(16);
  const first = range.start + 1;
  const colon = indexOfByte(slots.bytes, COLON, first, close);
  if (colon === close || !readAddress(slots.bytes, first, close, slots.bytes, at)) return false;
  range.end = close + 1;
  return true;
}

function readName(bytes: Uint8Array, range: Range): boolean {
  const colon = indexOfByte(bytes, COLON, range.start, range.end);
  if (colon < range.end && !isPort(bytes, colon, range.end)) return false;
  const end = colon > range.start && bytes[colon - 1] === DOT ? colon - 1 : colon;
  if (end === range.start || bytes[range.start] === DOT || bytes[end - 1] === DOT) return false;
  for (let i = range.start; i < end; i++) {
    if (!isNameByte(bytes[i]!) || (bytes[i] === DOT && bytes[i + 1] === DOT && i + 1 < end)) return false;
  }
  range.end = end;
  return true;
}

/** A colon and zero to five digits, at most 65535. */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] !== COLON || end - start - 1 > PORT_DIGITS_MAX) return false;
  let port = 0;
  for (let i = start + 1; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= PORT_MAX;
}

function isNameByte(byte: number): boolean {
  if (byte >= 0x61 && byte <= 0x7a) return true;
  return (byte >= 0x30 && byte <= 0x39) || byte === DOT || byte === MINUS || byte === UNDERSCORE;
}
