/**
 * Signed bundles (docs/trust.md). A configuration with keys takes a bundle only with a statement that one of them has signed, for
 * its audience and its name; Envoy's foreign function `verify_signature` looks at the signature.
 *
 * The highest sequence stands in the proxy's shared data, as long as the proxy runs. A VM's own memory would not do: proxies try a
 * configuration in a VM of its own first, and what that takes and a worker refuses leaves the worker without any.
 */
import {
  HEADER_DIGEST,
  STATEMENT_AUDIENCE_BYTES,
  STATEMENT_DIGEST,
  STATEMENT_FLAGS,
  STATEMENT_FORMAT,
  STATEMENT_HEAD_BYTES,
  STATEMENT_KEY_ID,
  STATEMENT_MAGIC_WORD,
  STATEMENT_NAME_BYTES,
  STATEMENT_SEQUENCE,
  STATEMENT_SIGNATURE_BYTES_MAX,
  STATEMENT_SIGNATURE_BYTES_MIN,
  STATEMENT_VALID_FROM,
  STATEMENT_VALID_UNTIL,
  STATEMENT_VERSION,
} from "../gen/constants";
import { allocate } from "../host/arena";
import { currentTimeNanoseconds } from "../host/clock";
import { callForeign } from "../host/foreign";
import { resultPointer, resultSize } from "../host/results";
import { readShared, sharedVersion, writeShared } from "../host/shared-data";
import { STATUS_NOT_FOUND, STATUS_OK } from "../host/status";
import { newWriter } from "../host/writer";
import { BASE64_MALFORMED, base64Decode, base64Length } from "../vm/base64";
import { Bundle } from "../vm/bundle";
import { equalBytes } from "../vm/bytes";
import { JSON_STRING, JsonNode, jsonNode } from "../vm/json";
import { SHA256_BYTES, sha256 } from "../vm/sha256";
import { refuse } from "../vm/verify/refusal";

/** A SubjectPublicKeyInfo of P-256 with an uncompressed point. */
// @ts-ignore: decorator
@inline const KEY_BYTES: u32 = 91;
// @ts-ignore: decorator
@inline const SAFE_MAX: u64 = 9007199254740991;

/** Under this and the hash of name and audience stand the sequence (u64) and the bundle's digest. */
// @ts-ignore: decorator
@inline const PREFIX: string = "ipe.sequence.";
// @ts-ignore: decorator
@inline const PREFIX_BYTES: u32 = 13;
// @ts-ignore: decorator
@inline const VALUE_BYTES: u32 = 8 + SHA256_BYTES;
/** Times that the sequence is written anew because another worker was quicker. */
// @ts-ignore: decorator
@inline const TRIES_MAX: u32 = 32;

let keys: u32 = 0;
let audience: JsonNode | null = null;
let bundleName: JsonNode | null = null;
let statementText: JsonNode | null = null;

const KEY_ID: usize = memory.data(32, 8);

/** A configuration begins. */
export function setNoTrust(): void {
  keys = 0;
  audience = null;
  bundleName = null;
  statementText = null;
}

/** `list`: index of the JSON list. */
export function setKeys(list: u32): void {
  keys = list;
}

export function setAudience(node: JsonNode): void {
  audience = node;
}

export function setBundleName(node: JsonNode): void {
  bundleName = node;
}

export function setStatement(node: JsonNode): void {
  statementText = node;
}

/** Whether the bundle may be in force as far as signatures go, and then the sequence is taken; the reason is in refusal.ts. */
export function isTrusted(bundle: Bundle): bool {
  const wanted = audience;
  const name = bundleName;
  const text = statementText;
  if (keys == 0) {
    // Who writes one of them means that signatures are checked.
    return (wanted === null && name === null && text === null) || refuse("configuration", "`audience`, `bundle_name` and `statement` need `trusted_keys`");
  }
  if (wanted === null || name === null) return refuse("configuration", "`trusted_keys` needs `audience` and `bundle_name`");
  if (text === null) return refuse("statement", "missing");
  const bytes = decoded(text);
  if (bytes == 0) return refuse("statement", "not base64");
  const length = base64Length(text.pointer, text.length);
  if (length <= STATEMENT_HEAD_BYTES || load<u32>(bytes) != STATEMENT_MAGIC_WORD) return refuse("statement", "does not begin as one does");
  if (load<u16>(bytes, STATEMENT_VERSION) != STATEMENT_FORMAT) return refuse("statement", "of another version than 1, which this filter reads");
  const nameLength = <u32>load<u8>(bytes, STATEMENT_NAME_BYTES);
  const audienceLength = <u32>load<u8>(bytes, STATEMENT_AUDIENCE_BYTES);
  const end = STATEMENT_HEAD_BYTES + nameLength + audienceLength;
  const signatureLength = end < length ? <u32>load<u8>(bytes + end) : 0;
  if (signatureLength < STATEMENT_SIGNATURE_BYTES_MIN || signatureLength > STATEMENT_SIGNATURE_BYTES_MAX || length != end + 1 + signatureLength) {
    return refuse("statement", "its length is not what it says");
  }
  // Break-glass is for servers, which can end it.
  if (load<u16>(bytes, STATEMENT_FLAGS) != 0) return refuse("statement", "has a flag that is not known");
  if (!isSigned(bytes, end, signatureLength)) return false;
  const at = bytes + STATEMENT_HEAD_BYTES;
  if (memory.compare(bytes + STATEMENT_DIGEST, bundle.bytes + HEADER_DIGEST, SHA256_BYTES) != 0) return refuse("statement", "about another bundle");
  if (!equalBytes(at, nameLength, name.pointer, name.length)) return refuse("statement", "about another name");
  if (!equalBytes(at + nameLength, audienceLength, wanted.pointer, wanted.length)) return refuse("statement", "for another audience");
  return isValidNow(bytes) && isInOrder(bytes, end);
}

/** Address of the bytes, 0 where it is no base64 or there is no memory. */
function decoded(text: JsonNode): usize {
  const size = base64Length(text.pointer, text.length);
  if (size == BASE64_MALFORMED) return 0;
  const bytes = allocate(size);
  return bytes != 0 && base64Decode(text.pointer, text.length, bytes) ? bytes : 0;
}

function isSigned(bytes: usize, end: u32, signatureLength: u32): bool {
  const stop = jsonNode(keys).next;
  for (let i = keys + 1; i < stop; i = jsonNode(i).next) {
    const node = jsonNode(i);
    const key: usize = node.kind == JSON_STRING && base64Length(node.pointer, node.length) == KEY_BYTES ? decoded(node) : 0;
    if (key == 0) return refuse("configuration", "a key of `trusted_keys` is none of P-256 (SubjectPublicKeyInfo as DER, uncompressed, in base64)");
    sha256(key, KEY_BYTES, KEY_ID);
    if (memory.compare(KEY_ID, bytes + STATEMENT_KEY_ID, SHA256_BYTES) != 0) continue;
    return verifies(key, bytes, end, signatureLength) || refuse("statement", "its signature is not right, or the proxy cannot check it");
  }
  return refuse("statement", "signed with a key that is not trusted");
}

/** Arguments and result are messages of Protocol Buffers (Envoy, source/extensions/common/wasm/ext/verify_signature.proto). */
function verifies(key: usize, bytes: usize, end: u32, signatureLength: u32): bool {
  const writer = newWriter(end + KEY_BYTES + signatureLength + 16)
    .text("\n\x06sha256")
    .byte(0x12)
    .byte(KEY_BYTES)
    .bytes(key, KEY_BYTES)
    .byte(0x1a)
    .byte(signatureLength)
    .bytes(bytes + end + 1, signatureLength)
    .byte(0x22)
    .byte((end & 127) | 128)
    .byte(end >> 7)
    .bytes(bytes, end);
  if (writer.failed || callForeign("verify_signature", writer.start, writer.length) != STATUS_OK) return false;
  // Field 1, true; a failure has a text in field 2 instead.
  return resultSize() == 2 && load<u16>(resultPointer()) == 0x0108;
}

function isValidNow(bytes: usize): bool {
  const seconds = currentTimeNanoseconds() / 1000000000;
  const until = load<u64>(bytes, STATEMENT_VALID_UNTIL);
  if (until > SAFE_MAX || load<u64>(bytes, STATEMENT_SEQUENCE) - 1 >= SAFE_MAX) return refuse("statement", "a number in it is too large");
  // 0: the proxy has no clock.
  if (seconds == 0 || seconds < load<u64>(bytes, STATEMENT_VALID_FROM)) return refuse("statement", "not valid yet");
  return seconds < until || refuse("statement", "expired");
}

function isInOrder(bytes: usize, end: u32): bool {
  // The lengths are signed, so that no two pairs of names are one text.
  sha256(bytes + STATEMENT_NAME_BYTES, end - STATEMENT_NAME_BYTES, KEY_ID);
  const key = newWriter(PREFIX_BYTES + SHA256_BYTES).text(PREFIX).bytes(KEY_ID, SHA256_BYTES);
  const value = newWriter(VALUE_BYTES).bytes(bytes + STATEMENT_SEQUENCE, 8).bytes(bytes + STATEMENT_DIGEST, SHA256_BYTES);
  if (key.failed || value.failed) return refuse("configuration", "out of memory");
  const sequence = load<u64>(value.start);
  for (let tries: u32 = 0; tries < TRIES_MAX; tries++) {
    const status = readShared(key.start, key.length);
    if (status == STATUS_OK && resultSize() == VALUE_BYTES) {
      const known = load<u64>(resultPointer());
      if (sequence < known) return refuse("statement", "its sequence is lower than one that was in force");
      const same = memory.compare(resultPointer(), value.start, VALUE_BYTES) == 0;
      if (same || sequence == known) return same || refuse("statement", "its sequence was used for another bundle");
    } else if (status != STATUS_NOT_FOUND) break;
    if (writeShared(key.start, key.length, value.start, VALUE_BYTES, sharedVersion()) == STATUS_OK) return true;
  }
  return refuse("configuration", "the proxy's shared data keep no sequence");
}
