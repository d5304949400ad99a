/**
 * Numbers by JSON's spelling (RFC 8259, section 6; docs/request.md, section 2), over bytes. `NaN` says that the bytes
 * are no such number. INVARIANT: a float is the double nearest to the spelling, ties to even, whatever its length.
 */
import { LIMIT_NUMBER_BYTES_MAX } from "../gen/constants";
import { roundedQuotient } from "./big-decimal";

// @ts-ignore: decorator
@inline const INT_MAX: u64 = 9007199254740991;
/** No integer within +-(2^53 - 1) has more digits. */
// @ts-ignore: decorator
@inline const INT_DIGITS_MAX: u32 = 16;
/** Digits that always fit a u64. */
// @ts-ignore: decorator
@inline const MANTISSA_DIGITS_MAX: u32 = 19;
/** Largest power of ten that is exactly a double. */
// @ts-ignore: decorator
@inline const EXACT_POWER_MAX: i32 = 22;

const POWERS: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]);

/** Where the JSON number that starts at `at` ends, or 0 when none starts there. What follows is not looked at. */
export function numberEnd(at: usize, end: usize): usize {
  if (at < end && load<u8>(at) == 0x2d) at++;
  const whole = digitsEnd(at, end);
  if (whole == at) return 0;
  at = load<u8>(at) == 0x30 ? at + 1 : whole;
  if (at < end && load<u8>(at) == 0x2e) {
    const fraction = digitsEnd(at + 1, end);
    if (fraction == at + 1) return 0;
    at = fraction;
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    let digits = at + 1;
    if (digits < end && (load<u8>(digits) == 0x2b || load<u8>(digits) == 0x2d)) digits++;
    const exponent = digitsEnd(digits, end);
    if (exponent == digits) return 0;
    at = exponent;
  }
  return at;
}

/** No fraction, no exponent, within +-(2^53 - 1). `-0` is 0. */
export function readInt(pointer: usize, length: u32): f64 {
  const negative = length > 0 && load<u8>(pointer) == 0x2d;
  const first = negative ? pointer + 1 : pointer;
  const digits = negative ? length - 1 : length;
  if (digits == 0 || digits > INT_DIGITS_MAX || (digits > 1 && load<u8>(first) == 0x30)) return NaN;
  let value: u64 = 0;
  for (let i: u32 = 0; i < digits; i++) {
    const digit = <u32>load<u8>(first + i) - 0x30;
    if (digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (value > INT_MAX) return NaN;
  return negative && value != 0 ? -(<f64>value) : <f64>value;
}

/** The nearest double; beyond the finite ones it is none. `-0` is 0. */
export function readFloat(pointer: usize, length: u32): f64 {
  if (length > LIMIT_NUMBER_BYTES_MAX || numberEnd(pointer, pointer + length) != pointer + length) return NaN;
  const value = magnitude(pointer, pointer + length);
  if (!isFinite(value)) return NaN;
  return load<u8>(pointer) == 0x2d && value != 0 ? -value : value;
}

/** Value without its sign; infinite when too large. The bytes are a JSON number. */
function magnitude(start: usize, end: usize): f64 {
  let at = load<u8>(start) == 0x2d ? start + 1 : start;
  let mantissa: u64 = 0;
  let power = 0;
  let digits: u32 = 0;
  let first: usize = 0;
  let last: usize = 0;
  let fraction = false;
  for (; at < end; at++) {
    const byte = <u32>load<u8>(at);
    if (byte == 0x2e) {
      fraction = true;
      continue;
    }
    if ((byte | 0x20) == 0x65) break;
    if (fraction) power--;
    if (digits == 0 && byte == 0x30) continue;
    if (digits == 0) first = at;
    last = at + 1;
    digits++;
    if (digits <= MANTISSA_DIGITS_MAX) mantissa = mantissa * 10 + (byte - 0x30);
  }
  if (digits == 0) return 0;
  if (at < end) power += exponentOf(at + 1, end);
  if (digits <= MANTISSA_DIGITS_MAX && mantissa <= INT_MAX && power >= -EXACT_POWER_MAX && power <= EXACT_POWER_MAX) {
    // One operation on two exact doubles is correctly rounded by IEEE 754.
    return power < 0 ? <f64>mantissa / powerOfTen(-power) : <f64>mantissa * powerOfTen(power);
  }
  return roundedQuotient(first, last, digits, power);
}

/** The exponent, cut where it can only mean zero or infinity: the digits before it are at most 128. */
function exponentOf(at: usize, end: usize): i32 {
  const sign = <u32>load<u8>(at);
  if (sign == 0x2b || sign == 0x2d) at++;
  let value = 0;
  for (; at < end; at++) if (value < 100000) value = value * 10 + (<i32>load<u8>(at) - 0x30);
  return sign == 0x2d ? -value : value;
}

function powerOfTen(exponent: i32): f64 {
  return load<f64>(POWERS + (<usize>exponent << 3));
}

function digitsEnd(at: usize, end: usize): usize {
  while (at < end && <u32>load<u8>(at) - 0x30 < 10) at++;
  return at;
}
