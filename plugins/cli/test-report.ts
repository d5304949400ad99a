/** What a run of policy tests came to. */
import type { Coverage, Engine, TestRun } from "../../core/index.ts";
import type { FaultyFile } from "./test-units.ts";

export interface TimedRun extends TestRun {
  readonly durationMs: number;
}

export interface UnitReport {
  readonly name: string;
  /** What is wrong with the policies, as `ipe check` says it; null where they are sound. */
  readonly errors: string | null;
  /** Null where the policies have errors. */
  readonly engine: Engine | null;
  readonly runs: readonly TimedRun[];
  /** Null where nobody asked. */
  readonly coverage: Coverage | null;
}

export interface TestReport {
  readonly units: readonly UnitReport[];
  readonly faulty: readonly FaultyFile[];
  readonly passed: number;
  /** Tests that failed or could not be run. */
  readonly failed: number;
  readonly durationMs: number;
  /** Of all units together; null where nobody asked. */
  readonly coverage: { readonly covered: number; readonly total: number; readonly least: number } | null;
}

/** Nothing is wrong. */
export function isGood({ units, faulty, failed, coverage }: TestReport): boolean {
  const enough = coverage === null || percentOf(coverage) >= coverage.least;
  return faulty.length === 0 && failed === 0 && units.every((unit) => unit.errors === null) && enough;
}

/** Rounded down, so that 100 means all. */
export function percentOf({ covered, total }: Pick<Coverage, "covered" | "total">): number {
  return total === 0 ? 100 : Math.floor((covered / total) * 1000) / 10;
}

/** `3 passed, 1 failed`. */
export function summaryText(report: TestReport): string {
  const parts = [`${report.passed} passed`];
  if (report.failed > 0) parts.push(`${report.failed} failed`);
  const broken = report.units.filter((unit) => unit.errors !== null).length;
  if (broken > 0) parts.push(`${broken} with errors in the policies`);
  if (report.faulty.length > 0) parts.push(`${report.faulty.length} test files that are not valid`);
  return parts.join(", ");
}
