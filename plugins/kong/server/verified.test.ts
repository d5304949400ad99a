import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { type Fact, type Text, undelivered } from "../../../core/index.ts";
import type { Pdk } from "./pdk.ts";
import { askVerified, extensionsOf, type VerifiedFacts, verifiedNameOf } from "./verified.ts";

const nothing: VerifiedFacts = {
  consumer: undefined,
  groups: undefined,
  credential: undefined,
  route: undefined,
  service: undefined,
  token: undefined,
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ff = Uint8Array.of(0xff);

function tokenOf(payload: string | Uint8Array): string {
  return `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(payload as string).toString("base64url")}.c2lnbmF0dXJl`;
}

/** One text, as a string where it is UTF-8. */
function textUnder(key: string, facts: Partial<VerifiedFacts>): Fact<string> | Uint8Array {
  const extensions = extensionsOf({ ...nothing, ...facts }, [key]) as ReadonlyMap<string, Fact<Text>>;
  const text = extensions.get(key);
  if (!(text instanceof Uint8Array)) return text;
  const decoded = Buffer.from(text).toString();
  return decoded.includes("\ufffd") ? Uint8Array.from(text) : decoded;
}

test.each([
  ["consumer.id", "consumer"],
  ["consumer.groups", "groups"],
  ["credential.id", "credential"],
  ["credential.key", undefined],
  ["consumer.tags", undefined],
  ["route.tags", "route"],
  ["service.name", "service"],
  ["jwt.sub", "token"],
  ["jwt.a\nb.c", "token"],
  ["jwt.", undefined],
  ["tenant", undefined],
  ["", undefined],
])("%j is found in %s", (key, name) => {
  expect(verifiedNameOf(key)).toBe(name);
  if (name === undefined)
    expect(textUnder(key, { consumer: { tags: ["a"] }, credential: { key: "secret" } })).toBe(undelivered);
});

test("nothing is known where no key is asked for", () => {
  expect(extensionsOf(nothing, [])).toBe(undelivered);
});

describe("names and ids", () => {
  test.each<[string, string, Partial<VerifiedFacts>, unknown]>([
    ["no consumer", "consumer.id", {}, undefined],
    ["no consumer, as null", "consumer.id", { consumer: null }, undefined],
    ["no consumer, under ProtoBuf:1", "consumer.id", { consumer: {} }, undefined],
    ["a consumer", "consumer.username", { consumer: { id: "1", username: "ann" } }, "ann"],
    ["in bytes", "consumer.username", { consumer: { username: bytes("ann") } }, "ann"],
    ["without custom id", "consumer.custom_id", { consumer: { id: "1" } }, undefined],
    ["with a null", "consumer.custom_id", { consumer: { id: "1", custom_id: null } }, undefined],
    ["with an unset field", "consumer.custom_id", { consumer: { id: "1", custom_id: bytes("") } }, undefined],
    ["with commas", "consumer.username", { consumer: { username: " a,b " } }, " a,b "],
    ["no UTF-8", "consumer.username", { consumer: { username: ff } }, ff],
    ["mended by a decoder", "consumer.username", { consumer: { username: "a\ufffd" } }, ff],
    ["a number", "consumer.username", { consumer: { username: 5 } }, undelivered],
    ["a table", "consumer.username", { consumer: { username: {} } }, undelivered],
    ["a consumer that is a text", "consumer.id", { consumer: "ann" }, undelivered],
    ["a consumer that is bytes", "consumer.id", { consumer: bytes("ann") }, undelivered],
    ["a consumer that is a list", "consumer.id", { consumer: ["ann"] }, undelivered],
    ["a consumer that is false", "consumer.id", { consumer: false }, undelivered],
    ["a credential", "credential.id", { credential: { id: "k", key: "secret" } }, "k"],
    ["a route", "route.name", { route: { id: "r", name: "orders" } }, "orders"],
    ["another's", "service.name", { route: { name: "orders" } }, undefined],
  ])("%s", (_, key, facts, want) => {
    expect(textUnder(key, facts)).toEqual(want);
  });
});

describe("groups", () => {
  test.each<[string, unknown, unknown]>([
    ["nil", undefined, undefined],
    ["several", ["a", bytes("b c")], "a,b c"],
    ["none", [], ""],
    ["none, as an empty table comes", {}, ""],
    ["an empty name", ["a", ""], undelivered],
    ["a name with a comma", ["a,b"], undelivered],
    ["a blank in front", [" a"], undelivered],
    ["a tab behind", ["a", "b\t"], undelivered],
    ["other blanks are part of a name", ["\ra\n"], "\ra\n"],
    ["a number", ["a", 1], undelivered],
    ["null", ["a", null], undelivered],
    ["lists", [["a"]], undelivered],
    ["names of a table", { a: "a" }, undelivered],
    ["a text", "a", undelivered],
    ["bytes", bytes("a"), undelivered],
    ["no bytes", new Uint8Array(0), undelivered],
    ["what could not be loaded", false, undelivered],
    ["no UTF-8", ["a", ff], Uint8Array.of(0x61, 0x2c, 0xff)],
  ])("%s", (_, groups, want) => {
    expect(textUnder("consumer.groups", { groups })).toEqual(want);
  });

  test("tags are the same, but that none are absent", () => {
    const tagged = (tags: unknown) => textUnder("route.tags", { route: { id: "r", tags } });
    expect([
      tagged(["a", "b"]),
      tagged(undefined),
      tagged([]),
      tagged({}),
      tagged(["a,b"]),
      tagged("a"),
    ]).toEqual([...["a,b", undefined, undefined, undefined], ...[undelivered, undelivered]]);
  });
});

describe("a claim", () => {
  const claim = (payload: string, name = "c") => textUnder(`jwt.${name}`, { token: tokenOf(payload) });

  test.each<[string, string, unknown]>([
    ["a string", '{"c":"a"}', "a"],
    ["an empty string", '{"c":""}', ""],
    ["a string as it is", '{"c":" a,\\u0062\\ud83d\\ude00 "}', " a,b😀 "],
    ["a number as spelled", '{"c":1.50e+03}', "1.50e+03"],
    ["minus zero", '{"c":-0}', "-0"],
    ["a number of many digits", `{"c":${"9".repeat(200)}}`, "9".repeat(200)],
    ["true", '{"c":true}', "true"],
    ["false", '{"c":false}', "false"],
    ["null", '{"c":null}', undefined],
    ["none", "{}", undefined],
    ["another name", '{"C":"a"," c":"b","d":{"c":"e"}}', undefined],
    ["a name with escapes", '{"\\u0063":"a"}', "a"],
    ["strings", '{"c":["a","\\u0062"]}', "a,b"],
    ["no strings", '{"c":[]}', ""],
    ["strings and a number", '{"c":["a",1]}', undelivered],
    ["strings and null", '{"c":["a",null]}', undelivered],
    ["strings and a list", '{"c":["a",["b"]]}', undelivered],
    ["a string with a comma among others", '{"c":["a,b","c"]}', undelivered],
    ["an empty string among others", '{"c":["a",""]}', undelivered],
    ["a blank at an end", '{"c":["a "]}', undelivered],
    ["an escaped comma", '{"c":["a\\u002cb"]}', undelivered],
    ["an object", '{"c":{}}', undelivered],
    ["twice", '{"c":"a","c":"a"}', undelivered],
    ["twice by an escape", '{"c":"a","\\u0063":"b"}', undelivered],
    ["another one twice", '{"c":"a","d":1,"d":2}', undelivered],
    ["another one twice, deep inside", '{"c":"a","d":[{"e":1,"e":2}]}', undelivered],
    ["a list", '["c"]', undelivered],
    ["a text", '"c"', undelivered],
    ["nothing", "", undelivered],
    ["something behind", '{"c":"a"} x', undelivered],
    ["blanks around", ' {"c":"a"}\n', "a"],
    ["a byte order mark", '\ufeff{"c":"a"}', undelivered],
    ["a lone surrogate", '{"c":"a","d":"\\ud800"}', undelivered],
    ["as deep as allowed", `{"c":"a","d":${"[".repeat(63)}${"]".repeat(63)}}`, "a"],
    ["too deep", `{"c":"a","d":${"[".repeat(64)}${"]".repeat(64)}}`, undelivered],
  ])("%s", (_, payload, want) => {
    expect(claim(payload)).toEqual(want);
  });

  test("bytes that are no UTF-8", () => {
    const token = tokenOf(Buffer.concat([bytes('{"c":"'), ff, bytes('"}')]));
    expect(textUnder("jwt.c", { token })).toBe(undelivered);
  });

  test.each(["__proto__", "constructor", "https://example.org/roles", "a.b", "\u00e9", "a\nb"])(
    "called %j",
    (name) => {
      expect(claim("{}", name)).toBeUndefined();
      expect(claim(`{${JSON.stringify(name)}:"a"}`, name)).toBe("a");
    },
  );
});

describe("a token", () => {
  const payload = Buffer.from('{"c":"a"}').toString("base64url");

  test.each<[string, unknown, unknown]>([
    ["nil", undefined, undefined],
    ["null", null, undefined],
    ["in text", `h.${payload}.s`, "a"],
    ["in bytes", bytes(`h.${payload}.s`), "a"],
    ["with empty parts around", `.${payload}.`, "a"],
    ["of two parts", `h.${payload}`, undelivered],
    ["of four parts", `h.${payload}.s.`, undelivered],
    ["of five parts, encrypted", `h..i.${payload}.t`, undelivered],
    ["empty", "", undelivered],
    ["empty bytes", new Uint8Array(0), undelivered],
    ["false", false, undelivered],
    ["a table", { 1: "a" }, undelivered],
    ["a list of tokens", [`h.${payload}.s`], undelivered],
    ["no base64", `h.${payload}!.s`, undelivered],
    ["base64 with padding", `h.${Buffer.from('{"c":"a" }').toString("base64")}=.s`, undelivered],
    ["base64 with a blank", `h.${payload.slice(0, 4)} ${payload.slice(4)}.s`, undelivered],
    ["the alphabet with plus", `h.${Buffer.from('{"c":">>>>~~~"}').toString("base64")}.s`, undelivered],
    [
      "bits behind the last byte",
      `h.${Buffer.from('{"c":"a" }').toString("base64url").replace(/.$/, "R")}.s`,
      undelivered,
    ],
    ["a byte that is no ASCII", `h.${payload}\u00e9.s`, undelivered],
    ["as long as allowed", `h.${payload}.${"s".repeat(65_536 - payload.length - 3)}`, "a"],
    ["longer", `h.${payload}.${"s".repeat(65_536 - payload.length - 2)}`, undelivered],
    ["of a megabyte", tokenOf(`{"c":"a","d":"${"x".repeat(2 ** 20)}"}`), undelivered],
  ])("%s", (_, token, want) => {
    expect(textUnder("jwt.c", { token })).toEqual(want);
  });
});

describe("asking", () => {
  function kongWith(consumer: unknown): { kong: Pdk; asked: string[] } {
    const asked: string[] = [];
    const call =
      (name: string, value: unknown) =>
      (...args: unknown[]): Promise<unknown> => {
        asked.push([name, ...args].join(" "));
        return Promise.resolve(value);
      };
    const kong = {
      client: { getConsumer: call("consumer", consumer), getCredential: call("credential", { id: "k" }) },
      router: { getRoute: call("route", { id: "r" }), getService: call("service", { id: "s" }) },
      ctx: { shared: { get: call("shared", ["a"]) } },
    };
    return { kong: kong as unknown as Pdk, asked };
  }

  test.each<[string, string[], unknown, string[], Partial<VerifiedFacts>]>([
    ["nothing", [], { id: "c" }, [], {}],
    [
      "what is needed, once",
      ["route", "token"],
      undefined,
      ["route", "shared authenticated_jwt_token"],
      { route: { id: "r" }, token: ["a"] },
    ],
    [
      "groups without a consumer",
      ["groups"],
      undefined,
      ["consumer", "shared authenticated_groups"],
      { groups: ["a"] },
    ],
    [
      "groups without a consumer, under ProtoBuf:1",
      ["groups"],
      {},
      ["consumer", "shared authenticated_groups"],
      { groups: ["a"] },
    ],
    ["groups of a consumer", ["consumer", "groups"], { id: "c" }, ["consumer"], { groups: false }],
    ["groups of a consumer of another shape", ["groups"], "ann", ["consumer"], { groups: false }],
  ])("%s", async (_, needed, consumer, calls, want) => {
    const { kong, asked } = kongWith(consumer);
    expect(await askVerified(kong, new Set(needed))).toMatchObject(want);
    expect(asked).toEqual(calls);
  });
});
