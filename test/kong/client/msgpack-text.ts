/** MessagePack as Kong writes it: a text is bytes of any kind, which no encoder for JavaScript writes as a text. */

/** Bytes that go out as a byte string; other bytes are texts. */
export class Binary {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** As lua-MessagePack does with its defaults (`string_compat`: texts without the form of one length byte). */
export function pack(value: unknown): Buffer {
  if (value === undefined || value === null) return Buffer.of(0xc0);
  if (typeof value === "boolean") return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === "number") return packNumber(value);
  if (typeof value === "string") return packText(Buffer.from(value));
  if (value instanceof Uint8Array) return packText(value);
  if (value instanceof Binary) return packBinary(value.bytes);
  if (Array.isArray(value)) return Buffer.concat([head(value.length, [0x90, 15], 0xdc), ...value.map(pack)]);
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Buffer.concat([
    head(entries.length, [0x80, 15], 0xde),
    ...entries.flatMap(([key, member]) => [packText(Buffer.from(key)), pack(member)]),
  ]);
}

function packNumber(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0) {
    if (value < 0x80) return Buffer.of(value);
    if (value < 0x100) return Buffer.of(0xcc, value);
    if (value < 0x10000) return Buffer.of(0xcd, value >> 8, value & 0xff);
    const wide = value > 0xffff_ffff;
    const bytes = Buffer.alloc(wide ? 9 : 5);
    bytes[0] = wide ? 0xcf : 0xce;
    if (wide) bytes.writeBigUInt64BE(BigInt(value), 1);
    else bytes.writeUInt32BE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function packText(bytes: Uint8Array): Buffer {
  return Buffer.concat([head(bytes.length, [0xa0, 31], 0xda), bytes]);
}

function packBinary(bytes: Uint8Array): Buffer {
  const { length } = bytes;
  if (length < 0x100) return Buffer.concat([Buffer.of(0xc4, length), bytes]);
  return Buffer.concat([head(length, [0xc4, -1], 0xc5), bytes]);
}

/** A length: in the first byte up to `max`, else behind `wide` in two bytes or `wide + 1` in four. */
function head(length: number, [first, max]: readonly [number, number], wide: number): Buffer {
  if (length <= max) return Buffer.of(first + length);
  if (length < 0x10000) return Buffer.of(wide, length >> 8, length & 0xff);
  const bytes = Buffer.alloc(5);
  bytes[0] = wide + 1;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}
