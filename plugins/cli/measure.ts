/** Measuring calls: warm up, then rounds in which every candidate has its turn, so that what disturbs one disturbs all. */

export interface Measurement {
  /** Nanoseconds of one call, medians of rounds. */
  readonly median: number;
  readonly fastest: number;
  readonly slowest: number;
  /** Half of the rounds lie within this share of the median, on either side together. */
  readonly spread: number;
  /** Calls in one round. */
  readonly calls: number;
}

export interface MeasureOptions {
  readonly rounds: number;
  /** How long a round of one candidate takes, about. */
  readonly roundMs: number;
  readonly warmUpMs: number;
  /** Nanoseconds since some moment. */
  readonly clock: () => bigint;
}

const NS_PER_MS = 1_000_000;
const CALLS_MAX = 1 << 24;

/** Measure all candidates by turns. */
export function measure<T extends string>(
  candidates: Readonly<Record<T, () => unknown>>,
  options: MeasureOptions,
): Record<T, Measurement> {
  const names = Object.keys(candidates) as T[];
  const calls = new Map(names.map((name) => [name, warmUp(candidates[name], options)]));
  const rounds = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = 0; round < options.rounds; round++) {
    names.forEach((_, i) => {
      const name = names[(i + round) % names.length]!;
      const count = calls.get(name)!;
      rounds.get(name)!.push(batchNs(candidates[name], count, options.clock) / count);
    });
  }
  return Object.fromEntries(
    names.map((name) => [name, summary(rounds.get(name)!, calls.get(name)!)]),
  ) as Record<T, Measurement>;
}

/** Runs until it has taken long enough; returns how many calls fill a round. */
function warmUp(call: () => unknown, { roundMs, warmUpMs, clock }: MeasureOptions): number {
  let calls = 1;
  for (let spent = 0; ; ) {
    const ns = batchNs(call, calls, clock);
    spent += ns;
    const fills = ns >= roundMs * NS_PER_MS;
    if ((fills || calls >= CALLS_MAX) && spent >= warmUpMs * NS_PER_MS) return calls;
    if (!fills && calls < CALLS_MAX) calls *= 2;
  }
}

/** What the calls returned is kept up to the end, so that none is optimised away. */
function batchNs(call: () => unknown, calls: number, clock: () => bigint): number {
  let kept: unknown;
  const start = clock();
  for (let i = 0; i < calls; i++) kept = call();
  const ns = Number(clock() - start);
  return kept === batchNs ? 0 : ns;
}

function summary(rounds: readonly number[], calls: number): Measurement {
  const sorted = [...rounds].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  const median = at(0.5);
  return {
    median,
    fastest: sorted[0]!,
    slowest: sorted.at(-1)!,
    spread: median === 0 ? 0 : (at(0.75) - at(0.25)) / median,
    calls,
  };
}
