import { expect, test } from "vitest";
import { Diagnostics } from "../source/diagnostics.ts";
import type { FileAnswer, Source } from "../source/source.ts";
import { IMPORT_DEPTH_MAX, IMPORTED_LENGTH_MAX, IMPORTS_MAX } from "./imports.ts";
import { parse } from "./parse.ts";

/** What is reported, and how often each file was read. */
function parsed(files: (path: string) => string): {
  problems: string[];
  reads: Map<string, number>;
  policies: number;
} {
  const reads = new Map<string, number>();
  const read = (path: string): FileAnswer => {
    reads.set(path, (reads.get(path) ?? 0) + 1);
    return { ok: true, source: source(path) };
  };
  const source = (name: string): Source => ({ name, text: files(name), place: name, read });
  const report = new Diagnostics();
  const { declarations } = parse([source("first")], report);
  const problems = report.list().map((d) => `${d.id}: ${d.message}`);
  return { problems, reads, policies: declarations.filter((d) => d.kind === "policy").length };
}

test("a file counts once, on whatever ways it is reached", () => {
  const { problems, policies } = parsed((name) =>
    name === "last"
      ? "policy P:\n  allows\n"
      : name === "first"
        ? 'import "a"\nimport "b"\nimport "last"\n'
        : 'import "last"\n',
  );
  expect(problems).toEqual([]);
  expect(policies).toBe(1);
});

test("files that never end end at the limit", () => {
  const { problems, reads } = parsed((name) => `import "${name}x"\npolicy P${name}:\n  allows\n`);
  expect(problems).toEqual([`too-large: more than ${IMPORT_DEPTH_MAX} files import each other in a row`]);
  expect(reads.size).toBe(IMPORT_DEPTH_MAX);
});

test("too many files", () => {
  const names = Array.from({ length: IMPORTS_MAX + 5 }, (_, i) => `import "f${i}"\n`).join("");
  const { problems } = parsed((name) => (name === "first" ? `${names}policy P:\n  allows\n` : ""));
  expect(new Set(problems)).toEqual(new Set([`too-large: more than ${IMPORTS_MAX} files are imported`]));
});

test("too much text", () => {
  const large = " ".repeat(IMPORTED_LENGTH_MAX / 4);
  const { problems } = parsed((name) =>
    name === "first"
      ? `${[1, 2, 3, 4, 5].map((i) => `import "f${i}"\n`).join("")}policy P:\n  allows\n`
      : large,
  );
  expect(problems).toEqual([`too-large: more than ${IMPORTED_LENGTH_MAX} characters are imported`]);
});

test("text that nobody reads files for imports none", () => {
  const report = new Diagnostics();
  parse([{ name: "a.ipe", text: 'import "b.ipe"\npolicy P:\n  allows\n' }], report);
  expect(report.list().map((d) => d.message)).toEqual([
    "`b.ipe` cannot be imported: nothing is read from here",
  ]);
});
