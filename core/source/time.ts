/**
 * Spellings of points in time and lengths of time (docs/request.md, section 2), over bytes, so that the request path
 * needs no strings. Both are whole milliseconds: since 1970-01-01T00:00:00Z, without leap seconds, and as such.
 */

/** `2026-11-29T08:30:00.123456789+01:00` */
const DATETIME_TEXT_MAX = 35;
/** No duration within 2^53 ms has a longer spelling. */
const DURATION_TEXT_MAX = 64;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** From the first day of year 0 to 1970-01-01 in the proleptic Gregorian calendar. */
const DAYS_TO_1970 = 719_528;
/** Days before each month of a year without a leap day. */
const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
/** `Date` shows nothing beyond. */
const SHOWN_MS_MAX = 8.64e15;

const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
const LETTER_M = 0x6d;
const LETTER_S = 0x73;

/** Milliseconds of a duration's units, in the order in which they are written. */
const UNITS = [
  { text: "d", ms: DAY_MS },
  { text: "h", ms: 3_600_000 },
  { text: "m", ms: MINUTE_MS },
  { text: "s", ms: 1000 },
  { text: "ms", ms: 1 },
];

/** Milliseconds of the datetime that a text spells, or null. */
export function parseDatetime(text: string): number | null {
  return numberOrNull(text, DATETIME_TEXT_MAX, readDatetime);
}

/** Milliseconds of the duration that a text spells, or null. */
export function parseDuration(text: string): number | null {
  return numberOrNull(text, DURATION_TEXT_MAX, readDuration);
}

function numberOrNull(
  text: string,
  most: number,
  read: (bytes: Uint8Array, start: number, end: number) => number,
): number | null {
  if (text.length > most) return null;
  const value = read(
    Uint8Array.from(text, (character) => Math.min(character.charCodeAt(0), 0xff)),
    0,
    text.length,
  );
  return Number.isNaN(value) ? null : value;
}

/**
 * Reads a datetime by RFC 3339 (section 5.6), years 0000 to 9999: `T` and `Z` in upper case, an offset up to 23:59,
 * one to nine digits of a second's fraction, of which three are kept. A second 60 is none. NaN for anything else.
 */
export function readDatetime(text: Uint8Array, start: number, end: number): number {
  if (end - start > DATETIME_TEXT_MAX) return Number.NaN;
  const minutes = readMinutes(text, start, end);
  const second = digits(text, start + 17, 2, end);
  if (minutes < 0 || text[start + 16] !== COLON || second < 0 || second > 59) return Number.NaN;
  let at = start + 19;
  let fraction = 0;
  if (at < end && text[at] === DOT) {
    const first = ++at;
    for (let scale = 100; at < end && isDigit(text[at]!); at++) {
      if (at - first === 9) return Number.NaN;
      if (scale >= 1) fraction += (text[at]! - ZERO) * scale;
      scale /= 10;
    }
    if (at === first) return Number.NaN;
  }
  const offset = readOffset(text, at, end);
  return (minutes - DAYS_TO_1970 * 1440 - offset) * MINUTE_MS + second * 1000 + fraction;
}

/** Minutes from year 0 to `YYYY-MM-DDTHH:MM`, or -1. */
function readMinutes(text: Uint8Array, start: number, end: number): number {
  const year = digits(text, start, 4, end);
  const month = digits(text, start + 5, 2, end);
  const day = digits(text, start + 8, 2, end);
  const hour = digits(text, start + 11, 2, end);
  const minute = digits(text, start + 14, 2, end);
  const signs =
    text[start + 4] === MINUS &&
    text[start + 7] === MINUS &&
    text[start + 10] === LETTER_T &&
    text[start + 13] === COLON;
  if (!signs || year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1;
  return ((daysBeforeYear(year) + daysBeforeMonth(year, month) + day - 1) * 24 + hour) * 60 + minute;
}

/** Minutes east of UTC; NaN where what is left is no offset. */
function readOffset(text: Uint8Array, at: number, end: number): number {
  if (at + 1 === end && text[at] === LETTER_Z) return 0;
  if (at + 6 !== end || text[at + 3] !== COLON) return Number.NaN;
  const hours = digits(text, at + 1, 2, end);
  const minutes = digits(text, at + 4, 2, end);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN;
  const offset = hours * 60 + minutes;
  return text[at] === PLUS ? offset : text[at] === MINUS ? -offset : Number.NaN;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysBeforeYear(year: number): number {
  if (year === 0) return 0;
  const past = year - 1;
  return 365 * year + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) + 1;
}

function daysBeforeMonth(year: number, month: number): number {
  return DAYS_BEFORE[month - 1]! + (month > 2 && isLeap(year) ? 1 : 0);
}

function daysIn(year: number, month: number): number {
  return DAYS_BEFORE[month]! - DAYS_BEFORE[month - 1]! + (month === 2 && isLeap(year) ? 1 : 0);
}

/** The number that `count` digits spell, or -1. */
function digits(text: Uint8Array, at: number, count: number, end: number): number {
  if (at + count > end) return -1;
  let value = 0;
  for (let i = at; i < at + count; i++) {
    if (!isDigit(text[i]!)) return -1;
    value = value * 10 + (text[i]! - ZERO);
  }
  return value;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

/**
 * Reads a duration: whole numbers without leading zeros with `d`, `h`, `m`, `s`, `ms` (a day has 24 hours), each unit
 * at most once and in this order, a `-` before the first: `1h30m`. NaN for anything else and beyond +-(2^53-1) ms.
 */
export function readDuration(text: Uint8Array, start: number, end: number): number {
  if (end - start > DURATION_TEXT_MAX) return Number.NaN;
  const negative = start < end && text[start] === MINUS;
  let at = negative ? start + 1 : start;
  if (at === end) return Number.NaN;
  let total = 0;
  for (let least = 0; at < end; ) {
    const first = at;
    let value = 0;
    for (; at < end && isDigit(text[at]!); at++) value = value * 10 + (text[at]! - ZERO);
    if (at === first || (text[first] === ZERO && at > first + 1)) return Number.NaN;
    const unit = unitAt(text, at, end);
    if (unit < least) return Number.NaN;
    least = unit + 1;
    at += UNITS[unit]!.text.length;
    total += value * UNITS[unit]!.ms;
  }
  if (total > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative && total !== 0 ? -total : total;
}

/** Index of the unit that stands at a place, or -1. */
function unitAt(text: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  if (text[at] === LETTER_M) return at + 1 < end && text[at + 1] === LETTER_S ? 4 : 2;
  return UNITS.findIndex((unit) => unit.text.charCodeAt(0) === text[at]);
}

/** A datetime as policies spell it; beyond what a calendar shows, its milliseconds. */
export function formatDatetime(ms: number): string {
  if (Math.abs(ms) > SHOWN_MS_MAX) return `${ms}ms`;
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** A duration as policies spell it. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.abs(ms);
  const parts = UNITS.map((unit) => {
    const count = Math.floor(rest / unit.ms);
    rest -= count * unit.ms;
    return count === 0 ? "" : `${count}${unit.text}`;
  });
  return `${ms < 0 ? "-" : ""}${parts.join("")}`;
}
