/**
 * Buckets of tokens in the proxy's shared data, which its workers share. A bucket is one number, when it will be full again, in
 * microseconds since 1970; where that would lie further ahead than all tokens take, it is empty.
 *
 * Shared data never goes away, and clients choose keys. So there is a fixed number of values, each with some buckets of keys that
 * fall on it; the one that is full soonest makes room for another one. The ABI has no clock but one that can be set back: then a bucket
 * is empty, and fills from there on.
 */
import { LIMITER_FAILURE_ALLOW } from "../gen/constants";
import { allocateZeroed } from "../host/arena";
import { currentTimeNanoseconds } from "../host/clock";
import { resultPointer, resultSize } from "../host/results";
import { readShared, sharedVersion, writeShared } from "../host/shared-data";
import { STATUS_NOT_FOUND, STATUS_OK } from "../host/status";
import { newWriter } from "../host/writer";
import { denyForLimit, Verdict } from "../vm/decide";
import { Take } from "../vm/limits";
import { siphash } from "../vm/siphash";

/** Values in shared data. */
// @ts-ignore: decorator
@inline const VALUES: u32 = 8192;
/** Buckets in each: u64 hash of the key, f64 time. */
// @ts-ignore: decorator
@inline const BUCKETS: u32 = 8;
// @ts-ignore: decorator
@inline const BUCKET_BYTES: u32 = 16;
// @ts-ignore: decorator
@inline const VALUE_BYTES: u32 = BUCKETS * BUCKET_BYTES;
/** Times that a value is written anew because another worker was quicker. */
// @ts-ignore: decorator
@inline const TRIES_MAX: u32 = 32;
/** Less than the clock can tell: sums of fractions are not exact. */
// @ts-ignore: decorator
@inline const SLACK_MICROS: f64 = 0.5;

/** Answers of `move` that are no time to wait. */
// @ts-ignore: decorator
@inline const TAKEN: f64 = 0;
// @ts-ignore: decorator
@inline const FAILED: f64 = -1;

let now: f64 = 0;

/** The verdict when its tokens are taken, or could not be. What was taken of others is then given back. */
export function takeTokens(verdict: Verdict): Verdict {
  if (verdict.takes == 0) return verdict;
  now = <f64>currentTimeNanoseconds() / 1000;
  for (let at = verdict.takes; at != 0; ) {
    const take = changetype<Take>(at);
    const wait = move(take, take.interval);
    if (wait == TAKEN || (wait == FAILED && take.onFailure == LIMITER_FAILURE_ALLOW)) {
      at = take.next;
      continue;
    }
    for (let before = verdict.takes; before != at; before = changetype<Take>(before).next) {
      move(changetype<Take>(before), -changetype<Take>(before).interval);
    }
    const denial = denyForLimit(take.policy);
    if (wait > 0) denial.retrySeconds = <u32>Math.ceil(wait / 1e6);
    return denial;
  }
  return verdict;
}

/** Moves the time at which a bucket is full: TAKEN, FAILED, or the microseconds until there is a token. */
function move(take: Take, micros: f64): f64 {
  const words = (take.keyLength >> 3) + 1;
  // The key in whole words, 16 zero bytes as the hash's own key, and the hash. No key holds a zero byte at its end.
  const message = allocateZeroed(<usize>(words << 3) + 32 + VALUE_BYTES);
  if (message == 0) return FAILED;
  memory.copy(message, take.key, take.keyLength);
  const hash = message + (words << 3) + 16;
  siphash(hash - 16, message, words, hash);
  const value = hash + 16;
  const name = newWriter(24).text("ipe.limits.").decimal(load<u32>(hash, 8) % VALUES);
  if (name.failed) return FAILED;
  const capacity = take.burst * take.interval;
  for (let i: u32 = 0; i < TRIES_MAX; i++) {
    const status = readShared(name.start, name.length);
    if (status == STATUS_OK && resultSize() == VALUE_BYTES) memory.copy(value, resultPointer(), VALUE_BYTES);
    else if (status == STATUS_NOT_FOUND) memory.fill(value, 0, VALUE_BYTES);
    else return FAILED;
    const bucket = bucketOf(value, load<u64>(hash));
    const before = load<f64>(bucket, 8);
    let fullAt = min(max(before, now), now + capacity) + micros;
    const missing = micros > 0 ? fullAt - now - capacity : 0;
    const refused = missing > SLACK_MICROS;
    if (refused) {
      fullAt = now + capacity;
      // Only where the clock was set back is there something to write: from here on it counts anew.
      if (before <= fullAt + SLACK_MICROS) return missing;
    }
    store<u64>(bucket, load<u64>(hash));
    store<f64>(bucket, fullAt, 8);
    if (writeShared(name.start, name.length, value, VALUE_BYTES, sharedVersion()) == STATUS_OK) return refused ? missing : TAKEN;
  }
  return FAILED;
}

/** The bucket of a hash, or a full one in the place of the one that is full soonest. */
function bucketOf(value: usize, hash: u64): usize {
  let soonest = value;
  for (let at = value; at < value + VALUE_BYTES; at += BUCKET_BYTES) {
    if (load<u64>(at) == hash) return at;
    if (load<f64>(at, 8) < load<f64>(soonest, 8)) soonest = at;
  }
  store<f64>(soonest, 0, 8);
  return soonest;
}
