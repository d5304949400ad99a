/** Constants of a bundle while it is written: each once, in order of first use. */

import type { Automaton } from "../automaton/automaton.ts";
import type { BusinessHours } from "../schema/business-hours.ts";
import type { ConstantValue, DataMap } from "../schema/schema.ts";
import { isMapped, parseAddress, parseNetwork } from "../source/address.ts";
import { utf8 } from "../source/bytes.ts";
import { SET_MEMBERS, SET_NETWORKS, SET_NUMBERS, SET_STRINGS } from "./gen/constants.ts";

/** Values of one kind with their indexes. */
class Pool<T> {
  readonly values: T[] = [];
  readonly #indexes = new Map<string, number>();

  /** Index of what is interned under the key. */
  find(key: string): number | undefined {
    return this.#indexes.get(key);
  }

  intern(key: string, value: T): number {
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.values.push(value);
    this.#indexes.set(key, this.values.length - 1);
    return this.values.length - 1;
  }
}

export interface Network {
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

export interface ConstantSet {
  readonly kind: number;
  /** Ascending, each once: strings and members by index, numbers by value, networks by address and apart from each other. */
  readonly elements: readonly number[];
}

/** A set whose elements are not interned yet. */
interface OpenSet {
  readonly kind: number;
  readonly values: readonly ConstantValue[];
}

export class Pools {
  readonly #strings = new Pool<Uint8Array>();
  readonly #texts = new Pool<Uint8Array>();
  readonly #numbers = new Pool<number>();
  readonly #networks = new Pool<Network>();
  /** By how they are written. */
  readonly #knownNetworks = new Map<string, number>();
  readonly #sets = new Pool<OpenSet>();
  /** By identity: a large set of a `data` table is looked at once, however often it is asked. */
  readonly #knownSets = new Map<readonly ConstantValue[], number>();
  readonly #automata = new Pool<Automaton>();
  readonly #schedules = new Pool<BusinessHours>();
  readonly #maps: DataMap[] = [];
  /** By identity: tables are long. */
  readonly #knownAutomata = new Map<Automaton, number>();

  get strings(): readonly Uint8Array[] {
    return this.#strings.values;
  }
  get texts(): readonly Uint8Array[] {
    return this.#texts.values;
  }
  get numbers(): readonly number[] {
    return this.#numbers.values;
  }
  get networks(): readonly Network[] {
    return this.#networks.values;
  }

  /**
   * Elements of all sets. They are interned here, behind all other constants: an instruction has 16 bits for the index of
   * a string, and beyond them a row must hold it; a set has 32 for those of its elements.
   */
  closedSets(): readonly ConstantSet[] {
    return this.#sets.values.map(({ kind, values }) => {
      const elements = [...new Set(values.map((value) => this.constant(value)))];
      switch (kind) {
        case SET_NUMBERS:
          return { kind, elements: elements.sort((a, b) => this.numbers[a]! - this.numbers[b]!) };
        case SET_NETWORKS:
          return { kind, elements: this.#apart(elements) };
        default:
          return { kind, elements: elements.sort((a, b) => a - b) };
      }
    });
  }

  /** Networks in order, without those that lie in another one. */
  #apart(elements: readonly number[]): number[] {
    const { networks } = this;
    const kept: number[] = [];
    const inOrder = [...elements].sort((a, b) => compareNetworks(networks[a]!, networks[b]!));
    for (const element of inOrder) {
      const before = kept.at(-1);
      if (before === undefined || !liesIn(networks[element]!, networks[before]!)) kept.push(element);
    }
    return kept;
  }

  get schedules(): readonly BusinessHours[] {
    return this.#schedules.values;
  }
  get automata(): readonly Automaton[] {
    return this.#automata.values;
  }

  string(text: string): number {
    return this.#strings.find(text) ?? this.#strings.intern(text, utf8(text));
  }

  /** What is only shown. */
  text(text: string): number {
    return this.#texts.find(text) ?? this.#texts.intern(text, utf8(text));
  }

  number(value: number): number {
    const positive = value === 0 ? 0 : value;
    return this.#numbers.intern(String(positive), positive);
  }

  /** An address or network that the checker has accepted. */
  network(text: string): number {
    const known = this.#knownNetworks.get(text);
    if (known !== undefined) return known;
    const index = this.#newNetwork(text);
    this.#knownNetworks.set(text, index);
    return index;
  }

  #newNetwork(text: string): number {
    const address = parseAddress(text);
    const network = address === null ? parseNetwork(text) : { bytes: address, prefix: 128 };
    if ("error" in network)
      throw new Error(`\`${text}\` is no address or network; the checker lets none through`);
    return this.#networks.intern(`${network.bytes.join(".")}/${network.prefix}`, network);
  }

  /** Index, member or 0/1: what an instruction's `b` or a slot's default holds. */
  constant(value: ConstantValue): number {
    switch (value.kind) {
      case "string":
        return this.string(value.value);
      case "int":
      case "float":
      case "datetime":
      case "duration":
        return this.number(value.value);
      case "bool":
        return value.value ? 1 : 0;
      case "enum":
        return value.enum.members.indexOf(value.value);
      case "ip":
      case "cidr":
        return this.network(value.value);
    }
  }

  /** Maps in the order of their indexes. */
  get maps(): readonly DataMap[] {
    return this.#maps;
  }

  map(map: DataMap): number {
    const known = this.#maps.indexOf(map);
    return known === -1 ? this.#maps.push(map) - 1 : known;
  }

  /** Keys and values of a map, interned behind all other constants as the elements of sets are; keys ascend. */
  closedMap({ key: type, entries }: DataMap): readonly (readonly [key: number, value: number])[] {
    const interned = entries.map(({ key, value }) => [this.constant(key), this.constant(value)] as const);
    const order = type.kind === "int" ? (key: number): number => this.numbers[key]! : (key: number) => key;
    return interned.sort(([a], [b]) => order(a) - order(b));
  }

  /** One language has one table, so patterns that mean the same share it. */
  schedule(hours: BusinessHours): number {
    return this.#schedules.intern(JSON.stringify(hours), hours);
  }

  automaton(automaton: Automaton): number {
    const known = this.#knownAutomata.get(automaton);
    if (known !== undefined) return known;
    const { start, classOf, classes, targets } = automaton;
    const key = `${start} ${classes} ${classOf.join()} ${targets.join()}`;
    const index = this.#automata.intern(key, automaton);
    this.#knownAutomata.set(automaton, index);
    return index;
  }

  set(values: readonly ConstantValue[]): number {
    const known = this.#knownSets.get(values);
    if (known !== undefined) return known;
    const kind = setKind(values[0]!);
    const texts = [...new Set(values.map(({ value }) => String(value)))].sort();
    const index = this.#sets.intern(JSON.stringify([kind, memberNames(values[0]!), texts]), { kind, values });
    this.#knownSets.set(values, index);
    return index;
  }
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
