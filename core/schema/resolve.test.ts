import { describe, expect, test } from "vitest";
import { Diagnostics } from "../source/diagnostics.ts";
import { parse } from "../syntax/parse.ts";
import { type Resolved, resolve } from "./resolve.ts";
import { typeName, typeWidth } from "./schema.ts";

/** The schema of declarations, and the problems as `id: text at the place`. */
function read(...texts: readonly string[]): Resolved & { problems: readonly string[] } {
  const report = new Diagnostics();
  const sources = texts.map((text, i) => ({ name: `${i}.ipe`, text: `${text}\npolicy P${i}:\n  allows\n` }));
  const resolved = resolve(parse(sources, report), report);
  const problems = report
    .list()
    .map(({ id, span }) => `${id}: ${span.source.text.slice(span.start, span.end)}`);
  return { ...resolved, problems };
}

describe("attributes", () => {
  test.each([
    {
      name: "a header's name is in lower case",
      input: 'x: string trusted from header "X-Team"',
      want: {
        source: "header",
        argument: "x-team",
        marking: "trusted",
        optional: false,
        verbatim: false,
        default: null,
      },
    },
    {
      name: "verbatim",
      input: 'x: string claimed from header "a" verbatim',
      want: { verbatim: true, marking: "claimed" },
    },
    {
      name: "a query name stays as it is",
      input: 'x: string claimed from query "Ä b"',
      want: { argument: "Ä b" },
    },
    {
      name: "a cookie",
      input: 'x: string claimed from cookie "Sid"',
      want: { source: "cookie", argument: "Sid" },
    },
    {
      name: "the whole body",
      input: 'x: string claimed from body ""',
      want: { source: "body", argument: "" },
    },
    {
      name: "an extension is verified",
      input: 'x: string from extension "a"',
      want: { marking: "verified" },
    },
    { name: "optional", input: 'x: string? claimed from query "x"', want: { optional: true } },
    {
      name: "with a default it is never absent",
      input: 'x: string? claimed from query "x" default "d"',
      want: { optional: false, default: { kind: "string", value: "d" } },
    },
    {
      name: "a negative default",
      input: 'x: int claimed from query "x" default -5',
      want: { default: { kind: "int", value: -5 } },
    },
    {
      name: "an int as float",
      input: 'x: float claimed from query "x" default 5',
      want: { default: { kind: "float", value: 5 } },
    },
    {
      name: "a network",
      input: 'x: cidr claimed from query "x" default "10.0.0.0/8"',
      want: { default: { kind: "cidr" } },
    },
    {
      name: "names of prototypes",
      input: '__proto__.constructor: string claimed from query "x"',
      want: { name: "__proto__.constructor" },
    },
  ])("$name", ({ input, want }) => {
    const { schema, problems } = read(`attributes\n  ${input}`);
    expect(problems).toEqual([]);
    expect([...schema.attributes.values()]).toMatchObject([want]);
  });
});

test("types, wherever they are declared", () => {
  const { schema, problems } = read(
    'attributes\n  o: Outer claimed from body ""',
    "type Outer:\n  inner: Inner?\n  items: list of x: Inner\n  level: Level",
    "type Inner:\n  a: string\n  b: ip\nenum Level: low < high",
  );
  expect(problems).toEqual([]);
  const { type } = schema.attributes.get("o")!;
  expect(typeName(type)).toBe("Outer");
  // The record, inner with two fields, list, level.
  expect(typeWidth(type)).toBe(6);
});

test("names of prototypes name anything", () => {
  const { problems, schema } = read(
    'enum __proto__: constructor < toString\ntype valueOf:\n  hasOwnProperty: __proto__\nresource toString: "/__proto__/{constructor}"\n' +
      'constant constructor: string = "__proto__"\nattributes\n  a: valueOf claimed from body "/__proto__"\n  b: string claimed from capture "constructor"',
  );
  expect(problems).toEqual([]);
  expect(schema.enums.get("__proto__")?.members).toEqual(["constructor", "toString"]);
  expect(schema.builtins.get("resource.type")?.type).toMatchObject({ enum: { members: ["toString"] } });
});

describe("resources", () => {
  test.each([
    {
      name: "literals and captures",
      input: 'resource A: GET "/a/{b}/c"',
      want: [["GET", "literal a", "capture b", "literal c"]],
    },
    { name: "the root", input: 'resource A: "/"', want: [[null]] },
    {
      name: "segments are written decoded",
      input: 'resource A: "/café/a b"',
      want: [[null, "literal café", "literal a b"]],
      problems: ['bad-resource: "/café/a b"'],
    },
    {
      name: "other letters",
      input: 'resource A: "/café/漢字"',
      want: [[null, "literal café", "literal 漢字"]],
    },
    { name: "a method of one's own", input: 'resource A: PURGE "/a"', want: [["PURGE", "literal a"]] },
  ])("$name", ({ input, want, problems: wanted }) => {
    const { schema, problems } = read(input);
    expect(problems).toEqual(wanted ?? []);
    if (wanted === undefined)
      expect(
        schema.resources.map((r) => [r.method, ...r.segments.map((s) => `${s.kind} ${s.text}`)]),
      ).toEqual(want);
  });

  test.each([
    { name: "captures of other names", first: '"/a/{b}"', second: '"/a/{c}"', ambiguous: true },
    { name: "the same method", first: 'GET "/a"', second: 'GET "/a"', ambiguous: true },
    { name: "different methods", first: 'GET "/a"', second: 'POST "/a"', ambiguous: false },
    { name: "with and without a method", first: 'GET "/a"', second: '"/a"', ambiguous: false },
    { name: "a literal before a capture", first: '"/a/b"', second: '"/a/{c}"', ambiguous: false },
    { name: "different lengths", first: '"/a"', second: '"/a/{c}"', ambiguous: false },
    { name: "decided from the left", first: '"/a/{c}"', second: '"/{c}/b"', ambiguous: false },
    { name: "a literal that looks like a signature", first: '"/null"', second: '"/{c}"', ambiguous: false },
  ])("two: $name", ({ first, second, ambiguous }) => {
    const { problems } = read(`resource A: ${first}\nresource B: ${second}`);
    expect(problems.map((p) => p.split(":")[0])).toEqual(ambiguous ? ["ambiguous-resource"] : []);
  });
});

test("duplicates across files name the first place", () => {
  const report = new Diagnostics();
  const one = {
    name: "one.ipe",
    text: 'enum A: x\nresource R: "/r"\nconstant C: int = 1\ndefault deny\npolicy P:\n  allows\n',
  };
  const two = {
    name: "two.ipe",
    text: 'type A:\n  x: int\nresource R: "/s"\nconstant C: int = 1\ndefault deny\npolicy P:\n  allows\n',
  };
  resolve(parse([one, two], report), report);
  expect(report.list().map((d) => `${d.span.source.name} ${d.message}; ${d.help}`)).toEqual([
    "two.ipe a second type or enum `A`; the first is at one.ipe:1:6; names are unique across all files of a bundle",
    "two.ipe a second resource `R`; the first is at one.ipe:2:10; names are unique across all files of a bundle",
    "two.ipe a second attribute or constant `C`; the first is at one.ipe:3:10; names are unique across all files of a bundle",
    "two.ipe a second `default`; remove it: a bundle has one",
  ]);
});

describe("types that are too much", () => {
  const chain = (length: number, field: (next: string) => string, backwards = false): string => {
    const types = Array.from({ length }, (_, i) => `type T${i}:\n${field(`T${i + 1}`)}`);
    types.push(`type T${length}:\n  a: string\n`);
    return (backwards ? types.reverse() : types).join("");
  };
  test.each([
    {
      name: "64 types in one another are fine",
      input: chain(63, (next) => `  a: list of ${next}\n`),
      want: [],
    },
    { name: "65 are not", input: chain(64, (next) => `  a: list of ${next}\n`), want: ["too-deep: T64"] },
    {
      name: "65, the inner ones first",
      input: chain(64, (next) => `  a: list of ${next}\n`, true),
      want: ["too-deep: T0"],
    },
    {
      name: "255 fields are fine",
      input: `type T:\n${Array.from({ length: 255 }, (_, i) => `  f${i}: int\n`).join("")}`,
      want: [],
    },
    {
      name: "256 are not",
      input: `type T:\n${Array.from({ length: 256 }, (_, i) => `  f${i}: int\n`).join("")}`,
      want: ["too-large: T"],
    },
    { name: "contains itself", input: "type T:\n  a: T", want: ["recursive-type: T"] },
    { name: "in a list of itself", input: "type T:\n  a: list of T", want: ["recursive-type: T"] },
    {
      name: "over others",
      input: "type T:\n  a: U\ntype U:\n  a: V\ntype V:\n  a: T",
      want: ["recursive-type: T"],
    },
  ])("$name", ({ input, want }) => {
    expect(read(input).problems).toEqual(want);
  });

  test("2^60 fields are not counted one by one", () => {
    const { problems } = read(chain(60, (next) => `  a: ${next}\n  b: ${next}\n`));
    expect(new Set(problems.map((p) => p.split(":")[0]))).toEqual(new Set(["too-large"]));
  });

  test("100,000 types in one another overflow no stack", () => {
    expect(read(chain(100_000, (next) => `  a: list of ${next}\n`)).problems.at(-1)).toMatch(/^too-many/);
  });
});

describe("one fault, one message", () => {
  test.each([
    {
      name: "the type of a faulty enum",
      input: 'enum A: x < y, z\nattributes\n  a: A claimed from query "a"',
      want: ["bad-enum: ,"],
    },
    {
      name: "a type with an unknown field type",
      input: 'type A:\n  x: strng\nattributes\n  a: A claimed from body "/a"',
      want: ["unknown-type: strng"],
    },
    {
      name: "a capture of a faulty resource",
      input: 'resource A: get "/{x}"\nattributes\n  a: string claimed from capture "x"',
      want: ["bad-resource: get"],
    },
    {
      name: "a capture of a resource that cannot be read",
      input: 'resource A:\nattributes\n  a: string claimed from capture "x"',
      want: ["syntax: attributes"],
    },
    {
      name: "a bad number as default",
      input: 'attributes\n  a: int claimed from query "a" default 5x',
      want: ["bad-number: 5x"],
    },
  ])("$name", ({ input, want }) => {
    expect(read(input).problems).toEqual(want);
  });
});

describe("defaults that are constants", () => {
  const text = (type: string, name: string): string =>
    `attributes\n  a: ${type} trusted from header "a" default ${name}\n  b: ${type} trusted from header "b"\nconstant MAX: int = 5\nconstant NAME: string = "low"\nenum Risk: low < high\n`;
  test.each<[type: string, name: string, want: unknown]>([
    ["int", "MAX", { kind: "int", value: 5 }],
    ["float", "MAX", { kind: "float", value: 5 }],
    ["string", "NAME", { kind: "string", value: "low" }],
    ["Risk", "NAME", expect.objectContaining({ kind: "enum" })],
    ["bool", "true", { kind: "bool", value: true }],
  ])("%s default %s", (type, name, want) => {
    const { schema, problems } = read(text(type, name));
    expect(problems).toEqual([]);
    expect(schema.attributes.get("a")?.default).toEqual(want);
  });

  test.each<[type: string, name: string, problem: string]>([
    ["int", "MXA", "unknown-attribute: MXA"],
    ["string", "b", "unknown-attribute: b"],
    ["bool", "MAX", "type-mismatch: MAX"],
    ["string", "b: string", "syntax: b"],
  ])("%s default %s", (type, name, problem) => {
    expect(read(text(type, name)).problems).toContain(problem);
  });
});

test("a constant that does not fit its type is reported once, also where it is a default", () => {
  const attributes = 'attributes\n  a: int trusted from header "a" default MAX\n';
  const constant = 'constant MAX: int = "five"\n';
  for (const text of [attributes + constant, constant + attributes])
    expect(read(text).problems).toEqual(['type-mismatch: "five"']);
  expect(read(`constant MAX: string = "five"\n${attributes}`).problems).toEqual(["type-mismatch: MAX"]);
});
