/** Method and target (docs/request.md, section 3): what of them is valid, and where the parts stand. */
import { PATH_BYTES_MAX } from "../source/gen/facts.ts";
import { type Fact, type Text, undelivered } from "./neutral.ts";
import type { Slots } from "./slots.ts";
import { hexDigit, indexOfByte, isToken, isUtf8, stage } from "./text.ts";

const HASH = 0x23;
const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;
const FIRST_VISIBLE = 0x21;
const DELETE = 0x7f;

/** A part of the request: a range of the slots' bytes, or nothing that may be used. */
export interface Range {
  valid: boolean;
  start: number;
  end: number;
}

/** The target of one request, taken apart. */
export interface Target {
  readonly path: Range;
  /** The path with its escapes decoded; its segments are those of the path, since no escape yields a `/`. */
  readonly decoded: Range;
  readonly query: Range;
  /** There is a `?`. Has no meaning unless the query is valid. */
  hasQuery: boolean;
}

export function emptyRange(): Range {
  return { valid: false, start: 0, end: 0 };
}

export function emptyTarget(): Target {
  return { path: emptyRange(), decoded: emptyRange(), query: emptyRange(), hasQuery: false };
}

/** Reads the method into `range`: valid if it is a token within the limit. */
export function readMethod(slots: Slots, method: Fact<Text>, range: Range): void {
  range.valid = stageLimited(slots, method, range) && isToken(slots.bytes, range.start, range.end);
}

/** Copies a text of at most `pathBytesMax` bytes; false when it is missing, undelivered, empty or longer. */
export function stageLimited(slots: Slots, text: Fact<Text>, range: Range): boolean {
  if (text === undefined || text === undelivered || text.length > PATH_BYTES_MAX) return false;
  range.start = stage(slots, text);
  range.end = slots.used;
  const length = range.end - range.start;
  return length > 0 && length <= PATH_BYTES_MAX;
}

/** Takes the target apart. */
export function readTarget(slots: Slots, text: Fact<Text>, target: Target): void {
  const { path, decoded, query } = target;
  path.valid = decoded.valid = query.valid = target.hasQuery = false;
  if (!stageLimited(slots, text, path)) return;
  const end = path.end;
  if (indexOfByte(slots.bytes, HASH, path.start, end) < end) return;
  path.end = indexOfByte(slots.bytes, QUESTION, path.start, end);
  target.hasQuery = path.end < end;
  query.start = Math.min(path.end + 1, end);
  query.end = end;
  query.valid = isVisible(slots.bytes, query.start, end);
  path.valid = decoded.valid = decodePath(slots, path, decoded);
}

/** Only visible ASCII. */
function isVisible(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! < FIRST_VISIBLE || bytes[i]! >= DELETE) return false;
  return true;
}

/** Decodes the path's escapes; false when the path is invalid. */
function decodePath(slots: Slots, path: Range, decoded: Range): boolean {
  const { start, end } = path;
  if (start === end || slots.bytes[start] !== SLASH || !isVisible(slots.bytes, start, end)) return false;
  if (indexOfByte(slots.bytes, PERCENT, start, end) === end) {
    decoded.start = start;
    decoded.end = end;
  } else {
    decoded.start = slots.room(end - start);
    decoded.end = decodeSegments(slots.bytes, start, end, decoded.start);
    if (decoded.end < 0 || !isUtf8(slots.bytes, decoded.start, decoded.end)) return false;
    slots.used = decoded.end;
  }
  // A `;` or `\` as such is refused; spelled `%3B` it is data. `%5C` is refused while decoding.
  return (
    !holdsForbidden(slots.bytes, start, end) && segmentsAreProper(slots.bytes, decoded.start, decoded.end)
  );
}

/** Returns where the decoded bytes end, or -1 for a malformed escape or one of `/`, `\` and the zero byte. */
function decodeSegments(bytes: Uint8Array, start: number, end: number, at: number): number {
  for (let i = start; i < end; i++) {
    let byte = bytes[i]!;
    if (byte === PERCENT) {
      const high = i + 2 < end ? hexDigit(bytes[i + 1]!) : -1;
      const low = i + 2 < end ? hexDigit(bytes[i + 2]!) : -1;
      if (high < 0 || low < 0) return -1;
      byte = high * 16 + low;
      if (byte === 0 || byte === SLASH || byte === BACKSLASH) return -1;
      i += 2;
    }
    bytes[at++] = byte;
  }
  return at;
}

function holdsForbidden(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === BACKSLASH || bytes[i] === SEMICOLON) return true;
  return false;
}

/** No empty segment but a last one, no `.` and no `..`. The bytes start with `/` and are decoded, so `%2e` is a dot here. */
function segmentsAreProper(bytes: Uint8Array, start: number, end: number): boolean {
  for (let from = start + 1; from <= end; ) {
    const stop = indexOfByte(bytes, SLASH, from, end);
    const length = stop - from;
    if (length === 0 && stop < end) return false;
    if (length === 1 && bytes[from] === DOT) return false;
    if (length === 2 && bytes[from] === DOT && bytes[from + 1] === DOT) return false;
    from = stop + 1;
  }
  return true;
}
