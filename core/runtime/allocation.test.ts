import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("allocation.fixture.ts", import.meta.url));
const FLAGS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];
/** A single number that is boxed takes 16 bytes. */
const BYTES_MAX = 1;

interface Measured {
  readonly evaluations: Readonly<Record<string, number>>;
  readonly object: number;
}

describe("evaluation allocates nothing", () => {
  const measured = JSON.parse(
    execFileSync(process.execPath, [...FLAGS, SCRIPT], { encoding: "utf8" }),
  ) as Measured;

  it("where an object would be seen", () => {
    expect(measured.object).toBeGreaterThan(16);
    expect(Object.keys(measured.evaluations).length).toBeGreaterThan(5);
  });

  it.each(Object.entries(measured.evaluations))("%s", (_, bytes) => {
    expect(bytes).toBeLessThan(BYTES_MAX);
  });
});
