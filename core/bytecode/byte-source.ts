/** Where the bytes of a bundle are: in memory, or in a file of which only what decides is kept in memory. */
export interface ByteSource {
  readonly length: number;
  /**
   * Bytes `start` to `end`, which lie inside. They stay as they are until the next call. Throws where they can no longer
   * be read, or are no longer what they were when they were read first.
   */
  read(start: number, end: number): Uint8Array;
}

/** Bytes of their own; a Node Buffer's `slice` would only be another look at the same ones. */
export function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** The bytes themselves: whoever hands them over changes them no more. */
export function inMemory(bytes: Uint8Array): ByteSource {
  return { length: bytes.length, read: (start, end) => bytes.subarray(start, end) };
}
