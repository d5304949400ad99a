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
  u16s(values: readonly number[]): void {
    for (const value of values) this.u16(value);
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
