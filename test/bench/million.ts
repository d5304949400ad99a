/**
 * A million policies of a few shapes, from a bundle in a file: what an engine of them keeps in memory, and what a decision
 * takes. Writing the bundle takes minutes and gigabytes, so a process of its own does that, and another one measures.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "../../core/bytecode/encode.ts";
import { check } from "../../core/check/check.ts";
import { expand } from "../../core/expand/expand.ts";
import { lower } from "../../core/plan/lower.ts";
import { optimized } from "../../core/savings.ts";
import { Diagnostics } from "../../core/source/diagnostics.ts";
import { parse } from "../../core/syntax/parse.ts";
import { HEAD, policyText, TENANTS_OF_A_MILLION } from "./many.ts";
import { line } from "./rounds.ts";

const COUNT = Number(process.env.COUNT ?? 1_000_000);
/** Policies that are checked together; of the plans of all parts one is made. */
const PART = 20_000;

export function benchMillion(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ipe-million-"));
  try {
    const bundle = join(folder, "million.bundle");
    const run = (script: string, ...options: string[]): void => {
      const path = fileURLToPath(new URL(script, import.meta.url));
      execFileSync(process.execPath, [...options, path, bundle], { stdio: "inherit" });
    };
    run("million.ts", "--max-old-space-size=14000");
    run("million-engine.ts", "--expose-gc");
  } finally {
    rmSync(folder, { recursive: true });
  }
  return Promise.resolve();
}

function write(path: string): void {
  const plans = Array.from({ length: COUNT / PART }, (_, part) => {
    process.stderr.write(`\rchecked ${part * PART} of ${COUNT} policies`);
    const text =
      HEAD +
      Array.from({ length: PART }, (_, i) => policyText(part * PART + i, TENANTS_OF_A_MILLION)).join("\n");
    const report = new Diagnostics({});
    const plan = lower(check(expand(parse([{ name: "million.ipe", text }], report), report), report));
    if (report.hasErrors)
      throw new Error(
        report
          .list()
          .map(({ message }) => message)
          .join(),
      );
    return plan;
  });
  process.stderr.write("\rencoding                              ");
  const policies = plans.flatMap((plan) => plan.policies).sort((a, b) => (a.name < b.name ? -1 : 1));
  // The parts declare the same attributes, so their cells are the same.
  const plan = { ...plans[0]!, policies };
  const encoded = encode(plan, optimized());
  if (!encoded.ok) throw new Error(encoded.problem);
  process.stderr.write("\r                                      \r");
  writeFileSync(path, encoded.bundle);
  line(
    "1,000,000 policies: bundle",
    `${encoded.bundle.length} bytes`,
    `${encoded.bundle.length / COUNT} a policy`,
  );
}

const [, script, path] = process.argv;
if (script === fileURLToPath(import.meta.url)) write(path!);
