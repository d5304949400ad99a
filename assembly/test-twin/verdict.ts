/**
 * A decision for the test driver: u8 allow; u8 has a policy, text its name; u8 outcome (numbers of vm/decide.ts);
 * u32 status; u8 has a body, text; u32 headers set, each text name, text value; u32 headers removed, each text name; likewise
 * headers of the response, query parameters set and removed, and metadata; u32 headers of the answer, each text name, text value; u32 limits, each text policy, text key, f64 interval, f64 burst, u32
 * what becomes of it while nobody can count.
 */
import { NONE, OBLIGATION_REMOVE_QUERY_PARAMETER, OBLIGATION_REMOVE_REQUEST_HEADER, OBLIGATION_SET_ANSWER_HEADER } from "../gen/constants";
import { newWriter, Writer } from "../host/writer";
import { Bundle } from "../vm/bundle";
import { OUTCOME_DENIED, Verdict } from "../vm/decide";
import { Take } from "../vm/limits";
import { beginActions, nextAction, TO_METADATA, TO_QUERY, TO_REQUEST, TO_RESPONSE, valueOf } from "../vm/obligations";
import { bodyRow, writeBodyParts } from "../vm/texts";
import { writeText } from "./slots";

export function writeVerdict(writer: Writer, bundle: Bundle, verdict: Verdict): Writer {
  writer.byte(verdict.allow ? 1 : 0).byte(verdict.policy < 0 ? 0 : 1);
  writeString(writer, bundle, verdict.policy < 0 ? NONE : bundle.policy(verdict.policy).name);
  writer.byte(verdict.outcome).word(verdict.status);
  writer.byte(verdict.body == NONE ? 0 : 1);
  writeBody(writer, bundle, verdict);
  writeSet(writer, bundle, verdict, TO_REQUEST);
  writeRemoved(writer, bundle, verdict, OBLIGATION_REMOVE_REQUEST_HEADER);
  writeSet(writer, bundle, verdict, TO_RESPONSE);
  writeSet(writer, bundle, verdict, TO_QUERY);
  writeRemoved(writer, bundle, verdict, OBLIGATION_REMOVE_QUERY_PARAMETER);
  writeSet(writer, bundle, verdict, TO_METADATA);
  writeAnswer(writer, bundle, verdict);
  writeTakes(writer, bundle, verdict);
  return writer;
}

function writeBody(writer: Writer, bundle: Bundle, verdict: Verdict): void {
  if (verdict.body == NONE) {
    writeString(writer, bundle, NONE);
    return;
  }
  const row = bodyRow(bundle, bundle.policy(verdict.policy));
  const length = bundle.stringLength(verdict.body);
  const body = newWriter(length + (row == NONE ? 0 : writeBodyParts(bundle, verdict.cells, row, null))).bytes(bundle.stringPointer(verdict.body), length);
  if (row != NONE) writeBodyParts(bundle, verdict.cells, row, body);
  writeText(writer, body.start, body.length);
}

function writeSet(writer: Writer, bundle: Bundle, verdict: Verdict, target: u32): void {
  let count: u32 = 0;
  for (let i: u32 = 0; i < bundle.settableCount; i++) if (bundle.settableTarget(i) == target && valueOf(bundle, verdict, i) !== null) count++;
  writer.word(count);
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == target ? valueOf(bundle, verdict, i) : null;
    if (value === null) continue;
    writeString(writer, bundle, bundle.settableName(i));
    writeText(writer, value.start, value.length);
  }
}

function writeRemoved(writer: Writer, bundle: Bundle, verdict: Verdict, kind: u32): void {
  let count: u32 = 0;
  beginActions(verdict);
  while (nextAction(bundle, kind, NONE) != NONE) count++;
  writer.word(count);
  beginActions(verdict);
  for (; count > 0; count--) writeString(writer, bundle, bundle.obligation(nextAction(bundle, kind, NONE)).header);
}

function writeTakes(writer: Writer, bundle: Bundle, verdict: Verdict): void {
  let count: u32 = 0;
  for (let at = verdict.takes; at != 0; at = changetype<Take>(at).next) count++;
  writer.word(count);
  for (let at = verdict.takes; at != 0; ) {
    const take = changetype<Take>(at);
    writeString(writer, bundle, bundle.policy(take.policy).name);
    writeText(writer, take.key, take.keyLength);
    writer.bytes(at + offsetof<Take>("interval"), 8).bytes(at + offsetof<Take>("burst"), 8).word(take.onFailure);
    at = take.next;
  }
}

function writeAnswer(writer: Writer, bundle: Bundle, verdict: Verdict): void {
  if (verdict.allow || verdict.policy < 0 || verdict.outcome > OUTCOME_DENIED) {
    writer.word(0);
    return;
  }
  const policy = bundle.policy(verdict.policy);
  const end = policy.firstObligation + policy.obligationCount;
  let count: u32 = 0;
  for (let i = policy.firstObligation; i < end; i++) if (bundle.obligation(i).kind == OBLIGATION_SET_ANSWER_HEADER) count++;
  writer.word(count);
  for (let i = policy.firstObligation; i < end; i++) {
    const obligation = bundle.obligation(i);
    if (obligation.kind != OBLIGATION_SET_ANSWER_HEADER) continue;
    writeString(writer, bundle, obligation.header);
    writeString(writer, bundle, obligation.value);
  }
}

function writeString(writer: Writer, bundle: Bundle, index: u32): void {
  if (index == NONE) writer.word(0);
  else writeText(writer, bundle.stringPointer(index), bundle.stringLength(index));
}
