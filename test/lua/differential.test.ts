/** Random policies and requests: the Lua runtime decides as the reference does. */
import { expect, test } from "vitest";
import { MUTANTS } from "../differential/mutants.ts";
import { type RunOptions, type RunSummary, run } from "../differential/run-bundles.ts";
import { luaRuntime } from "./twin.ts";

function cases(bundles: number, more: Pick<RunOptions, "seed" | "runtimes" | "operators">): RunSummary {
  return run({ from: 0, end: bundles, step: 1, requests: 50, route: "http", ...more });
}

test("random bundles", () => {
  const summary = cases(100, { seed: 11, runtimes: [luaRuntime()] });
  expect(summary.difference).toBeNull();
  expect(summary.cases).toBe(5_000);
  for (const outcome of ["satisfied", "unsatisfied", "denied", "indeterminate", "not-applicable"] as const) {
    expect([outcome, (summary.outcomes[outcome] ?? 0) > 100]).toEqual([outcome, true]);
  }
});

test("routines that are cut into pieces", () => {
  for (const pieceMax of [1, 3]) {
    const summary = cases(50, { seed: 12, runtimes: [luaRuntime({ pieceMax })] });
    expect(summary.difference).toBeNull();
  }
});

test("a wrong meaning is noticed", () => {
  const [operators] = Object.values(MUTANTS);
  const { difference } = cases(200, { seed: 11, runtimes: [luaRuntime()], operators: operators! });
  expect(difference).toContain("lua, decide");
});
