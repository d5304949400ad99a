/** Measuring in turns. */

/** The middle one of several numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Mean nanoseconds of one call over a batch. */
export function batchNs(calls: number, call: () => unknown): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) call();
  return Number(process.hrtime.bigint() - start) / calls;
}

/** Medians over rounds in which each candidate is measured once, in turns that begin with another one each time. */
export async function inTurns<T extends string>(
  candidates: Readonly<Record<T, () => number | Promise<number>>>,
  rounds: number,
): Promise<Record<T, number>> {
  const names = Object.keys(candidates) as T[];
  const found = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<T, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      found[name].push(await candidates[name]());
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(found[name])])) as Record<T, number>;
}

/** One line of a report. */
export function line(what: string, value: string, beside = ""): void {
  console.log(`${what.padEnd(58)} ${value.padStart(14)}${beside === "" ? "" : `   ${beside}`}`);
}

/** Nanoseconds in the unit that reads best. */
export function time(ns: number): string {
  return ns < 1_000
    ? `${ns.toFixed(0)} ns`
    : ns < 1_000_000
      ? `${(ns / 1_000).toFixed(2)} us`
      : `${(ns / 1_000_000).toFixed(2)} ms`;
}
