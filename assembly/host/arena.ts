/**
 * Memory for one callback: what the host copies in (`proxy_on_memory_allocate`) and everything the filter needs while
 * it decides. Nothing is freed one by one; the next callback starts anew.
 */
import { allocateBlock, freeBlock } from "./memory";

/** Chunks are at least this large; the first one is kept for ever. */
// @ts-ignore: decorator
@inline const CHUNK_BYTES: usize = 1 << 16;
/** A chunk starts with the address of the one before it, and where it ends itself. */
// @ts-ignore: decorator
@inline const CHUNK_HEADER: usize = 16;
/** Limit while a request is served. The largest legal request (headers, body, its tree, its cells) needs a third. */
// @ts-ignore: decorator
@inline export const ARENA_REQUEST_BYTES_MAX: usize = 16 << 20;
/** Limit while a configuration is read: its text, and tables as large as the bundle itself. */
// @ts-ignore: decorator
@inline export const ARENA_CONFIGURE_BYTES_MAX: usize = 128 << 20;

let chunk: usize = 0;
let cursor: usize = 0;
let end: usize = 0;
let taken: usize = 0;
let limit: usize = ARENA_REQUEST_BYTES_MAX;
let exhausted: bool = false;

/** Forget everything allocated before. */
export function resetArena(bytesMax: usize): void {
  while (chunk != 0 && load<usize>(chunk) != 0) {
    const previous = load<usize>(chunk);
    freeBlock(chunk);
    chunk = previous;
  }
  cursor = chunk + CHUNK_HEADER;
  end = chunk == 0 ? cursor : chunk + CHUNK_BYTES;
  taken = 0;
  limit = bytesMax;
  exhausted = false;
}

/** `bytes` bytes, aligned to 8, content undefined. 0 when exhausted, and then `arenaExhausted` stays true until the next reset. */
export function allocate(bytes: usize): usize {
  const size = max((bytes + 7) & ~7, 8);
  if (size < bytes || size > limit || taken + size > limit) return exhaust();
  if (cursor + size > end && !addChunk(size)) return exhaust();
  const address = cursor;
  cursor += size;
  taken += size;
  return address;
}

/** The same, filled with zeros. */
export function allocateZeroed(bytes: usize): usize {
  const address = allocate(bytes);
  if (address != 0) memory.fill(address, 0, bytes);
  return address;
}

/** What `markArena` noted, by its number (the interpreter's are 0 to 2, those of selection/build.ts 3 to 10): chunk, cursor and bytes taken. */
const MARKS: usize = memory.data(11 * 12, 4);

/** Note what is allocated now. */
export function markArena(number: u32): void {
  const mark = MARKS + number * 12;
  store<usize>(mark, chunk);
  store<usize>(mark, cursor, 4);
  store<usize>(mark, taken, 8);
}

/** Forget everything allocated since the mark. A mark that is older than another one outlives it. */
export function releaseArena(number: u32): void {
  const mark = MARKS + number * 12;
  while (chunk != load<usize>(mark)) {
    const previous = load<usize>(chunk);
    freeBlock(chunk);
    chunk = previous;
  }
  cursor = load<usize>(mark, 4);
  taken = load<usize>(mark, 8);
  if (chunk != 0) end = load<usize>(chunk, 4);
}

/** An allocation failed since the last reset: no answer may be given from what was computed. */
export function arenaExhausted(): bool {
  return exhausted;
}

/** Memory ran out, here or elsewhere on the way of the callback. Always 0. */
export function exhaust(): usize {
  exhausted = true;
  return 0;
}

function addChunk(size: usize): bool {
  const bytes = chunk == 0 && size <= CHUNK_BYTES - CHUNK_HEADER ? CHUNK_BYTES : max(CHUNK_BYTES, size + CHUNK_HEADER);
  if (chunk == 0 && bytes > CHUNK_BYTES && !addChunk(8)) return false;
  const next = allocateBlock(bytes);
  if (next == 0) return false;
  store<usize>(next, chunk);
  store<usize>(next, next + bytes, 4);
  chunk = next;
  cursor = next + CHUNK_HEADER;
  end = next + bytes;
  return true;
}
