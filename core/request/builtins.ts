/** Built-in attributes that are one fact of the host (docs/request.md, section 3). */
import type { Slot } from "../bytecode/program.ts";
import { lower } from "../source/byte-table.ts";
import { type Fact, type NeutralRequest, type Text, undelivered } from "./neutral.ts";
import { INVALID, PRESENT, type Slots } from "./slots.ts";
import { stage } from "./text.ts";
import { type Names, readText } from "./values.ts";

const PORT_MAX = 65535;

type Load = (names: Names, slots: Slots, slot: Slot, request: NeutralRequest) => void;

/** How each such built-in is loaded, by its name. Method, path, query, host, id and resource have their own places. */
const LOADS: Readonly<Record<string, Load>> = {
  "request.scheme": text((request) => request.scheme),
  "request.protocol": text((request) => request.protocol),
  "request.size": number((request) => request.size, Number.MAX_SAFE_INTEGER),
  "request.time": number((request) => request.time, Number.MAX_SAFE_INTEGER),
  "source.ip": text((request) => request.source.ip),
  "source.port": number((request) => request.source.port, PORT_MAX),
  "source.principal": text((request) => filled(request.source.principal)),
  "destination.ip": text((request) => request.destination.ip),
  "destination.port": number((request) => request.destination.port, PORT_MAX),
  "destination.principal": text((request) => filled(request.destination.principal)),
  "connection.mtls": flag((request) => request.connection.mtls),
  "connection.requested_server_name": text(
    (request) => filled(request.connection.requestedServerName),
    lowered,
  ),
  "connection.tls_version": text((request) => filled(request.connection.tlsVersion)),
  "connection.subject_peer_certificate": text((request) => filled(request.connection.subjectPeerCertificate)),
  "connection.uri_san_peer_certificate": text((request) => filled(request.connection.uriSanPeerCertificate)),
  "connection.dns_san_peer_certificate": text((request) => filled(request.connection.dnsSanPeerCertificate)),
  "connection.sha256_peer_certificate_digest": text((request) =>
    filled(request.connection.sha256PeerCertificateDigest),
  ),
};

/** The slots among `slots` that this module loads, with how. */
export class Builtins {
  readonly #slots: readonly { readonly slot: Slot; readonly load: Load }[];

  constructor(slots: readonly Slot[]) {
    this.#slots = slots
      .filter((slot) => slot.name in LOADS)
      .map((slot) => ({ slot, load: LOADS[slot.name]! }));
  }

  load(names: Names, slots: Slots, request: NeutralRequest): void {
    for (const { slot, load } of this.#slots) load(names, slots, slot, request);
  }
}

/** `change`: what becomes of the bytes before they are read; their number stays. */
function text(
  fact: (request: NeutralRequest) => Fact<Text>,
  change?: (bytes: Uint8Array, start: number, end: number) => void,
): Load {
  return (names, slots, slot, request) => {
    const value = fact(request);
    if (value === undefined) return;
    if (value === undelivered) {
      slots.state[slot.cell] = INVALID;
      return;
    }
    const start = stage(slots, value);
    change?.(slots.bytes, start, slots.used);
    readText(names, slots, slot.shape, slot.cell, start, slots.used);
  };
}

/** Host names have no case (RFC 6066, section 3), and Envoy lowers them in one place and not in another. */
function lowered(bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) bytes[i] = lower(bytes[i]!);
}

function number(fact: (request: NeutralRequest) => Fact<number>, max: number): Load {
  return (_names, slots, slot, request) => {
    const value = fact(request);
    if (value === undefined) return;
    const fits = value !== undelivered && Number.isInteger(value) && value >= 0 && value <= max;
    slots.state[slot.cell] = fits ? PRESENT : INVALID;
    // Adding 0 makes 0 of -0.
    if (fits) slots.number[slot.cell] = value + 0;
  };
}

function flag(fact: (request: NeutralRequest) => Fact<boolean>): Load {
  return (_names, slots, slot, request) => {
    const value = fact(request);
    if (value === undefined) return;
    slots.state[slot.cell] = typeof value === "boolean" ? PRESENT : INVALID;
    slots.number[slot.cell] = value === true ? 1 : 0;
  };
}

/** An empty name, version or certificate field is absent. */
function filled(fact: Fact<Text>): Fact<Text> {
  return fact === undefined || fact === undelivered || fact.length > 0 ? fact : undefined;
}
