/** docs/kong.md: each row of its tables of failures names tests that there are, and its other tables say what the code says. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const page = read("../../docs/kong.md");

/** Rows of the tables below a heading, without their heads. */
function rowsBelow(heading: string): string[] {
  const [, section] = page.split(`\n## ${heading}\n`);
  return section!
    .split(/\n##? /)[0]!
    .match(/^\|.*\|$/gm)!
    .slice(2);
}

/** Texts in backticks in a cell of a row. */
function namesIn(row: string, cell: number): string[] {
  return [
    ...row
      .split("|")
      .at(cell)!
      .matchAll(/`([^`]+)`/g),
  ].map((match) => match[1]!);
}

test.each([
  ["Failures of the plugin in Lua", "lua-plugin.test.ts"],
  ["Failures of the plugin server", "faults.test.ts"],
])("%s: each has its test", (heading, file) => {
  const rows = rowsBelow(heading);
  expect(rows.length).toBeGreaterThan(15);
  const source = read(file);
  for (const row of rows) {
    const named = namesIn(row, -2);
    expect(named, row).not.toEqual([]);
    for (const name of named) expect(source, row).toMatch(new RegExp(`["\`]${RegExp.escape(name)}["\`]`));
  }
});

test("the plugin in Lua has these fields, and tells log plugins this", () => {
  const rows = rowsBelow("Configure");
  const end = rows.findIndex((row) => row.startsWith("| member |"));
  expect(end).toBeGreaterThan(0);
  const lua = (path: string): string => read(`../../plugins/kong/lua/kong/plugins/ipe/${path}`);
  const [, config] = lua("schema.lua").split("{ config = {");
  const fields = [...config!.matchAll(/^ {10}\{ (\w+) = \{/gm)].map((match) => match[1]);
  expect(rows.slice(0, end).flatMap((row) => namesIn(row, 1))).toEqual(fields);
  const [, record] = lua("gateway/answer.lua").split("function M.record");
  const members = [...record!.matchAll(/^ {4}(\w+) = /gm)].map((match) => match[1]);
  expect(
    rows
      .slice(end + 2)
      .flatMap((row) => namesIn(row, 1))
      .sort(),
  ).toEqual(members.sort());
});
