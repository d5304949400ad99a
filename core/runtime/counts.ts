/**
 * Numbers of elements that fulfil something, as far as they are known. A count is one number, so that counting allocates
 * nothing: the elements that surely do in the upper half, those that possibly do in the lower, each below 2^15 since a
 * list holds at most LIMIT_LIST_ELEMENTS_MAX; negative where the list itself is unknown.
 */

/** The count of an unknown list. */
export const NO_COUNT = -1;
/** What an element adds that surely counts (and so possibly does). */
export const SURE = 0x1_0001;
/** What an element adds that may count. */
export const POSSIBLE = 1;

/** What is known of a count. */
export interface CountRange {
  readonly least: number;
  readonly most: number;
}

/** Null for the count of an unknown list. */
export function countRange(count: number): CountRange | null {
  return count < 0 ? null : { least: count >> 16, most: count & 0xffff };
}

/** Above every count. */
const BEYOND = 0x8000;

/** As answers of tests: false, true, unknown. */
type Truth = 0 | 1 | 2;

/**
 * Does a count stand in the order (0 equal, 1 less, 2 at most) to the number `values[index]`, whichever number it is?
 * (The place, since a number that is no small integer is allocated when it is passed.)
 */
export function compareCount(order: number, count: number, values: Float64Array, index: number): Truth {
  if (count < 0) return 2;
  const value = values[index]!;
  const below = Math.floor(value);
  // A count is a whole number: it equals no fraction, and is less than one where it is less than the next whole number.
  if (order === 0 && below !== value) return 0;
  const whole = order === 1 && below !== value ? below + 1 : below;
  return stands(order, count, whole < -1 ? -1 : whole > BEYOND ? BEYOND : whole | 0);
}

/** Likewise to another count, one of the two being exact; else unknown. */
export function compareCounts(order: number, left: number, right: number): Truth {
  if (left < 0 || right < 0) return 2;
  if (isExact(right)) return stands(order, left, right >> 16);
  if (!isExact(left)) return 2;
  // With the sides swapped, `n = c` stays, `n < c` is `not c <= n`, and `n <= c` is `not c < n`.
  const truth = stands(order === 0 ? 0 : 3 - order, right, left >> 16);
  return order === 0 || truth === 2 ? truth : truth === 1 ? 0 : 1;
}

function stands(order: number, count: number, value: number): Truth {
  const low = count >> 16;
  const high = count & 0xffff;
  switch (order) {
    case 0:
      return value < low || value > high ? 0 : low === high ? 1 : 2;
    case 1:
      return high < value ? 1 : low >= value ? 0 : 2;
    default:
      return high <= value ? 1 : low > value ? 0 : 2;
  }
}

function isExact(count: number): boolean {
  return count >> 16 === (count & 0xffff);
}
