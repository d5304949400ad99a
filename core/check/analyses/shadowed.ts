/** Policies that say what others say already, or that others never let speak. */
import type { Diagnostics } from "../../source/diagnostics.ts";
import type { PolicyDeclaration } from "../../syntax/ast.ts";
import { canAllow, precedes } from "../policies.ts";
import type { Worlds } from "../worlds/worlds.ts";
import type { Subject } from "./analysis.ts";
import { lookUpsIn, type PolicyFacts } from "./facts.ts";

/** Pairs that are compared in one bundle; policies that share no attribute are not compared anyway. */
const PAIRS_MAX = 50_000;

/** `duplicate-policy`, `shadowed-policy` (a warning; a hint for denials behind others). */
export function checkShadowed(subject: Subject, report: Diagnostics): void {
  const { checked } = subject;
  const none = checked.policies.filter((policy) => policy.set === null);
  checkTogether({ beside: [], policies: none }, subject, report);
  if (checked.schema.sets === null) return;
  for (const policies of Map.groupBy(checked.policies, ({ set }) => set?.value ?? null).entries())
    if (policies[0] !== null) checkTogether({ beside: none, policies: policies[1] }, subject, report);
}

/**
 * Policies of one set, or of none, and those that judge with them wherever they do. Of a policy of no set nothing follows
 * from what one set says.
 */
interface Group {
  readonly beside: readonly PolicyDeclaration[];
  readonly policies: readonly PolicyDeclaration[];
}

function checkTogether({ beside, policies }: Group, { worlds, facts }: Subject, report: Diagnostics): void {
  const enforced = policies.filter((policy) => facts.isEnforced(policy));
  const others = beside.filter((policy) => facts.isEnforced(policy));
  const duplicates = checkDuplicates(others, enforced, facts, report);
  // One that is off when it has expired silences nobody then.
  const denying = [...others, ...enforced].filter(
    (policy) => policy.effect?.kind === "denies" && policy.onExpiry === null,
  );
  if (denying.length === 0) return;
  const always = denying.find((policy) => policy.trigger === null);
  if (always !== undefined) {
    if (enforced.some(canAllow))
      report.warning(
        "shadowed-policy",
        always.name.span,
        `\`${always.name.text}\` denies every request, so no other policy ever allows one`,
        "give it a trigger, or remove it",
      );
    return;
  }
  const deniers = new Deniers(denying, facts);
  for (const policy of enforced) {
    if (duplicates.has(policy)) continue;
    if (canAllow(policy)) checkAllowing(policy, deniers, facts, report);
    else if (policy.effect?.kind === "denies" && report.hints) checkDenying(policy, deniers, worlds, report);
  }
}

/** The policies that repeat one beside them, or an earlier one. */
function checkDuplicates(
  beside: readonly PolicyDeclaration[],
  policies: readonly PolicyDeclaration[],
  facts: PolicyFacts,
  report: Diagnostics,
): ReadonlySet<PolicyDeclaration> {
  const first = new Map<string, PolicyDeclaration>();
  const found = new Set<PolicyDeclaration>();
  for (const policy of [...beside, ...policies]) {
    const key = facts.saying(policy);
    if (key === null) continue;
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, policy);
      continue;
    }
    // Those beside are compared with each other where they are at home.
    if (policy.set === null && beside.length > 0) continue;
    found.add(policy);
    report.warning(
      "duplicate-policy",
      policy.name.span,
      `\`${policy.name.text}\` says the same as \`${other.name.text}\``,
      "remove one of them",
    );
  }
  return found;
}

function checkAllowing(
  policy: PolicyDeclaration,
  deniers: Deniers,
  facts: PolicyFacts,
  report: Diagnostics,
): void {
  const lookUps = facts.lookUps(policy);
  // Without a condition nothing is implied; without a world it is never satisfied, which is reported as such.
  if (lookUps === null) return;
  const other = deniers.first(lookUps, (denier) => facts.covers(policy, denier));
  if (other === null) return;
  report.warning(
    "shadowed-policy",
    policy.name.span,
    `\`${policy.name.text}\` never allows anything: wherever it would, \`${other.name.text}\` denies`,
    "let their triggers differ, or remove one of them",
  );
}

function checkDenying(
  policy: PolicyDeclaration,
  deniers: Deniers,
  worlds: Worlds,
  report: Diagnostics,
): void {
  const { trigger } = policy;
  if (trigger === null || !worlds.can(trigger, "true")) return;
  const other = deniers.first(
    lookUpsIn(worlds.of(trigger, "true")[0]!),
    (denier) =>
      precedes(denier, policy) &&
      // Where both are true, or both unknown, the answer is that of the first.
      !worlds.canAll([
        [trigger, "true"],
        [denier.trigger!, "not-true"],
      ]) &&
      !worlds.canAll([
        [trigger, "not-false"],
        [denier.trigger!, "false"],
      ]),
  );
  if (other === null) return;
  report.hint(
    "shadowed-policy",
    policy.name.span,
    `\`${policy.name.text}\` decides nothing: \`${other.name.text}\` comes before it and denies all that it denies`,
    "remove it, or narrow the other one",
  );
}

/**
 * Policies that deny, by what their triggers read: one can only cover a policy that speaks of the same things.
 * INVARIANT: a denier whose trigger is true wherever a policy is satisfied has each world of its falsehood ruled out by
 * something that the policy says; so it is found under what one of them is about.
 */
class Deniers {
  readonly #found = new Map<string, PolicyDeclaration[]>();
  #pairs = 0;

  constructor(denying: readonly PolicyDeclaration[], facts: PolicyFacts) {
    for (const denier of denying) {
      for (const key of facts.keys(denier)) {
        const list = this.#found.get(key);
        if (list === undefined) this.#found.set(key, [denier]);
        else list.push(denier);
      }
    }
  }

  first(
    lookUps: readonly string[],
    covers: (denier: PolicyDeclaration) => boolean,
  ): PolicyDeclaration | null {
    let seen: Set<PolicyDeclaration> | null = null;
    for (const key of lookUps) {
      for (const denier of this.#found.get(key) ?? NOBODY) {
        seen ??= new Set();
        if (seen.has(denier)) continue;
        seen.add(denier);
        if (++this.#pairs > PAIRS_MAX) return null;
        if (covers(denier)) return denier;
      }
    }
    return null;
  }
}

const NOBODY: readonly PolicyDeclaration[] = [];
