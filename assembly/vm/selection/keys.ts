/**
 * What the triggers of policies demand of single values, read off their code: each demand is a test that every way to
 * ACCEPT passes and whose failure rejects. A value that fails makes the trigger false, a value that is absent or invalid
 * does not. The same as core/runtime/selection/keys.ts, but for its limits.
 */
import * as op from "../../gen/constants";
import { beginPolicy, bundle, constantB } from "../interpreter";

/** How a cell is looked up: a string's index, a member, a number's index, the prefixes of a text, the networks of an ip. */
// @ts-ignore: decorator
@inline export const BY_TEXT: u32 = 0;
// @ts-ignore: decorator
@inline export const BY_MEMBER: u32 = 1;
// @ts-ignore: decorator
@inline export const BY_NUMBER: u32 = 2;
// @ts-ignore: decorator
@inline export const BY_PREFIX: u32 = 3;
// @ts-ignore: decorator
@inline export const BY_NETWORK: u32 = 4;

/** The policy demands this value of the cell, or another one that it has in the same dimension. */
// @ts-ignore: decorator
@unmanaged
export class Demand {
  /** Eight times the cell, and how it is looked up. */
  dimension: u32;
  /** A string, number or network by its index, or a member. */
  value: u32;
  policy: u32;
}

// @ts-ignore: decorator
@inline export const DEMAND_BYTES: u32 = 12;
/** Values of one policy, of all its keys together: a key that has more is left out. */
// @ts-ignore: decorator
@inline const VALUES_MAX: u32 = 32;
/** So many may be written behind the last one that counts: those of a key that is given up. */
// @ts-ignore: decorator
@inline export const DEMANDS_SPARE: u32 = 2 * VALUES_MAX + 2;
/** So much of a trigger is looked at, however long it is: many policies may share it. */
// @ts-ignore: decorator
@inline const STEPS_MAX: u32 = 128;

// @ts-ignore: decorator
@inline const SENSE: u32 = 1 << 8;
/** Bits of a test that is no key: negated, or of an element or a temporary. */
// @ts-ignore: decorator
@inline const NO_KEY: u32 = (1 << 9) | (3 << 10);

let demands: usize = 0;
let count: u32 = 0;
/** The policy at hand. */
let policy: u32 = 0;

/**
 * Writes the demands of `size` policies (u32 each) of the bundle that `beginRuns` was told of to `into`; returns how many
 * they are. `into` 0 only counts. Two keys of one dimension count as one with the values of both.
 */
export function gatherDemands(policies: usize, size: u32, into: usize): u32 {
  demands = into;
  count = 0;
  for (let i: u32 = 0; i < size; i++) {
    policy = load<u32>(policies + (i << 2));
    const entry = bundle.policy(policy);
    // A policy of a set is asked only where the selector names the set.
    if (entry.set != op.NONE) demand((bundle.slotCell(bundle.selector) << 3) | BY_TEXT, bundle.policySet(entry.set));
    if (entry.trigger == op.NONE) continue;
    beginPolicy(bundle.constant(entry.firstConstant));
    gatherOfTrigger(bundle.instruction(bundle.routineStart(entry.trigger)));
  }
  return count;
}

function demand(dimension: u32, value: u32): void {
  if (demands != 0) {
    const entry = changetype<Demand>(demands + count * DEMAND_BYTES);
    entry.dimension = dimension;
    entry.value = value;
    entry.policy = policy;
  }
  count++;
}

function gatherOfTrigger(start: usize): void {
  const before = count;
  /** The furthest place, REJECT apart, that some jump so far leads to: before it there are ways around. */
  let furthest = start;
  /** First instruction of the test: of the counts in front of it, if there are any. */
  let first = start;
  let at = start;
  for (let steps: u32 = 0; steps < STEPS_MAX; steps++) {
    const opcode = opcodeAt(at);
    let next = at + op.INSTRUCTION_BYTES;
    if (opcode == op.OP_ACCEPT) return;
    if (opcode == op.OP_REJECT) {
      if (next > furthest) return;
      first = next;
    } else {
      if (opcode >= op.OP_TALLY || (opcode >= op.OP_ANY && opcode <= op.OP_COUNT)) next += (<usize>load<u16>(at, 4)) << 3;
      if (opcode < op.OP_LOAD_NUMBER && opcode != op.OP_COUNT) {
        if (furthest <= first) {
          const kept = count;
          if (!gatherOfKey(at, before)) count = kept;
        }
        const to = jumpOf(at);
        if (opcodeAt(to) != op.OP_REJECT) furthest = max(furthest, to);
        first = next;
      }
    }
    at = next;
  }
}

/** One equality whose failure rejects, or several of one cell of which one must hold; false for other tests. */
function gatherOfKey(start: usize, before: u32): bool {
  let holds: usize = 0;
  let dimension: u32 = 0;
  let at = start;
  while (true) {
    const head = <u32>load<u16>(at);
    const how = howOf(head & 0xff);
    const own = ((<u32>load<u16>(at, 2)) << 3) | (how & 7);
    const next = at + op.INSTRUCTION_BYTES;
    const jump = jumpOf(at);
    const whenTrue = (head & SENSE) != 0 ? jump : next;
    const whenFalse = next + jump - whenTrue;
    if (how == NOT_AT_ALL || (head & NO_KEY) != 0) return false;
    if (holds != 0 && (whenTrue != holds || own != dimension)) return false;
    holds = whenTrue;
    dimension = own;
    const b = constantB(head, at);
    if ((how & A_SET) == 0) demand(own, b);
    else {
      const set = bundle.set(b);
      const size = min(set.count, VALUES_MAX + 1);
      for (let i: u32 = 0; i < size; i++) demand(own, bundle.element(set.first + i));
    }
    if (count - before > VALUES_MAX) return false;
    if (opcodeAt(whenFalse) == op.OP_REJECT) return true;
    if (whenFalse != next) return false;
    at = next;
  }
}

// @ts-ignore: decorator
@inline const A_SET: u32 = 8;
// @ts-ignore: decorator
@inline const NOT_AT_ALL: u32 = 16;

/** How the cell of such a test is looked up, and whether its constant is a set. */
function howOf(opcode: u32): u32 {
  switch (opcode) {
    case op.OP_EQ_STRING:
      return BY_TEXT;
    case op.OP_IN_STRINGS:
      return BY_TEXT | A_SET;
    case op.OP_EQ_MEMBER:
      return BY_MEMBER;
    case op.OP_IN_MEMBERS:
      return BY_MEMBER | A_SET;
    case op.OP_EQ_NUMBER:
      return BY_NUMBER;
    case op.OP_IN_NUMBERS:
      return BY_NUMBER | A_SET;
    case op.OP_STARTS_STRING:
      return BY_PREFIX;
    case op.OP_IN_NETWORK:
      return BY_NETWORK;
    case op.OP_IN_NETWORKS:
      return BY_NETWORK | A_SET;
    default:
      return NOT_AT_ALL;
  }
}

function opcodeAt(at: usize): u32 {
  return load<u8>(at);
}

function jumpOf(at: usize): usize {
  return at + ((<usize>load<u16>(at, 6)) << 3);
}
