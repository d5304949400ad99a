/** The examples in other runtimes: the tests that pass with the interpreter come out the same there, reasons included. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine } from "../../core/index.ts";
import { findTests } from "../../plugins/cli/test-units.ts";
import { interpreter } from "./runtimes/interpreter.ts";
import { reference } from "./runtimes/reference.ts";
import type { CompiledVector, OpenRuntime } from "./runtimes/runtime.ts";
import { wasmVm } from "./runtimes/wasm-vm.ts";
import type { Case } from "./vectors.ts";

const folder = fileURLToPath(new URL("../../examples", import.meta.url));
const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const vectors = names.map(({ name }) => vectorOf(name));

/** An example as the runtimes know vectors; what its cases want is the interpreter's to say. */
function vectorOf(name: string): CompiledVector {
  const [unit] = findTests([join(folder, name)], { oneBundle: false, outside: false }).units;
  const compiled = unit!.compiled;
  const made = compiled.ok ? createEngine(compiled.bundle) : null;
  if (!compiled.ok || made === null || !made.ok) throw new Error(`${name} does not compile`);
  const { bundle, document } = compiled;
  const cases = unit!.tests.map((each) => ({ ...(JSON.parse(each.request) as Case), name: each.name }));
  return { name, folder, about: "", policy: "", cases, bundle, document, program: made.engine.program };
}

describe.each([reference, wasmVm])("$name", (runtime) => {
  let asked: OpenRuntime;
  let told: OpenRuntime;
  beforeAll(async () => {
    [asked, told] = await Promise.all([runtime.open(vectors), interpreter.open(vectors)]);
  });
  afterAll(async () => {
    await Promise.all([asked.close(), told.close()]);
  });

  test.each(vectors)("$name", async (vector) => {
    let judged = 0;
    for (const given of vector.cases) {
      const seen = await asked.judge(vector, given);
      // Attributes that are set directly, which only the command line does.
      if ("notExpressible" in seen) continue;
      judged++;
      const { policies, ...want } = (await told.judge(vector, given)) as Record<string, unknown>;
      const outcomes = (policies as { outcome: string }[]).map(({ outcome }) => outcome);
      expect(JSON.parse(JSON.stringify({ policies, outcomes, ...want })), given.name).toMatchObject(
        JSON.parse(JSON.stringify(seen)) as object,
      );
    }
    expect(judged).toBeGreaterThan(0);
  });
});
