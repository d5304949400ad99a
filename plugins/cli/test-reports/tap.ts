/** Test results as TAP 14 (testanything.org): one flat list of points, with a YAML block where one failed. */
import type { TestReport, TimedRun } from "../test-report.ts";

interface Point {
  readonly ok: boolean;
  readonly name: string;
  /** For the block below it; null for one that passed. */
  readonly details: unknown;
}

export function tapReport(report: TestReport): string {
  const points = pointsOf(report);
  return [
    "TAP version 14",
    `1..${points.length}`,
    ...points.flatMap((point, i) => pointLines(point, i + 1)),
  ].join("\n");
}

function pointsOf({ units, faulty }: TestReport): Point[] {
  return [
    ...units.flatMap(({ name, errors, runs }) => [
      ...(errors === null
        ? []
        : [{ ok: false, name: `${name}: the policies have errors`, details: { errors } }]),
      ...runs.map((run) => ({
        ok: run.outcome === "passed",
        name: `${name}: ${run.test.name}`,
        details: detailsOf(run),
      })),
    ]),
    ...faulty.map(({ file, problems }) => ({ ok: false, name: `${file}: not valid`, details: { problems } })),
  ];
}

function detailsOf({ outcome, test, problems, differences }: TimedRun): unknown {
  if (outcome === "passed") return null;
  return { at: test.place, ...(problems.length === 0 ? {} : { problems }), differences };
}

function pointLines({ ok, name, details }: Point, number: number): string[] {
  const first = `${ok ? "ok" : "not ok"} ${number} - ${escaped(name)}`;
  if (details === null) return [first];
  // JSON on one line is YAML.
  const members = Object.entries(details as object).map(
    ([key, value]) => `  ${key}: ${JSON.stringify(value)}`,
  );
  return [first, "  ---", ...members, "  ..."];
}

/** A description is one line, in which `#` would start a directive. */
function escaped(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").replace(/[\\#]/g, "\\$&");
}
