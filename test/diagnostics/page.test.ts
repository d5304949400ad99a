import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DIAGNOSTICS } from "../../core/source/ids.ts";
import { diagnosticsPage, PAGE } from "./page.ts";

test("docs/diagnostics.md is what the cases give", () => {
  expect(readFileSync(PAGE, "utf8"), "run `npm run gen`").toBe(diagnosticsPage());
});

test("each diagnostic has an entry with an example that gives it", () => {
  const entries = new Map(
    diagnosticsPage()
      .split("\n## ")
      .slice(1)
      .map((entry) => [entry.split("\n")[0]!, entry]),
  );
  expect([...entries.keys()]).toEqual(Object.keys(DIAGNOSTICS).sort());
  for (const [id, entry] of entries) expect(entry).toMatch(new RegExp(`(?:error|warning|hint)\\[${id}\\]: `));
});
