/**
 * From the proxy to the neutral request: only what the bundle needs, each by the cheapest call that sees every value.
 * OK and "not found" are answers; any other status makes a fact undelivered, and so invalid.
 */
import { allocate } from "../host/arena";
import { readRequestBody } from "../host/buffers";
import { readProperty } from "../host/properties";
import { readAllHeaders, readSingleHeader } from "../host/request-headers";
import { resultPointer, resultSize } from "../host/results";
import { STATUS_NOT_FOUND, STATUS_OK } from "../host/status";
import { newWriter } from "../host/writer";
import { LIMIT_BODY_BYTES_MAX } from "../gen/constants";
import { equalsText, findByte } from "../vm/bytes";
import { Bundle } from "../vm/bundle";
import { readInt } from "../vm/decimal";
import { findLinesNamed, foundLines, foundOneLine, foundValue, foundValueLength } from "../vm/headers";
import {
  BODY_BYTES,
  BODY_EMPTY,
  Fact,
  FACT_COUNT,
  FACT_DESTINATION_IP,
  FACT_DESTINATION_PORT,
  FACT_DESTINATION_PRINCIPAL,
  FACT_DNS_SAN_PEER_CERTIFICATE,
  FACT_HOST,
  FACT_METHOD,
  FACT_MTLS,
  FACT_PROTOCOL,
  FACT_REQUESTED_SERVER_NAME,
  FACT_SCHEME,
  FACT_SHA256_PEER_CERTIFICATE_DIGEST,
  FACT_SIZE,
  FACT_SOURCE_IP,
  FACT_SOURCE_PORT,
  FACT_SOURCE_PRINCIPAL,
  FACT_SUBJECT_PEER_CERTIFICATE,
  FACT_TARGET,
  FACT_TIME,
  FACT_TLS_VERSION,
  FACT_URI_SAN_PEER_CERTIFICATE,
  GIVEN,
  giveNumber,
  giveText,
  MISSING,
  NAMED_TEXT_BYTES,
  NamedText,
  NEED_HEADERS,
  NeutralRequest,
  newRequest,
  UNDELIVERED,
} from "../vm/request";

/** With so many header lines one call for all is cheaper than two for pseudo headers. */
// @ts-ignore: decorator
@inline const FEW_LINES: u32 = 24;
// @ts-ignore: decorator
@inline const PSEUDO_FACTS: u32 = (1 << FACT_METHOD) | (1 << FACT_TARGET) | (1 << FACT_HOST) | (1 << FACT_SCHEME);

/**
 * What the bundle needs of the request whose headers are there. `lines`: how many, 0 where that is not known; `ended`:
 * the headers ended it. Null without memory.
 */
export function gatherRequest(bundle: Bundle, lines: u32, ended: bool): NeutralRequest | null {
  const request = newRequest();
  if (request === null) return null;
  const needs = bundle.needs;
  const atOnce = lines - 1 < FEW_LINES && popcnt<u32>(needs & PSEUDO_FACTS) > 1;
  if (atOnce || (needs & NEED_HEADERS) != 0) gatherHeaders(request, needs);
  else gatherPseudoHeaders(request, needs);
  if (has(needs, FACT_SIZE)) announcedSize(request, ended);
  if (ended) request.bodyState = BODY_EMPTY;
  if ((needs & PROPERTY_FACTS) != 0) gatherProperties(request, needs);
  return request;
}

/** All of the body, of which the proxy holds `size` bytes. What it does not deliver whole is undelivered. */
export function gatherBody(bundle: Bundle, request: NeutralRequest, size: u32): void {
  if (size > LIMIT_BODY_BYTES_MAX) return;
  // An ext_authz server cannot tell whether such a body goes on: what is unknown there is unknown here too.
  if (size == LIMIT_BODY_BYTES_MAX && !isAnnounced(request)) return;
  // Nobody announced the size, so it is what has come.
  if (has(bundle.needs, FACT_SIZE) && !isAnnounced(request)) giveNumber(request.fact(FACT_SIZE), size);
  if (size == 0) {
    request.bodyState = BODY_EMPTY;
    return;
  }
  if (readRequestBody(size) != STATUS_OK || resultSize() != size) return;
  request.bodyState = BODY_BYTES;
  request.body = resultPointer();
  request.bodyLength = size;
}

/**
 * What follows a CONNECT or an upgrade is no body and may never end, so it must not be waited for. Envoy shows an
 * upgrade of HTTP/2 (extended CONNECT) as one of HTTP/1.
 */
export function opensTunnel(): bool {
  const upgrade = newWriter(16).text("upgrade");
  if (upgrade.failed || readSingleHeader(upgrade.start, upgrade.length) != STATUS_NOT_FOUND) return true;
  const method = newWriter(16).text(":method");
  if (method.failed || readSingleHeader(method.start, method.length) != STATUS_OK) return true;
  return equalsText(resultPointer(), resultSize(), "CONNECT");
}

// @ts-ignore: decorator
@inline const PROPERTY_FACTS: u32 = ((1 << FACT_COUNT) - 1) & ~((1 << FACT_METHOD) | (1 << FACT_TARGET) | (1 << FACT_HOST) | (1 << FACT_SCHEME) | (1 << FACT_SIZE));

function has(needs: u32, fact: u32): bool {
  return ((needs >> fact) & 1) != 0;
}

// --- headers ---

/** One by one. */
function gatherPseudoHeaders(request: NeutralRequest, needs: u32): void {
  if (has(needs, FACT_METHOD)) pseudoHeader(request.fact(FACT_METHOD), ":method");
  if (has(needs, FACT_TARGET)) pseudoHeader(request.fact(FACT_TARGET), ":path");
  if (has(needs, FACT_HOST)) pseudoHeader(request.fact(FACT_HOST), ":authority");
  if (has(needs, FACT_SCHEME)) pseudoHeader(request.fact(FACT_SCHEME), ":scheme");
}

function pseudoHeader(fact: Fact, name: string): void {
  const text = newWriter(16).text(name);
  if (!text.failed) giveResult(fact, readSingleHeader(text.start, text.length));
}

function giveResult(fact: Fact, status: u32): void {
  if (status == STATUS_OK) giveText(fact, resultPointer(), resultSize());
  else fact.state = status == STATUS_NOT_FOUND ? MISSING : UNDELIVERED;
}

/**
 * All headers by one call, pseudo headers among them: each call costs the proxy more than what it delivers.
 * Takes the pairs apart: u32 count, count x (u32, u32) lengths, then names and values, each with a zero behind it.
 */
function gatherHeaders(request: NeutralRequest, needs: u32): void {
  if (readAllHeaders() != STATUS_OK) return;
  const pairs = resultPointer();
  const size = resultSize();
  // No headers at all: nothing, or a single byte.
  const count: u32 = size < 4 ? 0 : load<u32>(pairs);
  if (count > 0 && count > (size - 4) >> 3) return;
  const lines = allocate(<usize>count * NAMED_TEXT_BYTES);
  if (lines == 0) return;
  let at: u64 = 4 + (<u64>count << 3);
  let used: u32 = 0;
  let seen: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const nameLength = load<u32>(pairs + 4 + (i << 3));
    const valueLength = load<u32>(pairs + 4 + (i << 3), 4);
    const end = at + nameLength + 1 + valueLength + 1;
    if (end > size) return;
    const line = changetype<NamedText>(lines + used * NAMED_TEXT_BYTES);
    line.name = pairs + <usize>at;
    line.nameLength = nameLength;
    line.value = line.name + nameLength + 1;
    line.valueLength = valueLength;
    at = end;
    if (nameLength == 0 || load<u8>(line.name) != 0x3a) used++;
    else seen = takePseudoHeader(request, line, seen);
  }
  for (let fact: u32 = FACT_METHOD; fact <= FACT_SCHEME; fact++) {
    if (has(needs & ~seen, fact)) request.fact(fact).state = MISSING;
  }
  request.headers = lines;
  request.headerCount = used;
  request.headersState = GIVEN;
}

/** `seen`: bits of the facts given before. With this one's, if it is one; what is said twice is not known. */
function takePseudoHeader(request: NeutralRequest, line: NamedText, seen: u32): u32 {
  const found = pseudoFact(line.name, line.nameLength);
  if (found < 0) return seen;
  const fact = request.fact(<u32>found);
  if (has(seen, <u32>found)) fact.state = UNDELIVERED;
  else giveText(fact, line.value, line.valueLength);
  return seen | (1 << found);
}

function pseudoFact(name: usize, length: u32): i32 {
  if (equalsText(name, length, ":method")) return FACT_METHOD;
  if (equalsText(name, length, ":path")) return FACT_TARGET;
  if (equalsText(name, length, ":authority")) return FACT_HOST;
  return equalsText(name, length, ":scheme") ? FACT_SCHEME : -1;
}

// @ts-ignore: decorator
@inline const MINUS: u32 = 0x2d;

/** The announced size of the body: a single proper `content-length`, or 0 where the headers end the request without one. */
function announcedSize(request: NeutralRequest, ended: bool): void {
  const fact = request.fact(FACT_SIZE);
  if (!isAnnounced(request)) {
    if (ended) giveNumber(fact, 0);
    return;
  }
  if (!foundOneLine() || load<u8>(foundValue()) == MINUS) return;
  const size = readInt(foundValue(), foundValueLength());
  if (size >= 0) giveNumber(fact, size);
}

/** There is some `content-length`, proper or not, or there may be one. */
function isAnnounced(request: NeutralRequest): bool {
  findLinesNamed(request, "content-length");
  return foundLines() > 0 || request.headersState == UNDELIVERED;
}

// --- properties, by Envoy's attribute names ---

function gatherProperties(request: NeutralRequest, needs: u32): void {
  if (has(needs, FACT_PROTOCOL)) property(request.fact(FACT_PROTOCOL), "request", "protocol");
  if (has(needs, FACT_TIME)) time(request.fact(FACT_TIME));
  if (has(needs, FACT_SOURCE_IP) || has(needs, FACT_SOURCE_PORT)) address(request.fact(FACT_SOURCE_IP), request.fact(FACT_SOURCE_PORT), "source");
  if (has(needs, FACT_DESTINATION_IP) || has(needs, FACT_DESTINATION_PORT)) {
    address(request.fact(FACT_DESTINATION_IP), request.fact(FACT_DESTINATION_PORT), "destination");
  }
  if (has(needs, FACT_SOURCE_PRINCIPAL)) {
    principal(request.fact(FACT_SOURCE_PRINCIPAL), "uri_san_peer_certificate", "dns_san_peer_certificate", "subject_peer_certificate");
  }
  if (has(needs, FACT_DESTINATION_PRINCIPAL)) {
    principal(request.fact(FACT_DESTINATION_PRINCIPAL), "uri_san_local_certificate", "dns_san_local_certificate", "subject_local_certificate");
  }
  if (has(needs, FACT_MTLS)) flag(request.fact(FACT_MTLS), "mtls");
  if (has(needs, FACT_REQUESTED_SERVER_NAME)) serverName(request.fact(FACT_REQUESTED_SERVER_NAME));
  if (has(needs, FACT_TLS_VERSION)) connection(request.fact(FACT_TLS_VERSION), "tls_version");
  if (has(needs, FACT_SUBJECT_PEER_CERTIFICATE)) connection(request.fact(FACT_SUBJECT_PEER_CERTIFICATE), "subject_peer_certificate");
  if (has(needs, FACT_URI_SAN_PEER_CERTIFICATE)) connection(request.fact(FACT_URI_SAN_PEER_CERTIFICATE), "uri_san_peer_certificate");
  if (has(needs, FACT_DNS_SAN_PEER_CERTIFICATE)) connection(request.fact(FACT_DNS_SAN_PEER_CERTIFICATE), "dns_san_peer_certificate");
  if (has(needs, FACT_SHA256_PEER_CERTIFICATE_DIGEST)) {
    connection(request.fact(FACT_SHA256_PEER_CERTIFICATE_DIGEST), "sha256_peer_certificate_digest");
  }
}

function property(fact: Fact, scope: string, name: string): void {
  giveResult(fact, readProperty(scope, name));
}

function connection(fact: Fact, name: string): void {
  property(fact, "connection", name);
}

/** Nanoseconds, of which the milliseconds count. */
function time(fact: Fact): void {
  property(fact, "request", "time");
  const whole = fact.state == GIVEN && fact.length == 8;
  fact.state = UNDELIVERED;
  // As whole numbers: a float does not hold nanoseconds, and would round them up to the next millisecond.
  const nanoseconds = whole ? load<i64>(fact.pointer) : 0;
  if (whole) giveNumber(fact, nanoseconds < 0 ? -1 : <f64>(nanoseconds / 1000000));
}

/** A bool of one byte. */
function flag(fact: Fact, name: string): void {
  connection(fact, name);
  if (fact.state != GIVEN) return;
  fact.state = UNDELIVERED;
  if (fact.length == 1 && load<u8>(fact.pointer) <= 1) giveNumber(fact, <f64>load<u8>(fact.pointer));
}

/**
 * What the listener filter `tls_inspector` read (`requestedServerName` of Envoy's `ConnectionInfoProvider`). No name on a
 * connection with TLS: the client gave none, or nobody looked. So only one without TLS is known to have none.
 */
function serverName(fact: Fact): void {
  connection(fact, "requested_server_name");
  if (!isEmpty(fact)) return;
  const status = readProperty("connection", "tls_version");
  const encrypted = status == STATUS_OK ? resultSize() > 0 : status != STATUS_NOT_FOUND;
  fact.state = encrypted ? UNDELIVERED : MISSING;
}

/** `1.2.3.4:80` or `[::1]:80`. Anything else, as the path of a socket, is given as it is and has no port. */
function address(ip: Fact, port: Fact, scope: string): void {
  property(ip, scope, "address");
  port.state = ip.state;
  if (ip.state != GIVEN) return;
  port.state = UNDELIVERED;
  const start = ip.pointer;
  const end = start + ip.length;
  const bracketed = ip.length > 0 && load<u8>(start) == 0x5b;
  const close = bracketed ? findByte(0x5d, start, end) : findByte(0x3a, start, end);
  const colon = bracketed ? close + 1 : close;
  if (colon >= end || load<u8>(colon) != 0x3a) return;
  const number = readInt(colon + 1, <u32>(end - colon - 1));
  if (!(number >= 0)) return;
  giveNumber(port, number);
  if (bracketed) giveText(ip, start + 1, <u32>(close - start - 1));
  else giveText(ip, start, <u32>(colon - start));
}

/**
 * The first of three that is not empty, as Envoy's ext_authz finds the principal of a peer (`CheckRequestUtils`,
 * `setAttrContextPeer`): URI SAN, DNS SAN, subject.
 */
function principal(fact: Fact, uri: string, dns: string, subject: string): void {
  connection(fact, uri);
  if (isEmpty(fact)) connection(fact, dns);
  if (isEmpty(fact)) connection(fact, subject);
}

function isEmpty(fact: Fact): bool {
  return fact.state == MISSING || (fact.state == GIVEN && fact.length == 0);
}
