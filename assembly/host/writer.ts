/** Bytes written one after the other into a piece of the arena. What does not fit is dropped and remembered. */
import { allocate } from "./arena";
import { literalLength, literalPointer } from "./literal";

// @ts-ignore: decorator
@unmanaged
export class Writer {
  start: usize;
  cursor: usize;
  end: usize;
  /** Something did not fit, or there was no memory at all: the text must not be used. */
  failed: bool;

  get length(): u32 {
    return <u32>(this.cursor - this.start);
  }

  byte(value: u32): this {
    if (this.cursor >= this.end) this.failed = true;
    else store<u8>(this.cursor++, <u8>value);
    return this;
  }

  word(value: u32): this {
    if (this.cursor + 4 > this.end) this.failed = true;
    else {
      store<u32>(this.cursor, value);
      this.cursor += 4;
    }
    return this;
  }

  bytes(pointer: usize, length: u32): this {
    if (<usize>length > this.end - this.cursor) this.failed = true;
    else {
      memory.copy(this.cursor, pointer, length);
      this.cursor += length;
    }
    return this;
  }

  text(literal: string): this {
    return this.bytes(literalPointer(literal), literalLength(literal));
  }

  decimal(value: u64): this {
    if (value >= 10) this.decimal(value / 10);
    return this.byte(48 + <u32>(value % 10));
  }

  hex(pointer: usize, length: u32): this {
    if (<usize>length * 2 > this.end - this.cursor) {
      this.failed = true;
      return this;
    }
    for (let i: u32 = 0; i < length; i++) {
      const value = <u32>load<u8>(pointer + i);
      store<u16>(this.cursor + (i << 1), <u16>(hexDigit(value >> 4) | (hexDigit(value & 15) << 8)));
    }
    this.cursor += length << 1;
    return this;
  }

  /** The inside of a JSON string. The bytes must be UTF-8. */
  jsonText(pointer: usize, length: u32): this {
    for (let i: u32 = 0; i < length; i++) {
      const value = <u32>load<u8>(pointer + i);
      if (value == 0x22 || value == 0x5c) this.byte(0x5c).byte(value);
      else if (value < 0x20) this.text("\\u00").byte(hexDigit(value >> 4)).byte(hexDigit(value & 15));
      else this.byte(value);
    }
    return this;
  }
}

/** A writer for at most `capacity` bytes. Always usable: without memory it only fails. */
export function newWriter(capacity: u32): Writer {
  const at = allocate(16 + capacity);
  const writer = changetype<Writer>(at == 0 ? SPARE : at);
  writer.start = at + 16;
  writer.cursor = at + 16;
  writer.end = at + 16 + (at == 0 ? 0 : capacity);
  writer.failed = at == 0;
  return writer;
}

/** Where a writer lives that got no memory. */
const SPARE: usize = memory.data(16, 8);

// @ts-ignore: decorator
@inline
function hexDigit(value: u32): u32 {
  return value < 10 ? 48 + value : 87 + value;
}
