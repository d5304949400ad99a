/**
 * What a decision does to headers: of the request on an allow, of the answer on a denial. The policies that an allow stands
 * on are a chain in the arena, in order: what they set is in the verdict's values, the rest is read from their obligations.
 */
import {
  NONE,
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_REMOVE_REQUEST_HEADER,
  OBLIGATION_SET_ANSWER_HEADER,
  OBLIGATION_SET_REQUEST_HEADER,
} from "../gen/constants";
import { allocate } from "../host/arena";
import { newWriter, Writer } from "../host/writer";
import { Bundle, PolicyEntry } from "./bundle";
import { Verdict } from "./decide";
import { isSameHeader } from "./verify/names";

/** A link of the chain: u32 policy, u32 pointer to the next one or 0. */
// @ts-ignore: decorator
@inline const LINK_BYTES: usize = 8;

let last: usize = 0;

/** Adds a policy to the chain of an allow, and what it sets to the values; false when another one set something else. */
export function act(bundle: Bundle, verdict: Verdict, index: u32, policy: PolicyEntry): bool {
  let linked = false;
  for (let i: u32 = policy.firstObligation; i < policy.firstObligation + policy.obligationCount; i++) {
    const obligation = bundle.obligation(i);
    if (obligation.kind == OBLIGATION_SET_ANSWER_HEADER) continue;
    if (!linked && !addLink(bundle, verdict, index)) return false;
    linked = true;
    if (obligation.kind != OBLIGATION_SET_REQUEST_HEADER) continue;
    const at = verdict.values + (bundle.obligationHeader(i) << 2);
    if (load<u32>(at) != NONE && load<u32>(at) != obligation.value) return false;
    store<u32>(at, obligation.value);
  }
  return true;
}

function addLink(bundle: Bundle, verdict: Verdict, index: u32): bool {
  const link = allocate(LINK_BYTES);
  if (link == 0) return false;
  store<u32>(link, index);
  store<u32>(link, 0, 4);
  if (verdict.acting == 0) {
    const bytes = (bundle.settableCount << 2) + 4;
    verdict.acting = link;
    verdict.values = allocate(bytes);
    if (verdict.values == 0) return false;
    memory.fill(verdict.values, 0xff, bytes);
  } else store<u32>(last, <u32>link, 4);
  last = link;
  return true;
}

let link: usize = 0;
let place: u32 = 0;

/** Starts over with the obligations of an allow; `nextAction` tells them. */
export function beginActions(verdict: Verdict): void {
  link = verdict.acting;
  place = 0;
}

/** The next obligation of a kind that an allow has (and of a settable header, or NONE for any), or NONE behind the last one. */
export function nextAction(bundle: Bundle, kind: u32, settable: u32): u32 {
  while (link != 0) {
    const policy = bundle.policy(load<u32>(link));
    while (place < policy.obligationCount) {
      const index = policy.firstObligation + place++;
      if (bundle.obligation(index).kind == kind && (settable == NONE || bundle.obligationHeader(index) == settable)) return index;
    }
    link = load<u32>(link, 4);
    place = 0;
  }
  return NONE;
}

/** What an allow gives the settable header: what is set, then all that is appended, joined by commas; null for nothing. */
export function valueOf(bundle: Bundle, verdict: Verdict, settable: u32): Writer | null {
  if (verdict.acting == 0) return null;
  const size = join(bundle, verdict, settable, null);
  if (size == 0) return null;
  const writer = newWriter(size);
  join(bundle, verdict, settable, writer);
  return writer;
}

/** Two bytes more than the value has for each part of it; 0 without one. */
function join(bundle: Bundle, verdict: Verdict, settable: u32, writer: Writer | null): u32 {
  beginActions(verdict);
  let size: u32 = 0;
  let value = load<u32>(verdict.values + (settable << 2));
  while (true) {
    if (value != NONE) {
      const length = bundle.stringLength(value);
      if (writer !== null && length > 0) {
        // Empty values leave no trace between others: proxies would take away a comma at the end.
        if (writer.length > 0) writer.text(", ");
        writer.bytes(bundle.stringPointer(value), length);
      }
      size += 2 + length;
    }
    const next = nextAction(bundle, OBLIGATION_APPEND_REQUEST_HEADER, settable);
    if (next == NONE) return size;
    value = bundle.obligation(next).value;
  }
}

/** Is the header taken away, in whatever spelling? */
export function isRemoved(bundle: Bundle, verdict: Verdict, pointer: usize, length: u32): bool {
  beginActions(verdict);
  while (true) {
    const at = nextAction(bundle, OBLIGATION_REMOVE_REQUEST_HEADER, NONE);
    if (at == NONE) return false;
    const name = bundle.obligation(at).header;
    if (isSameHeader(bundle.stringPointer(name), bundle.stringLength(name), pointer, length)) return true;
  }
}
