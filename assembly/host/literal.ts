/**
 * What a literal of the filter is once it is built (`../literals.ts`): the address of a length byte, and ASCII behind
 * it. Its type stays `string`, but nothing of AssemblyScript's strings works with it.
 */

export function literalLength(literal: string): u32 {
  return load<u8>(changetype<usize>(literal));
}

// @ts-ignore: decorator
@inline
export function literalPointer(literal: string): usize {
  return changetype<usize>(literal) + 1;
}
