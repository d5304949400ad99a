/**
 * The order of the strings by their bytes, worked out once: entries in order are compared by number, however long and
 * however alike their strings are.
 */
import { allocate } from "../../host/arena";
import { Bundle } from "../bundle";
import { compareBytes } from "../bytes";

/** By rank, the string. */
let order: usize = 0;
/** By string, its rank. */
let ranks: usize = 0;

/** The strings are there and differ. False when memory is exhausted. */
export function rankStrings(bundle: Bundle): bool {
  const count = bundle.stringCount;
  order = allocate(<usize>count * 4 + 4);
  ranks = allocate(<usize>count * 4 + 4);
  if (order == 0 || ranks == 0) return false;
  for (let i: u32 = 0; i < count; i++) store<u32>(order + (i << 2), i);
  sort(bundle, count);
  for (let i: u32 = 0; i < count; i++) store<u32>(ranks + (stringOfRank(i) << 2), i);
  return true;
}

export function stringOfRank(rank: u32): u32 {
  return load<u32>(order + (rank << 2));
}

/** Negative where string `a` comes before `b`, 0 where they are one. */
export function compareStrings(a: u32, b: u32): i32 {
  return load<i32>(ranks + (a << 2)) - load<i32>(ranks + (b << 2));
}

/** Heap sort: no recursion, no bad case. */
function sort(bundle: Bundle, count: u32): void {
  for (let i = count >> 1; i > 0; i--) siftDown(bundle, i - 1, count);
  for (let last = count; last > 1; last--) {
    swap(0, last - 1);
    siftDown(bundle, 0, last - 1);
  }
}

function siftDown(bundle: Bundle, root: u32, size: u32): void {
  while (true) {
    let child: u32 = 2 * root + 1;
    if (child >= size) return;
    if (child + 1 < size && compareAt(bundle, child, child + 1) < 0) child++;
    if (compareAt(bundle, root, child) >= 0) return;
    swap(root, child);
    root = child;
  }
}

function swap(i: u32, j: u32): void {
  const kept = stringOfRank(i);
  store<u32>(order + (i << 2), stringOfRank(j));
  store<u32>(order + (j << 2), kept);
}

function compareAt(bundle: Bundle, i: u32, j: u32): i32 {
  const a = stringOfRank(i);
  const b = stringOfRank(j);
  return compareBytes(bundle.stringPointer(a), bundle.stringLength(a), bundle.stringPointer(b), bundle.stringLength(b));
}
