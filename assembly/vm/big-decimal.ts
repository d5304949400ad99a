/**
 * The exact way from decimal digits to a double, for the spellings that two doubles cannot decide: the value is
 * written as a quotient of two integers, and long division gives its bits one by one, the last of them with what
 * remains. Slow (microseconds) and short; nothing is estimated.
 */

/** Words of 32 bits. Both integers stay below 1060 bits: the numerator below 10^309, the denominator at most 5^452. */
// @ts-ignore: decorator
@inline const WORDS: u32 = 36;
const NUMERATOR: usize = memory.data(144, 4);
const DENOMINATOR: usize = memory.data(144, 4);
/** Words that the division at hand needs. */
let used: u32 = WORDS;
/** Largest power of five in 32 bits. */
// @ts-ignore: decorator
@inline const FIVE_STEP: i32 = 13;
// @ts-ignore: decorator
@inline const FIVE_POWER: u32 = 1220703125;

// @ts-ignore: decorator
@inline const PRECISION: i32 = 53;
// @ts-ignore: decorator
@inline const EXPONENT_MAX: i32 = 1023;
// @ts-ignore: decorator
@inline const EXPONENT_MIN: i32 = -1022;

/**
 * The double nearest to `digits` decimal digits times 10^power, ties to even; infinite when too large.
 * The digits stand between `first` and `last`, perhaps with a dot among them; the first is not 0. At most 128 digits.
 */
export function roundedQuotient(first: usize, last: usize, digits: u32, power: i32): f64 {
  // The value lies in [10^(magnitude - 1), 10^magnitude).
  const magnitude = <i32>digits + power;
  if (magnitude > 309) return Infinity;
  if (magnitude < -324) return 0;
  used = WORDS;
  clear(NUMERATOR, 0);
  for (let at = first; at < last; at++) {
    const byte = <u32>load<u8>(at);
    if (byte != 0x2e) multiplyAdd(NUMERATOR, 10, byte - 0x30);
  }
  clear(DENOMINATOR, 1);
  // 10^n is 5^n times 2^n, and the power of two only moves the exponent.
  const scaled = power < 0 ? DENOMINATOR : NUMERATOR;
  let fives = abs(power);
  for (; fives >= FIVE_STEP; fives -= FIVE_STEP) multiplyAdd(scaled, FIVE_POWER, 0);
  for (; fives > 0; fives--) multiplyAdd(scaled, 5, 0);
  return divide(power);
}

/** NUMERATOR / DENOMINATOR times 2^scale, rounded. */
function divide(scale: i32): f64 {
  const bitsAbove = bitLength(NUMERATOR);
  const bitsBelow = bitLength(DENOMINATOR);
  // One bit more for the doubled remainder.
  used = ((<u32>max(bitsAbove, bitsBelow) + 1) >> 5) + 1;
  let shift = bitsAbove - bitsBelow;
  if (shift >= 0) shiftLeft(DENOMINATOR, shift);
  else shiftLeft(NUMERATOR, -shift);
  if (compare() < 0) {
    shiftLeft(NUMERATOR, 1);
    shift--;
  }
  // Now the quotient lies in [1, 2), and the value is the quotient times 2^exponent.
  const exponent = shift + scale;
  if (exponent > EXPONENT_MAX) return Infinity;
  const bits = exponent >= EXPONENT_MIN ? PRECISION : PRECISION - (EXPONENT_MIN - exponent);
  if (bits < 0) return 0;
  let mantissa: u64 = 0;
  for (let i = 0; i < bits; i++) {
    mantissa <<= 1;
    if (compare() >= 0) {
      subtract();
      mantissa |= 1;
    }
    shiftLeft(NUMERATOR, 1);
  }
  const rest = compare();
  if (rest > 0 || (rest == 0 && (mantissa & 1) == 1)) mantissa++;
  if (mantissa == 0) return 0;
  // A subnormal has exponent bits 0; a mantissa that rounding made one bit longer carries into them, as it must.
  const biased = exponent >= EXPONENT_MIN ? <u64>(exponent - EXPONENT_MIN) : 0;
  return reinterpret<f64>((biased << 52) + mantissa);
}

function clear(number: usize, value: u32): void {
  memory.fill(number, 0, WORDS * 4);
  store<u32>(number, value);
}

function multiplyAdd(number: usize, factor: u32, addend: u32): void {
  let carry: u64 = addend;
  for (let i: u32 = 0; i < used * 4; i += 4) {
    const sum = <u64>load<u32>(number + i) * factor + carry;
    store<u32>(number + i, <u32>sum);
    carry = sum >> 32;
  }
}

function bitLength(number: usize): i32 {
  for (let i: i32 = used - 1; i >= 0; i--) {
    const word = load<u32>(number + (<usize>i << 2));
    if (word != 0) return i * 32 + 32 - <i32>clz<u32>(word);
  }
  return 0;
}

function shiftLeft(number: usize, distance: i32): void {
  const words = distance >> 5;
  const bits = distance & 31;
  for (let i: i32 = used - 1; i >= 0; i--) {
    const from = i - words;
    let value: u32 = from >= 0 ? load<u32>(number + (<usize>from << 2)) << bits : 0;
    if (bits != 0 && from >= 1) value |= load<u32>(number + (<usize>(from - 1) << 2)) >> (32 - bits);
    store<u32>(number + (<usize>i << 2), value);
  }
}

/** Sign of NUMERATOR - DENOMINATOR. */
function compare(): i32 {
  for (let i: i32 = used - 1; i >= 0; i--) {
    const a = load<u32>(NUMERATOR + (<usize>i << 2));
    const b = load<u32>(DENOMINATOR + (<usize>i << 2));
    if (a != b) return a < b ? -1 : 1;
  }
  return 0;
}

/** NUMERATOR -= DENOMINATOR, which is not larger. */
function subtract(): void {
  let borrow: u64 = 0;
  for (let i: u32 = 0; i < used * 4; i += 4) {
    const difference = <u64>load<u32>(NUMERATOR + i) - load<u32>(DENOMINATOR + i) - borrow;
    store<u32>(NUMERATOR + i, <u32>difference);
    borrow = difference >> 63;
  }
}
