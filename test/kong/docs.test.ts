/** docs/kong.md: each row of its table of failures names tests that there are. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("each failure has its test, and each test of faults a place", () => {
  const rows = read("../../docs/kong.md")
    .split("## Failures")[1]!
    .split("\n## ")[0]!
    .match(/^\|.*\|$/gm)!
    .slice(2);
  expect(rows.length).toBeGreaterThan(15);
  const source = read("faults.test.ts");
  for (const row of rows) {
    const named = [
      ...row
        .split("|")
        .at(-2)!
        .matchAll(/`([^`]+)`/g),
    ].map((match) => match[1]!);
    expect(named, row).not.toEqual([]);
    for (const name of named) expect(source, row).toMatch(new RegExp(`["\`]${RegExp.escape(name)}["\`]`));
  }
});
