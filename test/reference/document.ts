/** Policy text to a checked document by the front end alone, so that the reference needs no bundle. */
import { type CheckedDocument, check } from "../../core/check/check.ts";
import { expand } from "../../core/expand/expand.ts";
import { Diagnostics, renderDiagnostic } from "../../core/source/diagnostics.ts";
import { parse } from "../../core/syntax/parse.ts";

/** The checked document of one policy text. Throws when the checker refuses it. */
export function documentOf(text: string): CheckedDocument {
  const report = new Diagnostics();
  const checked = check(expand(parse([{ name: "policy.ipe", text }], report), report), report);
  const errors = report.list().filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((d) => renderDiagnostic(d)).join("\n"));
  return checked;
}
