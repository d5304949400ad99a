/**
 * What strings are fit for, found out once for each: many entries may name one long string, and a loader's time is to
 * grow with the bundle only.
 */
import { allocateZeroed } from "../../host/arena";
import { Bundle } from "../bundle";
import { equalsText, findByte, isLowerToken, isToken } from "../bytes";
import { isHeaderValue, isPointer, isSettableHeader } from "./names";

// @ts-ignore: decorator
@inline export const AS_TOKEN: u32 = 0;
/** The header that a slot comes from. */
// @ts-ignore: decorator
@inline export const AS_SOURCE_HEADER: u32 = 1;
// @ts-ignore: decorator
@inline export const AS_POINTER: u32 = 2;
// @ts-ignore: decorator
@inline export const AS_SETTABLE_HEADER: u32 = 3;
// @ts-ignore: decorator
@inline export const AS_HEADER_VALUE: u32 = 4;
/** A literal segment of a path pattern. */
// @ts-ignore: decorator
@inline export const AS_LITERAL: u32 = 5;
// @ts-ignore: decorator
@inline export const AS_FIELD_NAME: u32 = 6;
/** A query parameter or metadata: name or value. */
// @ts-ignore: decorator
@inline export const AS_CLEAN: u32 = 7;

/** Two bits for each use. */
// @ts-ignore: decorator
@inline const UNKNOWN: u32 = 0;
// @ts-ignore: decorator
@inline const FIT: u32 = 1;
// @ts-ignore: decorator
@inline const UNFIT: u32 = 2;

/** A half word for each string. */
let known: usize = 0;

/** Nothing is known of `count` strings. False when memory is exhausted. */
export function newJudgements(count: u32): bool {
  known = allocateZeroed(<usize>count * 2);
  return known != 0;
}

/** Whether the string may be used so. */
export function isFit(bundle: Bundle, string: u32, use: u32): bool {
  const at = known + (<usize>string << 1);
  const shift = use << 1;
  let judgement = (<u32>load<u16>(at) >> shift) & 3;
  if (judgement == UNKNOWN) {
    judgement = judge(bundle.stringPointer(string), bundle.stringLength(string), use) ? FIT : UNFIT;
    store<u16>(at, <u16>(<u32>load<u16>(at) | (judgement << shift)));
  }
  return judgement == FIT;
}

function judge(pointer: usize, length: u32, use: u32): bool {
  switch (use) {
    case AS_TOKEN:
      return isToken(pointer, length);
    case AS_SOURCE_HEADER:
      return isLowerToken(pointer, length) && !equalsText(pointer, length, "host");
    case AS_POINTER:
      return isPointer(pointer, length);
    case AS_SETTABLE_HEADER:
      return isSettableHeader(pointer, length);
    case AS_HEADER_VALUE:
      return isHeaderValue(pointer, length);
    case AS_CLEAN:
      for (let i: u32 = 0; i < length; i++) if (<u32>load<u8>(pointer + i) < 0x20 || load<u8>(pointer + i) == 0x7f) return false;
      return true;
    case AS_LITERAL:
      if (length == 0 || equalsText(pointer, length, ".") || equalsText(pointer, length, "..")) return false;
      return findByte(0x2f, pointer, pointer + length) == pointer + length;
    default:
      return findByte(0x2e, pointer, pointer + length) == pointer + length;
  }
}
