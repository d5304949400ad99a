import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteSearch, sameBytes } from "./byte-search.ts";

/** Search with both inside of other bytes, so that offsets count. */
function contains(search: ByteSearch, text: Uint8Array, part: Uint8Array): boolean {
  const around = (bytes: Uint8Array, fill: number): Uint8Array =>
    Uint8Array.from([fill, fill, fill, ...bytes, fill, fill]);
  // What stands around the text ends and starts like the part, so that a step too far would find it.
  const before = part[0] ?? 0;
  return search.contains(around(text, before), 3, text.length, around(part, 1), 3, part.length);
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("contains", () => {
  const search = new ByteSearch();

  it.each([
    ["", "", true],
    ["a", "", true],
    ["", "a", false],
    ["abc", "abc", true],
    ["ab", "abc", false],
    ["xabc", "abc", true],
    ["abcx", "abc", true],
    ["aabaabaaa", "aabaaa", true],
    ["aabaabaab", "aabaaa", false],
  ])("%j contains %j: %s", (text, part, want) => {
    expect(contains(search, ascii(text), ascii(part))).toBe(want);
  });

  /** Few different bytes, so that parts almost match everywhere. */
  const bytes = (maxLength: number) => fc.uint8Array({ min: 0, max: 1, maxLength });

  it("agrees with Buffer.includes on short texts", () => {
    fc.assert(
      fc.property(bytes(60), bytes(12), (text, part) => {
        expect(contains(search, text, part)).toBe(Buffer.from(text).includes(Buffer.from(part)));
      }),
    );
  });

  it("agrees with Buffer.includes on long texts, from one search to the next", () => {
    const part = fc.oneof(
      fc.uint8Array({ min: 0, max: 1, minLength: 20, maxLength: 300 }),
      // A period with other bytes at its end: the hardest to tell apart.
      fc
        .tuple(bytes(9), fc.integer({ min: 10, max: 60 }), bytes(2))
        .map(([period, times, end]) =>
          Uint8Array.from([
            ...Array(times)
              .fill([...period])
              .flat(),
            ...end,
          ]),
        )
        .filter(({ length }) => length >= 20),
    );
    /** The part almost, again and again, or anything. */
    const filling = fc.oneof(
      fc.constant<null>(null),
      fc.uint8Array({ min: 0, max: 1, minLength: 1, maxLength: 50 }),
      fc.uint8Array({ min: 0, max: 3, minLength: 100, maxLength: 500 }),
    );
    const where = fc.double({ min: 0, max: 1, noNaN: true });
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(part, filling, where, fc.boolean(), (short, fill, at, planted) => {
        const piece = [...(fill ?? short.subarray(1))];
        const text = Uint8Array.from({ length: 2_000 }, (_, i) => piece[i % piece.length]!);
        if (planted) text.set(short, Math.floor(at * (text.length - short.length)));
        const want = Buffer.from(text).includes(Buffer.from(short));
        seen[`${want}`]++;
        expect(contains(search, text, short)).toBe(want);
      }),
      { numRuns: 300 },
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(20);
  });

  it.each([
    ["starts with the part's rest", `${"a".repeat(300)}c`, `b${"a".repeat(300)}`, false],
    ["starts with the part", `b${"a".repeat(600)}`, `b${"a".repeat(300)}`, true],
    ["ends with the part", `c${"a".repeat(600)}b`, `${"a".repeat(300)}b`, true],
    ["ends one byte before the part would", `c${"a".repeat(600)}`, `${"a".repeat(300)}b`, false],
    [
      "holds it behind other bytes",
      `${"xy".repeat(300)}${"ab".repeat(50)}c${"z".repeat(99)}`,
      `${"ab".repeat(50)}c`,
      true,
    ],
  ])("a long text that %s", (_, text, part, want) => {
    expect(contains(search, ascii(text), ascii(part))).toBe(want);
  });

  it("reads each byte a bounded number of times, however hostile the two are", () => {
    const length = 20_000;
    let reads = 0;
    const counted = (bytes: Uint8Array): Uint8Array =>
      new Proxy(bytes, {
        get: (target, key) => {
          if (typeof key === "string" && /^\d+$/.test(key)) reads++;
          return Reflect.get(target, key) as unknown;
        },
      });
    const text = new Uint8Array(length).fill(0x61);
    for (const end of [[0x62], [0x62, 0x61]]) {
      const part = Uint8Array.from([...new Uint8Array(length / 2).fill(0x61), ...end]);
      reads = 0;
      const found = new ByteSearch().contains(counted(text), 0, length, counted(part), 0, part.length);
      expect(found).toBe(false);
      // A plain search would read 10^8 times.
      expect(reads).toBeLessThan(10 * length);
    }
  });
});

it("sameBytes compares no byte outside of the ranges", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(5), fc.nat(5), (bytes, before, behind) => {
      const other = Uint8Array.from([...new Uint8Array(before).fill(7), ...bytes, ...new Uint8Array(behind)]);
      expect(sameBytes(bytes, 0, other, before, bytes.length)).toBe(true);
      if (bytes.length === 0) return;
      other[before + bytes.length - 1]! ^= 1;
      expect(sameBytes(bytes, 0, other, before, bytes.length)).toBe(false);
      expect(sameBytes(bytes, 0, other, before, bytes.length - 1)).toBe(true);
    }),
  );
});
