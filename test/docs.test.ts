/**
 * Policies in the documents compile. A block that begins with ```` ```ipe error=ID ```` must be refused with exactly that id.
 * Tests in them pass. The tables of docs/language.md list what the compiler knows.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { compile, createEngine, type PolicyTest, readTestFile, runTest, testOfBlock } from "../core/index.ts";
import { BUILTINS } from "../core/source/gen/facts.ts";
import { DIAGNOSTICS, HINTS, WARNINGS } from "../core/source/ids.ts";
import { parseTestFile } from "../plugins/cli/test-file.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

interface Snippet {
  readonly place: string;
  readonly text: string;
  /** What it must be refused with; null for one that compiles. */
  readonly error: string | null;
}

function documents(): string[] {
  const docs = readdirSync(`${root}docs`, { recursive: true, encoding: "utf8" }).map(
    (name) => `docs/${name}`,
  );
  return ["README.md", ...docs].filter((name) => name.endsWith(".md") && existsSync(root + name));
}

function snippetsOf(document: string): Snippet[] {
  const text = readFileSync(root + document, "utf8");
  return [...text.matchAll(/^```ipe([^\n]*)\n(.*?)^```$/gms)].map((match) => ({
    place: `${document}:${text.slice(0, match.index).split("\n").length}`,
    text: match[2]!,
    error: errorOf(match[1]!.trim(), document),
  }));
}

function errorOf(attribute: string, document: string): string | null {
  if (attribute === "") return null;
  const found = /^error=([a-z0-9-]+)$/.exec(attribute);
  if (found === null)
    throw new Error(`${document}: \`\`\`ipe ${attribute}: write \`\`\`ipe or \`\`\`ipe error=ID`);
  return found[1]!;
}

const snippets = documents().flatMap(snippetsOf);

test("there are snippets, of both kinds", () => {
  expect(snippets.filter((s) => s.error === null).length).toBeGreaterThan(5);
  expect(snippets.filter((s) => s.error !== null).length).toBeGreaterThan(2);
});

test.each(snippets)("$place", ({ place, text, error }) => {
  const compiled = compile([{ name: place, text }]);
  const errors = compiled.diagnostics.filter((d) => d.severity === "error");
  expect([...new Set(errors.map((d) => d.id))]).toEqual(error === null ? [] : [error]);
  if (compiled.ok) expect(failures(compiled.bundle, compiled.document.tests.map(testOfBlock))).toEqual([]);
});

/** What is wrong with tests of a bundle. */
function failures(bundle: Uint8Array, tests: readonly PolicyTest[]): unknown[] {
  const made = createEngine(bundle, { takesLimits: true });
  if (!made.ok) return [made.error];
  return tests
    .map((each) => runTest(each, made.engine))
    .filter((run) => run.outcome !== "passed")
    .map(({ test: { name }, problems, differences }) => ({ name, problems, differences }));
}

test("docs/testing.md: the test file passes on the policy before it", () => {
  const text = readFileSync(`${root}docs/testing.md`, "utf8");
  const [policy] = snippetsOf("docs/testing.md");
  const compiled = compile([{ name: policy!.place, text: policy!.text }]);
  const yaml = parseTestFile(/^```yaml\n(.*?)^```$/ms.exec(text)![1]!);
  const file = yaml.ok ? readTestFile(yaml.value, "a") : yaml;
  if (!file.ok || !compiled.ok) throw new Error("the policy or the tests have errors");
  expect(file.tests.length).toBeGreaterThan(2);
  expect(failures(compiled.bundle, file.tests)).toEqual([]);
});

describe("docs/language.md", () => {
  const text = readFileSync(`${root}docs/language.md`, "utf8");

  /** Cells of the rows of one section that start with a name in backticks, however the table is aligned. */
  function rowsOf(heading: string): string[][] {
    const section = text.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
    return [...section.matchAll(/^\| `([^`]+)` +\|(.*)\|(.*)\|$/gm)].map((match) =>
      match.slice(1).map((cell) => cell.trim()),
    );
  }

  test("lists the diagnostics as the compiler's table does", () => {
    const rows = rowsOf("Diagnostics").map(([id, means, advice]) => [
      id,
      means!.replace(/ \((?:warning|hint)\)$/, ""),
      advice,
    ]);
    expect(rows).toEqual(Object.entries(DIAGNOSTICS).map(([id, [means, advice]]) => [id, means, advice]));
  });

  test("says which of them are warnings, and which are hints only", () => {
    const said = (what: string) =>
      rowsOf("Diagnostics").flatMap(([id, means]) => (means!.endsWith(` (${what})`) ? [id] : []));
    const warnings: readonly string[] = WARNINGS;
    expect(said("warning").sort()).toEqual([...WARNINGS].sort());
    expect(said("hint").sort()).toEqual(HINTS.filter((id) => !warnings.includes(id)).sort());
  });

  test("lists the built-in attributes with their types", () => {
    const types = (type: string) => (type === "enum" ? "the resources" : type);
    expect(rowsOf("Built-in attributes").map(([name, type]) => [name, type])).toEqual(
      BUILTINS.map(({ name, type }) => [name, types(type)]),
    );
  });
});
