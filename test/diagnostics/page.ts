/** docs/diagnostics.md, made of the cases of this folder. Run as a program (`npm run gen`) it writes the page. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DIAGNOSTICS, type DiagnosticId, HINTS, WARNINGS } from "../../core/source/ids.ts";
import { caseText } from "./cases.ts";

const folder = new URL("./", import.meta.url);
export const PAGE = fileURLToPath(new URL("../../docs/diagnostics.md", import.meta.url));
/** Of longer examples the middle is left out: what they are about is their size. */
const LINES_MAX = 45;
const LAST_LINES = 6;
const WIDTH_MAX = 160;

/** The page as it must be. */
export function diagnosticsPage(): string {
  const ids = Object.keys(DIAGNOSTICS).sort() as DiagnosticId[];
  return [
    "# Diagnostics",
    "",
    "Every message of the compiler by its id, with a policy text that gives it and what is then printed. Generated from the golden files in",
    "`test/diagnostics` by `npm run gen`. What errors, warnings and hints are, and how a policy turns a warning off, is in",
    "[language.md](language.md#warnings-and-hints).",
    "",
    ids.map((id) => `[${id}](#${id})`).join(" · "),
    ...ids.flatMap(entry),
    "",
  ].join("\n");
}

function entry(id: DiagnosticId): string[] {
  const [meaning, advice] = DIAGNOSTICS[id];
  const printed = readFileSync(new URL(`${id}.txt`, folder), "utf8");
  return [
    "",
    `## ${id}`,
    "",
    `${levelOf(id)}: ${meaning}. What to do: ${advice}.`,
    "",
    ...fenced(caseText(id)),
    "",
    ...fenced(printed),
  ];
}

function levelOf(id: DiagnosticId): string {
  const isIn = (list: readonly string[]): boolean => list.includes(id);
  if (isIn(WARNINGS)) return isIn(HINTS) ? "Warning or hint" : "Warning";
  return isIn(HINTS) ? "Hint" : "Error";
}

/** As code; what a reader could not see is shown as an escape. */
function fenced(text: string): string[] {
  const lines = text.trimEnd().split("\n");
  const rest = lines.length > LINES_MAX ? lines.length - LINES_MAX : 0;
  const kept = rest === 0 ? lines : [...lines.slice(0, LINES_MAX - LAST_LINES), `… (${rest} more lines)`];
  const shown = [...kept, ...(rest === 0 ? [] : lines.slice(-LAST_LINES))].map((line) => {
    const visible = line.replace(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]/g,
      (c) => `<U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}>`,
    );
    return visible.length > WIDTH_MAX ? `${visible.slice(0, WIDTH_MAX)}…` : visible;
  });
  const longest = Math.max(3, ...shown.flatMap((line) => (/^`{3,}/.exec(line) ? [line.length + 1] : [])));
  const fence = "`".repeat(longest);
  return [`${fence}text`, ...shown, fence];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, diagnosticsPage());
