import { describe, expect, test } from "vitest";
import { engineOf } from "../../../test/engine.ts";
import { factObjection, parseFact, parseUrl, unstatedFacts } from "./config.ts";

describe("facts", () => {
  test.each([
    ["source.ip=/context/ip", { name: "source.ip", part: "context", path: ["ip"] }],
    ["a=/subject", { name: "a", part: "subject", path: [] }],
    ["a=/resource/properties/a~1b~0c/0", { name: "a", part: "resource", path: ["properties", "a/b~c", "0"] }],
  ])("%s", (text, want) => {
    expect(parseFact(text)).toEqual(want);
  });

  test.each([
    "",
    "a",
    "a=",
    "=/subject",
    "a=subject/id",
    "a=/options",
    "a=/",
    "a=/subject/~2",
    "a b=/subject",
  ])("%j is none", (text) => {
    expect(() => parseFact(text)).toThrow("is no NAME=POINTER");
  });

  const { engine } = engineOf(`attributes
  tenant: string from extension "tenant"
  role: string trusted from header "x-role"

policy P:
  triggers when source.ip in "10.0.0.0/8"
  requires tenant == "a" and role == "b" and connection.mtls
`);

  test("a bundle has to have them", () => {
    const facts = ["tenant=/context/a", "role=/subject/id", "source.ip=/context/ip"].map(parseFact);
    expect(factObjection(engine, facts)).toBeNull();
    expect(factObjection(engine, [parseFact("tenat=/context/a")])).toContain("did you mean `tenant`?");
    expect(factObjection(engine, [parseFact("request.path=/context/a")])).toContain("is built in");
    expect(factObjection(engine, [parseFact("request.time=/context/time")])).toContain("is built in");
  });

  test("verified ones that callers may not state", () => {
    expect(unstatedFacts(engine, []).sort()).toEqual(["connection.mtls", "source.ip", "tenant"]);
    expect(unstatedFacts(engine, ["tenant=/context/a", "source.ip=/context/ip"].map(parseFact))).toEqual([
      "connection.mtls",
    ]);
  });
});

test.each([
  ["https://pdp.example.org", "https://pdp.example.org"],
  ["https://pdp.example.org/a//", "https://pdp.example.org/a"],
  ["http://127.0.0.1:9192", "http://127.0.0.1:9192"],
])("the URL %s", (text, want) => {
  expect(parseUrl(text)).toBe(want);
});

test.each(["", "pdp.example.org", "ftp://a", "https://a?b", "https://a#b", "https://u:p@a", "https://a b"])(
  "no URL: %j",
  (text) => {
    expect(() => parseUrl(text)).toThrow("is no URL");
  },
);
