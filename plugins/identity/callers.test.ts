/** API keys and certificates. */
import { describe, expect, test } from "vitest";
import { sha256 } from "./api-keys.ts";
import { isSpiffeId, lastElement } from "./client-certificate.ts";
import type { ApiKeys } from "./config.ts";
import { type Lines, testIdentity } from "./tokens.fixture.ts";

const apiKeys: ApiKeys = {
  header: "x-api-key",
  keys: new Map([
    [
      sha256("secret-1"),
      new Map([
        ["id", "billing"],
        ["plan", "gold"],
      ]),
    ],
    [sha256("secret-2"), new Map([["id", "search"]])],
  ]),
};

describe("API keys", () => {
  const cases: readonly (readonly [string, Lines, string, string])[] = [
    ["none", [], "absent", ""],
    ["one that is known", [["X-API-Key", "secret-1"]], "=billing", ""],
    ["another", [["x-api-key", "secret-2"]], "=search", ""],
    ["one that is not known", [["x-api-key", "secret-3"]], "invalid", "api_key: unknown"],
    ["in another case", [["x-api-key", "Secret-1"]], "invalid", "api_key: unknown"],
    ["its hash", [["x-api-key", sha256("secret-1")]], "invalid", "api_key: unknown"],
    ["an empty one", [["x-api-key", ""]], "invalid", "api_key: unclear"],
    [
      "two, both good",
      [
        ["x-api-key", "secret-1"],
        ["x-api-key", "secret-1"],
      ],
      "invalid",
      "api_key: unclear",
    ],
    ["a list of two", [["x-api-key", "secret-1, secret-2"]], "invalid", "api_key: unknown"],
    ["very long", [["x-api-key", "a".repeat(2_000)]], "invalid", "api_key: too-long"],
    ["no ASCII", [["x-api-key", Buffer.of(0xff)]], "invalid", "api_key: unclear"],
  ];
  test.each(cases)("%s", async (_, lines, want, why) => {
    const asked = testIdentity({ apiKeys });
    expect([await asked.ask(lines, ["api_key.id"]), asked.refusals.join()]).toEqual([
      { "api_key.id": want },
      why,
    ]);
  });

  test("claims of a key; a key has no others", async () => {
    const asked = testIdentity({ apiKeys });
    const names = ["api_key.plan", "api_key.team"];
    expect(await asked.ask([["x-api-key", "secret-1"]], names)).toEqual({
      "api_key.plan": "=gold",
      "api_key.team": "absent",
    });
    expect(await asked.ask([["x-api-key", "x"]], names)).toEqual({
      "api_key.plan": "invalid",
      "api_key.team": "invalid",
    });
  });

  test("a host that joins lines may have joined two", async () => {
    const asked = testIdentity({ apiKeys });
    expect(await asked.ask([["x-api-key", "secret-1,secret-2"]], ["api_key.id"], true)).toEqual({
      "api_key.id": "invalid",
    });
  });

  test("nothing that is told holds a key", async () => {
    const asked = testIdentity({ apiKeys });
    await asked.ask([["x-api-key", "my-secret"]], ["api_key.id"]);
    expect(JSON.stringify(asked)).not.toContain("my-secret");
  });
});

describe("certificates", () => {
  const id = "spiffe://example.org/ns/a/sa/web";
  const cases: readonly (readonly [string, Lines, string])[] = [
    ["no header", [], "absent"],
    ["one element", [["x-forwarded-client-cert", `Hash=ab;URI=${id}`]], `=${id}`],
    [
      "the last of several",
      [["x-forwarded-client-cert", `URI=spiffe://evil.org/x,By=b;Hash=c;URI=${id}`]],
      `=${id}`,
    ],
    [
      "a quoted subject that looks like elements",
      [["x-forwarded-client-cert", `Hash=a;Subject="CN=x,URI=spiffe://evil.org/x;\\",URI=y";URI=${id}`]],
      `=${id}`,
    ],
    ["a quoted id", [["x-forwarded-client-cert", `Hash=a;URI="${id}"`]], `=${id}`],
    ["a certificate without URI", [["x-forwarded-client-cert", 'Hash=a;Subject="CN=x"']], "absent"],
    ["an id of an element before only", [["x-forwarded-client-cert", `URI=${id},Hash=a`]], "absent"],
    ["two URIs", [["x-forwarded-client-cert", `URI=${id};URI=spiffe://example.org/b`]], "invalid"],
    ["another URI", [["x-forwarded-client-cert", "URI=https://example.org/a"]], "invalid"],
    ["an open quote", [["x-forwarded-client-cert", `Subject="CN=x,URI=${id}`]], "invalid"],
    ["something behind a quote", [["x-forwarded-client-cert", `Subject="CN=x"y;URI=${id}`]], "invalid"],
    ["a bare word", [["x-forwarded-client-cert", `${id}`]], "invalid"],
    ["an empty element at the end", [["x-forwarded-client-cert", `URI=${id},`]], "invalid"],
    ["an empty header", [["x-forwarded-client-cert", ""]], "invalid"],
    [
      "two lines",
      [
        ["x-forwarded-client-cert", `URI=${id}`],
        ["X-Forwarded-Client-Cert", `URI=${id}`],
      ],
      "invalid",
    ],
  ];
  const clientCertificate = { header: "x-forwarded-client-cert" };
  test.each(cases)("%s", async (_, lines, want) => {
    const asked = testIdentity({ clientCertificate });
    expect(await asked.ask(lines, ["source.principal"])).toEqual({ "source.principal": want });
  });

  test.each<[string, boolean]>([
    [id, true],
    ["spiffe://example.org/a", true],
    ["spiffe://a_b-c.1/A.b_c-d", true],
    ["spiffe://example.org", false],
    ["spiffe://example.org/", false],
    ["spiffe://example.org/a/", false],
    ["spiffe://example.org//a", false],
    ["spiffe://example.org/a/../b", false],
    ["spiffe://example.org/./b", false],
    ["spiffe://example.org/...", true],
    ["spiffe://Example.org/a", false],
    ["SPIFFE://example.org/a", false],
    ["spiffe://example.org:80/a", false],
    ["spiffe://me@example.org/a", false],
    ["spiffe://example.org/a?b", false],
    ["spiffe://example.org/a#b", false],
    ["spiffe://example.org/%61", false],
    ["spiffe://example.org/\u00e4", false],
    ["spiffe:///a", false],
    ["spiffe://example.org/a\n", false],
    [` ${id}`, false],
    [`spiffe://example.org/${"a".repeat(2048 - 21)}`, true],
    [`spiffe://example.org/${"a".repeat(2049 - 21)}`, false],
    [`spiffe://${"a".repeat(255)}/b`, true],
    [`spiffe://${"a".repeat(256)}/b`, false],
  ])("a SPIFFE id: %s", (text, want) => {
    expect(isSpiffeId(text)).toBe(want);
  });

  test("what an element says", () => {
    expect(lastElement('By=a;Subject="x=\\"y\\",z";DNS=c')).toEqual([
      ["By", "a"],
      ["Subject", 'x="y",z'],
      ["DNS", "c"],
    ]);
  });

  test("ext_authz has the certificate's name from Envoy", () => {
    const asked = testIdentity({ clientCertificate }, { door: "ext-authz" });
    expect(asked.supplies({ source: "builtin", argument: "source.principal" })).toBe(false);
    const here = testIdentity({ clientCertificate });
    expect(here.supplies({ source: "builtin", argument: "source.principal" })).toBe(true);
    expect(here.supplies({ source: "builtin", argument: "destination.principal" })).toBe(false);
    expect(here.supplies({ source: "extension", argument: "jwt.sub" })).toBe(false);
    expect(here.supplies({ source: "header", argument: "api_key.id" })).toBe(false);
  });
});
