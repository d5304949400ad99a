/**
 * Which of two path patterns is tried first: their segments are compared from the left, a literal before one segment
 * whatever it is, that before `**`. Where one pattern ends it comes before the `**` of the other; behind a `**` the
 * pattern that goes on comes first, since it asks for more. Elsewhere patterns of two lengths match no path together.
 */

const REST = 2;

/** By kind of segment: literal, capture, any, rest. A capture is as specific as `*`. */
export const KIND_RANKS: readonly number[] = [0, 1, 1, REST];

/** Of the ranks of two patterns' segments. Negative where `a` is tried first, 0 where they are the same. */
export function compareKinds(a: readonly number[], b: readonly number[]): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  if (i === a.length && i === b.length) return 0;
  if (i < a.length && i < b.length) return a[i]! - b[i]!;
  const aEnds = i === a.length;
  return a.slice(0, i).includes(REST) !== aEnds ? -1 : 1;
}
