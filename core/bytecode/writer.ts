/** Little-endian bytes, one after the other. */
export class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(...values: readonly number[]): void {
    for (const value of values) {
      const at = this.#take(1);
      this.#view.setUint8(at, value);
    }
  }

  u16(...values: readonly number[]): void {
    for (const value of values) {
      const at = this.#take(2);
      this.#view.setUint16(at, value, true);
    }
  }

  u32(...values: readonly number[]): void {
    for (const value of values) {
      const at = this.#take(4);
      this.#view.setUint32(at, value, true);
    }
  }

  /** As many as there are; arguments are limited by the stack. */
  u16s(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.u16(values[i]!);
  }

  u32s(values: readonly number[]): void {
    for (const value of values) this.u32(value);
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
  }

  bytes(values: Uint8Array): void {
    const at = this.#take(values.length);
    this.#bytes.set(values, at);
  }

  /** Zeros up to a multiple of four. */
  pad(): void {
    while (this.#length % 4 !== 0) this.u8(0);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room, which may replace buffer and view: call it before touching them. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Numbers, of which nothing is needed any more, as little-endian bytes. */
export function littleEndian(numbers: Uint16Array | Uint32Array): Uint8Array {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT } = numbers;
  if (!IS_LITTLE_ENDIAN) {
    const view = new DataView(buffer, byteOffset, byteLength);
    const [write, all] = [BYTES_PER_ELEMENT === 2 ? view.setUint16 : view.setUint32, numbers.slice()];
    for (const [i, number] of all.entries()) write.call(view, i * BYTES_PER_ELEMENT, number, true);
  }
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** All bytes, one part behind the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
