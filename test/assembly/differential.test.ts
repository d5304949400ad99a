/** Random policies and requests: the filter's virtual machine decides as the reference does. */
import { expect, test } from "vitest";
import { run } from "../differential/run-bundles.ts";
import { wasmRuntime } from "./twin.ts";

test("random bundles", async () => {
  const summary = run({
    seed: 7,
    from: 0,
    end: 200,
    step: 1,
    requests: 50,
    route: "http",
    runtimes: [await wasmRuntime()],
  });
  expect(summary.difference).toBeNull();
  expect(summary.cases).toBe(10_000);
  for (const outcome of ["satisfied", "unsatisfied", "denied", "indeterminate", "not-applicable"] as const) {
    expect([outcome, (summary.outcomes[outcome] ?? 0) > 100]).toEqual([outcome, true]);
  }
});
