/** The compiler on texts that nobody would write: it neither throws nor hangs, and what it says stays inside the text. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "../../core/check/check.ts";
import { type Compiled, compile, createEngine, renderDiagnostic, type Source } from "../../core/index.ts";
import { lower } from "../../core/plan/lower.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { Diagnostics } from "../../core/source/diagnostics.ts";
import { Lexer, type Token } from "../../core/syntax/lexer.ts";
import { parse } from "../../core/syntax/parse.ts";
import { prepare } from "../differential/bundles.ts";
import { generateBundle } from "../differential/policies.ts";

const example = readFileSync(new URL("../../examples/deployments/deployments.ipe", import.meta.url), "utf8");
const valid = [example, ...Array.from({ length: 20 }, (_, seed) => prepare(generateBundle(seed)).text)];

/** What stands in policy texts, and what does not. */
const PIECES = [
  ...[
    "sets by a.b",
    'set "x"',
    "data",
    'd: set of string = ["a"]',
    'from file "a.csv" column "b"',
    "contains_any",
  ],
  ...["condition A:", "condition B: A and", "template T(a: string):", "use T(a:", "use T", 'import "a.ipe"'],
  ...["policy", "guard", "enum", "type", "resource", "attributes", "constant", "default", "allow", "deny"],
  ...[
    "triggers when",
    "requires",
    "allows",
    "denies",
    "with reason",
    "on allow",
    "on deny",
    "metadata",
    "status",
  ],
  ...[
    "set request header",
    "to",
    "body",
    "mode: permissive",
    "expires: x",
    "and",
    "or",
    "not",
    "in",
    "exists",
  ],
  ...[
    "where",
    "starts_with",
    "contains",
    "matches",
    "count",
    "any",
    "all",
    "any(xs where",
    ".count",
    "true",
    "null",
  ],
  ...[
    "claimed",
    "trusted",
    "from",
    "header",
    "capture",
    "jwt",
    "verbatim",
    "list of",
    "string",
    "int?",
    "ip",
    "cidr",
  ],
  ...['test "t":', "expect allow", "expect deny by A because", "failing", "missing", "request GET", "is"],
  ...["A", "xs", "a.b", "request.path", "resource.type", "source.ip", "__proto__", "constructor", "toString"],
  ...[
    "==",
    "!=",
    "<",
    "<=",
    ">",
    "..",
    "=",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "?",
    "+",
    "-",
    "*",
    "/",
    "{",
    "}",
    ".",
  ],
  ...[
    "0",
    "5",
    "-1",
    "007",
    "5x",
    "1e400",
    "9007199254740993",
    "1.5",
    '""',
    '"a"',
    '"10.0.0.1/8"',
    '"/a/{b}"',
    '"',
  ],
  ...[
    '"\\u00zz"',
    '"\\ud800"',
    "// c",
    "/*",
    "*/",
    "#",
    "&&",
    "!",
    "€",
    "👍",
    "\u202e",
    "\u0000",
    "\u001b[31m",
    "\ufeff",
    "\ud800",
  ],
  ...["\n", "\n", "\n  ", "\n  ", "\r\n", "\r", "\t", " ", " ", "\u00a0", "\u2028"],
];

/** Compile twice, check everything that must hold for any text, return the first answer. */
function soundly(...texts: readonly string[]): Compiled {
  const sources: Source[] = texts.map((text, i) => ({ name: `${i}.ipe`, text }));
  const compiled = compile(sources);
  for (const diagnostic of compiled.diagnostics) {
    const { span, message, help } = diagnostic;
    expect(sources).toContain(span.source);
    expect(span.start).toBeGreaterThanOrEqual(0);
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    expect(span.end).toBeLessThanOrEqual(span.source.text.length);
    expect(`${message} ${help}`).not.toMatch(/undefined|\[object|NaN|Infinity/);
    expect(renderDiagnostic(diagnostic).replaceAll("\n", "")).not.toMatch(
      /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u,
    );
  }
  const again = compile(sources);
  expect(again.diagnostics).toEqual(compiled.diagnostics);
  expect(again.ok).toBe(compiled.ok);
  if (compiled.ok && again.ok) {
    expect(Buffer.compare(compiled.bundle, again.bundle)).toBe(0);
    expect(createEngine(compiled.bundle).ok).toBe(true);
  } else {
    expect(compiled.diagnostics.some((d) => d.severity === "error")).toBe(true);
  }
  return compiled;
}

describe("any text", () => {
  test("pieces of policies", () => {
    const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((pieces) => pieces.join(" "));
    const glued = fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.oneof(soup, glued), (text) => void soundly(text)),
      { numRuns: 3000 },
    );
  });

  test("pieces inside of a policy", () => {
    const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((pieces) => pieces.join(" "));
    fc.assert(
      fc.property(
        soup,
        (text) =>
          void soundly(
            `attributes\n  xs: list of x: int trusted from header "xs"\npolicy A:\n  requires ${text}`,
          ),
      ),
      { numRuns: 2000 },
    );
  });

  test("any characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => void soundly(text)),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", maxLength: 200 }), (text) => void soundly(text)),
      { numRuns: 1000 },
    );
  });

  test("several files", () => {
    const file = fc.array(fc.constantFrom(...PIECES), { maxLength: 20 }).map((pieces) => pieces.join(" "));
    fc.assert(
      fc.property(fc.array(file, { maxLength: 4 }), (texts) => void soundly(...texts)),
      { numRuns: 500 },
    );
  });
});

describe("texts that are nearly right", () => {
  test("everything that is typed on the way to an example", () => {
    for (let length = 0; length <= example.length; length++) soundly(example.slice(0, length));
  });

  test("one piece put in, taken out or doubled", () => {
    const change = fc.record({
      text: fc.constantFrom(...valid),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(20),
      piece: fc.oneof(fc.constantFrom("", "", ...PIECES), fc.constant(null)),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        let text = changes[0]!.text;
        for (const { at, length, piece } of changes) {
          const place = Math.floor(at * text.length);
          const cut = text.slice(place, place + length);
          text = text.slice(0, place) + (piece ?? cut + cut) + text.slice(place + length);
        }
        soundly(text);
      }),
      { numRuns: 1500 },
    );
  });

  test("two texts as one bundle", () => {
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.constantFrom(...valid), (a, b) => void soundly(a, b)),
      { numRuns: 50 },
    );
  });
});

describe("64 KiB of the same: a time that grows faster than the text would run into the timeout", () => {
  const size = 65_536;
  const frames = [
    "",
    "policy A:\n  requires ",
    "policy A:\n  ",
    "attributes\n  ",
    "type A:\n  ",
    "enum A: ",
    "policy A:\n  allows\n  metadata\n  ",
    'test "a":\n  ',
    'test "a":\n  a = ',
    'test "a":\n  expect deny failing ',
    'policy A:\n  "',
  ];
  test.each(frames)("behind %j", (frame) => {
    for (const piece of new Set(PIECES)) {
      for (const text of [piece, `${piece} `]) {
        const { diagnostics } = compile([
          { name: "a.ipe", text: frame + text.repeat(Math.ceil(size / text.length)) },
        ]);
        expect(diagnostics.length).toBeLessThanOrEqual(101);
      }
    }
  });

  test.each([
    { name: "policies", piece: (i: number) => `policy P${i}:\n  requires request.path == "/${i}"\n` },
    { name: "equal names", piece: () => "policy P:\n  allows\n" },
    { name: "attributes", piece: (i: number) => `attributes\n  a${i}: string trusted from header "h${i}"\n` },
    { name: "unknown names", piece: (i: number) => `policy P${i}:\n  requires b${i}.c${i} == d${i}\n` },
    { name: "types in types", piece: (i: number) => `type T${i}:\n  a: T${i + 1}\n  b: T${i + 1}\n` },
    { name: "resources", piece: (i: number) => `resource R${i}: "/a/{b${i}}"\n` },
    {
      name: "tests",
      piece: (i: number) =>
        `test "t${i}":\n  request GET "/"\n  a${i} = {"b": [${i}]}\n  expect deny by P${i} missing c${i}\n`,
    },
    { name: "enums", piece: (i: number) => `enum E${i}: a, b${i}\n` },
    {
      name: "headers",
      piece: (i: number) => `policy P${i}:\n  allows\n  on allow\n    set request header "x" to "${i}"\n`,
    },
    {
      name: "optional attributes",
      piece: (i: number) =>
        `attributes\n  a${i}: string? claimed from query "q"\nguard G${i}:\n  triggers when exists a${i} and a${i} == "x"\n  denies\n`,
    },
  ])("many $name", ({ piece }) => {
    let text = "";
    for (let i = 0; text.length < size; i++) text += piece(i);
    soundly(text);
  });
});

describe("valid policies", () => {
  test("10,000 of them", () => {
    const text = Array.from(
      { length: 10_000 },
      (_, i) => `policy P${i}:\n  requires request.path == "/${i}"\n`,
    ).join("");
    const compiled = compile([{ name: "a.ipe", text }]);
    expect(compiled.diagnostics).toEqual([]);
    expect(compiled.ok && createEngine(compiled.bundle).ok).toBe(true);
  });

  test("every bundle is accepted by the loader", () => {
    for (let seed = 1000; seed < 1300; seed++)
      expect(createEngine(prepare(generateBundle(seed)).bytes).ok, `seed ${seed}`).toBe(true);
  });

  test("blanks, line ends and comments change nothing but places", () => {
    const blank = fc.constantFrom(" ", "  ", "\t", "\n  ", "\r\n ", ' // policy A: "\n    ', "\n\n\n ");
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.infiniteStream(blank), (text, blanks) => {
        const again = rewritten(text, () => blanks.next().value);
        expect(withoutPlaces(planOf(again))).toEqual(withoutPlaces(planOf(text)));
        soundly(again);
      }),
      { numRuns: 200 },
    );
  });
});

function planOf(text: string): Plan {
  const report = new Diagnostics();
  const checked = check(parse([{ name: "a.ipe", text }], report), report);
  expect(report.list().flatMap((d) => (d.severity === "error" ? [renderDiagnostic(d)] : []))).toEqual([]);
  return lower(checked);
}

/** The plan as data, without what depends on where things stand. */
function withoutPlaces(plan: Plan): unknown {
  return JSON.parse(
    JSON.stringify(plan, (key, value) => (key === "place" || key === "span" ? undefined : value)),
  );
}

/** The same tokens with other blanks between them. Lines of metadata stay, since their ends have a meaning. */
function rewritten(text: string, blank: () => string): string {
  const lexer = new Lexer({ name: "a.ipe", text }, new Diagnostics());
  let out = "";
  let metadata = false;
  let sign = false;
  for (let token = lexer.next(); token.kind !== "end"; token = lexer.next()) {
    if (token.column1 || startsSection(token)) metadata = false;
    if (token.column1) out += `\n${text.slice(token.start, token.end)}`;
    else if (metadata) {
      const { end } = lexer.restOfLine(token.start);
      out += `\n    ${text.slice(token.start, end)}\n   `;
    } else out += (sign ? "" : blank()) + text.slice(token.start, token.end);
    // A sign belongs to its number.
    sign = token.kind === "symbol" && token.text === "-";
    if (token.kind === "word" && token.text === "metadata") metadata = true;
  }
  return `${out}\n`;
}

function startsSection(token: Token): boolean {
  return token.kind === "word" && ["triggers", "requires", "allows", "denies", "on"].includes(token.text);
}
