/** The README shows real output: its commands are run, in a copy of what they read. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { transcriptsOf } from "./transcripts.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

function run(folder: string, command: string): string {
  try {
    return execFileSync("sh", ["-c", command], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (problem) {
    // `explain` of a denial ends with 3.
    const { status, stdout } = problem as { status: number; stdout: string };
    expect(status, command).toBe(3);
    return stdout;
  }
}

test("its commands print what it says", () => {
  const folder = mkdtempSync(join(tmpdir(), "ipe-readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
  symlinkSync(join(root, "bin"), join(folder, "bin"));
  const shown = transcriptsOf(readme);
  expect(shown.length).toBeGreaterThan(1);
  for (const { command, output } of shown) expect(run(folder, command), command).toBe(output);
});

test("its policy is the example's", () => {
  const policy = /^```ipe\n(.*?)^```/ms.exec(readme)![1];
  expect(policy).toBe(readFileSync(join(root, "examples/orders/orders.ipe"), "utf8"));
});

test("its two commands are scripts of the package", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const command of [
    "npm ci && npm start",
    "npm ci && npm test",
    "npm run conformance",
    "npm run bench",
  ]) {
    expect(readme).toContain(command);
    const name = command.split(" ").at(-1)!;
    expect(scripts[name], name).toBeDefined();
  }
});
