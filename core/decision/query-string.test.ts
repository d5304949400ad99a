import { constantFrom, assert as holds, array as listOf, property, string as text, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { rewriteQuery } from "./query-string.ts";

const gold = [{ name: "plan", value: "gold" }];

describe("rewriteQuery", () => {
  const cases: [name: string, query: string, want: string][] = [
    ["nothing", "", "plan=gold"],
    ["others stay as they are, in order", "b=%7e&a=1+2&&c", "b=%7e&a=1+2&&c&plan=gold"],
    ["the client's copy", "plan=free", "plan=gold"],
    ["a copy between others", "a=1&plan=free&b=2", "a=1&b=2&plan=gold"],
    ["many copies", "plan=a&plan=b&x=1&plan=c", "x=1&plan=gold"],
    ["a copy without a value", "plan&a=1&plan=", "a=1&plan=gold"],
    ["an escaped copy", "pl%61n=free&%70%6C%61%6e=free", "plan=gold"],
    ["escapes are decoded once", "pl%2561n=free", "pl%2561n=free&plan=gold"],
    ["what is no escape", "plan%=1&pla%6=1&pl%zzan=1", "plan%=1&pla%6=1&pl%zzan=1&plan=gold"],
    ["case counts", "Plan=free", "Plan=free&plan=gold"],
    ["names that only begin or end like it", "plans=1&aplan=2&plan+=3", "plans=1&aplan=2&plan+=3&plan=gold"],
    ["its name as a value", "a=plan=free", "a=plan=free&plan=gold"],
    ["empty pairs", "&", "&&plan=gold"],
    ["an empty name", "=plan", "=plan&plan=gold"],
    ["`;` elsewhere", "a=1;b=2", "a=1;b=2&plan=gold"],
    ["a copy behind `;`", "a=1;plan=free&b=2;c", "a=1%3Bplan=free&b=2;c&plan=gold"],
    ["a copy in front of `;`, for others a longer name", "plan;x=1", "plan%3Bx=1&plan=gold"],
    ["an escaped copy behind `;`", "a;pl%61n", "a%3Bpl%61n&plan=gold"],
    ["a copy with `;` in its value", "plan=free;x=1", "plan=gold"],
    ["bytes that are no UTF-8", "%ff=1&%ff%70lan=2", "%ff=1&%ff%70lan=2&plan=gold"],
  ];
  test.each(cases)("%s", (_, query, want) => {
    expect(rewriteQuery(query, { set: gold, remove: [] })).toBe(want);
  });

  test("removes without setting, and leaves nothing of a query that was only that", () => {
    expect(rewriteQuery("a=1&plan=x&b=2", { set: [], remove: ["plan", "b"] })).toBe("a=1");
    expect(rewriteQuery("plan=x", { set: [], remove: ["plan"] })).toBe("");
  });

  test("bytes that are no UTF-8 are not what stands for them", () => {
    expect(rewriteQuery("%ff=1&%EF%BF%BD=2", { set: [], remove: ["\ufffd", "%ff"] })).toBe("%ff=1");
  });

  test("a blank in a name is `+` or an escape", () => {
    expect(rewriteQuery("a+b=1&a%20b=2&a b=3", { set: [], remove: ["a b"] })).toBe("");
  });

  test("a name beyond ASCII, escaped in parts", () => {
    expect(rewriteQuery("%C3%BC=1&ü=2&x=3", { set: [], remove: ["ü"] })).toBe("x=3");
  });

  test("only unreserved characters stay in what is set", () => {
    const set = [
      { name: "a b", value: "ü/?&=;+%~-._0Z!'()*" },
      { name: "c", value: "" },
    ];
    expect(rewriteQuery("x", { set, remove: [] })).toBe(
      "x&a%20b=%C3%BC%2F%3F%26%3D%3B%2B%25~-._0Z%21%27%28%29%2A&c=",
    );
  });

  test("nothing to do leaves any query as it is", () => {
    expect(rewriteQuery("&a=%zz;&&", { set: [], remove: [] })).toBe("&a=%zz;&&");
  });

  test("whoever splits by `&`, or by `&` and `;`, finds what is set once and nothing that is removed", () => {
    const piece = constantFrom("plan", "pl%61n", "role", "x", "=", ";", "&", "%", "%3b", "+", "1");
    const value = text({ unit: "binary" });
    holds(
      property(tuple(listOf(piece, { maxLength: 12 }), value), ([pieces, given]) => {
        const query = pieces.join("");
        const rewritten = rewriteQuery(query, { set: [{ name: "plan", value: given }], remove: ["role"] });
        for (const separators of [/&/, /[&;]/]) {
          const seen = rewritten
            .split(separators)
            .map((pair) => [...new URLSearchParams(pair)][0] ?? ["", ""]);
          expect(seen.filter(([name]) => name === "plan")).toEqual([["plan", given.toWellFormed()]]);
          expect(seen.filter(([name]) => name === "role")).toEqual([]);
        }
        // Conditions read pairs between `&`: all others say what they said.
        const others = (raw: string): string[][] =>
          [...new URLSearchParams(raw)].filter(([name]) => name !== "plan" && name !== "role");
        expect(others(`?${rewritten}`)).toEqual(others(`?${query}`));
      }),
      { numRuns: 2_000 },
    );
  });
});
