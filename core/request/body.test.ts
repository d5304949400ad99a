/** The body (docs/request.md, section 7). */
import { describe, expect, test } from "vitest";
import { absent, invalid, load, type SlotSpec, testProgram, testRequest } from "./fixtures.ts";
import type { Body, HeaderLine } from "./neutral.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const JSON_TYPE: HeaderLine[] = [{ name: "Content-Type", value: "application/json" }];

function read(
  slots: SlotSpec[],
  body: string | Body,
  headers = JSON_TYPE,
  headersJoined = false,
): Record<string, unknown> {
  const given: Body = typeof body === "string" ? { kind: "bytes", bytes: utf8(body) } : body;
  return load(
    testProgram({ slots, strings: ["x", "é"] }),
    testRequest({ body: given, headers, headersJoined }),
  );
}

const at = (argument: string, type: SlotSpec["type"] = "string", name = argument): SlotSpec => ({
  name,
  type,
  source: "body",
  argument,
});

describe("1: what is delivered", () => {
  const slots = [at("/a"), at("/b", { list: "int" }), at("/c", { record: { d: "int" } })];
  const padded = (length: number): string => '{"a":"x"}'.padEnd(length);

  test.each<[string, string | Body, unknown, unknown]>([
    ["undelivered", { kind: "undelivered" }, invalid, invalid],
    ["empty", { kind: "empty" }, absent, absent],
    ["zero bytes", "", absent, absent],
    ["blanks", " ", invalid, invalid],
    ["null", "null", absent, absent],
    ["262,144 bytes", padded(262144), "x", absent],
    ["262,145 bytes", padded(262145), invalid, invalid],
  ])("%s", (_, body, a, others) => {
    expect(read(slots, body)).toEqual({ "/a": a, "/b": others, "/c": others });
  });

  test("an empty body is absent whatever the headers say, an undelivered one invalid", () => {
    const headers = [{ name: "content-encoding", value: "gzip" }];
    expect(read([at("/a")], { kind: "empty" }, headers)["/a"]).toBe(absent);
    expect(read([at("/a")], "", headers)["/a"]).toBe(absent);
    expect(read([at("/a")], { kind: "undelivered" }, [])["/a"]).toBe(invalid);
  });
});

describe("2: media type and encoding", () => {
  const types = (...values: string[]): HeaderLine[] =>
    values.map((value) => ({ name: "content-type", value }));
  const parsed = (headers: HeaderLine[], joined = false): boolean => {
    const value = read([at("/a")], '{"a":"x"}', headers, joined)["/a"];
    expect([invalid, "x"]).toContain(value);
    return value === "x";
  };

  test.each([
    "application/json",
    "APPLICATION/Json",
    " application/json\t",
    "application/json;charset=utf-8",
    "application/json ; a=b",
    "application/json;",
    "application/json;charset=latin1",
    "application/problem+json",
    "application/vnd.api+JSON; v=1",
    "x/+json",
    "application/json;\u00e9",
  ])("%s is JSON", (type) => {
    expect(parsed(types(type))).toBe(true);
  });

  test.each([
    "",
    " ",
    ";",
    "json",
    "/json",
    "application/",
    "application/json/x",
    "a/b/c+json",
    "+json",
    "/+json",
    "text/json",
    "text/plain",
    "application/jsonp",
    "application/json+x",
    "application/xjson",
    "application/json, application/json",
    "application/json,",
    "application/json; a=,",
    "application /json",
    "application/ json",
    "application/json x",
    "appl(ication/x+json",
    "application/json\u00a0",
    "\u00e9/x+json",
    "application/json-seq",
    "application/x-ndjson",
    "*/*",
    "multipart/form-data",
    "application/j\u017fon",
    "x+json/y",
    "application/json\u0000",
  ])("%s is not", (type) => {
    expect(parsed(types(type))).toBe(false);
  });

  test("none, several, joined, too long", () => {
    expect(parsed([])).toBe(false);
    expect(parsed(types("application/json", "application/json"))).toBe(false);
    // A proxy that joins lines leaves empty ones out.
    expect(parsed(types("application/json", ""))).toBe(true);
    expect(parsed(types("", ""))).toBe(false);
    expect(parsed([...types("application/json"), { name: "CONTENT-TYPE", value: "application/json" }])).toBe(
      false,
    );
    expect(parsed(types("application/json"), true)).toBe(true);
    expect(parsed(types("application/json; a=,"), true)).toBe(false);
    expect(parsed(types("application/json;" + "a".repeat(65519)))).toBe(true);
    expect(parsed(types("application/json;" + "a".repeat(65520)))).toBe(false);
    expect(parsed(types("application/json", "a".repeat(65536)))).toBe(false);
  });

  test("a content encoding, whichever", () => {
    for (const value of ["gzip", "identity", "", "a".repeat(70000)]) {
      expect(parsed([...JSON_TYPE, { name: "Content-Encoding", value }])).toBe(false);
    }
  });

  test("a body that counts as JSON", () => {
    const body: Body = { kind: "bytes", bytes: utf8('{"a":"x"}'), json: true };
    for (const headers of [[], types("text/plain")]) expect(read([at("/a")], body, headers)["/a"]).toBe("x");
    const encoded = [{ name: "content-encoding", value: "gzip" }];
    expect(read([at("/a")], body, encoded)["/a"]).toBe(invalid);
  });
});

describe("3: strict JSON", () => {
  test.each([
    '{"a":"x"',
    '{"a":"x"}}',
    '{"a":"x"} x',
    "\ufeff" + '{"a":"x"}',
    '{"a":"x",}',
    '{"a":"x"}//',
    '{"a":"x","b":"\\ud800"}',
    '{"a":"x","b":"\t"}',
    '{"a":"x","b":01}',
    '{"a":"x","a":"x"}',
    '{"a":"x","b":{"c":1,"\\u0063":2}}',
    `{"a":"x","b":${"[".repeat(64)}${"]".repeat(64)}}`,
    '{"a":"x"}\u0000',
    "a=x",
    "<a>x</a>",
  ])("%s", (body) => {
    expect(read([at("/a"), at("/z")], body)).toEqual({ "/a": invalid, "/z": invalid });
  });

  test("not UTF-8", () => {
    const bytes = utf8('{"a":"x","b":"?"}');
    bytes[bytes.indexOf(0x3f)] = 0xff;
    expect(read([at("/a")], { kind: "bytes", bytes })["/a"]).toBe(invalid);
  });

  test("64 levels are read", () => {
    expect(read([at("/a")], `{"a":"x","b":${"[".repeat(63)}${"]".repeat(63)}}`)["/a"]).toBe("x");
  });
});

describe("4: pointers", () => {
  const body =
    '{"a":"x","":{"":"e"},"o":{"b":{"c":"d"},"0":"zero","-":"minus"},"l":["p",["q"],{"r":"s"},null],"n":null,"a/b":"slash","m~n":"tilde","~1":"t1","é":"u","t":true,"i":7}';

  test.each<[string, unknown]>([
    ["/a", "x"],
    ["/a/", invalid],
    ["/a/0", invalid],
    ["/", invalid],
    ["//", "e"],
    ["/o/b/c", "d"],
    ["/o/b/x", absent],
    ["/o/x/y/z", absent],
    ["/o/0", "zero"],
    ["/o/-", "minus"],
    ["/o/b", invalid],
    ["/l/0", "p"],
    ["/l/1/0", "q"],
    ["/l/2/r", "s"],
    ["/l/3", absent],
    ["/l/3/x", absent],
    ["/l/4", absent],
    ["/l/4/x/y", absent],
    ["/l/99999999999999999999", absent],
    ["/l/00", invalid],
    ["/l/01", invalid],
    ["/l/-", invalid],
    ["/l/-1", invalid],
    ["/l/+1", invalid],
    ["/l/", invalid],
    ["/l/x", invalid],
    ["/l/x/y", invalid],
    ["/l/0/x", invalid],
    ["/l/1e0", invalid],
    ["/n", absent],
    ["/n/x/0", absent],
    ["/t/x", invalid],
    ["/i/x", invalid],
    ["/a~1b", "slash"],
    ["/m~0n", "tilde"],
    ["/~01", "t1"],
    ["/é", "u"],
    ["/missing", absent],
    ["", invalid],
  ])("%j", (pointer, want) => {
    expect(read([at(pointer)], body)[pointer]).toEqual(want);
  });

  test("the whole body", () => {
    expect(read([at("")], '"x"')[""]).toBe("x");
    expect(read([at("", { list: "int" })], "[1,2]")[""]).toEqual([1, 2]);
    expect(read([at("", "int")], " 7 ")[""]).toBe(7);
    expect(read([at("/a")], "[]")["/a"]).toBe(invalid);
    expect(read([at("/a")], "7")["/a"]).toBe(invalid);
    expect(read([at("/0")], '["x"]')["/0"]).toBe("x");
  });

  test("several attributes share a way and a place", () => {
    const slots = [
      at("/o/b/c"),
      at("/o/b/c", "int", "same"),
      at("/o/b", { record: { c: "string" } }),
      at("/o/0"),
      at("/l", { list: "string" }),
      at("/l/0"),
      at("/l/1/0"),
    ];
    expect(read(slots, body)).toEqual({
      "/o/b/c": "d",
      same: invalid,
      "/o/b": { c: "d" },
      "/o/0": "zero",
      "/l": ["p", invalid, invalid, invalid],
      "/l/0": "p",
      "/l/1/0": "q",
    });
  });

  test("an attribute that nothing reads stays absent and walks nowhere", () => {
    const unread = { ...at("/A"), read: false };
    expect(read([at("/a"), unread], '{"a":"x"}')).toEqual({ "/a": "x", "/A": absent });
  });
});

describe("5: near misses", () => {
  test.each<[string, SlotSpec[], string, boolean]>([
    ["by a pointer", [at("/a")], '{"a":"x","A":1}', true],
    ["without the name itself", [at("/a")], '{"A":1}', true],
    ["in an escape", [at("/a")], '{"\\u0041":1}', true],
    ["on the way", [at("/o/a")], '{"o":{"a":"x"},"O":1}', true],
    ["below", [at("/o/a")], '{"o":{"a":"x","A":null}}', true],
    ["beside the way", [at("/o/a")], '{"o":{"a":"x"},"p":{"A":1}}', false],
    ["in an object that is not searched", [at("/o/a")], '{"o":null,"p":{"o":1,"O":1}}', false],
    ["behind a missing member", [at("/o/a")], '{"p":{"O":1}}', false],
    ["a record's field", [at("/o", { record: { a: "int" } })], '{"o":{"A":1}}', true],
    [
      "a field of a field",
      [at("/o", { record: { a: { record: { b: "int" } } } })],
      '{"o":{"a":{"B":1}}}',
      true,
    ],
    [
      "a field of an element",
      [at("/l", { list: { record: { a: "int" } } })],
      '{"l":[{"a":1},{"A":1}]}',
      true,
    ],
    ["a member that no type names", [at("/o", { record: { a: "int" } })], '{"o":{"a":1,"b":1,"B":1}}', false],
    ["two attributes that differ in case", [at("/a"), at("/A")], '{"a":"x"}', true],
    ["two attributes that differ in case, none there", [at("/a"), at("/A")], '{"b":"x"}', false],
    ["ASCII only", [at("/k"), at("/é")], '{"\u212a":1,"É":2,"é":"u","k":"v"}', false],
    ["an array's index is no name", [at("/l/0")], '{"l":["x"]}', false],
    ["a string that is no object", [at("/a")], '{"b":"A"}', false],
  ])("%s", (_, slots, body, spoiled) => {
    const facts = read([...slots, at("/other/thing")], body);
    expect(facts["/other/thing"]).toBe(spoiled ? invalid : absent);
    if (spoiled) expect(Object.values(facts).every((value) => value === invalid)).toBe(true);
  });
});

describe("6: lists and cells", () => {
  const ints = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, i) => i));

  test("256 elements", () => {
    const slots = [at("/l", { list: "int" }), at("/a")];
    expect(read(slots, `{"a":"x","l":${ints(256)}}`)["/l"]).toHaveLength(256);
    expect(read(slots, `{"a":"x","l":${ints(257)}}`)).toEqual({ "/l": invalid, "/a": invalid });
    expect(read([at("/a")], `{"a":"x","l":${ints(257)}}`)["/a"]).toBe("x");
    expect(read([at("/l", "int"), at("/a")], `{"a":"x","l":${ints(257)}}`)).toEqual({
      "/l": invalid,
      "/a": "x",
    });
  });

  test("256 elements of a nested list", () => {
    const slots = [at("/l", { list: { record: { m: { list: "int" } } } }), at("/a")];
    expect(read(slots, `{"a":"x","l":[{"m":${ints(256)}},{"m":${ints(256)}}]}`)["/a"]).toBe("x");
    expect(read(slots, `{"a":"x","l":[{"m":[]},{"m":${ints(257)}}]}`)).toEqual({
      "/l": invalid,
      "/a": invalid,
    });
  });

  test("65,536 cells of all attributes together", () => {
    // An element of the outer list takes 2 cells and 254 more for its own list: 256 times 256.
    const type: SlotSpec["type"] = { list: { record: { m: { list: "int" } } } };
    const body = (last: number): string =>
      `{"a":"x","n":[1],"l":[${Array.from({ length: 256 }, (_, i) => `{"m":${ints(i === 0 ? last : 254)}}`).join()}]}`;
    expect(read([at("/l", type), at("/a")], body(254))["/a"]).toBe("x");
    expect(read([at("/l", type), at("/a")], body(255))).toEqual({ "/l": invalid, "/a": invalid });
    expect(read([at("/l", type), at("/n", { list: "int" })], body(254))).toEqual({
      "/l": invalid,
      "/n": invalid,
    });
    expect(read([at("/n", { list: "int" }), at("/l", type)], body(253))["/n"]).toEqual([1]);
  });

  test("attributes that read one list count twice", () => {
    const wide: SlotSpec["type"] = {
      list: { record: Object.fromEntries(Array.from({ length: 127 }, (_, i) => [`f${i}`, "int"])) },
    };
    const body = `{"l":[${Array.from({ length: 256 }, () => "{}").join()}],"n":[1]}`;
    const slots = [at("/l", wide, "one"), at("/l", wide, "two")];
    expect(read(slots, body).two).toHaveLength(256);
    expect(read([...slots, at("/n", { list: "int" })], body)).toEqual({
      one: invalid,
      two: invalid,
      "/n": invalid,
    });
  });

  test("elements that do not fit are invalid elements, also null", () => {
    const record: SlotSpec["type"] = {
      record: { a: "int", b: { list: "string" }, c: { record: { d: "bool" } } },
    };
    const body =
      '{"l":[{"a":1,"b":["x",null,2],"c":{"d":true},"z":0},{"a":"1","b":{},"c":[]},{"a":null,"c":null},{},null,7,[]]}';
    expect(read([at("/l", { list: record })], body)["/l"]).toEqual([
      { a: 1, b: ["x", invalid, invalid], c: { d: true } },
      { a: invalid, b: invalid, c: invalid },
      { a: absent, b: absent, c: absent },
      { a: absent, b: absent, c: absent },
      invalid,
      invalid,
      invalid,
    ]);
  });

  test("records", () => {
    const type: SlotSpec["type"] = { record: { a: "int", c: { record: { d: "bool", e: "string" } } } };
    const record = (body: string): unknown => read([at("/r", type)], body)["/r"];
    expect(record('{"r":{"c":{"e":"x"},"a":1}}')).toEqual({ a: 1, c: { d: absent, e: "x" } });
    expect(record('{"r":{"c":false}}')).toEqual({ a: absent, c: invalid });
    expect(record('{"r":null}')).toBe(absent);
    expect(record("{}")).toBe(absent);
    expect(record('{"r":[]}')).toBe(invalid);
  });
});
