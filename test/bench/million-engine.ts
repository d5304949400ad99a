/** An engine of a million policies, in a process that has nothing else: `million.ts` starts it with the bundle's path. */
import { createEngine } from "../../core/runtime/engine.ts";
import { BundleFile } from "../../plugins/cli/bundle-file.ts";
import { Random } from "../differential/random.ts";
import { measured, requestOf, TENANTS_OF_A_MILLION } from "./many.ts";
import { line, time } from "./rounds.ts";

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
  const { length } = made.engine.program.policies;
  const { median, p99 } = measured(made.engine, TENANTS_OF_A_MILLION);
  line("1,000,000 policies: looked up", time(median), `p99 ${time(p99)}`);
  const start = performance.now();
  const trees = made.engine.trees(requestOf(new Random(1), TENANTS_OF_A_MILLION), `P${length - 1}`);
  if (trees === null) throw new Error(`no policy P${length - 1}`);
  line("1,000,000 policies: the tree of one, read from the file", time((performance.now() - start) * 1e6));
}

/** Megabytes, after what is garbage is collected. */
function rss(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

measure(process.argv[2]!);
