/**
 * Values that policies and requests draw from. Both draw from the same small pools, so that comparisons are true about
 * as often as false, and the pools sit on the edges: empty texts, prefixes of one another, exact bounds of numbers.
 */

import type { Address } from "../reference/values.ts";
import type { Random } from "./random.ts";

export const STRINGS = [
  "",
  "a",
  "b",
  "ab",
  "ba",
  "aab",
  "é",
  "日本",
  "😀a",
  "a b",
  "A",
  "low",
  "a,b",
  'q"\\',
] as const;
const PIECES = [
  ...[
    "a",
    "b",
    "ab",
    "é",
    "日",
    "😀",
    " ",
    ",",
    "x",
    ".",
    "\\w",
    "\\W",
    "[ab]",
    "[^a]",
    "[b-é]",
    "\\PL",
    "[[:alpha:]]",
  ],
  ...[
    "(?:a|b)",
    "(a|)",
    "(?i)A",
    "(?i:low)",
    "(?s:.)",
    "\\b",
    "\\B",
    "^",
    "$",
    "(?m:^)",
    "\\x{65E5}",
    "\\Qa,b\\E",
  ],
];

/** A regular expression that is about as often true of the strings as false. */
export function regularExpressionOf(random: Random): string {
  const pieces = random.times(random.below(4), () => {
    const quantifier = random.chance(30) ? random.pick(["*", "+", "?", "{2}", "{0,2}", "+?"]) : "";
    return random.pick(PIECES) + quantifier;
  });
  const body = random.chance(15) ? `${pieces.join("")}|${random.pick(PIECES)}` : pieces.join("");
  return `${random.chance(40) ? "^" : ""}${body}${random.chance(40) ? "$" : ""}`;
}

export function globOf(random: Random): string {
  const pieces = ["a", "b", "é", "日本", "a b", ",", "\\*", "\\\\", "low"];
  return random.times(random.below(5), () => (random.chance(45) ? "*" : random.pick(pieces))).join("");
}

export const INTS = [-1, 0, 1, 2, 3, 7, 9007199254740991, -9007199254740991] as const;
/** Spellings; value and spelling agree by `Number`. */
export const FLOATS = [
  "-1.5",
  "0.0",
  "0.5",
  "1.0",
  "2.5",
  "2",
  "1e300",
  "5e-324",
  "-1e-7",
  "9007199254740993.0",
  "3",
] as const;

export interface SpelledTime {
  readonly text: string;
  readonly ms: number;
}

/** Spellings of points in time, several of one, with their milliseconds. */
export const DATETIMES: readonly SpelledTime[] = [
  { text: "1970-01-01T00:00:00Z", ms: 0 },
  { text: "1969-12-31T23:59:59.999Z", ms: -1 },
  { text: "2026-11-27T16:00:00Z", ms: 1_795_795_200_000 },
  { text: "2026-11-27T17:00:00.0009+01:00", ms: 1_795_795_200_000 },
  { text: "2026-11-27T16:00:00.001Z", ms: 1_795_795_200_001 },
  { text: "2024-02-29T12:00:00-05:30", ms: 1_709_227_800_000 },
  { text: "9999-12-31T23:59:59.999Z", ms: 253_402_300_799_999 },
  { text: "0000-01-01T00:00:00Z", ms: -62_167_219_200_000 },
];
/** Likewise of lengths of time. */
export const DURATIONS: readonly SpelledTime[] = [
  { text: "0s", ms: 0 },
  { text: "1ms", ms: 1 },
  { text: "60s", ms: 60_000 },
  { text: "1m", ms: 60_000 },
  { text: "1h30m", ms: 5_400_000 },
  { text: "1d", ms: 86_400_000 },
  { text: "-1d", ms: -86_400_000 },
  { text: "9007199254740991ms", ms: 9007199254740991 },
];

export interface SpelledAddress {
  readonly text: string;
  readonly address: Address;
}

function v4(text: string, bytes: readonly number[], prefix = 32): SpelledAddress {
  return { text, address: { bytes, prefix } };
}

/** `head` and `tail` are the first and last bytes, zeros between. */
function v6(text: string, head: readonly number[], tail: readonly number[], prefix = 128): SpelledAddress {
  const zeros = new Array<number>(16 - head.length - tail.length).fill(0);
  return { text, address: { bytes: [...head, ...zeros, ...tail], prefix } };
}

export const ADDRESSES: readonly SpelledAddress[] = [
  v4("10.0.0.1", [10, 0, 0, 1]),
  v4("10.200.0.3", [10, 200, 0, 3]),
  v4("192.168.0.1", [192, 168, 0, 1]),
  v4("0.0.0.0", [0, 0, 0, 0]),
  v4("255.255.255.255", [255, 255, 255, 255]),
  v4("::ffff:10.0.0.1", [10, 0, 0, 1]),
  v4("::FFFF:a00:1", [10, 0, 0, 1]),
  v6("::", [], []),
  v6("::1", [], [1]),
  v6("2001:db8::1", [0x20, 1, 0x0d, 0xb8], [1]),
  v6("2001:DB8:0:0:0:0:0:1", [0x20, 1, 0x0d, 0xb8], [1]),
  v6("2001:db8:8000::10.0.0.1", [0x20, 1, 0x0d, 0xb8, 0x80], [10, 0, 0, 1]),
];

export const NETWORKS: readonly SpelledAddress[] = [
  v4("10.0.0.0/8", [10, 0, 0, 0], 8),
  v4("10.0.0.0/9", [10, 0, 0, 0], 9),
  v4("10.0.0.1/32", [10, 0, 0, 1], 32),
  v4("192.168.0.0/31", [192, 168, 0, 0], 31),
  v4("0.0.0.0/0", [0, 0, 0, 0], 0),
  v4("::ffff:10.0.0.0/104", [10, 0, 0, 0], 8),
  v4("::ffff:0:0/96", [0, 0, 0, 0], 0),
  v6("::/0", [], [], 0),
  v6("::1/128", [], [1], 128),
  v6("2001:db8::/32", [0x20, 1, 0x0d, 0xb8], [], 32),
  v6("2001:db8:8000::/33", [0x20, 1, 0x0d, 0xb8, 0x80], [], 33),
];
