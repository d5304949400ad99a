/** A set of code points as a graph over the bytes of their UTF-8, in which equal tails are one. */
import { CODE_POINT_MAX, rangesOf } from "./code-points.ts";
import type { CodePoints } from "./pattern.ts";

/** What may follow: ranges of bytes, ascending and apart, and the node behind each; `END` behind the last byte. */
export type ByteNode = readonly { readonly first: number; readonly last: number; readonly to: number }[];

export const END = -1;

export interface ByteGraph {
  /** A node leads to earlier ones only. */
  readonly nodes: readonly ByteNode[];
  readonly root: number;
}

/** Ranges of bytes, one for each byte of a character. */
type ByteRanges = readonly (readonly [first: number, last: number])[];

/** The last code point of each length, and how many bits its last bytes carry. */
const LAST_BY_LENGTH = [0x7f, 0x7ff, 0xffff, CODE_POINT_MAX];

/** The graph of a set; its root has no arcs where the set is empty. */
export function byteGraph(set: CodePoints): ByteGraph {
  const nodes: ByteNode[] = [];
  const indexes = new Map<string, number>();
  const nodeOf = (sequences: readonly ByteRanges[], depth: number): number => {
    if (sequences[0]?.length === depth) return END;
    const arcs: { first: number; last: number; to: number }[] = [];
    for (let i = 0; i < sequences.length; ) {
      const [first, last] = sequences[i]![depth]!;
      let end = i + 1;
      while (end < sequences.length && sequences[end]![depth]![0] === first) end++;
      const to = nodeOf(sequences.slice(i, end), depth + 1);
      const before = arcs.at(-1);
      if (before?.to === to && before.last === first - 1) before.last = last;
      else arcs.push({ first, last, to });
      i = end;
    }
    const key = arcs.map((arc) => `${arc.first}-${arc.last}:${arc.to}`).join();
    const known = indexes.get(key);
    if (known !== undefined) return known;
    indexes.set(key, nodes.push(arcs) - 1);
    return nodes.length - 1;
  };
  const sequences = [...rangesOf(set)].flatMap(([first, last]) => [...sequencesOf(first, last)]);
  const root = nodeOf(sequences, 0);
  return { nodes, root };
}

/** Cut a range so that each piece is one range of bytes at each place. INVARIANT: those with one first byte are neighbours. */
function* sequencesOf(first: number, last: number): Iterable<ByteRanges> {
  for (let length = 1; length <= 4; length++) {
    const low = Math.max(first, length === 1 ? 0 : LAST_BY_LENGTH[length - 2]! + 1);
    const high = Math.min(last, LAST_BY_LENGTH[length - 1]!);
    if (low <= high) yield* sameLength(low, high, length);
  }
}

function* sameLength(first: number, last: number, length: number): Iterable<ByteRanges> {
  for (let tail = 1; tail < length; tail++) {
    const mask = 64 ** tail - 1;
    if (Math.floor(first / (mask + 1)) === Math.floor(last / (mask + 1))) continue;
    if ((first & mask) !== 0) {
      yield* sameLength(first, first | mask, length);
      yield* sameLength((first | mask) + 1, last, length);
      return;
    }
    if ((last & mask) !== mask) {
      yield* sameLength(first, (last & ~mask) - 1, length);
      yield* sameLength(last & ~mask, last, length);
      return;
    }
  }
  const low = encoded(first, length);
  const high = encoded(last, length);
  yield low.map((byte, i) => [byte, high[i]!] as const);
}

function encoded(codePoint: number, length: number): number[] {
  if (length === 1) return [codePoint];
  const bytes: number[] = [];
  let rest = codePoint;
  for (let i = 1; i < length; i++) {
    bytes.unshift(0x80 | (rest & 0x3f));
    rest >>= 6;
  }
  return [((0xf00 >> length) & 0xff) | rest, ...bytes];
}
