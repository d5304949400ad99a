/** Rules 1 to 3: the header, the section table with its hashes, and what every section's counts demand. */
import {
  DIGEST_DOMAIN,
  FEATURE_AGGREGATES,
  FEATURE_BODY,
  FEATURE_COMPUTING,
  FEATURE_LIMITS,
  FEATURE_NETWORKS,
  FLAG_DEFAULT_ALLOW,
  FORMAT_VERSION,
  HEADER_BODY_BYTES_MAX,
  HEADER_BYTES,
  HEADER_DIGEST,
  HEADER_FEATURES,
  HEADER_FLAGS,
  HEADER_FORMAT_VERSION,
  HEADER_LIST_ELEMENTS_MAX,
  HEADER_MAGIC,
  HEADER_SECTION_COUNT,
  HEADER_SEMANTICS_VERSION,
  HEADER_TOTAL_BYTES,
  PATH_DECODE_AND_MERGE_SLASHES,
  PATH_MODE_SHIFT,
  LIMIT_BODY_BYTES_MAX,
  LIMIT_FILTER_BUNDLE_BYTES_MAX,
  LIMIT_LIST_ELEMENTS_MAX,
  MAGIC,
  SECTION_AUTOMATA,
  SECTION_CODE,
  SECTION_COUNT,
  SECTION_ENTRY_BYTES,
  SECTION_ENTRY_HASH,
  SECTION_ENTRY_ID,
  SECTION_ENTRY_LENGTH,
  SECTION_ENTRY_OFFSET,
  SECTION_ENUMS,
  SECTION_EXPLAIN,
  SECTION_MAPS,
  SECTION_METADATA,
  SECTION_NETWORKS,
  SECTION_NUMBERS,
  SECTION_OBLIGATIONS,
  SECTION_POLICIES,
  SECTION_RESOURCES,
  SECTION_ROWS,
  SECTION_SCHEDULES,
  SECTION_SETS,
  SECTION_SHAPES,
  SECTION_SLOTS,
  SECTION_STRINGS,
  SECTION_TEXTS,
  SEMANTICS_VERSION,
} from "../../gen/constants";
import { literalLength, literalPointer } from "../../host/literal";
import { Bundle } from "../bundle";
import { automatonBytes } from "./automata";
import { sha256, SHA256_BYTES, sha256Begin, sha256Finish, sha256Update } from "../sha256";
import { refuse, refuseAt } from "./refusal";

// @ts-ignore: decorator
@inline const TABLE_END: u32 = HEADER_BYTES + SECTION_COUNT * SECTION_ENTRY_BYTES;
const HASH: usize = memory.data(32, 4);

/** Rules 1 to 3. Sets the counts and the places of all arrays. */
export function verifyContainer(bundle: Bundle): bool {
  return verifyHeader(bundle) && verifySections(bundle) && locateArrays(bundle);
}

/** Rule 1. */
function verifyHeader(bundle: Bundle): bool {
  const size = bundle.size;
  const bytes = bundle.bytes;
  if (size > LIMIT_FILTER_BUNDLE_BYTES_MAX) return refuse("bundle", "larger than the limit");
  if (size < 4 || load<u32>(bytes, HEADER_MAGIC) != MAGIC) return refuse("bundle", "does not start with `IPE`");
  if (size < TABLE_END) return refuse("bundle", "cut off");
  if ((size & 3) != 0) return refuse("bundle", "length is no multiple of 4");
  if (load<u16>(bytes, HEADER_FORMAT_VERSION) != FORMAT_VERSION) {
    return refuse("bundle", "format version is another; compile the policy again");
  }
  if (load<u16>(bytes, HEADER_SEMANTICS_VERSION) != SEMANTICS_VERSION) {
    return refuse("bundle", "semantics version is another; compile the policy again");
  }
  if ((load<u32>(bytes, HEADER_FEATURES) & ~(FEATURE_BODY | FEATURE_AGGREGATES | FEATURE_NETWORKS | FEATURE_COMPUTING | FEATURE_LIMITS)) != 0) {
    return refuse("header", "unknown flag");
  }
  const flags = load<u32>(bytes, HEADER_FLAGS);
  if (flags >> PATH_MODE_SHIFT > PATH_DECODE_AND_MERGE_SLASHES) return refuse("header", "unknown flag");
  if (load<u32>(bytes, HEADER_TOTAL_BYTES) != size) return refuse("bundle", "cut off");
  if (load<u32>(bytes, HEADER_SECTION_COUNT) != SECTION_COUNT) return refuse("header", "wrong number");
  if (load<u32>(bytes, HEADER_BODY_BYTES_MAX) != LIMIT_BODY_BYTES_MAX) return refuse("header", "wrong number");
  if (load<u32>(bytes, HEADER_LIST_ELEMENTS_MAX) != LIMIT_LIST_ELEMENTS_MAX) return refuse("header", "wrong number");
  bundle.pathMode = flags >> PATH_MODE_SHIFT;
  bundle.defaultAllow = (flags & FLAG_DEFAULT_ALLOW) != 0;
  return true;
}

/** Rule 2. */
function verifySections(bundle: Bundle): bool {
  let end = TABLE_END;
  for (let id: u32 = 1; id <= SECTION_COUNT; id++) {
    const entry = sectionEntry(bundle, id);
    if (load<u32>(entry, SECTION_ENTRY_ID) != id) return refuseAt("sections", "wrong order", id);
    if (load<u32>(entry, SECTION_ENTRY_OFFSET) != end) return refuseAt("sections", "ranges do not join", id);
    const length = load<u32>(entry, SECTION_ENTRY_LENGTH);
    if ((length & 3) != 0) return refuseAt("sections", "length is no multiple of 4", id);
    if (length > bundle.size - end) return refuseAt("sections", "ranges do not join", id);
    end += length;
  }
  if (end != bundle.size) return refuse("sections", "not all used");
  for (let id: u32 = 1; id <= SECTION_COUNT; id++) {
    sha256(sectionStart(bundle, id), sectionLength(bundle, id), HASH);
    if (memory.compare(HASH, sectionEntry(bundle, id) + SECTION_ENTRY_HASH, SHA256_BYTES) != 0) {
      return refuseAt("sections", "changed or damaged", id);
    }
  }
  return verifyDigest(bundle);
}

function verifyDigest(bundle: Bundle): bool {
  sha256Begin();
  sha256Update(literalPointer(DIGEST_DOMAIN), literalLength(DIGEST_DOMAIN));
  sha256Update(bundle.bytes, HEADER_TOTAL_BYTES);
  sha256Update(bundle.bytes + HEADER_BODY_BYTES_MAX, HEADER_DIGEST - HEADER_BODY_BYTES_MAX);
  for (let id: u32 = 1; id <= SECTION_COUNT; id++) {
    sha256Update(sectionEntry(bundle, id) + SECTION_ENTRY_ID, 4);
    sha256Update(sectionEntry(bundle, id) + SECTION_ENTRY_HASH, SHA256_BYTES);
  }
  sha256Finish(HASH);
  if (memory.compare(HASH, bundle.bytes + HEADER_DIGEST, SHA256_BYTES) != 0) {
    return refuse("bundle", "changed or damaged");
  }
  return true;
}

// --- rule 3 ---

/** The section that is being taken apart. */
let start: usize = 0;
let length: u32 = 0;
/** Bytes that its counts demand so far. */
let demanded: u64 = 0;

/**
 * The sections of plain arrays: id, words in front, number of arrays; and for each array the word that counts its
 * entries, and the bytes of an entry.
 * INVARIANT: from `numberCount` on a Bundle has a count and an address for each array, in this order.
 */
const ARRAYS: usize = memory.data<u8>([
  <u8>SECTION_NUMBERS, 2, 1, 0, 8,
  <u8>SECTION_NETWORKS, 1, 1, 0, 20,
  <u8>SECTION_SETS, 2, 2, 0, 12, 1, 4,
  <u8>SECTION_ENUMS, 2, 2, 0, 16, 1, 4,
  <u8>SECTION_SHAPES, 2, 2, 0, 12, 1, 8,
  <u8>SECTION_SLOTS, 1, 1, 0, 20,
  <u8>SECTION_RESOURCES, 2, 2, 0, 16, 1, 8,
  <u8>SECTION_CODE, 2, 2, 0, 4, 1, 8,
  <u8>SECTION_OBLIGATIONS, 1, 1, 0, 12,
  <u8>SECTION_POLICIES, 3, 2, 0, 68, 1, 4,
  <u8>SECTION_METADATA, 1, 1, 0, 8,
  <u8>SECTION_EXPLAIN, 3, 3, 2, 8, 0, 36, 1, 8,
  <u8>SECTION_SCHEDULES, 2, 2, 0, 24, 1, 8,
  <u8>SECTION_ROWS, 1, 1, 0, 4,
  <u8>SECTION_MAPS, 2, 2, 0, 16, 1, 8,
  0,
]);

function locateArrays(bundle: Bundle): bool {
  if (!locateStrings(bundle) || !locateTexts(bundle) || !locateAutomata(bundle)) return false;
  let field = changetype<usize>(bundle) + offsetof<Bundle>("numberCount");
  for (let at = ARRAYS; load<u8>(at) != 0; ) {
    open(bundle, load<u8>(at), load<u8>(at, 1));
    let left = <u32>load<u8>(at, 2);
    for (at += 3; left > 0; left--, at += 2) {
      const entries = count(load<u8>(at));
      store<u32>(field, entries);
      store<usize>(field, array(entries, load<u8>(at, 1)), 4);
      field += 8;
    }
    if (!close()) return false;
  }
  bundle.selector = load<u32>(sectionStart(bundle, SECTION_POLICIES), 8);
  return load<u32>(sectionStart(bundle, SECTION_NUMBERS), 4) == 0 || refuse("numbers", "padding is not zero");
}

/** The texts' lengths stand before their bytes, which are padded. */
function locateStrings(bundle: Bundle): bool {
  open(bundle, SECTION_STRINGS, 1);
  bundle.stringCount = count(0);
  const lengths = array(bundle.stringCount, 4);
  if (demanded > length) return close();
  bundle.stringBytes = start + <usize>demanded;
  for (let i: u32 = 0; i < bundle.stringCount && demanded <= length; i++) demanded += load<u32>(lengths + (i << 2));
  return closePadded();
}

/** Like strings, but for that each has its end in front; only the last one counts here. */
function locateTexts(bundle: Bundle): bool {
  open(bundle, SECTION_TEXTS, 1);
  bundle.textCount = count(0);
  bundle.textEnds = array(bundle.textCount, 4);
  if (demanded > length) return close();
  if (bundle.textCount > 0) demanded += load<u32>(start + (bundle.textCount << 2));
  return closePadded();
}

/** Zeros up to a multiple of four. */
function closePadded(): bool {
  const end = demanded;
  demanded = (demanded + 3) & ~3;
  if (!close()) return false;
  for (let at = <u32>end; at < length; at++) if (load<u8>(start + at) != 0) return refuse("sections", "padding is not zero");
  return true;
}

/** Behind the entries stand classes and rows, as long as each entry says. */
function locateAutomata(bundle: Bundle): bool {
  open(bundle, SECTION_AUTOMATA, 1);
  bundle.automatonCount = count(0);
  bundle.automata = array(bundle.automatonCount, 12);
  for (let i: u32 = 0; i < bundle.automatonCount && demanded <= length; i++) demanded += automatonBytes(bundle.automaton(i));
  return close();
}

function open(bundle: Bundle, id: u32, words: u32): void {
  start = sectionStart(bundle, id);
  length = sectionLength(bundle, id);
  demanded = words << 2;
}

/** One of the words that a section begins with; 0 where the section is too short to hold it, which `close` refuses. */
function count(word: u32): u32 {
  return length < (word + 1) << 2 ? 0 : load<u32>(start + (word << 2));
}

function array(entries: u32, bytes: u32): usize {
  const at = start + <usize>demanded;
  // At most 2^32 entries of 68 bytes, three times: far below 2^64.
  demanded += <u64>entries * bytes;
  return at;
}

function close(): bool {
  return demanded == length || refuse("sections", "length is not what the counts demand");
}

function sectionEntry(bundle: Bundle, id: u32): usize {
  return bundle.bytes + HEADER_BYTES + (id - 1) * SECTION_ENTRY_BYTES;
}

function sectionStart(bundle: Bundle, id: u32): usize {
  return bundle.bytes + load<u32>(sectionEntry(bundle, id), SECTION_ENTRY_OFFSET);
}

function sectionLength(bundle: Bundle, id: u32): u32 {
  return load<u32>(sectionEntry(bundle, id), SECTION_ENTRY_LENGTH);
}
