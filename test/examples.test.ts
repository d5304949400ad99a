/** The examples run: each folder holds policies and `cases.json` with requests and what must come out. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { compile, createEngine, type Engine, parseNeutralRequest, type Reason } from "../core/index.ts";

interface Case {
  readonly about: string;
  readonly request: unknown;
  readonly decision: "allow" | "deny";
  readonly reason: Reason;
}

const examples = fileURLToPath(new URL("../examples", import.meta.url));

function engineOf(folder: string): Engine {
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith(".ipe"))
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
  const compiled = compile(sources);
  expect(compiled.diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  const made = compiled.ok ? createEngine(compiled.bundle) : { ok: false as const, error: "errors" };
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

describe.each(readdirSync(examples))("%s", (name) => {
  const folder = join(examples, name);
  const cases = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")) as Case[];
  const engine = engineOf(folder);

  test.each(cases.map((example) => [example.about, example] as const))("%s", (_about, example) => {
    const parsed = parseNeutralRequest(JSON.stringify(example.request));
    if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
    const { allow, reason } = engine.decide(parsed.request);
    expect({ decision: allow ? "allow" : "deny", reason }).toEqual({
      decision: example.decision,
      reason: example.reason,
    });
  });
});
