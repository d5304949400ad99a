/**
 * Which policies can apply to a request at all. Every policy's trigger demands things of single values (`keys.ts`); the
 * policies are sorted into a tree by the values that tell most of them apart (`build.ts`), and a request walks down by its
 * own. A value that is absent or invalid leads everywhere below: what is demanded of it is unknown there, not false.
 * Policies that demand nothing of the value are met in any case.
 *
 * What is not met has a trigger that is false, so it is not applicable; everything else is judged as without the tree.
 */
import type { Program } from "../../bytecode/program.ts";
import { PRESENT, type Slots } from "../../request/slots.ts";
import { isMapped } from "../../source/address.ts";
import { orderBytes, sameBits, sameBytes } from "../byte-search.ts";
import { build, type Tree } from "./build.ts";
import * as keys from "./keys.ts";
import * as places from "./places.ts";
import type { RisingSet } from "./rising-set.ts";

// V8 folds a module's own constants into the code, not those that it imports.
const { BY_NETWORK, BY_NUMBER, BY_PREFIX, BY_TEXT } = keys;
const { NOWHERE, CELL, HOW, REST, START, COUNT, HASHED_WORDS, ORDERED_WORDS, hashOf } = places;

const ADDRESS_BYTES = 16;

export class Selection {
  readonly #program: Program;
  readonly #slots: Slots;
  readonly #tree: Tree;

  constructor(program: Program, slots: Slots) {
    this.#program = program;
    this.#slots = slots;
    this.#tree = build(program);
  }

  /** Put the policies that can apply to the request in the slots into `into`. Allocates nothing. */
  select(into: RisingSet): void {
    this.#select(this.#tree.root, into);
  }

  #select(start: number, into: RisingSet): void {
    const { places: words, tables } = this.#tree;
    const slots = this.#slots;
    let place = start;
    while (place >= 0) {
      const cell = words[place + CELL]!;
      const first = words[place + START]!;
      const count = words[place + COUNT]!;
      if (cell < 0) {
        for (let i = first; i < first + count; i++) into.add(tables[i]!);
        return;
      }
      const how = words[place + HOW]!;
      if (slots.state[cell] !== PRESENT) this.#selectAll(how, first, count, into);
      else if (how === BY_PREFIX || how === BY_NETWORK) this.#selectNested(how, first, count, cell, into);
      else {
        const value = how === BY_TEXT ? slots.id[cell]! : slots.number[cell]! | 0;
        // A number that is no whole one of 32 bits equals none of those that are looked up.
        if (how !== BY_NUMBER || value === slots.number[cell]) this.#selectHashed(value, first, count, into);
      }
      place = words[place + REST]!;
    }
    if (place < NOWHERE) into.add(-2 - place);
  }

  #selectAll(how: number, first: number, count: number, into: RisingSet): void {
    const { tables } = this.#tree;
    const width = how === BY_PREFIX || how === BY_NETWORK ? ORDERED_WORDS : HASHED_WORDS;
    for (let i = 1; i <= count; i++) this.#select(tables[first + i * width - 1]!, into);
  }

  #selectHashed(value: number, first: number, count: number, into: RisingSet): void {
    const { tables } = this.#tree;
    for (let at = hashOf(value, count); ; at = (at + 1) & (count - 1)) {
      const to = tables[first + at * HASHED_WORDS + 1]!;
      if (to === NOWHERE) return;
      if (tables[first + at * HASHED_WORDS] === value) {
        this.#select(to, into);
        return;
      }
    }
  }

  /** From the last entry that does not come after the value outwards; what holds one that holds the value holds it too. */
  #selectNested(how: number, first: number, count: number, cell: number, into: RisingSet): void {
    const { tables } = this.#tree;
    let low = -1;
    let high = count;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#comesAfter(how, tables[first + middle * ORDERED_WORDS]!, cell)) high = middle;
      else low = middle;
    }
    let holds = false;
    for (let entry = low; entry !== -1; ) {
      const at = first + entry * ORDERED_WORDS;
      holds ||= this.#holds(how, tables[at]!, cell);
      if (holds) this.#select(tables[at + 2]!, into);
      entry = tables[at + 1]!;
    }
  }

  #comesAfter(how: number, value: number, cell: number): boolean {
    const { bytes, offset, length } = this.#slots;
    const at = offset[cell]!;
    if (how === BY_PREFIX) {
      const { stringBytes, stringOffsets } = this.#program;
      const start = stringOffsets[value]!;
      return orderBytes(stringBytes, start, stringOffsets[value + 1]! - start, bytes, at, length[cell]!) > 0;
    }
    const { networks } = this.#program;
    const v4 = isMapped(networks, value * ADDRESS_BYTES);
    if (v4 !== isMapped(bytes, at)) return !v4;
    return orderBytes(networks, value * ADDRESS_BYTES, ADDRESS_BYTES, bytes, at, ADDRESS_BYTES) > 0;
  }

  #holds(how: number, value: number, cell: number): boolean {
    const { bytes, offset, length } = this.#slots;
    const at = offset[cell]!;
    if (how === BY_PREFIX) {
      const { stringBytes, stringOffsets } = this.#program;
      const start = stringOffsets[value]!;
      const size = stringOffsets[value + 1]! - start;
      return size <= length[cell]! && sameBytes(bytes, at, stringBytes, start, size);
    }
    const { networks, prefixes } = this.#program;
    return (
      isMapped(networks, value * ADDRESS_BYTES) === isMapped(bytes, at) &&
      sameBits(bytes, at, networks, value * ADDRESS_BYTES, prefixes[value]!)
    );
  }
}
