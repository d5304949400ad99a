/** From bytes to a verified bundle with its tables. */
import {
  BUILTIN_REQUEST_HOST,
  BUILTIN_REQUEST_ID,
  BUILTIN_REQUEST_METHOD,
  BUILTIN_REQUEST_PATH,
  BUILTIN_REQUEST_QUERY,
  BUILTIN_REQUEST_SIZE,
  BUILTIN_RESOURCE_TYPE,
  HEADER_DIGEST,
  SLOT_READ,
  SOURCE_BODY,
  SOURCE_BUILTIN,
  SOURCE_CAPTURE,
  SOURCE_COOKIE,
  SOURCE_HEADER,
  SOURCE_QUERY,
  OBLIGATION_REMOVE_REQUEST_HEADER,
} from "../gen/constants";
import { allocate } from "../host/arena";
import { allocateBlock, freeBlock } from "../host/memory";
import { newWriter } from "../host/writer";
import { Bundle, SlotEntry } from "./bundle";
import {
  FACT_HOST,
  FACT_METHOD,
  FACT_SIZE,
  FACT_TARGET,
  NEED_BODY,
  NEED_HEADERS,
} from "./request";
import { TARGETS, targetOf } from "./obligations";
import { buildSelection } from "./selection/build";
import { SHA256_BYTES } from "./sha256";
import { internTableSize } from "./strings";
import { verifyCode } from "./verify/code";
import { verifyAutomata } from "./verify/automata";
import { verifyConstants, verifySchedules, verifySets } from "./verify/constants";
import { verifyContainer } from "./verify/container";
import { verifyExplain } from "./verify/explain";
import { verifyMaps } from "./verify/maps";
import { newJudgements } from "./verify/judgements";
import { newMarks } from "./verify/marks";
import { verifyObligations, verifyPolicies } from "./verify/policies";
import { rankStrings, stringOfRank } from "./verify/ranks";
import { refuse } from "./verify/refusal";
import { verifyResources } from "./verify/resources";
import { verifySlots } from "./verify/slots";
import { verifyEnums, verifyShapes } from "./verify/types";

// @ts-ignore: decorator
@inline export const DIGEST_TEXT_BYTES: u32 = 64;

/**
 * Verifies a bundle by the section "Verification" of docs/bytecode.md. `bytes` is a block of memory.ts, which the
 * bundle owns from now on. Null when it is refused: the reason is in refusal.ts and nothing is left in memory.
 * The arena holds tables while this runs.
 */
export function loadBundle(bytes: usize, size: u32): Bundle | null {
  const at = allocateBlock(offsetof<Bundle>());
  if (at == 0) {
    freeBlock(bytes);
    refuse("bundle", "out of memory");
    return null;
  }
  memory.fill(at, 0, offsetof<Bundle>());
  const bundle = changetype<Bundle>(at);
  bundle.bytes = bytes;
  bundle.size = size;
  if (verify(bundle)) {
    buildSelection(bundle);
    return bundle;
  }
  freeBundle(bundle);
  return null;
}

export function freeBundle(bundle: Bundle): void {
  freeBlock(bundle.selection);
  freeBlock(bundle.stringOffsets);
  freeBlock(bundle.bytes);
  freeBlock(changetype<usize>(bundle));
}

/** All rules, in the order of the page. */
function verify(bundle: Bundle): bool {
  if (!verifyContainer(bundle)) return false;
  bundle.hashSeed = load<u32>(bundle.bytes, HEADER_DIGEST);
  if (!makeTables(bundle) || !newMarks(max(bundle.stringCount, bundle.textCount)) || !newJudgements(bundle.stringCount)) return refuse("bundle", "out of memory");
  if (!verifyConstants(bundle) || !verifySets(bundle) || !verifySchedules(bundle) || !verifyAutomata(bundle)) return false;
  if (!rankStrings(bundle)) return refuse("bundle", "out of memory");
  if (!verifyEnums(bundle) || !verifyShapes(bundle)) return false;
  if (!verifySlots(bundle) || !verifyMaps(bundle) || !verifyResources(bundle)) return false;
  if (!verifyCode(bundle)) return false;
  if (!verifyObligations(bundle) || !verifyPolicies(bundle)) return false;
  if (!verifyExplain(bundle)) return false;
  listReadSlots(bundle);
  spellDigest(bundle);
  return listSettable(bundle) || refuse("bundle", "out of memory");
}

/** One block for all tables; the counts are those of a bundle of at most 64 MiB, so no sum is near 32 bits. */
function makeTables(bundle: Bundle): bool {
  const intern = internTableSize(bundle.stringCount);
  const words =
    bundle.stringCount + 1 + intern + bundle.shapeCount + 2 * bundle.slotCount + bundle.routineCount + 1 + bundle.automatonCount + 2 * bundle.obligationCount + DIGEST_TEXT_BYTES / 4;
  let at = allocateBlock(words * 4);
  if (at == 0) return false;
  memory.fill(at, 0, words * 4);
  bundle.stringOffsets = at;
  at += (bundle.stringCount + 1) << 2;
  bundle.internTable = at;
  bundle.internMask = intern - 1;
  at += intern << 2;
  bundle.shapeWidths = at;
  at += bundle.shapeCount << 2;
  bundle.slotCells = at;
  at += bundle.slotCount << 2;
  bundle.readSlots = at;
  at += bundle.slotCount << 2;
  bundle.routineStarts = at;
  at += (bundle.routineCount + 1) << 2;
  bundle.automatonTables = at;
  at += bundle.automatonCount << 2;
  bundle.obligationHeaders = at;
  at += bundle.obligationCount << 2;
  bundle.settable = at;
  at += bundle.obligationCount << 2;
  bundle.digestText = at;
  makeOffsets(bundle);
  return true;
}

function makeOffsets(bundle: Bundle): void {
  const lengths = bundle.stringBytes - (bundle.stringCount << 2);
  let end: u32 = 0;
  for (let i: u32 = 0; i < bundle.stringCount; i++) {
    const length = load<u32>(lengths + (i << 2));
    end += length;
    store<u32>(bundle.stringOffsets + (i << 2), end, 4);
    bundle.stringBytesMax = max(bundle.stringBytesMax, length);
  }
}

/** Every decision names its bundle, so the digits are made once. */
function spellDigest(bundle: Bundle): void {
  const writer = newWriter(DIGEST_TEXT_BYTES).hex(bundle.bytes + HEADER_DIGEST, SHA256_BYTES);
  if (!writer.failed) memory.copy(bundle.digestText, writer.start, DIGEST_TEXT_BYTES);
}

/** What is loaded for a request, and what the host must fetch for it. */
function listReadSlots(bundle: Bundle): void {
  // `default allow` looks at method, path and host, whoever reads them.
  let needs: u32 = bundle.defaultAllow ? (1 << FACT_METHOD) | (1 << FACT_TARGET) | (1 << FACT_HOST) : 0;
  for (let i: u32 = 0; i < bundle.slotCount; i++) {
    const slot = bundle.slot(i);
    if ((slot.flags & SLOT_READ) == 0) continue;
    store<u32>(bundle.readSlots + (bundle.readSlotCount++ << 2), i);
    needs |= needsOf(slot);
  }
  bundle.needs = needs;
  bundle.readsBody = (needs & NEED_BODY) != 0;
}

function needsOf(slot: SlotEntry): u32 {
  switch (<u32>slot.source) {
    case SOURCE_HEADER:
    case SOURCE_COOKIE:
      return NEED_HEADERS;
    case SOURCE_QUERY:
      return 1 << FACT_TARGET;
    case SOURCE_CAPTURE:
      return (1 << FACT_METHOD) | (1 << FACT_TARGET);
    case SOURCE_BODY:
      return NEED_BODY | NEED_HEADERS;
    case SOURCE_BUILTIN:
      return needsOfBuiltin(slot.argument);
    default:
      return 0;
  }
}

function needsOfBuiltin(id: u32): u32 {
  switch (id) {
    case BUILTIN_REQUEST_METHOD:
      return 1 << FACT_METHOD;
    case BUILTIN_REQUEST_PATH:
    case BUILTIN_REQUEST_QUERY:
      return 1 << FACT_TARGET;
    case BUILTIN_RESOURCE_TYPE:
      return (1 << FACT_METHOD) | (1 << FACT_TARGET);
    case BUILTIN_REQUEST_HOST:
      return 1 << FACT_HOST;
    case BUILTIN_REQUEST_ID:
      return NEED_HEADERS;
    case BUILTIN_REQUEST_SIZE:
      return (1 << FACT_SIZE) | NEED_HEADERS;
    default:
      return 1 << factOfBuiltin(id);
  }
}

/** The fact that a builtin from the scheme on shows: both lists have one order, but `request.id` has no fact. */
export function factOfBuiltin(id: u32): u32 {
  return id < BUILTIN_REQUEST_ID ? id - 1 : id - 2;
}

/** Each settable name once, by target and bytes, and for every obligation that gives one a value which one that is. */
function listSettable(bundle: Bundle): bool {
  const bytes = bundle.stringCount * 4;
  const places = allocate(bytes);
  if (places == 0) return false;
  for (let target: u32 = 0; target < TARGETS; target++) {
    let used = false;
    memory.fill(places, 0, bytes);
    for (let i: u32 = 0; i < bundle.obligationCount; i++) {
      const obligation = bundle.obligation(i);
      if (targetOf(obligation.kind) != target) continue;
      used = true;
      store<u32>(places + (obligation.header << 2), 1);
    }
    for (let rank: u32 = 0; used && rank < bundle.stringCount; rank++) {
      const name = stringOfRank(rank);
      if (load<u32>(places + (name << 2)) == 0) continue;
      store<u32>(places + (name << 2), bundle.settableCount);
      store<u32>(bundle.settable + (bundle.settableCount++ << 2), name | (target << 24));
    }
    for (let i: u32 = 0; used && i < bundle.obligationCount; i++) {
      const obligation = bundle.obligation(i);
      if (targetOf(obligation.kind) == target) store<u32>(bundle.obligationHeaders + (i << 2), load<u32>(places + (obligation.header << 2)));
    }
  }
  for (let i: u32 = 0; i < bundle.obligationCount; i++) {
    const kind = bundle.obligation(i).kind;
    bundle.does |= 1 << kind;
    if (kind <= OBLIGATION_REMOVE_REQUEST_HEADER) bundle.needs |= NEED_HEADERS;
  }
  return true;
}
