import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FileValue, readTestFile } from "../../core/index.ts";
import { OUTCOME_WORDS, REASON_WORDS } from "../../core/syntax/test-block.ts";
import { parseTestFile, TEST_FILE_LENGTH_MAX } from "./test-file.ts";

/** A value without places; numbers as they are spelled. */
function plain(value: FileValue): unknown {
  switch (value.kind) {
    case "object":
      return value.members.map((member) => [member.name, plain(member.value)]);
    case "array":
      return value.items.map(plain);
    case "text":
      return value.text;
    case "number":
      return { number: value.spelling };
    case "bool":
      return value.value;
    case "null":
      return null;
  }
}

function parsed(text: string): unknown {
  const result = parseTestFile(text);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  return plain(result.value);
}

function problems(text: string): string[] {
  const result = parseTestFile(text);
  return result.ok ? [] : result.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

describe("what is read", () => {
  test.each([
    [
      "text, also what is none in other versions of YAML",
      "[a, yes, 1.2.0, 2026-01-01, '5', \"\\u00e9\"]",
      ["a", "yes", "1.2.0", "2026-01-01", "5", "é"],
    ],
    ["truth and nothing", "[true, false, null, ~]", [true, false, null, null]],
    [
      "numbers as spelled",
      "[1, -1.50e+3, 9007199254740993, 0x1F, +1]",
      ["1", "-1.50e+3", "9007199254740993", "31", "1"].map((number) => ({ number })),
    ],
    [
      "names are text",
      "{404: a, true: b}",
      [
        ["404", "a"],
        ["true", "b"],
      ],
    ],
    [
      "a name twice stays twice",
      "{a: 1, a: 2}",
      [
        ["a", { number: "1" }],
        ["a", { number: "2" }],
      ],
    ],
    [
      "lines",
      "a: >-\n  b\n  c\nd: |\n  e\n",
      [
        ["a", "b c"],
        ["d", "e\n"],
      ],
    ],
    ["JSON with tabs", '{\n\t"a": [\n\t\t1\n\t]\n}', [["a", [{ number: "1" }]]]],
    [
      "aliases",
      "a: &x {b: [1]}\nc: *x\nd: *x",
      [
        ["a", [["b", [{ number: "1" }]]]],
        ["c", [["b", [{ number: "1" }]]]],
        ["d", [["b", [{ number: "1" }]]]],
      ],
    ],
    ["nothing", "", null],
  ])("%s", (_name, text, want) => {
    expect(parsed(text)).toEqual(want);
  });

  test("places are those of names and values", () => {
    const result = parseTestFile("# c\na:\n  - b: 1\n");
    expect(result.ok && result.value).toMatchObject({
      members: [{ name: "a", line: 2, column: 1, value: { items: [{ line: 3, column: 5 }] } }],
    });
  });
});

describe("what is refused", () => {
  test.each([
    ["a list that is not closed", "a: [1", /^1:6: flow sequence/],
    ["wrong indentation", "a:\n  - b\n c: d", /^3:1: all mapping items/],
    ["two documents", "a: 1\n---\nb: 2", /multiple documents/],
    ["a type of one's own", "a: !foo 1", /^1:4: unresolved tag: !foo/],
    ["bytes", "a: !!binary aGVsbG8=", /no type of JSON/],
    ["infinity", "a: .inf", /^1:4: `\.inf` is no number of JSON/],
    ["a list as a name", "? [a]\n: b", /keys must be strings/],
    ["an alias of nothing", "a: *x", /^1:4: there is no anchor `x` before this/],
    ["an anchor twice", "a: &x 1\nb: &x 2", /a second anchor `x`/],
    ["an alias in itself", "a: &x [*x]", /nested too deeply/],
    ["half a surrogate pair", 'a: "\\ud800"', /half of a surrogate pair/],
  ])("%s", (_name, text, want) => {
    expect(problems(text).length).toBeGreaterThan(0);
    expect(problems(text)[0]).toMatch(want);
  });

  test("a file that is too long", () => {
    expect(problems("#".repeat(TEST_FILE_LENGTH_MAX + 1))[0]).toContain("a test file of more than");
    expect(problems("#".repeat(TEST_FILE_LENGTH_MAX))).toEqual([]);
  });

  test("aliases that multiply", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    expect(problems(lines.join("\n"))).toEqual([expect.stringContaining("more than 200000 values")]);
  });

  test.each([
    ["brackets", "[".repeat(20_000)],
    ["closed brackets", "[".repeat(5_000) + "]".repeat(5_000)],
    ["list items", "- ".repeat(5_000)],
    ["objects", "{a: ".repeat(5_000)],
    ["anchors", "&a ".repeat(5_000)],
  ])("%s in one another end in an answer", (_name, text) => {
    expect(problems(text).length).toBeGreaterThan(0);
  });
});

test("any text is read or refused, and never throws", () => {
  const piece = fc.constantFrom(
    ...[
      "tests:",
      "- ",
      "name: a",
      "expect:",
      "  ",
      "\n",
      "\n  ",
      "{",
      "}",
      "[",
      "]",
      ",",
      ": ",
      "decision: allow",
    ],
    ...[
      "&a ",
      "*a",
      "!x ",
      "!!str ",
      "|\n",
      ">-\n",
      "'",
      '"',
      "#",
      "---",
      "...",
      "%YAML 1.1\n",
      "? ",
      "<<: *a",
    ],
    ...[
      "\t",
      "\u0000",
      "\ud800",
      "\u2028",
      "é",
      "policies: [a]",
      "request: {method: GET}",
      "0x1",
      ".nan",
      "@",
      "`",
    ],
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join("")),
    fc.string({ unit: "binary", maxLength: 100 }),
  );
  fc.assert(
    fc.property(text, (any) => {
      const result = parseTestFile(any);
      const found = result.ok ? readTestFile(result.value, "a") : result;
      if (found.ok) return;
      expect(found.problems.length).toBeGreaterThan(0);
      for (const { line, column, message } of found.problems) {
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
        expect(message).not.toMatch(/undefined|\[object|NaN/);
      }
    }),
    { numRuns: 2000 },
  );
});

describe("docs/test-file.schema.json", () => {
  const schemaOf = (name: string): object =>
    JSON.parse(readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8")) as object;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(schemaOf("request.schema.json"), "request.schema.json");
  const fits = ajv.compile(schemaOf("test-file.schema.json"));
  const accepted = (value: unknown): boolean => {
    const parsed = parseTestFile(JSON.stringify(value));
    return parsed.ok && readTestFile(parsed.value, "a").ok;
  };

  test("has the words of outcomes and reasons", () => {
    const { $defs } = schemaOf("test-file.schema.json") as {
      $defs: { outcome: object; expect: { properties: { reason: object } } };
    };
    expect($defs.outcome).toMatchObject({ enum: OUTCOME_WORDS });
    expect($defs.expect.properties.reason).toMatchObject({ enum: REASON_WORDS });
  });

  const reasons = { failed: ["a == 1"], missing: [], invalid: ["b"] };
  const everything = {
    policies: ["a.ipe"],
    tests: [
      {
        name: "a",
        request: { method: "GET", path: "/", headers: { a: ["b"] }, body: {} },
        ...{ source: { ip: "::1" }, destination: {}, connection: { mtls: true }, extensions: { a: "b" } },
        attributes: { "a.b": [1, null] },
        expect: {
          ...{ decision: "deny", policy: "A", reason: "unsatisfied", ...reasons, headers: { a: "b" } },
          ...{ status: 404, body: "no", policies: { A: "denied", B: { outcome: "denied", ...reasons } } },
        },
      },
    ],
  };

  test("accepts what the reader accepts: everything, with a member taken out, renamed or exchanged", () => {
    expect(fits(everything), ajv.errorsText(fits.errors)).toBe(true);
    expect(accepted(everything)).toBe(true);
    const other = fc.constantFrom<unknown>(
      ...[null, true, 1, 404, 700, 1.5, "", " ", "allow", "denied", "b", [], ["a"], [1], {}, { A: "denied" }],
    );
    const change = fc.record({
      at: fc.nat(1000),
      way: fc.constantFrom("remove", "rename", "exchange", "exchange", "exchange"),
      other,
    });
    let good = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
        const value = JSON.parse(JSON.stringify(everything)) as object;
        for (const { at, way, other: given } of changes) {
          const places = placesIn(value);
          const [holder, name] = places[at % places.length]!;
          if (way === "exchange") holder[name] = structuredClone(given);
          else if (Array.isArray(holder)) holder.splice(Number(name), 1);
          else {
            if (way === "rename") holder[`${name}s`] = holder[name];
            delete holder[name];
          }
        }
        const yes = accepted(value);
        if (yes) good++;
        expect(fits(value), `${JSON.stringify(value)} ${ajv.errorsText(fits.errors)}`).toBe(yes);
      }),
      { numRuns: 3000 },
    );
    expect(good).toBeGreaterThan(300);
    expect(good).toBeLessThan(2700);
  });
});

type Holder = Record<string, unknown> & unknown[];

/** Every member and item of a value, as what holds it and its name there. */
function placesIn(value: unknown): [holder: Holder, name: string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [[value as Holder, name], ...placesIn(inner)]);
}
