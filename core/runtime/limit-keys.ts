/** Which bucket a request takes from. */
import { cellShapes } from "../bytecode/cells.ts";
import * as format from "../bytecode/gen/constants.ts";
import type { Program, Shape } from "../bytecode/program.ts";
import { INVALID, PRESENT, type Slots } from "../request/slots.ts";

/** Bytes of an address that count: a client has a whole /64 of IPv6 to choose from, and one address of IPv4. */
const NETWORK_BYTES = 8;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class LimitKeys {
  readonly #program: Program;
  readonly #slots: Slots;
  /** By cell of the global frame. */
  readonly #shapes: readonly Shape[];

  constructor(program: Program, slots: Slots) {
    this.#program = program;
    this.#slots = slots;
    this.#shapes = program.hasLimits ? program.slots.flatMap(({ shape }) => cellShapes(shape)) : [];
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
    const { number, offset, length, bytes } = this.#slots;
    const shape = this.#shapes[cell]!;
    switch (shape.type) {
      case "string": {
        if (length[cell]! > format.LIMIT_LIMIT_KEY_BYTES_MAX) return null;
        return decoder.decode(bytes.subarray(offset[cell]!, offset[cell]! + length[cell]!));
      }
      case "ip":
        return networkText(bytes.subarray(offset[cell]!, offset[cell]! + 16));
      case "bool":
        return number[cell] === 1 ? "true" : "false";
      case "enum": {
        const member = this.#program.enums[shape.enumIndex]!.members[number[cell]!];
        return member === undefined ? "" : this.#program.strings.at(member);
      }
      default:
        return String(number[cell]);
    }
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
