import { describe, expect, it } from "vitest";
import { CODE_FAULTS, FAULTS, ROUTINE, TAKEN, takenSample } from "../../test/bytecode/faults/index.ts";
import { writeModel } from "../../test/bytecode/model.ts";
import { sample, setRoutine } from "../../test/bytecode/sample.ts";
import { decode } from "./decode.ts";
import { sealBundle, TABLE_END } from "./digest.ts";
import { LIMIT_BUNDLE_BYTES_MAX, SECTION_COUNT } from "./gen/constants.ts";
import { SECTION_NAMES } from "./gen/tables.ts";

const SECTION_TABLE = 64;
const ENTRY = 44;

function errorOf(bytes: Uint8Array): string {
  const decoded = decode(bytes);
  return decoded.ok ? "accepted" : decoded.error;
}

/** The sample's bytes with one u32 changed, sealed again. */
function withWord(at: number, value: number): Uint8Array {
  const bytes = writeModel(sample());
  new DataView(bytes.buffer).setUint32(at, value, true);
  return sealBundle(bytes);
}

describe("bytes that cannot be read", () => {
  it.each([0, 1, 5, 20, 60])("from the read %i on: refused, with the reason", (reads) => {
    const bytes = writeModel(sample());
    let left = reads;
    const read = (start: number, end: number): Uint8Array => {
      if (left-- === 0) throw new Error("the disk is gone");
      return bytes.subarray(start, end);
    };
    expect(decode({ length: bytes.length, read })).toEqual({
      ok: false,
      error: "internal fault while checking the bundle: Error: the disk is gone",
    });
  });
});

describe("rule 1, header", () => {
  it("too large: it is not even read", () => {
    const read = (): never => {
      throw new Error("read");
    };
    expect(decode({ length: LIMIT_BUNDLE_BYTES_MAX + 4, read })).toEqual({
      ok: false,
      error: `header: the bundle has ${LIMIT_BUNDLE_BYTES_MAX + 4} bytes, the limit is ${LIMIT_BUNDLE_BYTES_MAX}`,
    });
  });

  const total = writeModel(sample()).length;
  const cases: [name: string, bytes: Uint8Array, error: string][] = [
    [
      "no bytes",
      new Uint8Array(0),
      "header: this is no bundle, it does not start with `IPE` and a zero byte",
    ],
    [
      "three bytes",
      Uint8Array.of(0x49, 0x50, 0x45),
      "header: this is no bundle, it does not start with `IPE` and a zero byte",
    ],
    [
      "text",
      new TextEncoder().encode("policy P:".padEnd(TABLE_END)),
      "header: this is no bundle, it does not start with `IPE` and a zero byte",
    ],
    [
      "only the table",
      writeModel(sample()).slice(0, TABLE_END - 4),
      `header: the bundle has ${TABLE_END - 4} bytes, header and section table alone take ${TABLE_END}; it is cut off`,
    ],
    [
      "no multiple of 4",
      writeModel(sample()).slice(0, total - 1),
      `header: the bundle has ${total - 1} bytes, which is no multiple of 4; it is cut off or something was added`,
    ],
    [
      "cut off",
      writeModel(sample()).slice(0, total - 4),
      `header: the bundle has ${total - 4} bytes and says ${total}; it is cut off or something was added`,
    ],
    [
      "something added",
      Uint8Array.from([...writeModel(sample()), 0, 0, 0, 0]),
      `header: the bundle has ${total + 4} bytes and says ${total}; it is cut off or something was added`,
    ],
    [
      "format version",
      withWord(4, 0x00010002),
      "header: format version 2 is not 1; compile the policy with the version that loads it",
    ],
    [
      "semantics version",
      withWord(4, 0x00020001),
      "header: semantics version 2 is not 1; compile the policy with the version that loads it",
    ],
    ["feature bit", withWord(8, 63), "header: unknown bit in the features 0x3f"],
    ["path mode", withWord(12, 10), "header: unknown bit or path mode in the flags 0xa"],
    ["flag bit", withWord(12, 16), "header: unknown bit or path mode in the flags 0x10"],
    [
      "highest flag bit",
      withWord(12, 0x80000000),
      "header: unknown bit or path mode in the flags 0x80000000",
    ],
    [
      "total",
      withWord(16, total + 4),
      `header: the bundle has ${total} bytes and says ${total + 4}; it is cut off or something was added`,
    ],
    [
      "sections",
      withWord(20, SECTION_COUNT + 1),
      `header: ${SECTION_COUNT + 1} sections instead of ${SECTION_COUNT}`,
    ],
    ["body limit", withWord(24, 1), "header: body limit 1 is not 262144"],
    ["list limit", withWord(28, 257), "header: list limit 257 is not 256"],
  ];
  it.each(cases)("%s", (_, bytes, error) => expect(errorOf(bytes)).toBe(error));
});

describe("rule 2, section table", () => {
  const entry = (section: number, word: number): number => SECTION_TABLE + section * ENTRY + word * 4;
  const flipped = (at: number): Uint8Array => {
    const bytes = writeModel(sample());
    bytes[at]! ^= 1;
    return bytes;
  };
  const view = new DataView(writeModel(sample()).buffer);
  const lengthOf = (section: number): number => view.getUint32(entry(section, 2), true);
  const total = view.byteLength;
  const LAST = SECTION_COUNT - 1;
  const cases: [name: string, bytes: Uint8Array, error: string][] = [
    ["id", withWord(entry(3, 0), 5), "section table, sets: id 5 instead of 4"],
    [
      "first offset",
      withWord(entry(0, 1), TABLE_END + 4),
      `section table, strings: starts at byte ${TABLE_END + 4}, what stands before it ends at ${TABLE_END}`,
    ],
    [
      "offset inside the one before",
      withWord(entry(1, 1), TABLE_END),
      `section table, numbers: starts at byte ${TABLE_END}, what stands before it ends at ${TABLE_END + lengthOf(0)}`,
    ],
    [
      "odd length",
      withWord(entry(LAST, 2), lengthOf(LAST) + 1),
      `section table, ${SECTION_NAMES[LAST]}: ${lengthOf(LAST) + 1} bytes is no multiple of 4`,
    ],
    [
      "last one too long",
      withWord(entry(LAST, 2), lengthOf(LAST) + 4),
      `section table, ${SECTION_NAMES[LAST]}: ends at byte ${total + 4}, the bundle has ${total}`,
    ],
    [
      "length of 2^32-4",
      withWord(entry(LAST, 2), 0xfffffffc),
      `section table, ${SECTION_NAMES[LAST]}: ends at byte ${total - lengthOf(LAST) + 0xfffffffc}, the bundle has ${total}`,
    ],
    [
      "last one too short",
      withWord(entry(LAST, 2), lengthOf(LAST) - 4),
      `section table: the last section ends at byte ${total - 4}, the bundle has ${total}`,
    ],
    [
      "hash",
      flipped(entry(4, 3)),
      "section table, automata: the hash does not fit the bytes; the bundle was changed or damaged",
    ],
    [
      "byte of a section",
      flipped(total - 1),
      `section table, ${SECTION_NAMES[LAST]}: the hash does not fit the bytes; the bundle was changed or damaged`,
    ],
    ["digest", flipped(63), "header: the digest does not fit; the bundle was changed or damaged"],
    [
      "header under the digest",
      flipped(12),
      "header: the digest does not fit; the bundle was changed or damaged",
    ],
  ];
  it.each(cases)("%s", (_, bytes, error) => expect(errorOf(bytes)).toBe(error));
});

describe("rule 3, lengths", () => {
  const SECTIONS: [name: string, leadingWords: number][] = [
    ["strings", 1],
    ["numbers", 1],
    ["networks", 1],
    ["sets", 2],
    ["automata", 1],
    ["enums", 2],
    ["shapes", 2],
    ["slots", 1],
    ["resources", 2],
    ["code", 2],
    ["obligations", 1],
    ["policies", 1],
    ["metadata", 1],
    ["explain", 3],
    ["schedules", 2],
    ["texts", 1],
    ["rows", 1],
    ["maps", 2],
  ];
  const offsetOf = (section: number): number =>
    new DataView(writeModel(sample()).buffer).getUint32(SECTION_TABLE + section * ENTRY + 4, true);
  const counts = SECTIONS.flatMap(([name, words], section) =>
    Array.from({ length: words }, (_, word) => ({ name, at: offsetOf(section) + word * 4 })),
  );
  it.each(counts.flatMap((place) => [1, 0x7fffffff, 0xffffffff].map((value) => ({ ...place, value }))))(
    "count of $name at byte $at is $value",
    ({ name, at, value }) => {
      const bytes = writeModel(sample());
      const view = new DataView(bytes.buffer);
      // 1 more than it is, or a count whose bytes do not fit into 32 bits.
      view.setUint32(at, value === 1 ? view.getUint32(at, true) + 1 : value, true);
      expect(errorOf(sealBundle(bytes))).toMatch(
        new RegExp(`^${name}: it has \\d+ bytes, its counts demand \\d+$`),
      );
    },
  );

  it("length of one string", () => {
    expect(errorOf(withWord(offsetOf(0) + 4, 0xffffffff))).toMatch(
      /^strings: it has \d+ bytes, its counts demand \d+$/,
    );
  });

  it.each(SECTIONS.map(([name, words], section) => ({ name, words, section })))(
    "$name without room for its counts",
    ({ name, section }) => {
      // All sections in front are as they are; this one is empty and the last one takes its bytes.
      const bytes = writeModel(sample());
      const view = new DataView(bytes.buffer);
      let offset = offsetOf(section);
      for (let s = section; s < SECTIONS.length; s++) {
        const length =
          s === section
            ? 0
            : s === SECTIONS.length - 1
              ? bytes.length - offset
              : view.getUint32(SECTION_TABLE + s * ENTRY + 8, true);
        view.setUint32(SECTION_TABLE + s * ENTRY + 4, offset, true);
        view.setUint32(SECTION_TABLE + s * ENTRY + 8, length, true);
        offset += length;
      }
      const short = section === SECTIONS.length - 1 ? withTotal(bytes.slice(0, offsetOf(section))) : bytes;
      expect(errorOf(sealBundle(short))).toMatch(new RegExp(`^${name}: 0 bytes do not hold its`));
    },
  );

  it("padding behind the strings", () => {
    const model = sample();
    while (model.strings.reduce((sum, text) => sum + text.length, 0) % 4 !== 1)
      model.strings.push(new TextEncoder().encode("x".repeat(model.strings.length)));
    const bytes = writeModel(model);
    const end = new DataView(bytes.buffer).getUint32(SECTION_TABLE + ENTRY + 4, true);
    bytes[end - 1] = 1;
    expect(errorOf(sealBundle(bytes))).toBe("strings: its padding is not zero");
  });

  function withTotal(bytes: Uint8Array): Uint8Array {
    new DataView(bytes.buffer).setUint32(16, bytes.length, true);
    return bytes;
  }
});

describe.each(Object.entries(FAULTS))("%s", (_, faults) => {
  it.each(faults)("%s", (_name, change, error) => {
    const model = sample();
    change(model);
    expect(errorOf(writeModel(model))).toBe(error);
  });
});

it.each(TAKEN)("%s", (_name, change) => {
  expect(errorOf(writeModel(takenSample(change)))).toBe("accepted");
});

describe.each(Object.entries(CODE_FAULTS))("%s", (_, faults) => {
  it.each(faults)("$name", ({ code, error }) => {
    const model = sample();
    setRoutine(model, ROUTINE, code(model));
    expect(errorOf(writeModel(model))).toBe(error);
  });
});

describe("time and memory grow with the bytes only", () => {
  /** Would take days if a long text were judged, or a long range copied, for each entry that names it. */
  const LONG = new TextEncoder().encode("a".repeat(1 << 20));
  const MANY = 100_000;

  it("many segments of one long text", () => {
    const model = sample();
    const text = model.strings.push(LONG) - 1;
    model.resources[3]!.count += MANY;
    for (let i = 0; i < MANY; i++) model.segments.push({ kind: 0, string: text });
    expect(errorOf(writeModel(model))).toBe("accepted");
  });

  it("many headers of one long name", () => {
    const model = sample();
    const text = model.strings.push(LONG) - 1;
    model.obligations = Array.from({ length: MANY }, () => ({ kind: 1, header: text, value: text }));
    expect(errorOf(writeModel(model))).toBe("policies entry 2: it does one thing to one name twice");
  });

  it("many nodes with the same children", () => {
    const model = sample();
    const node = { ...model.nodes[0]!, firstChild: MANY, children: MANY, firstRead: 5 };
    const leaf = { ...model.nodes[5]!, firstRead: 5, reads: 0 };
    model.nodes.push(...Array.from({ length: MANY - 6 }, () => node));
    for (let i = 0; i < MANY; i++) model.nodes.push(leaf);
    expect(errorOf(writeModel(model))).toBe("explain node 100000: it has two parents");
  });
});
