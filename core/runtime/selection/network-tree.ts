/**
 * Networks of one family in a binary tree over their bits, with the bits between two places skipped: which of them hold
 * a given address is found in one walk down.
 */

export class NetworkTree<T> {
  readonly bytes: Uint8Array;
  readonly prefix: number;
  /** What belongs to the network; null at a place that only branches. */
  value: T | null = null;
  zero: NetworkTree<T> | null = null;
  one: NetworkTree<T> | null = null;

  constructor(bytes: Uint8Array, prefix: number) {
    this.bytes = bytes;
    this.prefix = prefix;
  }

  /** Does the network hold the address at `bytes[at ..]`? The first `known` bits are equal. */
  holds(bytes: Uint8Array, at: number): boolean {
    return commonBits(this.bytes, 0, bytes, at, this.prefix) >= this.prefix;
  }
}

/** The tree with a network that is not in it. */
export function withNetwork<T>(
  root: NetworkTree<T> | null,
  network: { readonly bytes: Uint8Array; readonly prefix: number; readonly value: T },
): NetworkTree<T> {
  const { bytes, prefix, value } = network;
  if (root === null) {
    const made = new NetworkTree<T>(bytes, prefix);
    made.value = value;
    return made;
  }
  const common = commonBits(root.bytes, 0, bytes, 0, Math.min(root.prefix, prefix));
  if (common === root.prefix) {
    if (common === prefix) root.value = value;
    else if (bitOf(bytes, 0, common)) root.one = withNetwork(root.one, network);
    else root.zero = withNetwork(root.zero, network);
    return root;
  }
  const above = new NetworkTree<T>(bytes, common);
  if (common === prefix) above.value = value;
  else if (bitOf(bytes, 0, common)) above.one = withNetwork(null, network);
  else above.zero = withNetwork(null, network);
  if (bitOf(root.bytes, 0, common)) above.one = root;
  else above.zero = root;
  return above;
}

export function bitOf(bytes: Uint8Array, at: number, bit: number): boolean {
  return ((bytes[at + (bit >> 3)]! >> (7 - (bit & 7))) & 1) === 1;
}

/** Equal bits of two addresses from the first on, at most `most`. */
function commonBits(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, most: number): number {
  for (let i = 0; i * 8 < most; i++) {
    const difference = a[aAt + i]! ^ b[bAt + i]!;
    if (difference !== 0) return Math.min(most, i * 8 + Math.clz32(difference) - 24);
  }
  return most;
}
