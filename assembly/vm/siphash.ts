/** SipHash-2-4 with 128 bits (Aumasson and Bernstein): a keyed hash that nobody without the key can predict. */

let v0: u64, v1: u64, v2: u64, v3: u64;

/** Hash of `words` words of 64 bits under a key of 16 bytes, written to `out` (16 bytes). */
export function siphash(key: usize, message: usize, words: u32, out: usize): void {
  const k0 = load<u64>(key);
  const k1 = load<u64>(key, 8);
  v0 = k0 ^ 0x736f6d6570736575;
  v1 = k1 ^ 0x646f72616e646f6d ^ 0xee;
  v2 = k0 ^ 0x6c7967656e657261;
  v3 = k1 ^ 0x7465646279746573;
  for (let i: u32 = 0; i < words; i++) compress(load<u64>(message + (i << 3)));
  compress(<u64>(words << 3) << 56);
  v2 ^= 0xee;
  rounds(4);
  store<u64>(out, v0 ^ v1 ^ v2 ^ v3);
  v1 ^= 0xdd;
  rounds(4);
  store<u64>(out, v0 ^ v1 ^ v2 ^ v3, 8);
}

function compress(word: u64): void {
  v3 ^= word;
  rounds(2);
  v0 ^= word;
}

function rounds(count: u32): void {
  let a = v0;
  let b = v1;
  let c = v2;
  let d = v3;
  for (let i: u32 = 0; i < count; i++) {
    a += b;
    b = rotl<u64>(b, 13) ^ a;
    a = rotl<u64>(a, 32);
    c += d;
    d = rotl<u64>(d, 16) ^ c;
    a += d;
    d = rotl<u64>(d, 21) ^ a;
    c += b;
    b = rotl<u64>(b, 17) ^ c;
    c = rotl<u64>(c, 32);
  }
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d;
}
