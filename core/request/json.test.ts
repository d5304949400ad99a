import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JSON_ARRAY, JSON_OBJECT, JSON_STRING, JSON_STRING_ESCAPED, JSON_TRUE, JsonTape } from "./json.ts";

const strict = { depthMax: 64, refuseDuplicates: true };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const accepts = (text: string | Uint8Array): boolean =>
  new JsonTape().scan(typeof text === "string" ? bytes(text) : text, strict);
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

/** The tape as the value that JSON.parse would give. */
function valueAt(tape: JsonTape, node: number): unknown {
  const kind = tape.kind(node);
  if (kind === JSON_ARRAY) {
    const elements: unknown[] = [];
    for (let child = node + 1; child < tape.next(node); child = tape.next(child))
      elements.push(valueAt(tape, child));
    expect(tape.size(node)).toBe(elements.length);
    return elements;
  }
  if (kind === JSON_OBJECT) {
    const members: [string, unknown][] = [];
    for (let name = node + 1; name < tape.next(node); name = tape.next(name)) {
      const text = tape.nameBytes(name).subarray(tape.start(name), tape.end(name));
      members.push([new TextDecoder("utf-8", { ignoreBOM: true }).decode(text), valueAt(tape, name + 1)]);
    }
    expect(tape.size(node)).toBe(members.length);
    return Object.fromEntries(members);
  }
  if (kind === JSON_STRING || kind === JSON_STRING_ESCAPED) {
    const out = new Uint8Array(tape.end(node) - tape.start(node) + 1);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(out.subarray(1, tape.decode(node, out, 1)));
  }
  const text = new TextDecoder().decode(tape.text.subarray(tape.start(node), tape.end(node)));
  return text === "null" ? null : kind <= JSON_TRUE ? text === "true" : Number(text);
}

describe("accepted", () => {
  test.each([
    "null",
    "true",
    "false",
    "0",
    "-1.5e+3",
    '""',
    "[]",
    "{}",
    " \t\r\n[ \t\r\n] \t\r\n",
    '{"a":1,"b":[{"a":1},{"a":2}]}',
    '[[],{},""]',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00"',
    '"é😀\u{10ffff}\u007f"',
    '"\\u0000"',
    '{"":0}',
    '{"a":1,"A":2}',
    '{"a":1,"\\u0061b":2}',
    nested(64),
    '{"__proto__":1,"constructor":2}',
    "1".repeat(500),
    '{"a":{"b":1},"b":{"a":1}}',
  ])("%s", (text) => {
    const tape = new JsonTape();
    expect(tape.scan(bytes(text), strict)).toBe(true);
    expect(valueAt(tape, 0)).toEqual(JSON.parse(text));
  });
});

describe("refused", () => {
  test.each([
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "NaN",
    "Infinity",
    "undefined",
    "'a'",
    "a",
    "1 2",
    "[] []",
    "{}x",
    "\ufeff{}",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[",
    "]",
    "[1",
    '["a"',
    "{",
    "}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{,}",
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    '{"a":1 "b":2}',
    '{"a" 1}',
    '{"a"::1}',
    "[}",
    "{]",
    '{"a":1]',
    "[1}",
    "/**/1",
    "1//",
    "#1",
    "+1",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "0x1",
    "- 1",
    '"',
    '"a',
    '"\\',
    '"\\"',
    '"\\x"',
    '"\\u"',
    '"\\u12"',
    '"\\u123g"',
    '"\\U0041"',
    '"\t"',
    '"\n"',
    '"\u0000"',
    '"\u001f"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\ud800"',
    '"\\ud800a"',
    '"\\ud800\\n"',
    '"\\ud83d\\u0041"',
    '{"\\ud800":1}',
    "\u00a01",
    "1\u2028",
    "\v1",
    "\f1",
    "\u00001",
    "1\u0000",
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"\\u0061":1,"\\u0061":2}',
    '{"":1,"":2}',
    '[{"x":[{"a":1,"b":2,"a":3}]}]',
    '{"é":1,"\\u00e9":2}',
    '{"/":1,"\\/":2}',
    '{"😀":1,"\\ud83d\\ude00":2}',
    nested(65),
    '{"a":'.repeat(65) + "1" + "}".repeat(65),
    "[".repeat(100000),
    '"\\u00e',
    "tru",
    "[nul]",
  ])("%j", (text) => {
    expect(accepts(text)).toBe(false);
  });

  test.each([
    ["a tail alone", [0x22, 0x80, 0x22]],
    ["overlong", [0x22, 0xc0, 0xaf, 0x22]],
    ["overlong in three bytes", [0x22, 0xe0, 0x80, 0xaf, 0x22]],
    ["overlong in four bytes", [0x22, 0xf0, 0x80, 0x80, 0xaf, 0x22]],
    ["a surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["above U+10FFFF", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ["no lead byte", [0x22, 0xff, 0x22]],
    ["cut off by the quote", [0x22, 0xe2, 0x82, 0x22]],
    ["cut off by the end", [0x22, 0xf0, 0x9f, 0x98]],
    ["Latin-1 outside of a string", [0x31, 0xa0]],
    ["UTF-16", [0x22, 0x00, 0x61, 0x00, 0x22, 0x00]],
  ])("%s", (_, list) => {
    expect(accepts(Uint8Array.from(list))).toBe(false);
  });
});

test("duplicates are found among few and many members, and only refused on demand", () => {
  for (const count of [2, 8, 9, 200]) {
    const names = Array.from({ length: count }, (_, i) => `"name${i * 7919}":${i}`);
    expect(accepts(`{${names.join()}}`)).toBe(true);
    for (const at of [0, count >> 1, count - 1]) {
      const text = `{${[...names, names[at]!.replace("n", "\\u006e")].join()}}`;
      expect(accepts(text)).toBe(false);
      const tape = new JsonTape();
      expect(tape.scan(bytes(text), { ...strict, refuseDuplicates: false })).toBe(true);
      expect(tape.duplicate(0)).toBeGreaterThan(0);
    }
  }
});

test("a tape can be used again after a text that was refused", () => {
  const tape = new JsonTape();
  expect(tape.scan(bytes('{"\\u0061":[[[['), strict)).toBe(false);
  expect(tape.scan(bytes('{"\\u0062":2}'), strict)).toBe(true);
  expect(valueAt(tape, 0)).toEqual({ b: 2 });
});

test("a range of a larger buffer is scanned alone", () => {
  expect(accepts(bytes('[1]{"a":2}').subarray(3, 10))).toBe(true);
  expect(accepts(bytes('"\\u0061').subarray(0, 5))).toBe(false);
  expect(accepts(bytes("tru" + "e").subarray(0, 3))).toBe(false);
  expect(accepts(bytes('"é"').subarray(0, 2))).toBe(false);
});

describe("properties", () => {
  test("reads what JSON.stringify writes", () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6, stringUnit: "binary" }),
        fc.constantFrom(0, 1, "\t"),
        (text, indent) => {
          const parsed = JSON.parse(text);
          const tape = new JsonTape();
          const spelled = JSON.stringify(parsed, null, indent);
          if (/\\ud[89a-f]/.test(spelled)) return;
          expect(tape.scan(bytes(spelled), strict)).toBe(true);
          expect(valueAt(tape, 0)).toEqual(JSON.parse(spelled));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("accepts nothing that JSON.parse refuses; refuses besides only what is listed", () => {
    const piece = fc.constantFrom(
      ...'[]{},:"\\ \n1e-.0au',
      '"a"',
      '"b":',
      "true",
      "null",
      "\\u0061",
      "\\ud800",
      "é",
      '{"a":',
      "[1,",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join("");
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          expect(accepts(text)).toBe(false);
          return;
        }
        const tape = new JsonTape();
        if (tape.scan(bytes(text), strict)) expect(valueAt(tape, 0)).toEqual(parsed);
        else expect(/\\ud800|"(a|b|\\u0061)*".*:.*"(a|b|\\u0061)*".*:/s.test(text)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  test("a byte changed anywhere never throws", () => {
    const text = bytes('{"a":[1,-2.5e3,{"b\\u0061":"\\ud83d\\ude00é"},null,true],"c":{"d":[[]]}}');
    const tape = new JsonTape();
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), fc.nat(text.length), (at, byte, length) => {
        const changed = text.slice(0, length);
        if (at < length) changed[at] = byte;
        if (tape.scan(changed, { ...strict, refuseDuplicates: false })) {
          expect(valueAt(tape, 0)).toEqual(
            JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(changed)),
          );
        }
      }),
      { numRuns: 3000 },
    );
  });
});
