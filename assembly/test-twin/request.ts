/**
 * A neutral request as the test driver writes it, little-endian. A text is u32 length and bytes.
 *
 *     20 facts in the order of vm/request.ts:  u8 state (0 undelivered, 1 missing, 2 given); given: text or f64
 *     u8 headers (0 undelivered, 2 given); u8 joined; u32 count; count x (text name; text value)
 *     u8 body (0 undelivered, 1 empty, 2 bytes); u8 is JSON; text bytes
 *     u8 extensions (0 undelivered, 2 given); u32 count; count x (text key; text value)
 */
import { allocate } from "../host/arena";
import {
  FACT_COUNT,
  FACT_DESTINATION_PORT,
  FACT_MTLS,
  FACT_SIZE,
  FACT_SOURCE_PORT,
  FACT_TIME,
  GIVEN,
  giveNumber,
  giveText,
  NAMED_TEXT_BYTES,
  NamedText,
  NeutralRequest,
  newRequest,
} from "../vm/request";

let at: usize = 0;

/** INVARIANT: the driver writes it, so it is well formed; a length that is off by one is seen at the end. */
export function readTestRequest(pointer: usize, length: u32): NeutralRequest | null {
  const request = newRequest();
  if (request === null) return null;
  at = pointer;
  for (let id: u32 = 0; id < FACT_COUNT; id++) {
    const fact = request.fact(id);
    fact.state = byte();
    if (fact.state != GIVEN) continue;
    if (isNumber(id)) giveNumber(fact, number());
    else {
      const size = word();
      giveText(fact, skip(size), size);
    }
  }
  request.headersState = byte();
  request.headersJoined = byte() != 0;
  request.headerCount = word();
  request.headers = texts(request.headerCount);
  request.bodyState = byte();
  request.bodyIsJson = byte() != 0;
  request.bodyLength = word();
  request.body = skip(request.bodyLength);
  request.extensionsState = byte();
  request.extensionCount = word();
  request.extensions = texts(request.extensionCount);
  return at == pointer + length ? request : null;
}

function isNumber(id: u32): bool {
  return id == FACT_SIZE || id == FACT_SOURCE_PORT || id == FACT_DESTINATION_PORT || id == FACT_MTLS || id == FACT_TIME;
}

function texts(count: u32): usize {
  const list = allocate(count * NAMED_TEXT_BYTES);
  for (let i: u32 = 0; i < count; i++) {
    const entry = changetype<NamedText>(list + i * NAMED_TEXT_BYTES);
    entry.nameLength = word();
    entry.name = skip(entry.nameLength);
    entry.valueLength = word();
    entry.value = skip(entry.valueLength);
  }
  return list;
}

function byte(): u32 {
  return load<u8>(at++);
}

function word(): u32 {
  const value = load<u32>(at);
  at += 4;
  return value;
}

function number(): f64 {
  const value = load<f64>(at);
  at += 8;
  return value;
}

function skip(bytes: u32): usize {
  const from = at;
  at += bytes;
  return from;
}
