/** What `ipe diff` says of two programs, in a few lines: for records, which must not grow with the policies. */
import {
  type NamedChange,
  type PartChange,
  type Program,
  printable,
  programChanges,
} from "../../../core/index.ts";

const LINES_MAX = 40;
const LINE_CHARACTERS_MAX = 200;
/** Comparing more takes longer than decisions should wait. */
const POLICIES_MAX = 2_000;

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

/** Lines such as `~ policy Orders: trigger, severity: high -> low`; none where nothing differs but layout and tests. */
export function changesText(from: Program, to: Program): string[] {
  const policies = Math.max(from.policies.length, to.policies.length);
  if (policies > POLICIES_MAX) return [`not compared: ${policies} policies; ipe diff does it`];
  const lines = changeLines(from, to);
  if (lines.length <= LINES_MAX) return lines;
  return [...lines.slice(0, LINES_MAX), `and ${lines.length - LINES_MAX} more`];
}

/** Trees and intents of a large bundle are read from its file, which may have been spoilt since. */
function changeLines(from: Program, to: Program): string[] {
  try {
    const { policies, attributes, resources, enums, ...settings } = programChanges(from, to);
    return [
      ...linesOf("policy", policies),
      ...linesOf("attribute", attributes),
      ...linesOf("resource", resources),
      ...linesOf("enum", enums),
      ...Object.values(settings).flatMap((part) => (part === null ? [] : [bounded(`~ ${partText(part)}`)])),
    ];
  } catch (problem) {
    return [bounded(`not compared: ${problem instanceof Error ? problem.message : String(problem)}`)];
  }
}

function linesOf(kind: string, changes: readonly NamedChange[]): string[] {
  return changes.map(({ name, change, parts }) => {
    const what = parts.length === 0 ? "" : `: ${parts.map(partText).join(", ")}`;
    return bounded(`${MARKS[change]} ${kind} ${name}${what}`);
  });
}

/** Code does not read well as text. */
function partText({ part, from, to }: PartChange): string {
  if (part === "trigger" || part === "requirement") return part;
  return `${part}: ${from ?? "none"} -> ${to ?? "none"}`;
}

function bounded(text: string): string {
  const line = printable(text.replaceAll("\n", ", "));
  return line.length <= LINE_CHARACTERS_MAX ? line : `${line.slice(0, LINE_CHARACTERS_MAX)} ...`;
}
