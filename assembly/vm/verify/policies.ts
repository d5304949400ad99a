/** Rules 14 and 15: policies and guards with their obligations and metadata. */
import {
  DENY_STATUSES,
  EFFECT_ALLOWS,
  EFFECT_DENIES,
  EFFECT_REQUIRES,
  MODE_PERMISSIVE,
  NONE,
  OBLIGATION_SET_REQUEST_HEADER,
  POLICY_KIND_GUARD,
  SEVERITY_INFO,
  SOURCE_HEADER,
} from "../../gen/constants";
import { Bundle, PolicyEntry } from "../bundle";
import { clearMarks, mark } from "./marks";
import { isHeaderValue, isSameHeader, isSettableHeader } from "./names";
import { refuse, refuseAt } from "./refusal";
import { compareStrings } from "./resources";

/** Rule 14 without the ranges, which belong to the policies. */
export function verifyObligations(bundle: Bundle): bool {
  for (let i: u32 = 0; i < bundle.obligationCount; i++) {
    const obligation = bundle.obligation(i);
    if (obligation.kind != OBLIGATION_SET_REQUEST_HEADER) return refuseAt("obligations", "unknown kind", i);
    if (obligation.header >= bundle.stringCount || obligation.value >= bundle.stringCount) return refuseAt("obligations", "does not exist", i);
    const pointer = bundle.stringPointer(obligation.header);
    const length = bundle.stringLength(obligation.header);
    if (!isSettableHeader(pointer, length)) return refuseAt("obligations", "no policy may set this header", i);
    if (isSource(bundle, pointer, length)) return refuseAt("obligations", "a slot comes from this header", i);
    if (!isHeaderValue(bundle.stringPointer(obligation.value), bundle.stringLength(obligation.value))) {
      return refuseAt("obligations", "malformed", i);
    }
  }
  return true;
}

function isSource(bundle: Bundle, pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < bundle.slotCount; i++) {
    const slot = bundle.slot(i);
    if (slot.source != SOURCE_HEADER) continue;
    if (isSameHeader(pointer, length, bundle.stringPointer(slot.argument), bundle.stringLength(slot.argument))) return true;
  }
  return false;
}

/** Rule 15, and the ranges of rule 14. */
export function verifyPolicies(bundle: Bundle): bool {
  let obligations: u32 = 0;
  let metadata: u32 = 0;
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
    obligations += policy.obligationCount;
    metadata += policy.metadataCount;
    if (!obligationsFit(bundle, policy)) return refuseAt("policies", "obligations do not fit", i);
    if (!metadataFit(bundle, policy)) return refuseAt("metadata", "malformed", i);
  }
  if (obligations != bundle.obligationCount) return refuse("obligations", "not all used");
  if (metadata != bundle.metadataCount) return refuse("metadata", "not all used");
  return namesDiffer(bundle);
}

function namesDiffer(bundle: Bundle): bool {
  clearMarks();
  for (let i: u32 = 0; i < bundle.policyCount; i++) if (!mark(bundle.policy(i).name)) return refuseAt("policies", "two alike", i);
  return true;
}

function fieldsFit(bundle: Bundle, policy: PolicyEntry): bool {
  if (policy.kind > POLICY_KIND_GUARD || policy.mode > MODE_PERMISSIVE) return false;
  if (policy.severity > SEVERITY_INFO || policy.effect > EFFECT_DENIES) return false;
  if (policy.kind == POLICY_KIND_GUARD && policy.effect == EFFECT_ALLOWS) return false;
  if (!isRoutineOrNone(bundle, policy.trigger) || !isRoutineOrNone(bundle, policy.requirement)) return false;
  if ((policy.effect == EFFECT_REQUIRES) != (policy.requirement != NONE)) return false;
  if (policy.status != 0 && !isDenyStatus(policy.status)) return false;
  if (!isTextOrNone(bundle, policy.intent) || !isTextOrNone(bundle, policy.body) || !isTextOrNone(bundle, policy.reason)) return false;
  return policy.reason == NONE || policy.effect == EFFECT_DENIES;
}

function compareOrder(bundle: Bundle, a: PolicyEntry, b: PolicyEntry): i32 {
  return a.severity != b.severity ? <i32>a.severity - <i32>b.severity : compareStrings(bundle, a.name, b.name);
}

function obligationsFit(bundle: Bundle, policy: PolicyEntry): bool {
  if (policy.obligationCount == 0) return true;
  if (policy.kind == POLICY_KIND_GUARD || policy.effect == EFFECT_DENIES) return false;
  clearMarks();
  for (let i: u32 = 0; i < policy.obligationCount; i++) if (!mark(bundle.obligation(policy.firstObligation + i).header)) return false;
  return true;
}

function metadataFit(bundle: Bundle, policy: PolicyEntry): bool {
  clearMarks();
  for (let i: u32 = 0; i < policy.metadataCount; i++) {
    const entry = bundle.metadataEntry(policy.firstMetadata + i);
    if (entry.key >= bundle.stringCount || entry.value >= bundle.stringCount || !mark(entry.key)) return false;
  }
  return true;
}

function isRoutineOrNone(bundle: Bundle, index: u32): bool {
  return index == NONE || index < bundle.routineCount;
}

function isTextOrNone(bundle: Bundle, index: u32): bool {
  return index == NONE || index < bundle.stringCount;
}

function isDenyStatus(status: u32): bool {
  for (let i = 0; i < DENY_STATUSES.length; i++) if (unchecked(DENY_STATUSES[i]) == status) return true;
  return false;
}
