/** Spellings of points in time and lengths of time (docs/request.md, section 2), in milliseconds. NaN says that the text is none. */

import { SAFE_INTEGER_MAX } from "./cells";

// @ts-ignore: decorator
@inline const DATETIME_TEXT_MAX: u32 = 35;
// @ts-ignore: decorator
@inline const DURATION_TEXT_MAX: u32 = 64;
/** From the first day of year 0 to 1970-01-01 in the proleptic Gregorian calendar. */
// @ts-ignore: decorator
@inline const DAYS_TO_1970: i64 = 719528;

/** Days before each month of a year without a leap day. */
const DAYS_BEFORE: usize = memory.data<u16>([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]);
/** Milliseconds of `d`, `h`, `m`, `s` and `ms`. */
const UNITS: usize = memory.data<u32>([86400000, 3600000, 60000, 1000, 1]);

/** By RFC 3339, years 0000 to 9999, `T` and `Z` in upper case; of a fraction the milliseconds are kept. */
export function readDatetime(pointer: usize, length: u32): f64 {
  if (length < 20 || length > DATETIME_TEXT_MAX) return NaN;
  const end = pointer + length;
  const year = digits(pointer, 4);
  const month = part(pointer + 4, 0x2d, 1, 12);
  if (year < 0 || month < 0) return NaN;
  const leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  const before = <i32>load<u16>(DAYS_BEFORE + (<usize>(month - 1) << 1));
  const days = <i32>load<u16>(DAYS_BEFORE + (<usize>month << 1)) - before + <i32>(month == 2 && leap);
  const day = part(pointer + 7, 0x2d, 1, days);
  const hour = part(pointer + 10, 0x54, 0, 23);
  const minute = part(pointer + 13, 0x3a, 0, 59);
  const second = part(pointer + 16, 0x3a, 0, 59);
  if ((day | hour | minute | second) < 0) return NaN;
  let at = pointer + 19;
  let fraction = 0;
  if (load<u8>(at) == 0x2e) {
    const first = ++at;
    let scale = 100;
    for (; at < end && isDigit(at); at++, scale /= 10) fraction += (<i32>load<u8>(at) - 0x30) * scale;
    if (at == first || at > first + 9) return NaN;
  }
  let offset = 0;
  if (at + 6 == end) {
    const sign = <i32>load<u8>(at);
    const hours = part(at, sign, 0, 23);
    const minutes = part(at + 3, 0x3a, 0, 59);
    if ((hours | minutes) < 0 || (sign != 0x2b && sign != 0x2d)) return NaN;
    offset = sign == 0x2b ? hours * 60 + minutes : -(hours * 60 + minutes);
  } else if (at + 1 != end || load<u8>(at) != 0x5a) return NaN;
  const past = year - 1;
  const leaps = year == 0 ? 0 : past / 4 - past / 100 + past / 400 + 1;
  const wholeDays = <i64>(365 * year + leaps + before + <i32>(month > 2 && leap) + day - 1) - DAYS_TO_1970;
  return <f64>(((wholeDays * 24 + hour) * 60 + minute - offset) * 60000 + second * 1000 + fraction);
}

/** The sign and two digits of a number within the bounds, or -1. */
function part(at: usize, sign: i32, least: i32, most: i32): i32 {
  const value = digits(at + 1, 2);
  return <i32>load<u8>(at) == sign && value >= least && value <= most ? value : -1;
}

function digits(at: usize, count: usize): i32 {
  let value = 0;
  for (const end = at + count; at < end; at++) {
    if (!isDigit(at)) return -1;
    value = value * 10 + (<i32>load<u8>(at) - 0x30);
  }
  return value;
}

function isDigit(at: usize): bool {
  return <u32>load<u8>(at) - 0x30 < 10;
}

/** Whole numbers with `d`, `h`, `m`, `s`, `ms`, each at most once and in this order, a `-` before the first. */
export function readDuration(pointer: usize, length: u32): f64 {
  if (length > DURATION_TEXT_MAX) return NaN;
  const end = pointer + length;
  const negative = length > 0 && load<u8>(pointer) == 0x2d;
  let at = negative ? pointer + 1 : pointer;
  if (at == end) return NaN;
  let total: f64 = 0;
  for (let least = 0; at < end; ) {
    const first = at;
    let value: f64 = 0;
    for (; at < end && isDigit(at); at++) value = value * 10 + <f64>(<i32>load<u8>(at) - 0x30);
    if (at == first || at == end || (load<u8>(first) == 0x30 && at > first + 1)) return NaN;
    const letter = <i32>load<u8>(at++);
    let unit = letter == 0x64 ? 0 : letter == 0x68 ? 1 : letter == 0x6d ? 2 : letter == 0x73 ? 3 : -1;
    if (unit == 2 && at < end && load<u8>(at) == 0x73) {
      unit = 4;
      at++;
    }
    if (unit < least) return NaN;
    least = unit + 1;
    total += value * <f64>load<u32>(UNITS + (<usize>unit << 2));
  }
  if (total > SAFE_INTEGER_MAX) return NaN;
  return negative && total != 0 ? -total : total;
}
