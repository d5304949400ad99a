/**
 * Which policies can apply to a request at all, as core/runtime/selection finds them: the policies stand in a tree by the
 * values that tell most of them apart (`build.ts`), and a request walks down by its own. A value that is absent or
 * invalid leads everywhere below. What is not met has a trigger that is false, so it is not applicable.
 *
 * The tree is one block of words, `Bundle.selection`; what leads somewhere leads to a place (the index of its first
 * word), to one policy alone (below NOWHERE), or nowhere:
 *
 *     where the root leads to; 0
 *     u64 words of bits: which words of the next ones hold any, then which policies are selected
 *     places { dimension; where those lead that demand nothing of it; count; entries }
 *       of a dimension: count x { value; entry that it lies in, or -1; where it leads to }, in order
 *       of none (-1): count x policy
 *
 * All tables are sorted and searched in halves. Values lie in each other where they are prefixes or networks.
 */
import { Bundle } from "../bundle";
import { inNetwork, orderAddresses } from "../address";
import { compareBytes } from "../bytes";
import { Cell, cellAt, PRESENT } from "../cells";
import { bundle, frame0, startsWith } from "../interpreter";
import { findString } from "../strings";
import { BY_NETWORK, BY_NUMBER, BY_PREFIX, BY_TEXT } from "./keys";

// @ts-ignore: decorator
@inline export const NOWHERE: i32 = -1;
/** Words before the entries of a place, and of one entry. */
// @ts-ignore: decorator
@inline export const PLACE_WORDS: u32 = 3;
// @ts-ignore: decorator
@inline export const ENTRY_WORDS: u32 = 3;
/** Words before the bits. */
// @ts-ignore: decorator
@inline export const HEAD_WORDS: u32 = 2;
/** Nothing selected is left. */
// @ts-ignore: decorator
@inline export const NO_POLICY: u32 = 0xffffffff;

/** Words of 64 bits. */
export function bitWords(bits: u32): u32 {
  return (bits + 63) >> 6;
}

/** Select the policies that can apply to the request that `beginRuns` was told of. */
export function selectPolicies(): void {
  // A decision may have been made before all were asked for.
  while (nextSelected() != NO_POLICY) {}
  walk(load<i32>(bundle.selection));
}

/** Take the first policy out of those selected, in the bundle's order. */
export function nextSelected(): u32 {
  const words = bitWords(bundle.policyCount);
  const highs = bitWords(words);
  const bits = bundle.selection + (HEAD_WORDS << 2);
  for (let h: u32 = 0; h < highs; h++) {
    const high = load<u64>(bits + (h << 3));
    if (high == 0) continue;
    const l = (h << 6) + <u32>ctz(high);
    const at = bits + ((highs + l) << 3);
    const low = load<u64>(at);
    store<u64>(at, low & (low - 1));
    if ((low & (low - 1)) == 0) store<u64>(bits + (h << 3), high & (high - 1));
    return (l << 6) + <u32>ctz(low);
  }
  return NO_POLICY;
}

function select(policy: u32): void {
  const bits = bundle.selection + (HEAD_WORDS << 2);
  setBit(bits, policy >> 6);
  setBit(bits + (bitWords(bitWords(bundle.policyCount)) << 3), policy);
}

function setBit(bits: usize, bit: u32): void {
  const at = bits + ((bit >> 6) << 3);
  store<u64>(at, load<u64>(at) | ((<u64>1) << (bit & 63)));
}

/** As deep as the tree, which build.ts bounds. */
function walk(start: i32): void {
  let place = start;
  while (place >= 0) {
    const at = bundle.selection + (place << 2);
    const dimension = load<i32>(at);
    const count = load<u32>(at, 8);
    const entries = at + (PLACE_WORDS << 2);
    if (dimension < 0) {
      for (let i: u32 = 0; i < count; i++) select(load<u32>(entries + (i << 2)));
      return;
    }
    const cell = cellAt(frame0, dimension >> 3);
    if (cell.state == PRESENT) walkByValue(dimension & 7, entries, count, cell);
    else for (let i: u32 = 0; i < count; i++) walk(load<i32>(entries + i * (ENTRY_WORDS << 2), 8));
    place = load<i32>(at, 4);
  }
  if (place < NOWHERE) select(-2 - place);
}

/** From the last entry that does not come after the value outwards; what holds one that holds the value holds it too. */
function walkByValue(how: u32, entries: usize, count: u32, cell: Cell): void {
  // A text has no other use for its number.
  if (how == BY_TEXT) cell.number = <f64>findString(bundle, cell.pointer, cell.length);
  let entry: i32 = -1;
  let high: i32 = count;
  while (high - entry > 1) {
    const middle = (entry + high) >> 1;
    if (comesAfter(how, load<u32>(entries + middle * (ENTRY_WORDS << 2)), cell)) high = middle;
    else entry = middle;
  }
  let within = false;
  while (entry >= 0) {
    const at = entries + entry * (ENTRY_WORDS << 2);
    within = within || holds(how, load<u32>(at), cell);
    if (within) walk(load<i32>(at, 8));
    entry = load<i32>(at, 4);
  }
}

/** Does the constant come after the cell's value? Of networks with one address the wider one comes first. */
export function comesAfter(how: u32, constant: u32, cell: Cell): bool {
  if (how == BY_PREFIX) return compareBytes(bundle.stringPointer(constant), bundle.stringLength(constant), cell.pointer, cell.length) > 0;
  if (how == BY_NETWORK) {
    const order = orderAddresses(bundle.networkAddress(constant), cell.pointer);
    return order > 0 || (order == 0 && bundle.networkPrefix(constant) > cell.length);
  }
  return numberOf(how, constant) > cell.number;
}

/** Does the value equal the constant, begin with it, or lie in it? */
export function holds(how: u32, constant: u32, cell: Cell): bool {
  if (how == BY_PREFIX) return startsWith(cell, bundle.stringPointer(constant), bundle.stringLength(constant));
  if (how == BY_NETWORK) return inNetwork(cell.pointer, bundle.networkAddress(constant), bundle.networkPrefix(constant));
  return numberOf(how, constant) == cell.number;
}

const CONSTANT: usize = memory.data(24, 8);

/** The constant as a request would bring it. Overwritten by the next one. */
export function cellOf(how: u32, constant: u32): Cell {
  const cell = changetype<Cell>(CONSTANT);
  if (how == BY_PREFIX) {
    cell.pointer = bundle.stringPointer(constant);
    cell.length = bundle.stringLength(constant);
  } else if (how == BY_NETWORK) {
    cell.pointer = bundle.networkAddress(constant);
    cell.length = bundle.networkPrefix(constant);
  } else cell.number = numberOf(how, constant);
  return cell;
}

function numberOf(how: u32, constant: u32): f64 {
  return how == BY_NUMBER ? bundle.number(constant) : <f64>constant;
}
