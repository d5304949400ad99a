import { describe, expect, it } from "vitest";
import { CODE_FAULTS, ROUTINE } from "../../test/bytecode/code-faults.ts";
import { FAULTS, faulty } from "../../test/bytecode/faults.ts";
import { writeModel } from "../../test/bytecode/model.ts";
import {
  CELLS,
  type Fields,
  instruction,
  sample,
  setRoutine,
  settle,
  testRoutine,
} from "../../test/bytecode/sample.ts";
import { decode } from "./decode.ts";
import { sealBundle, TABLE_END } from "./digest.ts";
import { LIMIT_BUNDLE_BYTES_MAX } from "./gen/constants.ts";
import { INSTRUCTIONS, type OperandA } from "./gen/tables.ts";
import type { Program } from "./program.ts";

const SECTION_TABLE = 64;
const ENTRY = 44;

function accepted(bytes: Uint8Array): Program {
  const decoded = decode(bytes);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.program;
}

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

describe("rule 1, header", () => {
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
      "header: the bundle has 632 bytes, header and section table alone take 636",
    ],
    [
      "no multiple of 4",
      writeModel(sample()).slice(0, total - 1),
      `header: the bundle has ${total - 1} bytes, which is no multiple of 4`,
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
      "too large",
      new Uint8Array(LIMIT_BUNDLE_BYTES_MAX + 4),
      "header: the bundle has 16777220 bytes, the limit is 16777216",
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
    ["feature bit", withWord(8, 15), "header: unknown bit in the features 0xf"],
    ["flag bit", withWord(12, 2), "header: unknown bit in the flags 0x2"],
    ["highest flag bit", withWord(12, 0x80000000), "header: unknown bit in the flags 0x80000000"],
    [
      "total",
      withWord(16, total + 4),
      `header: the bundle has ${total} bytes and says ${total + 4}; it is cut off or something was added`,
    ],
    ["sections", withWord(20, 14), "header: 14 sections instead of 13"],
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
  const cases: [name: string, bytes: Uint8Array, error: string][] = [
    ["id", withWord(entry(3, 0), 5), "section table, sets: id 5 instead of 4"],
    [
      "first offset",
      withWord(entry(0, 1), 640),
      "section table, strings: starts at byte 640, what stands before it ends at 636",
    ],
    [
      "offset inside the one before",
      withWord(entry(1, 1), 636),
      `section table, numbers: starts at byte 636, what stands before it ends at ${636 + lengthOf(0)}`,
    ],
    [
      "odd length",
      withWord(entry(12, 2), lengthOf(12) + 1),
      `section table, explain: ${lengthOf(12) + 1} bytes is no multiple of 4`,
    ],
    [
      "last one too long",
      withWord(entry(12, 2), lengthOf(12) + 4),
      `section table, explain: ends at byte ${total + 4}, the bundle has ${total}`,
    ],
    [
      "length of 2^32-4",
      withWord(entry(12, 2), 0xfffffffc),
      `section table, explain: ends at byte ${total - lengthOf(12) + 0xfffffffc}, the bundle has ${total}`,
    ],
    [
      "last one too short",
      withWord(entry(12, 2), lengthOf(12) - 4),
      `section table: the last section ends at byte ${total - 4}, the bundle has ${total}`,
    ],
    [
      "hash",
      flipped(entry(4, 3)),
      "section table, enums: the hash does not fit the bytes; the bundle was changed or damaged",
    ],
    [
      "byte of a section",
      flipped(total - 1),
      "section table, explain: the hash does not fit the bytes; the bundle was changed or damaged",
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
    ["enums", 2],
    ["shapes", 2],
    ["slots", 1],
    ["resources", 2],
    ["code", 2],
    ["obligations", 1],
    ["policies", 1],
    ["metadata", 1],
    ["explain", 3],
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
  it.each(faults)("$name", (fault) => expect(errorOf(writeModel(faulty(fault)))).toBe(fault.error));
});

describe.each(Object.entries(CODE_FAULTS))("%s", (_, faults) => {
  it.each(faults)("$name", ({ code, error }) => {
    const model = sample();
    setRoutine(model, ROUTINE, code(model));
    expect(errorOf(writeModel(model))).toBe(error);
  });
});

/** Slots of the sample that each kind of operand takes. */
const NUMBERS = ["amount", "ratio"] as const;
const TAKEN: Readonly<Record<Exclude<OperandA, "none">, readonly (keyof typeof CELLS)[]>> = {
  any: Object.keys(CELLS) as (keyof typeof CELLS)[],
  bool: ["vip"],
  string: ["environment", "order_id", "tenant"],
  number: NUMBERS,
  enum: ["resource.type", "risk", "colour", "other_risk"],
  ordered: ["risk", "other_risk"],
  address: ["source.ip", "network", "peer"],
  ip: ["source.ip", "peer"],
  numeric: [...NUMBERS, "vip", "resource.type", "risk", "colour", "other_risk"],
  comparable: [...NUMBERS, "risk", "other_risk"],
  stringList: ["tags"],
  numberList: ["ratios"],
  enumList: ["answers", "risks"],
  addressList: ["networks", "addresses"],
  scalar: [
    "resource.type",
    "source.ip",
    "environment",
    "risk",
    "colour",
    "amount",
    "ratio",
    "vip",
    "network",
    "order_id",
    "tenant",
    "other_risk",
    "peer",
  ],
  list: ["tags", "approvals", "networks", "addresses", "answers", "risks", "ratios"],
};

/** Pairs of slots that an instruction with two cells takes, by its operand b. */
const PAIRS: Readonly<Record<string, readonly (readonly [keyof typeof CELLS, keyof typeof CELLS])[]>> = {
  stringCell: pairs(TAKEN.string, TAKEN.string),
  numericCell: [
    ...pairs(NUMBERS, NUMBERS),
    ["vip", "vip"],
    ["resource.type", "resource.type"],
    ["colour", "colour"],
    ...pairs(TAKEN.ordered, TAKEN.ordered),
  ],
  comparableCell: [...pairs(NUMBERS, NUMBERS), ...pairs(TAKEN.ordered, TAKEN.ordered)],
  addressCell: [...pairs(TAKEN.ip, TAKEN.ip), ["network", "network"]],
  cidrCell: pairs(TAKEN.ip, ["network"]),
  listCell: [
    ...pairs(TAKEN.string, ["tags"]),
    ...pairs(NUMBERS, ["ratios"]),
    ["vip", "answers"],
    ...pairs(TAKEN.ordered, ["risks"]),
    ...pairs(TAKEN.ip, ["addresses"]),
    ["network", "networks"],
  ],
  cidrListCell: pairs(TAKEN.ip, ["networks"]),
};

function pairs<A extends string, B extends string>(a: readonly A[], b: readonly B[]): [A, B][] {
  return a.flatMap((x) => b.map((y): [A, B] => [x, y]));
}

/** A constant that fits each kind of operand b. */
const CONSTANTS: Readonly<Record<string, number>> = {
  truth: 1,
  string: 0,
  strings: 0,
  number: 0,
  numbers: 1,
  member: 0,
  network: 1,
  networks: 3,
};

describe("rules 10 and 11, types of operands", () => {
  const INSTRUCTION_LIST = INSTRUCTIONS.filter((info) => info !== null);
  const withCode = (name: string, fields: Fields): string => {
    const model = sample();
    const { b } = INSTRUCTION_LIST.find((info) => info.name === name)!;
    // A set whose only member is 0, which every enum of the sample has.
    if (b === "members") model.sets.push({ kind: 2, first: model.setElements.push(0) - 1, count: 1 });
    const test = instruction(name, { jump: 2, ...fields });
    const rest = [instruction("ACCEPT"), instruction("REJECT")];
    if (b === "body")
      setRoutine(model, ROUTINE, [instruction(name, { jump: 3, ...fields }), instruction("ACCEPT"), ...rest]);
    else if (name === "COUNT")
      setRoutine(model, ROUTINE, [instruction(name, fields), instruction("EQ_COUNT", { jump: 2 }), ...rest]);
    else if (name.endsWith("_COUNT_CELL"))
      setRoutine(model, ROUTINE, [instruction("COUNT", { a: CELLS.tags }), test, ...rest]);
    else setRoutine(model, ROUTINE, [test, ...rest]);
    return errorOf(writeModel(settle(model)));
  };

  const ONE_CELL = INSTRUCTION_LIST.filter((info) => info.a !== "none" && !info.b.endsWith("Cell"));
  it.each(ONE_CELL)("$name takes exactly the cells of its kind", ({ name, a, b }) => {
    const constant = b === "members" ? 4 : b === "body" ? 1 : (CONSTANTS[b] ?? 0);
    const taken = Object.entries(CELLS)
      .filter(([, cell]) => withCode(name, { a: cell, b: constant }) === "accepted")
      .map(([slot]) => slot);
    expect(taken.sort()).toEqual([...TAKEN[a as Exclude<OperandA, "none">]].sort());
  });

  const TWO_CELLS = INSTRUCTION_LIST.filter((info) => info.b in PAIRS);
  it.each(TWO_CELLS)("$name takes exactly the pairs of its kinds", ({ name, b }) => {
    const all = pairs(
      Object.keys(CELLS) as (keyof typeof CELLS)[],
      Object.keys(CELLS) as (keyof typeof CELLS)[],
    );
    const taken = all.filter(([x, y]) => withCode(name, { a: CELLS[x], b: CELLS[y] }) === "accepted");
    expect(taken.map(String).sort()).toEqual(PAIRS[b]!.map(String).sort());
  });

  it.each(["EQ_COUNT_CELL", "LT_COUNT_CELL", "LE_COUNT_CELL"])("%s takes exactly numbers", (name) => {
    const taken = Object.entries(CELLS)
      .filter(([, cell]) => withCode(name, { b: cell }) === "accepted")
      .map(([slot]) => slot);
    expect(taken.sort()).toEqual([...NUMBERS].sort());
  });

  it("every instruction with cells is in one of the tables", () => {
    const others = INSTRUCTION_LIST.filter(
      (info) => !ONE_CELL.includes(info) && !TWO_CELLS.includes(info),
    ).map(({ name }) => name);
    expect(others).toEqual([
      "ACCEPT",
      "REJECT",
      "CONSTANT",
      "EQ_COUNT",
      "LT_COUNT",
      "LE_COUNT",
      "EQ_COUNT_CELL",
      "LT_COUNT_CELL",
      "LE_COUNT_CELL",
      "EQ_COUNTS",
      "LT_COUNTS",
      "LE_COUNTS",
    ]);
  });
});

describe("what is accepted", () => {
  it("two counts, one of them with a body that counts", () => {
    const model = sample();
    setRoutine(model, ROUTINE, [
      instruction("COUNT", { a: CELLS.tags }),
      instruction("COUNT", { a: CELLS.approvals, b: 4, register: 1 }),
      instruction("COUNT", { frameA: 1, a: 3 }),
      ...testRoutine("EQ_COUNT"),
      ...testRoutine("LT_COUNTS"),
    ]);
    expect(errorOf(writeModel(settle(model)))).toBe("accepted");
  });

  it("a jump to the first of two counts", () => {
    const model = sample();
    setRoutine(model, ROUTINE, [
      instruction("CONSTANT", { jump: 1 }),
      instruction("COUNT", { a: CELLS.tags }),
      ...testRoutine("EQ_COUNT"),
    ]);
    expect(errorOf(writeModel(settle(model)))).toBe("accepted");
  });

  it("a bundle of nothing", () => {
    const model = sample();
    for (const list of Object.values(model)) if (Array.isArray(list)) list.length = 0;
    model.strings.push(new TextEncoder().encode("resource"));
    model.enums.push({ name: 0, ordered: 0, first: 0, count: 0 });
    const program = accepted(writeModel(settle(model)));
    expect(program).toMatchObject({
      policies: [],
      slots: [],
      cellCount: 0,
      readsBody: false,
      defaultAllow: false,
      headerNames: [],
    });
  });

  it("trees as deep as the limit", () => {
    const model = sample();
    const last = model.nodes.pop()!;
    // With the `and` on top and the leaf below: 1,024.
    for (let i = 0; i < 1021; i++)
      model.nodes.push({ ...model.nodes[4]!, firstChild: model.nodes.length + 1, firstRead: 4, reads: 0 });
    model.nodes.push(last);
    expect(errorOf(writeModel(model))).toBe("accepted");
  });
});

describe("the program", () => {
  const program = accepted(writeModel(sample()));

  it("has the bundle's constants", () => {
    expect(program.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const text = (i: number): string =>
      new TextDecoder().decode(
        program.stringBytes.subarray(program.stringOffsets[i], program.stringOffsets[i + 1]),
      );
    expect(program.strings.map((_, i) => text(i))).toEqual(program.strings);
    expect([...program.numbers]).toEqual([2, 0.5, 100]);
    expect([...program.prefixes]).toEqual([104, 128, 32]);
    expect(program.networks.length).toBe(48);
    expect([...program.setOffsets]).toEqual([0, 2, 4, 6, 8]);
    expect([...program.setElements]).toEqual(sample().setElements);
  });

  it("gives cells out slot by slot", () => {
    expect(Object.fromEntries(program.slots.map((slot) => [slot.name, slot.cell]))).toEqual(CELLS);
    expect(program.cellCount).toBe(23);
    const home = program.slots.find((slot) => slot.name === "home")!;
    expect(home.shape.fields.map(({ name, offset }) => [name, offset])).toEqual([
      ["street", 1],
      ["number", 2],
    ]);
    const approver = program.slots.find((slot) => slot.name === "approvals")!.shape.element!;
    expect(approver).toMatchObject({ type: "record", width: 4 });
    expect(approver.fields[2]!.shape.element!.fields.map(({ name }) => name)).toEqual(["cost", "tag"]);
  });

  it("says where slots come from", () => {
    const slot = (name: string): unknown => program.slots.find((s) => s.name === name);
    expect(slot("source.ip")).toMatchObject({
      source: "builtin",
      argument: "source.ip",
      marking: "verified",
      read: true,
    });
    expect(slot("risk")).toMatchObject({
      source: "body",
      argument: "/risk_level",
      marking: "claimed",
      optional: true,
      read: true,
      hasDefault: false,
    });
    expect(slot("colour")).toMatchObject({
      source: "header",
      marking: "trusted",
      verbatim: true,
      read: false,
    });
    expect(slot("amount")).toMatchObject({ source: "query", hasDefault: true, defaultIndex: 2 });
  });

  it("has the resources in order", () => {
    expect(
      program.resources.map(({ member, method, segments }) => [
        member,
        method,
        segments.map(({ text }) => text).join("/"),
      ]),
    ).toEqual([
      [2, "POST", "deployments"],
      [1, "POST", "orders"],
      [3, null, "orders"],
      [0, null, "orders/order_id"],
    ]);
    expect(program.resources[3]!.segments.map(({ kind }) => kind)).toEqual(["literal", "capture"]);
  });

  it("has policies with the starts of their code", () => {
    expect([...program.routineStarts]).toEqual([0, 5, 16, 19, 22, 25, 28, 31]);
    expect(program.policies[0]).toMatchObject({
      name: "Approvals",
      severity: "critical",
      effect: "requires",
      trigger: 0,
      requirement: 5,
      denyStatus: 403,
      denyBody: "no",
    });
    expect(program.policies[1]).toMatchObject({
      name: "Inside",
      kind: "guard",
      effect: "denies",
      trigger: 16,
      requirement: -1,
      reason: "from inside only",
      setHeaders: [],
    });
    expect(program.policies[2]).toMatchObject({
      name: "Open",
      mode: "permissive",
      effect: "allows",
      trigger: -1,
      triggerNode: null,
    });
    expect(program.policies[0]!.metadata).toEqual([
      { key: "owner", value: "security" },
      { key: "version", value: "1.2.0" },
    ]);
    expect(program.headerNames).toEqual(["x-approved-by", "x-open"]);
    const set = program.policies.map((policy) =>
      policy.setHeaders.map(({ header, value }) => [program.headerNames[header], program.strings[value]]),
    );
    expect(set).toEqual([
      [["x-approved-by", "ipe mesh"]],
      [],
      [
        ["x-approved-by", ""],
        ["x-open", "yes"],
      ],
    ]);
  });

  it("has the source trees", () => {
    const [first] = program.policies;
    expect(first!.triggerNode).toMatchObject({
      kind: "and",
      code: -1,
      children: [
        { kind: "leaf", text: 'resource.type == "Deployment"', line: 2, column: 5, code: 25 },
        {
          kind: "not",
          text: "not exists tenant",
          reads: [{ cell: 12, name: "tenant" }],
          children: [{ kind: "leaf", code: 28 }],
        },
      ],
    });
    expect(first!.requirementNode).toMatchObject({
      kind: "leaf",
      code: 19,
      reads: [{ cell: 5, name: "amount", shape: { type: "int" } }],
    });
  });

  it("lists the sections with their bytes", () => {
    expect(program.sectionBytes.map(({ name }) => name).slice(0, 3)).toEqual([
      "strings",
      "numbers",
      "networks",
    ]);
    expect(program.sectionBytes.reduce((sum, { bytes }) => sum + bytes, TABLE_END)).toBe(program.totalBytes);
  });

  it("holds copies only, and reads bytes at any place of a buffer", () => {
    const bytes = writeModel(sample());
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    const decoded = accepted(shifted);
    shifted.fill(0xff);
    expect(decoded).toEqual(program);
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
    expect(errorOf(writeModel(model))).toBe("policies entry 2: it sets one header twice");
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
