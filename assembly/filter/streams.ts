/**
 * The requests that are alive: which root each belongs to, and whether it still waits for its body. A table with open
 * addressing, keyed by context id; it grows and never shrinks.
 */
import { allocateBlock, freeBlock } from "../host/memory";

/** The headers were seen and held back; the body decides. */
// @ts-ignore: decorator
@inline export const STREAM_WAITS: u32 = 1;
/** Decided: allowed. */
// @ts-ignore: decorator
@inline export const STREAM_ALLOWED: u32 = 2;
/** Decided: denied, or failed and kept stopped. */
// @ts-ignore: decorator
@inline export const STREAM_DENIED: u32 = 3;

// @ts-ignore: decorator
@unmanaged
export class Stream {
  /** 0: the place is free. */
  id: u32;
  root: u32;
  /** 0 before the headers. */
  state: u32;
  /** Bytes of body that the proxy holds so far. */
  bodyBytes: u32;
  /** A block of memory with what the response gets, or 0. */
  kept: usize;
}

// @ts-ignore: decorator
@inline const ENTRY_BYTES: u32 = 20;
// @ts-ignore: decorator
@inline const CAPACITY_MIN: u32 = 64;

let table: usize = 0;
/** A power of two, more than half of it free. */
let capacity: u32 = 0;
let count: u32 = 0;

/** The stream, or null when it is not known. */
export function findStream(id: u32): Stream | null {
  if (capacity == 0 || id == 0) return null;
  for (let at = home(id); ; at = (at + 1) & (capacity - 1)) {
    const stream = place(at);
    if (stream.id == id) return stream;
    if (stream.id == 0) return null;
  }
  return null;
}

/** A new stream. When memory is exhausted it stays unknown, and its request is denied. */
export function addStream(id: u32, root: u32): void {
  if (id == 0 || findStream(id) !== null) return;
  if (count * 2 >= capacity && !grow()) return;
  insert(id, root, 0, 0, 0);
}

/** Forget a stream; false when there is none. Those behind it move up, so that they are still found. */
export function deleteStream(id: u32): bool {
  const found = findStream(id);
  if (found === null) return false;
  if (found.kept != 0) freeBlock(found.kept);
  const mask = capacity - 1;
  let hole = <u32>((changetype<usize>(found) - table) / ENTRY_BYTES);
  for (let at = (hole + 1) & mask; place(at).id != 0; at = (at + 1) & mask) {
    // It may move if its home is not between the hole and where it stands.
    if (((at - home(place(at).id)) & mask) < ((at - hole) & mask)) continue;
    memory.copy(changetype<usize>(place(hole)), changetype<usize>(place(at)), ENTRY_BYTES);
    hole = at;
  }
  place(hole).id = 0;
  count--;
  return true;
}

function grow(): bool {
  const old = table;
  const oldCapacity = capacity;
  const wanted = capacity == 0 ? CAPACITY_MIN : capacity * 2;
  const at = allocateBlock(<usize>wanted * ENTRY_BYTES);
  if (at == 0) return false;
  memory.fill(at, 0, <usize>wanted * ENTRY_BYTES);
  table = at;
  capacity = wanted;
  count = 0;
  for (let i: u32 = 0; i < oldCapacity; i++) {
    const stream = changetype<Stream>(old + i * ENTRY_BYTES);
    if (stream.id != 0) insert(stream.id, stream.root, stream.state, stream.bodyBytes, stream.kept);
  }
  freeBlock(old);
  return true;
}

function insert(id: u32, root: u32, state: u32, bodyBytes: u32, kept: usize): void {
  let at = home(id);
  while (place(at).id != 0) at = (at + 1) & (capacity - 1);
  const stream = place(at);
  stream.id = id;
  stream.root = root;
  stream.state = state;
  stream.bodyBytes = bodyBytes;
  stream.kept = kept;
  count++;
}

function place(index: u32): Stream {
  return changetype<Stream>(table + index * ENTRY_BYTES);
}

/** Context ids are given out one after the other, so they spread by themselves. */
function home(id: u32): u32 {
  return id & (capacity - 1);
}
