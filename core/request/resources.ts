/** Which declared resource a path is, and its captures (docs/request.md, section 3). */
import { LIMIT_PATH_BYTES_MAX } from "../bytecode/gen/constants.ts";
import type { Program, Resource, Slot } from "../bytecode/program.ts";
import { type ByteTable, byteTable } from "../source/byte-table.ts";
import type { Slots } from "./slots.ts";
import type { Range } from "./target.ts";
import { indexOfByte } from "./text.ts";
import { invalidate, type Names, readText } from "./values.ts";

const SLASH = 0x2f;
/** In place of a literal's index: a segment whatever it is, and any number of them. */
const ANY = -2;
const REST = -3;
const ANY_METHOD = -1;

/** A resource with its texts as numbers: literals and method by their index in the table. */
interface Pattern {
  readonly resource: Resource;
  readonly method: number;
  readonly segments: Int32Array;
}

/** The segment of a path of `count` segments at which segment `at` of a pattern stands, which matches the path. */
export function placeIn({ segments }: Resource, at: number, count: number): number {
  const rest = segments.findIndex((segment) => segment.kind === "rest");
  return rest === -1 || at < rest ? at : at + count - segments.length;
}

/** Can a path of `count` segments match? */
export function fitsCount({ segments }: Resource, count: number): boolean {
  return segments.some((segment) => segment.kind === "rest")
    ? count >= segments.length - 1
    : count === segments.length;
}

/** The resources of a program, ready to be matched. */
export class Resources {
  readonly #table: ByteTable;
  /** By number of a path's segments, in the order of the program: most specific first. The last are those of any greater number. */
  readonly #patterns: readonly (readonly Pattern[])[];
  readonly #captures: readonly Slot[];
  readonly #segmentsMax: number;
  /** Of the path at hand: start and end of each segment, and the index of its text. */
  readonly #bounds: Int32Array;
  readonly #texts: Int32Array;
  #count = 0;

  constructor(program: Program, captures: readonly Slot[]) {
    const words = new Map<string, number>();
    const index = (word: string): number => {
      if (!words.has(word)) words.set(word, words.size);
      return words.get(word)!;
    };
    const patterns = program.resources.map((resource): Pattern => {
      const segments = Int32Array.from(resource.segments, ({ kind, text }) =>
        kind === "literal" ? index(text) : kind === "rest" ? REST : ANY,
      );
      return { resource, method: resource.method === null ? ANY_METHOD : index(resource.method), segments };
    });
    const countMax = Math.max(0, ...program.resources.map(({ segments }) => segments.length)) + 1;
    const open = patterns.some(({ segments }) => segments.includes(REST));
    // Every byte may be the slash of an empty segment.
    const segmentsMax = open ? LIMIT_PATH_BYTES_MAX : countMax - 1;
    this.#patterns = Array.from({ length: countMax + 1 }, (_, count) =>
      patterns.filter(({ resource }) => fitsCount(resource, count)),
    );
    this.#table = byteTable([...words.keys()]);
    this.#captures = captures;
    this.#segmentsMax = segmentsMax;
    this.#bounds = new Int32Array(segmentsMax * 2);
    this.#texts = new Int32Array(segmentsMax);
  }

  /** Matches a valid method and a valid, decoded path; loads the captures. Returns the member of enum 0, or -1. */
  load(names: Names, slots: Slots, method: Range, path: Range): number {
    const match = this.#match(slots.bytes, method, path);
    if (match === null) return -1;
    for (const slot of this.#captures) {
      const at = match.segments.findIndex(
        (segment) => segment.kind === "capture" && segment.text === slot.argument,
      );
      if (at < 0) continue;
      const place = placeIn(match, at, this.#count);
      readText(names, slots, slot.shape, slot.cell, this.#bounds[2 * place]!, this.#bounds[2 * place + 1]!);
    }
    return match.member;
  }

  /** Method or path is invalid: so are all captures. */
  refuse(slots: Slots): void {
    for (const slot of this.#captures) invalidate(slots, slot.shape, slot.cell);
  }

  #match(bytes: Uint8Array, method: Range, path: Range): Resource | null {
    const count = this.#split(bytes, path.start, path.end);
    if (count === -1) return null;
    this.#count = count;
    const found = this.#table.find(bytes, method.start, method.end);
    for (const pattern of this.#patterns[Math.min(count, this.#patterns.length - 1)]!) {
      if (pattern.method !== ANY_METHOD && pattern.method !== found) continue;
      if (this.#segmentsMatch(pattern.segments, count)) return pattern.resource;
    }
    return null;
  }

  #segmentsMatch(segments: Int32Array, count: number): boolean {
    let place = 0;
    for (let at = 0; at < segments.length; at++) {
      const segment = segments[at]!;
      // INVARIANT: patterns are tried on paths with enough segments, so what is left behind `**` is not negative.
      if (segment === REST) place = count - (segments.length - at - 1);
      else if (segment === ANY ? this.#isEmpty(place) : segment !== this.#texts[place]) return false;
      else place++;
    }
    return true;
  }

  /** A capture is never empty, and no more is a `*`; some modes leave empty segments. */
  #isEmpty(place: number): boolean {
    return this.#bounds[2 * place] === this.#bounds[2 * place + 1];
  }

  /** Splits the path, which starts with `/`; one slash at the end is no segment. Returns the number, or -1 for too many. */
  #split(bytes: Uint8Array, start: number, end: number): number {
    let count = 0;
    for (let from = start + 1; from < end; ) {
      if (count === this.#segmentsMax) return -1;
      const stop = indexOfByte(bytes, SLASH, from, end);
      this.#bounds[2 * count] = from;
      this.#bounds[2 * count + 1] = stop;
      // A text that no resource names has -1, which no literal has.
      this.#texts[count] = this.#table.find(bytes, from, stop);
      count++;
      from = stop + 1;
    }
    return count;
  }
}
