/** Whoever is denied wants to know whom to ask. */
import type { Diagnostics } from "../../source/diagnostics.ts";
import type { Subject } from "./analysis.ts";

/**
 * `missing-owner`: a policy that can deny names no `owner`. Where others of the bundle name theirs it is a warning: it was
 * forgotten. In a bundle without owners one hint is enough.
 */
export function checkOwner({ checked, facts }: Subject, report: Diagnostics): void {
  const namesOwners = checked.policies.some((policy) => facts.hasOwner(policy));
  const ownerless = checked.policies.filter(
    (policy) =>
      (policy.effect?.kind === "denies" || policy.effect?.kind === "requires") &&
      !facts.hasOwner(policy) &&
      facts.isEnforced(policy),
  );
  const advice = "say in its `metadata` whom to ask: `owner: team-name`";
  if (namesOwners) {
    for (const { name } of ownerless)
      report.warning("missing-owner", name.span, `\`${name.text}\` can deny and has no owner`, advice);
    return;
  }
  const [first] = ownerless;
  if (first !== undefined)
    report.hint(
      "missing-owner",
      first.name.span,
      "no policy of this bundle names an owner, and some can deny",
      advice,
    );
}
