/** Sets of numbers as intervals. Addresses are numbers too: bigints. */

export type Bound = number | bigint;

export interface Interval {
  readonly low: Bound;
  readonly lowOpen: boolean;
  readonly high: Bound;
  readonly highOpen: boolean;
}

/** In order, apart from each other. */
export type Intervals = readonly Interval[];

/** All numbers that an attribute can have. `step`: 1 where only whole numbers are possible, else null. */
export interface Space {
  readonly whole: Intervals;
  readonly step: 1 | 1n | null;
}

export function closed(low: Bound, high: Bound): Interval {
  return { low, lowOpen: false, high, highOpen: false };
}

/** Larger pairs of sets are not met: the first stands for what they have in common, which is too much and never too little. */
const PAIRS_MAX = 1024;

/** What two sets have in common. */
export function meetIntervals(a: Intervals, b: Intervals, step: Space["step"]): Intervals {
  if (a.length * b.length > PAIRS_MAX) return a;
  return a.flatMap((x) => b.flatMap((y) => between(x, y, step)));
}

/** What of the space is not in a set. */
export function complement(set: Intervals, { whole, step }: Space): Intervals {
  const [first, last] = [whole[0], whole.at(-1)];
  if (first === undefined || last === undefined) return [];
  const gaps: Interval[] = [];
  let edge: Pick<Interval, "low" | "lowOpen"> = first;
  for (const { low, lowOpen, high, highOpen } of set) {
    gaps.push({ low: edge.low, lowOpen: edge.lowOpen, high: low, highOpen: !lowOpen });
    edge = { low: high, lowOpen: !highOpen };
  }
  gaps.push({ ...edge, high: last.high, highOpen: last.highOpen });
  return meetIntervals(whole, gaps, step);
}

/** Does the set hold the number? */
export function holds(set: Intervals, n: Bound): boolean {
  return set.some(
    ({ low, lowOpen, high, highOpen }) => (lowOpen ? low < n : low <= n) && (highOpen ? n < high : n <= high),
  );
}

function between(a: Interval, b: Interval, step: Space["step"]): Interval[] {
  const lower = a.low > b.low || (a.low === b.low && a.lowOpen) ? a : b;
  const upper = a.high < b.high || (a.high === b.high && a.highOpen) ? a : b;
  const { low, lowOpen } = lower;
  const { high, highOpen } = upper;
  const found =
    step === null
      ? { low, lowOpen, high, highOpen }
      : closed(lowOpen ? plus(low, step) : low, highOpen ? minus(high, step) : high);
  const isEmpty = found.low > found.high || (found.low === found.high && (found.lowOpen || found.highOpen));
  return isEmpty ? [] : [found];
}

/** Bounds of one set are of one kind. */
function plus(n: Bound, step: 1 | 1n): Bound {
  return typeof n === "bigint" ? n + 1n : n + Number(step);
}

function minus(n: Bound, step: 1 | 1n): Bound {
  return typeof n === "bigint" ? n - 1n : n - Number(step);
}
