/**
 * The neutral request (docs/request.md, section 1) in the arena: what the filter and the tests fill, and `loadSlots`
 * reads. A fact is a text or a number.
 */
import { allocateZeroed } from "../host/arena";

// @ts-ignore: decorator
@inline export const FACT_METHOD: u32 = 0;
// @ts-ignore: decorator
@inline export const FACT_TARGET: u32 = 1;
// @ts-ignore: decorator
@inline export const FACT_HOST: u32 = 2;
// @ts-ignore: decorator
@inline export const FACT_SCHEME: u32 = 3;
// @ts-ignore: decorator
@inline export const FACT_PROTOCOL: u32 = 4;
/** A number. */
// @ts-ignore: decorator
@inline export const FACT_SIZE: u32 = 5;
// @ts-ignore: decorator
@inline export const FACT_SOURCE_IP: u32 = 6;
/** A number. */
// @ts-ignore: decorator
@inline export const FACT_SOURCE_PORT: u32 = 7;
// @ts-ignore: decorator
@inline export const FACT_SOURCE_PRINCIPAL: u32 = 8;
// @ts-ignore: decorator
@inline export const FACT_DESTINATION_IP: u32 = 9;
/** A number. */
// @ts-ignore: decorator
@inline export const FACT_DESTINATION_PORT: u32 = 10;
// @ts-ignore: decorator
@inline export const FACT_DESTINATION_PRINCIPAL: u32 = 11;
/** A number, 0 or 1. */
// @ts-ignore: decorator
@inline export const FACT_MTLS: u32 = 12;
// @ts-ignore: decorator
@inline export const FACT_REQUESTED_SERVER_NAME: u32 = 13;
// @ts-ignore: decorator
@inline export const FACT_TLS_VERSION: u32 = 14;
// @ts-ignore: decorator
@inline export const FACT_SUBJECT_PEER_CERTIFICATE: u32 = 15;
// @ts-ignore: decorator
@inline export const FACT_URI_SAN_PEER_CERTIFICATE: u32 = 16;
// @ts-ignore: decorator
@inline export const FACT_DNS_SAN_PEER_CERTIFICATE: u32 = 17;
// @ts-ignore: decorator
@inline export const FACT_SHA256_PEER_CERTIFICATE_DIGEST: u32 = 18;
/** A number: milliseconds since 1970. */
// @ts-ignore: decorator
@inline export const FACT_TIME: u32 = 19;
// @ts-ignore: decorator
@inline export const FACT_COUNT: u32 = 20;

/** Bits of `Bundle.needs` besides one for each fact. */
// @ts-ignore: decorator
@inline export const NEED_HEADERS: u32 = 1 << 24;
// @ts-ignore: decorator
@inline export const NEED_BODY: u32 = 1 << 25;

/** Of a fact, of the headers, of the extensions. INVARIANT: what is undelivered becomes invalid, never absent. */
// @ts-ignore: decorator
@inline export const UNDELIVERED: u32 = 0;
// @ts-ignore: decorator
@inline export const MISSING: u32 = 1;
// @ts-ignore: decorator
@inline export const GIVEN: u32 = 2;

// @ts-ignore: decorator
@inline export const BODY_UNDELIVERED: u32 = 0;
// @ts-ignore: decorator
@inline export const BODY_EMPTY: u32 = 1;
// @ts-ignore: decorator
@inline export const BODY_BYTES: u32 = 2;

// @ts-ignore: decorator
@unmanaged
export class Fact {
  number: f64;
  pointer: usize;
  length: u32;
  /** UNDELIVERED, MISSING or GIVEN. */
  state: u32;
}

// @ts-ignore: decorator
@unmanaged
export class NamedText {
  name: usize;
  nameLength: u32;
  value: usize;
  valueLength: u32;
}

// @ts-ignore: decorator
@unmanaged
export class NeutralRequest {
  /** NamedText each: field lines in order, without pseudo headers. */
  headers: usize;
  headerCount: u32;
  /** UNDELIVERED or GIVEN. */
  headersState: u32;
  /** The host joined lines of one name with commas. */
  headersJoined: bool;
  bodyState: u32;
  body: usize;
  bodyLength: u32;
  /** The body counts as JSON whatever `content-type` says. */
  bodyIsJson: bool;
  /** NamedText each. */
  extensions: usize;
  extensionCount: u32;
  /** UNDELIVERED or GIVEN. */
  extensionsState: u32;
  facts: usize;

  fact(id: u32): Fact {
    return changetype<Fact>(this.facts + id * FACT_BYTES);
  }

  header(index: u32): NamedText {
    return changetype<NamedText>(this.headers + index * NAMED_TEXT_BYTES);
  }

  extension(index: u32): NamedText {
    return changetype<NamedText>(this.extensions + index * NAMED_TEXT_BYTES);
  }
}

// @ts-ignore: decorator
@inline const FACT_BYTES: u32 = 24;
// @ts-ignore: decorator
@inline export const NAMED_TEXT_BYTES: u32 = 16;

/** A request of which nothing is known: everything is undelivered. Null when memory is exhausted. */
export function newRequest(): NeutralRequest | null {
  const size = offsetof<NeutralRequest>();
  const at = allocateZeroed(size + FACT_COUNT * FACT_BYTES + 8);
  if (at == 0) return null;
  const request = changetype<NeutralRequest>(at);
  request.facts = (at + size + 7) & ~7;
  return request;
}

export function giveText(fact: Fact, pointer: usize, length: u32): void {
  fact.pointer = pointer;
  fact.length = length;
  fact.state = GIVEN;
}

export function giveNumber(fact: Fact, value: f64): void {
  fact.number = value;
  fact.state = GIVEN;
}
