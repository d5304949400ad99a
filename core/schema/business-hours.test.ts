import { describe, expect, test } from "vitest";
import { daysOf, hoursOf, offsetsOf } from "./business-hours.ts";

describe("clocks", () => {
  test.each([
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "UTC",
  ])("of %s are what the engine shows, hour by hour of some years", (zone) => {
    const { offsets, until } = offsetsOf(zone)!;
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      dateStyle: "short",
      timeStyle: "short",
      hourCycle: "h23",
    });
    const utc = new Intl.DateTimeFormat("en-GB", {
      timeZone: "UTC",
      dateStyle: "short",
      timeStyle: "short",
      hourCycle: "h23",
    });
    for (const year of [2020, 2026, 2049]) {
      for (let day = 0; day < 366; day++) {
        const minute = Date.UTC(year, 0, 1 + day, day % 24) / 60_000;
        if (minute >= until) break;
        const { offset } = offsets.findLast((each) => each.minute <= minute)!;
        expect(utc.format((minute + offset) * 60_000)).toBe(format.format(minute * 60_000));
      }
    }
  });

  test("change at the minute", () => {
    const minute = (text: string): number => Date.parse(text) / 60_000;
    expect(offsetsOf("Europe/Berlin")!.offsets.slice(0, 3)).toEqual([
      { minute: minute("2020-01-01T00:00:00Z"), offset: 60 },
      { minute: minute("2020-03-29T01:00:00Z"), offset: 120 },
      { minute: minute("2020-10-25T01:00:00Z"), offset: 60 },
    ]);
  });

  test.each(["Mars/Base", "+01:00", "", "europe/../berlin", "Europe/Berlin "])(
    "there is no zone %j",
    (zone) => {
      expect(offsetsOf(zone)).toBeNull();
    },
  );
});

test.each([
  ["09:00-17:00", { from: 540, to: 1020 }],
  ["00:00-24:00", { from: 0, to: 1440 }],
  ["23:59-24:00", { from: 1439, to: 1440 }],
  ["22:00-06:00", null],
  ["09:00-09:00", null],
  ["9:00-17:00", null],
  ["09:00-24:01", null],
  ["09:60-17:00", null],
  ["", null],
])("hours %j", (text, want) => {
  expect(hoursOf(text)).toEqual(want);
});

test.each([
  ["Mon-Fri", 0b11111],
  ["sat,SUN", 0b1100000],
  ["Mon, Wed-Thu", 0b1101],
  ["Sun", 0b1000000],
  ["Fri-Mon", null],
  ["Mon,Mon", null],
  ["Mon-Tue-Wed", null],
  ["Monday", null],
  ["", null],
])("days %j", (text, want) => {
  expect(daysOf(text)).toBe(want);
});
