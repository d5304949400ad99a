import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { numberEnd, readFloat, readInt } from "./number.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const int = (text: string): number => readInt(bytes(text), 0, bytes(text).length);
const float = (text: string): number => readFloat(bytes(text), 0, bytes(text).length);
const no = Number.NaN;

describe("spellings", () => {
  test.each([
    // text, as int, as float
    ["0", 0, 0],
    ["-0", 0, 0],
    ["-0.0", no, 0],
    ["-0e5", no, 0],
    ["7", 7, 7],
    ["-12", -12, -12],
    ["1.0", no, 1],
    ["1e0", no, 1],
    ["1E+2", no, 100],
    ["1.5e-1", no, 0.15],
    ["9007199254740991", 9007199254740991, 9007199254740991],
    ["-9007199254740991", -9007199254740991, -9007199254740991],
    ["9007199254740992", no, 9007199254740992],
    ["9007199254740993", no, 9007199254740992],
    ["9007199254740995", no, 9007199254740996],
    ["-9007199254740992", no, -9007199254740992],
    ["9999999999999999", no, 10000000000000000],
    ["10000000000000000", no, 1e16],
    ["1.7976931348623157e308", no, Number.MAX_VALUE],
    ["1.7976931348623158e308", no, Number.MAX_VALUE],
    ["1.7976931348623159e308", no, no],
    ["1e309", no, no],
    ["-1e309", no, no],
    ["1e999999999999", no, no],
    ["5e-324", no, 5e-324],
    ["2e-324", no, 0],
    ["-2e-324", no, 0],
    ["1e-999999999999", no, 0],
    ["0e999999999999", no, 0],
    ["0.1", no, 0.1],
    ["123456789012345e22", no, 123456789012345e22],
    ["1e23", no, 1e23],
    ["8.5e-22", no, 8.5e-22],
    ["", no, no],
    ["-", no, no],
    ["+1", no, no],
    ["01", no, no],
    ["-01", no, no],
    ["00", no, no],
    ["1.", no, no],
    [".5", no, no],
    ["1e", no, no],
    ["1e+", no, no],
    ["1.e1", no, no],
    ["1e1.5", no, no],
    ["0x10", no, no],
    ["1_000", no, no],
    ["1,000", no, no],
    [" 1", no, no],
    ["1 ", no, no],
    ["1\n", no, no],
    ["--1", no, no],
    ["NaN", no, no],
    ["Infinity", no, no],
    ["-Infinity", no, no],
    ["true", no, no],
    ["null", no, no],
    ["١", no, no],
    ["1n", no, no],
  ])("%s", (text, asInt, asFloat) => {
    expect([int(text), float(text)]).toEqual([asInt, asFloat]);
    expect([Object.is(int(text), -0), Object.is(float(text), -0)]).toEqual([false, false]);
  });

  test("128 bytes are read, 129 are not", () => {
    const longest = "1." + "0".repeat(125) + "1";
    expect(longest.length).toBe(128);
    expect([float(longest), float(longest + "1")]).toEqual([1, no]);
  });

  test("digits beyond those of a double decide a tie", () => {
    expect(float("1.00000000000000011102230246251565404236316680908203125")).toBe(1);
    expect(float("1.00000000000000011102230246251565404236316680908203126")).toBe(1.0000000000000002);
  });

  test("reads only its range", () => {
    expect(readInt(bytes("1234"), 1, 3)).toBe(23);
    expect(readFloat(bytes("12.5e3"), 1, 4)).toBe(2.5);
    expect(numberEnd(bytes("[1.5]"), 1, 5)).toBe(4);
    expect(numberEnd(bytes("01"), 0, 2)).toBe(1);
  });
});

describe("properties", () => {
  test("agrees with the platform's parser on every spelling that is a JSON number", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 25 });
    const spelling = fc
      .tuple(
        fc.constantFrom("", "-"),
        digits,
        fc.option(digits),
        fc.option(fc.integer({ min: -330, max: 330 })),
      )
      .map(([sign, whole, fraction, power]) => {
        const trimmed = whole.replace(/^0+(?=.)/, "");
        return (
          sign + trimmed + (fraction === null ? "" : `.${fraction}`) + (power === null ? "" : `e${power}`)
        );
      });
    fc.assert(
      fc.property(spelling, (text) => {
        const value = Number(text);
        expect(float(text)).toBe(Number.isFinite(value) ? value + 0 : no);
        const isInt = /^-?[0-9]+$/.test(text) && Number.isSafeInteger(value);
        expect(int(text)).toBe(isInt ? value + 0 : no);
      }),
      { numRuns: 2000 },
    );
  });

  test("every double is read back from its own spelling", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(float(String(value))).toBe(value + 0);
      }),
      { numRuns: 1000 },
    );
  });

  test("what JSON refuses is no number", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0019.-+eE x"), maxLength: 8 }), (text) => {
        const isNumber = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text);
        expect(Number.isNaN(float(text))).toBe(!isNumber || !Number.isFinite(Number(text)));
      }),
      { numRuns: 2000 },
    );
  });
});
