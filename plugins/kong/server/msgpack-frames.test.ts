import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameError, MsgpackFrames, msgpackFrameLimits } from "./msgpack-frames.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Everything that MessagePack can say. */
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -1, -33, 127, 128, 65_536, 2 ** 40, -(2 ** 31), 1.5),
    fc.string({ maxLength: 70 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,40}$/), tie("value"), { maxKeys: 20 }),
  ),
})).value;

test("values come out as they went in, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat({ max: 40 }), { minLength: 1 }),
      (values, cuts) => {
        const sent = values.map((each) => Buffer.from(encode(each)));
        const stream = Buffer.concat(sent);
        const frames = new MsgpackFrames();
        const found: string[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + 1 + cuts[i % cuts.length]!;
          found.push(...frames.push(stream.subarray(at, end)).map(hex));
          at = end;
        }
        expect(found).toEqual(sent.map(hex));
      },
    ),
    { numRuns: 300 },
  );
});

test("every form of a length, split at every byte", () => {
  const forms = [
    ["c40161", "bin 8"],
    ["c5000161", "bin 16"],
    ["c60000000161", "bin 32"],
    ["d90161", "str 8"],
    ["da000161", "str 16"],
    ["db0000000161", "str 32"],
    ["c7010161", "ext 8"],
    ["c800010161", "ext 16"],
    ["c9000000010161", "ext 32"],
    ["d40161", "fixext 1"],
    ["d5016161", "fixext 2"],
    ["d60161616161", "fixext 4"],
    ["d7016161616161616161", "fixext 8"],
    ["d80161616161616161616161616161616161", "fixext 16"],
    ["dc000101", "array 16"],
    ["dd0000000101", "array 32"],
    ["de0001a16101", "map 16"],
    ["df00000001a16101", "map 32"],
    ["ca3fc00000", "float 32"],
    ["cb3ff8000000000000", "float 64"],
    ["cf0000000000000001", "uint 64"],
    ["d3ffffffffffffffff", "int 64"],
    ["90", "an empty array"],
    ["80", "an empty map"],
    ["a0", "an empty text"],
    ["c0", "nil"],
  ] as const;
  for (const [form, name] of forms) {
    // Two of them: the second begins where the first ends.
    const bytes = Buffer.from(form + form, "hex");
    for (let at = 0; at <= bytes.length; at++) {
      const frames = new MsgpackFrames();
      const found = [...frames.push(bytes.subarray(0, at)), ...frames.push(bytes.subarray(at))];
      expect(found.map(hex), `${name} at ${at}`).toEqual([form, form]);
    }
  }
});

describe("limits", () => {
  const limits = { ...msgpackFrameLimits, payloadBytesMax: 8, frameBytesMax: 64, valuesMax: 10 };

  test("a text or byte string that is too long becomes nil, and the rest is read", () => {
    const bytes = encode([1, "x".repeat(9), new Uint8Array(1000), { a: "y".repeat(40) }, "z".repeat(8)]);
    for (let at = 0; at <= bytes.length; at++) {
      const frames = new MsgpackFrames(limits);
      const found = [...frames.push(bytes.subarray(0, at)), ...frames.push(bytes.subarray(at))];
      expect(found.map((frame) => decode(frame))).toEqual([[1, null, null, { a: null }, "z".repeat(8)]]);
    }
  });

  test.each([
    ["too many values", encode(new Array(11).fill(1))],
    ["an array that claims to hold millions", Buffer.from("dd7fffffff", "hex")],
    ["a map that claims to hold millions", Buffer.from("dfffffffff", "hex")],
    ["a value that is too long", encode(new Array(9).fill("x".repeat(8)))],
    ["the byte that begins no value", Buffer.of(0xc1)],
  ])("%s: refused", (_, bytes) => {
    expect(() => new MsgpackFrames(limits).push(bytes)).toThrow(FrameError);
  });
});
