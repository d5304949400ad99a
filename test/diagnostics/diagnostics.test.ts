/**
 * One policy text for every diagnostic, and what the compiler says about it. `UPDATE_GOLDEN=1` rewrites the answers;
 * they are reviewed like code.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderDiagnostic } from "../../core/index.ts";
import { DIAGNOSTICS, type DiagnosticId, HINTS, WARNINGS } from "../../core/source/ids.ts";
import { compileCase } from "./cases.ts";

const folder = new URL("./", import.meta.url);
const ids = Object.keys(DIAGNOSTICS) as DiagnosticId[];

test("every diagnostic has a case, and every case a diagnostic", () => {
  const cases = readdirSync(folder).filter((name) => name.endsWith(".ipe"));
  expect(cases.sort()).toEqual(ids.map((id) => `${id}.ipe`).sort());
});

test("every diagnostic is given somewhere in the sources", () => {
  const core = new URL("../../core/", import.meta.url);
  const text = readdirSync(core, { recursive: true, encoding: "utf8" })
    .filter((name) => /^(?:source|automaton|syntax|expand|schema|check)\/.*\.ts$|^compile\.ts$/.test(name))
    .filter((name) => !name.endsWith(".test.ts") && name !== "source/ids.ts")
    .map((name) => readFileSync(new URL(name, core), "utf8"))
    .join("\n");
  expect(ids.filter((id) => !text.includes(`"${id}"`))).toEqual([]);
});

test("the lists of warnings and hints are what the cases show", () => {
  const given = (severity: string) =>
    ids.filter((id) => readFileSync(new URL(`${id}.txt`, folder), "utf8").includes(` ${severity}[${id}]: `));
  expect(given("warning").toSorted()).toEqual([...WARNINGS].sort());
  const warnings: readonly string[] = WARNINGS;
  expect(given("hint").filter((id) => !(HINTS as readonly string[]).includes(id))).toEqual([]);
  expect(HINTS.filter((id) => !given("hint").includes(id) && !warnings.includes(id))).toEqual([]);
});

describe.each(ids)("%s", (id) => {
  test("says what it always said", () => {
    const rendered = `${compileCase(id)
      .diagnostics.map((d) => renderDiagnostic(d))
      .join("\n\n")}\n`;
    const golden = new URL(`${id}.txt`, folder);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, rendered);
    expect(existsSync(golden), "run with UPDATE_GOLDEN=1, then read what it wrote").toBe(true);
    expect(rendered).toBe(readFileSync(golden, "utf8"));
  });

  test("alone: one fault gives no second message", () => {
    const given = new Set<string>(compileCase(id).diagnostics.map((d) => d.id));
    expect([...given].sort()).toEqual(id === "too-many" ? ["too-many", "unknown-attribute"] : [id]);
  });

  test("reads well", () => {
    for (const { message, help } of compileCase(id).diagnostics) {
      for (const text of [message, ...(help === null ? [] : [help])]) {
        expect(text).toMatch(/^[^\p{Lu}]|^(?:IP|JSON|Istio|U\+)/u);
        expect(text).not.toMatch(/\.$|undefined|\[object|NaN/);
      }
      expect(help, message).not.toBeNull();
    }
  });
});
