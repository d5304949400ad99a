import { describe, expect, test } from "vitest";
import { Diagnostics } from "../source/diagnostics.ts";
import { locate, slice } from "../source/source.ts";
import type { Document, Expression, PolicyDeclaration, TypeReference } from "./ast.ts";
import { parse } from "./parse.ts";

function read(text: string): { document: Document; problems: readonly string[] } {
  const report = new Diagnostics();
  const document = parse([{ name: "a.ipe", text }], report);
  const problems = report.list().map((d) => {
    const { line, column } = locate(d.span.source, d.span.start);
    return `${d.id} ${line}:${column}`;
  });
  return { document, problems };
}

function policyOf(text: string): PolicyDeclaration {
  const { document, problems } = read(text);
  expect(problems).toEqual([]);
  return document.declarations.find(
    (d): d is PolicyDeclaration => d.kind === "policy" || d.kind === "guard",
  )!;
}

/** A condition, every operation in brackets. */
function shown(e: Expression): string {
  switch (e.kind) {
    case "and":
    case "or":
      return `(${e.parts.map(shown).join(` ${e.kind} `)})`;
    case "not":
      return `(not ${shown(e.operand)})`;
    case "compare":
      return `(${shown(e.left)} ${e.operator} ${shown(e.right)})`;
    case "exists":
      return `(exists ${e.path.text})`;
    case "exists_lookup":
      return `(exists ${shown(e.lookup)})`;
    case "lookup":
      return `${e.table.text}[${shown(e.key)}]`;
    case "aggregate":
      return `${e.function}(${e.list.text}${e.where === null ? "" : ` where ${shown(e.where)}`})`;
    case "path":
      return e.path.text;
    case "string":
      return JSON.stringify(e.value);
    case "int":
    case "float":
      return `${e.value}`;
    case "bool":
      return `${e.value}`;
    case "duration":
      return `${e.value}ms`;
    case "arithmetic":
      return `(${shown(e.left)} ${e.operator} ${shown(e.right)})`;
    case "lower":
      return `lower(${shown(e.operand)})`;
    case "range":
      return `(${shown(e.low)}..${shown(e.high)})`;
    case "list":
      return `[${e.items.map(shown).join(", ")}]`;
    case "error":
      return "?";
  }
}

const requirement = (text: string): Expression => {
  const effect = policyOf(`policy A:\n  requires ${text}\n`).effect;
  if (effect?.kind !== "requires") throw new Error("no requirement");
  return effect.condition;
};

describe("precedence", () => {
  test.each([
    ["a or b and c", "(a or (b and c))"],
    ["a and b or c", "((a and b) or c)"],
    ["(a or b) and c", "((a or b) and c)"],
    ["a and b and c", "(a and b and c)"],
    ["quota[tier] + 1 < 5", "((quota[tier] + 1) < 5)"],
    ["not exists quota[a + 1] and m[n[lower(s)]]", "((not (exists quota[(a + 1)])) and m[n[lower(s)]])"],
    ["exists(quota[tier])", "(exists quota[tier])"],
    ["a and (b and c)", "(a and (b and c))"],
    ["not a and b", "((not a) and b)"],
    ["not (a and b)", "(not (a and b))"],
    ["not a == b", "(not (a == b))"],
    ["not not a", "(not (not a))"],
    ["not exists a or b", "((not (exists a)) or b)"],
    ["a == 1 or b < 2 and not c", "((a == 1) or ((b < 2) and (not c)))"],
    ["((a))", "a"],
    ["a in [1, 2,]", "(a in [1, 2])"],
    ["a in []", "(a in [])"],
    ["a == -1", "(a == -1)"],
    ["a == -0", "(a == 0)"],
    ["a == -1.5e2", "(a == -150)"],
    ["a == 9007199254740991", "(a == 9007199254740991)"],
    ["a == true", "(a == true)"],
    ["true and false", "(true and false)"],
    ['a starts_with "x" and b ends_with "y"', '((a starts_with "x") and (b ends_with "y"))'],
    ['"a" in xs', '("a" in xs)'],
    ['xs contains "a"', '(xs contains "a")'],
    ["xs.count >= 2", "(count(xs) >= 2)"],
    ["a.xs.count >= 2", "(count(a.xs) >= 2)"],
    ["count(xs) >= 2", "(count(xs) >= 2)"],
    ["2 <= count(xs where x == 1)", "(2 <= count(xs where (x == 1)))"],
    ["count(xs where a or b) == count(ys)", "(count(xs where (a or b)) == count(ys))"],
    ["any(xs where all(x.ys where y)) and b", "(any(xs where all(x.ys where y)) and b)"],
    ["(a ==\n  // why\n  1)", "(a == 1)"],
  ])("%s", (input, want) => {
    expect(shown(requirement(input))).toBe(want);
  });
});

describe("a trailing `where` binds the one aggregate to its left, and runs to the end of the section", () => {
  test.each([
    ["xs.count > 1 where x == 1", "(count(xs where (x == 1)) > 1)"],
    ["xs.count > 1 where a and b or c", "(count(xs where ((a and b) or c)) > 1)"],
    ["a and xs.count > 1 where b", "(a and (count(xs where b) > 1))"],
    ["xs.count > 1 and a where b", "((count(xs where b) > 1) and a)"],
    ["not xs.count > 1 where b", "(not (count(xs where b) > 1))"],
    ["(xs.count > 1) where b", "(count(xs where b) > 1)"],
    ["xs.count > count(ys where c) where b", "(count(xs where b) > count(ys where c))"],
    ["1 < xs.count where b\n  // next\n  and c", "(1 < count(xs where (b and c)))"],
    ["any(xs) where b", "any(xs where b)"],
    ["a or all(xs) where b", "(a or all(xs where b))"],
  ])("%s", (input, want) => {
    expect(shown(requirement(input))).toBe(want);
  });
});

test("spans are what was written, parentheses belong to the parent", () => {
  const e = requirement("(a == 1) and not (b\n    or c)");
  const parts = e.kind === "and" ? e.parts : [];
  expect(slice(e.span)).toBe("(a == 1) and not (b\n    or c)");
  expect(parts.map((part) => slice(part.span))).toEqual(["a == 1", "not (b\n    or c)"]);
});

describe("declarations", () => {
  test("enums", () => {
    const { document } = read("enum A: x < y\n  < z\nenum B: x, y\nenum C: only");
    expect(document.declarations).toMatchObject([
      { kind: "enum", ordered: true, members: [{ text: "x" }, { text: "y" }, { text: "z" }] },
      { kind: "enum", ordered: false, members: [{ text: "x" }, { text: "y" }] },
      { kind: "enum", ordered: false, members: [{ text: "only" }] },
    ]);
  });

  test.each([
    ["string", "string"],
    ["int?", "int?"],
    ["list of string", "list of string"],
    ["list of x: Item?", "list of x: Item?"],
    ["list of list: string", "list of list: string"],
  ])("type %s", (input, want) => {
    const { document, problems } = read(`constant C: ${input} = 1`);
    expect(problems).toEqual(["no-policies 1:1"]);
    const declared = document.declarations[0];
    expect(declared?.kind === "constant" && typeText(declared.type)).toBe(want);
  });

  test("an attribute with everything", () => {
    const text =
      'attributes:\n  a.b: string? trusted from header "x-a" verbatim default "d"\n  c: int\n    claimed\n    from body ""\n';
    const { document, problems } = read(text);
    expect(problems).toEqual(["no-policies 1:1"]);
    expect(document.declarations).toMatchObject([
      {
        kind: "attributes",
        attributes: [
          {
            name: { text: "a.b" },
            type: { optional: true },
            marking: { text: "trusted" },
            source: { kind: { text: "header" }, argument: { value: "x-a" } },
            default: { value: "d" },
          },
          {
            name: { text: "c" },
            marking: { text: "claimed" },
            source: { argument: { value: "" } },
            verbatim: null,
          },
        ],
      },
    ]);
  });

  test("resources, constants, the default", () => {
    const { document } = read(
      'resource A: GET "/a"\nresource B: "/b"\nconstant C: int = -5\ndefault allow\nnormalize: MERGE_SLASHES\n',
    );
    expect(document.declarations).toMatchObject([
      { kind: "resource", method: { text: "GET" }, pattern: { value: "/a" } },
      { kind: "resource", method: null },
      { kind: "constant", value: { kind: "int", value: -5 } },
      { kind: "default", allow: true },
      { kind: "normalize", mode: "MERGE_SLASHES" },
    ]);
  });

  test("a policy with everything, in any order", () => {
    const policy = policyOf(`policy A:
  "Why
   so"
  metadata
    owner: a // not this
    url: http://a:80
  on deny
    body "no"
    status 404
  on allow
    set request header "a" to "b" set request header "c" to "d"
  requires b
  triggers when a
`);
    expect(policy).toMatchObject({
      intent: { value: "Why so" },
      metadata: [
        { key: { text: "owner" }, value: { text: "a" } },
        { key: { text: "url" }, value: { text: "http://a:80" } },
      ],
      onDeny: { status: { value: 404 }, body: { value: "no" } },
      onAllow: [{ header: { value: "a" } }, { value: { value: "d" } }],
      trigger: { kind: "path" },
      effect: { kind: "requires" },
    });
  });

  test("on one line", () => {
    const policy = policyOf('policy A: "why" triggers when a denies with reason "r" on deny status 401');
    expect(policy).toMatchObject({
      effect: { kind: "denies", reason: { value: "r" } },
      onDeny: { status: { value: 401 } },
    });
  });

  test("names of prototypes are names", () => {
    const policy = policyOf("policy constructor:\n  allows\n  metadata\n    __proto__: a\n    toString: b\n");
    expect(policy.name.text).toBe("constructor");
    expect(policy.metadata.map((entry) => entry.key.text)).toEqual(["__proto__", "toString"]);
  });
});

function typeText({ name, list, element, optional }: TypeReference): string {
  const inner = `${element === null ? "" : `${element.text}: `}${name.text}`;
  return `${list ? "list of " : ""}${inner}${optional ? "?" : ""}`;
}

describe("each fault once, and the rest is still read", () => {
  test.each([
    {
      name: "two sections of one policy",
      input: "policy A:\n  triggers when a ==\n  requires == b\n",
      want: ["syntax 3:3", "syntax 3:12"],
    },
    {
      name: "three policies",
      input:
        "policy A:\n  requires (a\npolicy B:\n  allows\npolicy C:\n  requires a b\npolicy D:\n  requires a = b\n",
      want: ["syntax 3:1", "syntax 6:14", "syntax 8:14"],
    },
    {
      name: "a word of C",
      input: "policy A:\n  requires a && b\n",
      want: ["bad-character 2:14", "syntax 2:17"],
    },
    {
      name: "a misspelt declaration is read as what it should be",
      input: "polciy A:\n  requires (\n",
      want: ["unknown-declaration 1:1", "syntax 2:13"],
    },
    {
      name: "a misspelt section is read as what it should be",
      input: "policy A:\n  trigers when a\n  requirs b\n",
      want: ["syntax 2:3", "syntax 3:3"],
    },
    {
      name: "a misspelt section behind a condition",
      input: "policy A:\n  triggers when a\n  requirs b\n",
      want: ["syntax 3:3"],
    },
    { name: "a misspelt operator", input: "policy A:\n  requires a statrs_with b\n", want: ["syntax 2:14"] },
    { name: "capitals", input: "policy A:\n  requires a AND b\n", want: ["syntax 2:14"] },
    {
      name: "colons behind sections",
      input:
        "policy A:\n  triggers when a\n  requires:\n    b\n  on deny:\n    status 403\n  metadata:\n    a: b\n",
      want: ["syntax 3:11", "syntax 5:10", "syntax 7:11"],
    },
    {
      name: "no colon behind names",
      input: 'policy A\n  allows\nenum B x < y\ntype C\n  a: int\nresource D "/d"\n',
      want: ["syntax 2:3", "syntax 3:8", "syntax 5:3", "syntax 6:12"],
    },
    {
      name: "an entry of attributes",
      input:
        'attributes\n  a string\n  b: int claimd from body "/b"\n  c: list string\n  d: int from\npolicy A:\n  requires (\n',
      want: ["syntax 2:5", "syntax 3:10", "syntax 4:11", "syntax 6:1", "syntax 7:13"],
    },
    {
      name: "a misspelt word on the next line",
      input: 'attributes\n  a: string\n    claimd from body "/a"\n  b: int\n',
      want: ["syntax 3:5"],
    },
    {
      name: "a field of a type",
      input: "type A:\n  a string\n  b: int\n  c: list of list of int\n  d: int\n",
      want: ["syntax 2:5", "nested-list 4:14"],
    },
    {
      name: "attributes that are not indented",
      input: 'attributes\na: string from header "a"\nb: int from header "b"\n',
      want: ["unknown-declaration 2:1", "unknown-declaration 3:1"],
    },
    {
      name: "indented declarations",
      input: "policy A:\n  allows\n  policy B:\n    requires (\n  enum C: x\n",
      want: ["indented-declaration 3:3", "syntax 5:3", "indented-declaration 5:3"],
    },
    {
      name: "an indented file",
      input: "  policy A:\n    allows\n  policy B:\n    denies\n",
      want: ["indented-declaration 1:3", "indented-declaration 3:3"],
    },
    {
      name: "sections in column 1",
      input: "policy A:\ntriggers when a\nallows\n",
      want: ["section-in-column-1 2:1", "section-in-column-1 3:1"],
    },
    {
      name: "bad numbers",
      input: "policy A:\n  requires a > 5x and b < 1e999\n  on deny\n    status 4o3\n",
      want: ["bad-number 2:16", "number-range 2:27", "bad-number 4:12"],
    },
    {
      name: "lists",
      input:
        "policy A:\n  requires a in [1, 2\npolicy B:\n  requires b in [[1]]\npolicy C:\n  requires c in (1, 2)\n",
      want: ["syntax 3:1", "nested-list 4:18", "syntax 6:19"],
    },
    {
      name: "an open string",
      input: 'policy A:\n  "why\n  allows\npolicy B:\n  requires (\n',
      want: ["unterminated-string 2:3", "syntax 5:13"],
    },
    {
      name: "what is no condition",
      input:
        "policy A:\n  requires\npolicy B:\n  requires and\npolicy C:\n  requires ? \npolicy D:\n  requires a == null\n",
      want: ["syntax 3:1", "syntax 4:12", "syntax 6:12", "syntax 8:17"],
    },
    { name: "strings are no keywords", input: 'policy A:\n  allows\n  on "allow"\n', want: ["syntax 3:6"] },
    {
      name: "strings are no colons",
      input: 'policy A:\n  allows\n  metadata\n    owner ":" x\n',
      want: ["syntax 4:11"],
    },
    { name: "strings are no operators", input: 'policy A:\n  requires a "==" b\n', want: ["syntax 2:14"] },
    {
      name: "a section in metadata",
      input: "policy A:\n  metadata\n    owner: a\n    denies: b\n",
      want: ["syntax 4:11", "syntax 4:13"],
    },
    {
      name: "metadata without colon",
      input: "policy A:\n  allows\n  metadata\n    owner a\n",
      want: ["syntax 4:11"],
    },
    {
      name: "several defaults",
      input: "default maybe\ndefault deny x\n",
      want: ["syntax 1:9", "syntax 2:14"],
    },
    {
      name: "nothing behind a keyword",
      input: "policy\nenum\ntype\nresource\nconstant\ndefault\nattributes",
      want: ["syntax 2:1", "syntax 3:1", "syntax 4:1", "syntax 5:1", "syntax 6:1", "syntax 7:1"],
    },
    {
      name: "garbage between",
      input: "policy A:\n  allows\n§\npolicy B:\n  allows\n%%\n",
      want: ["bad-character 3:1", "bad-character 6:1"],
    },
    { name: "an unfinished text", input: "policy A:\n  requires a ==", want: ["syntax 2:16"] },
  ])("$name", ({ input, want }) => {
    expect(read(input).problems).toEqual(want);
    expect(read(input.replaceAll("\n", "\r\n")).problems).toEqual(want);
  });
});

describe("faulty declarations are known by name, so that their users are not reported", () => {
  test.each([
    { name: "an attribute", input: "attributes\n  a.b: list string\n", want: ["attribute a.b"] },
    { name: "an enum", input: "enum A: x < y, z\n", want: ["enum A"] },
    { name: "a type", input: "type A:\n  x list\n", want: ["type A"] },
    { name: "a resource", input: "resource A: GET\n", want: ["resource A"] },
    { name: "a constant", input: "constant A: int = x\n", want: ["constant A"] },
    { name: "what stands in column 1", input: "a: string\n", want: ["unknown a"] },
  ])("$name", ({ input, want }) => {
    expect(read(input).document.faulty.map((f) => `${f.kind} ${f.name}`)).toEqual(want);
  });
});

describe("nesting is bounded, so that no stack overflows", () => {
  const policy = (condition: string) =>
    read(`policy A:\n  requires ${condition}`).problems.map((p) => p.split(" ")[0]);
  const times = 100_000;
  test.each([
    { name: "199 parentheses are fine", input: `${"(".repeat(199)}a${")".repeat(199)}`, want: [] },
    { name: "parentheses", input: "(".repeat(times), want: ["too-deep"] },
    { name: "closed parentheses", input: `${"(".repeat(times)}a${")".repeat(times)}`, want: ["too-deep"] },
    { name: "not", input: `${"not ".repeat(times)}a`, want: ["too-deep"] },
    { name: "not and parentheses", input: `${"not (".repeat(times)}a`, want: ["too-deep"] },
    { name: "lists", input: `a in ${"[".repeat(times)}`, want: ["nested-list"] },
    { name: "aggregates", input: "any(xs where ".repeat(times), want: ["too-deep"] },
    { name: "minus", input: `a == ${"-".repeat(times)}`, want: ["syntax"] },
    { name: "many conditions are not deep", input: `${"a and b or ".repeat(times)}c`, want: [] },
  ])("$name", ({ input, want }) => {
    expect(policy(input)).toEqual(want);
  });

  test("after it the next policy is read", () => {
    const { problems } = read(`policy A:\n  requires ${"(".repeat(300)}a\npolicy B:\n  requires ((((a))))\n`);
    expect(problems).toEqual(["too-deep 2:212"]);
  });
});

describe("large hostile texts", () => {
  const size = 1_000_000;
  test.each([
    { name: "one name a line", text: "x\n".repeat(size / 2) },
    { name: "symbols", text: ":<".repeat(size / 2) },
    { name: "quotes", text: '"\n'.repeat(size / 2) },
    { name: "sections on one line", text: `policy A:\n  x ${"on ".repeat(size / 3)}` },
    { name: "entries on one line", text: `attributes\n  x ${"a:".repeat(size / 2)}` },
    { name: "blanks", text: " ".repeat(size) },
    { name: "comments", text: "//\n".repeat(size / 3) },
    { name: "block comments", text: "/*".repeat(size / 2) },
    { name: "a string of many lines", text: `policy A:\n  "${"x\n ".repeat(size / 3)}" allows` },
    { name: "bad characters", text: "\u00a0é$x".repeat(size / 4) },
    { name: "NULs", text: "\0".repeat(size) },
    { name: "one long name", text: `policy ${"a".repeat(size)}` },
    { name: "declarations without end", text: "policy ".repeat(size / 7) },
  ])("$name", ({ text }) => {
    expect(read(text).problems.length).toBeLessThanOrEqual(101);
  });

  test("more than 16 Mi units are refused unread", () => {
    expect(read(" ".repeat(16 * 1024 * 1024 + 1)).problems[0]).toBe("too-large 1:1");
  });
});

describe("several files", () => {
  const report = new Diagnostics();
  const names = ["b.ipe", "a.ipe", "c.ipe"];
  const document = parse(
    names.map((name) => ({ name, text: `policy ${name[0]}:\n  requires (\n` })),
    report,
  );
  test("stay in their order", () => {
    expect(document.declarations).toHaveLength(3);
    expect(report.list().map((d) => d.span.source.name)).toEqual(names);
  });
});

describe("no policies", () => {
  test.each([
    { name: "an empty text", input: "" },
    { name: "only comments", input: "// a\n" },
    { name: "only declarations", input: "enum A: x\n" },
  ])("$name", ({ input }) => {
    expect(read(input).problems).toEqual(["no-policies 1:1"]);
  });

  test("no file at all says nothing", () => {
    const report = new Diagnostics();
    expect(parse([], report).declarations).toEqual([]);
    expect(report.list()).toEqual([]);
  });
});
