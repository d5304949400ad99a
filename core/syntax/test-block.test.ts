import { describe, expect, test } from "vitest";
import { Diagnostics } from "../source/diagnostics.ts";
import { locate, slice } from "../source/source.ts";
import type { TestDeclaration } from "./ast.ts";
import { parse } from "./parse.ts";

function read(text: string): {
  readonly tests: readonly TestDeclaration[];
  readonly problems: readonly string[];
} {
  const report = new Diagnostics();
  const { declarations } = parse([{ name: "a.ipe", text }], report);
  const problems = report
    .list()
    .filter((d) => d.id !== "no-policies")
    .map((d) => {
      const { line, column } = locate(d.span.source, d.span.start);
      return `${d.id} ${line}:${column}`;
    });
  return { tests: declarations.filter((d) => d.kind === "test"), problems };
}

function testOf(body: string): TestDeclaration {
  const { tests, problems } = read(`test "t":\n${body}`);
  expect(problems).toEqual([]);
  expect(tests).toHaveLength(1);
  return tests[0]!;
}

/** Facts as text. */
function facts(body: string): string[] {
  return testOf(`${body}\n  expect allow`).facts.map((fact) => {
    switch (fact.kind) {
      case "request":
        return `${fact.method.value} ${fact.target.value}`;
      case "body":
        return `body ${fact.value.text}`;
      case "attribute":
        return `${fact.path.text} = ${fact.value.text}`;
      default:
        return `${fact.kind} ${fact.name.value}: ${fact.value.value}`;
    }
  });
}

/** Expectations as text. */
function expectations(body: string): string[] {
  return testOf(body).expectations.map((e) => {
    const { failing, missing, invalid, status, body: answer, sets } = e.details;
    const first =
      e.kind === "decision"
        ? [e.allow ? "allow" : "deny", `by ${e.policy?.text}`, `because ${e.reason?.text}`]
        : [e.policy.text, `is ${e.outcome.text}`];
    return [
      ...first,
      ...(failing === null ? [] : [`failing ${failing.map((f) => slice(f.span)).join(" | ")}`]),
      ...(missing === null ? [] : [`missing ${missing.map((n) => n.text).join(" | ")}`]),
      ...(invalid === null ? [] : [`invalid ${invalid.map((n) => n.text).join(" | ")}`]),
      ...(status === null ? [] : [`status ${status.value}`]),
      ...(answer === null ? [] : [`body ${answer.value}`]),
      ...sets.map(({ header, value }) => `set ${header.value} ${value.value}`),
    ].join(", ");
  });
}

describe("facts", () => {
  test.each([
    { name: "a request", text: '  request GET "/a?b=c"', want: ["GET /a?b=c"] },
    { name: "a method that is no word", text: '  request "M-SEARCH" "/a"', want: ["M-SEARCH /a"] },
    {
      name: "headers, also two lines of one",
      text: '  header "x": "1"\n  header "x": "2"',
      want: ["header x: 1", "header x: 2"],
    },
    { name: "an extension", text: '  extension "tenant": "acme"', want: ["extension tenant: acme"] },
    { name: "a raw body", text: '  body "no \\u007b json"', want: ['body "no { json"'] },
    { name: "an empty object and array", text: "  body {}", want: ["body {}"] },
    { name: "everything that JSON has", text: '  a.b = [null, true, false, -1.50e+3, "\\u00e9\\n", {}, []]' },
    { name: "a name twice stays twice", text: '  body {"a": 1, "a": 2}', want: ['body {"a":1,"a":2}'] },
    { name: "a long number stays long", text: "  a = 9007199254740993", want: ["a = 9007199254740993"] },
    {
      name: "attributes that are named as facts",
      text: "  body = 1 header = 2 request = 3 extension = 4",
      want: ["body = 1", "header = 2", "request = 3", "extension = 4"],
    },
    {
      name: "comments and line ends are blanks",
      text: '  body { // {\n    "a"\n  : [1 // ]\n ,2]}',
      want: ['body {"a":[1,2]}'],
    },
    { name: "no facts", text: "", want: [] },
  ])("$name", ({ text, want }) => {
    expect(facts(text)).toEqual(want ?? ['a.b = [null,true,false,-1.50e+3,"é\\n",{},[]]']);
  });
});

describe("expectations", () => {
  test.each([
    ["  expect allow", ["allow, by undefined, because undefined"]],
    ['  expect deny by "a/A"', ["deny, by a/A, because undefined"]],
    ['  expect "a/A" is denied', ["a/A, is denied"]],
    ["  expect deny by A", ["deny, by A, because undefined"]],
    ["  expect deny by A because unsatisfied", ["deny, by A, because unsatisfied"]],
    ["  expect deny by default", ["deny, by undefined, because default"]],
    ["  expect deny because obligation-conflict", ["deny, by undefined, because obligation-conflict"]],
    ["  expect A is not-applicable expect B is satisfied", ["A, is not-applicable", "B, is satisfied"]],
    [
      "  expect deny failing a == 1, count(xs where x.a in [1, 2]) >= 2 missing a, b.c invalid d",
      [
        "deny, by undefined, because undefined, failing a == 1 | count(xs where x.a in [1, 2]) >= 2, missing a | b.c, invalid d",
      ],
    ],
    ['  expect deny status 404 body "no"', ["deny, by undefined, because undefined, status 404, body no"]],
    [
      '  expect allow set request header "a" to "1" set request header "b" to "2"',
      ["allow, by undefined, because undefined, set a 1, set b 2"],
    ],
  ])("%s", (text, want) => {
    expect(expectations(text)).toEqual(want);
  });
});

describe("what is wrong", () => {
  test.each([
    { name: "no name", text: "test:\n  expect allow", want: ["syntax 1:5"] },
    { name: "no colon", text: 'test "a"\n  expect allow', want: ["syntax 2:3"] },
    { name: "no expectation", text: 'test "a":\n  request GET "/"', want: ["no-expectation 1:6"] },
    { name: "nothing at all", text: 'test "a":', want: ["no-expectation 1:6"] },
    { name: "no method", text: 'test "a":\n  request "/"\n  expect allow', want: ["syntax 2:11"] },
    { name: "a misspelt fact", text: 'test "a":\n  haeder "a": "b"\n  expect allow', want: ["syntax 2:3"] },
    { name: "a body of a number", text: 'test "a":\n  body 5\n  expect allow', want: ["syntax 2:8"] },
    {
      name: "two requests and two bodies",
      text: 'test "a":\n  request GET "/"\n  request GET "/"\n  body {}\n  body {}\n  expect allow',
      want: ["duplicate-section 3:3", "duplicate-section 5:3"],
    },
    {
      name: "two decisions",
      text: 'test "a":\n  expect allow\n  expect deny',
      want: ["duplicate-section 3:3"],
    },
    { name: "a fact too late", text: 'test "a":\n  expect allow\n  request GET "/"', want: ["syntax 3:3"] },
    {
      name: "a detail twice",
      text: 'test "a":\n  expect deny missing a missing b',
      want: ["duplicate-section 2:25"],
    },
    { name: "an unknown reason", text: 'test "a":\n  expect deny because unsatisfid', want: ["syntax 2:23"] },
    { name: "an unknown outcome", text: 'test "a":\n  expect A is not-true', want: ["syntax 2:15"] },
    {
      name: "a blank in an outcome",
      text: 'test "a":\n  expect A is not -applicable',
      want: ["syntax 2:15"],
    },
    {
      name: "JSON that is not closed",
      text: 'test "a":\n  a = {"b": [1, 2}\n  expect allow',
      want: ["syntax 2:18"],
    },
    { name: "a comma too much", text: 'test "a":\n  a = [1,]\n  expect allow', want: ["syntax 2:10"] },
    {
      name: "a member without quotes",
      text: 'test "a":\n  a = {b: 1}\n  expect allow',
      want: ["syntax 2:8"],
    },
    {
      name: "a number that JSON has not",
      text: 'test "a":\n  a = 007\n  expect allow',
      want: ["bad-number 2:7"],
    },
    { name: "a sign alone", text: 'test "a":\n  a = - 1\n  expect allow', want: ["syntax 2:7"] },
    {
      name: "a word that JSON has not",
      text: 'test "a":\n  a = undefined\n  expect allow',
      want: ["syntax 2:7"],
    },
    {
      name: "half a surrogate pair",
      text: 'test "a":\n  a = "\\ud800"\n  expect allow',
      want: ["bad-string 2:7"],
    },
    {
      name: "JSON in column 1",
      text: 'test "a":\n  body {\n}\n  expect allow',
      want: ["syntax 3:1", "unknown-declaration 3:1"],
    },
    {
      name: "a test that is indented",
      text: 'policy A:\n  allows\n  test "a":\n  expect allow',
      want: ["indented-declaration 3:3"],
    },
    {
      name: "a string that is not closed before a test",
      text: 'policy A:\n  "x\n  allows\ntest "a":\n  expect allow',
      want: ["unterminated-string 2:3"],
    },
  ])("$name", ({ text, want }) => {
    expect(read(text).problems).toEqual(want);
  });

  test("nesting has an end", () => {
    const deep = (depth: number) =>
      `test "a":\n  a = ${"[".repeat(depth)}${"]".repeat(depth)}\n  expect allow`;
    expect(read(deep(200)).problems).toEqual([]);
    expect(read(deep(201)).problems).toEqual(["too-deep 2:207"]);
    expect(read(deep(1_000_000)).problems).toEqual(["too-deep 2:207"]);
  });

  test("a fault in one test hides no other test", () => {
    const { tests, problems } = read('test "a":\n  body 5\ntest "b":\n  expect allow\npolicy P:\n  allows\n');
    expect(problems).toEqual(["syntax 2:8"]);
    expect(tests.map((t) => t.name.value)).toEqual(["b"]);
  });
});
