/** Sets of code points, as ranges. */
import type { CodePoints } from "./pattern.ts";

export const CODE_POINT_MAX = 0x10ffff;

export const ALL: CodePoints = [0, CODE_POINT_MAX];

/** A set out of ranges in any order, which may overlap. */
export function setOf(ranges: readonly (readonly [first: number, last: number])[]): CodePoints {
  const set: number[] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const end = set.at(-1);
    if (end !== undefined && first <= end + 1) set[set.length - 1] = Math.max(end, last);
    else set.push(first, last);
  }
  return set;
}

export function* rangesOf(set: CodePoints): Iterable<[first: number, last: number]> {
  for (let i = 0; i < set.length; i += 2) yield [set[i]!, set[i + 1]!];
}

export function union(sets: readonly CodePoints[]): CodePoints {
  return sets.length === 1 ? sets[0]! : setOf(sets.flatMap((set) => [...rangesOf(set)]));
}

/** Every code point that is not in the set. */
export function complement(set: CodePoints): CodePoints {
  const others: number[] = [];
  let next = 0;
  for (const [first, last] of rangesOf(set)) {
    if (first > next) others.push(next, first - 1);
    next = last + 1;
  }
  if (next <= CODE_POINT_MAX) others.push(next, CODE_POINT_MAX);
  return others;
}

/** Is the code point in the set? */
export function includes(set: CodePoints, codePoint: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle * 2 + 1]! < codePoint) low = middle + 1;
    else high = middle;
  }
  return low * 2 < set.length && set[low * 2]! <= codePoint;
}
