/**
 * Blocks that live longer than one callback: bundles, tables, the arena's chunks. First fit over a free list that is
 * ordered by address, so neighbours join again. Linear memory never shrinks, hence what is freed must be used again.
 * INVARIANT: nothing else in the module grows memory or uses what lies above `__heap_base`.
 *
 * A block starts with its size and, while free, the address of the next free block; what the caller gets lies behind.
 */

// @ts-ignore: decorator
@inline const BLOCK_HEADER: usize = 16;
/** A rest smaller than this stays with the block. */
// @ts-ignore: decorator
@inline const SPLIT_BYTES_MIN: usize = 64;
/** No block is larger; keeps sums of sizes far from 32 bits. */
// @ts-ignore: decorator
@inline const BLOCK_BYTES_MAX: usize = 1 << 28;
// @ts-ignore: decorator
@inline const PAGE_BYTES: usize = 1 << 16;

let firstFree: usize = 0;
/** End of what was given to the free list so far; 0 before the first block. */
let heapEnd: usize = 0;

/** A block of at least `bytes` bytes, aligned to 16; 0 when memory is exhausted. Its content is undefined. */
export function allocateBlock(bytes: usize): usize {
  if (bytes > BLOCK_BYTES_MAX) return 0;
  const size = (bytes + BLOCK_HEADER + 15) & ~15;
  let block = takeFree(size);
  if (block == 0 && growBy(size)) block = takeFree(size);
  return block == 0 ? 0 : block + BLOCK_HEADER;
}

/** Give a block back. 0 is ignored. */
export function freeBlock(address: usize): void {
  if (address != 0) insertFree(address - BLOCK_HEADER);
}

function takeFree(size: usize): usize {
  let previous: usize = 0;
  for (let block = firstFree; block != 0; block = nextOf(block)) {
    const found = sizeOf(block);
    if (found >= size) {
      let next = nextOf(block);
      if (found - size >= SPLIT_BYTES_MIN) {
        const rest = block + size;
        store<usize>(rest, found - size);
        store<usize>(rest, next, sizeof<usize>());
        store<usize>(block, size);
        next = rest;
      }
      if (previous == 0) firstFree = next;
      else store<usize>(previous, next, sizeof<usize>());
      return block;
    }
    previous = block;
  }
  return 0;
}

function insertFree(block: usize): void {
  let previous: usize = 0;
  let next = firstFree;
  while (next != 0 && next < block) {
    previous = next;
    next = nextOf(next);
  }
  if (next != 0 && block + sizeOf(block) == next) {
    store<usize>(block, sizeOf(block) + sizeOf(next));
    next = nextOf(next);
  }
  store<usize>(block, next, sizeof<usize>());
  if (previous != 0 && previous + sizeOf(previous) == block) {
    store<usize>(previous, sizeOf(previous) + sizeOf(block));
    store<usize>(previous, next, sizeof<usize>());
  } else if (previous == 0) firstFree = block;
  else store<usize>(previous, block, sizeof<usize>());
}

/** Adds memory to the free list so that a block of `size` bytes fits. False when the host gives no more. */
function growBy(size: usize): bool {
  if (heapEnd == 0) {
    heapEnd = (__heap_base + 15) & ~15;
    const initialEnd = (<usize>memory.size()) << 16;
    if (initialEnd > heapEnd + SPLIT_BYTES_MIN) addRegion(initialEnd);
  }
  let last = firstFree;
  while (last != 0 && nextOf(last) != 0) last = nextOf(last);
  const atEnd = last != 0 && last + sizeOf(last) == heapEnd ? sizeOf(last) : 0;
  if (atEnd >= size) return true;
  const missing = size - atEnd;
  const pages = (missing + PAGE_BYTES - 1) >> 16;
  if (memory.grow(<i32>pages) < 0) return false;
  addRegion((<usize>memory.size()) << 16);
  return true;
}

function addRegion(end: usize): void {
  const block = heapEnd;
  store<usize>(block, end - block);
  heapEnd = end;
  insertFree(block);
}

// @ts-ignore: decorator
@inline
function sizeOf(block: usize): usize {
  return load<usize>(block);
}

// @ts-ignore: decorator
@inline
function nextOf(block: usize): usize {
  return load<usize>(block, sizeof<usize>());
}
