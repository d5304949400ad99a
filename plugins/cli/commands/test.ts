/** `ipe test`: tests of policies, once or with every change. */
import { performance } from "node:perf_hooks";
import { CoverageCounter, renderDiagnostic, runTest } from "../../../core/index.ts";
import { EXIT_INPUT, EXIT_SUCCESS, EXIT_TESTS_FAILED, Failure } from "../exit.ts";
import { writeWhole } from "../files.ts";
import type { Output } from "../output.ts";
import { isGood, summaryText, type TestReport, type TimedRun, type UnitReport } from "../test-report.ts";
import { jsonReport } from "../test-reports/json.ts";
import { junitReport } from "../test-reports/junit.ts";
import { prettyReport } from "../test-reports/pretty.ts";
import { tapReport } from "../test-reports/tap.ts";
import { type FoundTests, findTests, type TestUnit } from "../test-units.ts";
import { inRounds, type Round } from "../watch.ts";

export const REPORT_FORMATS = ["pretty", "json", "tap", "junit"] as const;

export interface TestOptions {
  readonly format?: (typeof REPORT_FORMATS)[number];
  readonly json?: boolean;
  /** Write the report to this file; only the summary goes to stdout. */
  readonly output?: string;
  /** Run only tests whose name, or the name of whose unit, holds this text. */
  readonly filter?: string;
  readonly oneBundle?: boolean;
  readonly allowOutside?: boolean;
  readonly coverage?: boolean;
  /** Percent; implies `coverage`. */
  readonly coverageMin?: number;
  readonly watch?: boolean;
}

/** Run the tests at some paths; without paths, those of this folder. */
export async function testCommand(
  paths: readonly string[],
  options: TestOptions,
  output: Output,
): Promise<number> {
  const places = paths.length === 0 ? ["."] : paths;
  if (options.watch === true) return watched(places, options, output);
  return judge(places, find(places, options), options, output);
}

function find(paths: readonly string[], options: TestOptions): FoundTests {
  return findTests(paths, {
    oneBundle: options.oneBundle === true,
    outside: options.allowOutside === true,
  });
}

function judge(paths: readonly string[], found: FoundTests, options: TestOptions, output: Output): number {
  const report = run(found, options);
  if (
    report.passed + report.failed + report.faulty.length === 0 &&
    report.units.every((unit) => unit.errors === null)
  )
    throw new Failure(nothingFound(paths, found, options));
  print(report, options, output);
  if (report.faulty.length > 0) return EXIT_INPUT;
  return isGood(report) ? EXIT_SUCCESS : EXIT_TESTS_FAILED;
}

function nothingFound(paths: readonly string[], { units }: FoundTests, { filter }: TestOptions): string {
  const count = units.reduce((sum, unit) => sum + unit.tests.length, 0);
  if (filter !== undefined && count > 0)
    return `no test's name holds \`${filter}\`; there are ${count} tests`;
  return `there are no tests in ${paths.join(", ")}: write \`test\` blocks, or NAME.ipe.test.yaml beside NAME.ipe`;
}

// --- running ---

function run(found: FoundTests, options: TestOptions): TestReport {
  const start = performance.now();
  const units = found.units
    .map((unit) => runUnit(unit, options))
    // Units without a word to the question only make the answer longer.
    .filter((unit) => options.filter === undefined || unit.runs.length > 0 || unit.errors !== null);
  const runs = units.flatMap((unit) => unit.runs);
  const passed = runs.filter((run) => run.outcome === "passed").length;
  const coverages = units.flatMap((unit) => unit.coverage ?? []);
  const sum = (count: "covered" | "total"): number =>
    coverages.reduce((total, coverage) => total + coverage[count], 0);
  return {
    units,
    faulty: found.faulty,
    passed,
    failed: runs.length - passed,
    durationMs: performance.now() - start,
    coverage: asksForCoverage(options)
      ? { covered: sum("covered"), total: sum("total"), least: options.coverageMin ?? 0 }
      : null,
  };
}

function asksForCoverage({ coverage, coverageMin }: TestOptions): boolean {
  return coverage === true || coverageMin !== undefined;
}

function runUnit({ name, compiled, engine, tests }: TestUnit, options: TestOptions): UnitReport {
  if (engine === null) {
    const errors = compiled.diagnostics.filter((diagnostic) => diagnostic.severity === "error");
    return {
      name,
      engine,
      errors: errors.map((diagnostic) => renderDiagnostic(diagnostic)).join("\n\n"),
      runs: [],
      coverage: null,
    };
  }
  const counter = asksForCoverage(options) ? new CoverageCounter(engine) : null;
  const runs: TimedRun[] = [];
  for (const test of tests) {
    if (options.filter !== undefined && !`${name} ${test.name}`.includes(options.filter)) continue;
    const start = performance.now();
    const run = runTest(test, engine);
    runs.push({ ...run, durationMs: performance.now() - start });
    if (run.request !== null) counter?.add(run.request);
  }
  return { name, engine, errors: null, runs, coverage: counter?.result() ?? null };
}

// --- printing ---

function print(report: TestReport, options: TestOptions, output: Output): void {
  const format = options.json === true ? "json" : (options.format ?? "pretty");
  if (options.output === undefined) {
    output.result(reportText(report, format, output.paint));
    return;
  }
  const plain: Output["paint"] = (_stream, _what, text) => text;
  writeWhole(options.output, new TextEncoder().encode(`${reportText(report, format, plain)}\n`));
  output.result(summaryText(report));
}

function reportText(
  report: TestReport,
  format: (typeof REPORT_FORMATS)[number],
  paint: Output["paint"],
): string {
  switch (format) {
    case "pretty":
      return prettyReport(report, paint);
    case "json":
      return jsonReport(report);
    case "tap":
      return tapReport(report);
    case "junit":
      return junitReport(report);
  }
}

// --- watching ---

/** Run now and after every change of what is named or was read, until the user ends it. */
async function watched(paths: readonly string[], options: TestOptions, output: Output): Promise<number> {
  const look = (seen: string): Round | null => {
    const found = find(paths, options);
    const sight = JSON.stringify([...found.files]);
    if (sight === seen) return null;
    judge(paths, found, options, output);
    return { sight, files: found.files.keys() };
  };
  await inRounds(paths, look, (problem) => output.message(problem), output);
  return EXIT_SUCCESS;
}
