/**
 * Constants of policies. Each has a handle for as long as the pools are kept, and an index among its kind in the bundle
 * that is written, in order of first use there: what is made of handles serves bundles that have them in another order.
 */

import type { Automaton } from "../automaton/automaton.ts";
import type { BusinessHours } from "../schema/business-hours.ts";
import type { ConstantValue, DataMap, Type } from "../schema/schema.ts";
import { isMapped, parseAddress, parseNetwork } from "../source/address.ts";
import { utf8 } from "../source/bytes.ts";
import { SET_MEMBERS, SET_NETWORKS, SET_NUMBERS, SET_STRINGS } from "./gen/constants.ts";
import type { OperandB } from "./gen/tables.ts";
import { Pool } from "./pool.ts";

/** Of a constant in its pool. */
export type Handle = number;

/** Which pool a handle belongs to, of those that instructions use. */
const STRINGS = 0;
const NUMBERS = 1;
const NETWORKS = 2;
const SETS = 3;
const AUTOMATA = 4;
const SCHEDULES = 5;
const MAPS = 6;
export const POOLS = 7;

/** Indexes that an instruction can hold. */
const ROOM = 0x1_0000;

/** Pools and handles in turns: what code uses, in order. */
export type Uses = readonly number[];

export interface Network {
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

export interface ConstantSet {
  readonly kind: number;
  /** Ascending, each once: strings and members by index, numbers by value, networks by address and apart from each other. */
  readonly elements: readonly number[];
}

export interface ConstantMap {
  readonly key: Type;
  readonly value: Type;
  /** Keys ascend. */
  readonly entries: readonly (readonly [key: number, value: number])[];
}

/**
 * A set as one author wrote it. Two that mean the same are one set of a bundle; the one that is used first says in which
 * order its elements get their indexes.
 */
interface WrittenSet {
  readonly set: Handle;
  readonly kind: number;
  /** Handles, or members; in order of the text, each once. */
  readonly elements: readonly number[];
  /** The same as a bundle has them, where that does not depend on indexes. */
  readonly ascending: readonly number[] | null;
}

interface WrittenMap {
  readonly map: DataMap;
  /** Handles, or members and truths; in order of the text. */
  readonly entries: readonly (readonly [key: number, value: number])[];
}

export class Pools {
  readonly strings = new Pool<Uint8Array>();
  /** What is only shown. */
  readonly texts = new Pool<Uint8Array>();
  readonly numbers = new Pool<number>();
  readonly networks = new Pool<Network>();
  readonly automata = new Pool<Automaton>();
  readonly schedules = new Pool<BusinessHours>();
  readonly #sets = new Pool<null>();
  readonly #writtenSets = new Pool<WrittenSet>();
  readonly #maps = new Pool<WrittenMap>();
  /** By index of the set in the bundle: as it was written where it is used first. */
  #firstSets: Handle[] = [];
  /** By how they are written. */
  readonly #knownNetworks = new Map<string, Handle>();
  /** By identity: tables are long, and a large set of a `data` table is looked at once, however often it is asked. */
  readonly #knownAutomata = new WeakMap<Automaton, Handle>();
  readonly #knownSets = new WeakMap<readonly ConstantValue[], Handle>();
  readonly #knownMaps = new WeakMap<DataMap, Handle>();
  #asked: number[] = [];

  /** A bundle begins: nothing is used yet. */
  start(): void {
    const { strings, texts, numbers, networks, automata, schedules } = this;
    for (const pool of [strings, texts, numbers, networks, automata, schedules, this.#sets, this.#maps])
      pool.start();
    this.#firstSets = [];
  }

  /** What code asks for while something runs. */
  usesOf(run: () => void): Uses {
    this.#asked = [];
    run();
    return this.#asked;
  }

  /** Give all of it its indexes. */
  useAll(uses: Uses): void {
    for (let i = 0; i < uses.length; i += 2) this.#use(uses[i]!, uses[i + 1]!);
  }

  #use(pool: number, handle: Handle): void {
    switch (pool) {
      case STRINGS:
        this.strings.use(handle);
        return;
      case NUMBERS:
        this.numbers.use(handle);
        return;
      case NETWORKS:
        this.networks.use(handle);
        return;
      case AUTOMATA:
        this.automata.use(handle);
        return;
      case SCHEDULES:
        this.schedules.use(handle);
        return;
      case MAPS:
        this.#maps.use(handle);
        return;
      case SETS: {
        const index = this.#sets.use(this.#writtenSets.values[handle]!.set);
        if (index === this.#firstSets.length) this.#firstSets.push(handle);
      }
    }
  }

  /** The pool whose handles an instruction's `b` holds; null where it holds none. */
  poolOf(kind: OperandB): Pool<unknown> | null {
    switch (kind) {
      case "string":
        return this.strings;
      case "number":
        return this.numbers;
      case "network":
        return this.networks;
      case "strings":
      case "numbers":
      case "members":
      case "networks":
        return this.#sets;
      case "automaton":
        return this.automata;
      case "schedule":
        return this.schedules;
      case "map":
        return this.#maps;
      default:
        return null;
    }
  }

  /** The index of each constant that code uses fits into an instruction. */
  get haveRoom(): boolean {
    const { strings, numbers, networks, automata, schedules } = this;
    return [strings, numbers, networks, automata, schedules, this.#sets].every(({ size }) => size <= ROOM);
  }

  // --- handles ---

  #ask(pool: number, handle: Handle): Handle {
    this.#asked.push(pool, handle);
    return handle;
  }

  string(text: string): Handle {
    return this.#ask(STRINGS, this.stringOf(text));
  }

  /** Of a string that no code asks for. */
  stringOf(text: string): Handle {
    return this.strings.handle(text, () => utf8(text));
  }

  textOf(text: string): Handle {
    return this.texts.handle(text, () => utf8(text));
  }

  number(value: number): Handle {
    return this.#ask(NUMBERS, this.numberOf(value));
  }

  numberOf(value: number): Handle {
    const positive = value === 0 ? 0 : value;
    return this.numbers.handle(String(positive), () => positive);
  }

  /** Of an address or network that the checker has accepted. */
  #networkOf(text: string): Handle {
    const known = this.#knownNetworks.get(text);
    if (known !== undefined) return known;
    const network = networkOf(text);
    const handle = this.networks.handle(`${network.bytes.join(".")}/${network.prefix}`, () => network);
    this.#knownNetworks.set(text, handle);
    return handle;
  }

  /** Handle, member or 0/1: what an instruction's `b` holds. */
  constant(value: ConstantValue): number {
    switch (value.kind) {
      case "string":
        return this.string(value.value);
      case "int":
      case "float":
      case "datetime":
      case "duration":
        return this.number(value.value);
      case "ip":
      case "cidr":
        return this.#ask(NETWORKS, this.#networkOf(value.value));
      case "bool":
      case "enum":
        return this.#handleOf(value);
    }
  }

  #handleOf(value: ConstantValue): number {
    switch (value.kind) {
      case "string":
        return this.stringOf(value.value);
      case "int":
      case "float":
      case "datetime":
      case "duration":
        return this.numberOf(value.value);
      case "bool":
        return value.value ? 1 : 0;
      case "enum":
        return value.enum.members.indexOf(value.value);
      case "ip":
      case "cidr":
        return this.#networkOf(value.value);
    }
  }

  schedule(hours: BusinessHours): Handle {
    return this.#ask(
      SCHEDULES,
      this.schedules.handle(JSON.stringify(hours), () => hours),
    );
  }

  /** One language has one table, so patterns that mean the same share it. */
  automaton(automaton: Automaton): Handle {
    let handle = this.#knownAutomata.get(automaton);
    if (handle === undefined) {
      const { start, classOf, classes, targets } = automaton;
      const key = `${start} ${classes} ${classOf.join()} ${targets.join()}`;
      handle = this.automata.handle(key, () => automaton);
      this.#knownAutomata.set(automaton, handle);
    }
    return this.#ask(AUTOMATA, handle);
  }

  map(map: DataMap): Handle {
    let handle = this.#knownMaps.get(map);
    if (handle === undefined) {
      const entries = map.entries.map(
        ({ key, value }) => [this.#handleOf(key), this.#handleOf(value)] as const,
      );
      handle = this.#maps.add({ map, entries });
      this.#knownMaps.set(map, handle);
    }
    return this.#ask(MAPS, handle);
  }

  set(values: readonly ConstantValue[]): Handle {
    let handle = this.#knownSets.get(values);
    if (handle === undefined) {
      handle = this.#writtenSetOf(values);
      this.#knownSets.set(values, handle);
    }
    this.#ask(SETS, handle);
    return this.#writtenSets.values[handle]!.set;
  }

  #writtenSetOf(values: readonly ConstantValue[]): Handle {
    const kind = setKind(values[0]!);
    const texts = [...new Set(values.map(({ value }) => String(value)))];
    const key = [kind, memberNames(values[0]!)];
    return this.#writtenSets.handle(JSON.stringify([...key, texts]), () => {
      const set = this.#sets.handle(JSON.stringify([...key, texts.toSorted()]), () => null);
      const elements = [...new Set(values.map((value) => this.#handleOf(value)))];
      return { set, kind, elements, ascending: this.#ascending(kind, elements) };
    });
  }

  #ascending(kind: number, elements: readonly number[]): readonly number[] | null {
    const { values } = this.numbers;
    switch (kind) {
      case SET_NUMBERS:
        return elements.toSorted((a, b) => values[a]! - values[b]!);
      case SET_NETWORKS:
        return this.#apart(elements);
      case SET_MEMBERS:
        return elements.toSorted((a, b) => a - b);
      default:
        return null;
    }
  }

  /** Networks in order, without those that lie in another one. */
  #apart(elements: readonly Handle[]): Handle[] {
    const { values } = this.networks;
    const kept: Handle[] = [];
    for (const element of elements.toSorted((a, b) => compareNetworks(values[a]!, values[b]!))) {
      const before = kept.at(-1);
      if (before === undefined || !liesIn(values[element]!, values[before]!)) kept.push(element);
    }
    return kept;
  }

  // --- the bundle that is written ---

  useString(text: string): number {
    return this.strings.use(this.stringOf(text));
  }

  /** Index, member or 0/1. */
  useConstant(value: ConstantValue): number {
    return this.#useHandle(value.kind, this.#handleOf(value));
  }

  #useHandle(kind: Type["kind"], handle: number): number {
    switch (kind) {
      case "string":
        return this.strings.use(handle);
      case "ip":
      case "cidr":
        return this.networks.use(handle);
      case "bool":
      case "enum":
        return handle;
      default:
        return this.numbers.use(handle);
    }
  }

  /**
   * Elements of all sets. They get their indexes here, behind all other constants: an instruction has 16 bits for the index
   * of a string, and beyond them a row must hold it; a set has 32 for those of its elements.
   */
  closedSets(): readonly ConstantSet[] {
    return this.#firstSets.map((written) => {
      const { kind, elements, ascending } = this.#writtenSets.values[written]!;
      if (kind === SET_MEMBERS) return { kind, elements: ascending! };
      const pool = kind === SET_STRINGS ? this.strings : kind === SET_NUMBERS ? this.numbers : this.networks;
      const indexes = elements.map((element) => pool.use(element));
      return {
        kind,
        elements: ascending?.map((element) => pool.use(element)) ?? indexes.sort((a, b) => a - b),
      };
    });
  }

  /** Maps in the order of their indexes; their keys and values get theirs here, as the elements of sets do. */
  closedMaps(): readonly ConstantMap[] {
    return this.#maps.usedValues().map(({ map: { key, value }, entries }) => {
      const used = entries.map(
        ([k, v]) => [this.#useHandle(key.kind, k), this.#useHandle(value.kind, v)] as const,
      );
      const { values, used: numbers } = this.numbers;
      const order = (index: number): number => (key.kind === "int" ? values[numbers[index]!]! : index);
      return { key, value, entries: used.sort(([a], [b]) => order(a) - order(b)) };
    });
  }
}

function networkOf(text: string): Network {
  const address = parseAddress(text);
  const network = address === null ? parseNetwork(text) : { bytes: address, prefix: 128 };
  if ("error" in network)
    throw new Error(`\`${text}\` is no address or network; the checker lets none through`);
  return network;
}

/** Members of two enums are other numbers under one name. */
function memberNames(value: ConstantValue): readonly string[] {
  return value.kind === "enum" ? value.enum.members : [];
}

/** v4 first, then by address, the wider one first. */
function compareNetworks(a: Network, b: Network): number {
  const families = Number(isMapped(b.bytes)) - Number(isMapped(a.bytes));
  const first = a.bytes.findIndex((byte, i) => byte !== b.bytes[i]);
  return families || (first === -1 ? a.prefix - b.prefix : a.bytes[first]! - b.bytes[first]!);
}

/** Does all of `inner` lie in `outer`? Nothing of v4 lies in a network of v6. */
function liesIn(inner: Network, outer: Network): boolean {
  if (inner.prefix < outer.prefix || isMapped(inner.bytes) !== isMapped(outer.bytes)) return false;
  return outer.bytes.every((byte, i) => {
    const kept = Math.min(8, Math.max(0, outer.prefix - i * 8));
    return ((byte ^ inner.bytes[i]!) & (0xff00 >> kept) & 0xff) === 0;
  });
}

function setKind(value: ConstantValue): number {
  switch (value.kind) {
    case "string":
      return SET_STRINGS;
    case "int":
    case "float":
    case "bool":
    case "datetime":
    case "duration":
      return SET_NUMBERS;
    case "enum":
      return SET_MEMBERS;
    case "ip":
    case "cidr":
      return SET_NETWORKS;
  }
}
