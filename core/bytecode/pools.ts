/** Constants of a bundle while it is written: each once, in order of first use. */

import type { ConstantValue } from "../schema/schema.ts";
import { parseAddress, parseNetwork } from "../source/address.ts";
import { utf8 } from "../source/bytes.ts";
import { SET_MEMBERS, SET_NETWORKS, SET_NUMBERS, SET_STRINGS } from "./gen/constants.ts";

/** Values of one kind with their indexes. */
class Pool<T> {
  readonly values: T[] = [];
  readonly #indexes = new Map<string, number>();

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
  /** Ascending, each once. */
  readonly elements: readonly number[];
}

export class Pools {
  readonly #strings = new Pool<Uint8Array>();
  readonly #numbers = new Pool<number>();
  readonly #networks = new Pool<Network>();
  readonly #sets = new Pool<ConstantSet>();

  get strings(): readonly Uint8Array[] {
    return this.#strings.values;
  }
  get numbers(): readonly number[] {
    return this.#numbers.values;
  }
  get networks(): readonly Network[] {
    return this.#networks.values;
  }
  get sets(): readonly ConstantSet[] {
    return this.#sets.values;
  }

  string(text: string): number {
    return this.#strings.intern(text, utf8(text));
  }

  number(value: number): number {
    const positive = value === 0 ? 0 : value;
    return this.#numbers.intern(String(positive), positive);
  }

  /** An address or network that the checker has accepted. */
  network(text: string): number {
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

  set(values: readonly ConstantValue[]): number {
    const kind = setKind(values[0]!);
    const elements = [...new Set(values.map((value) => this.constant(value)))].sort((a, b) => a - b);
    return this.#sets.intern(`${kind}:${elements.join()}`, { kind, elements });
  }
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
