import { describe, expect, test } from "vitest";
import { LengthFrames, lengthFrame } from "./length-frames.ts";

const texts = ["one", "", "three", ""];
const stream = Buffer.concat(texts.map((text) => lengthFrame(Buffer.from(text))));
const asText = (frame: Uint8Array | null): string | null =>
  frame === null ? null : Buffer.from(frame).toString();

test("frames, empty ones too, however the stream is cut", () => {
  expect(new LengthFrames().push(stream).map(asText)).toEqual(texts);
  for (let size = 1; size <= stream.length; size++) {
    const frames = new LengthFrames();
    const found: (string | null)[] = [];
    for (let at = 0; at < stream.length; at += size)
      found.push(...frames.push(stream.subarray(at, at + size)).map(asText));
    expect(found, `cut every ${size} bytes`).toEqual(texts);
  }
});

test("the length stands in front, little endian", () => {
  expect(lengthFrame(Buffer.alloc(0x0201))).toHaveLength(0x0205);
  expect([...lengthFrame(Buffer.alloc(0x0201)).subarray(0, 4)]).toEqual([1, 2, 0, 0]);
});

describe("a frame over the limit", () => {
  test("is read past and stands as null", () => {
    const long = Buffer.concat([lengthFrame(Buffer.alloc(100)), lengthFrame(Buffer.from("next"))]);
    for (let size = 1; size <= long.length; size++) {
      const frames = new LengthFrames(99);
      const found: (string | null)[] = [];
      for (let at = 0; at < long.length; at += size)
        found.push(...frames.push(long.subarray(at, at + size)).map(asText));
      expect(found).toEqual([null, "next"]);
    }
  });

  test("takes no memory, whatever length it claims", () => {
    const frames = new LengthFrames();
    expect(frames.push(Buffer.from("ffffffff", "hex"))).toEqual([]);
    expect(frames.push(Buffer.alloc(1000))).toEqual([]);
  });
});
