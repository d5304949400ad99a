/** Method and target (docs/request.md, section 3): what of them is valid, and where the parts stand. */
import { PATH_BYTES_MAX } from "../source/gen/facts.ts";
import type { PathMode } from "../syntax/ast.ts";
import { type Fact, type Text, undelivered } from "./neutral.ts";
import { AMBIGUOUS, type Normalization, normalizationOf, normalizePath } from "./normalize.ts";
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

/** What a program asks of paths. */
export interface PathRules {
  /** Empty and dot segments make a path invalid. */
  readonly rejects: boolean;
  readonly normalization: Normalization;
}

export function pathRules(mode: PathMode): PathRules {
  return { rejects: mode === "reject", normalization: normalizationOf(mode) };
}

/** Takes the target apart. Where the rules normalise paths, `path` and `decoded` are of the normalised one. */
export function readTarget(slots: Slots, text: Fact<Text>, target: Target, rules: PathRules): void {
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
  path.valid = decoded.valid = decodePath(slots, path, decoded, rules);
}

/** Only visible ASCII. */
function isVisible(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! < FIRST_VISIBLE || bytes[i]! >= DELETE) return false;
  return true;
}

/** Normalises the path and decodes its escapes; false when the path is invalid. */
function decodePath(slots: Slots, path: Range, decoded: Range, rules: PathRules): boolean {
  const { start } = path;
  if (start === path.end || slots.bytes[start] !== SLASH || !isVisible(slots.bytes, start, path.end))
    return false;
  // A `;` as such is refused before anything else: spelled `%3B` it is data.
  if (indexOfByte(slots.bytes, SEMICOLON, start, path.end) < path.end) return false;
  if (rules.normalization.resolves) {
    const normalized = normalizePath(slots.bytes, path, rules.normalization);
    if (normalized === AMBIGUOUS) return false;
    path.end = normalized;
  }
  const { end } = path;
  if (indexOfByte(slots.bytes, PERCENT, start, end) === end) {
    decoded.start = start;
    decoded.end = end;
  } else {
    decoded.start = slots.room(end - start);
    decoded.end = decodeSegments(slots.bytes, start, end, decoded.start);
    if (decoded.end < 0 || !isUtf8(slots.bytes, decoded.start, decoded.end)) return false;
    slots.used = decoded.end;
  }
  // `%5C` is refused while decoding.
  if (indexOfByte(slots.bytes, BACKSLASH, start, end) < end) return false;
  return !rules.rejects || segmentsAreProper(slots.bytes, decoded.start, decoded.end);
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
