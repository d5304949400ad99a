/**
 * Which policies can apply to a request at all. Every policy's trigger demands things of single values (`keys.ts`); the
 * policies are sorted into a tree by the values that tell most of them apart, and a request walks down by its own. A value
 * that is absent or invalid leads everywhere below: what is demanded of it is unknown there, not false. Policies that
 * demand nothing of the value are met in any case.
 *
 * What is not met has a trigger that is false, so it is not applicable; everything else is judged as without the tree.
 */
import type { PolicyEntry, Program } from "../../bytecode/program.ts";
import { PRESENT, type Slots } from "../../request/slots.ts";
import { isMapped } from "../../source/address.ts";
import { BY_NETWORK, BY_NUMBER, BY_PREFIX, BY_TEXT, type Key, keysOf } from "./keys.ts";
import { bitOf, type NetworkTree, withNetwork } from "./network-tree.ts";
import { PrefixTree } from "./prefix-tree.ts";
import type { RisingSet } from "./rising-set.ts";

/** So few policies are quicker judged than told apart. */
const LEAF_MAX = 4;
/** A value must spare so many of the policies that it tells apart. */
const SPARED_MIN = 0.2;
/** A policy of several values stands in several places: together at most so many for each policy. */
const PLACES_MAX = 8;

const V4 = 96;

const NO_POLICIES = new Int32Array(0);
const NO_PLACES: Place[] = [];

/** A place of the tree. */
class Place {
  /** Policies that are met here. */
  policies: Int32Array = NO_POLICIES;
  /** What is looked up; -1 where nothing is. */
  cell = -1;
  how = BY_TEXT;
  /** By value, for texts and numbers. */
  byValue: Map<number, Place> | null = null;
  prefixes: PrefixTree<Place> | null = null;
  v4: NetworkTree<Place> | null = null;
  v6: NetworkTree<Place> | null = null;
  /** All places below that some value leads to. */
  all: Place[] = NO_PLACES;
  /** Where the policies are that demand nothing of the value. */
  rest: Place | null = null;
}

export class Selection {
  readonly #root: Place;
  readonly #slots: Slots;

  constructor(program: Program, slots: Slots) {
    this.#root = new Builder(program).build();
    this.#slots = slots;
  }

  /** Put the policies that can apply to the request in the slots into `into`. Allocates nothing. */
  select(into: RisingSet): void {
    this.#select(this.#root, into);
  }

  #select(start: Place, into: RisingSet): void {
    const slots = this.#slots;
    for (let place: Place | null = start; place !== null; place = place.rest) {
      const { policies, cell } = place;
      for (let i = 0; i < policies.length; i++) into.add(policies[i]!);
      if (cell === -1) continue;
      if (slots.state[cell] !== PRESENT) {
        const { all } = place;
        for (let i = 0; i < all.length; i++) this.#select(all[i]!, into);
      } else if (place.how === BY_PREFIX) this.#selectPrefixes(place.prefixes!, cell, into);
      else if (place.how === BY_NETWORK) this.#selectNetworks(place, cell, into);
      else {
        const value = place.how === BY_TEXT ? slots.id[cell]! : slots.number[cell]! | 0;
        // A number that is no whole one of 32 bits equals none of those that are looked up.
        if (place.how === BY_NUMBER && value !== slots.number[cell]) continue;
        const below = place.byValue!.get(value);
        if (below !== undefined) this.#select(below, into);
      }
    }
  }

  #selectPrefixes(root: PrefixTree<Place>, cell: number, into: RisingSet): void {
    const { bytes, offset, length } = this.#slots;
    let at = offset[cell]!;
    const end = at + length[cell]!;
    let place: PrefixTree<Place> | undefined = root;
    while (place !== undefined) {
      const { label } = place;
      if (label.length > end - at) return;
      for (let i = 0; i < label.length; i++) if (label[i] !== bytes[at + i]) return;
      at += label.length;
      if (place.value !== null) this.#select(place.value, into);
      if (at === end) return;
      place = place.below.get(bytes[at]!);
    }
  }

  #selectNetworks(place: Place, cell: number, into: RisingSet): void {
    const { bytes, offset } = this.#slots;
    const at = offset[cell]!;
    let tree = isMapped(bytes, at) ? place.v4 : place.v6;
    while (tree?.holds(bytes, at) === true) {
      if (tree.value !== null) this.#select(tree.value, into);
      if (tree.prefix === 128) return;
      tree = bitOf(bytes, at, tree.prefix) ? tree.one : tree.zero;
    }
  }
}

// --- building ---

class Builder {
  readonly #program: Program;
  /** By policy. */
  readonly #keys: readonly (readonly Key[])[];
  /** Places that policies may still be put into beyond one each. */
  #room: number;

  constructor(program: Program) {
    this.#program = program;
    const known = new Map<number, readonly Key[]>();
    const triggerKeys = ({ trigger }: PolicyEntry): readonly Key[] => {
      if (trigger === -1) return [];
      // Policies with equal triggers share their code.
      const keys = known.get(trigger) ?? keysOf(program, trigger);
      known.set(trigger, keys);
      return keys;
    };
    this.#keys = program.policies.map((policy) => {
      const setKey = keyOfSet(program, policy);
      if (setKey === null) return triggerKeys(policy);
      return [setKey, ...triggerKeys(policy).filter(({ dimension }) => dimension !== setKey.dimension)];
    });
    this.#room = this.#keys.length * (PLACES_MAX - 1);
  }

  build(): Place {
    return this.#place(Int32Array.from(this.#keys.keys()), []);
  }

  /** `used`: dimensions that were looked up further above. */
  #place(policies: Int32Array, used: readonly number[]): Place {
    const place = new Place();
    const dimension = policies.length <= LEAF_MAX ? null : this.#best(policies, used);
    if (dimension === null) {
      place.policies = policies;
      return place;
    }
    place.cell = dimension >> 2;
    place.how = dimension & 3;
    const groups = new Map<number, number[]>();
    const rest: number[] = [];
    for (const policy of policies) {
      const key = this.#keyOf(policy, dimension);
      if (key === undefined) rest.push(policy);
      else {
        this.#room -= key.values.length - 1;
        for (const value of key.values) {
          const group = groups.get(value);
          if (group === undefined) groups.set(value, [policy]);
          else group.push(policy);
        }
      }
    }
    const further = [...used, dimension];
    place.all = [...groups].map(([value, group]) => {
      const below = this.#place(Int32Array.from(group), further);
      this.#put(place, value, below);
      return below;
    });
    if (rest.length > 0) place.rest = this.#place(Int32Array.from(rest), further);
    return place;
  }

  #put(place: Place, value: number, below: Place): void {
    switch (place.how) {
      case BY_PREFIX: {
        const { stringBytes, stringOffsets } = this.#program;
        place.prefixes ??= new PrefixTree();
        place.prefixes.add(stringBytes.subarray(stringOffsets[value]!, stringOffsets[value + 1]!), below);
        return;
      }
      case BY_NETWORK: {
        const bytes = this.#program.networks.subarray(value * 16, value * 16 + 16);
        const network = { bytes, prefix: this.#program.prefixes[value]!, value: below };
        if (network.prefix >= V4 && isMapped(bytes)) place.v4 = withNetwork(place.v4, network);
        else place.v6 = withNetwork(place.v6, network);
        return;
      }
      default:
        place.byValue ??= new Map();
        place.byValue.set(value, below);
    }
  }

  #keyOf(policy: number, dimension: number): Key | undefined {
    return this.#keys[policy]!.find((key) => key.dimension === dimension);
  }

  /** The dimension that leaves fewest policies on average, or null if none spares enough. */
  #best(policies: Int32Array, used: readonly number[]): number | null {
    const byDimension = new Map<number, Map<number, number>>();
    const having = new Map<number, number>();
    for (const policy of policies) {
      for (const { dimension, values } of this.#keys[policy]!) {
        if (used.includes(dimension)) continue;
        having.set(dimension, (having.get(dimension) ?? 0) + 1);
        let counts = byDimension.get(dimension);
        if (counts === undefined) {
          counts = new Map();
          byDimension.set(dimension, counts);
        }
        for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
      }
    }
    let best: number | null = null;
    let least = policies.length * (1 - SPARED_MIN);
    for (const [dimension, counts] of byDimension) {
      const { met, places } = expected(counts, dimension & 3);
      const found = having.get(dimension)!;
      const left = policies.length - found + met;
      if (left > least || places - found > this.#room) continue;
      least = left;
      best = dimension;
    }
    return best;
  }
}

/** A policy of a set is asked only where the selector names the set; without a selector no policy is. */
function keyOfSet({ policySets }: Program, { set }: PolicyEntry): Key | null {
  if (policySets === null || set === -1) return null;
  return { dimension: policySets.cell * 4 + BY_TEXT, values: [policySets.names[set]!] };
}

/** Policies that a request meets if its value is as often one as policies name it, and places that they take. */
function expected(counts: ReadonlyMap<number, number>, how: number): { met: number; places: number } {
  let squares = 0;
  let places = 0;
  for (const count of counts.values()) {
    squares += count * count;
    places += count;
  }
  // Prefixes and networks lie in each other: a request may meet several.
  const nested = how === BY_PREFIX || how === BY_NETWORK ? 2 : 1;
  return { met: (nested * squares) / places, places };
}
