/** Comparing and finding bytes. */

/** Up to so many steps the plain search is the faster one. */
const PLAIN_STEPS_MAX = 16_384;

/** Are two ranges of `length` bytes the same? */
export function sameBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) {
    if (a[aStart + i] !== b[bStart + i]) return false;
  }
  return true;
}

/** Are the first `prefix` bits of two addresses equal? */
export function sameBits(
  address: Uint8Array,
  at: number,
  network: Uint8Array,
  networkAt: number,
  prefix: number,
): boolean {
  const whole = prefix >> 3;
  if (!sameBytes(address, at, network, networkAt, whole)) return false;
  const rest = prefix & 7;
  return (
    rest === 0 || ((address[at + whole]! ^ network[networkAt + whole]!) & (0xff << (8 - rest)) & 0xff) === 0
  );
}

/** Below 0 where the first bytes come before the second, 0 where they are the same; a beginning comes first. */
export function orderBytes(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const shared = Math.min(aLength, bLength);
  for (let i = 0; i < shared; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/**
 * Finds bytes in bytes. Both may be a client's, so the time is linear in their lengths: where the plain search could
 * take long, Knuth, Morris and Pratt's does it, whose table is kept from one search to the next.
 */
export class ByteSearch {
  /** Length of the longest proper prefix of the part that is also a suffix of its first i + 1 bytes. */
  #borders = new Int32Array(256);

  contains(
    text: Uint8Array,
    textStart: number,
    textLength: number,
    part: Uint8Array,
    partStart: number,
    partLength: number,
  ): boolean {
    if (partLength === 0) return true;
    const places = textLength - partLength + 1;
    if (places * partLength <= PLAIN_STEPS_MAX)
      return plain(text, textStart, places, part, partStart, partLength);
    this.#prepare(part, partStart, partLength);
    const borders = this.#borders;
    let matched = 0;
    for (let i = 0; i < textLength; i++) {
      const byte = text[textStart + i];
      while (matched > 0 && byte !== part[partStart + matched]) matched = borders[matched - 1]!;
      if (byte === part[partStart + matched]) matched++;
      if (matched === partLength) return true;
    }
    return false;
  }

  #prepare(part: Uint8Array, start: number, length: number): void {
    if (this.#borders.length < length) this.#borders = new Int32Array(length * 2);
    const borders = this.#borders;
    borders[0] = 0;
    let matched = 0;
    for (let i = 1; i < length; i++) {
      while (matched > 0 && part[start + i] !== part[start + matched]) matched = borders[matched - 1]!;
      if (part[start + i] === part[start + matched]) matched++;
      borders[i] = matched;
    }
  }
}

function plain(
  text: Uint8Array,
  textStart: number,
  places: number,
  part: Uint8Array,
  partStart: number,
  partLength: number,
): boolean {
  for (let i = 0; i < places; i++) {
    if (sameBytes(text, textStart + i, part, partStart, partLength)) return true;
  }
  return false;
}
