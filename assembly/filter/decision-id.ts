/**
 * Ids of decisions: 128 bits as hex. The ABI has no randomness, so they are a keyed hash of a counter, the stream and
 * a time. The key is a chain of hashes into which goes, first of all and then now and then, what tells this machine
 * from others: the proxy's own random id of the request (`x-request-id`), the client's address, the clock.
 */
import { currentTimeNanoseconds } from "../host/clock";
import { readProperty } from "../host/properties";
import { readSingleHeader } from "../host/request-headers";
import { resultPointer, resultSize } from "../host/results";
import { STATUS_OK } from "../host/status";
import { newWriter } from "../host/writer";
import { SHA256_BYTES, sha256Begin, sha256Finish, sha256Update } from "../vm/sha256";
import { siphash } from "../vm/siphash";

// @ts-ignore: decorator
@inline export const DECISION_ID_BYTES: u32 = 16;
/** The key changes after so many ids; a power of two. */
// @ts-ignore: decorator
@inline const STIR_EVERY: u32 = 64;
/** A hash, of which the first half is the key. */
const KEY: usize = memory.data(32, 8);
/** What is hashed: the time of the last stir, the counter, the stream. */
const MESSAGE: usize = memory.data(16, 8);
const ID: usize = memory.data(16, 8);
let counter: u32 = 0;

/** A new id: 16 bytes, valid until the next call. */
export function nextDecisionId(stream: u32): usize {
  store<u32>(MESSAGE, counter, 8);
  store<u32>(MESSAGE, stream, 12);
  if ((counter++ & (STIR_EVERY - 1)) == 0) stir();
  siphash(KEY, MESSAGE, 2, ID);
  return ID;
}

/** Each call to the proxy costs more than the hash, so the clock is asked only here. */
function stir(): void {
  store<u64>(MESSAGE, currentTimeNanoseconds());
  const name = newWriter(16).text("x-request-id");
  sha256Begin();
  sha256Update(KEY, SHA256_BYTES);
  sha256Update(MESSAGE, 16);
  if (readSingleHeader(name.start, name.length) == STATUS_OK) sha256Update(resultPointer(), resultSize());
  if (readProperty("source", "address") == STATUS_OK) sha256Update(resultPointer(), resultSize());
  sha256Finish(KEY);
}
