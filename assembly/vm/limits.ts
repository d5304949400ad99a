/** What an allow takes: a token from one bucket for each limit of its policies, named by what the limit counts by. */
import { LIMIT_LIMIT_KEY_BYTES_MAX, LIMITER_FAILURE_SHIFT, OBLIGATION_LIMIT, OBLIGATION_LIMIT_KEY } from "../gen/constants";
import { allocate } from "../host/arena";
import { newWriter, Writer } from "../host/writer";
import { isMapped } from "./address";
import { Bundle, PolicyEntry } from "./bundle";
import { Cell, cellAt, INVALID, KIND_ADDRESS, PRESENT } from "./cells";
import { Verdict } from "./decide";
import { readPointer, readText } from "./texts";

/** One token of one bucket. */
// @ts-ignore: decorator
@unmanaged
export class Take {
  /** Microseconds until one token comes back. */
  interval: f64;
  /** Tokens in a full bucket. */
  burst: f64;
  policy: u32;
  /** One of the constants `LIMITER_FAILURE_...`. */
  onFailure: u32;
  /** The bucket: the policy, the limit's place, and the values that it counts by. */
  key: usize;
  keyLength: u32;
  /** The next one, or 0. */
  next: usize;
}

/** Fills `takes` of an allow, in the order of the policies. Returns the policy whose bucket nobody can tell, or -1. */
export function listTakes(bundle: Bundle, cells: usize, verdict: Verdict): i32 {
  let last: usize = 0;
  for (let link = verdict.acting; link != 0; link = load<u32>(link, 4)) {
    const index = load<u32>(link);
    const policy = bundle.policy(index);
    let place: u32 = 0;
    for (let i: u32 = 0; i < policy.obligationCount; i++) {
      const at = policy.firstObligation + i;
      const limit = bundle.obligation(at);
      if (limit.kind != OBLIGATION_LIMIT) continue;
      const key = keyOf(bundle, cells, policy, at, place++);
      const memory = allocate(offsetof<Take>());
      if (key.failed || memory == 0) return index;
      const take = changetype<Take>(memory);
      take.interval = bundle.number(limit.header);
      take.burst = bundle.number(limit.value);
      take.policy = index;
      take.onFailure = policy.flags >> LIMITER_FAILURE_SHIFT;
      take.key = key.start;
      take.keyLength = key.length;
      take.next = 0;
      if (last == 0) verdict.takes = memory;
      else changetype<Take>(last).next = memory;
      last = memory;
    }
  }
  return -1;
}

/** `Policy#0|=alice|-`: `=` in front of a value, `-` for an absent one. It fails where a value is invalid or too long. */
function keyOf(bundle: Bundle, cells: usize, policy: PolicyEntry, limit: u32, place: u32): Writer {
  const nameLength = bundle.stringLength(policy.name);
  const end = policy.firstObligation + policy.obligationCount;
  let stop = limit + 1;
  while (stop < end && bundle.obligation(stop).kind == OBLIGATION_LIMIT_KEY) stop++;
  const key = newWriter(nameLength + 4 + (stop - limit) * (LIMIT_LIMIT_KEY_BYTES_MAX * 3 + 2));
  key.bytes(bundle.stringPointer(policy.name), nameLength).byte(0x23).decimal(place);
  for (let i = limit + 1; i < stop; i++) {
    const cell = cellAt(cells, bundle.obligation(i).header);
    if (cell.state == INVALID) key.failed = true;
    key.text(cell.state == PRESENT ? "|=" : "|-");
    if (cell.state == PRESENT) writeValue(key, bundle, cell, bundle.obligationHeader(i));
  }
  return key;
}

function writeValue(key: Writer, bundle: Bundle, cell: Cell, shape: u32): void {
  if (cell.kind == KIND_ADDRESS) {
    // Of IPv6 the first 64 bits: a client has all the rest to choose from.
    if (isMapped(cell.pointer)) key.hex(cell.pointer + 12, 4);
    else key.hex(cell.pointer, 8);
    return;
  }
  const length = readText(bundle, cell, shape);
  writeEscaped(key, readPointer(), length);
}

function writeEscaped(key: Writer, pointer: usize, length: u32): void {
  if (length > LIMIT_LIMIT_KEY_BYTES_MAX) key.failed = true;
  for (let i: u32 = 0; i < length && !key.failed; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte == 0x25) key.text("%25");
    else if (byte == 0x7c) key.text("%7C");
    else key.byte(byte);
  }
}
