/** Analyses of a sound document: each is a file, this is their list. They report, and change nothing. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Document } from "../syntax/ast.ts";
import type { Analysis, Subject } from "./analyses/analysis.ts";
import { PolicyFacts } from "./analyses/facts.ts";
import { checkIntents } from "./analyses/intent.ts";
import { checkOwner } from "./analyses/owner.ts";
import { checkRedundant } from "./analyses/redundant.ts";
import { checkShadowed } from "./analyses/shadowed.ts";
import { checkTruths } from "./analyses/truths.ts";
import { turnOff } from "./analyses/turned-off.ts";
import { checkUnused } from "./analyses/unused.ts";
import type { CheckedDocument } from "./check.ts";
import { Worlds } from "./worlds/worlds.ts";

/** `each`: it looks at one policy after the other, and not at one beside another. */
export const ANALYSES: readonly { readonly run: Analysis; readonly each: boolean }[] = [
  { run: checkUnused, each: false },
  { run: checkTruths, each: true },
  { run: checkRedundant, each: true },
  { run: checkShadowed, each: false },
  { run: checkOwner, each: false },
  { run: checkIntents, each: true },
];

/** Run all analyses, then take out what policies turn off. With faults in the document only the latter. */
export function analyse(checked: CheckedDocument, document: Document, report: Diagnostics): void {
  const judged = !report.hasFaults;
  if (judged) {
    const worlds = new Worlds(checked.resolutions);
    const subject: Subject = {
      checked,
      declarations: document.declarations,
      conditions: document.conditions,
      worlds,
      facts: new PolicyFacts(checked.resolutions, worlds),
    };
    for (const { run } of ANALYSES) run(subject, report);
  }
  turnOff(checked.policies, judged, report);
}
