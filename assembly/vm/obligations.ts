/**
 * What a decision does: on an allow to headers of request and response, to query parameters and to metadata. The policies that an allow stands
 * on are a chain in the arena, in order: what they set is in the verdict's values, the rest is read from their obligations.
 */
import {
  NONE,
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_PART,
  OBLIGATION_REMOVE_QUERY_PARAMETER,
  OBLIGATION_REMOVE_REQUEST_HEADER,
  OBLIGATION_SET_ANSWER_HEADER,
  OBLIGATION_SET_METADATA,
  OBLIGATION_SET_RESPONSE_HEADER,
  OBLIGATION_TEXT_BODY,
} from "../gen/constants";
import { allocate } from "../host/arena";
import { newWriter, Writer } from "../host/writer";
import { Bundle, PolicyEntry } from "./bundle";
import { Verdict } from "./decide";
import { TEXT_MISSING, TEXT_UNFIT, writeText } from "./texts";
import { isSameHeader } from "./verify/names";

/** What is given a value: headers of the request, then by kind, one after the other. */
// @ts-ignore: decorator
@inline export const TO_REQUEST: u32 = 0;
// @ts-ignore: decorator
@inline export const TO_RESPONSE: u32 = 1;
// @ts-ignore: decorator
@inline export const TO_QUERY: u32 = 2;
// @ts-ignore: decorator
@inline export const TO_METADATA: u32 = 4;
// @ts-ignore: decorator
@inline export const TARGETS: u32 = 5;

/** What an obligation of the kind gives a value, or NONE. */
export function targetOf(kind: u32): u32 {
  if (kind < OBLIGATION_REMOVE_REQUEST_HEADER) return TO_REQUEST;
  if (kind < OBLIGATION_SET_RESPONSE_HEADER || kind > OBLIGATION_SET_METADATA || kind == OBLIGATION_REMOVE_QUERY_PARAMETER) return NONE;
  return kind - OBLIGATION_SET_RESPONSE_HEADER + TO_RESPONSE;
}

/** A link of the chain: u32 policy, u32 pointer to the next one or 0. */
// @ts-ignore: decorator
@inline const LINK_BYTES: usize = 8;

let last: usize = 0;

/** Adds a policy to the chain of an allow, and what it sets to the values; false when another one set something else. */
export function act(bundle: Bundle, verdict: Verdict, index: u32, policy: PolicyEntry): bool {
  let linked = false;
  for (let i: u32 = policy.firstObligation; i < policy.firstObligation + policy.obligationCount; i++) {
    const kind = bundle.obligation(i).kind;
    if (kind == OBLIGATION_SET_ANSWER_HEADER || kind >= OBLIGATION_TEXT_BODY) continue;
    if (!linked && !addLink(bundle, verdict, index)) return false;
    linked = true;
    if (kind == OBLIGATION_APPEND_REQUEST_HEADER || targetOf(kind) == NONE) continue;
    const at = verdict.values + (bundle.obligationHeader(i) << 2);
    const other = load<u32>(at);
    if (other != NONE && !haveSameText(bundle, other, i)) return false;
    store<u32>(at, i);
  }
  return true;
}

/** As they are written, whatever the values in them are. */
function haveSameText(bundle: Bundle, a: u32, b: u32): bool {
  if (bundle.obligation(a).value != bundle.obligation(b).value) return false;
  while (true) {
    const isPart = isPartAt(bundle, ++a);
    if (isPart != isPartAt(bundle, ++b)) return false;
    if (!isPart) return true;
    if (bundle.obligation(a).header != bundle.obligation(b).header || bundle.obligation(a).value != bundle.obligation(b).value) return false;
  }
  return false;
}

function isPartAt(bundle: Bundle, index: u32): bool {
  return index < bundle.obligationCount && bundle.obligation(index).kind == OBLIGATION_PART;
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

/** The next obligation of a kind that an allow has (and of a settable name, or NONE for any), or NONE behind the last one. */
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

/** The first policy of an allow with a text that cannot be set, or -1. */
export function findUnfit(bundle: Bundle, verdict: Verdict): i32 {
  beginActions(verdict);
  while (true) {
    const part = nextAction(bundle, OBLIGATION_PART, NONE);
    if (part == NONE) return -1;
    // The first part speaks for all of its text; those of bodies are nothing that an allow sets.
    const kind = bundle.obligation(part - 1).kind;
    if (kind < OBLIGATION_TEXT_BODY && writeText(bundle, verdict.cells, part - 1, null) == TEXT_UNFIT) return load<u32>(link);
  }
  return -1;
}

/** What an allow gives the settable name: what is set, then all that is appended, joined by commas; null for nothing. */
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
  let index = load<u32>(verdict.values + (settable << 2));
  while (true) {
    if (index != NONE) {
      const length = writeText(bundle, verdict.cells, index, null);
      if (length != TEXT_MISSING) {
        if (writer !== null && length > 0) {
          // Empty values leave no trace between others: proxies would take away a comma at the end.
          if (writer.length > 0) writer.text(", ");
          writeText(bundle, verdict.cells, index, writer);
        }
        size += 2 + length;
      }
    }
    index = nextAction(bundle, OBLIGATION_APPEND_REQUEST_HEADER, settable);
    if (index == NONE) return size;
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

/** Is the query parameter taken away: because the allow says so, or because policies can set it? */
export function losesParameter(bundle: Bundle, verdict: Verdict, pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < bundle.settableCount; i++)
    if (bundle.settableTarget(i) == TO_QUERY && bundle.stringIs(bundle.settableName(i), pointer, length)) return true;
  beginActions(verdict);
  while (true) {
    const at = nextAction(bundle, OBLIGATION_REMOVE_QUERY_PARAMETER, NONE);
    if (at == NONE) return false;
    if (bundle.stringIs(bundle.obligation(at).header, pointer, length)) return true;
  }
}
