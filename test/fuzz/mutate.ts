/** Ways to break a bundle: blindly, and with the format in mind. */
import { TABLE_END } from "../../core/bytecode/digest.ts";
import {
  HEADER_BYTES,
  HEADER_TOTAL_BYTES,
  NONE,
  SECTION_COUNT,
  SECTION_ENTRY_BYTES,
} from "../../core/bytecode/gen/constants.ts";
import { INSTRUCTIONS } from "../../core/bytecode/gen/tables.ts";
import type { Random } from "../differential/random.ts";
import type { Seed } from "./seeds.ts";

export interface Mutant {
  readonly bytes: Uint8Array;
  /** The ways that were taken, for the summary and for a failure's report. */
  readonly ways: readonly string[];
}

/** Values at the edges of indexes, counts, offsets and types. */
const WORDS = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  127,
  128,
  255,
  256,
  257,
  65535,
  65536,
  0x7fffffff,
  0x80000000,
  0xfffffffc,
  0xfffffffe,
  NONE,
];
const HALVES = [0, 1, 2, 3, 255, 256, 0x7fff, 0x8000, 0xfffe, 0xffff];
const BYTES = [0, 1, 2, 5, 6, 7, 9, 0x2e, 0x2f, 0x7f, 0x80, 0xbf, 0xc0, 0xed, 0xf4, 0xff];

/** Words in front of a section's first array, and its arrays with the number of 32-bit words in a row. */
const LAYOUTS: readonly {
  readonly leading: number;
  readonly arrays: readonly { readonly count: number; readonly words: number }[];
}[] = [
  { leading: 1, arrays: [{ count: 0, words: 1 }] },
  { leading: 2, arrays: [{ count: 0, words: 2 }] },
  { leading: 1, arrays: [{ count: 0, words: 5 }] },
  {
    leading: 2,
    arrays: [
      { count: 0, words: 3 },
      { count: 1, words: 1 },
    ],
  },
  { leading: 1, arrays: [{ count: 0, words: 3 }] },
  {
    leading: 2,
    arrays: [
      { count: 0, words: 4 },
      { count: 1, words: 1 },
    ],
  },
  {
    leading: 2,
    arrays: [
      { count: 0, words: 3 },
      { count: 1, words: 2 },
    ],
  },
  { leading: 1, arrays: [{ count: 0, words: 5 }] },
  {
    leading: 2,
    arrays: [
      { count: 0, words: 4 },
      { count: 1, words: 2 },
    ],
  },
  {
    leading: 2,
    arrays: [
      { count: 0, words: 1 },
      { count: 1, words: 2 },
    ],
  },
  { leading: 1, arrays: [{ count: 0, words: 3 }] },
  {
    leading: 3,
    arrays: [
      { count: 0, words: 17 },
      { count: 1, words: 1 },
    ],
  },
  { leading: 1, arrays: [{ count: 0, words: 2 }] },
  {
    leading: 3,
    arrays: [
      { count: 2, words: 2 },
      { count: 0, words: 9 },
      { count: 1, words: 2 },
    ],
  },
  {
    leading: 2,
    arrays: [
      { count: 0, words: 6 },
      { count: 1, words: 2 },
    ],
  },
  { leading: 1, arrays: [{ count: 0, words: 1 }] },
  { leading: 1, arrays: [{ count: 0, words: 1 }] },
  {
    leading: 2,
    arrays: [
      { count: 0, words: 4 },
      { count: 1, words: 2 },
    ],
  },
];
const AUTOMATA = 4;
const CODE = 9;

type Way = (bytes: Uint8Array, random: Random, others: readonly Seed[]) => Uint8Array;

const WAYS: Readonly<Record<string, Way>> = {
  truncate: (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  "truncate and say so": (bytes, random) => withTotal(bytes.slice(0, someWord(bytes, random))),
  append: (bytes, random) =>
    withTotal(Uint8Array.from([...bytes, ...new Uint8Array(4 * (1 + random.below(4)))])),
  "flip bits": (bytes, random) => {
    for (let i = 0; i <= random.below(4); i++) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    return bytes;
  },
  "set a byte": (bytes, random) => {
    bytes[random.below(bytes.length)] = random.pick(BYTES);
    return bytes;
  },
  "set a word": (bytes, random) => setWord(bytes, someWord(bytes, random), random.pick(WORDS)),
  "set a word of the header": (bytes, random) =>
    setWord(bytes, random.below(TABLE_END / 4) * 4, random.pick(WORDS)),
  "swap two words": (bytes, random) => swap(bytes, someWord(bytes, random), someWord(bytes, random), 4),
  "cut words out": (bytes, random) => cut(bytes, random),
  "inflate a count": (bytes, random) => inflate(bytes, random),
  "section of another": (bytes, random, others) => spliceSection(bytes, random, random.pick(others).bytes),
  "cell of a table": (bytes, random) => changeCell(bytes, random),
  "swap two rows": (bytes, random) => swapRows(bytes, random),
  "double a row": (bytes, random) => doubleRow(bytes, random),
  "byte of an automaton": (bytes, random) => {
    const { offset, length } = sectionAt(bytes, AUTOMATA);
    if (length > 0)
      bytes[offset + random.below(length)] = random.chance(70) ? random.below(8) : random.pick(BYTES);
    return bytes;
  },
  "jump elsewhere": (bytes, random) =>
    withInstruction(bytes, random, (view, at) =>
      view.setUint16(at + 6, random.chance(50) ? random.below(8) : random.pick(HALVES), true),
    ),
  "swap operands": (bytes, random) =>
    withInstruction(bytes, random, (_, at) => swap(bytes, at + 2, at + 4, 2)),
  "other operand": (bytes, random) =>
    withInstruction(bytes, random, (view, at) =>
      view.setUint16(
        at + 2 + random.below(2) * 2,
        random.chance(70) ? random.below(12) : random.pick(HALVES),
        true,
      ),
    ),
  "other opcode": (bytes, random) =>
    withInstruction(bytes, random, (view, at) => view.setUint8(at, random.below(INSTRUCTIONS.length + 2))),
  "other flags": (bytes, random) =>
    withInstruction(bytes, random, (view, at) =>
      view.setUint8(at + 1, view.getUint8(at + 1) ^ (1 << random.below(8))),
    ),
};

/** One mutant: one to three ways, one after the other, and again while nothing has changed. Never changes `seed`. */
export function mutate(seed: Uint8Array, random: Random, others: readonly Seed[]): Mutant {
  const names = Object.keys(WAYS);
  const ways: string[] = [];
  let bytes: Uint8Array = seed.slice();
  let left = random.chance(70) ? 1 : 1 + random.below(3);
  while ((left-- > 0 || Buffer.compare(bytes, seed) === 0) && bytes.length >= TABLE_END) {
    const way = random.pick(names);
    ways.push(way);
    bytes = WAYS[way]!(bytes, random, others);
  }
  return { bytes, ways };
}

export const WAY_NAMES: readonly string[] = Object.keys(WAYS);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Start of a whole word; the bytes may be cut off within one. */
function someWord(bytes: Uint8Array, random: Random): number {
  return random.below(Math.floor(bytes.length / 4)) * 4;
}

function setWord(bytes: Uint8Array, at: number, value: number): Uint8Array {
  viewOf(bytes).setUint32(at, value, true);
  return bytes;
}

function withTotal(bytes: Uint8Array): Uint8Array {
  return bytes.length < TABLE_END ? bytes : setWord(bytes, HEADER_TOTAL_BYTES, bytes.length);
}

function swap(bytes: Uint8Array, a: number, b: number, length: number): Uint8Array {
  const first = bytes.slice(a, a + length);
  bytes.copyWithin(a, b, b + length);
  bytes.set(first, b);
  return bytes;
}

// --- sections ---

/** Where the table says that a section lies; kept inside the bytes, which may be broken already. */
function sectionAt(bytes: Uint8Array, section: number): { offset: number; length: number } {
  const view = viewOf(bytes);
  const entry = HEADER_BYTES + section * SECTION_ENTRY_BYTES;
  const offset = Math.min(view.getUint32(entry + 4, true), bytes.length);
  const length = Math.min(view.getUint32(entry + 8, true), bytes.length - offset);
  return { offset, length: length - (length % 4) };
}

/** The bytes with other contents of one section; the table and the total follow. */
function replaceSection(bytes: Uint8Array, section: number, contents: Uint8Array): Uint8Array {
  const { offset, length } = sectionAt(bytes, section);
  const replaced = new Uint8Array(bytes.length - length + contents.length);
  replaced.set(bytes.subarray(0, offset));
  replaced.set(contents, offset);
  replaced.set(bytes.subarray(offset + length), offset + contents.length);
  const view = viewOf(replaced);
  for (let i = section; i < SECTION_COUNT; i++) {
    const entry = HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    if (i === section) view.setUint32(entry + 8, contents.length, true);
    else view.setUint32(entry + 4, view.getUint32(entry + 4, true) + contents.length - length, true);
  }
  return withTotal(replaced);
}

function spliceSection(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const section = random.below(SECTION_COUNT);
  const { offset, length } = sectionAt(other, section);
  return replaceSection(bytes, section, other.slice(offset, offset + length));
}

function cut(bytes: Uint8Array, random: Random): Uint8Array {
  const section = random.below(SECTION_COUNT);
  const { offset, length } = sectionAt(bytes, section);
  const from = random.below(length / 4 + 1) * 4;
  const rest = [
    ...bytes.subarray(offset, offset + from),
    ...bytes.subarray(offset + from + 4 * (1 + random.below(4)), offset + length),
  ];
  return replaceSection(bytes, section, Uint8Array.from(rest.slice(0, rest.length - (rest.length % 4))));
}

function inflate(bytes: Uint8Array, random: Random): Uint8Array {
  const section = random.below(SECTION_COUNT);
  const { offset, length } = sectionAt(bytes, section);
  const word = offset + random.below(LAYOUTS[section]!.leading) * 4;
  if (word + 4 > offset + length) return bytes;
  const value = random.chance(50)
    ? viewOf(bytes).getUint32(word, true) + 1 + random.below(3)
    : random.pick(WORDS);
  return setWord(bytes, word, value);
}

// --- rows ---

interface Rows {
  readonly section: number;
  /** Word of the section that counts them. */
  readonly countAt: number;
  readonly at: number;
  readonly count: number;
  readonly words: number;
}

/** One array of some section, with as many rows as lie inside it; null where there is none. */
function someRows(bytes: Uint8Array, random: Random, section = random.below(SECTION_COUNT)): Rows | null {
  const { offset, length } = sectionAt(bytes, section);
  const { leading, arrays } = LAYOUTS[section]!;
  if (length < leading * 4) return null;
  const view = viewOf(bytes);
  const chosen = section === CODE ? 1 : random.below(arrays.length);
  let at = offset + leading * 4;
  for (const [i, { count, words }] of arrays.entries()) {
    const countAt = offset + count * 4;
    const rows = Math.min(
      view.getUint32(countAt, true),
      Math.floor(Math.max(0, offset + length - at) / (words * 4)),
    );
    if (i === chosen) return rows === 0 ? null : { section, countAt, at, count: rows, words };
    at += rows * words * 4;
  }
  return null;
}

function changeCell(bytes: Uint8Array, random: Random): Uint8Array {
  const rows = someRows(bytes, random);
  if (rows === null) return bytes;
  const view = viewOf(bytes);
  const at = rows.at + random.below(rows.count * rows.words) * 4;
  const before = view.getUint32(at, true);
  const value = random.pick([
    before + 1,
    before - 1,
    random.below(64),
    random.pick(WORDS),
    before ^ (1 << random.below(32)),
  ]);
  if (random.chance(30)) bytes[at + random.below(4)] = random.pick(BYTES);
  else view.setUint32(at, value >>> 0, true);
  return bytes;
}

function swapRows(bytes: Uint8Array, random: Random): Uint8Array {
  const rows = someRows(bytes, random);
  if (rows === null) return bytes;
  const row = (): number => rows.at + random.below(rows.count) * rows.words * 4;
  return swap(bytes, row(), row(), rows.words * 4);
}

/** A row is there twice, and the count says so. */
function doubleRow(bytes: Uint8Array, random: Random): Uint8Array {
  const rows = someRows(bytes, random);
  if (rows === null) return bytes;
  const view = viewOf(bytes);
  view.setUint32(rows.countAt, view.getUint32(rows.countAt, true) + 1, true);
  const { offset, length } = sectionAt(bytes, rows.section);
  const at = rows.at + random.below(rows.count) * rows.words * 4;
  const end = at + rows.words * 4;
  return replaceSection(
    bytes,
    rows.section,
    Uint8Array.from([...bytes.subarray(offset, end), ...bytes.subarray(at, offset + length)]),
  );
}

function withInstruction(
  bytes: Uint8Array,
  random: Random,
  change: (view: DataView, at: number) => void,
): Uint8Array {
  const rows = someRows(bytes, random, CODE);
  if (rows !== null) change(viewOf(bytes), rows.at + random.below(rows.count) * 8);
  return bytes;
}
