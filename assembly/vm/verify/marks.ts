/**
 * A set of small numbers that is emptied in no time: a word for each number holds the round in which it was last
 * added. Used for "each once" rules over string indexes.
 */
import { allocateZeroed } from "../../host/arena";

let words: usize = 0;
let round: u32 = 0;

/** Numbers below `count`. False when memory is exhausted. */
export function newMarks(count: u32): bool {
  words = allocateZeroed(<usize>count * 4);
  round = 0;
  return words != 0;
}

/** Begin an empty set. */
export function clearMarks(): void {
  round++;
}

/** Add a number below `count`; false when it was there already. */
export function mark(number: u32): bool {
  const at = words + (<usize>number << 2);
  if (load<u32>(at) == round) return false;
  store<u32>(at, round);
  return true;
}
