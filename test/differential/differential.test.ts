import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { type RunSummary, run } from "./run-bundles.ts";
import { interpreter } from "./runtimes.ts";

/** Another seed for another run: `IPE_DIFFERENTIAL_SEED=7 npx vitest run test/differential`. */
const { IPE_DIFFERENTIAL_SEED = "20260401" } = process.env;
const SEED = Number(IPE_DIFFERENTIAL_SEED);
const REQUESTS = 50;
const BUNDLES = 4000;
const LIMIT_MS = 600_000;

const cases = (bundles: number, more: Partial<Parameters<typeof run>[0]> = {}): RunSummary =>
  run({ seed: SEED, from: 0, end: bundles, step: 1, requests: REQUESTS, ...more });

test("the interpreter agrees with the reference in 200,000 cases, optimized or not", {
  timeout: LIMIT_MS,
}, () => {
  const summary = cases(BUNDLES);
  expect(summary.difference).toBeNull();
  expect(summary.cases).toBe(BUNDLES * REQUESTS);
  expectWideCover(summary);
});

/** The generator must reach every corner, and write policies that the checker accepts. */
function expectWideCover({ policies, refused, outcomes, reasons, cases: judged }: RunSummary): void {
  const refusals = Object.values(refused).reduce((sum, n) => sum + n, 0);
  expect(refusals).toBeGreaterThan(0);
  expect(refusals).toBeLessThan(policies / 2);
  for (const outcome of ["satisfied", "unsatisfied", "denied", "indeterminate", "not-applicable"] as const) {
    expect(outcomes[outcome], outcome).toBeGreaterThan(judged / 20);
  }
  for (const reason of ["satisfied", "unsatisfied", "denied", "indeterminate", "default"] as const) {
    expect(reasons[reason], reason).toBeGreaterThan(judged / 50);
  }
  expect(reasons["obligation-conflict"]).toBeGreaterThan(0);
}

test("a seed names its cases", () => {
  const [first, again, other] = [cases(3), cases(3), cases(3, { seed: SEED + 1 })];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});

test.each(Object.entries(MUTANTS))(
  "a wrong meaning is noticed: %s",
  { timeout: LIMIT_MS },
  (_name, operators) => {
    const { difference } = cases(BUNDLES, { operators, runtimes: [interpreter] });
    expect(difference).toContain("reference: ");
  },
);
