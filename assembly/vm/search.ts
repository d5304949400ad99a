/** Does a text hold another? Both may be a client's, so the time is linear in their lengths. */
import { exhaust } from "../host/arena";
import { allocateBlock, freeBlock } from "../host/memory";

/** Up to so many bytes a part is looked for plainly: the bad case is small then, and no table is needed. */
// @ts-ignore: decorator
@inline const PLAIN_MAX: u32 = 16;

export function containsBytes(text: usize, textLength: u32, part: usize, partLength: u32): bool {
  if (partLength == 0) return true;
  if (partLength > textLength) return false;
  return partLength <= PLAIN_MAX ? searchPlainly(text, textLength, part, partLength) : searchWithTable(text, textLength, part, partLength);
}

function searchPlainly(text: usize, textLength: u32, part: usize, partLength: u32): bool {
  const first = load<u8>(part);
  const last = text + textLength - partLength;
  for (let at = text; at <= last; at++) {
    if (load<u8>(at) == first && memory.compare(at, part, partLength) == 0) return true;
  }
  return false;
}

/**
 * Knuth, Morris and Pratt: `table` holds, for each beginning of the part, the longest border of it. It is given back at
 * once, since one request may make many such searches.
 */
function searchWithTable(text: usize, textLength: u32, part: usize, partLength: u32): bool {
  const table = allocateBlock(<usize>partLength * 4);
  if (table == 0) {
    exhaust();
    return false;
  }
  const found = fillAndSearch(table, text, textLength, part, partLength);
  freeBlock(table);
  return found;
}

function fillAndSearch(table: usize, text: usize, textLength: u32, part: usize, partLength: u32): bool {
  store<u32>(table, 0);
  let matched: u32 = 0;
  for (let i: u32 = 1; i < partLength; i++) {
    matched = advance(table, part, matched, load<u8>(part + i));
    store<u32>(table + (i << 2), matched);
  }
  matched = 0;
  for (let i: u32 = 0; i < textLength; i++) {
    matched = advance(table, part, matched, load<u8>(text + i));
    if (matched == partLength) return true;
  }
  return false;
}

/** Length of the part's longest beginning that ends here, when `matched` bytes of it ended one byte before. */
function advance(table: usize, part: usize, matched: u32, byte: u32): u32 {
  while (matched > 0 && load<u8>(part + matched) != byte) matched = load<u32>(table + ((matched - 1) << 2));
  return load<u8>(part + matched) == byte ? matched + 1 : matched;
}
