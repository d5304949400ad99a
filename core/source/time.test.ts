import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDatetime, formatDuration, parseDatetime, parseDuration } from "./time.ts";

describe("datetimes", () => {
  test.each([
    "1970-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0000-02-29T12:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "2000-02-29T00:00:00Z",
    "1900-02-28T23:59:59Z",
    "2026-11-29T08:30:00+01:00",
    "2026-11-29T08:30:00.5-11:45",
    "1969-12-31T23:59:59.999Z",
    "2026-11-29T08:30:00-00:00",
  ])("%s is what Date says", (text) => {
    expect(parseDatetime(text)).toBe(Date.parse(text));
  });

  test("of a fraction the milliseconds are kept", () => {
    expect(parseDatetime("2026-11-29T08:30:00.123999999Z")).toBe(Date.parse("2026-11-29T08:30:00.123Z"));
    expect(parseDatetime("1969-12-31T23:59:59.9999Z")).toBe(-1);
  });

  test.each([
    "",
    "2026-11-29",
    "2026-11-29T08:30Z",
    "2026-11-29T08:30:00",
    "2026-11-29t08:30:00Z",
    "2026-11-29 08:30:00Z",
    "2026-11-29T08:30:00z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-11-29T24:00:00Z",
    "2026-11-29T23:60:00Z",
    "2026-12-31T23:59:60Z",
    "2026-11-29T08:30:00.Z",
    "2026-11-29T08:30:00.1234567890Z",
    "2026-11-29T08:30:00+0100",
    "2026-11-29T08:30:00+24:00",
    "2026-11-29T08:30:00+01:60",
    "2026-11-29T08:30:00+01:00Z",
    "2026-11-29T08:30:00Z ",
    "+2026-11-29T08:30:00Z",
    "12026-11-29T08:30:00Z",
    "2026-11-29T08:30:0\u0661Z",
    "2026-1-29T08:30:00Z",
  ])("%j is none", (text) => {
    expect(parseDatetime(text)).toBeNull();
  });

  test("every millisecond of the calendar is spelled one way", () => {
    const ms = fc.integer({
      min: Date.parse("0000-01-01T00:00:00Z"),
      max: Date.parse("9999-12-31T23:59:59Z"),
    });
    fc.assert(fc.property(ms, (value) => parseDatetime(formatDatetime(value)) === value));
  });

  test("beyond the calendar the milliseconds are shown", () => {
    expect(formatDatetime(9e15)).toBe("9000000000000000ms");
  });
});

describe("durations", () => {
  test.each([
    ["5m", 300_000],
    ["0s", 0],
    ["-0s", 0],
    ["1h30m", 5_400_000],
    ["2d3h4m5s6ms", 183_845_006],
    ["90s", 90_000],
    ["-1d", -86_400_000],
    ["9007199254740991ms", Number.MAX_SAFE_INTEGER],
  ])("%s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ...["", "-", "5", "m", "5 m", "05m", "1.5h", "5M", "30m1h", "1m1m", "1ms1s", "--1s", "+1s", "1w", "1h30"],
    ...["9007199254740992ms", "104249991d24h", "1".repeat(70), "٣m"],
  ])("%j is none", (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test("every length is spelled one way", () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (ms) => parseDuration(formatDuration(ms)) === ms + 0));
  });
});
