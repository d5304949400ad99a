/**
 * Sorts the policies of a bundle into the tree that selection.ts walks: all that a list of policies demands is sorted by
 * dimension and value, the best dimension is a run of that, each of its values a shorter run, and so on below.
 */
import { allocate, allocateZeroed, markArena, releaseArena } from "../../host/arena";
import { allocateBlock, freeBlock } from "../../host/memory";
import { Bundle } from "../bundle";
import { beginRuns } from "../interpreter";
import { sortDemands } from "../verify/ranks";
import { BY_PREFIX, Demand, DEMAND_BYTES, DEMANDS_SPARE, gatherDemands } from "./keys";
import { bitWords, cellOf, ENTRY_WORDS, HEAD_WORDS, holds, NOWHERE, PLACE_WORDS } from "./selection";

/** From so many policies on it is quicker to find those that can apply than to judge all. */
let selectFrom: u32 = 24;
/** So few policies are quicker judged than told apart. */
// @ts-ignore: decorator
@inline const LEAF_MAX: u32 = 4;
/** A value must leave so few of the policies that it tells apart. */
// @ts-ignore: decorator
@inline const LEFT_MAX: f64 = 0.8;
/** A policy of several values stands in several places: together at most so many for each policy. */
// @ts-ignore: decorator
@inline const PLACES_MAX: u32 = 8;
/** So many values are looked up one behind the other; arena.ts has a mark for each. */
// @ts-ignore: decorator
@inline const DEPTH_MAX: u32 = 8;
/** The first of these marks; those before it are the interpreter's. */
// @ts-ignore: decorator
@inline const FIRST_MARK: u32 = 3;

/** The words so far, and how many have room. */
let words: usize = 0;
let length: u32 = 0;
let capacity: u32 = 0;
/** Places that policies may still be put into beyond one each. */
let room: u32 = 0;
/** u32 for each policy: the last stamp that it got. */
let stamps: usize = 0;
let stamp: u32 = 0;
/** The dimensions that were looked up further above, by depth. */
const USED: usize = memory.data(DEPTH_MAX * 4, 4);
/** Addresses of the demands at hand. */
let order: usize = 0;

/** For tests. */
export function setSelectFrom(count: u32): void {
  selectFrom = count;
}

/**
 * Makes `Bundle.selection`, or leaves it 0 where there are few policies or no memory for it: then all are judged.
 * The arena holds what is needed on the way.
 */
export function buildSelection(program: Bundle): void {
  const count = program.policyCount;
  if (count < selectFrom) return;
  const list = allocateZeroed(count << 3);
  if (list == 0) return;
  stamps = list + (count << 2);
  stamp = 0;
  for (let i: u32 = 0; i < count; i++) store<u32>(list + (i << 2), i);
  beginRuns(program, 0);
  room = count * (PLACES_MAX - 1);
  words = 0;
  length = 0;
  capacity = 0;
  const low = bitWords(count);
  const head = HEAD_WORDS + ((low + bitWords(low)) << 1);
  if (take(head)) {
    memory.fill(words, 0, head << 2);
    if (put(list, count, 0, 0)) {
      program.selection = words;
      return;
    }
  }
  freeBlock(words);
}

/** Room for so many words more; false when memory is exhausted. */
function take(count: u32): bool {
  length += count;
  if (length <= capacity) return true;
  capacity = length + (length >> 1);
  const grown = allocateBlock(capacity << 2);
  if (grown == 0) return false;
  memory.copy(grown, words, (length - count) << 2);
  freeBlock(words);
  words = grown;
  return true;
}

function addressOf(word: u32): usize {
  return words + (word << 2);
}

// @ts-ignore: decorator
@inline
function demandAt(index: u32): Demand {
  return changetype<Demand>(load<usize>(order + (index << 2)));
}

/** What `choose` found: demands of the dimension that leaves fewest policies, and how many values they have. */
let bestStart: u32 = 0;
let bestEnd: u32 = 0;
let bestValues: u32 = 0;

/**
 * Puts the policies of a list where word `from` leads to. The list is used up. False when memory is exhausted.
 * INVARIANT: recursion is at most DEPTH_MAX deep.
 */
function put(list: usize, size: u32, depth: u32, from: u32): bool {
  while (size > LEAF_MAX && depth < DEPTH_MAX) {
    markArena(FIRST_MARK + depth);
    if (!choose(list, size, depth)) {
      releaseArena(FIRST_MARK + depth);
      break;
    }
    const own = order;
    const end = bestEnd;
    const dimension = demandAt(bestStart).dimension;
    const place = length;
    let entry = place + PLACE_WORDS;
    if (!take(PLACE_WORDS + bestValues * ENTRY_WORDS)) return false;
    store<u32>(addressOf(from), place);
    store<u32>(addressOf(place), dimension);
    store<u32>(addressOf(place), bestValues, 8);
    store<u32>(USED + (depth << 2), dimension);
    size = rest(list, size);
    const first = entry;
    for (let i = bestStart; i < end; entry += ENTRY_WORDS) {
      order = own;
      const value = demandAt(i).value;
      const start = i;
      do {
        store<u32>(own + (i << 2), demandAt(i).policy);
        i++;
      } while (i < end && demandAt(i).value == value);
      store<u32>(addressOf(entry), value);
      store<i32>(addressOf(entry), outer(dimension & 7, value, first, entry), 4);
      if (!put(own + (start << 2), i - start, depth + 1, entry + 2)) return false;
    }
    releaseArena(FIRST_MARK + depth);
    from = place + 1;
  }
  if (size < 2) {
    store<i32>(addressOf(from), size == 0 ? NOWHERE : -2 - load<i32>(list));
    return true;
  }
  const place = length;
  if (!take(PLACE_WORDS + size)) return false;
  store<u32>(addressOf(from), place);
  const at = addressOf(place);
  store<i32>(at, -1);
  store<u32>(at, size, 8);
  memory.copy(at + (PLACE_WORDS << 2), list, size << 2);
  return true;
}

/** Number of the entry that the value at entry `at` lies in next, or -1. */
function outer(how: u32, value: u32, first: u32, at: u32): i32 {
  const cell = cellOf(how, value);
  let parent = <i32>((at - first) / ENTRY_WORDS) - 1;
  while (parent >= 0) {
    const entry = addressOf(first + parent * ENTRY_WORDS);
    if (holds(how, load<u32>(entry), cell)) break;
    parent = load<i32>(entry, 4);
  }
  return parent;
}

/** Keeps those that demand nothing of the chosen dimension, and returns how many they are. */
function rest(list: usize, size: u32): u32 {
  stamp++;
  for (let i = bestStart; i < bestEnd; i++) isNew(demandAt(i).policy);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const policy = load<u32>(list + (i << 2));
    if (isNew(policy)) store<u32>(list + (kept++ << 2), policy);
  }
  return kept;
}

/** Whether the policy is met for the first time since `stamp` rose. */
function isNew(policy: u32): bool {
  const at = stamps + (policy << 2);
  const before = load<u32>(at);
  store<u32>(at, stamp);
  return before != stamp;
}

/**
 * Brings the demands of the policies in order, and finds the dimension that leaves fewest policies on average if a
 * request's value is as often one as policies name it. False if none spares enough, or there is no memory.
 */
function choose(list: usize, size: u32, depth: u32): bool {
  const count = gatherDemands(list, size, 0);
  const demands = allocate((count + DEMANDS_SPARE) * DEMAND_BYTES);
  order = allocate(count << 2);
  if (demands == 0 || order == 0) return false;
  gatherDemands(list, size, demands);
  for (let i: u32 = 0; i < count; i++) store<usize>(order + (i << 2), demands + i * DEMAND_BYTES);
  sortDemands(order, count);
  let least: f64 = LEFT_MAX * <f64>size;
  let spent: u32 = 0;
  bestEnd = 0;
  for (let i: u32 = 0; i < count; ) {
    const start = i;
    const dimension = demandAt(i).dimension;
    let found: u32 = 0;
    let values: u32 = 0;
    let value: u32 = 0;
    let squares: f64 = 0;
    let odd: f64 = 0;
    stamp++;
    do {
      const demand = demandAt(i);
      if (i == start || demand.value != value) {
        value = demand.value;
        values++;
        odd = -1;
      }
      // The square of a number is the sum of as many odd ones.
      odd += 2;
      squares += odd;
      found += isNew(demand.policy);
      i++;
    } while (i < count && demandAt(i).dimension == dimension);
    const places = i - start;
    // Prefixes and networks lie in each other: a request may meet several.
    if ((dimension & 7) >= BY_PREFIX) squares *= 2;
    const left = <f64>(size - found) + squares / <f64>places;
    if (left > least || places - found > room || isUsed(dimension, depth)) continue;
    least = left;
    spent = places - found;
    bestStart = start;
    bestEnd = i;
    bestValues = values;
  }
  room -= spent;
  return bestEnd != 0;
}

function isUsed(dimension: u32, depth: u32): bool {
  for (let i: u32 = 0; i < depth; i++) if (load<u32>(USED + (i << 2)) == dimension) return true;
  return false;
}
