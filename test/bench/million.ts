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
import { createEngine } from "../../core/index.ts";
import { lower } from "../../core/plan/lower.ts";
import { optimized } from "../../core/savings.ts";
import { Diagnostics } from "../../core/source/diagnostics.ts";
import { parse } from "../../core/syntax/parse.ts";
import { BundleFile } from "../../plugins/cli/bundle-file.ts";
import { Random } from "../differential/random.ts";
import { line, time } from "./rounds.ts";
import { HEAD, measured, policyText, requestOf } from "./selection.ts";

const COUNT = Number(process.env.COUNT ?? 1_000_000);
const TENANTS = COUNT / 40;
/** Policies that are checked together; of the plans of all parts one is made. */
const PART = 20_000;

export function benchMillion(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ipe-million-"));
  try {
    const bundle = join(folder, "million.bundle");
    const self = fileURLToPath(import.meta.url);
    const run = (memory: string, ...args: string[]): void => {
      execFileSync(process.execPath, ["--expose-gc", `--max-old-space-size=${memory}`, self, ...args], {
        stdio: "inherit",
      });
    };
    run("14000", "write", bundle);
    run("1000", "measure", bundle);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return Promise.resolve();
}

function write(path: string): void {
  const plans = Array.from({ length: COUNT / PART }, (_, part) => {
    process.stderr.write(`\rchecked ${part * PART} of ${COUNT} policies`);
    const text =
      HEAD + Array.from({ length: PART }, (_, i) => policyText(part * PART + i, TENANTS)).join("\n");
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
  const encoded = encode(plan, optimized(plan));
  if (!encoded.ok) throw new Error(encoded.problem);
  process.stderr.write("\r                                      \r");
  writeFileSync(path, encoded.bundle);
  line(
    "1,000,000 policies: bundle",
    `${encoded.bundle.length} bytes`,
    `${encoded.bundle.length / COUNT} a policy`,
  );
}

function measure(path: string): void {
  const before = rss();
  const started = process.cpuUsage();
  const made = createEngine(new BundleFile(path));
  const { user, system } = process.cpuUsage(started);
  if (!made.ok) throw new Error(made.error);
  line("1,000,000 policies: verify and index, CPU", time((user + system) * 1e3));
  const peak = process.resourceUsage().maxRSS / 1024;
  line(
    "1,000,000 policies: resident memory",
    `${rss()} MB`,
    `${before} MB before, ${Math.round(peak)} MB at most`,
  );
  const { median, p99 } = measured(made.engine, TENANTS);
  line("1,000,000 policies: looked up", time(median), `p99 ${time(p99)}`);
  const start = performance.now();
  const trees = made.engine.trees(requestOf(new Random(1), TENANTS), "P500000");
  if (trees === null) throw new Error("no policy P500000");
  line("1,000,000 policies: the tree of one, read from the file", time((performance.now() - start) * 1e6));
}

/** Megabytes, after what is garbage is collected. */
function rss(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

const [, script, what, path] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  if (what === "write") write(path!);
  else measure(path!);
}
