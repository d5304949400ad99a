/** Policy text to syntax trees. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Source } from "../source/source.ts";
import type { Declaration, Document } from "./ast.ts";
import { parseAll } from "./imports.ts";

/** Parse all sources, and what they import, into one document. Errors go to `report`; what could be parsed is returned all the same. */
export function parse(sources: readonly Source[], report: Diagnostics): Document {
  const parsed = parseAll(sources, report);
  const declarations = parsed.flatMap((document) => document.declarations);
  if (!report.hasFaults && !declarations.some(decides)) warnOfNothing(sources, declarations, report);
  return { declarations, faulty: parsed.flatMap((document) => document.faulty), conditions: [], typed: [] };
}

function decides({ kind }: Declaration): boolean {
  return kind === "policy" || kind === "guard";
}

/** A bundle without policies is most often a mistake of whoever passed the files. */
function warnOfNothing(
  sources: readonly Source[],
  declarations: readonly Declaration[],
  report: Diagnostics,
): void {
  const source = sources[0];
  if (source === undefined) return;
  const allows = declarations.some((d) => d.kind === "default" && d.allow);
  report.warning(
    "no-policies",
    { source, start: 0, end: 0 },
    `there are no policies: every request is ${allows ? "allowed" : "denied"}`,
    "write a `policy`, or pass the files that hold them",
  );
}
