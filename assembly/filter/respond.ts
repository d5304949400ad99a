/** A verdict carried out: request headers on an allow, an answer of our own on a deny, and a note for the access log. */
import {
  NONE,
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_REMOVE_QUERY_PARAMETER,
  OBLIGATION_REMOVE_REQUEST_HEADER,
  OBLIGATION_SET_ANSWER_HEADER,
  OBLIGATION_SET_METADATA,
  OBLIGATION_SET_QUERY_PARAMETER,
  OBLIGATION_SET_REQUEST_HEADER,
  OBLIGATION_SET_RESPONSE_HEADER,
} from "../gen/constants";
import { ARENA_REQUEST_BYTES_MAX, resetArena } from "../host/arena";
import { sendLocalResponse } from "../host/local-response";
import { allocateBlock } from "../host/memory";
import { LOG_ERROR, STATUS_OK } from "../host/status";
import { logText } from "../host/log";
import { writeFilterState } from "../host/properties";
import { readSingleHeader, removeHeader, setHeader, setResponseHeader } from "../host/request-headers";
import { resultPointer, resultSize } from "../host/results";
import { newWriter, Writer } from "../host/writer";
import { Bundle } from "../vm/bundle";
import { equalsFolded, equalsText } from "../vm/bytes";
import {
  denyForError,
  OUTCOME_DEFAULT,
  OUTCOME_DENIED,
  OUTCOME_INDETERMINATE,
  OUTCOME_LIMIT,
  OUTCOME_NO_POLICY_SET,
  OUTCOME_OBLIGATION_CONFLICT,
  OUTCOME_OBLIGATION_INVALID,
  OUTCOME_SATISFIED,
  OUTCOME_UNSATISFIED,
  Verdict,
} from "../vm/decide";
import { isRemoved, TO_METADATA, TO_REQUEST, TO_RESPONSE, valueOf } from "../vm/obligations";
import { bodyRow, writeBodyParts } from "../vm/texts";
import { NeutralRequest, UNDELIVERED } from "../vm/request";
import { DIGEST_TEXT_BYTES } from "../vm/load-bundle";
import { isSameHeader } from "../vm/verify/names";
import { DECISION_ID_BYTES, nextDecisionId } from "./decision-id";
import { rewriteQuery } from "./query";
import { Stream } from "./streams";

// @ts-ignore: decorator
@inline const INTERNAL_ERROR: u32 = 500;

/** Kinds of obligations that change headers of the request, or its query. */
// @ts-ignore: decorator
@inline const CHANGES_HEADERS: u32 = (1 << OBLIGATION_SET_REQUEST_HEADER) | (1 << OBLIGATION_APPEND_REQUEST_HEADER) | (1 << OBLIGATION_REMOVE_REQUEST_HEADER);
// @ts-ignore: decorator
@inline const CHANGES_QUERY: u32 = (1 << OBLIGATION_SET_QUERY_PARAMETER) | (1 << OBLIGATION_REMOVE_QUERY_PARAMETER);

/** Carry out an allow. False when the proxy refused a change: then the request must be denied. */
export function applyAllow(bundle: Bundle, request: NeutralRequest, verdict: Verdict, stream: Stream): bool {
  if ((bundle.does & CHANGES_HEADERS) != 0) {
    if (request.headersState == UNDELIVERED || !stripCopies(bundle, request, verdict)) return false;
    if (!setHeaders(bundle, verdict)) return false;
  }
  if ((bundle.does & CHANGES_QUERY) != 0 && !rewriteQuery(bundle, verdict)) return false;
  if (bundle.doesAny(OBLIGATION_SET_RESPONSE_HEADER) && !keepResponseHeaders(bundle, verdict, stream)) return false;
  note(bundle, verdict, nextDecisionId(stream.id));
  return true;
}

/** What the response will get, until it comes: u32 length and bytes of each name and value in turns. */
function keepResponseHeaders(bundle: Bundle, verdict: Verdict, stream: Stream): bool {
  let size: u32 = 0;
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_RESPONSE ? valueOf(bundle, verdict, i) : null;
    if (value !== null) size += 8 + bundle.stringLength(bundle.settableName(i)) + value.length;
  }
  if (size == 0) return true;
  stream.kept = allocateBlock(size + 4);
  if (stream.kept == 0) return false;
  store<u32>(stream.kept, size);
  let at = stream.kept + 4;
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_RESPONSE ? valueOf(bundle, verdict, i) : null;
    if (value === null) continue;
    if (value.failed) return false;
    const name = bundle.settableName(i);
    at = keep(at, bundle.stringPointer(name), bundle.stringLength(name));
    at = keep(at, value.start, value.length);
  }
  return true;
}

function keep(at: usize, pointer: usize, length: u32): usize {
  store<u32>(at, length);
  memory.copy(at + 4, pointer, length);
  return at + 4 + length;
}

/** Sets what an allow kept for the response. False when the proxy refused it. */
export function applyResponse(stream: Stream): bool {
  if (stream.kept == 0) return true;
  const end = stream.kept + 4 + load<u32>(stream.kept);
  for (let at = stream.kept + 4; at < end; ) {
    const name = at + 4;
    const nameLength = load<u32>(at);
    const value = name + nameLength + 4;
    const valueLength = load<u32>(name + nameLength);
    if (setResponseHeader(name, nameLength, value, valueLength) != STATUS_OK) return false;
    at = value + valueLength;
  }
  return true;
}

/** A client's copy of a header that some policy may set never reaches the upstream, nor what is removed, in whatever spelling. */
function stripCopies(bundle: Bundle, request: NeutralRequest, verdict: Verdict): bool {
  for (let i: u32 = 0; i < request.headerCount; i++) {
    const line = request.header(i);
    let goes = isRemoved(bundle, verdict, line.name, line.nameLength);
    for (let s: u32 = 0; s < bundle.settableCount && !goes; s++) {
      const name = bundle.settableName(s);
      goes = bundle.settableTarget(s) == TO_REQUEST && isSameHeader(bundle.stringPointer(name), bundle.stringLength(name), line.name, line.nameLength);
    }
    if (goes && removeHeader(line.name, line.nameLength) != STATUS_OK) return false;
  }
  return true;
}

function setHeaders(bundle: Bundle, verdict: Verdict): bool {
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_REQUEST ? valueOf(bundle, verdict, i) : null;
    if (value === null) continue;
    const name = bundle.settableName(i);
    if (value.failed || setHeader(bundle.stringPointer(name), bundle.stringLength(name), value.start, value.length) != STATUS_OK) return false;
  }
  return true;
}

/** Answer a denial. Without a bundle the request could not be judged. False when the proxy took no answer at all. */
export function applyDeny(bundle: Bundle | null, verdict: Verdict, stream: u32): bool {
  const id = nextDecisionId(stream);
  note(bundle, verdict, id);
  const body = newWriter(bodySize(bundle, verdict));
  writeBody(body, bundle, verdict, id);
  const headers = writeHeaders(bundle, verdict, id);
  if (!body.failed && !headers.failed && sendLocalResponse(verdict.status, "ipe_denied", body, headers) == STATUS_OK) return true;
  logText(LOG_ERROR, "the proxy took no denial; trying a bare one");
  return sendLocalResponse(INTERNAL_ERROR, "ipe_error", newWriter(1), newWriter(1)) == STATUS_OK;
}

/** What could not be decided is denied; what was computed so far is worthless, so its memory is free for the answer. */
export function applyError(bundle: Bundle | null, stream: u32, why: string): bool {
  resetArena(ARENA_REQUEST_BYTES_MAX);
  logText(LOG_ERROR, why);
  return applyDeny(bundle, denyForError(), stream);
}

// --- texts ---

/** Longest reason in a header; names of policies are shorter. */
// @ts-ignore: decorator
@inline const REASON_BYTES_MAX: u32 = 256;
// @ts-ignore: decorator
@inline const HEADERS_BYTES_MAX: u32 = 1024;
/** JSON around the policy's name. */
// @ts-ignore: decorator
@inline const JSON_BYTES_MAX: u32 = 320;

function bodySize(bundle: Bundle | null, verdict: Verdict): u32 {
  if (bundle === null) return JSON_BYTES_MAX;
  if (verdict.body != NONE) {
    const row = bodyRow(bundle, bundle.policy(verdict.policy));
    return bundle.stringLength(verdict.body) + (row == NONE ? 0 : writeBodyParts(bundle, verdict.cells, row, null));
  }
  return JSON_BYTES_MAX + nameSize(bundle, verdict);
}

/** Room for the name of the deciding policy, escaped. */
function nameSize(bundle: Bundle, verdict: Verdict): u32 {
  return verdict.policy < 0 ? 0 : bundle.stringLength(bundle.policy(verdict.policy).name) * 6;
}

function writeBody(writer: Writer, bundle: Bundle | null, verdict: Verdict, id: usize): void {
  if (bundle !== null && verdict.body != NONE) {
    writer.bytes(bundle.stringPointer(verdict.body), bundle.stringLength(verdict.body));
    const row = bodyRow(bundle, bundle.policy(verdict.policy));
    if (row != NONE) writeBodyParts(bundle, verdict.cells, row, writer);
    return;
  }
  writer.text('{"decision":"deny","reason":"');
  if (bundle !== null && verdict.policy >= 0) writeName(writer, bundle, verdict);
  else writer.text(outcomeName(verdict.outcome));
  writer.text('","decision_id":"').hex(id, DECISION_ID_BYTES).text('"}');
}

function writeName(writer: Writer, bundle: Bundle, verdict: Verdict): void {
  const name = bundle.policy(verdict.policy).name;
  writer.jsonText(bundle.stringPointer(name), bundle.stringLength(name));
}

/** Pairs, as the proxy wants them: u32 count, the lengths of all names and values, then these, each with a zero behind it. */
function writeHeaders(bundle: Bundle | null, verdict: Verdict, id: usize): Writer {
  const grpc = isGrpc();
  let size = HEADERS_BYTES_MAX;
  let first: u32 = 0;
  let end: u32 = 0;
  if (bundle !== null && verdict.policy >= 0 && verdict.outcome <= OUTCOME_DENIED) {
    const policy = bundle.policy(verdict.policy);
    first = policy.firstObligation;
    end = first + policy.obligationCount;
    for (let i = first; i < end; i++) {
      const obligation = bundle.obligation(i);
      if (obligation.kind == OBLIGATION_SET_ANSWER_HEADER) size += 10 + bundle.stringLength(obligation.header) + bundle.stringLength(obligation.value);
    }
  }
  const texts = newWriter(size);
  const lengths = newWriter(size);
  partStart = 0;
  let typed = grpc;
  for (let i = first; i < end; i++) {
    const obligation = bundle!.obligation(i);
    if (obligation.kind != OBLIGATION_SET_ANSWER_HEADER) continue;
    const isType = equalsText(bundle!.stringPointer(obligation.header), bundle!.stringLength(obligation.header), "content-type");
    if (isType && grpc) continue;
    typed = typed || isType;
    endPart(texts.bytes(bundle!.stringPointer(obligation.header), bundle!.stringLength(obligation.header)), lengths);
    endPart(texts.bytes(bundle!.stringPointer(obligation.value), bundle!.stringLength(obligation.value)), lengths);
  }
  if (verdict.retrySeconds > 0) {
    endPart(texts.text("retry-after"), lengths);
    endPart(texts.decimal(verdict.retrySeconds), lengths);
  }
  endPart(texts.text("x-ipe-reason"), lengths);
  writeReason(texts, bundle, verdict);
  endPart(texts, lengths);
  endPart(texts.text("x-ipe-decision"), lengths);
  endPart(texts.hex(id, DECISION_ID_BYTES), lengths);
  if (!typed) {
    endPart(texts.text("content-type"), lengths);
    endPart(texts.text(verdict.body != NONE ? "text/plain" : "application/json"), lengths);
  }
  const headers = newWriter(size * 2);
  headers.word(lengths.length >> 3).bytes(lengths.start, lengths.length).bytes(texts.start, texts.length);
  if (texts.failed || lengths.failed) headers.failed = true;
  return headers;
}

/** Where the name or value that is being written starts. */
let partStart: u32 = 0;

function endPart(texts: Writer, lengths: Writer): void {
  lengths.word(texts.length - partStart);
  partStart = texts.byte(0).length;
}

/** Whatever the name: visible ASCII and blanks, cut where it is long. */
function writeReason(writer: Writer, bundle: Bundle | null, verdict: Verdict): void {
  if (bundle === null || verdict.policy < 0) {
    writer.text(outcomeName(verdict.outcome));
    return;
  }
  const name = bundle.policy(verdict.policy).name;
  const pointer = bundle.stringPointer(name);
  const length = min(bundle.stringLength(name), REASON_BYTES_MAX);
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    // One `?` for each character that is no ASCII: the bytes behind its first one are dropped.
    if (byte >= 0x20 && byte < 0x7f) writer.byte(byte);
    else if ((byte & 0xc0) != 0x80) writer.byte(0x3f);
  }
}

/**
 * A gRPC client gets its content type from the proxy, which would join another one to it. The proxy itself looks at
 * the first value only, too.
 */
function isGrpc(): bool {
  const name = newWriter(16).text("content-type");
  if (name.failed || readSingleHeader(name.start, name.length) != STATUS_OK) return false;
  return resultSize() >= 16 && equalsFolded(resultPointer(), 16, "application/grpc");
}

/** Filter state `wasm.ipe`, for access logs and later filters. That it cannot be written changes no decision. */
function note(bundle: Bundle | null, verdict: Verdict, id: usize): void {
  const named = bundle !== null && verdict.policy >= 0;
  let size = JSON_BYTES_MAX;
  if (bundle !== null) size += nameSize(bundle, verdict) + (verdict.allow ? metadataSize(bundle, verdict) : 0);
  const text = newWriter(size);
  text.text('{"decision":"').text(verdict.allow ? "allow" : "deny").text('","policy":');
  if (bundle !== null && named) {
    text.byte(0x22);
    writeName(text, bundle, verdict);
    text.byte(0x22);
  } else text.text("null");
  text.text(',"reason":"').text(outcomeName(verdict.outcome)).text('","decision_id":"').hex(id, DECISION_ID_BYTES).text('","bundle":');
  if (bundle === null) text.text("null}");
  else {
    text.text('"sha256:').bytes(bundle.digestText, DIGEST_TEXT_BYTES).byte(0x22);
    if (verdict.allow && bundle.doesAny(OBLIGATION_SET_METADATA)) writeMetadata(text, bundle, verdict);
    text.byte(0x7d);
  }
  if (!text.failed) writeFilterState("ipe", text.start, text.length);
}

function metadataSize(bundle: Bundle, verdict: Verdict): u32 {
  let size: u32 = 0;
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_METADATA ? valueOf(bundle, verdict, i) : null;
    if (value !== null) size += 6 * (1 + bundle.stringLength(bundle.settableName(i)) + value.length);
  }
  return size;
}

function writeMetadata(text: Writer, bundle: Bundle, verdict: Verdict): void {
  text.text(',"metadata":{');
  let isNext = false;
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_METADATA ? valueOf(bundle, verdict, i) : null;
    if (value === null) continue;
    const name = bundle.settableName(i);
    if (isNext) text.byte(0x2c);
    isNext = true;
    text.byte(0x22).jsonText(bundle.stringPointer(name), bundle.stringLength(name)).text('":"').jsonText(value.start, value.length).byte(0x22);
  }
  text.byte(0x7d);
}

function outcomeName(outcome: u32): string {
  switch (outcome) {
    case OUTCOME_SATISFIED:
      return "satisfied";
    case OUTCOME_INDETERMINATE:
      return "indeterminate";
    case OUTCOME_UNSATISFIED:
      return "unsatisfied";
    case OUTCOME_DENIED:
      return "denied";
    case OUTCOME_DEFAULT:
      return "default";
    case OUTCOME_OBLIGATION_CONFLICT:
      return "obligation-conflict";
    case OUTCOME_OBLIGATION_INVALID:
      return "obligation-invalid";
    case OUTCOME_NO_POLICY_SET:
      return "no-policy-set";
    case OUTCOME_LIMIT:
      return "limit";
    default:
      return "error";
  }
}
