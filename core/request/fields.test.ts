/** Headers, cookies, query parameters and extensions (docs/request.md, sections 4, 5, 6 and 8). */
import { describe, expect, test } from "vitest";
import { absent, invalid, load, type SlotSpec, testProgram, testRequest } from "./fixtures.ts";
import { type Fact, type HeaderLine, type Text, undelivered } from "./neutral.ts";

const lines = (name: string, ...values: Text[]): HeaderLine[] => values.map((value) => ({ name, value }));
const raw = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const long = (length: number): string => "a".repeat(length);
const commas = (count: number): string => Array.from({ length: count }, (_, i) => i).join();

describe("headers", () => {
  const slots: SlotSpec[] = [
    { name: "text", type: "string", source: "header", argument: "x-a" },
    { name: "verbatim", type: "string", source: "header", argument: "x-a", verbatim: true },
    { name: "list", type: { list: "string" }, source: "header", argument: "x-a" },
    { name: "number", type: "int", source: "header", argument: "x-a" },
    { name: "numbers", type: { list: "int" }, source: "header", argument: "x-a" },
    { name: "request.id", type: "string", source: "builtin" },
  ];
  const program = testProgram({ slots, strings: ["7", "a", "b"] });

  test.each<[string, HeaderLine[], boolean, unknown[]]>([
    // name, lines, joined, then text, verbatim, list, number, numbers
    ["no line", [], false, [absent, absent, absent, absent, absent]],
    ["another name", lines("x-b", "7"), false, [absent, absent, absent, absent, absent]],
    ["one line", lines("x-a", "7"), false, ["7", "7", ["7"], 7, [7]]],
    ["any case", lines("X-a", "7"), false, ["7", "7", ["7"], 7, [7]]],
    ["bytes", lines("x-a", raw(0x37)), false, ["7", "7", ["7"], 7, [7]]],
    ["empty", lines("x-a", ""), false, ["", "", [], invalid, []]],
    ["blanks", lines("x-a", " \t7 \t"), false, ["7", "7", ["7"], 7, [7]]],
    ["only blanks", lines("x-a", " \t "), false, ["", "", [], invalid, []]],
    [
      "other space stays",
      lines("x-a", "\u00a07\n"),
      false,
      ["\u00a07\n", "\u00a07\n", ["\u00a07\n"], invalid, [invalid]],
    ],
    ["two lines", lines("x-a", "7", "8"), false, [invalid, invalid, ["7", "8"], invalid, [7, 8]]],
    ["two lines, one empty", lines("x-a", "7", ""), false, [invalid, invalid, ["7"], invalid, [7]]],
    ["two equal lines", lines("x-a", "7", "7"), false, [invalid, invalid, ["7", "7"], invalid, [7, 7]]],
    [
      "lines in two cases",
      [...lines("X-A", "7"), ...lines("x-a", "8")],
      false,
      [invalid, invalid, ["7", "8"], invalid, [7, 8]],
    ],
    [
      "lines between others",
      [...lines("x-a", "7"), ...lines("x-b", "9"), ...lines("x-a", "8")],
      false,
      [invalid, invalid, ["7", "8"], invalid, [7, 8]],
    ],
    ["comma", lines("x-a", "7,8"), false, ["7,8", "7,8", ["7", "8"], invalid, [7, 8]]],
    ["comma, joined", lines("x-a", "7,8"), true, [invalid, "7,8", ["7", "8"], invalid, [7, 8]]],
    ["only a comma, joined", lines("x-a", ","), true, [invalid, ",", [], invalid, []]],
    ["no comma, joined", lines("x-a", "7"), true, ["7", "7", ["7"], 7, [7]]],
    ["two lines, joined", lines("x-a", "7", "8"), true, [invalid, invalid, ["7", "8"], invalid, [7, 8]]],
    [
      "members with blanks",
      lines("x-a", "\ta , b ,, ,"),
      false,
      ["a , b ,, ,", "a , b ,, ,", ["a", "b"], invalid, [invalid, invalid]],
    ],
    ["semicolons stay", lines("x-a", "a;b"), false, ["a;b", "a;b", ["a;b"], invalid, [invalid]]],
    [
      "not UTF-8",
      lines("x-a", raw(0x61, 0x2c, 0xff, 0x2c, 0x62)),
      false,
      [invalid, invalid, ["a", invalid, "b"], invalid, [invalid, invalid, invalid]],
    ],
    [
      "a character over two members",
      lines("x-a", raw(0xc3, 0x2c, 0xa9)),
      false,
      [invalid, invalid, [invalid, invalid], invalid, [invalid, invalid]],
    ],
    ["lone surrogate", lines("x-a", "\udc00"), false, [invalid, invalid, [invalid], invalid, [invalid]]],
    ["Unicode", lines("x-a", "é😀"), false, ["é😀", "é😀", ["é😀"], invalid, [invalid]]],
  ])("%s", (_, headers, headersJoined, want) => {
    const facts = load(program, testRequest({ headers, headersJoined }));
    expect([facts.text, facts.verbatim, facts.list, facts.number, facts.numbers]).toEqual(want);
  });

  test("the Kelvin sign is no k, and only the whole name counts", () => {
    const one = testProgram({ slots: [{ name: "k", type: "string", source: "header", argument: "x-k" }] });
    for (const name of ["x-\u212a", "x-k ", "x_k", "x-kk", "x-", ""])
      expect(load(one, testRequest({ headers: lines(name, "1") })).k).toBe(absent);
    expect(load(one, testRequest({ headers: lines("X-K", "1") })).k).toBe("1");
  });

  test("256 elements, also over several lines", () => {
    const at = load(program, testRequest({ headers: lines("x-a", commas(200), commas(56)) }));
    expect(at.list).toHaveLength(256);
    const beyond = load(program, testRequest({ headers: lines("x-a", commas(200), commas(57), "1") }));
    expect([beyond.list, beyond.numbers]).toEqual([invalid, invalid]);
    expect(load(program, testRequest({ headers: lines("x-a", ",".repeat(1000)) })).list).toEqual([]);
  });

  test("65,536 bytes in all lines of one name, blanks included", () => {
    const at = load(
      program,
      testRequest({ headers: [...lines("x-a", long(65536)), ...lines("x-b", long(65536))] }),
    );
    expect([at.text, at.list]).toEqual([long(65536), [long(65536)]]);
    for (const values of [
      [long(65537)],
      [long(65536) + " "],
      [long(32768), long(32769)],
      ["é".repeat(32769)],
      [long(70000), "1"],
    ]) {
      const beyond = load(program, testRequest({ headers: lines("x-a", ...values) }));
      expect([beyond.text, beyond.verbatim, beyond.list, beyond.number]).toEqual([
        invalid,
        invalid,
        invalid,
        invalid,
      ]);
    }
  });

  test.each<[string, HeaderLine[], boolean, unknown, unknown]>([
    ["one line", lines("user-agent", "a"), false, "a", "a"],
    ["two lines", lines("user-agent", "a", "b"), false, invalid, "a,b"],
    ["the same, joined by a proxy", lines("user-agent", "a,b"), true, invalid, "a,b"],
    ["the same, said to be as sent", lines("user-agent", "a,b"), false, invalid, "a,b"],
    ["empty lines drop out", lines("user-agent", "", "a", " ", "b", ""), false, invalid, "a,b"],
    ["one line that is not empty", lines("User-Agent", "", " a "), false, "a", "a"],
    ["only empty lines", lines("user-agent", "", ""), false, "", ""],
    ["no line", [], false, absent, absent],
    ["not UTF-8 where joined", lines("user-agent", raw(0xc3), raw(0xa9)), false, invalid, invalid],
  ])("of a name that proxies join: %s", (_, headers, headersJoined, text, verbatim) => {
    const joinable = testProgram({
      slots: [
        { name: "text", type: "string", source: "header", argument: "user-agent" },
        { name: "verbatim", type: "string", source: "header", argument: "user-agent", verbatim: true },
      ],
      strings: [],
    });
    const facts = load(joinable, testRequest({ headers, headersJoined }));
    expect([facts["text"], facts["verbatim"]]).toEqual([text, verbatim]);
  });

  test("request.id", () => {
    const id = (headers: HeaderLine[], headersJoined = false): unknown =>
      load(program, testRequest({ headers, headersJoined }))["request.id"];
    expect(id([])).toBe(absent);
    expect(id(lines("X-Request-Id", " a "))).toBe("a");
    expect(id(lines("x-request-id", "a,b"))).toBe(invalid);
    expect(id(lines("x-request-id", "", " ", "a", ""))).toBe("a");
    expect(id(lines("x-request-id", "", ""))).toBe("");
    expect(id(lines("x-request-id", "a,b"), true)).toBe(invalid);
    expect(id(lines("x-request-id", "a", "a"))).toBe(invalid);
  });

  test("a list of the header cookie is split at semicolons", () => {
    const cookie = testProgram({
      slots: [
        { name: "list", type: { list: "string" }, source: "header", argument: "cookie" },
        { name: "text", type: "string", source: "header", argument: "cookie" },
      ],
    });
    const headers = lines("Cookie", "a=1; b=2,3 ;;", "c");
    expect(load(cookie, testRequest({ headers }))).toEqual({ list: ["a=1", "b=2,3", "c"], text: invalid });
  });
});

describe("cookies", () => {
  const program = testProgram({
    slots: [
      { name: "a", type: "string", source: "cookie" },
      { name: "all", type: { list: "string" }, source: "cookie", argument: "a" },
      { name: "n", type: "int", source: "cookie" },
    ],
    strings: ["1"],
  });

  test.each<[string, Text[], boolean, unknown[]]>([
    // name, lines, joined, then a, all, n
    ["no line", [], false, [absent, absent, absent]],
    ["none of them", ["b=1"], false, [absent, absent, absent]],
    ["one", ["a=1"], false, ["1", ["1"], absent]],
    ["two", ["a=1; n=2"], false, ["1", ["1"], 2]],
    ["without blanks", ["a=1;n=2"], false, ["1", ["1"], 2]],
    ["on two lines", ["a=1", "n=2"], false, ["1", ["1"], 2]],
    ["twice", ["a=1; a=2"], false, [invalid, ["1", "2"], absent]],
    ["twice on two lines", ["a=1", "a=1"], false, [invalid, ["1", "1"], absent]],
    ["empty value", ["a="], false, ["", [""], absent]],
    ["no =", ["a; n=1"], false, [absent, absent, 1]],
    ["no name", ["=1; n=1"], false, [absent, absent, 1]],
    ["second =", ["a=b=c"], false, ["b=c", ["b=c"], absent]],
    ["quotes stay", ['a="1"'], false, ['"1"', ['"1"'], absent]],
    ["nothing is decoded", ["a=%31+1"], false, ["%31+1", ["%31+1"], absent]],
    ["a comma", ["a=1,2; n=1"], false, ["1,2", ["1,2"], 1]],
    ["names by bytes", ["A=1; N=1"], false, [absent, absent, absent]],
    ["blank before =", ["a =1; n=1"], false, [absent, absent, 1]],
    ["blank behind =", ["a= 1; n= 1"], false, [" 1", [" 1"], invalid]],
    ["blanks around pieces", [" \ta=1\t ;\tn=1 "], false, ["1", ["1"], 1]],
    ["only separators", [";;; ;"], false, [absent, absent, absent]],
    ["not UTF-8", [raw(0x61, 0x3d, 0xff)], false, [invalid, [invalid], absent]],
    ["another's is not UTF-8", [raw(0x62, 0x3d, 0xff, 0x3b, 0x61, 0x3d, 0x31)], false, ["1", ["1"], absent]],
    ["joined without comma", ["a=1; n=1"], true, ["1", ["1"], 1]],
    ["joined, two lines", ["a=1", "n=1"], true, ["1", ["1"], 1]],
    ["joined with a comma", ["a=1,n=1"], true, [invalid, invalid, invalid]],
    ["joined with a comma elsewhere", ["b=,; a=1"], true, [invalid, invalid, invalid]],
    ["joined with a comma on another line", ["a=1", "x,y"], true, [invalid, invalid, invalid]],
    ["at the limit", ["a=" + long(65534)], false, [long(65534), [long(65534)], absent]],
    ["over the limit", ["a=1; b=" + long(65536)], false, [invalid, invalid, invalid]],
    ["over the limit together", ["a=1", long(65534)], false, [invalid, invalid, invalid]],
  ])("%s", (_, values, headersJoined, want) => {
    const facts = load(program, testRequest({ headers: lines("cookie", ...values), headersJoined }));
    expect([facts.a, facts.all, facts.n]).toEqual(want);
  });

  test("256 elements", () => {
    const cookies = (count: number): unknown =>
      load(program, testRequest({ headers: lines("cookie", "a=1;".repeat(count)) })).all;
    expect(cookies(256)).toHaveLength(256);
    expect(cookies(257)).toBe(invalid);
  });
});

describe("query", () => {
  const program = testProgram({
    slots: [
      { name: "a", type: "string", source: "query" },
      { name: "all", type: { list: "string" }, source: "query", argument: "a" },
      { name: "n", type: "int", source: "query", argument: "n ü" },
    ],
    strings: ["1", ""],
  });

  test.each<[string, unknown[]]>([
    // query, then a, all, n
    ["", [absent, absent, absent]],
    ["&&", [absent, absent, absent]],
    ["b=1", [absent, absent, absent]],
    ["a=1", ["1", ["1"], absent]],
    ["&a=1&&", ["1", ["1"], absent]],
    ["a", ["", [""], absent]],
    ["a=", ["", [""], absent]],
    ["a=1&a=2", [invalid, ["1", "2"], absent]],
    ["a&a=1", [invalid, ["", "1"], absent]],
    ["a=b=c", ["b=c", ["b=c"], absent]],
    ["a=1,2", ["1,2", ["1,2"], absent]],
    ["a=1;n=2", ["1;n=2", ["1;n=2"], absent]],
    ["a=+b+", [" b ", [" b "], absent]],
    ["a=%2B%26%3D%25", ["+&=%", ["+&=%"], absent]],
    ["a=%252B", ["%2B", ["%2B"], absent]],
    ["a=%c3%A9", ["é", ["é"], absent]],
    ["a=%00", ["\u0000", ["\u0000"], absent]],
    ["%61=1", ["1", ["1"], absent]],
    ["A=1", [absent, absent, absent]],
    ["n+%C3%BC=7", [absent, absent, 7]],
    ["n%20%c3%bc=7.0", [absent, absent, invalid]],
    ["n+%c3%bc=", [absent, absent, invalid]],
    ["=1&a=1", ["1", ["1"], absent]],
    ["=&a=1", ["1", ["1"], absent]],
    ["a=%", [invalid, [invalid], absent]],
    ["a=%4", [invalid, [invalid], absent]],
    ["a=%4&n+%c3%bc=1", [invalid, [invalid], 1]],
    ["a=%zz&a=1", [invalid, [invalid, "1"], absent]],
    ["a=%ff", [invalid, [invalid], absent]],
    ["a=%ed%a0%80", [invalid, [invalid], absent]],
    ["a=%e2%82&a=%ac", [invalid, [invalid, invalid], absent]],
    ["b=%zz&a=1", ["1", ["1"], absent]],
    ["b=%ff&a=1", ["1", ["1"], absent]],
    ["a=1&%", [invalid, invalid, invalid]],
    ["a=1&%zz=1", [invalid, invalid, invalid]],
    ["%ff&a=1", [invalid, invalid, invalid]],
    ["a=1&b%4=1", [invalid, invalid, invalid]],
    ["a=1&%c3=%a9", [invalid, invalid, invalid]],
  ])("%s", (query, want) => {
    const facts = load(program, testRequest({ target: `/?${query}` }));
    expect([facts.a, facts.all, facts.n]).toEqual(want);
  });

  test("256 elements", () => {
    const list = (count: number): unknown =>
      load(program, testRequest({ target: `/?${"a&".repeat(count)}` })).all;
    expect(list(256)).toHaveLength(256);
    expect(list(257)).toBe(invalid);
  });
});

describe("extensions", () => {
  const program = testProgram({
    slots: [
      { name: "tier", type: "string", source: "extension" },
      { name: "tiers", type: { list: "string" }, source: "extension", argument: "tier" },
      { name: "on", type: "bool", source: "extension" },
    ],
  });

  test.each<[string, Record<string, Text>, unknown[]]>([
    ["missing", {}, [absent, absent, absent]],
    ["text", { tier: "gold" }, ["gold", ["gold"], absent]],
    ["blanks stay in a scalar", { tier: " a , b ,, ", on: " true" }, [" a , b ,, ", ["a", "b"], invalid]],
    ["empty", { tier: "", on: "" }, ["", [], invalid]],
    ["keys by bytes", { Tier: "a", on: "true" }, [absent, absent, true]],
    ["not UTF-8", { tier: raw(0xff) }, [invalid, [invalid], absent]],
    ["too many", { tier: commas(257) }, [commas(257), invalid, absent]],
  ])("%s", (_, extensions, want) => {
    const facts = load(program, testRequest({ extensions: new Map(Object.entries(extensions)) }));
    expect([facts.tier, facts.tiers, facts.on]).toEqual(want);
  });

  test("one undelivered, the others not", () => {
    const extensions = new Map<string, Fact<Text>>([
      ["tier", undelivered],
      ["on", "true"],
    ]);
    expect(load(program, testRequest({ extensions }))).toEqual({ tier: invalid, tiers: invalid, on: true });
    extensions.set("tier", undefined);
    expect(load(program, testRequest({ extensions }))).toEqual({ tier: absent, tiers: absent, on: true });
  });

  test("undelivered", () => {
    expect(load(program, testRequest({ extensions: undelivered }))).toEqual({
      tier: invalid,
      tiers: invalid,
      on: invalid,
    });
  });
});
