/** docs/benchmarks.md: each part that measures for it writes a section of its own, and leaves the rest as it is. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";

const PAGE = fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url));

export type SectionName = "engines" | "doors";

export interface Machine {
  readonly cpu: string;
  readonly threads: number;
  readonly platform: string;
  readonly node: string;
  /** Of the minute before. */
  readonly load: number;
}

export function machineNow(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    threads: availableParallelism(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    load: loadavg()[0]!,
  };
}

/** Sentences about where something was measured. */
export function measuredOn({ cpu, threads, platform, node, load }: Machine): string {
  return `Measured on ${cpu}, ${threads} threads, ${platform}, Node ${node.replace(/^v/, "")}; load average ${load.toFixed(1)} before it began: where that is
  not near zero other work ran beside it, and the spread is wide. Only the ratios within a table mean something elsewhere.`;
}

export function writeSection(name: SectionName, text: string): void {
  writeFileSync(PAGE, withSection(readFileSync(PAGE, "utf8"), name, text));
  console.log(`written: docs/benchmarks.md, ${name}`);
}

/**
 * A page with another text between the lines that begin and end a section.
 *
 * @throws where they are not there
 */
export function withSection(page: string, name: SectionName, text: string): string {
  const begin = `<!-- Written by \`npm run bench -- ${name} --write\`. Do not edit up to the end of ${name}. -->\n`;
  const end = `<!-- The end of ${name}. -->\n`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from)
    throw new Error(
      `docs/benchmarks.md has no section ${name}: put these two lines into it:\n${begin}${end}`,
    );
  return `${page.slice(0, from + begin.length)}\n${text.trim()}\n\n${page.slice(to)}`;
}
