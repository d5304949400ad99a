/** Bytes of text, and their order. */

const encoder = new TextEncoder();
/** The first of the units that are halves of a pair. */
const SURROGATES = 0xd800;

/** UTF-8 of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Order of two texts by their UTF-8 bytes (which is that of code points, not of UTF-16 units). */
export function compareBytes(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [first, second] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (first === second) continue;
    // Below the surrogates UTF-16 has the same order.
    return first < SURROGATES && second < SURROGATES ? first - second : compareEncoded(a, b);
  }
  return a.length - b.length;
}

function compareEncoded(a: string, b: string): number {
  const [first, second] = [utf8(a), utf8(b)];
  const common = Math.min(first.length, second.length);
  for (let i = 0; i < common; i++) {
    if (first[i] !== second[i]) return first[i]! - second[i]!;
  }
  return first.length - second.length;
}
