import { describe, expect, test } from "vitest";
import { createIdentification, parseNamedTokens, parseTokens } from "./bearer.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const OTHER = "another-token-of-some-length-here";

describe("tokens", () => {
  test("one a line", () => {
    expect(parseTokens(`\n  ${TOKEN}\r\n${TOKEN}==\n`)).toEqual([TOKEN, `${TOKEN}==`]);
  });

  test.each([
    ["", "holds no token"],
    ["\n \n", "holds no token"],
    ["short", "at least 32 characters"],
    [`${TOKEN} ${TOKEN}`, "letters, digits"],
    [`${TOKEN}\n# a comment`, "letters, digits"],
  ])("%j is refused, and not shown", (text, problem) => {
    expect(() => parseTokens(text)).toThrow(problem);
    expect(() => parseTokens(text)).not.toThrow(TOKEN);
  });

  test("with names, or named by their hashes", () => {
    expect(parseNamedTokens(`ann@example.org \t${TOKEN}\r\n${OTHER}\n`)).toEqual([
      { name: "ann@example.org", token: TOKEN },
      { name: "token-12d7c200", token: OTHER },
    ]);
  });

  test.each([
    ["ann short", "at least 32 characters"],
    [`ann bob ${TOKEN}`, "letters, digits"],
    [`a:b ${TOKEN}`, "a name before a token"],
    ["", "holds no token"],
  ])("%j with names is refused", (text, problem) => {
    expect(() => parseNamedTokens(text)).toThrow(problem);
    expect(() => parseNamedTokens(text)).not.toThrow(TOKEN);
  });

  test.each([
    [`Bearer ${TOKEN}`, "ann"],
    [`bearer  ${TOKEN} `, "ann"],
    [`Bearer ${TOKEN}x`, null],
    [`Bearer ${TOKEN.slice(1)}`, null],
    [`Basic ${TOKEN}`, null],
    [TOKEN, null],
    ["Bearer", null],
    ["", null],
  ])("%s: %s", (header, want) => {
    const other = { name: "bob", token: OTHER };
    expect(createIdentification([{ name: "ann", token: TOKEN }, other])(header)).toBe(want);
    expect(createIdentification([other])(header)).toBeNull();
  });
});
