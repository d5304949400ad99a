/** Test results as JUnit's XML, as CI servers read it: a suite for each unit, a case for each test. */
import type { Difference } from "../../../core/index.ts";
import type { TestReport, TimedRun, UnitReport } from "../test-report.ts";

interface Case {
  readonly name: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly durationMs: number;
  /** Null of one that passed. A `failure` is a test that says no, an `error` something that could not be run. */
  readonly fault: {
    readonly tag: "failure" | "error";
    readonly message: string;
    readonly text: string;
  } | null;
}

interface Suite {
  readonly name: string;
  readonly cases: readonly Case[];
}

export function junitReport(report: TestReport): string {
  const suites: Suite[] = [
    ...report.units.map(suiteOf),
    ...report.faulty.map(({ file, problems }) => ({
      name: file,
      cases: [
        faultyCase(
          "the test file is valid",
          problems.map((p) => `${file}:${p.line}:${p.column}: ${p.message}`),
        ),
      ],
    })),
  ];
  const all = { name: "ipe test", ...totals(suites.flatMap((suite) => suite.cases)) };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes(all)}>`,
    ...suites.flatMap(suiteLines),
    "</testsuites>",
  ].join("\n");
}

function suiteOf({ name, errors, runs }: UnitReport): Suite {
  const broken = errors === null ? [] : [faultyCase("the policies have no errors", [errors])];
  return { name, cases: [...broken, ...runs.map(caseOf)] };
}

function faultyCase(name: string, lines: readonly string[]): Case {
  const fault = { tag: "error" as const, message: "not valid", text: lines.join("\n") };
  return { name, file: null, line: null, durationMs: 0, fault };
}

function caseOf({ test, outcome, durationMs, problems, differences }: TimedRun): Case {
  const base = { name: test.name, file: test.place.file, line: test.place.line, durationMs };
  if (outcome === "passed") return { ...base, fault: null };
  if (outcome === "faulty")
    return { ...base, fault: { tag: "error", message: "the test cannot be run", text: problems.join("\n") } };
  const message = differences.map(({ what }) => what).join(", ");
  const text = differences.flatMap(differenceLines).join("\n");
  return { ...base, fault: { tag: "failure", message: `other than expected: ${message}`, text } };
}

function differenceLines({ what, policy, expected, got }: Difference): string[] {
  return [
    policy === null ? `${what}:` : `${what} of ${policy}:`,
    ...expected.map((text) => `- expected ${text}`),
    ...got.map((text) => `+ got ${text}`),
  ];
}

// --- XML ---

type Attributes = Readonly<Record<string, string | number | null>>;

function suiteLines({ name, cases }: Suite): string[] {
  return [
    `  <testsuite${attributes({ name, ...totals(cases) })}>`,
    ...cases.flatMap((each) => caseLines(each, name)),
    "  </testsuite>",
  ];
}

function caseLines({ name, file, line, durationMs, fault }: Case, classname: string): string[] {
  const start = `    <testcase${attributes({ name, classname, file, line, time: seconds(durationMs) })}`;
  if (fault === null) return [`${start}/>`];
  const { tag, message, text } = fault;
  return [
    `${start}>`,
    `      <${tag}${attributes({ message, type: tag })}>${escaped(text)}</${tag}>`,
    "    </testcase>",
  ];
}

function totals(cases: readonly Case[]): Attributes {
  const having = (tag: string): number => cases.filter(({ fault }) => fault?.tag === tag).length;
  const time = seconds(cases.reduce((sum, each) => sum + each.durationMs, 0));
  return { tests: cases.length, failures: having("failure"), errors: having("error"), skipped: 0, time };
}

function attributes(values: Attributes): string {
  return Object.entries(values)
    .map(([name, value]) =>
      value === null ? "" : ` ${name}="${escaped(String(value)).replace(/[\t\n]/g, " ")}"`,
    )
    .join("");
}

function seconds(durationMs: number): string {
  return (durationMs / 1000).toFixed(6);
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text for XML 1.0, which has no place for most control characters and for half a surrogate pair. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"]/g, (character) => ESCAPES[character]!);
}
