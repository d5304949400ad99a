/** What changed between two texts, as a unified diff. */

/** Lines shown around a change. */
const CONTEXT = 3;
/** Lines that are looked at for the end of a change; a longer one is shown as several. */
const WINDOW = 200;

/** A run of lines that differ: `[start, end)` in both texts. */
interface Change {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
}

/** Empty where the texts are equal. Both names are shown as they are. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return "";
  const a = linesOf(before);
  const b = linesOf(after);
  const hunks = together(changesOf(a, b)).map((changes) => hunkText(changes, a, b));
  return [`--- ${name}`, `+++ ${name}`, ...hunks].join("\n");
}

/** A text that does not end with a line end says so, as `diff` does. */
function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") return lines.slice(0, -1);
  return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`];
}

function changesOf(a: readonly string[], b: readonly string[]): Change[] {
  const changes: Change[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && a[i] === b[j]) {
      i++;
      j++;
      continue;
    }
    let [oldLines, newLines] = toNextCommonLine(a, i, b, j);
    while (oldLines > 0 && newLines > 0 && a[i + oldLines - 1] === b[j + newLines - 1]) {
      oldLines--;
      newLines--;
    }
    changes.push({ oldStart: i, oldEnd: i + oldLines, newStart: j, newEnd: j + newLines });
    i += oldLines;
    j += newLines;
  }
  return changes;
}

/** How many lines of both to pass over, as few as can be. Blank lines are equal everywhere and say nothing. */
function toNextCommonLine(
  a: readonly string[],
  i: number,
  b: readonly string[],
  j: number,
): [oldLines: number, newLines: number] {
  const oldMax = Math.min(WINDOW, a.length - i);
  const newMax = Math.min(WINDOW, b.length - j);
  for (let sum = 1; sum <= oldMax + newMax; sum++) {
    for (let skipped = Math.max(0, sum - newMax); skipped <= Math.min(sum, oldMax); skipped++) {
      const line = a[i + skipped];
      if (line !== undefined && line.trim() !== "" && line === b[j + sum - skipped])
        return [skipped, sum - skipped];
    }
  }
  return [oldMax, newMax];
}

/** Changes whose surroundings touch stand in one hunk. */
function together(changes: readonly Change[]): Change[][] {
  const hunks: Change[][] = [];
  for (const change of changes) {
    const last = hunks.at(-1)?.at(-1);
    if (last !== undefined && change.oldStart - last.oldEnd <= 2 * CONTEXT) hunks.at(-1)!.push(change);
    else hunks.push([change]);
  }
  return hunks;
}

function hunkText(changes: readonly Change[], a: readonly string[], b: readonly string[]): string {
  const first = changes[0]!;
  const last = changes.at(-1)!;
  const lead = Math.min(CONTEXT, first.oldStart);
  const start = first.oldStart - lead;
  const end = Math.min(a.length, last.oldEnd + CONTEXT);
  const newStart = first.newStart - lead;
  const newEnd = last.newEnd + (end - last.oldEnd);
  const out = [`@@ -${range(start, end)} +${range(newStart, newEnd)} @@`];
  let at = start;
  for (const change of changes) {
    out.push(...a.slice(at, change.oldStart).map((line) => ` ${line}`));
    out.push(...a.slice(change.oldStart, change.oldEnd).map((line) => `-${line}`));
    out.push(...b.slice(change.newStart, change.newEnd).map((line) => `+${line}`));
    at = change.oldEnd;
  }
  out.push(...a.slice(at, end).map((line) => ` ${line}`));
  return out.join("\n");
}

/** First line and number of lines; of an empty range the line before it. */
function range(start: number, end: number): string {
  return `${end === start ? start : start + 1},${end - start}`;
}
