/**
 * Business hours: days of the week and a window of the day, in a time zone. What the zone's clocks show is worked out
 * at compile time, from the time zone data that the JavaScript engine brings, and goes into the bundle: no runtime knows
 * of zones.
 */

/** Years whose clock changes a bundle holds; outside of them nobody knows, and the test is unknown. */
export const FIRST_YEAR = 2020;
export const LAST_YEAR = 2049;

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
/** No zone changes its clocks twice within so many minutes. */
const STEP_MINUTES = 14 * DAY_MINUTES;
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const HOURS = /^([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)$/;

/** All in minutes; a moment's minute counts from 1970-01-01T00:00Z. */
export interface BusinessHours {
  /** Bit 0 is Monday. */
  readonly days: number;
  /** Of the local day: from `from` on, up to but without `to`. */
  readonly from: number;
  readonly to: number;
  /** From this minute on nothing is known any more. */
  readonly until: number;
  /** Offsets from UTC, each from a minute on, ascending; before the first nothing is known. */
  readonly offsets: readonly { readonly minute: number; readonly offset: number }[];
}

/** The clock changes of a zone by its name in the IANA database; null where there is no such zone. */
export function offsetsOf(zone: string): Pick<BusinessHours, "until" | "offsets"> | null {
  const clock = clockOf(zone);
  if (clock === null) return null;
  const first = Date.UTC(FIRST_YEAR, 0, 1) / MINUTE_MS;
  const until = Date.UTC(LAST_YEAR + 1, 0, 1) / MINUTE_MS;
  const offsets = [{ minute: first, offset: clock(first) }];
  for (let minute = first; minute < until; minute += STEP_MINUTES) {
    const before = offsets.at(-1)!.offset;
    const end = Math.min(minute + STEP_MINUTES, until - 1);
    const after = clock(end);
    if (after === before) continue;
    // The first minute with the new offset.
    let low = minute;
    let high = end;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (clock(middle) === before) low = middle;
      else high = middle;
    }
    offsets.push({ minute: high, offset: after });
  }
  return { until, offsets };
}

/** Minutes east of UTC at a minute; null for a zone that nobody knows. */
function clockOf(zone: string): ((minute: number) => number) | null {
  // `+01:00` and the like would be taken too, and a zone is what follows the rules of a place.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(zone)) return null;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  } catch {
    return null;
  }
  return (minute) => {
    const parts = new Map(
      format.formatToParts(minute * MINUTE_MS).map(({ type, value }) => [type, Number(value)]),
    );
    const of = (part: Intl.DateTimeFormatPartTypes): number => parts.get(part)!;
    const local = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"));
    return local / MINUTE_MS - minute;
  };
}

/** `"09:00-17:00"` as minutes of the day; null where it is no window within one day. */
export function hoursOf(text: string): { readonly from: number; readonly to: number } | null {
  const found = HOURS.exec(text);
  if (found === null) return null;
  const minutes = (hour: string, minute: string): number => Number(hour) * 60 + Number(minute);
  const from = minutes(found[1]!, found[2]!);
  const to = found[3] === undefined ? DAY_MINUTES : minutes(found[3], found[4]!);
  return from < to ? { from, to } : null;
}

/** `"Mon-Fri"`, `"Mon, Wed-Fri, Sun"` as bits, Monday the lowest; null where it is none, or a day stands twice. */
export function daysOf(text: string): number | null {
  let days = 0;
  for (const part of text.split(",")) {
    const ends = part.trim().toLowerCase().split("-");
    const [first, last] = [DAYS.indexOf(ends[0]!), DAYS.indexOf(ends.at(-1)!)];
    if (ends.length > 2 || first < 0 || last < first) return null;
    for (let day = first; day <= last; day++) {
      if ((days & (1 << day)) !== 0) return null;
      days |= 1 << day;
    }
  }
  return days;
}
