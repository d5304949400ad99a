/** The bundle's texts by their bytes. */
import { Bundle } from "./bundle";
import { hashBytes } from "./bytes";

// @ts-ignore: decorator
@inline export const NO_STRING: u32 = 0xffffffff;

/** Size of the table for so many strings: a power of two, at most half full. */
export function internTableSize(count: u32): u32 {
  let size: u32 = 4;
  while (size < count * 2) size *= 2;
  return size;
}

/** Put a string into the table; false when an equal one is there. */
export function internString(bundle: Bundle, index: u32): bool {
  const pointer = bundle.stringPointer(index);
  const length = bundle.stringLength(index);
  let at = hashBytes(bundle.hashSeed, pointer, length) & bundle.internMask;
  while (true) {
    const other = load<u32>(bundle.internTable + (at << 2));
    if (other == 0) break;
    if (bundle.stringIs(other - 1, pointer, length)) return false;
    at = (at + 1) & bundle.internMask;
  }
  store<u32>(bundle.internTable + (at << 2), index + 1);
  return true;
}

/** Index of the string equal to the bytes, or `NO_STRING`. */
export function findString(bundle: Bundle, pointer: usize, length: u32): u32 {
  if (length > bundle.stringBytesMax) return NO_STRING;
  let at = hashBytes(bundle.hashSeed, pointer, length) & bundle.internMask;
  while (true) {
    const index = load<u32>(bundle.internTable + (at << 2));
    if (index == 0) return NO_STRING;
    if (bundle.stringIs(index - 1, pointer, length)) return index - 1;
    at = (at + 1) & bundle.internMask;
  }
}
