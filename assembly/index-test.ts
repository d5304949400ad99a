/**
 * Entry of the test twin: the same code as the filter's, with doors for tests instead of the proxy's callbacks.
 * `test-driver.ts` is the other side. Texts and requests are passed in memory that `input` gives; results lie in the
 * arena, `resultLength` bytes from the pointer returned, until the next call.
 */
import { allocate, arenaExhausted, resetArena } from "./host/arena";
import { allocateBlock, freeBlock } from "./host/memory";
import { newWriter, Writer } from "./host/writer";
import { readAddress, readNetwork } from "./vm/address";
import { base64Decode, base64Length, BASE64_MALFORMED } from "./vm/base64";
import { Bundle } from "./vm/bundle";
import { readFloat, readInt } from "./vm/decimal";
import { decide } from "./vm/decide";
import { parseJson } from "./vm/json";
import { freeBundle, loadBundle } from "./vm/load-bundle";
import { beginRuns } from "./vm/interpreter";
import { loadSlots, requestIsSound } from "./vm/load-slots";
import { containsBytes } from "./vm/search";
import { setSelectFrom } from "./vm/selection/build";
import { nextSelected, NO_POLICY, selectPolicies } from "./vm/selection/selection";
import { sha256, SHA256_BYTES } from "./vm/sha256";
import { siphash } from "./vm/siphash";
import { isUtf8 } from "./vm/utf8";
import { refuse, writeRefusal } from "./vm/verify/refusal";
import { readTestRequest } from "./test-twin/request";
import { writeSlots } from "./test-twin/slots";
import { writeVerdict } from "./test-twin/verdict";

// @ts-ignore: decorator
@inline const ARENA_BYTES_MAX: usize = 160 << 20;
// @ts-ignore: decorator
@inline const RESULT_BYTES_MAX: u32 = 32 << 20;

let resultBytes: u32 = 0;
let program: Bundle | null = null;

/** Room for `size` bytes of a call's argument. Forgets the results before. */
export function input(size: u32): usize {
  resetArena(ARENA_BYTES_MAX);
  return allocate(size);
}

export function resultLength(): u32 {
  return resultBytes;
}

export function exhausted(): bool {
  return arenaExhausted();
}

/** Load a bundle instead of the one before. 0 when it is loaded, else the reason. */
export function load_(pointer: usize, length: u32): usize {
  const bytes = allocateBlock(length);
  if (bytes == 0) {
    refuse("bundle", "out of memory");
    return give(writeRefusal(newWriter(1024)));
  }
  memory.copy(bytes, pointer, length);
  const bundle = loadBundle(bytes, length);
  if (bundle === null) return give(writeRefusal(newWriter(1024)));
  const before = program;
  if (before !== null) freeBundle(before);
  program = bundle;
  return 0;
}

/** The slots that are read; see test-twin/slots.ts. 0 without a bundle or with a malformed request. */
export function slots(pointer: usize, length: u32): usize {
  const bundle = program;
  const request = readTestRequest(pointer, length);
  if (bundle === null || request === null) return 0;
  const cells = loadSlots(bundle, request);
  return give(writeSlots(newWriter(RESULT_BYTES_MAX), bundle, cells));
}

/** The decision and every policy's outcome; see test-twin/verdict.ts. */
export function decide_(pointer: usize, length: u32): usize {
  const bundle = program;
  const request = readTestRequest(pointer, length);
  if (bundle === null || request === null) return 0;
  const outcomes = allocate(bundle.policyCount + 1);
  const cells = loadSlots(bundle, request);
  const quick = decide(bundle, cells, requestIsSound(), 0);
  const writer = writeVerdict(newWriter(RESULT_BYTES_MAX), bundle, quick);
  const whole = decide(bundle, cells, requestIsSound(), outcomes);
  return give(writeVerdict(writer, bundle, whole).bytes(outcomes, bundle.policyCount));
}

/** For measurements: load the slots once, and decide so many times. Whether the last decision allows. */
export function decideAgain(pointer: usize, length: u32, times: u32): bool {
  const bundle = program;
  const request = readTestRequest(pointer, length);
  if (bundle === null || request === null) return false;
  const cells = loadSlots(bundle, request);
  let allow = false;
  for (; times > 0; times--) allow = decide(bundle, cells, requestIsSound(), 0).allow;
  return allow;
}

/** Bundles that are loaded from now on have policies selected from so many on. */
export function selectFrom(count: u32): void {
  setSelectFrom(count);
}

/** u32 each: the policies that are selected for the request. 0 where all are judged. */
export function selected(pointer: usize, length: u32): usize {
  const bundle = program;
  const request = readTestRequest(pointer, length);
  if (bundle === null || request === null || bundle.selection == 0) return 0;
  beginRuns(bundle, loadSlots(bundle, request));
  const writer = newWriter(RESULT_BYTES_MAX);
  selectPolicies();
  for (let policy = nextSelected(); policy != NO_POLICY; policy = nextSelected()) writer.word(policy);
  return give(writer);
}

export function hash(pointer: usize, length: u32): usize {
  const out = newWriter(SHA256_BYTES);
  sha256(pointer, length, out.start);
  out.cursor += SHA256_BYTES;
  return give(out);
}

/** The first 16 bytes are the key, the others whole words. */
export function keyedHash(pointer: usize, length: u32): usize {
  const out = newWriter(16);
  siphash(pointer, pointer + 16, (length - 16) >> 3, out.start);
  out.cursor += 16;
  return give(out);
}

/** 0 when malformed. */
export function base64(pointer: usize, length: u32): usize {
  const bytes = base64Length(pointer, length);
  if (bytes == BASE64_MALFORMED) return 0;
  const out = newWriter(bytes);
  if (!base64Decode(pointer, length, out.start)) return 0;
  out.cursor += bytes;
  return give(out);
}

export function float(pointer: usize, length: u32): f64 {
  return readFloat(pointer, length);
}

export function int(pointer: usize, length: u32): f64 {
  return readInt(pointer, length);
}

export function json(pointer: usize, length: u32): bool {
  return parseJson(pointer, length);
}

export function utf8(pointer: usize, length: u32): bool {
  return isUtf8(pointer, length);
}

/** Does the text of `split` bytes hold what follows it? */
export function contains(pointer: usize, length: u32, split: u32): bool {
  return containsBytes(pointer, split, pointer + split, length - split);
}

/** 16 bytes, or 0. */
export function address(pointer: usize, length: u32): usize {
  const out = newWriter(16);
  if (!readAddress(pointer, pointer + length, out.start)) return 0;
  out.cursor += 16;
  return give(out);
}

/** 16 bytes and the prefix length, or 0. */
export function network(pointer: usize, length: u32): usize {
  const out = newWriter(20);
  const prefix = readNetwork(pointer, pointer + length, out.start);
  if (prefix < 0) return 0;
  out.cursor += 16;
  return give(out.word(prefix));
}

export function block(size: u32): usize {
  return allocateBlock(size);
}

export function free(pointer: usize): void {
  freeBlock(pointer);
}

function give(writer: Writer): usize {
  resultBytes = writer.length;
  return writer.start;
}
