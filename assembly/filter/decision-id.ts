/**
 * Ids of decisions: 128 bits as hex. The ABI has no randomness, so each is a hash of the one before, half of which is
 * never shown, with the clock, a counter and the stream: unique, and not to be guessed from the ids before.
 */
import { currentTimeNanoseconds } from "../host/clock";
import { sha256, SHA256_BYTES } from "../vm/sha256";

// @ts-ignore: decorator
@inline export const DECISION_ID_BYTES: u32 = 16;
/** The hash before, and behind it what is mixed in: together one block of SHA-256. */
const STATE: usize = memory.data(52, 8);
let counter: u32 = 0;

/** A new id: 16 bytes, valid until the next call. */
export function nextDecisionId(stream: u32): usize {
  store<u64>(STATE, currentTimeNanoseconds(), 32);
  store<u32>(STATE, ++counter, 40);
  store<u32>(STATE, stream, 44);
  sha256(STATE, SHA256_BYTES + 16, STATE);
  return STATE;
}

/** Adds what tells this VM from others: called for each configuration. */
export function stirDecisionIds(pointer: usize, length: u32): void {
  store<u64>(STATE, currentTimeNanoseconds(), 32);
  for (let i: u32 = 0; i < length; i++) store<u8>(STATE + (i & 31), load<u8>(STATE + (i & 31)) ^ load<u8>(pointer + i));
  sha256(STATE, SHA256_BYTES + 16, STATE);
}
