/** Parts of conditions that change nothing. */
import type { Diagnostics } from "../../source/diagnostics.ts";
import type { Expression } from "../../syntax/ast.ts";
import { nodesOf } from "../../syntax/walk.ts";
import { conditionsOf } from "../policies.ts";
import type { Worlds } from "../worlds/worlds.ts";
import { isOwn, partsOf, quoted, type Subject } from "./analysis.ts";

/** Of longer chains each part would be compared with too many others. */
const PARTS_MAX = 24;

/** `redundant-condition` (hint). */
export function checkRedundant({ checked, worlds }: Subject, report: Diagnostics): void {
  if (!report.hints) return;
  for (const policy of checked.policies) {
    worlds.forget();
    for (const condition of conditionsOf(policy)) {
      const joined = new Set<Expression>();
      for (const node of nodesOf(condition)) {
        if ((node.kind !== "and" && node.kind !== "or") || joined.has(node)) continue;
        for (const part of node.parts) if (part.kind === node.kind) joined.add(part);
        const parts = partsOf(node, node.kind);
        // What comes from a condition or template is there for others too.
        if (parts.every((part) => isOwn(policy, part))) checkParts(parts, node.kind, worlds, report);
      }
    }
  }
}

/** The last of several that say the same is the one that is too many. */
function checkParts(
  parts: readonly Expression[],
  kind: "and" | "or",
  worlds: Worlds,
  report: Diagnostics,
): void {
  if (parts.length > PARTS_MAX || !parts.every((part) => isPlain(part, worlds))) return;
  const left = new Set(parts);
  for (const part of parts.toReversed()) {
    left.delete(part);
    if (left.size > 0 && isImplied(part, [...left], kind, worlds)) {
      const because = [...left].find((other) => isImplied(part, [other], kind, worlds));
      report.hint(
        "redundant-condition",
        part.span,
        because === undefined
          ? `${quoted(part)} changes nothing: the other parts decide the same without it`
          : `${quoted(part)} changes nothing beside ${quoted(because)}`,
        "remove it",
      );
    } else left.add(part);
  }
}

/** Without a part that is always or never so: those are reported as such. */
function isPlain(e: Expression, worlds: Worlds): boolean {
  return e.kind !== "bool" && worlds.can(e, "true") && worlds.can(e, "false");
}

/** The others are true, false and unknown exactly where they are together with the part. */
function isImplied(
  part: Expression,
  others: readonly Expression[],
  kind: "and" | "or",
  worlds: Worlds,
): boolean {
  const all = (being: "true" | "not-true" | "false" | "not-false") =>
    others.map((other) => [other, being] as const);
  // An `or` of the others that is not true has no part that is true.
  return kind === "and"
    ? !worlds.canAll([...all("true"), [part, "not-true"]]) &&
        !worlds.canAll([...all("not-false"), [part, "false"]])
    : !worlds.canAll([...all("not-true"), [part, "true"]]) &&
        !worlds.canAll([...all("false"), [part, "not-false"]]);
}
