import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Diagnostics } from "../source/diagnostics.ts";
import { parse } from "../syntax/parse.ts";
import { format } from "./format.ts";

function formatted(text: string): string {
  const result = format({ name: "a.ipe", text });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => `${d.id}: ${d.message}`).join("\n"));
  const again = format({ name: "a.ipe", text: result.text });
  expect(again, "formatting twice").toEqual(result);
  return result.text;
}

/** Cases as `before` and `after`; both without their last line end. */
const same = (name: string, text: string) => ({ name, before: text, after: text });

describe("declarations", () => {
  test.each([
    { name: "nothing", before: "", after: "" },
    { name: "only blanks", before: " \n\n ", after: "" },
    { name: "no line end at the end", before: "default deny", after: "default deny" },
    { name: "a byte order mark goes", before: "\ufeffdefault deny", after: "default deny" },
    { name: "blanks between pieces", before: "enum   A:low<high", after: "enum A: low < high" },
    {
      name: "a line for each field",
      before: "type T: a :string?  b:list of  x : int",
      after: "type T:\n  a: string?\n  b: list of x: int",
    },
    {
      name: "one line of a constant",
      before: "constant\n   MAX\n : int\n  = -5",
      after: "constant MAX: int = -5",
    },
    {
      name: "a blank line between declarations",
      before: "default deny\nenum A: x\n\n\n\nenum B: y",
      after: "default deny\n\nenum A: x\n\nenum B: y",
    },
    same("short ones of a kind may stand together", "enum A: x\nenum B: y\n\nenum C: z"),
    same("with comments too", "enum A: x\n// about B\nenum B: y // behind B\nenum C: z"),
    {
      name: "an enum that is too long",
      before: `enum A: ${Array.from({ length: 30 }, (_, i) => `member_${i}`).join(", ")}`,
      after: [
        "enum A: member_0, member_1, member_2, member_3, member_4, member_5, member_6, member_7, member_8,",
        "  member_9, member_10, member_11, member_12, member_13, member_14, member_15, member_16, member_17,",
        "  member_18, member_19, member_20, member_21, member_22, member_23, member_24, member_25, member_26,",
        "  member_27, member_28, member_29",
      ].join("\n"),
    },
    {
      name: "lines of an enum",
      before: "enum A: a <\n b\n < c",
      after: "enum A: a\n  < b\n  < c",
    },
  ])("$name", ({ before, after }) => {
    expect(formatted(before)).toBe(after === "" ? "" : `${after}\n`);
  });
});

describe("attributes", () => {
  test.each([
    {
      name: "names, types and the rest in columns",
      before:
        'attributes\n a:int claimed from query "a" default  5\n longer.name: list of x : string?   from extension "e"\n b: bool',
      after:
        'attributes\n  a:           int                claimed from query "a" default 5\n  longer.name: list of x: string? from extension "e"\n  b:           bool',
    },
    {
      name: "for each paragraph",
      before: 'attributes\n\n a: int from extension "a"\n\n\n bbb: string from extension "b"',
      after: 'attributes\n  a: int from extension "a"\n\n  bbb: string from extension "b"',
    },
    {
      name: "a type that is very long moves nobody",
      before: `attributes\n  a: int from extension "a"\n  b: list of ${"n".repeat(50)}: int from extension "b"`,
      after: `attributes\n  a: int from extension "a"\n  b: list of ${"n".repeat(50)}: int from extension "b"`,
    },
    {
      name: "a comment within",
      before: 'attributes\n  a: int // why\n    from extension "a"\n  bb: string from extension "b"',
      after: 'attributes\n  a:  int // why\n    from extension "a"\n  bb: string from extension "b"',
    },
  ])("$name", ({ before, after }) => {
    expect(formatted(before)).toBe(`${after}\n`);
  });
});

describe("policies", () => {
  test.each([
    {
      name: "a policy on one line",
      before: 'policy A: "why" triggers when a requires b on deny status 404 metadata owner: x',
      after:
        'policy A:\n  "why"\n  triggers when a\n  requires b\n  on deny status 404\n  metadata\n    owner: x',
    },
    {
      name: "maps of data",
      before:
        'data\n a: map of string to int={ "x":1,"y" : -2, }\n bb : map  of int to string = {\n 1: "a", 2:"b",\n  3 :"c" }',
      after:
        'data\n  a:  map of string to int = {"x": 1, "y": -2,}\n  bb: map of int to string = {\n    1: "a", 2: "b",\n    3: "c"\n  }',
    },
    {
      name: "keys of maps",
      before: "policy A:\n  requires a [ b ] < c[ lower (d) ] and exists  m [n[ o ]]",
      after: "policy A:\n  requires a[b] < c[lower(d)] and exists m[n[o]]",
    },
    {
      name: "conditions stay on their line",
      before: "policy A:\n  requires a  and (b or not (c))",
      after: "policy A:\n  requires a and (b or not (c))",
    },
    {
      name: "one condition a line where the author broke one",
      before: "policy A:\n  requires a and b\n   and c",
      after: "policy A:\n  requires\n    a\n    and b\n    and c",
    },
    {
      name: "`and` stands at the start of its line",
      before: "policy A:\n  requires a and\n   b",
      after: "policy A:\n  requires\n    a\n    and b",
    },
    {
      name: "the parts of an `or`",
      before: "policy A:\n  requires a and b\n or c\n and d",
      after: "policy A:\n  requires\n    a and b\n    or c\n      and d",
    },
    {
      name: "a trailing `where`",
      before: "policy A:\n  requires xs.count>=2\n where x.a==1 and\n x.b==2",
      after: "policy A:\n  requires\n    xs.count >= 2\n    where x.a == 1\n    and x.b == 2",
    },
    {
      name: "conditions that are too long",
      before: `policy A:\n  requires ${"a".repeat(40)} and ${"b".repeat(40)} and ${"c".repeat(40)}`,
      after: `policy A:\n  requires\n    ${"a".repeat(40)}\n    and ${"b".repeat(40)}\n    and ${"c".repeat(40)}`,
    },
    {
      name: "a condition that fits below its head",
      before: `policy A:\n  requires ${"a".repeat(43)} and ${"b".repeat(43)}`,
      after: `policy A:\n  requires\n    ${"a".repeat(43)} and ${"b".repeat(43)}`,
    },
    {
      name: "parentheses over several lines",
      before: "policy A:\n  requires not (a\n or b) and count(xs\n where x==1 or x==2)>3",
      after:
        "policy A:\n  requires\n    not (\n      a\n      or b\n    )\n    and count(xs where\n      x == 1 or x == 2\n    ) > 3",
    },
    {
      name: "a list keeps its lines",
      before: 'policy A:\n  requires a in ["x",\n "y", "z"\n  ,"w"]',
      after: 'policy A:\n  requires\n    a in [\n      "x",\n      "y", "z",\n      "w"\n    ]',
    },
    {
      name: "a test that is broken in the middle",
      before: "policy A:\n  requires a\n   ==\n   b",
      after: "policy A:\n  requires a == b",
    },
    {
      name: "and is too long for one line",
      before: `policy A:\n  requires ${"a".repeat(60)}\n   ==\n   "${"b".repeat(60)}"`,
      after: `policy A:\n  requires\n    ${"a".repeat(60)} ==\n      "${"b".repeat(60)}"`,
    },
    {
      name: "effects",
      before:
        'policy A:\n  allows on allow set request header "a" to "b"\n set request header "c" to "d" on deny status 404 body "no"',
      after:
        'policy A:\n  allows\n  on allow\n    set request header "a" to "b"\n    set request header "c" to "d"\n  on deny\n    status 404\n    body "no"',
    },
    {
      name: "blank lines between sections",
      before: "policy A:\n\n  triggers when a\n\n\n  allows\n",
      after: "policy A:\n  triggers when a\n\n  allows",
    },
    {
      name: "a signed number, and one that is subtracted by nobody",
      before: "policy A:\n  requires a>-5 and b in [-1,-2]",
      after: "policy A:\n  requires a > -5 and b in [-1, -2]",
    },
    {
      name: "functions",
      before: "policy A:\n  requires exists( a ) and any (xs) and count ( xs where ( x ) )==1",
      after: "policy A:\n  requires exists(a) and any(xs) and count(xs where (x)) == 1",
    },
  ])("$name", ({ before, after }) => {
    expect(formatted(before)).toBe(`${after}\n`);
  });
});

describe("strings and metadata", () => {
  test.each([
    {
      name: "an intent over several lines stands below its first character",
      before: 'policy A: "one\n   two  \n\n\tthree"\n  allows',
      after: 'policy A:\n  "one\n   two\n\n   three"\n  allows',
    },
    {
      name: "with blanks at its ends",
      before: 'policy A:\n  "  one  \n  "\n  allows',
      after: 'policy A:\n  "  one\n   "\n  allows',
    },
    same("blanks and escapes in a string", 'policy A:\n  "a  b\\u0020 // no comment"\n  allows'),
    {
      name: "metadata values are no text of the language",
      before: 'policy A:\n  allows\n  metadata\n   a:"x (  [\n   b:   c//d   // why\n   e : {policy: 1}  ,, ',
      after: 'policy A:\n  allows\n  metadata\n    a: "x (  [\n    b: c//d   // why\n    e: {policy: 1}  ,,',
    },
    { name: "CRLF stays", before: "policy A:\r\n allows\r\n metadata\r\n  a: b\r\n", after: null },
  ])("$name", ({ before, after }) => {
    expect(formatted(before)).toBe(
      after === null ? "policy A:\r\n  allows\r\n  metadata\r\n    a: b\r\n" : `${after}\n`,
    );
  });
});

describe("comments", () => {
  test.each([
    same("only comments", "// one\n\n// two"),
    { name: "at the start, indented", before: "   // one\n\n\n\n // two", after: "// one\n\n// two" },
    same(
      "between declarations",
      "default deny\n\n// about A\n\n// and this\npolicy A:\n  allows\n\n// the end",
    ),
    same(
      "at the end of a body",
      "policy A:\n  allows\n  metadata\n    a: b\n    // c: d\n  // e\n\n// f\nenum A: b",
    ),
    {
      name: "in column 1 within a body",
      before: "policy A:\n// why\n  allows",
      after: "policy A:\n  // why\n  allows",
    },
    {
      name: "behind everything",
      before: "policy A: // a\n  requires // b\n  a // c\n  and // d\n  b // e\n  == // f\n 1 // g",
      after: null,
    },
    same("in columns", "policy A:\n  allows        // one\n  on deny       // two\n    status 404  // three"),
    {
      name: "in columns, moved together",
      before:
        "policy A:\n      allows           // one\n      on deny          // two\n          status 404   // three",
      after: "policy A:\n  allows         // one\n  on deny        // two\n    status 404   // three",
    },
  ])("$name", ({ before, after }) => {
    const result = formatted(before);
    if (after !== null) expect(result).toBe(`${after}\n`);
    else for (const letter of "abcdefg") expect(result).toMatch(new RegExp(`// ${letter}$`, "m"));
  });
});

describe("tests keep their lines", () => {
  test.each([
    {
      name: "and their depth in steps of two",
      before:
        'test "a":\n     request GET   "/"\n     body {"a":1,\n         "b": [\n            -1]\n     }\n     expect A is not-applicable\n         missing b',
      after:
        'test "a":\n  request GET "/"\n  body {"a": 1,\n    "b": [\n      -1]\n  }\n  expect A is not-applicable\n    missing b',
    },
  ])("$name", ({ before, after }) => {
    expect(formatted(before)).toBe(`${after}\n`);
  });
});

test("a text with errors of syntax is refused with them", () => {
  const text = "policy A:\n  requires a = 1\npolcy B:\n  allows";
  const report = new Diagnostics();
  parse([{ name: "a.ipe", text }], report);
  const result = format({ name: "a.ipe", text });
  expect(result.ok).toBe(false);
  if (result.ok) return;
  expect(result.diagnostics.map((d) => d.id)).toEqual(["syntax", "unknown-declaration"]);
  expect(result.diagnostics.map((d) => d.message)).toEqual(report.list().map((d) => d.message));
});

test("errors of meaning do not keep from formatting", () => {
  expect(formatted("policy A:\n requires  nobody==1")).toBe("policy A:\n  requires nobody == 1\n");
});

test("any text is formatted or refused", () => {
  const piece = fc.constantFrom(
    ...[
      "policy A:",
      "\n",
      "\n\n",
      "  ",
      "requires",
      "a",
      "and",
      "or",
      "(",
      ")",
      "[",
      "]",
      ",",
      "==",
      "1",
      "-",
    ],
    ...[
      "metadata",
      "x: y",
      "// c\n",
      '"s\n t"',
      "attributes",
      'a: int from extension "a"',
      "where",
      "xs.count",
    ],
    ...[
      "allows",
      "on deny",
      "status 404",
      "\r\n",
      "enum A: b",
      'test "t":',
      "expect allow",
      "{",
      "}",
      "\ttype T:",
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const first = format({ name: "a.ipe", text: pieces.join(" ") });
      if (!first.ok) return;
      expect(format({ name: "a.ipe", text: first.text })).toEqual(first);
    }),
    { numRuns: 5000 },
  );
});

/** Conditions that take 380 lines, the innermost one 384 columns deep. */
const deepPolicies = (count: number): string => {
  const deep = `${"(".repeat(190)}a${")".repeat(190)}`;
  return Array.from({ length: count }, (_, i) => `policy P${i}:\n  requires ${deep} and\n  b\n`).join("");
};

test("time grows with the text, also where it nests and where a line is long", () => {
  const wide = `policy A:\n  requires ${Array.from({ length: 20_000 }, () => "a").join(" and ")}\n`;
  const started = performance.now();
  expect(format({ name: "a.ipe", text: deepPolicies(50) }).ok).toBe(true);
  expect(format({ name: "a.ipe", text: wide }).ok).toBe(true);
  expect(performance.now() - started).toBeLessThan(20_000);
});

test("what would be too large once it is formatted is refused", () => {
  const result = format({ name: "a.ipe", text: deepPolicies(300) });
  expect(result).toMatchObject({ ok: false, diagnostics: [{ id: "too-large" }] });
});

test("a comment before a condition makes it start a line, where it has to fit", () => {
  const [a, b] = ["a".repeat(50), "b".repeat(50)];
  expect(formatted(`policy A:\n  requires xs.count > 1 where\n  // why\n  ${a} and ${b}\n`)).toBe(
    `policy A:\n  requires\n    xs.count > 1\n    where\n      // why\n      ${a}\n    and ${b}\n`,
  );
});
