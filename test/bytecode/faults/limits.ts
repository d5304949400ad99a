/** Faults against rules 14 and 15: what limits count, and by what. */
import { FEATURE_LIMITS, NONE } from "../../../core/bytecode/gen/constants.ts";
import type { Model } from "../model.ts";
import { CELLS, sample } from "../sample.ts";
import type { Fault } from "./fault.ts";

/** Of the sample. */
const GLOBAL_CELLS = Math.max(...Object.values(CELLS)) + 1;
const SECOND = 1_000_000;

/** The sample whose first policy has limits instead of what else it does, and keys behind them. */
export function withLimits(
  m: Model,
  rows: readonly (readonly [kind: number, first: number, second: number])[],
): void {
  const added = rows.map(([kind, header, value]) => ({ kind, header, value }));
  m.obligations.splice(0, 1, ...added);
  m.policies.forEach((policy, i) => {
    if (i === 0) policy.obligations = added.length;
    else policy.firstObligation += added.length - 1;
  });
  m.features |= FEATURE_LIMITS;
}

const limits = (name: string, rows: Parameters<typeof withLimits>[1], message: string): Fault => [
  name,
  (m) => {
    m.numbers.push(SECOND, 1_000_001, 1_000_000 * 31_622_401, -1, 1e308);
    withLimits(m, rows);
  },
  message,
];
/** Numbers of the sample, and those that follow: by what they are. */
const NUMBER = { two: 0, half: 1, second: 3, tooMany: 4, tooLong: 5, negative: 6, huge: 7 };
const A_SECOND = [5, NUMBER.second, NUMBER.two] as const;
const key = (cell: number): [6, number, number] => [6, cell, NONE];

export const LIMITS: readonly Fault[] = [
  limits("interval", [[5, 8, 0]], "obligations entry 0: number 8 does not exist, there are 8"),
  limits("burst", [[5, 0, 8]], "obligations entry 0: number 8 does not exist, there are 8"),
  limits("half a token", [[5, NUMBER.second, NUMBER.half]], "obligations entry 0: a bucket holds 0.5 tokens"),
  limits(
    "fewer than no tokens",
    [[5, NUMBER.second, NUMBER.negative]],
    "obligations entry 0: a bucket holds -1 tokens",
  ),
  limits(
    "more tokens than a bucket takes",
    [[5, NUMBER.half, NUMBER.tooMany]],
    "obligations entry 0: a bucket holds 1000001 tokens",
  ),
  limits(
    "a token that comes back before it goes",
    [[5, NUMBER.negative, NUMBER.two]],
    "obligations entry 0: a token comes back in -1 microseconds",
  ),
  limits(
    "a bucket that takes a year to fill",
    [[5, NUMBER.tooLong, NUMBER.two]],
    "obligations entry 0: a token comes back in 31622401000000 microseconds",
  ),
  limits(
    "a bucket that is never full",
    [[5, NUMBER.huge, NUMBER.two]],
    `obligations entry 0: a token comes back in ${1e308} microseconds`,
  ),
  limits(
    "cell past the end",
    [A_SECOND, key(999)],
    `obligations entry 1: cell 999 does not exist, there are ${GLOBAL_CELLS}`,
  ),
  limits(
    "cell of a float",
    [A_SECOND, key(CELLS.ratio)],
    `obligations entry 1: cell ${CELLS.ratio} is nothing to count by`,
  ),
  limits(
    "cell of a list",
    [A_SECOND, key(CELLS.tags)],
    `obligations entry 1: cell ${CELLS.tags} is nothing to count by`,
  ),
  limits("key with a value", [A_SECOND, [6, CELLS.environment, 0]], "obligations entry 1: a key has a value"),
  limits(
    "key without a limit",
    [key(CELLS.environment), A_SECOND],
    "policies entry 0: a key follows no limit, or more than 4 follow one",
  ),
  limits(
    "key behind a header",
    [A_SECOND, [1, 0, 0], key(CELLS.environment)],
    "policies entry 0: a key follows no limit, or more than 4 follow one",
  ),
  limits(
    "a key too many",
    [A_SECOND, ...Array.from({ length: 5 }, () => key(CELLS.environment))],
    "policies entry 0: a key follows no limit, or more than 4 follow one",
  ),
  limits(
    "a limit too many",
    Array.from({ length: 9 }, () => A_SECOND),
    "policies entry 0: it has more than 8 limits",
  ),
  [
    "a limit of a policy that only denies",
    (m) => {
      m.numbers.push(SECOND);
      m.obligations.splice(1, 0, { kind: 5, header: 3, value: 0 });
      m.policies[1]!.obligations = 1;
      m.policies[2]!.firstObligation = 2;
      m.features |= FEATURE_LIMITS;
    },
    "policies entry 1: it cannot allow and has something to do on an allow",
  ],
  [
    "limits without the feature",
    (m) => {
      m.numbers.push(SECOND);
      withLimits(m, [A_SECOND]);
      m.features &= ~FEATURE_LIMITS;
    },
    `header: features 0x${sample().features.toString(16)}, slots and code need 0x${(sample().features | FEATURE_LIMITS).toString(16)}`,
  ],
];
