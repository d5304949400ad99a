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

/** Policies of a list, from one place to another. */
interface Run {
  readonly of: Int32Array;
  readonly start: number;
  readonly end: number;
}

/** Members of value i are `members[starts[i] .. starts[i + 1]]`. */
interface Groups {
  readonly values: Int32Array;
  readonly starts: Int32Array;
  readonly members: Int32Array;
  readonly rest: Int32Array;
}

class Builder {
  readonly #program: Program;
  readonly #nesting: Nesting;
  readonly #places = new Words();
  readonly #tables = new Words();
  /** By start of a trigger: its keys. Policies with equal triggers share their code. */
  readonly #keys = new Map<number, readonly Key[]>();
  readonly #setKeys = new Map<number, readonly number[]>();
  /** Values of keys that are no policy's own. */
  readonly #constants = new Map<Key, readonly number[] | null>();
  /** Places that policies may still be put into beyond one each. */
  #room: number;

  constructor(program: Program) {
    this.#program = program;
    this.#nesting = new Nesting(program);
    this.#room = program.policies.length * (PLACES_MAX - 1);
  }

  build(): Tree {
    const all = new Int32Array(this.#program.policies.length).map((_, i) => i);
    const root = this.#put({ of: all, start: 0, end: all.length }, []);
    return { root, places: this.#places.done(), tables: this.#tables.done() };
  }

  /** `used`: dimensions that were looked up further above. Returns where the policies are. */
  #put(policies: Run, used: readonly number[]): number {
    const { of, start, end } = policies;
    if (start === end) return p.NOWHERE;
    if (end - start === 1) return p.onlyPolicy(of[start]!);
    const dimension = end - start <= LEAF_MAX ? null : this.#best(policies, used);
    if (dimension === null) return this.#putList(policies);
    const { values, starts, members, rest } = this.#groups(policies, dimension);
    const how = dimension & 3;
    const further = [...used, dimension];
    const below = values.map((_, i) =>
      this.#put({ of: members, start: starts[i]!, end: starts[i + 1]! }, further),
    );
    const ordered = how === BY_PREFIX || how === BY_NETWORK;
    const place = this.#places.take(p.PLACE_WORDS, p.NOWHERE);
    this.#places.set(place + p.CELL, dimension >> 2);
    this.#places.set(place + p.HOW, how);
    if (ordered) this.#putOrdered(place, how, values, below);
    else this.#putHashed(place, values, below);
    this.#places.set(place + p.REST, this.#put({ of: rest, start: 0, end: rest.length }, further));
    return place;
  }

  #putList({ of, start, end }: Run): number {
    const place = this.#places.take(p.PLACE_WORDS, p.NOWHERE);
    const first = this.#tables.take(end - start, 0);
    for (let i = start; i < end; i++) this.#tables.set(first + i - start, of[i]!);
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
  #groups(policies: Run, dimension: number): Groups {
    const { sorted, without } = this.#valuesIn(policies, dimension);
    const { values, starts } = runsOf(sorted);
    const filled = starts.slice();
    const members = new Int32Array(sorted.length);
    const rest = new Int32Array(without);
    let others = 0;
    for (let i = policies.start; i < policies.end; i++) {
      const policy = policies.of[i]!;
      const own = this.#valuesOf(policy, dimension);
      if (own === null) {
        rest[others++] = policy;
        continue;
      }
      this.#room -= own.length - 1;
      for (const value of own) {
        const at = placeIn(values, value);
        members[filled[at]!] = policy;
        filled[at] = filled[at]! + 1;
      }
    }
    return { values, starts, members, rest };
  }

  /** All values of one dimension, ascending, and how many policies have none. */
  #valuesIn(policies: Run, dimension: number): { readonly sorted: Int32Array; readonly without: number } {
    const all = new Words();
    let without = 0;
    for (let i = policies.start; i < policies.end; i++) {
      const own = this.#valuesOf(policies.of[i]!, dimension);
      if (own === null) without++;
      else for (const value of own) all.take(1, value);
    }
    return { sorted: all.done().sort(), without };
  }

  /** The dimension that leaves fewest policies on average, or null if none spares enough. */
  #best(policies: Run, used: readonly number[]): number | null {
    const count = policies.end - policies.start;
    const having = new Map<number, number>();
    for (let i = policies.start; i < policies.end; i++)
      for (const dimension of this.#dimensionsOf(policies.of[i]!))
        if (!used.includes(dimension)) having.set(dimension, (having.get(dimension) ?? 0) + 1);
    let best: number | null = null;
    let least = count * (1 - SPARED_MIN);
    for (const [dimension, found] of having) {
      // It leaves at least those that do not have it.
      if (count - found > least) continue;
      const { sorted, without } = this.#valuesIn(policies, dimension);
      const { met, places } = expected(runsOf(sorted).starts, dimension & 3);
      const left = without + met;
      if (left > least || places - (count - without) > this.#room) continue;
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

/** Values that ascend, each once; where each one's run starts, and one past the last. */
function runsOf(sorted: Int32Array): { readonly values: Int32Array; readonly starts: Int32Array } {
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) count++;
  const values = new Int32Array(count);
  const starts = new Int32Array(count + 1);
  count = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i > 0 && sorted[i] === sorted[i - 1]) continue;
    values[count] = sorted[i]!;
    starts[count++] = i;
  }
  starts[count] = sorted.length;
  return { values, starts };
}

/** Place of a value that is there. */
function placeIn(values: Int32Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** Policies that a request meets if its value is as often one as policies name it, and places that they take. */
function expected(starts: Int32Array, how: number): { met: number; places: number } {
  let squares = 0;
  const places = starts.at(-1)!;
  for (let i = 0; i + 1 < starts.length; i++) squares += (starts[i + 1]! - starts[i]!) ** 2;
  // Prefixes and networks lie in each other: a request may meet several.
  const nested = how === BY_PREFIX || how === BY_NETWORK ? 2 : 1;
  return { met: places === 0 ? 0 : (nested * squares) / places, places };
}
