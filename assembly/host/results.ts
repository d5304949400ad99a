/** Where host calls put the pointer and the length of what they copied into the arena. */

const RESULTS: usize = memory.data(16, 8);

/** Call before a host call that delivers bytes. */
export function clearResult(): void {
  store<usize>(RESULTS, 0);
  store<usize>(RESULTS, 0, sizeof<usize>());
}

export function pointerAt(): usize {
  return RESULTS;
}

export function sizeAt(): usize {
  return RESULTS + sizeof<usize>();
}

/** First byte of the last result. Meaningless when its size is 0: the host then calls no allocator. */
export function resultPointer(): usize {
  return load<usize>(RESULTS);
}

export function resultSize(): u32 {
  return <u32>load<usize>(RESULTS, sizeof<usize>());
}
