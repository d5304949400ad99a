import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePairs, encodePairs, type Pair, pairsBytesMax, pairsCountMax, toBytes } from "./index.ts";

const pair = (name: string, value: string): Pair => [toBytes(name), toBytes(value)];

test("the encoding is the one of the specification", () => {
  const want = [1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0x61, 0, 0x62, 0x63, 0];
  expect([...encodePairs([pair("a", "bc")])]).toEqual(want);
  expect([...encodePairs([])]).toEqual([0, 0, 0, 0]);
});

const bytes = fc.uint8Array({ maxLength: 20 });

test("decoding undoes encoding", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(bytes, bytes), { maxLength: 20 }), (pairs) => {
      expect(decodePairs(encodePairs(pairs))).toEqual(pairs);
    }),
  );
});

test("a list with any one byte cut off or added is empty", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(bytes, bytes), { minLength: 1, maxLength: 5 }), (pairs) => {
      const encoded = encodePairs(pairs);
      expect(decodePairs(encoded.subarray(0, -1))).toEqual([]);
      expect(decodePairs(Uint8Array.of(...encoded, 0))).toEqual([]);
    }),
  );
});

test("any bytes decode to a list that encodes to the same bytes, or to nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (sent) => {
      const pairs = decodePairs(sent);
      if (pairs.length > 0) expect(encodePairs(pairs)).toEqual(sent);
    }),
  );
});

const sized = (size: number) => encodePairs([[new Uint8Array(), new Uint8Array(size - 14)]]);
const counted = (count: number) => encodePairs(Array.from({ length: count }, () => pair("", "")));
const limits: { name: string; sent: Uint8Array; want: number }[] = [
  { name: "1024 pairs", sent: counted(pairsCountMax), want: pairsCountMax },
  { name: "1025 pairs", sent: counted(pairsCountMax + 1), want: 0 },
  { name: "1 MiB", sent: sized(pairsBytesMax), want: 1 },
  { name: "1 MiB and a byte", sent: sized(pairsBytesMax + 1), want: 0 },
  { name: "a count that no list of this size can have", sent: Uint8Array.of(255, 255, 255, 255), want: 0 },
  {
    name: "a name with no NUL after it",
    sent: Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 97, 1, 0),
    want: 0,
  },
];

test.each(limits)("$name: $want pairs are read", ({ sent, want }) => {
  expect(decodePairs(sent)).toHaveLength(want);
});
