import { describe, expect, test } from "vitest";
import { type FileValue, readTestFile } from "./file.ts";
import type { PolicyTest } from "./policy-test.ts";

const at = { line: 1, column: 1 };

/** A value as a reader of files gives it; all places are the same. */
function fileValue(value: unknown): FileValue {
  if (value === null) return { ...at, kind: "null" };
  if (Array.isArray(value)) return { ...at, kind: "array", items: value.map(fileValue) };
  switch (typeof value) {
    case "string":
      return { ...at, kind: "text", text: value };
    case "number":
      return { ...at, kind: "number", spelling: String(value) };
    case "boolean":
      return { ...at, kind: "bool", value };
    default: {
      const members = Object.entries(value as object).map(([name, member]) => ({
        ...at,
        name,
        value: fileValue(member),
      }));
      return { ...at, kind: "object", members };
    }
  }
}

function testOf(value: object): PolicyTest {
  const read = readTestFile(fileValue({ tests: [value] }), "a.ipe.test.yaml");
  if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join("\n"));
  return read.tests[0]!;
}

function problems(value: unknown): string[] {
  const read = readTestFile(fileValue(value), "a.ipe.test.yaml");
  return read.ok ? [] : read.problems.map(({ message }) => message);
}

const NOTHING = { failed: null, missing: null, invalid: null };

describe("what is read", () => {
  test("everything that a test can expect", () => {
    const { expected, name, place } = testOf({
      name: "all",
      request: { method: "GET", path: "/" },
      expect: {
        decision: "deny",
        policy: "A",
        reason: "unsatisfied",
        failed: ["a == 1"],
        missing: [],
        invalid: ["a"],
        headers: { "x-a": "1" },
        removed: ["X-B"],
        answer_headers: { "retry-after": "1" },
        status: 404,
        body: "no",
        policies: { B: "not-applicable", C: { outcome: "denied", missing: ["b"] }, D: { failed: [] } },
      },
    });
    expect({ name, place }).toEqual({ name: "all", place: { file: "a.ipe.test.yaml", line: 1, column: 1 } });
    expect(expected).toEqual({
      decision: "deny",
      effects: {},
      policy: { name: "A" },
      reason: "unsatisfied",
      failed: ["a == 1"],
      missing: [],
      invalid: ["a"],
      headers: [{ name: "x-a", value: "1" }],
      removed: ["x-b"],
      answerHeaders: [{ name: "retry-after", value: "1" }],
      status: 404,
      body: "no",
      policies: [
        { ...NOTHING, name: "B", outcome: "not-applicable" },
        { ...NOTHING, name: "C", outcome: "denied", missing: ["b"] },
        { ...NOTHING, name: "D", outcome: null, failed: [] },
      ],
    });
  });

  test("`policy: null` is no policy, a missing one is not asked for", () => {
    expect(testOf({ name: "a", expect: { policy: null } }).expected.policy).toBe("none");
    expect(testOf({ name: "a", expect: { decision: "deny" } }).expected.policy).toBeNull();
  });

  test("the request is what stands beside `name` and `expect`, in JSON's form", () => {
    const { request } = testOf({
      name: "a",
      request: { method: "GET", path: "/", body: { n: 1.5 } },
      source: { ip: "10.0.0.1" },
      attributes: { a: null, "b.c": [true, "x"] },
      expect: { decision: "allow" },
    });
    expect(JSON.parse(request)).toEqual({
      request: { method: "GET", path: "/", body: { n: 1.5 } },
      source: { ip: "10.0.0.1" },
      attributes: { a: null, "b.c": [true, "x"] },
    });
  });

  test("numbers keep their spelling", () => {
    const tests: FileValue = {
      ...at,
      kind: "array",
      items: [
        {
          ...at,
          kind: "object",
          members: [
            { ...at, name: "name", value: fileValue("a") },
            {
              ...at,
              name: "attributes",
              value: {
                ...at,
                kind: "object",
                members: [{ ...at, name: "n", value: { ...at, kind: "number", spelling: "1.50e0" } }],
              },
            },
            { ...at, name: "expect", value: fileValue({ decision: "deny" }) },
          ],
        },
      ],
    };
    const root: FileValue = { ...at, kind: "object", members: [{ ...at, name: "tests", value: tests }] };
    const read = readTestFile(root, "a");
    expect(read.ok && read.tests[0]!.request).toBe('{"attributes":{"n":1.50e0}}');
  });

  test.each([
    ["a.ipe", ["a.ipe"]],
    [
      ["a.ipe", "b"],
      ["a.ipe", "b"],
    ],
    [undefined, null],
  ])("policies: %j", (policies, want) => {
    const read = readTestFile(
      fileValue({
        ...(policies === undefined ? {} : { policies }),
        tests: [{ name: "a", expect: { decision: "deny" } }],
      }),
      "a",
    );
    expect(read.ok && (read.policies?.map(({ path }) => path) ?? null)).toEqual(want);
  });
});

describe("what is wrong", () => {
  const one = (change: object): object => ({
    tests: [{ name: "a", request: { method: "GET", path: "/" }, expect: { decision: "allow" }, ...change }],
  });
  test.each([
    ["a list", [], "a test file must be an object"],
    ["text", "tests", "a test file must be an object"],
    ["nothing in it", {}, "there are no `tests`"],
    ["a misspelt member", { ...one({}), test: [] }, "`test` is unknown: did you mean `tests`?"],
    ["tests as an object", { tests: {} }, "`tests` must be a list"],
    ["no tests", { tests: [] }, "`tests` is empty"],
    ["a test of text", { tests: ["a"] }, "a test must be an object"],
    ["no name", { tests: [{ expect: { decision: "allow" } }] }, "a test has no `name`"],
    ["a name that is no text", one({ name: 5 }), "`name` must be text: put it in quotes"],
    ["an empty name", one({ name: " " }), "`name` is empty"],
    ["no expectation", { tests: [{ name: "a" }] }, "a test has no `expect`"],
    ["an empty expectation", one({ expect: {} }), "`expect` expects nothing"],
    ["a misspelt member of a test", one({ expects: {} }), "`expects` is unknown: did you mean `expect`?"],
    [
      "a misspelt expectation",
      one({ expect: { decison: "allow" } }),
      "`decison` is unknown: did you mean `decision`?",
    ],
    [
      "an unknown decision",
      one({ expect: { decision: "alow" } }),
      "`alow` is no `decision`: did you mean `allow`?",
    ],
    [
      "a decision of a number",
      one({ expect: { decision: 1 } }),
      "this is no `decision`: it is one of allow, deny",
    ],
    [
      "an unknown reason",
      one({ expect: { reason: "deneid" } }),
      "`deneid` is no `reason`: did you mean `denied`?",
    ],
    ["failed as text", one({ expect: { failed: "a" } }), "`failed` must be a list"],
    [
      "missing of numbers",
      one({ expect: { missing: [1] } }),
      "an item of `missing` must be text: put it in quotes",
    ],
    [
      "a status beyond",
      one({ expect: { status: 200 } }),
      "`status` must be a number from 400 to 599, or that of a redirect",
    ],
    [
      "a status of text",
      one({ expect: { status: "404" } }),
      "`status` must be a number from 400 to 599, or that of a redirect",
    ],
    ["headers as a list", one({ expect: { headers: ["a"] } }), "`headers` must be an object"],
    ["a policy as a list", one({ expect: { policy: ["A"] } }), "`policy` must be text"],
    [
      "an unknown outcome",
      one({ expect: { policies: { A: "satisfyed" } } }),
      "`satisfyed` is no `A`: did you mean `satisfied`?",
    ],
    [
      "a misspelt reason of a policy",
      one({ expect: { policies: { A: { mising: [] } } } }),
      "`mising` is unknown: did you mean `missing`?",
    ],
    [
      "a misspelt member of the request",
      one({ request: { metod: "GET" } }),
      "`request.metod` is unknown: did you mean `request.method`?",
    ],
    [
      "a header of a number",
      one({ request: { headers: { a: 5 } } }),
      "`request.headers.a` must be text or a list of texts",
    ],
    ["policies of a number", { ...one({}), policies: 5 }, "`policies` must be text: put it in quotes"],
    ["policies of nothing", { ...one({}), policies: [] }, "`policies` names no file"],
  ])("%s", (_name, value, want) => {
    expect(problems(value)).toEqual([want]);
  });

  test("two tests of one name", () => {
    const { tests } = one({}) as { tests: object[] };
    expect(problems({ tests: [...tests, ...tests] })).toEqual(["a second test `a`: name it otherwise"]);
  });

  test("a member twice", () => {
    const root = fileValue(one({})) as Extract<FileValue, { kind: "object" }>;
    const read = readTestFile({ ...root, members: [...root.members, ...root.members] }, "a");
    expect(!read.ok && read.problems.map(({ message }) => message)).toEqual(["`tests` is given twice"]);
  });

  test("everything at once, but no more than a hundred", () => {
    expect(problems({ tests: Array.from({ length: 500 }, () => 1) })).toHaveLength(100);
  });
});
