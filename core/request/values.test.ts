/** Text and JSON to values (docs/request.md, section 2), attributes set directly, and defaults (section 9). */
import { describe, expect, test } from "vitest";
import { parseNetwork } from "../source/address.ts";
import { SpelledNumber } from "./attributes.ts";
import { absent, invalid, load, type SlotSpec, type TypeSpec, testProgram, testRequest } from "./fixtures.ts";

const LEVEL: TypeSpec = { enum: ["low", "high", "it's"] };

function bySource(type: TypeSpec, text: string): unknown {
  const program = testProgram({ slots: [{ name: "v", type, source: "extension" }], strings: ["known"] });
  return load(program, testRequest({ extensions: new Map([["v", text]]) })).v;
}

function byBody(type: TypeSpec, json: string): unknown {
  const program = testProgram({
    slots: [{ name: "v", type, source: "body", argument: "" }],
    strings: ["known"],
  });
  return load(
    program,
    testRequest({ body: { kind: "bytes", bytes: new TextEncoder().encode(json), json: true } }),
  ).v;
}

function byAttribute(type: TypeSpec, value: unknown): unknown {
  const program = testProgram({ slots: [{ name: "v", type, source: "extension" }], strings: ["known"] });
  return load(
    program,
    testRequest({ attributes: new Map([["v", value]]), extensions: new Map([["v", "known"]]) }),
  ).v;
}

describe("scalars of text, and the same text as a JSON string", () => {
  test.each<[TypeSpec, string, unknown]>([
    ["string", "", ""],
    ["string", " known ", " known "],
    ["string", "known", "known"],
    ["string", "knowN", "knowN"],
    ["string", "e\u0301", "e\u0301"],
    ["string", "\ufeff", "\ufeff"],
    ["string", "\u0000", "\u0000"],
    [LEVEL, "low", "low"],
    [LEVEL, "it's", "it's"],
    [LEVEL, "known", invalid],
    [LEVEL, "Low", invalid],
    [LEVEL, "low ", invalid],
    [LEVEL, "", invalid],
    [LEVEL, "0", invalid],
    ["ip", "10.0.0.1", "10.0.0.1"],
    ["ip", "::ffff:10.0.0.1", "10.0.0.1"],
    ["ip", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["ip", "010.0.0.1", invalid],
    ["ip", "10.0.0.1/32", invalid],
    ["ip", "[::1]", invalid],
    ["ip", "", invalid],
    ["cidr", "10.0.0.0/8", "10.0.0.0/8"],
    ["cidr", "::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["cidr", "0.0.0.0/0", "0.0.0.0/0"],
    ["cidr", "::/0", "::/0"],
    ["cidr", "10.0.0.1/8", invalid],
    ["cidr", "10.0.0.0", invalid],
    ["cidr", "10.0.0.0/08", invalid],
    ["cidr", "", invalid],
  ])("%j: %j", (type, text, want) => {
    expect(bySource(type, text)).toEqual(want);
    expect(byBody(type, JSON.stringify(text))).toEqual(want);
    expect(
      byBody(
        type,
        `"${[...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`,
      ),
    ).toEqual(want);
    expect(byAttribute(type, text)).toEqual(want);
  });
});

describe("numbers and bools of text, and as JSON", () => {
  test.each<[TypeSpec, string, unknown]>([
    ["int", "7", 7],
    ["int", "-0", 0],
    ["int", "7.0", invalid],
    ["int", "7e0", invalid],
    ["int", "9007199254740991", 9007199254740991],
    ["int", "9007199254740992", invalid],
    ["float", "7", 7],
    ["float", "-0.0", 0],
    ["float", "1e-7", 1e-7],
    ["float", "1e309", invalid],
    ["float", "1." + "0".repeat(126), 1],
    ["float", "1." + "0".repeat(127), invalid],
    ["bool", "true", true],
    ["bool", "false", false],
  ])("%j: %s", (type, text, want) => {
    expect(bySource(type, text)).toEqual(want);
    expect(byBody(type, text)).toEqual(want);
    expect(byAttribute(type, new SpelledNumber(text))).toEqual(want);
  });

  test.each<[TypeSpec, string]>([
    ["int", ""],
    ["int", " 7"],
    ["int", "+7"],
    ["int", "07"],
    ["float", ""],
    ["float", ".5"],
    ["float", "NaN"],
    ["bool", ""],
    ["bool", "True"],
    ["bool", "1"],
    ["bool", "true "],
  ])("%j: %j is none", (type, text) => {
    expect(bySource(type, text)).toBe(invalid);
  });
});

describe("JSON is not coerced", () => {
  const types: [TypeSpec, string][] = [
    ["string", "string"],
    [LEVEL, "string"],
    ["ip", "string"],
    ["cidr", "string"],
    ["int", "number"],
    ["float", "number"],
    ["bool", "bool"],
    [{ list: "string" }, "array"],
    [{ record: { a: "int" } }, "object"],
  ];
  const values: [string, string][] = [
    ['"7"', "string"],
    ["7", "number"],
    ["true", "bool"],
    ["[]", "array"],
    ["{}", "object"],
  ];
  test.each(
    types.flatMap(([type, kind]) =>
      values.filter(([, of]) => of !== kind).map(([json]) => [type, json] as const),
    ),
  )("%j: %s", (type, json) => {
    expect(byBody(type, json)).toBe(invalid);
    expect(byAttribute(type, JSON.parse(json))).toBe(invalid);
  });

  test.each(types)("%j: null is absent", (type) => {
    expect(byBody(type, "null")).toBe(absent);
    expect(byAttribute(type, null)).toBe(absent);
  });
});

describe("attributes set directly", () => {
  test.each<[TypeSpec, unknown, unknown]>([
    ["int", 7, 7],
    ["int", 7.5, invalid],
    ["int", -0, 0],
    ["int", 2 ** 53, invalid],
    ["int", Number.NaN, invalid],
    ["int", 7n, 7],
    ["float", 2 ** 53, 2 ** 53],
    ["float", 1e21, 1e21],
    ["float", Number.POSITIVE_INFINITY, invalid],
    ["string", "\ud800", invalid],
    ["string", Symbol("x"), invalid],
    ["string", undefined, absent],
    [{ list: "int" }, [1, null, "2", 3], [1, invalid, invalid, 3]],
    [{ list: "int" }, Array.from({ length: 257 }, () => 1), invalid],
    [{ list: "int" }, [1, Number.NaN], invalid],
    [{ list: "int" }, [1, undefined], invalid],
    [{ record: { a: "int", b: "string" } }, { a: 1, c: [] }, { a: 1, b: absent }],
    [{ record: { a: "int" } }, { a: undefined }, { a: absent }],
    [{ record: { a: "int" } }, { A: 1 }, invalid],
    [
      { list: { record: { ip: "ip" } } },
      [{ ip: "::1" }, { ip: 1 }, null],
      [{ ip: "::1" }, { ip: invalid }, invalid],
    ],
  ])("%#: %j", (type, value, want) => {
    expect(byAttribute(type, value)).toEqual(want);
  });

  test("a cycle and deep nesting are invalid", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(byAttribute({ list: "string" }, cycle)).toBe(invalid);
    let deep: unknown = "x";
    for (let i = 0; i < 65; i++) deep = [deep];
    expect(byAttribute({ list: "string" }, deep)).toBe(invalid);
  });

  test("they win over the source and come before defaults; unread and unknown names are ignored", () => {
    const slots: SlotSpec[] = [
      { name: "a", type: "string", source: "header", argument: "x-a", default: "d" },
      { name: "b", type: { record: { c: "int" } }, source: "body", argument: "/b" },
      { name: "unread", type: "string", source: "header", argument: "x-a", read: false },
      { name: "request.method", type: "string", source: "builtin" },
    ];
    const facts = (attributes: Record<string, unknown>): Record<string, unknown> =>
      load(testProgram({ slots }), {
        ...testRequest({
          headers: [{ name: "x-a", value: "h" }],
          body: { kind: "bytes", bytes: new TextEncoder().encode('{"b":{"c":1}}'), json: true },
        }),
        attributes: new Map(Object.entries(attributes)),
      });
    const rest = { unread: absent, "request.method": "GET" };
    expect(facts({})).toEqual({ a: "h", b: { c: 1 }, ...rest });
    expect(facts({ a: "x", unread: "y", other: 1, "request.method": "PUT" })).toEqual({
      a: "x",
      b: { c: 1 },
      ...rest,
    });
    expect(facts({ a: null, b: null })).toEqual({ a: "d", b: absent, ...rest });
    expect(facts({ a: 7, b: 7 })).toEqual({ a: invalid, b: invalid, ...rest });
  });
});

describe("defaults", () => {
  const network = (text: string): { bytes: Uint8Array; prefix: number } => {
    const parsed = parseNetwork(text);
    if ("error" in parsed) throw new Error(parsed.error);
    return parsed;
  };

  test.each<[TypeSpec, SlotSpec["default"], unknown, string]>([
    ["string", "d", "d", "\ud800"],
    ["string", "", "", "\ud800"],
    ["int", -7, -7, "x"],
    ["float", 0.5, 0.5, "x"],
    ["bool", true, true, "x"],
    ["bool", false, false, "x"],
    [LEVEL, "high", "high", "x"],
    ["ip", network("10.0.0.1/32"), "10.0.0.1", "x"],
    ["cidr", network("2001:db8::/32"), "2001:db8::/32", "x"],
  ])("%j: %j", (type, value, want, wrong) => {
    const program = testProgram({
      slots: [
        { name: "v", type, source: "extension", default: value! },
        { name: "w", type, source: "extension", default: value!, read: false },
      ],
    });
    const of = (entries: [string, string][]): Record<string, unknown> =>
      load(program, testRequest({ extensions: new Map(entries) }));
    expect(of([])).toEqual({ v: want, w: absent });
    expect(of([["v", wrong]])).toEqual({ v: invalid, w: absent });
  });
});
