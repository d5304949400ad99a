/** Sorts the policies of a program into the places of a selection. */
import type { Program } from "../../bytecode/program.ts";
import { BY_NETWORK, BY_PREFIX, BY_TEXT, isConstant, type Key, keysOf, valuesOf } from "./keys.ts";
import { Nesting } from "./nesting.ts";
import * as p from "./places.ts";
import { Words } from "./places.ts";

/** So few policies are quicker judged than told apart. */
const LEAF_MAX = 4;
/** A value must spare so many of the policies that it tells apart. */
const SPARED_MIN = 0.2;
/** A policy of several values stands in several places: together at most so many for each policy. */
const PLACES_MAX = 8;

/** Words of scratch memory for each policy: its place, and its value, group and members at one place. */
const SCRATCH_WORDS = 8;

const NO_KEYS: readonly Key[] = [];
const ALL_BUT_EMPTY = 2;

/** What `Selection` walks through. */
export interface Tree {
  readonly root: number;
  readonly places: Int32Array;
  readonly tables: Int32Array;
}

/** Sort all policies of a program. */
export function build(program: Program): Tree {
  return new Builder(program).build();
}

/** Places in the scratch memory. Members of value i stand from `starts[i]` to `starts[i + 1]` in `members`. */
interface Groups {
  readonly values: number;
  readonly starts: number;
  readonly count: number;
  readonly members: number;
  readonly rest: number;
  /** Policies in `rest`. */
  readonly without: number;
}

interface ValuesIn {
  readonly sorted: number;
  readonly places: number;
  readonly without: number;
}

class Builder {
  readonly #program: Program;
  readonly #nesting: Nesting;
  readonly #places = new Words();
  readonly #tables = new Words();
  /** A stack: an array for each of a hundred thousand places would leave the memory in pieces. */
  readonly #scratch: Words;
  /** By start of a trigger: its keys. Policies with equal triggers share their code. */
  readonly #keys = new Map<number, readonly Key[]>();
  readonly #setKeys = new Map<number, readonly number[]>();
  /** Values of keys that are no policy's own. */
  readonly #constants = new Map<Key, readonly number[] | null>();
  /** Places that policies may still be put into beyond one each. */
  #room: number;

  constructor(program: Program) {
    this.#program = program;
    // At once what the first place needs: many arrays that grow leave gaps that are not given back.
    this.#scratch = new Words(program.policies.length * SCRATCH_WORDS);
    this.#nesting = new Nesting(program);
    this.#room = program.policies.length * (PLACES_MAX - 1);
  }

  build(): Tree {
    const { length } = this.#program.policies;
    const start = this.#scratch.take(length, 0);
    for (let i = 0; i < length; i++) this.#scratch.set(start + i, i);
    const root = this.#put(start, start + length, []);
    return { root, places: this.#places.done(), tables: this.#tables.done() };
  }

  /**
   * `start`, `end`: where the policies stand in the scratch memory; `used`: dimensions that were looked up further above.
   * Returns where the policies are. What is needed on the way is on top of the scratch memory and given back.
   */
  #put(start: number, end: number, used: readonly number[]): number {
    if (start === end) return p.NOWHERE;
    if (end - start === 1) return p.onlyPolicy(this.#scratch.at(start));
    const dimension = end - start <= LEAF_MAX ? null : this.#best(start, end, used);
    if (dimension === null) return this.#putList(start, end);
    const scratch = this.#scratch;
    const top = scratch.length;
    const groups = this.#groups(start, end, dimension);
    const how = dimension & 3;
    const further = [...used, dimension];
    const below = scratch.take(groups.count, 0);
    for (let i = 0; i < groups.count; i++) {
      const first = groups.members + scratch.at(groups.starts + i);
      const last = groups.members + scratch.at(groups.starts + i + 1);
      scratch.set(below + i, this.#put(first, last, further));
    }
    const place = this.#places.take(p.PLACE_WORDS, p.NOWHERE);
    this.#places.set(place + p.CELL, dimension >> 2);
    this.#places.set(place + p.HOW, how);
    const values = scratch.view(groups.values, groups.values + groups.count);
    const leads = scratch.view(below, below + groups.count);
    if (how === BY_PREFIX || how === BY_NETWORK) this.#putOrdered(place, how, values, leads);
    else this.#putHashed(place, values, leads);
    this.#places.set(place + p.REST, this.#put(groups.rest, groups.rest + groups.without, further));
    scratch.release(top);
    return place;
  }

  #putList(start: number, end: number): number {
    const place = this.#places.take(p.PLACE_WORDS, p.NOWHERE);
    const first = this.#tables.take(end - start, 0);
    for (let i = start; i < end; i++) this.#tables.set(first + i - start, this.#scratch.at(i));
    this.#places.set(place + p.START, first);
    this.#places.set(place + p.COUNT, end - start);
    return place;
  }

  #putHashed(place: number, values: Int32Array, below: Int32Array): void {
    let count = 4;
    while (count < values.length * ALL_BUT_EMPTY) count *= 2;
    const start = this.#tables.take(count * p.HASHED_WORDS, p.NOWHERE);
    values.forEach((value, i) => {
      let at = p.hashOf(value, count);
      while (this.#tables.at(start + at * p.HASHED_WORDS + 1) !== p.NOWHERE) at = (at + 1) & (count - 1);
      this.#tables.set(start + at * p.HASHED_WORDS, value);
      this.#tables.set(start + at * p.HASHED_WORDS + 1, below[i]!);
    });
    this.#places.set(place + p.START, start);
    this.#places.set(place + p.COUNT, count);
  }

  #putOrdered(place: number, how: number, values: Int32Array, below: Int32Array): void {
    const { order, parents } = this.#nesting.ordered(values, how);
    const start = this.#tables.take(values.length * p.ORDERED_WORDS, p.NOWHERE);
    order.forEach((i, entry) => {
      const at = start + entry * p.ORDERED_WORDS;
      this.#tables.set(at, values[i]!);
      this.#tables.set(at + 1, parents[entry]!);
      this.#tables.set(at + 2, below[i]!);
    });
    this.#places.set(place + p.START, start);
    this.#places.set(place + p.COUNT, values.length);
  }

  /** Policies by value of one dimension, in their order, values ascending; and those that have none. */
  #groups(start: number, end: number, dimension: number): Groups {
    const scratch = this.#scratch;
    const { sorted, places, without } = this.#valuesIn(start, end, dimension);
    const { values, starts, count } = this.#runsOf(sorted, places);
    const members = scratch.take(places, 0);
    const rest = scratch.take(without, 0);
    const filled = scratch.take(count, 0);
    let others = 0;
    for (let i = start; i < end; i++) {
      const policy = scratch.at(i);
      const own = this.#valuesOf(policy, dimension);
      if (own === null) {
        scratch.set(rest + others++, policy);
        continue;
      }
      this.#room -= own.length - 1;
      for (const value of own) {
        const group = scratch.placeIn(values, count, value);
        const at = scratch.at(filled + group);
        scratch.set(members + scratch.at(starts + group) + at, policy);
        scratch.set(filled + group, at + 1);
      }
    }
    return { values, starts, count, members, rest, without };
  }

  /** All values of one dimension, ascending, on top of the scratch memory, and how many policies have none. */
  #valuesIn(start: number, end: number, dimension: number): ValuesIn {
    const scratch = this.#scratch;
    const sorted = scratch.length;
    let without = 0;
    for (let i = start; i < end; i++) {
      const own = this.#valuesOf(scratch.at(i), dimension);
      if (own === null) without++;
      else for (const value of own) scratch.take(1, value);
    }
    const places = scratch.length - sorted;
    scratch.view(sorted, scratch.length).sort();
    return { sorted, places, without };
  }

  /** Values that ascend, each once; where each one's run starts, and one past the last. */
  #runsOf(sorted: number, places: number): Pick<Groups, "values" | "starts" | "count"> {
    const scratch = this.#scratch;
    const isFirst = (i: number): boolean => i === 0 || scratch.at(sorted + i) !== scratch.at(sorted + i - 1);
    let count = 0;
    for (let i = 0; i < places; i++) if (isFirst(i)) count++;
    const values = scratch.take(count, 0);
    const starts = scratch.take(count + 1, places);
    for (let i = 0, run = 0; i < places; i++) {
      if (!isFirst(i)) continue;
      scratch.set(values + run, scratch.at(sorted + i));
      scratch.set(starts + run++, i);
    }
    return { values, starts, count };
  }

  /** The dimension that leaves fewest policies on average, or null if none spares enough. */
  #best(start: number, end: number, used: readonly number[]): number | null {
    const scratch = this.#scratch;
    const top = scratch.length;
    const having = new Map<number, number>();
    for (let i = start; i < end; i++)
      for (const dimension of this.#dimensionsOf(scratch.at(i)))
        if (!used.includes(dimension)) having.set(dimension, (having.get(dimension) ?? 0) + 1);
    let best: number | null = null;
    let least = (end - start) * (1 - SPARED_MIN);
    for (const [dimension, found] of having) {
      // It leaves at least those that do not have it.
      if (end - start - found > least) continue;
      const { sorted, places, without } = this.#valuesIn(start, end, dimension);
      const left = without + expected(scratch.view(sorted, sorted + places), dimension & 3);
      scratch.release(top);
      if (left > least || places - (end - start - without) > this.#room) continue;
      least = left;
      best = dimension;
    }
    return best;
  }

  *#dimensionsOf(policy: number): Iterable<number> {
    const own = this.#setDimension(policy);
    if (own !== -1) yield own;
    for (const { dimension } of this.#keysOf(policy)) if (dimension !== own) yield dimension;
  }

  /** What a policy demands of one value; null for nothing. */
  #valuesOf(policy: number, dimension: number): readonly number[] | null {
    const { policySets, policies } = this.#program;
    if (this.#setDimension(policy) === dimension)
      return this.#setValues(policySets!.names[policies.columns.sets[policy]!]!);
    for (const key of this.#keysOf(policy)) {
      if (key.dimension !== dimension) continue;
      if (!isConstant(key)) return valuesOf(key, this.#program, policies.columns.rowStarts[policy]!);
      const known = this.#constants.get(key);
      if (known !== undefined) return known;
      const values = valuesOf(key, this.#program, 0);
      this.#constants.set(key, values);
      return values;
    }
    return null;
  }

  #keysOf(policy: number): readonly Key[] {
    const trigger = this.#program.policies.columns.triggers[policy]!;
    if (trigger === -1) return NO_KEYS;
    const known = this.#keys.get(trigger);
    if (known !== undefined) return known;
    const keys = keysOf(this.#program, trigger);
    this.#keys.set(trigger, keys);
    return keys;
  }

  /** A policy of a set is asked only where the selector names the set; without a selector no policy is. */
  #setDimension(policy: number): number {
    const { policySets, policies } = this.#program;
    if (policySets === null || policies.columns.sets[policy] === -1) return -1;
    return policySets.cell * 4 + BY_TEXT;
  }

  #setValues(name: number): readonly number[] {
    const known = this.#setKeys.get(name) ?? [name];
    this.#setKeys.set(name, known);
    return known;
  }
}

/** Policies that a request meets if its value is as often one as policies name it. */
function expected(sorted: Int32Array, how: number): number {
  let squares = 0;
  for (let i = 0, first = 0; i < sorted.length; i++) {
    if (i + 1 < sorted.length && sorted[i + 1] === sorted[i]) continue;
    squares += (i + 1 - first) ** 2;
    first = i + 1;
  }
  // Prefixes and networks lie in each other: a request may meet several.
  const nested = how === BY_PREFIX || how === BY_NETWORK ? 2 : 1;
  return sorted.length === 0 ? 0 : (nested * squares) / sorted.length;
}
