import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Diagnostics } from "../source/diagnostics.ts";
import { Lexer, type Token } from "./lexer.ts";

interface Read {
  readonly tokens: readonly Token[];
  readonly problems: readonly string[];
}

/** All tokens, and the problems as `id start-end`. */
function read(text: string): Read {
  const report = new Diagnostics();
  const lexer = new Lexer({ name: "a.ipe", text }, report);
  const tokens: Token[] = [];
  for (let token = lexer.next(); token.kind !== "end"; token = lexer.next()) tokens.push(token);
  return { tokens, problems: report.list().map((d) => `${d.id} ${d.span.start}-${d.span.end}`) };
}

const short = ({ tokens }: Read): string[] => tokens.map((t) => `${t.kind} ${t.text} ${t.start}-${t.end}`);

describe("tokens", () => {
  test.each([
    { name: "words", input: "a a_1 _b", want: ["word a 0-1", "word a_1 2-5", "word _b 6-8"] },
    { name: "dotted names", input: "a.b.c", want: ["word a.b.c 0-5"] },
    { name: "a dot behind a name", input: "a.", want: ["word a 0-1", "symbol . 1-2"] },
    { name: "a dot and a digit", input: "a.1", want: ["word a 0-1", "symbol . 1-2", "number 1 2-3"] },
    { name: "symbols", input: "==!=<=>=..<", want: ["==", "!=", "<=", ">=", "..", "<"].map(symbolAt) },
    { name: "a range", input: "1..5", want: ["number 1 0-1", "symbol .. 1-3", "number 5 3-4"] },
    { name: "no minus in numbers", input: "-5", want: ["symbol - 0-1", "number 5 1-2"] },
    {
      name: "numbers",
      input: "0 1.5 2e3 1E-2",
      want: ["number 0 0-1", "number 1.5 2-5", "number 2e3 6-9", "number 1E-2 10-14"],
    },
    { name: "a comment", input: "a // b\nc", want: ["word a 0-1", "word c 7-8"] },
    { name: "a comment at the end", input: "a //", want: ["word a 0-1"] },
    { name: "a division is no comment", input: "a / b", want: ["word a 0-1", "symbol / 2-3", "word b 4-5"] },
    { name: "`//` in a string", input: '"http://x"', want: ["string http://x 0-10"] },
    { name: "CRLF", input: "a\r\nb\r\n", want: ["word a 0-1", "word b 3-4"] },
    { name: "a byte order mark", input: "\ufeffa", want: ["word a 1-2"] },
    { name: "nothing", input: "", want: [] },
    { name: "only comments", input: "// a\n\n// b", want: [] },
    {
      name: "names of prototypes",
      input: "__proto__ constructor",
      want: ["word __proto__ 0-9", "word constructor 10-21"],
    },
  ])("$name", ({ input, want }) => {
    expect(short(read(input))).toEqual(want);
    expect(read(input).problems).toEqual([]);
  });
});

function symbolAt(text: string, index: number): string {
  return `symbol ${text} ${2 * index}-${2 * index + text.length}`;
}

describe("strings", () => {
  test.each([
    { name: "empty", input: '""', want: "" },
    { name: "escapes", input: '"\\"\\\\\\/\\b\\f\\n\\r\\t"', want: '"\\/\b\f\n\r\t' },
    { name: "a code unit", input: '"\\u0041\\u00e9\\u00E9"', want: "Aéé" },
    { name: "a pair", input: '"\\ud83d\\udc4d"', want: "👍" },
    { name: "the character itself", input: '"👍é漢"', want: "👍é漢" },
    { name: "a tab", input: '"a\tb"', want: "a\tb" },
    { name: "a line end is a blank", input: '"a\nb"', want: "a b" },
    { name: "with the blanks around it", input: '"a  \t\n \t b"', want: "a b" },
    { name: "CRLF", input: '"a \r\n b"', want: "a b" },
    { name: "several line ends are one blank", input: '"a\n\n  \n b"', want: "a b" },
    { name: "an escaped line end is not", input: '"a\\n\n b"', want: "a\n b" },
    { name: "an escaped blank stays", input: '"a\\u0020\n b"', want: "a  b" },
    { name: "a line end at the edges", input: '"\n a\n "', want: " a " },
    { name: "blanks elsewhere stay", input: '" a  b "', want: " a  b " },
    { name: "escaped control characters", input: '"\\u0000\\u202e"', want: "\u0000\u202e" },
    { name: "a word of a declaration, indented", input: '"a\n  policy"', want: "a policy" },
    { name: "such a word within a line", input: '"a policy"', want: "a policy" },
    { name: "a longer word in column 1", input: '"a\npolicyholder"', want: "a policyholder" },
  ])("$name", ({ input, want }) => {
    const { tokens, problems } = read(input);
    expect(tokens).toMatchObject([{ kind: "string", text: want, start: 0, end: input.length }]);
    expect(problems).toEqual([]);
  });
});

describe("problems, each once and where it is", () => {
  test.each([
    { name: "no closing quote", input: 'a "b', want: ["unterminated-string 2-4"] },
    {
      name: "no closing quote before a declaration",
      input: '"b\npolicy A:',
      want: ["unterminated-string 0-2"],
    },
    { name: "no closing quote, CRLF", input: '"b\r\npolicy A:', want: ["unterminated-string 0-2"] },
    { name: "a backslash at the end", input: '"b\\', want: ["unterminated-string 0-3"] },
    { name: "an unknown escape", input: '"\\d"', want: ["bad-escape 1-3"] },
    { name: "too few digits", input: '"\\u12"', want: ["bad-escape 1-3"] },
    { name: "a backslash at a line end", input: '"a\\\nb"', want: ["bad-escape 2-3"] },
    { name: "a pair behind a backslash", input: '"\\👍"', want: ["bad-escape 1-4"] },
    { name: "half a pair", input: '"\\ud83d"', want: ["bad-string 0-8"] },
    { name: "half a pair, raw", input: '"\ud83d"', want: ["bad-string 0-3"] },
    { name: "halves in the wrong order", input: '"\\udc4d\\ud83d"', want: ["bad-string 0-14"] },
    { name: "a control character", input: '"a\u0001"', want: ["bad-string 2-3"] },
    { name: "a NUL", input: '"\u0000"', want: ["bad-string 1-2"] },
    { name: "a lone carriage return in a string", input: '"a\rb"', want: ["bad-string 2-3"] },
    { name: "a turn of direction", input: '"a\u202eb"', want: ["bad-string 2-3"] },
    { name: "the rest of an open string is code", input: '"a\u0001', want: ["unterminated-string 0-3"] },
    { name: "a leading zero", input: "007", want: ["bad-number 0-3"] },
    { name: "a letter behind a number", input: "5x 1.5kg", want: ["bad-number 0-2", "bad-number 3-8"] },
    { name: "a half exponent", input: "1e", want: ["bad-number 0-2"] },
    { name: "hexadecimal", input: "0x1f", want: ["bad-number 0-4"] },
    { name: "characters without meaning, as one", input: "a €§% b", want: ["bad-character 2-5"] },
    { name: "single quotes", input: "'a'", want: ["bad-character 0-1", "bad-character 2-3"] },
    { name: "typographic quotes", input: "“a”", want: ["bad-character 0-1", "bad-character 2-3"] },
    {
      name: "operators of C",
      input: "a && b || !c",
      want: ["bad-character 2-4", "bad-character 7-9", "bad-character 10-11"],
    },
    { name: "a hash comment, as one", input: "a # b's\nc", want: ["bad-character 2-3"] },
    { name: "a block comment, as one", input: "a /* b\n' */ c", want: ["bad-character 2-4"] },
    { name: "an open block comment", input: "a /* b\nc", want: ["bad-character 2-4"] },
    { name: "a no-break space", input: "a\u00a0b", want: ["bad-character 1-2"] },
    { name: "NULs", input: "\u0000\u0000\u0000", want: ["bad-character 0-3"] },
    { name: "a byte order mark inside", input: "a\ufeffb", want: ["bad-character 1-2"] },
    { name: "a lone carriage return", input: "a\rb", want: ["bad-character 1-2"] },
    {
      name: "a carriage return that hides in a comment",
      input: "// a\r  allows",
      want: ["bad-character 4-5"],
    },
    { name: "a comment with CRLF is fine", input: "// a\r\nb", want: [] },
    { name: "a turn of direction in a comment", input: "a // b\u2066c", want: ["bad-character 6-7"] },
    { name: "a line separator in a comment", input: "a // b\u2028c", want: ["bad-character 6-7"] },
    { name: "other languages in comments are fine", input: "// שלום, 漢字, é 👨‍👩‍👧", want: [] },
    { name: "a name of 256 characters is fine", input: "a".repeat(256), want: [] },
    { name: "a longer one", input: `${"a.".repeat(50_000)}a b`, want: ["too-large 0-100001"] },
    { name: "half a pair outside of strings", input: "a \ud83d b", want: ["bad-character 2-3"] },
  ])("$name", ({ input, want }) => {
    expect(read(input).problems).toEqual(want);
  });
});

test("after an open string the next lines are still read", () => {
  expect(short(read('"a\nb "c"'))).toEqual(["string a b  0-6", "word c 6-7", "string  7-8"]);
  expect(short(read('"a\npolicy B'))).toEqual(["string a 0-2", "word policy 3-9", "word B 10-11"]);
});

test("column 1 and the first of a line", () => {
  const { tokens } = read("a b\n c\r\nd // x\n\t\te");
  expect(tokens.map((t) => [t.text, t.column1, t.firstOfLine])).toEqual([
    ["a", true, true],
    ["b", false, false],
    ["c", false, true],
    ["d", true, true],
    ["e", false, true],
  ]);
  expect(read("\ufeffa").tokens[0]).toMatchObject({ column1: true, firstOfLine: true });
});

describe("the rest of a line", () => {
  test.each([
    { name: "plain", input: ": a b", want: ["a b", 2, 5] },
    { name: "without blanks at the ends", input: ":  a \t\nb", want: ["a", 3, 4] },
    { name: "up to a comment", input: ": a // b", want: ["a", 2, 3] },
    { name: "no comment without a blank before it", input: ": http://a", want: ["http://a", 2, 10] },
    { name: "only a comment", input: ": // b", want: ["", 2, 2] },
    { name: "CRLF", input: ": a\r\nb", want: ["a", 2, 3] },
    { name: "to the end of the text", input: ":", want: ["", 1, 1] },
    { name: "quotes are text", input: ': "a"', want: ['"a"', 2, 5] },
  ])("$name", ({ input, want }) => {
    const report = new Diagnostics();
    const lexer = new Lexer({ name: "a.ipe", text: input }, report);
    const { text, start, end } = lexer.restOfLine(lexer.next().end);
    expect([text, start, end]).toEqual(want);
    expect(report.list()).toEqual([]);
    const next = lexer.next();
    expect(next.kind === "end" || next.column1).toBe(true);
  });
});

test("any text ends, with spans in order inside of it", () => {
  const piece = fc.constantFrom(
    ..."ab.\"\\ \n\r\t/*#u0{}<=>!&|'€👍\ud800\u202e\u0000\ufeff".split(""),
    "policy ",
    "//",
    "\\u00",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      let last = 0;
      for (const token of read(text).tokens) {
        expect(token.start).toBeGreaterThanOrEqual(last);
        expect(token.end).toBeGreaterThan(token.start);
        last = token.end;
      }
      expect(last).toBeLessThanOrEqual(text.length);
    }),
    { numRuns: 2000 },
  );
});
