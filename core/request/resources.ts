/** Which declared resource a path is, and its captures (docs/request.md, section 3). */
import type { Program, Resource, Slot } from "../bytecode/program.ts";
import { type ByteTable, byteTable } from "./byte-table.ts";
import type { Slots } from "./slots.ts";
import type { Range } from "./target.ts";
import { indexOfByte } from "./text.ts";
import { invalidate, type Names, readText } from "./values.ts";

const SLASH = 0x2f;
const CAPTURE = -1;
const ANY_METHOD = -1;

/** A resource with its texts as numbers: literals and method by their index in the table. */
interface Pattern {
  readonly resource: Resource;
  readonly method: number;
  readonly segments: Int32Array;
}

/** The resources of a program, ready to be matched. */
export class Resources {
  readonly #table: ByteTable;
  /** By number of segments, in the order of the program: most specific first. */
  readonly #patterns = new Map<number, Pattern[]>();
  readonly #captures: readonly Slot[];
  readonly #segmentsMax: number;
  /** Of the path at hand: start and end of each segment, and the index of its text. */
  readonly #bounds: Int32Array;
  readonly #texts: Int32Array;

  constructor(program: Program, captures: readonly Slot[]) {
    const words = new Map<string, number>();
    const index = (word: string): number => {
      if (!words.has(word)) words.set(word, words.size);
      return words.get(word)!;
    };
    let segmentsMax = 0;
    for (const resource of program.resources) {
      const count = resource.segments.length;
      const segments = Int32Array.from(resource.segments, (segment) =>
        segment.kind === "capture" ? CAPTURE : index(segment.text),
      );
      const method = resource.method === null ? ANY_METHOD : index(resource.method);
      const patterns = this.#patterns.get(count);
      if (patterns === undefined) this.#patterns.set(count, [{ resource, method, segments }]);
      else patterns.push({ resource, method, segments });
      segmentsMax = Math.max(segmentsMax, count);
    }
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
      if (at >= 0)
        readText(names, slots, slot.shape, slot.cell, this.#bounds[2 * at]!, this.#bounds[2 * at + 1]!);
    }
    return match.member;
  }

  /** Method or path is invalid: so are all captures. */
  refuse(slots: Slots): void {
    for (const slot of this.#captures) invalidate(slots, slot.shape, slot.cell);
  }

  #match(bytes: Uint8Array, method: Range, path: Range): Resource | null {
    const count = this.#split(bytes, path.start, path.end);
    const patterns = this.#patterns.get(count);
    if (patterns === undefined) return null;
    const found = this.#table.find(bytes, method.start, method.end);
    for (const pattern of patterns) {
      if (pattern.method !== ANY_METHOD && pattern.method !== found) continue;
      let at = 0;
      while (at < count && (pattern.segments[at] === CAPTURE || pattern.segments[at] === this.#texts[at]))
        at++;
      if (at === count) return pattern.resource;
    }
    return null;
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
