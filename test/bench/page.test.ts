import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withSection } from "./page.ts";

const BEGIN = "<!-- Written by `npm run bench -- doors --write`. Do not edit up to the end of doors. -->\n";
const END = "<!-- The end of doors. -->\n";

test("a section is replaced, and nothing else", () => {
  const page = `before\n\n${BEGIN}\nold\n\n${END}after\n`;
  const written = withSection(page, "doors", "new\n");
  expect(written).toBe(`before\n\n${BEGIN}\nnew\n\n${END}after\n`);
  expect(withSection(written, "doors", "new")).toBe(written);
});

test("a page without the section, or with one that does not end, is no page to write", () => {
  for (const page of ["before\n", `before\n${BEGIN}old\n`, `${END}old\n${BEGIN}`])
    expect(() => withSection(page, "doors", "new")).toThrow("has no section doors");
});

test("docs/benchmarks.md has the sections of all parts that write", () => {
  const page = readFileSync(new URL("../../docs/benchmarks.md", import.meta.url), "utf8");
  for (const name of ["engines", "doors"] as const)
    expect(withSection(page, name, "new")).not.toBe(withSection(page, name, "other"));
});
