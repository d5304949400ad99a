/** Which bucket a request takes from. */
import * as format from "../bytecode/gen/constants.ts";
import type { Program } from "../bytecode/program.ts";
import { INVALID, PRESENT, type Slots } from "../request/slots.ts";
import { CellTexts } from "./cell-texts.ts";

/** Bytes of an address that count: a client has a whole /64 of IPv6 to choose from, and one address of IPv4. */
const NETWORK_BYTES = 8;

export class LimitKeys {
  readonly #slots: Slots;
  readonly #cells: CellTexts;

  constructor(program: Program, slots: Slots) {
    this.#slots = slots;
    this.#cells = new CellTexts(program, slots);
  }

  /**
   * `Policy#0|=alice|-`: the policy, the limit's place, then each value, `=` in front of one that is there and `-` for one that
   * is absent. Null where a value is invalid or too long: then there is no bucket, and nothing to take.
   */
  of(policy: string, index: number, cells: readonly number[]): string | null {
    let key = `${policy}#${index}`;
    for (const cell of cells) {
      const state = this.#slots.state[cell];
      const text = state === PRESENT ? this.#textOf(cell) : null;
      if (state === INVALID || (state === PRESENT && text === null)) return null;
      key += text === null ? "|-" : `|=${escaped(text)}`;
    }
    return key;
  }

  /** Null for a text that is too long. */
  #textOf(cell: number): string | null {
    if (this.#cells.shapeOf(cell).type !== "ip")
      return this.#cells.of(cell, format.LIMIT_LIMIT_KEY_BYTES_MAX);
    const { offset, bytes } = this.#slots;
    return networkText(bytes.subarray(offset[cell]!, offset[cell]! + 16));
  }
}

/** In hex: an IPv4 address whole, of IPv6 the first 64 bits. */
function networkText(address: Uint8Array): string {
  const isV4 =
    address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
  const counted = isV4 ? address.subarray(12) : address.subarray(0, NETWORK_BYTES);
  return Array.from(counted, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function escaped(text: string): string {
  return text.includes("%") || text.includes("|") ? text.replaceAll("%", "%25").replaceAll("|", "%7C") : text;
}
