/**
 * `npm test`: types, formatting and lint, then every test. Ends with the line `N passed, N failed, N skipped`.
 * Arguments go to vitest: `npm test -- core/syntax`.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const results = `${root}build/test-results.json`;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
const failedSteps: string[] = [];
const filters = process.argv.slice(2);
if (filters.length === 0) {
  step("types", "node_modules/typescript/bin/tsc", ["--noEmit"]);
  step("formatting and lint", "node_modules/@biomejs/biome/bin/biome", ["check", "--error-on-warnings", "."]);
}
runTests();
// Again, because vitest's report has moved them out of sight.
for (const name of failedSteps) console.log(`${name}: FAILED`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;

/** One tool that is right or wrong as a whole counts as one test. */
function step(name: string, script: string, args: readonly string[]): void {
  console.log(`${name} ...`);
  const ok = node(script, args) === 0;
  if (ok) counts.passed++;
  else {
    counts.failed++;
    failedSteps.push(name);
  }
  console.log(`${name}: ${ok ? "ok" : "FAILED"}`);
}

function runTests(): void {
  mkdirSync(`${root}build`, { recursive: true });
  rmSync(results, { force: true });
  const code = node("node_modules/vitest/vitest.mjs", [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${results}`,
    ...filters,
  ]);
  const report = readResults();
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests;
  counts.skipped += report.numPendingTests + report.numTodoTests;
  // A file that cannot even be loaded, or an error outside of any test, fails the run without a failed test.
  if (code !== 0 && report.numFailedTests === 0) counts.failed++;
}

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

function readResults(): Results {
  try {
    return JSON.parse(readFileSync(results, "utf8")) as Results;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  }
}

function node(script: string, args: readonly string[]): number {
  return (
    spawnSync(process.execPath, [`${root}${script}`, ...args], { cwd: root, stdio: "inherit" }).status ?? 1
  );
}
