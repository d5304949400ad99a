/**
 * The order of the strings by their bytes, worked out once: entries in order are compared by number, however long and
 * however alike their strings are.
 */
import { allocate } from "../../host/arena";
import { Bundle } from "../bundle";
import { compareBytes } from "../bytes";
import { Demand } from "../selection/keys";
import { cellOf, comesAfter } from "../selection/selection";

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
  sorted = order;
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

/** Bring addresses of demands in the order of their dimensions and values. */
export function sortDemands(addresses: usize, count: u32): void {
  sorted = addresses;
  sort(null, count);
}

/** What is sorted, u32 each: strings of a bundle, or without one addresses of demands. */
let sorted: usize = 0;

/** Heap sort: no recursion, no bad case. */
function sort(bundle: Bundle | null, count: u32): void {
  for (let i = count >> 1; i > 0; i--) siftDown(bundle, i - 1, count);
  for (let last = count; last > 1; last--) {
    swap(0, last - 1);
    siftDown(bundle, 0, last - 1);
  }
}

function siftDown(bundle: Bundle | null, root: u32, size: u32): void {
  while (true) {
    let child: u32 = 2 * root + 1;
    if (child >= size) return;
    if (child + 1 < size && isBefore(bundle, child, child + 1)) child++;
    if (!isBefore(bundle, root, child)) return;
    swap(root, child);
    root = child;
  }
}

function swap(i: u32, j: u32): void {
  const kept = wordAt(i);
  store<u32>(sorted + (i << 2), wordAt(j));
  store<u32>(sorted + (j << 2), kept);
}

function isBefore(bundle: Bundle | null, i: u32, j: u32): bool {
  const a = wordAt(i);
  const b = wordAt(j);
  if (bundle === null) return isDemandBefore(changetype<Demand>(a), changetype<Demand>(b));
  return compareBytes(bundle.stringPointer(a), bundle.stringLength(a), bundle.stringPointer(b), bundle.stringLength(b)) < 0;
}

function isDemandBefore(a: Demand, b: Demand): bool {
  if (a.dimension != b.dimension) return a.dimension < b.dimension;
  const how = a.dimension & 7;
  return comesAfter(how, b.value, cellOf(how, a.value));
}

// @ts-ignore: decorator
@inline
function wordAt(index: u32): u32 {
  return load<u32>(sorted + (index << 2));
}
