import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Locator, locate, type Source, slice } from "./source.ts";

const source = (text: string): Source => ({ name: "a.ipe", text });

/** Said as plainly as possible. */
function slowly(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split("\n");
  return { line: lines.length, column: [...lines.at(-1)!].length + 1 };
}

describe("locate", () => {
  test.each([
    { name: "the start", text: "abc", offset: 0, want: { line: 1, column: 1 } },
    { name: "the end", text: "abc", offset: 3, want: { line: 1, column: 4 } },
    { name: "an empty text", text: "", offset: 0, want: { line: 1, column: 1 } },
    { name: "a line feed itself", text: "a\nb", offset: 1, want: { line: 1, column: 2 } },
    { name: "behind a line feed", text: "a\nb", offset: 2, want: { line: 2, column: 1 } },
    { name: "a first line feed", text: "\nb", offset: 0, want: { line: 1, column: 1 } },
    { name: "CRLF is one line end", text: "a\r\nb", offset: 3, want: { line: 2, column: 1 } },
    { name: "code points, not UTF-16 units", text: "👍é x", offset: 4, want: { line: 1, column: 4 } },
    { name: "a tab is one column", text: "\tx", offset: 1, want: { line: 1, column: 2 } },
  ])("$name", ({ text, offset, want }) => {
    expect(locate(source(text), offset)).toEqual(want);
  });
});

test("a locator says the same in any order, over several sources", () => {
  const text = fc.array(fc.constantFrom("a", "\n", "\r\n", "👍", "\ud800", "\udc00"), { maxLength: 30 });
  fc.assert(
    fc.property(text, text, fc.array(fc.tuple(fc.boolean(), fc.nat(40))), (first, second, asked) => {
      const sources = [source(first.join("")), source(second.join(""))];
      const locator = new Locator();
      for (const [other, at] of asked) {
        const it = sources[Number(other)]!;
        const offset = Math.min(at, it.text.length);
        // Nobody points between the halves of a pair.
        if (
          /[\ud800-\udbff]$/.test(it.text.slice(0, offset)) &&
          /^[\udc00-\udfff]/.test(it.text.slice(offset))
        )
          continue;
        expect(locator.locate(it, offset)).toEqual(slowly(it.text, offset));
      }
    }),
  );
});

test("slice is the text of a span", () => {
  expect(slice({ source: source("abc"), start: 1, end: 2 })).toBe("b");
});
