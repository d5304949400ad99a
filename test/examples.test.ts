/**
 * The examples run: policies compile without a warning, their tests pass, and see every condition true and false.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { CoverageCounter, compile, format, renderDiagnostic, runTest } from "../core/index.ts";
import { readSources } from "../plugins/cli/files.ts";
import { findTests } from "../plugins/cli/test-units.ts";

const examples = fileURLToPath(new URL("../examples/", import.meta.url));
const names = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
/** Warnings and hints that an example is about, with the reason. */
const WARNINGS: Readonly<Record<string, readonly string[]>> = {
  // What is deployed is the client's to say, and the policy's to judge.
  deployments: ["claimed-grant"],
  // So is the reason of an emergency, which somebody reads afterwards.
  "patient-records": ["claimed-grant"],
  // The README's policy is as small as one can be.
  orders: ["missing-owner"],
};

describe.each(names)("%s", (name) => {
  const folder = join(examples, name);
  const { units, faulty } = findTests([folder], { oneBundle: false, outside: false });

  test("compiles without a warning or a hint", () => {
    const { diagnostics } = compile(readSources([folder]), { hints: true });
    const other = diagnostics.filter((d) => !WARNINGS[name]?.includes(d.id));
    expect(other.map((d) => renderDiagnostic(d)).join("\n")).toBe("");
    expect([...new Set(diagnostics.map((d) => d.id))].sort()).toEqual(WARNINGS[name] ?? []);
  });

  test("is in the house style", () => {
    for (const source of readSources([folder])) {
      const formatted = format(source);
      expect(formatted.ok && formatted.text).toBe(source.text);
    }
  });

  test("is one bundle with tests", () => {
    expect(faulty).toEqual([]);
    expect(units).toHaveLength(1);
    expect(units[0]!.engine).not.toBeNull();
    expect(units[0]!.tests.length).toBeGreaterThan(2);
  });

  test.each(units[0]!.tests.map((example) => [example.name, example] as const))("%s", (_name, example) => {
    const { outcome, problems, differences } = runTest(example, units[0]!.engine!);
    expect({ outcome, problems, differences }).toEqual({ outcome: "passed", problems: [], differences: [] });
  });

  test("no test passes with the other decision, or another policy", () => {
    for (const example of units[0]!.tests) {
      const { decision, policy } = example.expected;
      const flipped = decision === "allow" ? "deny" : "allow";
      const other = policy === "none" ? { name: units[0]!.engine!.program.policies.list[0]!.name } : "none";
      const changes = [
        ...(decision === null ? [] : [{ decision: flipped } as const]),
        ...(policy === null ? [] : [{ policy: other } as const]),
      ];
      expect(changes.length, example.name).toBeGreaterThan(0);
      for (const change of changes) {
        const { outcome } = runTest(
          { ...example, expected: { ...example.expected, ...change } },
          units[0]!.engine!,
        );
        expect(outcome, `${example.name}: ${JSON.stringify(change)}`).toBe("failed");
      }
    }
  });

  test("the tests see every condition true and false", () => {
    const counter = new CoverageCounter(units[0]!.engine!);
    for (const example of units[0]!.tests) {
      const { request } = runTest(example, units[0]!.engine!);
      if (request !== null) counter.add(request);
    }
    const conditions = counter.result().policies.flatMap((policy) => policy.conditions);
    const unseen = conditions.filter(({ seen }) => seen.true === 0 || seen.false === 0);
    expect(unseen.map(({ text, seen }) => `${text}: ${JSON.stringify(seen)}`)).toEqual([]);
    expect(conditions.length).toBeGreaterThan(0);
  });
});

describe("examples/README.md", () => {
  const readme = readFileSync(join(examples, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| (.*) \|$/gm)].map((row) => row.slice(1));

  test("lists every example once", () => {
    expect(rows.map(([name]) => name).sort()).toEqual([...names].sort());
    expect(names.length).toBeGreaterThanOrEqual(24);
  });

  test.each(rows)("%s: in the words of its first comment, or intent", (name, link, words) => {
    expect(link).toBe(`${name}/${name}.ipe`);
    const text = readFileSync(join(examples, link!), "utf8");
    expect(words).toBe((/^\/\/ (.*)/.exec(text) ?? /^ {2}"([^"]*)"/m.exec(text))![1]);
  });
});

test("every policy has an intent and an owner, and can be read in a minute", () => {
  for (const name of names) {
    const { units } = findTests([join(examples, name)], { oneBundle: false, outside: false });
    for (const { intent, metadata, name: policy } of units[0]!.engine!.program.policies) {
      expect(intent, `${name}: ${policy}`).not.toBeNull();
      if (name !== "orders")
        expect(
          metadata.map(({ key }) => key),
          `${name}: ${policy}`,
        ).toContain("owner");
    }
    const text = readFileSync(join(examples, name, `${name}.ipe`), "utf8");
    expect(text.split(/^test "/m)[0]!.split("\n").length, name).toBeLessThan(65);
  }
});
