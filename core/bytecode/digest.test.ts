import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { writeModel } from "../../test/bytecode/model.ts";
import { sample } from "../../test/bytecode/sample.ts";
import { bundleDigest, digestText, sealBundle, sha256, TABLE_END } from "./digest.ts";
import { SECTION_COUNT } from "./gen/constants.ts";

const ENTRIES = Array.from({ length: SECTION_COUNT }, (_, i) => 64 + i * 44);

describe("the digest", () => {
  it("is what docs/bytecode.md says", () => {
    const bytes = writeModel(sample());
    const hashed = [
      new TextEncoder().encode("ipe-bundle-digest-v1\n"),
      bytes.slice(0, 16),
      bytes.slice(24, 32),
      ...ENTRIES.flatMap((at) => [bytes.slice(at, at + 4), bytes.slice(at + 12, at + 44)]),
    ];
    const hash = createHash("sha256");
    for (const part of hashed) hash.update(part);
    const digest = new Uint8Array(hash.digest());
    expect(new Uint8Array(bundleDigest(bytes))).toEqual(digest);
    expect(bytes.slice(32, 64)).toEqual(digest);
  });

  it("of no bytes, as text", () => {
    expect(digestText(sha256(new Uint8Array(0)))).toBe(
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });
});

describe("sealing", () => {
  it("touches hashes and digest only, and leaves its input alone", () => {
    const bytes = writeModel(sample());
    const changed = bytes.slice();
    changed[bytes.length - 1]! ^= 1;
    const before = changed.slice();
    const sealed = sealBundle(changed);
    expect(changed).toEqual(before);
    const places = [...sealed.keys()].filter((i) => sealed[i] !== changed[i]);
    const last = ENTRIES.at(-1)!;
    expect(places.every((i) => (i >= 32 && i < 64) || (i >= last + 12 && i < last + 44))).toBe(true);
    expect(sealBundle(sealed)).toEqual(sealed);
  });

  it("of bytes without a whole section table gives them back", () => {
    const short = Uint8Array.from({ length: TABLE_END - 1 }, (_, i) => i);
    expect(sealBundle(short)).toEqual(short);
  });

  it("of a section that lies outside hashes what is there", () => {
    const bytes = writeModel(sample());
    new DataView(bytes.buffer).setUint32(ENTRIES[0]! + 4, 0xfffffffc, true);
    const sealed = sealBundle(bytes);
    expect(sealed.slice(ENTRIES[0]! + 12, ENTRIES[0]! + 44)).toEqual(
      new Uint8Array(sha256(new Uint8Array(0))),
    );
  });
});
