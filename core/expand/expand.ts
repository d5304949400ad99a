/**
 * Reuse: named conditions and templates become part of the policies that use them, so that no later stage knows of
 * them. What is put in keeps its own spans: reasons and diagnostics point at the text of the condition or template.
 */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Declaration, Document } from "../syntax/ast.ts";
import { Conditions } from "./conditions.ts";
import { Copier } from "./copy.ts";
import { KnownNames } from "./names.ts";
import { Templates } from "./templates.ts";

/**
 * A document without conditions, templates and uses of them; problems go to `report`. What none of the policies would
 * show the later stages, they find in `conditions` and `typed`: also an unused condition is checked.
 */
export function expand(document: Document, report: Diagnostics): Document {
  return inSets(reused(document, report));
}

/** Policies of a set are named with it, so that one name may stand in several sets. */
function inSets(document: Document): Document {
  if (!document.declarations.some((d) => d.kind === "set")) return document;
  const declarations = document.declarations.map((d): Declaration => {
    if ((d.kind !== "policy" && d.kind !== "guard") || d.set === null) return d;
    return { ...d, name: { ...d.name, text: `${d.set.value}/${d.name.text}` } };
  });
  return { ...document, declarations };
}

function reused(document: Document, report: Diagnostics): Document {
  const { declarations, faulty } = document;
  if (!declarations.some(isReused) && !faulty.some((f) => f.kind === "condition")) return document;
  const names = new KnownNames(document, report);
  const copier = new Copier(names, report);
  const conditions = new Conditions(document, copier, names, report);
  const templates = new Templates(document, copier, names, report);
  const expanded = declarations.flatMap((d): Declaration[] => {
    if (d.kind === "condition" || d.kind === "template") return [];
    return [d.kind === "policy" || d.kind === "guard" ? templates.policy(d) : d];
  });
  conditions.warnOfUnused();
  templates.warnOfUnused();
  return {
    declarations: expanded,
    faulty,
    conditions: [...document.conditions, ...conditions.bodies, ...templates.bodies],
    typed: [...document.typed, ...templates.typed],
  };
}

/** Policies that use a template that is not there have to be looked at, too. */
function isReused(d: Declaration): boolean {
  if (d.kind === "policy" || d.kind === "guard") return d.use !== null;
  return d.kind === "condition" || d.kind === "template";
}
