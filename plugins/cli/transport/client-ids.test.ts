import { describe, expect, test } from "vitest";
import { idPattern, spiffeIdIn } from "./client-ids.ts";

describe("the id among alternative names", () => {
  test.each([
    ["URI:spiffe://a.org/ns/x", "spiffe://a.org/ns/x"],
    ["DNS:a.org, URI:spiffe://a.org/x, IP Address:127.0.0.1", "spiffe://a.org/x"],
    ["DNS:a.org", null],
    ["", null],
    ["URI:spiffe://a.org/x, URI:spiffe://a.org/y", null],
    ["URI:spiffe://a.org/x, URI:https://a.org/", null],
    ["URI:https://a.org/", null],
    ["URI:spiffe://a.org", null],
    ["URI:spiffe://a.org/x/../y", null],
    // Node puts into quotes what could be taken for more names.
    ['DNS:"a.org, URI:spiffe://a.org/x"', null],
    ['URI:"spiffe://a.org/x, DNS:b"', null],
    ['DNS:"a\\", URI:spiffe://a.org/x"', null],
    ['DirName:"CN=a, URI:spiffe://a.org/x", URI:spiffe://a.org/y', "spiffe://a.org/y"],
    ["othername:<unsupported>, URI:spiffe://a.org/x", "spiffe://a.org/x"],
    ['DNS:"unfinished, URI:spiffe://a.org/x', null],
    ["no name at all", null],
  ])("%s: %s", (names, id) => {
    expect(spiffeIdIn(names)).toBe(id);
  });
});

describe("who may ask", () => {
  test.each([
    ["spiffe://a.org/x", "spiffe://a.org/x", true],
    ["spiffe://a.org/x", "spiffe://a.org/x/y", false],
    ["spiffe://a.org/x", "spiffe://aXorg/x", false],
    ["spiffe://a.org/x", "spiffe://a.org/X", false],
    ["spiffe://a.org/*", "spiffe://a.org/x/y", true],
    ["spiffe://a.org/*", "spiffe://a.org.evil/x", false],
    ["spiffe://a.org/ns/*", "spiffe://a.org/ns/x", true],
    ["spiffe://a.org/ns/*", "spiffe://a.org/ns2/x", false],
    ["spiffe://a.org/ns/*", "spiffe://a.org/ns", false],
  ])("%s and %s: %s", (text, id, fits) => {
    expect(idPattern(text)!.test(id)).toBe(fits);
  });

  test.each([
    "",
    "*",
    "spiffe://*",
    "spiffe://a.org",
    "spiffe://a.org*",
    "a.org/x",
    "spiffe://a.org/x*",
    "spiffe://*/x",
    "spiffe://a.org//*",
  ])("no id: %s", (text) => {
    expect(idPattern(text)).toBeNull();
  });
});
