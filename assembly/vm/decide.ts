/**
 * From the outcomes of all policies to the decision. Deny if some enforced policy or guard denies, is unsatisfied or
 * indeterminate, in this order of weight and then in the bundle's order; else allow if some enforced policy is
 * satisfied; else the default. Permissive policies have no vote.
 */
import { EFFECT_ALLOWS, EFFECT_DENIES, MODE_ENFORCE, MODE_PERMISSIVE, NONE, OBLIGATION_PART, POLICY_FLAG_OFF_WHEN_EXPIRED, POLICY_KIND_POLICY } from "../gen/constants";
import { Bundle, PolicyEntry } from "./bundle";
import { Cell, cellAt, CELL_BYTES, PRESENT } from "./cells";
import { beginPolicy, beginRuns, run, runMetUnknown } from "./interpreter";
import { listTakes } from "./limits";
import { act, findUnfit } from "./obligations";
import { nextSelected, selectPolicies } from "./selection/selection";
import { findString } from "./strings";

// @ts-ignore: decorator
@inline export const OUTCOME_NOT_APPLICABLE: u32 = 0;
// @ts-ignore: decorator
@inline export const OUTCOME_SATISFIED: u32 = 1;
// @ts-ignore: decorator
@inline export const OUTCOME_EXPIRED: u32 = 2;
/** Those that deny, by weight: the greatest wins. */
// @ts-ignore: decorator
@inline export const OUTCOME_INDETERMINATE: u32 = 3;
// @ts-ignore: decorator
@inline export const OUTCOME_UNSATISFIED: u32 = 4;
// @ts-ignore: decorator
@inline export const OUTCOME_DENIED: u32 = 5;
/** Only as a decision's reason. */
// @ts-ignore: decorator
@inline export const OUTCOME_DEFAULT: u32 = 6;
// @ts-ignore: decorator
@inline export const OUTCOME_OBLIGATION_CONFLICT: u32 = 7;
// @ts-ignore: decorator
@inline export const OUTCOME_NO_POLICY_SET: u32 = 9;
/** Only as a decision's reason, and only in the filter: something of our own failed. */
// @ts-ignore: decorator
@inline export const OUTCOME_ERROR: u32 = 8;

// @ts-ignore: decorator
@inline export const OUTCOME_LIMIT: u32 = 10;

// @ts-ignore: decorator
@inline export const OUTCOME_OBLIGATION_INVALID: u32 = 11;

// @ts-ignore: decorator
@inline const DENY_STATUS: u32 = 403;

/** The decision. */
// @ts-ignore: decorator
@unmanaged
export class Verdict {
  allow: bool;
  /** The policy that decided, or -1. */
  policy: i32;
  outcome: u32;
  /** Of a denial. */
  status: u32;
  /** String of a denial's body, or NONE. */
  body: u32;
  /** u32 for each settable name: the obligation that sets it, or NONE. 0 where no policy of an allow has anything to do. */
  values: usize;
  /** Chain of the policies of an allow that have something to do, or 0. */
  acting: usize;
  /** What must be taken before an allow is one, or 0. */
  takes: usize;
  /** Of a denial by a limit: whole seconds until it can be taken, or 0 where nobody knows. */
  retrySeconds: u32;
  /** The global frame, for texts with values in them. */
  cells: usize;
}

const VERDICT: usize = memory.data(44, 8);

/**
 * Decides over a loaded frame. `sound`: method, host and path are valid; `default allow` covers nothing else.
 * `outcomes`: one byte for each policy to write its outcome to, or 0: then policies that have no vote, or cannot apply, are
 * not run.
 * The verdict is overwritten by the next one.
 */
export function decide(bundle: Bundle, cells: usize, sound: bool, outcomes: usize): Verdict {
  const verdict = changetype<Verdict>(VERDICT);
  verdict.values = 0;
  verdict.acting = 0;
  verdict.takes = 0;
  verdict.cells = cells;
  let denying: i32 = -1;
  let denial = OUTCOME_NOT_APPLICABLE;
  let first: i32 = -1;
  let conflict = false;
  const set = chosenSet(bundle, cells);
  beginRuns(bundle, cells);
  const selects = bundle.selection != 0 && outcomes == 0;
  if (selects) selectPolicies();
  let i: u32 = -1;
  while ((i = selects ? nextSelected() : i + 1) < bundle.policyCount) {
    const policy = bundle.policy(i);
    if (policy.mode == MODE_PERMISSIVE && outcomes == 0) continue;
    const outcome = policy.set == NONE || policy.set == set ? outcomeOf(bundle, cells, policy) : OUTCOME_NOT_APPLICABLE;
    if (outcomes != 0) store<u8>(outcomes + i, <u8>outcome);
    if (policy.mode != MODE_ENFORCE) continue;
    if (outcome >= OUTCOME_INDETERMINATE && outcome > denial) {
      denying = i;
      denial = outcome;
      // No later denial weighs more.
      if (denial == OUTCOME_DENIED && outcomes == 0) break;
    }
    if (outcome != OUTCOME_SATISFIED || policy.kind != POLICY_KIND_POLICY) continue;
    if (first < 0) first = i;
    if (policy.obligationCount == 0) continue;
    if (!act(bundle, verdict, i, policy)) conflict = true;
  }
  if (bundle.selector != set && set == NONE) return deny(verdict, -1, OUTCOME_NO_POLICY_SET, DENY_STATUS, NONE);
  if (denying >= 0) {
    const policy = bundle.policy(denying);
    return deny(verdict, denying, denial, policy.status == 0 ? DENY_STATUS : policy.status, policy.body);
  }
  if (conflict) return deny(verdict, -1, OUTCOME_OBLIGATION_CONFLICT, DENY_STATUS, NONE);
  if (first >= 0) {
    const unfit = bundle.doesAny(OBLIGATION_PART) ? findUnfit(bundle, verdict) : -1;
    if (unfit >= 0) return deny(verdict, unfit, OUTCOME_OBLIGATION_INVALID, DENY_STATUS, NONE);
    const uncounted = bundle.hasLimits ? listTakes(bundle, cells, verdict) : -1;
    return uncounted >= 0 ? denyForLimit(uncounted) : allow(verdict, first, OUTCOME_SATISFIED);
  }
  if (bundle.defaultAllow && sound) return allow(verdict, -1, OUTCOME_DEFAULT);
  return deny(verdict, -1, OUTCOME_DEFAULT, DENY_STATUS, NONE);
}

/** Nothing can be taken from a bucket of the policy. RFC 6585, section 4. */
export function denyForLimit(policy: u32): Verdict {
  return deny(changetype<Verdict>(VERDICT), policy, OUTCOME_LIMIT, 429, NONE);
}

/** What cannot be decided is denied. */
export function denyForError(): Verdict {
  return deny(changetype<Verdict>(VERDICT), -1, OUTCOME_ERROR, DENY_STATUS, NONE);
}

/** The policy set that the selector names, or NONE. */
function chosenSet(bundle: Bundle, cells: usize): u32 {
  if (bundle.selector == NONE) return NONE;
  const cell = changetype<Cell>(cells + bundle.slotCell(bundle.selector) * CELL_BYTES);
  if (cell.state != PRESENT) return NONE;
  const name = findString(bundle, cell.pointer, cell.length);
  let low: u32 = 0;
  let high = bundle.policySetCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bundle.policySet(middle) < name) low = middle + 1;
    else high = middle;
  }
  return low < bundle.policySetCount && bundle.policySet(low) == name ? low : NONE;
}

function outcomeOf(bundle: Bundle, cells: usize, policy: PolicyEntry): u32 {
  beginPolicy(bundle.constant(policy.firstConstant));
  if (policy.expiry == NONE) return outcomeOfCode(policy);
  const time = cellAt(cells, bundle.timeCell);
  const expired = time.state == PRESENT && time.number >= bundle.number(policy.expiry);
  if (expired && (policy.flags & POLICY_FLAG_OFF_WHEN_EXPIRED) != 0) return OUTCOME_EXPIRED;
  const outcome = outcomeOfCode(policy);
  // Expiry ends the power to allow, not the power to deny; without a clock nobody knows, and nobody allows.
  if (outcome != OUTCOME_SATISFIED || policy.kind != POLICY_KIND_POLICY) return outcome;
  return expired ? OUTCOME_EXPIRED : time.state == PRESENT ? outcome : OUTCOME_INDETERMINATE;
}

function outcomeOfCode(policy: PolicyEntry): u32 {
  if (policy.trigger != NONE) {
    if (!run(policy.trigger, true)) return OUTCOME_NOT_APPLICABLE;
    if (runMetUnknown() && !run(policy.trigger, false)) return OUTCOME_INDETERMINATE;
  }
  if (policy.effect == EFFECT_DENIES) return OUTCOME_DENIED;
  if (policy.effect == EFFECT_ALLOWS) return OUTCOME_SATISFIED;
  return run(policy.requirement, false) ? OUTCOME_SATISFIED : OUTCOME_UNSATISFIED;
}

function allow(verdict: Verdict, policy: i32, outcome: u32): Verdict {
  verdict.allow = true;
  verdict.policy = policy;
  verdict.outcome = outcome;
  verdict.status = 0;
  verdict.body = NONE;
  return verdict;
}

function deny(verdict: Verdict, policy: i32, outcome: u32, status: u32, body: u32): Verdict {
  verdict.allow = false;
  verdict.policy = policy;
  verdict.outcome = outcome;
  verdict.status = status;
  verdict.body = body;
  verdict.acting = 0;
  verdict.takes = 0;
  verdict.retrySeconds = 0;
  return verdict;
}
