/**
 * Numbers by JSON's spelling (RFC 8259, section 6; docs/request.md, section 2), over bytes. Bodies, headers,
 * queries and cookies share these rules.
 */
import { NUMBER_BYTES_MAX } from "../source/gen/facts.ts";

/** Largest power of ten that is exactly a double. */
const EXACT_POWER_MAX = 22;
/** So many digits are always exactly a double. */
const EXACT_DIGITS_MAX = 15;
/** No integer within +-(2^53 - 1) has more digits. */
const INT_DIGITS_MAX = 16;

const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

const POWERS = Array.from({ length: EXACT_POWER_MAX + 1 }, (_, i) => Number(`1e${i}`));

/** Where the JSON number that starts at `start` ends, or -1 when none starts there. What follows is not looked at. */
export function numberEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start < end && bytes[start] === MINUS ? start + 1 : start;
  const whole = digitsEnd(bytes, i, end);
  if (whole === i) return -1;
  i = bytes[i] === ZERO ? i + 1 : whole;
  if (i < end && bytes[i] === DOT) {
    const fraction = digitsEnd(bytes, i + 1, end);
    if (fraction === i + 1) return -1;
    i = fraction;
  }
  if (i < end && (bytes[i] === LOWER_E || bytes[i] === UPPER_E)) {
    const digits = i + 1 < end && (bytes[i + 1] === PLUS || bytes[i + 1] === MINUS) ? i + 2 : i + 1;
    const exponent = digitsEnd(bytes, digits, end);
    if (exponent === digits) return -1;
    i = exponent;
  }
  return i;
}

/** The int spelled in the bytes, or NaN: no fraction, no exponent, within +-(2^53 - 1). `-0` is 0. */
export function readInt(bytes: Uint8Array, start: number, end: number): number {
  const negative = start < end && bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > INT_DIGITS_MAX || (digits > 1 && bytes[first] === ZERO)) return Number.NaN;
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    // Sixteen nines are above 2^53, where the sum may round, but never down to 2^53 - 1.
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative && value !== 0 ? -value : value;
}

/** The double nearest to the number spelled in the bytes (ties to even), or NaN when it is none or not finite. `-0` is 0. */
export function readFloat(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > NUMBER_BYTES_MAX || numberEnd(bytes, start, end) !== end) return Number.NaN;
  const value = exactFloat(bytes, start, end) ?? Number(asciiText(bytes, start, end));
  if (!Number.isFinite(value)) return Number.NaN;
  return value === 0 ? 0 : value;
}

/**
 * The value where one multiplication or division of exact doubles gives it, correctly rounded by IEEE 754;
 * else null. The bytes are a JSON number.
 */
function exactFloat(bytes: Uint8Array, start: number, end: number): number | null {
  const negative = bytes[start] === MINUS;
  let digits = 0;
  let mantissa = 0;
  let power = 0;
  let fraction = 0;
  for (let i = negative ? start + 1 : start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === DOT) {
      fraction = 1;
    } else if (byte === LOWER_E || byte === UPPER_E) {
      if (end - i > 5) return null;
      power += Number(asciiText(bytes, i + 1, end));
      break;
    } else {
      if (mantissa !== 0 || byte !== ZERO) digits++;
      if (digits > EXACT_DIGITS_MAX) return null;
      mantissa = mantissa * 10 + byte - ZERO;
      power -= fraction;
    }
  }
  if (power < -EXACT_POWER_MAX || power > EXACT_POWER_MAX) return null;
  const value = power < 0 ? mantissa / POWERS[-power]! : mantissa * POWERS[power]!;
  return negative ? -value : value;
}

function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i]! >= ZERO && bytes[i]! <= ZERO + 9) i++;
  return i;
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
