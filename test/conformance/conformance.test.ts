/** Every runtime answers every vector alike (docs/request.md, docs/bytecode.md). */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { disassemble } from "../../core/index.ts";
import { knownFailures } from "./compare.ts";
import { compileVector } from "./compile.ts";
import { Counts } from "./counts.ts";
import { failuresOf } from "./run.ts";
import { runtimes } from "./runtimes/index.ts";
import type { OpenRuntime } from "./runtimes/runtime.ts";
import { loadVectors } from "./vectors.ts";

const UPDATE = process.env.UPDATE_GOLDEN === "1";
const TOPICS = 20;
const POLICIES = 40;
const CASES = 180;

const vectors = loadVectors().map(compileVector);

describe("vectors", () => {
  test("are many", () => {
    expect(new Set(vectors.map((v) => v.name.split("/")[0])).size).toBeGreaterThanOrEqual(TOPICS);
    expect(vectors.reduce((sum, v) => sum + v.program.policies.length, 0)).toBeGreaterThanOrEqual(POLICIES);
    expect(vectors.reduce((sum, v) => sum + v.cases.length, 0)).toBeGreaterThanOrEqual(CASES);
  });

  test.each(vectors.map((v) => [v.name, v] as const))(
    "%s: cases have names of their own, and name every policy",
    (_, vector) => {
      expect(new Set(vector.cases.map((c) => c.name)).size).toBe(vector.cases.length);
      const policies = vector.program.policies.list.map((p) => p.name);
      for (const { want } of vector.cases) expect(want.policies.map((p) => p.name)).toEqual(policies);
    },
  );

  test.each(vectors.map((v) => [v.name, v] as const))("%s: code is as it was", (_, vector) => {
    const golden = join(vector.folder, "disassembly.txt");
    const got = disassemble(vector.program);
    if (UPDATE) writeFileSync(golden, got);
    expect(existsSync(golden), "no disassembly.txt: run with UPDATE_GOLDEN=1 and review it").toBe(true);
    expect(got).toBe(readFileSync(golden, "utf8"));
  });
});

describe.each(runtimes().map((runtime) => [runtime.name, runtime] as const))("%s", (name, runtime) => {
  const known = knownFailures(name);
  const counts = new Counts();
  let open: OpenRuntime;

  beforeAll(async () => {
    open = await runtime.open(vectors);
  }, 120_000);

  afterAll(async () => {
    await open?.close();
    console.log(`${name}: ${counts.summary()}`);
  });

  test.each(vectors.map((v) => [v.name, v] as const))(
    "%s",
    async (_, vector) => {
      expect(await failuresOf(vector, { runtime: open, known, counts })).toEqual([]);
    },
    60_000,
  );

  test("known failures name cases that exist", () => {
    for (const { vector, case: title } of known) {
      expect(vectors.find((v) => v.name === vector)?.cases.map((c) => c.name)).toContain(title);
    }
  });
});
