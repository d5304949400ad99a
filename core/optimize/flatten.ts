/**
 * Negations move to the tests by De Morgan's laws, which Kleene's logic has (`not any` becomes `all ... not`), and an
 * `and` in an `and` becomes one. The other passes rely on this form.
 */
import type { Condition } from "../plan/plan.ts";
import { dual, joined, negatedIf, withParts } from "./conditions.ts";

export function flatten(c: Condition): Condition {
  return flattened(c, false);
}

function flattened(c: Condition, negated: boolean): Condition {
  switch (c.kind) {
    case "and":
    case "or":
      return joined(
        negated ? dual(c.kind) : c.kind,
        c.parts.map((part) => flattened(part, negated)),
      );
    case "not":
      return flattened(c.operand, !negated);
    case "constant":
      return negated ? { ...c, value: !c.value } : c;
    case "any":
    case "all":
      return {
        ...c,
        kind: (c.kind === "any") !== negated ? "any" : "all",
        body: flattened(c.body, negated),
      };
    default:
      return negatedIf(
        negated,
        withParts(c, (body) => flattened(body, false)),
      );
  }
}
