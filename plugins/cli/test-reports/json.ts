/** Test results for programs. */
import { isGood, percentOf, type TestReport, type TimedRun } from "../test-report.ts";

export function jsonReport(report: TestReport): string {
  return JSON.stringify({
    ok: isGood(report),
    passed: report.passed,
    failed: report.failed,
    durationMs: rounded(report.durationMs),
    coverage:
      report.coverage === null
        ? null
        : {
            percent: percentOf(report.coverage),
            covered: report.coverage.covered,
            total: report.coverage.total,
          },
    units: report.units.map(({ name, engine, errors, runs, coverage }) => ({
      name,
      bundle: engine?.digest ?? null,
      errors,
      tests: runs.map(testData),
      coverage: coverage === null ? null : { percent: percentOf(coverage), ...coverage },
    })),
    faultyFiles: report.faulty,
  });
}

function testData({ test, outcome, durationMs, problems, differences, explanation }: TimedRun): object {
  return {
    name: test.name,
    ...test.place,
    outcome,
    durationMs: rounded(durationMs),
    problems,
    differences,
    decision: explanation === null ? null : explanation.decision.allow ? "allow" : "deny",
    reason: explanation?.decision.reason ?? null,
  };
}

/** To microseconds. */
function rounded(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000;
}
