/** Frames with their length in front (four bytes, little endian), in a stream that is cut anywhere. */
import { Buffer } from "node:buffer";

export const LENGTH_FRAME_BYTES_MAX = 32 * 2 ** 20;

const LENGTH_BYTES = 4;

/**
 * Cuts a stream into frames. A frame over the limit is read past and stands as null: closing the connection instead would
 * make Kong start the instance and send the request anew, without end (pb_rpc.lua, `handle_event`).
 */
export class LengthFrames {
  readonly #bytesMax: number;
  #length: number[] = [];
  #parts: Uint8Array[] = [];
  /** Bytes of the frame that are still to come; -1 while its length is. */
  #left = -1;
  #dropped = false;

  constructor(bytesMax = LENGTH_FRAME_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** The frames that are whole with this chunk, in order. */
  push(chunk: Uint8Array): (Uint8Array | null)[] {
    const whole: (Uint8Array | null)[] = [];
    let at = 0;
    while (at < chunk.length || this.#left === 0) {
      if (this.#left < 0) {
        this.#length.push(chunk[at++]!);
        if (this.#length.length === LENGTH_BYTES) this.#begin();
        if (this.#left !== 0) continue;
      }
      const taken = Math.min(this.#left, chunk.length - at);
      if (taken > 0 && !this.#dropped) this.#parts.push(chunk.subarray(at, at + taken));
      at += taken;
      this.#left -= taken;
      if (this.#left === 0) whole.push(this.#take());
    }
    return whole;
  }

  #begin(): void {
    this.#left = Buffer.from(this.#length).readUInt32LE();
    this.#dropped = this.#left > this.#bytesMax;
    this.#length = [];
  }

  #take(): Uint8Array | null {
    const frame = this.#dropped
      ? null
      : this.#parts.length === 1
        ? this.#parts[0]!
        : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#left = -1;
    return frame;
  }
}

/** A frame as it is sent. */
export function lengthFrame(bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes.length);
  frame.writeUInt32LE(bytes.length);
  frame.set(bytes, LENGTH_BYTES);
  return frame;
}
