import { describe, expect, test } from "vitest";
import { didYouMean, nearest } from "./suggest.ts";

describe("nearest", () => {
  test.each([
    { name: "a missing letter", input: "hedaer", among: ["header", "query"], want: "header" },
    { name: "an extra letter", input: "bodyy", among: ["body"], want: "body" },
    { name: "letters exchanged", input: "hgih", among: ["low", "high"], want: "high" },
    { name: "another case", input: "SEVERITY", among: ["severity"], want: "severity" },
    { name: "the nearest of several", input: "cats", among: ["carts", "cat", "dog"], want: "carts" },
    { name: "too far", input: "abc", among: ["xyz"], want: null },
    { name: "a short name is near to little", input: "ab", among: ["xy"], want: null },
    { name: "not itself", input: "abc", among: ["abc"], want: null },
    { name: "nothing to choose from", input: "abc", among: [], want: null },
    { name: "empty", input: "", among: ["a", "abc"], want: "a" },
    {
      name: "very long names are not compared",
      input: "a".repeat(1e6),
      among: ["a".repeat(1e6 - 1)],
      want: null,
    },
  ])("$name", ({ input, among, want }) => {
    expect(nearest(input, among)).toBe(want);
  });
});

test("the fallback stands in where nothing is near", () => {
  expect(didYouMean("bodi", ["body"], "x")).toBe("did you mean `body`?");
  expect(didYouMean("zzzz", ["body"], "x")).toBe("x");
  expect(didYouMean("zzzz", ["body"])).toBeNull();
});
