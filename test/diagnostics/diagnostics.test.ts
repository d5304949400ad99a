/**
 * One policy text for every diagnostic, and what the compiler says about it. `UPDATE_GOLDEN=1` rewrites the answers;
 * they are reviewed like code.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Compiled, compile, type FileAnswer, renderDiagnostic, TARGETS } from "../../core/index.ts";
import { DIAGNOSTICS, type DiagnosticId } from "../../core/source/ids.ts";

const folder = new URL("./", import.meta.url);
const ids = Object.keys(DIAGNOSTICS) as DiagnosticId[];

/** The first line may name a target: `// target: kong`. */
function compileCase(id: string): Compiled {
  const text = readFileSync(new URL(`${id}.ipe`, folder), "utf8");
  const target = TARGETS.find((name) => text.startsWith(`// target: ${name}\n`));
  return compile([{ name: `${id}.ipe`, text, read }], target === undefined ? {} : { target });
}

/** What cases import lies in `files`. */
function read(path: string): FileAnswer {
  const file = new URL(`files/${path}`, folder);
  if (path === "" || !existsSync(file))
    return { ok: false, problem: "there is no such file", help: "name one that is there" };
  return { ok: true, source: { name: path, text: readFileSync(file, "utf8"), place: path, read } };
}

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
