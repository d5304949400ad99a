/**
 * Texts that begin with each other, and networks that lie in each other, in order: of all that a value begins with (lies
 * in) the longest is the last one that does not come after the value, or one that it lies in itself.
 */
import type { Program } from "../../bytecode/program.ts";
import { isMapped } from "../../source/address.ts";
import { orderBytes, sameBits, sameBytes } from "../byte-search.ts";
import { BY_PREFIX } from "./keys.ts";

const ADDRESS_BYTES = 16;

export class Nesting {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Places in `values` in order, and by entry of that order the entry that it lies in next, or -1. */
  ordered(
    values: Int32Array,
    how: number,
  ): { readonly order: readonly number[]; readonly parents: readonly number[] } {
    const compare = how === BY_PREFIX ? this.#compareTexts : this.#compareNetworks;
    const lies = how === BY_PREFIX ? this.#begins : this.#liesIn;
    const order = [...values.keys()].sort((a, b) => compare.call(this, values[a]!, values[b]!));
    const parents: number[] = [];
    order.forEach((i, entry) => {
      let parent = entry - 1;
      while (parent !== -1 && !lies.call(this, values[i]!, values[order[parent]!]!))
        parent = parents[parent]!;
      parents.push(parent);
    });
    return { order, parents };
  }

  #compareTexts(a: number, b: number): number {
    const { stringBytes: bytes, stringOffsets: at } = this.#program;
    return orderBytes(bytes, at[a]!, at[a + 1]! - at[a]!, bytes, at[b]!, at[b + 1]! - at[b]!);
  }

  #begins(inner: number, outer: number): boolean {
    const { stringBytes: bytes, stringOffsets: at } = this.#program;
    const length = at[outer + 1]! - at[outer]!;
    return length <= at[inner + 1]! - at[inner]! && sameBytes(bytes, at[inner]!, bytes, at[outer]!, length);
  }

  /** Those of v4 first, then by address, the wider one first. */
  #compareNetworks(a: number, b: number): number {
    const { networks, prefixes } = this.#program;
    const families = Number(this.#isV4(b)) - Number(this.#isV4(a));
    const order = orderBytes(networks, a * 16, ADDRESS_BYTES, networks, b * 16, ADDRESS_BYTES);
    return families || order || prefixes[a]! - prefixes[b]!;
  }

  #liesIn(inner: number, outer: number): boolean {
    const { networks, prefixes } = this.#program;
    return (
      this.#isV4(inner) === this.#isV4(outer) &&
      prefixes[outer]! <= prefixes[inner]! &&
      sameBits(networks, inner * 16, networks, outer * 16, prefixes[outer]!)
    );
  }

  #isV4(network: number): boolean {
    return isMapped(this.#program.networks.subarray(network * 16, network * 16 + ADDRESS_BYTES));
  }
}
