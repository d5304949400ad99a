/** Policies that say what others say already, or that others never let speak. */
import type { Diagnostics } from "../../source/diagnostics.ts";
import type { Expression, PolicyDeclaration } from "../../syntax/ast.ts";
import { canAllow, expiryOf, metadataOf, precedes } from "../policies.ts";
import type { Domain, World } from "../worlds/world.ts";
import type { Worlds } from "../worlds/worlds.ts";
import type { Subject } from "./analysis.ts";

/** Pairs that are compared in one bundle; policies that share no attribute are not compared anyway. */
const PAIRS_MAX = 50_000;

/** `duplicate-policy`, `shadowed-policy` (a warning; a hint for denials behind others). */
export function checkShadowed({ checked, worlds }: Subject, report: Diagnostics): void {
  const none = checked.policies.filter((policy) => policy.set === null);
  checkTogether({ beside: [], policies: none }, worlds, report);
  if (checked.schema.sets === null) return;
  for (const policies of Map.groupBy(checked.policies, ({ set }) => set?.value ?? null).entries())
    if (policies[0] !== null) checkTogether({ beside: none, policies: policies[1] }, worlds, report);
}

/**
 * Policies of one set, or of none, and those that judge with them wherever they do. Of a policy of no set nothing follows
 * from what one set says.
 */
interface Group {
  readonly beside: readonly PolicyDeclaration[];
  readonly policies: readonly PolicyDeclaration[];
}

function checkTogether({ beside, policies }: Group, worlds: Worlds, report: Diagnostics): void {
  const enforced = policies.filter(isEnforced);
  const others = beside.filter(isEnforced);
  const duplicates = checkDuplicates(others, enforced, worlds, report);
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
  const deniers = new Deniers(denying, worlds);
  for (const policy of enforced) {
    if (duplicates.has(policy)) continue;
    if (canAllow(policy)) checkAllowing(policy, deniers, worlds, report);
    else if (policy.effect?.kind === "denies" && report.hints) checkDenying(policy, deniers, worlds, report);
  }
}

function isEnforced(policy: PolicyDeclaration): boolean {
  return metadataOf(policy, "mode") !== "permissive";
}

/** The policies that repeat one beside them, or an earlier one. */
function checkDuplicates(
  beside: readonly PolicyDeclaration[],
  policies: readonly PolicyDeclaration[],
  { canon }: Worlds,
  report: Diagnostics,
): ReadonlySet<PolicyDeclaration> {
  const first = new Map<string, PolicyDeclaration>();
  const found = new Set<PolicyDeclaration>();
  for (const policy of [...beside, ...policies]) {
    const { kind, trigger, effect, onAllow } = policy;
    const headers = onAllow.map(({ header, value }) => [header.value.toLowerCase(), value.value]).sort();
    const key = JSON.stringify([
      kind,
      effect?.kind,
      trigger === null ? null : canon.condition(trigger),
      effect?.kind === "requires" ? canon.condition(effect.condition) : null,
      headers,
      expiryOf(policy),
      policy.onExpiry !== null,
    ]);
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
  worlds: Worlds,
  report: Diagnostics,
): void {
  const conditions = [policy.trigger, policy.effect?.kind === "requires" ? policy.effect.condition : null];
  const satisfied = conditions.flatMap((e) => (e === null ? [] : [[e, "true"] as const]));
  const where = worlds.all(satisfied);
  // Without a condition nothing is implied; without a world it is never satisfied, which is reported as such.
  if (satisfied.length === 0 || where.length === 0) return;
  const other = deniers.first(where, (denier) => !worlds.canAll([...satisfied, [denier.trigger!, "false"]]));
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
    worlds.of(trigger, "true"),
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
  readonly #worlds: Worlds;
  readonly #found = new Map<string, PolicyDeclaration[]>();
  #pairs = 0;

  constructor(denying: readonly PolicyDeclaration[], worlds: Worlds) {
    this.#worlds = worlds;
    for (const denier of denying) {
      const trigger = denier.trigger!;
      const [unlike] = worlds.of(trigger, "false");
      // Never false: reported as such.
      if (unlike === undefined || !worlds.can(trigger, "true")) continue;
      for (const key of this.#keys(trigger, unlike)) {
        const list = this.#found.get(key) ?? [];
        this.#found.set(key, list);
        list.push(denier);
      }
    }
  }

  #keys(trigger: Expression, unlike: World): readonly string[] {
    const abouts = [...unlike.keys()];
    const only = abouts.length === 1 ? abouts[0]! : null;
    if (only === null) return abouts;
    const values = this.#worlds.of(trigger, "true").map((world) => pin(only, world));
    return values.every((value) => value !== null && value === values[0]) ? [values[0]!] : [only];
  }

  first(where: readonly World[], covers: (denier: PolicyDeclaration) => boolean): PolicyDeclaration | null {
    const world = where[0]!;
    const seen = new Set<PolicyDeclaration>();
    for (const about of world.keys()) {
      for (const key of [about, pin(about, world)]) {
        for (const denier of key === null ? [] : (this.#found.get(key) ?? [])) {
          if (seen.has(denier)) continue;
          seen.add(denier);
          if (++this.#pairs > PAIRS_MAX) return null;
          if (covers(denier)) return denier;
        }
      }
    }
    return null;
  }
}

/** A name for one thing having one value; null where it can have several. */
function pin(about: string, world: World): string | null {
  const fact = world.get(about);
  const value = fact?.domain == null ? null : onlyValue(fact.domain);
  return value === null ? null : `${about} = ${value}`;
}

function onlyValue(domain: Domain): string | null {
  switch (domain.kind) {
    case "members":
      return domain.members.size === 1 ? [...domain.members][0]! : null;
    case "texts":
      return domain.texts.only?.size === 1 ? [...domain.texts.only][0]! : null;
    case "values":
      return !domain.not && domain.values.size === 1 ? [...domain.values][0]! : null;
    case "numbers": {
      const [interval] = domain.intervals;
      return domain.intervals.length === 1 && interval!.low === interval!.high ? String(interval!.low) : null;
    }
    default:
      return null;
  }
}
