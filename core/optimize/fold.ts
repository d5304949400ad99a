/**
 * Constants in `and` and `or`: true and false are neutral and decisive there, also beside an unknown. A quantifier keeps
 * a constant body, since an unknown list makes it unknown; so does every test of a value.
 */
import type { Condition } from "../plan/plan.ts";
import { joined, withParts } from "./conditions.ts";

export function fold(c: Condition): Condition {
  const folded = withParts(c, fold);
  if (folded.kind !== "and" && folded.kind !== "or") return folded;
  const decisive = folded.kind === "or";
  const left = folded.parts.filter((part) => part.kind !== "constant" || part.value === decisive);
  if (left.length === 0) return { kind: "constant", value: !decisive };
  return left.find((part) => part.kind === "constant") ?? joined(folded.kind, left);
}
