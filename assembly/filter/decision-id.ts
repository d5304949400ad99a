/**
 * Ids of decisions: 128 bits as hex. The ABI has no randomness, so each is a hash of the one before, half of which is
 * never shown, with the clock, a counter and the stream. Now and then, and first of all, the proxy's own random id of
 * the request (`x-request-id`) and the client's address go in as well: they tell this machine from others.
 */
import { currentTimeNanoseconds } from "../host/clock";
import { readProperty } from "../host/properties";
import { readSingleHeader } from "../host/request-headers";
import { resultPointer, resultSize } from "../host/results";
import { STATUS_OK } from "../host/status";
import { newWriter } from "../host/writer";
import { sha256, SHA256_BYTES, sha256Begin, sha256Finish, sha256Update } from "../vm/sha256";

// @ts-ignore: decorator
@inline export const DECISION_ID_BYTES: u32 = 16;
/** Every so many ids; a power of two. */
// @ts-ignore: decorator
@inline const STIR_EVERY: u32 = 16;
/** The hash before, and behind it what is mixed in: together one block of SHA-256. */
const STATE: usize = memory.data(48, 8);
let counter: u32 = 0;

/** A new id: 16 bytes, valid until the next call. */
export function nextDecisionId(stream: u32): usize {
  if ((counter & (STIR_EVERY - 1)) == 0) stir();
  store<u64>(STATE, currentTimeNanoseconds(), 32);
  store<u32>(STATE, ++counter, 40);
  store<u32>(STATE, stream, 44);
  sha256(STATE, SHA256_BYTES + 16, STATE);
  return STATE;
}

function stir(): void {
  sha256Begin();
  sha256Update(STATE, SHA256_BYTES);
  const name = newWriter(16).text("x-request-id");
  if (readSingleHeader(name.start, name.length) == STATUS_OK) sha256Update(resultPointer(), resultSize());
  if (readProperty("source", "address") == STATUS_OK) sha256Update(resultPointer(), resultSize());
  sha256Finish(STATE);
}
