/** Rules 14 and 15: policies and guards with their obligations and metadata. */
import {
  DENY_STATUSES,
  EFFECT_ALLOWS,
  EFFECT_DENIES,
  EFFECT_REQUIRES,
  LIMIT_LIMIT_KEYS_MAX,
  LIMIT_LIMITS_MAX,
  LIMIT_PARTS_MAX,
  LIMIT_TARGET_BYTES_MAX,
  LIMITER_FAILURE_ALLOW,
  LIMITER_FAILURE_SHIFT,
  MODE_PERMISSIVE,
  NONE,
  OBLIGATION_LIMIT,
  OBLIGATION_LIMIT_KEY,
  OBLIGATION_JSON_BODY,
  OBLIGATION_PART,
  OBLIGATION_REMOVE_QUERY_PARAMETER,
  OBLIGATION_REMOVE_REQUEST_HEADER,
  OBLIGATION_SET_ANSWER_HEADER,
  OBLIGATION_SET_METADATA,
  OBLIGATION_SET_QUERY_PARAMETER,
  OBLIGATION_SET_REQUEST_HEADER,
  OBLIGATION_SET_RESPONSE_HEADER,
  OBLIGATION_TEXT_BODY,
  POLICY_FLAG_OFF_WHEN_EXPIRED,
  POLICY_KIND_GUARD,
  REDIRECT_STATUSES,
  SEVERITY_INFO,
  SLOT_HAS_DEFAULT,
  SOURCE_BUILTIN,
  SOURCE_EXTENSION,
  SOURCE_HEADER,
  SOURCE_QUERY,
  TYPE_STRING,
} from "../../gen/constants";
import { allocateZeroed } from "../../host/arena";
import { Bundle, PolicyEntry } from "../bundle";
import { equalsText } from "../bytes";
import { targetOf } from "../obligations";
import { AS_CLEAN, AS_HEADER_VALUE, AS_SETTABLE_HEADER, isFit } from "./judgements";
import { clearMarks, mark } from "./marks";
import { hashHeader, isSameHeader } from "./names";
import { compareStrings } from "./ranks";
import { isSafeInteger } from "./operands";
import { refuse, refuseAt } from "./refusal";

/** Rule 14 without the ranges, which belong to the policies. */
export function verifyObligations(bundle: Bundle): bool {
  if (!findSources(bundle)) return refuse("bundle", "out of memory");
  clearMarks();
  // The kind of what the next part would go on with.
  let behind: u32 = 0;
  for (let i: u32 = 0; i < bundle.obligationCount; i++) {
    const obligation = bundle.obligation(i);
    const kind = obligation.kind;
    if (kind - OBLIGATION_SET_REQUEST_HEADER > OBLIGATION_PART - OBLIGATION_SET_REQUEST_HEADER) return refuseAt("obligations", "unknown kind", i);
    if (kind == OBLIGATION_PART) {
      if (obligation.value >= bundle.stringCount) return refuseAt("obligations", "does not exist", i);
      if (!takesParts(behind) || !valueFits(bundle, behind, obligation.value)) return refuseAt("obligations", "no part may stand there", i);
      continue;
    }
    behind = kind;
    if (kind == OBLIGATION_LIMIT || kind == OBLIGATION_LIMIT_KEY) continue;
    if (isBody(kind)) {
      if ((obligation.header & obligation.value) != NONE) return refuseAt("obligations", "a body has a name or a value", i);
      continue;
    }
    const removes = kind == OBLIGATION_REMOVE_REQUEST_HEADER || kind == OBLIGATION_REMOVE_QUERY_PARAMETER;
    if (removes != (obligation.value == NONE)) return refuseAt("obligations", "a value too many or none", i);
    if (obligation.header >= bundle.stringCount || !isTextOrNone(bundle, obligation.value)) return refuseAt("obligations", "does not exist", i);
    if (!nameFits(bundle, kind, obligation.header) || (!removes && !valueFits(bundle, kind, obligation.value))) {
      return refuseAt("obligations", "no policy may set this", i);
    }
    // The first mention of a header speaks for all others.
    if (kind < OBLIGATION_REMOVE_REQUEST_HEADER && mark(obligation.header) && isSource(bundle, obligation.header)) return refuseAt("obligations", "a slot comes from this header", i);
    if (kind == OBLIGATION_SET_QUERY_PARAMETER && load<u8>(querySources + obligation.header) != 0) return refuseAt("obligations", "a slot comes from this parameter", i);
  }
  return true;
}

function isBody(kind: u32): bool {
  return kind == OBLIGATION_TEXT_BODY || kind == OBLIGATION_JSON_BODY;
}

function takesParts(kind: u32): bool {
  return isBody(kind) || (kind != 0 && targetOf(kind) != NONE);
}

function nameFits(bundle: Bundle, kind: u32, name: u32): bool {
  if (kind <= OBLIGATION_SET_RESPONSE_HEADER) return isFit(bundle, name, AS_SETTABLE_HEADER);
  return bundle.stringLength(name) - 1 < LIMIT_TARGET_BYTES_MAX && isFit(bundle, name, AS_CLEAN);
}

function valueFits(bundle: Bundle, kind: u32, value: u32): bool {
  return isBody(kind) || isFit(bundle, value, kind <= OBLIGATION_SET_RESPONSE_HEADER ? AS_HEADER_VALUE : AS_CLEAN);
}

/** A byte for each string: some slot comes from the query parameter of this name. */
let querySources: usize = 0;

/** By the bytes of a header's name with `_` as `-`: the slots that come from it, each string once; 0 or the index + 1. */
let sources: usize = 0;
let sourcesMask: u32 = 0;

function findSources(bundle: Bundle): bool {
  let size: u32 = 4;
  while (size < bundle.slotCount * 2) size *= 2;
  sources = allocateZeroed(<usize>size * 4);
  sourcesMask = size - 1;
  querySources = allocateZeroed(bundle.stringCount + 1);
  if (sources == 0 || querySources == 0) return false;
  clearMarks();
  for (let i: u32 = 0; i < bundle.slotCount; i++) {
    const slot = bundle.slot(i);
    if (slot.source == SOURCE_QUERY) store<u8>(querySources + slot.argument, 1);
    if (slot.source == SOURCE_HEADER && mark(slot.argument)) store<u32>(placeOf(bundle, slot.argument), slot.argument + 1);
  }
  return true;
}

function isSource(bundle: Bundle, header: u32): bool {
  return load<u32>(placeOf(bundle, header)) != 0;
}

/** Where the header is, in whatever spelling, or where it would be. */
function placeOf(bundle: Bundle, header: u32): usize {
  const pointer = bundle.stringPointer(header);
  const length = bundle.stringLength(header);
  let at = hashHeader(bundle.hashSeed, pointer, length) & sourcesMask;
  while (true) {
    const place = sources + (at << 2);
    const other = load<u32>(place);
    if (other == 0 || isSameHeader(pointer, length, bundle.stringPointer(other - 1), bundle.stringLength(other - 1))) return place;
    at = (at + 1) & sourcesMask;
  }
}

/** Rule 15, and the ranges of rules 14 and 18. */
export function verifyPolicies(bundle: Bundle): bool {
  if (!policySetsFit(bundle)) return refuse("policies", "malformed policy sets");
  let obligations: u32 = 0;
  let metadata: u32 = 0;
  let constants: u32 = 0;
  for (let i: u32 = 0; i < bundle.policyCount; i++) {
    const policy = bundle.policy(i);
    if (policy.name >= bundle.stringCount || bundle.stringLength(policy.name) == 0) return refuseAt("policies", "no name", i);
    if (!fieldsFit(bundle, policy)) return refuseAt("policies", "malformed", i);
    // Names differ where the order is strict; those of different severities are compared below.
    if (i > 0 && compareOrder(bundle, bundle.policy(i - 1), policy) >= 0) return refuseAt("policies", "wrong order", i);
    if (policy.firstObligation != obligations || policy.obligationCount > bundle.obligationCount - obligations) {
      return refuseAt("obligations", "ranges do not join", i);
    }
    if (policy.firstMetadata != metadata || policy.metadataCount > bundle.metadataCount - metadata) {
      return refuseAt("metadata", "ranges do not join", i);
    }
    if (policy.firstConstant != constants || policy.constantCount > bundle.constantCount - constants) {
      return refuseAt("rows", "ranges do not join", i);
    }
    constants += policy.constantCount;
    obligations += policy.obligationCount;
    metadata += policy.metadataCount;
    if (!obligationsFit(bundle, policy)) return refuseAt("policies", "obligations do not fit", i);
    if (!metadataFit(bundle, policy)) return refuseAt("metadata", "malformed", i);
  }
  if (obligations != bundle.obligationCount) return refuse("obligations", "not all used");
  if (metadata != bundle.metadataCount) return refuse("metadata", "not all used");
  if (constants != bundle.constantCount) return refuse("rows", "not all used");
  return namesDiffer(bundle);
}

/** A selector, and names in order, or neither. */
function policySetsFit(bundle: Bundle): bool {
  if (bundle.policySetCount == 0) return bundle.selector == NONE;
  if (bundle.selector >= bundle.slotCount) return false;
  const slot = bundle.slot(bundle.selector);
  if (bundle.shape(slot.shape).type != TYPE_STRING || (slot.flags & SLOT_HAS_DEFAULT) != 0) return false;
  if (slot.source != SOURCE_BUILTIN && slot.source != SOURCE_EXTENSION) return false;
  for (let i: u32 = 0; i < bundle.policySetCount; i++) {
    const name = bundle.policySet(i);
    if (name >= bundle.stringCount || bundle.stringLength(name) == 0) return false;
    if (i > 0 && name <= bundle.policySet(i - 1)) return false;
  }
  return true;
}

function namesDiffer(bundle: Bundle): bool {
  clearMarks();
  for (let i: u32 = 0; i < bundle.policyCount; i++) if (!mark(bundle.policy(i).name)) return refuseAt("policies", "two alike", i);
  return true;
}

function fieldsFit(bundle: Bundle, policy: PolicyEntry): bool {
  if (policy.set != NONE && policy.set >= bundle.policySetCount) return false;
  if (policy.kind > POLICY_KIND_GUARD || policy.mode > MODE_PERMISSIVE) return false;
  if (policy.severity > SEVERITY_INFO || policy.effect > EFFECT_DENIES) return false;
  if (policy.kind == POLICY_KIND_GUARD && policy.effect == EFFECT_ALLOWS) return false;
  if (!isRoutineOrNone(bundle, policy.trigger) || !isRoutineOrNone(bundle, policy.requirement)) return false;
  if ((policy.effect == EFFECT_REQUIRES) != (policy.requirement != NONE)) return false;
  if ((policy.intent != NONE && policy.intent >= bundle.textCount) || !isTextOrNone(bundle, policy.body) || !isTextOrNone(bundle, policy.reason)) return false;
  if (policy.expiry != NONE && (policy.expiry >= bundle.numberCount || !isSafeInteger(bundle.number(policy.expiry)))) return false;
  if ((policy.flags & POLICY_FLAG_OFF_WHEN_EXPIRED) != 0 && policy.expiry == NONE) return false;
  if (policy.flags >> LIMITER_FAILURE_SHIFT > LIMITER_FAILURE_ALLOW) return false;
  return policy.reason == NONE || policy.effect == EFFECT_DENIES;
}

function compareOrder(bundle: Bundle, a: PolicyEntry, b: PolicyEntry): i32 {
  return a.severity != b.severity ? <i32>a.severity - <i32>b.severity : compareStrings(a.name, b.name);
}

/** With the status: only a redirect has one of its own. */
function obligationsFit(bundle: Bundle, policy: PolicyEntry): bool {
  const end = policy.firstObligation + policy.obligationCount;
  const cannotAllow = policy.kind == POLICY_KIND_GUARD || policy.effect == EFFECT_DENIES;
  let redirects = false;
  for (let kind = OBLIGATION_SET_REQUEST_HEADER; kind <= OBLIGATION_SET_METADATA && policy.obligationCount > 0; kind++) {
    if (kind == OBLIGATION_LIMIT || kind == OBLIGATION_LIMIT_KEY) continue;
    clearMarks();
    for (let i = policy.firstObligation; i < end; i++) {
      const obligation = bundle.obligation(i);
      if (obligation.kind != kind) continue;
      if (!mark(obligation.header)) return false;
      if (kind != OBLIGATION_SET_ANSWER_HEADER) {
        if (cannotAllow) return false;
      } else if (equalsText(bundle.stringPointer(obligation.header), bundle.stringLength(obligation.header), "location")) redirects = true;
    }
  }
  if (!limitsFit(bundle, policy, cannotAllow)) return false;
  return (policy.status == 0 && !redirects) || includes(redirects ? REDIRECT_STATUSES : DENY_STATUSES, policy.status);
}

/** Keys stand behind a limit, parts behind a text. */
function limitsFit(bundle: Bundle, policy: PolicyEntry, cannotAllow: bool): bool {
  let limits: u32 = 0;
  let keys = LIMIT_LIMIT_KEYS_MAX;
  let bodies: u32 = 0;
  let parts = LIMIT_PARTS_MAX;
  // Nothing but a part may stand behind a body.
  let wantsPart = false;
  for (let i: u32 = 0; i < policy.obligationCount; i++) {
    const kind = bundle.obligation(policy.firstObligation + i).kind;
    if (kind == OBLIGATION_PART) {
      if (++parts > LIMIT_PARTS_MAX) return false;
      wantsPart = false;
      continue;
    }
    if (wantsPart) return false;
    parts = 0;
    if (isBody(kind)) {
      wantsPart = true;
      if (policy.body == NONE || ++bodies > 1) return false;
    }
    if (kind == OBLIGATION_LIMIT) {
      if (cannotAllow || ++limits > LIMIT_LIMITS_MAX) return false;
      keys = 0;
    } else if (kind != OBLIGATION_LIMIT_KEY) keys = LIMIT_LIMIT_KEYS_MAX;
    else if (++keys > LIMIT_LIMIT_KEYS_MAX) return false;
  }
  return !wantsPart && (limits > 0 || policy.flags >> LIMITER_FAILURE_SHIFT == 0);
}

function metadataFit(bundle: Bundle, policy: PolicyEntry): bool {
  clearMarks();
  for (let i: u32 = 0; i < policy.metadataCount; i++) {
    const entry = bundle.metadataEntry(policy.firstMetadata + i);
    if (entry.key >= bundle.textCount || entry.value >= bundle.textCount || !mark(entry.key)) return false;
  }
  return true;
}

function isRoutineOrNone(bundle: Bundle, index: u32): bool {
  return index == NONE || index < bundle.routineCount;
}

function isTextOrNone(bundle: Bundle, index: u32): bool {
  return index == NONE || index < bundle.stringCount;
}

function includes(statuses: StaticArray<u32>, status: u32): bool {
  for (let i = 0; i < statuses.length; i++) if (unchecked(statuses[i]) == status) return true;
  return false;
}
