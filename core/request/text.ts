/** Texts of a request as bytes: how they get into the slots' byte store, and small tests over them. */
import { lower } from "../source/byte-table.ts";
import type { Text } from "./neutral.ts";
import type { Slots } from "./slots.ts";

/**
 * Copies a text behind the bytes in use; the text is then `slots.bytes[returned start .. slots.used]`.
 * A lone surrogate becomes the three bytes that UTF-8 forbids, so the usual test refuses it later.
 */
export function stage(slots: Slots, text: Text): number {
  if (typeof text !== "string") {
    const start = slots.room(text.length);
    slots.bytes.set(text, start);
    slots.used = start + text.length;
    return start;
  }
  const start = slots.room(text.length * 3);
  const bytes = slots.bytes;
  let at = start;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    const point = text.codePointAt(i)!;
    if (point > 0xffff) i++;
    at = writePoint(bytes, at, point);
  }
  slots.used = at;
  return start;
}

/** Writes a code point as UTF-8 (a surrogate as if it were a character); returns where it ends. */
export function writePoint(bytes: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    bytes[at++] = point;
  } else if (point < 0x800) {
    bytes[at++] = 0xc0 | (point >> 6);
    bytes[at++] = 0x80 | (point & 0x3f);
  } else if (point < 0x10000) {
    bytes[at++] = 0xe0 | (point >> 12);
    bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
    bytes[at++] = 0x80 | (point & 0x3f);
  } else {
    bytes[at++] = 0xf0 | (point >> 18);
    bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
    bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
    bytes[at++] = 0x80 | (point & 0x3f);
  }
  return at;
}

/** Whether the bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  while (i < end) {
    if (bytes[i]! < 0x80) {
      i++;
      continue;
    }
    const length = sequenceLength(bytes, i, end);
    if (length === 0) return false;
    i += length;
  }
  return true;
}

/** Length of the UTF-8 sequence of two to four bytes at `at`, or 0 when it is none (Unicode 15, table 3-7). */
export function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first >= 0xc2 && first <= 0xdf) return at + 1 < end && isTail(bytes[at + 1]!) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (at + 2 >= end || !isTail(bytes[at + 1]!) || !isTail(bytes[at + 2]!)) return 0;
    if (first === 0xe0 && bytes[at + 1]! < 0xa0) return 0;
    return first === 0xed && bytes[at + 1]! > 0x9f ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (at + 3 >= end || !isTail(bytes[at + 1]!) || !isTail(bytes[at + 2]!) || !isTail(bytes[at + 3]!))
      return 0;
    if (first === 0xf0 && bytes[at + 1]! < 0x90) return 0;
    return first === 0xf4 && bytes[at + 1]! > 0x8f ? 0 : 4;
  }
  return 0;
}

function isTail(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Space or tab: what is trimmed in headers. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** First byte that is no blank, or `end`. */
export function trimStart(bytes: Uint8Array, start: number, end: number): number {
  while (start < end && isBlank(bytes[start]!)) start++;
  return start;
}

/** One past the last byte that is no blank, or `start`. */
export function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  return end;
}

/** Index of the first such byte, or `end`. */
export function indexOfByte(bytes: Uint8Array, byte: number, start: number, end: number): number {
  while (start < end && bytes[start] !== byte) start++;
  return start;
}

const TOKEN_BYTES = new Uint8Array(256);
for (const letter of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  TOKEN_BYTES[letter.charCodeAt(0)] = 1;

/** A non-empty token (RFC 9110, section 5.6.2). */
export function isToken(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end) return false;
  for (let i = start; i < end; i++) if (TOKEN_BYTES[bytes[i]!] === 0) return false;
  return true;
}

/** Whether the bytes are the ASCII text `name` (given in lower case), whatever the case of letters. */
export function equalsFolded(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (lower(bytes[start + i]!) !== name.charCodeAt(i)) return false;
  return true;
}

/** Value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const folded = lower(byte);
  return folded >= 0x61 && folded <= 0x66 ? folded - 0x57 : -1;
}
