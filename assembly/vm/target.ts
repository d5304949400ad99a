/** Method and target (docs/request.md, section 3): what of them is valid, and where the parts stand. */
import { LIMIT_PATH_BYTES_MAX, PATH_BASE, PATH_REJECT } from "../gen/constants";
import { allocate } from "../host/arena";
import { findByte, hexDigit, isToken } from "./bytes";
import { normalizePath } from "./normalize";
import { Fact, GIVEN } from "./request";
import { isUtf8 } from "./utf8";

// @ts-ignore: decorator
@unmanaged
export class Target {
  pathValid: bool;
  path: usize;
  pathLength: u32;
  /** The path with its escapes decoded; its segments are those of the path, since no escape yields a `/`. */
  decoded: usize;
  decodedLength: u32;
  queryValid: bool;
  /** There is a `?`. Has no meaning unless the query is valid. */
  hasQuery: bool;
  query: usize;
  queryLength: u32;
}

const TARGET: usize = memory.data(64, 8);

/** A token within the limit. */
export function isValidMethod(fact: Fact): bool {
  return isWithinLimit(fact) && isToken(fact.pointer, fact.length);
}

/** Given, not empty and not longer than paths and hosts may be. */
export function isWithinLimit(fact: Fact): bool {
  return fact.state == GIVEN && fact.length > 0 && fact.length <= LIMIT_PATH_BYTES_MAX;
}

/** Takes the target apart; some modes rewrite the path in place. The result is overwritten by the next one. */
export function readTarget(fact: Fact, mode: u32): Target {
  const target = changetype<Target>(TARGET);
  memory.fill(TARGET, 0, 64);
  if (!isWithinLimit(fact)) return target;
  const start = fact.pointer;
  const end = start + fact.length;
  if (findByte(0x23, start, end) < end) return target;
  const question = findByte(0x3f, start, end);
  target.hasQuery = question < end;
  target.query = min(question + 1, end);
  target.queryLength = <u32>(end - target.query);
  target.queryValid = isVisible(target.query, end);
  target.path = start;
  target.pathLength = <u32>(question - start);
  target.pathValid = readPath(target, mode);
  return target;
}

/** Only visible ASCII. */
function isVisible(start: usize, end: usize): bool {
  for (let at = start; at < end; at++) if (<u32>load<u8>(at) - 0x21 > 0x5d) return false;
  return true;
}

function readPath(target: Target, mode: u32): bool {
  const start = target.path;
  let end = start + target.pathLength;
  if (start == end || load<u8>(start) != 0x2f || !isVisible(start, end)) return false;
  // A `;` or `\` as such is refused; spelled `%3B` it is data. `%5C` is refused while decoding.
  if (findByte(0x3b, start, end) < end) return false;
  if (mode >= PATH_BASE) {
    end = normalizePath(start, end, mode);
    target.pathLength = <u32>(end - start);
  }
  if (end == 0 || findByte(0x5c, start, end) < end) return false;
  target.decoded = start;
  target.decodedLength = target.pathLength;
  if (findByte(0x25, start, end) < end) {
    const out = allocate(target.pathLength);
    if (out == 0) return false;
    const length = decodePath(start, end, out);
    if (length < 0 || !isUtf8(out, length)) return false;
    target.decoded = out;
    target.decodedLength = length;
  }
  return mode != PATH_REJECT || hasProperSegments(target.decoded, target.decoded + target.decodedLength);
}

/** Returns the number of decoded bytes, or -1 for a malformed escape or one of `/`, `\` and the zero byte. */
function decodePath(start: usize, end: usize, out: usize): i32 {
  let to = out;
  for (let at = start; at < end; at++) {
    let byte = <i32>load<u8>(at);
    if (byte == 0x25) {
      byte = escapedByte(at, end);
      if (byte <= 0 || byte == 0x2f || byte == 0x5c) return -1;
      at += 2;
    }
    store<u8>(to++, <u8>byte);
  }
  return <i32>(to - out);
}

/** The byte that the escape at `at` stands for, or -1 when it is malformed. */
export function escapedByte(at: usize, end: usize): i32 {
  if (at + 2 >= end) return -1;
  const high = hexDigit(load<u8>(at + 1));
  const low = hexDigit(load<u8>(at + 2));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

/** No empty segment but a last one, no `.` and no `..`. The bytes start with `/` and are decoded, so `%2e` is a dot here. */
function hasProperSegments(start: usize, end: usize): bool {
  for (let from = start + 1; from <= end; ) {
    const stop = findByte(0x2f, from, end);
    const length = stop - from;
    if (length == 0 && stop < end) return false;
    if (length == 1 && load<u8>(from) == 0x2e) return false;
    if (length == 2 && load<u16>(from) == 0x2e2e) return false;
    from = stop + 1;
  }
  return true;
}
