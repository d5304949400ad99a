/** The tests that a policy set brings with it, run before it is put in force. */
import { type Engine, type PolicyTest, printable, runTest, type TestRun } from "../../../core/index.ts";

/** `none`: it brings none; `skipped`: nobody wants them run. */
export type TestsRun = "none" | "skipped" | { readonly passed: number; readonly failed: number };

export interface FailedTest {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** What was expected and what came, or why it cannot be run; one text each. */
  readonly problems: readonly string[];
}

export interface Tested {
  readonly run: TestsRun;
  readonly failed: readonly FailedTest[];
}

export function testPolicies(tests: readonly PolicyTest[] | null, engine: Engine): Tested {
  if (tests === null || tests.length === 0) return { run: "none", failed: [] };
  const failed = tests.map((test) => runTest(test, engine)).filter(({ outcome }) => outcome !== "passed");
  return {
    run: { passed: tests.length - failed.length, failed: failed.length },
    failed: failed.map(failedTest),
  };
}

function failedTest({ test: { name, place }, problems, differences }: TestRun): FailedTest {
  const differs = differences.map(({ what, policy, expected, got }) => {
    const subject = policy === null ? what : `${what} of ${policy}`;
    return `${subject}: expected ${listText(expected)}, got ${listText(got)}`;
  });
  return { name, file: place.file, line: place.line, problems: [...problems, ...differs] };
}

function listText(texts: readonly string[]): string {
  return texts.length === 0 ? "nothing more" : texts.map(printable).join(", ");
}

/** One line for each test that failed. */
export function failedText(failed: readonly FailedTest[]): string {
  return failed
    .map(
      ({ name, file, line, problems }) =>
        `${printable(file)}:${line}: test "${printable(name)}" failed: ${problems.join("; ")}`,
    )
    .join("\n");
}

/** `12 tests passed`, for messages. */
export function testsText(run: TestsRun): string {
  if (run === "none") return "it has no tests of its own";
  if (run === "skipped") return "its tests were not run";
  const { passed, failed } = run;
  return failed === 0 ? `${passed} ${tests(passed)} passed` : `${failed} of ${passed + failed} tests failed`;
}

function tests(count: number): string {
  return count === 1 ? "test" : "tests";
}
