/**
 * Spellings of IP addresses and networks (docs/request.md, section 2), over bytes, so that the request path
 * needs no strings. Stored are 16 bytes; IPv4 is v4-mapped (`::ffff:a.b.c.d`, prefix length + 96).
 */

/** Longest spelling: six groups and a dotted tail. */
const ADDRESS_TEXT_MAX = 45;
/** The longest address, `/` and three digits. */
const NETWORK_TEXT_MAX = ADDRESS_TEXT_MAX + 4;

const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

/** What `readNetwork` returns instead of a prefix length. */
export const NETWORK_NO_PREFIX = -1;
export const NETWORK_BAD_ADDRESS = -2;
export const NETWORK_BAD_PREFIX = -3;
export const NETWORK_PREFIX_TOO_LONG = -4;
export const NETWORK_HOST_BITS = -5;

/** The 16 bytes of an address, or null when the text is none. No zone, no brackets, no leading zeros in IPv4. */
export function parseAddress(text: string): Uint8Array | null {
  const spelled = ascii(text, ADDRESS_TEXT_MAX);
  if (spelled === null) return null;
  const bytes = new Uint8Array(16);
  return readAddress(spelled, 0, spelled.length, bytes, 0) ? bytes : null;
}

/** A network's 16 bytes and prefix length (IPv4: 96 + its own), or a short reason for the author of the text. */
export function parseNetwork(text: string): { bytes: Uint8Array; prefix: number } | { error: string } {
  const spelled = ascii(text, NETWORK_TEXT_MAX);
  if (spelled === null) return { error: "not an address, `/` and a prefix length" };
  const bytes = new Uint8Array(16);
  const prefix = readNetwork(spelled, 0, spelled.length, bytes, 0);
  return prefix >= 0 ? { bytes, prefix } : { error: networkError(prefix, text, bytes) };
}

/**
 * Reads an address spelled in `text[start .. end]` into 16 bytes of `out` at `at`; false when it is none
 * (what is in `out` then has no meaning).
 */
export function readAddress(
  text: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): boolean {
  if (end - start > ADDRESS_TEXT_MAX) return false;
  for (let i = start; i < end; i++) if (text[i] === COLON) return readIpv6(text, start, end, out, at);
  out.fill(0, at, at + 10);
  out.fill(0xff, at + 10, at + 12);
  return readIpv4(text, start, end, out, at + 12);
}

/** Reads a network likewise; returns its prefix length in 128 bits, or one of the negative codes above. */
export function readNetwork(
  text: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let slash = start;
  while (slash < end && text[slash] !== SLASH) slash++;
  if (!readAddress(text, start, slash, out, at)) return NETWORK_BAD_ADDRESS;
  if (slash === end) return NETWORK_NO_PREFIX;
  const written = readDecimal(text, slash + 1, end);
  if (written < 0) return NETWORK_BAD_PREFIX;
  const dotted = !holdsColon(text, start, slash);
  if (written > (dotted ? 32 : 128)) return NETWORK_PREFIX_TOO_LONG;
  const prefix = dotted ? written + 96 : written;
  return zeroBehind(out, at, prefix) ? prefix : NETWORK_HOST_BITS;
}

/** An address as text: dotted for IPv4, else RFC 5952 (lower case, the longest run of zero groups shortened). */
export function formatAddress(bytes: Uint8Array, at = 0): string {
  if (isMapped(bytes, at)) return bytes.subarray(at + 12, at + 16).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[at + 2 * i]! << 8) | bytes[at + 2 * i + 1]!);
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(":");
  return `${hex.slice(0, run.first).join(":")}::${hex.slice(run.first + run.length).join(":")}`;
}

/** A network as text, as `parseNetwork` reads it. The prefix length counts in 128 bits. */
export function formatNetwork(bytes: Uint8Array, prefix: number, at = 0): string {
  return `${formatAddress(bytes, at)}/${isMapped(bytes, at) && prefix >= 96 ? prefix - 96 : prefix}`;
}

/** Whether the 16 bytes are an IPv4 address. */
export function isMapped(bytes: Uint8Array, at = 0): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

function readIpv4(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  let i = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text[i++] !== DOT) return false;
    const first = i;
    while (i < end && i - first < 4 && isDigit(text[i]!)) i++;
    const value = readDecimal(text, first, i);
    if (value < 0 || value > 255) return false;
    out[at + part] = value;
  }
  return i === end;
}

/** Groups before `::` are written where they belong; those behind it are moved to the end when all are read. */
function readIpv6(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  let i = start;
  let used = 0;
  let gap = -1;
  if (text[i] === COLON) {
    if (i + 1 >= end || text[i + 1] !== COLON) return false;
    gap = 0;
    i += 2;
  }
  while (i < end) {
    if (used === 16) return false;
    const first = i;
    let value = 0;
    for (; i < end; i++) {
      const digit = hexValue(text[i]!);
      if (digit < 0) break;
      value = i - first < 4 ? value * 16 + digit : -1;
    }
    if (i < end && text[i] === DOT) {
      if (used > 12 || !readIpv4(text, first, end, out, at + used)) return false;
      used += 4;
      break;
    }
    if (i === first || value < 0) return false;
    out[at + used] = value >> 8;
    out[at + used + 1] = value & 0xff;
    used += 2;
    if (i === end) break;
    if (text[i++] !== COLON || i === end) return false;
    if (text[i] === COLON) {
      if (gap >= 0) return false;
      gap = used;
      i++;
    }
  }
  if (gap < 0) return used === 16;
  // `::` stands for at least one group (RFC 4291, section 2.2).
  if (used > 14) return false;
  out.copyWithin(at + 16 - (used - gap), at + gap, at + used);
  out.fill(0, at + gap, at + 16 - (used - gap));
  return true;
}

/** A decimal number of one to three digits without leading zeros, or -1. */
function readDecimal(text: Uint8Array, start: number, end: number): number {
  const digits = end - start;
  if (digits < 1 || digits > 3 || (digits > 1 && text[start] === ZERO)) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    if (!isDigit(text[i]!)) return -1;
    value = value * 10 + text[i]! - ZERO;
  }
  return value;
}

function zeroBehind(bytes: Uint8Array, at: number, prefix: number): boolean {
  let byte = prefix >> 3;
  if (byte < 16 && (bytes[at + byte]! & (0xff >> (prefix & 7))) !== 0) return false;
  while (++byte < 16) if (bytes[at + byte] !== 0) return false;
  return true;
}

function networkError(code: number, text: string, bytes: Uint8Array): string {
  const slash = text.indexOf("/");
  const written = text.slice(slash + 1);
  const dotted = !text.slice(0, slash < 0 ? undefined : slash).includes(":");
  switch (code) {
    case NETWORK_NO_PREFIX:
      return `a network needs a prefix length, as in ${text}/${dotted ? 32 : 128}`;
    case NETWORK_BAD_PREFIX:
      return "the prefix length must be a decimal number without leading zeros";
    case NETWORK_PREFIX_TOO_LONG:
      return `the prefix length must be at most ${dotted ? 32 : 128}`;
    case NETWORK_HOST_BITS: {
      const prefix = Number(written) + (dotted ? 96 : 0);
      clearBehind(bytes, prefix);
      return `host bits are set: did you mean ${formatNetwork(bytes, prefix)}`;
    }
    default:
      return "not an IPv4 or IPv6 address before the `/`";
  }
}

function clearBehind(bytes: Uint8Array, prefix: number): void {
  for (let bit = prefix; bit < 128; bit++) bytes[bit >> 3]! &= ~(0x80 >> (bit & 7));
}

function longestZeroRun(groups: readonly number[]): { first: number; length: number } {
  let best = { first: 0, length: 0 };
  for (let first = 0; first < 8; first++) {
    let length = 0;
    while (groups[first + length] === 0) length++;
    if (length > best.length) best = { first, length };
  }
  return best;
}

function ascii(text: string, lengthMax: number): Uint8Array | null {
  if (text.length > lengthMax) return null;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return null;
    bytes[i] = code;
  }
  return bytes;
}

function holdsColon(text: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text[i] === COLON) return true;
  return false;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function hexValue(byte: number): number {
  if (isDigit(byte)) return byte - ZERO;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
