/** Where one MessagePack value ends and the next begins, in a stream that is cut anywhere. */
import { Buffer } from "node:buffer";

export interface MsgpackFrameLimits {
  /** A text or byte string over this becomes nil: whoever sent it gets an answer, and no memory is taken. */
  readonly payloadBytesMax: number;
  /** Beyond this a value is refused. */
  readonly frameBytesMax: number;
  /** Values in one value, nested ones included. */
  readonly valuesMax: number;
}

export const msgpackFrameLimits: MsgpackFrameLimits = {
  payloadBytesMax: 16 * 2 ** 20,
  frameBytesMax: 32 * 2 ** 20,
  valuesMax: 100_000,
};

/** What was sent is no MessagePack, or over a limit: nothing behind it can be read. */
export class FrameError extends Error {}

/** What a first byte says. `length`: bytes of a length that follow; `fixed`: bytes of payload besides. */
interface Head {
  readonly kind: "scalar" | "bytes" | "array" | "map";
  readonly length: number;
  readonly fixed: number;
}

/** By first byte (github.com/msgpack/msgpack, spec.md, "Formats"); null is the byte that is never used. */
const HEADS: readonly (Head | null)[] = Array.from({ length: 256 }, (_, byte) => headOf(byte));

function headOf(byte: number): Head | null {
  const scalar = (fixed: number): Head => ({ kind: "scalar", length: 0, fixed });
  const bytes = (length: number, fixed: number): Head => ({ kind: "bytes", length, fixed });
  if (byte <= 0x7f || byte >= 0xe0) return scalar(0);
  if (byte <= 0x8f) return { kind: "map", length: 0, fixed: byte & 0x0f };
  if (byte <= 0x9f) return { kind: "array", length: 0, fixed: byte & 0x0f };
  if (byte <= 0xbf) return bytes(0, byte & 0x1f);
  switch (byte) {
    case 0xc1:
      return null;
    case 0xc4:
    case 0xd9:
      return bytes(1, 0);
    case 0xc5:
    case 0xda:
      return bytes(2, 0);
    case 0xc6:
    case 0xdb:
      return bytes(4, 0);
    // Extensions have a type byte besides.
    case 0xc7:
      return bytes(1, 1);
    case 0xc8:
      return bytes(2, 1);
    case 0xc9:
      return bytes(4, 1);
    case 0xdc:
      return { kind: "array", length: 2, fixed: 0 };
    case 0xdd:
      return { kind: "array", length: 4, fixed: 0 };
    case 0xde:
      return { kind: "map", length: 2, fixed: 0 };
    case 0xdf:
      return { kind: "map", length: 4, fixed: 0 };
    case 0xcc:
    case 0xd0:
      return scalar(1);
    case 0xcd:
    case 0xd1:
    case 0xd4:
      return scalar(2);
    case 0xd5:
      return scalar(3);
    case 0xca:
    case 0xce:
    case 0xd2:
      return scalar(4);
    case 0xd6:
      return scalar(5);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return scalar(8);
    case 0xd7:
      return scalar(9);
    case 0xd8:
      return scalar(17);
    default:
      // nil, false, true
      return scalar(0);
  }
}

const NIL = Buffer.of(0xc0);

/** Cuts a stream into values. Reads heads only; what is in a value is the decoder's business. */
export class MsgpackFrames {
  readonly #limits: MsgpackFrameLimits;
  /** Of the value that is being read. */
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #values = 0;
  /** Values that are still to come before this one is whole. */
  #open = 1;
  /** A head whose length is not whole yet. */
  #head: number[] = [];
  /** Bytes of payload that are still to come, and whether they are dropped. */
  #payload = 0;
  #dropped = false;

  constructor(limits: MsgpackFrameLimits = msgpackFrameLimits) {
    this.#limits = limits;
  }

  /**
   * The values that are whole with this chunk, in order.
   *
   * @throws FrameError
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const whole: Uint8Array[] = [];
    let at = 0;
    /** Where what is to be kept begins. */
    let start = 0;
    const keep = (end: number): void => {
      if (end > start) this.#keep(chunk.subarray(start, end));
      start = end;
    };
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const taken = Math.min(this.#payload, chunk.length - at);
        this.#payload -= taken;
        at += taken;
        if (this.#dropped) start = at;
      } else {
        this.#head.push(chunk[at++]!);
        const size = this.#headDone();
        if (size === null) continue;
        if (size > this.#limits.payloadBytesMax) {
          // Its head began in this chunk or an earlier one: what of it was kept goes.
          keep(at);
          this.#forget(this.#head.length);
          this.#keep(NIL);
        }
        this.#dropped = size > this.#limits.payloadBytesMax;
        this.#payload = size;
        this.#head = [];
      }
      if (this.#payload > 0 || this.#open > 0) continue;
      keep(at);
      whole.push(this.#take());
    }
    keep(at);
    return whole;
  }

  /** Once a head is whole: counts its value in, and gives the bytes of its payload. Null until then. */
  #headDone(): number | null {
    const head = HEADS[this.#head[0]!];
    if (head === null || head === undefined) throw new FrameError("a byte that begins no value");
    if (this.#head.length <= head.length) return null;
    let said = head.fixed;
    if (head.length > 0) said += this.#head.slice(1).reduce((sum, byte) => sum * 256 + byte, 0);
    const members = head.kind === "array" ? said : head.kind === "map" ? 2 * said : 0;
    this.#open += members - 1;
    this.#values += 1;
    if (this.#values + this.#open > this.#limits.valuesMax) throw new FrameError("too many values in one");
    return members > 0 || head.kind === "array" || head.kind === "map" ? 0 : said;
  }

  #keep(part: Uint8Array): void {
    this.#kept.push(part);
    this.#keptBytes += part.length;
    if (this.#keptBytes > this.#limits.frameBytesMax) throw new FrameError("a value is too long");
  }

  /** Drop the last bytes that were kept. */
  #forget(count: number): void {
    const all = Buffer.concat(this.#kept);
    this.#kept = [all.subarray(0, all.length - count)];
    this.#keptBytes -= count;
  }

  #take(): Uint8Array {
    const value = this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#values = 0;
    this.#open = 1;
    return value;
  }
}
