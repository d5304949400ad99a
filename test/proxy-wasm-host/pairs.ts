/**
 * The pairs encoding of header maps and of map-valued properties:
 *
 *     u32 count, count x (u32 name length, u32 value length), count x (name NUL value NUL)     little endian
 *
 *     [["a", "bc"]]  ->  01 00 00 00  01 00 00 00  02 00 00 00  61 00  62 63 00
 *
 * Source: proxy-wasm/spec v0.2.1, "Serialized map"; proxy-wasm-cpp-host, `src/pairs_util.cc` and `limits.h`.
 */

export type Pair = readonly [name: Uint8Array, value: Uint8Array];

/** Decoding refuses more bytes than this: the list then reads as empty. `PROXY_WASM_HOST_PAIRS_MAX_BYTES`. */
export const pairsBytesMax = 1024 * 1024;
/** Decoding refuses more pairs than this: the list then reads as empty. `PROXY_WASM_HOST_PAIRS_MAX_COUNT`. */
export const pairsCountMax = 1024;

export function encodePairs(pairs: readonly Pair[]): Uint8Array {
  const size = pairs.reduce((sum, [name, value]) => sum + 8 + name.length + 1 + value.length + 1, 4);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pairs.length, true);
  let lengths = 4;
  let at = 4 + 8 * pairs.length;
  for (const [name, value] of pairs) {
    view.setUint32(lengths, name.length, true);
    view.setUint32(lengths + 4, value.length, true);
    lengths += 8;
    bytes.set(name, at);
    at += name.length + 1;
    bytes.set(value, at);
    at += value.length + 1;
  }
  return bytes;
}

/**
 * What the proxy reads from a list a filter sends (`proxy_send_local_response`, `proxy_set_header_map_pairs`).
 * INVARIANT: a malformed or oversized list is not an error, it is an empty list; the filter is told nothing.
 */
export function decodePairs(bytes: Uint8Array): Pair[] {
  if (bytes.length > pairsBytesMax || bytes.length < 4) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  if (count > pairsCountMax || 4 + count * 8 > bytes.length) return [];
  const pairs: Pair[] = [];
  let at = 4 + count * 8;
  const take = (length: number): Uint8Array | undefined => {
    if (at + length + 1 > bytes.length || bytes[at + length] !== 0) return undefined;
    const part = bytes.slice(at, at + length);
    at += length + 1;
    return part;
  };
  for (let index = 0; index < count; index++) {
    const name = take(view.getUint32(4 + index * 8, true));
    const value = name && take(view.getUint32(8 + index * 8, true));
    if (!name || !value) return [];
    pairs.push([name, value]);
  }
  return at === bytes.length ? pairs : [];
}
