/** Test results for people: a tree of units and tests, of a failure what was expected and why it came out otherwise. */
import type { ConditionCoverage, Coverage, Difference, PolicyCoverage } from "../../../core/index.ts";
import { policyText } from "../commands/explain.ts";
import type { Output } from "../output.ts";
import { percentOf, summaryText, type TestReport, type TimedRun, type UnitReport } from "../test-report.ts";

type Paint = (what: "good" | "bad" | "faint", text: string) => string;

export function prettyReport(report: TestReport, painter: Output["paint"]): string {
  const paint: Paint = (what, text) => painter("result", what, text);
  const lines: string[] = [];
  for (const unit of report.units) lines.push(...unitLines(unit, paint, painter), "");
  for (const { file, problems } of report.faulty) {
    lines.push(`${paint("bad", "✗")} ${file}`);
    for (const { line, column, message } of problems) lines.push(`    ${file}:${line}:${column}: ${message}`);
    lines.push("");
  }
  if (report.coverage !== null)
    for (const unit of report.units)
      if (unit.coverage !== null) lines.push(...coverageLines(unit, unit.coverage, paint), "");
  const bad =
    report.failed > 0 || report.faulty.length > 0 || report.units.some((unit) => unit.errors !== null);
  lines.push(`${paint(bad ? "bad" : "good", summaryText(report))} (${Math.round(report.durationMs)} ms)`);
  if (report.coverage !== null) lines.push(coverageSummary(report.coverage, paint));
  return lines.join("\n");
}

function unitLines(unit: UnitReport, paint: Paint, painter: Output["paint"]): string[] {
  const lines = [unit.name];
  if (unit.errors !== null)
    lines.push(`  ${paint("bad", "✗")} the policies have errors`, ...indented(unit.errors, 6));
  else if (unit.runs.length === 0) lines.push(paint("faint", "  no tests"));
  for (const run of unit.runs) lines.push(...runLines(run, unit, paint, painter));
  return lines;
}

function runLines(run: TimedRun, unit: UnitReport, paint: Paint, painter: Output["paint"]): string[] {
  if (run.outcome === "passed") return [`  ${paint("good", "✓")} ${oneLine(run.test.name)}`];
  const { file, line } = run.test.place;
  const lines = [`  ${paint("bad", "✗")} ${oneLine(run.test.name)} ${paint("faint", `(${file}:${line})`)}`];
  for (const problem of run.problems) lines.push(`      ${problem}`);
  for (const difference of run.differences) lines.push(...differenceLines(difference, paint));
  const { engine } = unit;
  const { request, explanation } = run;
  if (engine === null || request === null || explanation === null) return lines;
  for (const report of explanation.policies.filter(({ name }) => concerned(run).includes(name))) {
    const trees = engine.trees(request, report.name)!;
    lines.push("", ...indented(policyText(engine, report, trees, { paint: painter }), 6));
  }
  return lines;
}

/** Policies whose conditions explain a failure: who decided, and who is named. */
function concerned({ test, explanation, differences }: TimedRun): string[] {
  const { policy } = test.expected;
  const names = [
    explanation?.decision.reason.policy ?? null,
    policy === null || policy === "none" ? null : policy.name,
    ...differences.map((difference) => difference.policy),
  ];
  return [...new Set(names.filter((name) => name !== null))];
}

function differenceLines({ what, policy, expected, got }: Difference, paint: Paint): string[] {
  const title = policy === null ? what : `${what} of ${policy}`;
  return [
    `      ${title}:`,
    ...expected.map((text) => paint("good", `        - expected ${oneLine(text)}`)),
    ...got.map((text) => paint("bad", `        + got ${oneLine(text)}`)),
  ];
}

// --- coverage ---

function coverageLines({ name }: UnitReport, coverage: Coverage, paint: Paint): string[] {
  return [
    `coverage of ${name}: ${percentOf(coverage)} %`,
    ...coverage.policies.flatMap((policy) => [
      `  ${policy.kind} ${policy.name}: ${outcomesText(policy)}`,
      ...policy.conditions.map((condition) => conditionLine(condition, paint)),
    ]),
  ];
}

function outcomesText({ outcomes }: PolicyCoverage): string {
  const parts = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${count}`);
  return parts.length === 0 ? "never asked" : parts.join(", ");
}

function conditionLine({ seen, text }: ConditionCoverage, paint: Paint): string {
  const complete = seen.true > 0 && seen.false > 0;
  const mark = paint(complete ? "good" : "bad", complete ? "✓" : "✗");
  const never = [...(seen.true === 0 ? ["true"] : []), ...(seen.false === 0 ? ["false"] : [])];
  const counts = `true ${seen.true}, false ${seen.false}, unknown ${seen.unknown}`;
  return `    ${mark} ${oneLine(text)} ${paint("faint", `(${counts})`)}${complete ? "" : ` never ${never.join(" or ")}`}`;
}

function coverageSummary(coverage: NonNullable<TestReport["coverage"]>, paint: Paint): string {
  const percent = percentOf(coverage);
  const text = `coverage ${percent} %: ${coverage.covered} of ${coverage.total} (each condition true and false)`;
  return percent >= coverage.least ? text : paint("bad", `${text}, but ${coverage.least} % must be`);
}

function indented(text: string, by: number): string[] {
  return text.split("\n").map((line) => (line === "" ? "" : " ".repeat(by) + line));
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
