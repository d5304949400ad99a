/**
 * What analyses that hold policies against each other want to know of each one. It is found out once; whoever compiles
 * again and again keeps it for the policies that are still there.
 */
import type { Attribute } from "../../schema/schema.ts";
import type { Expression, PolicyDeclaration } from "../../syntax/ast.ts";
import { nodesOf } from "../../syntax/walk.ts";
import type { Resolutions } from "../check.ts";
import { attributesOf, canAllow, conditionsOf, expiryOf } from "../policies.ts";
import { Canon } from "../worlds/canon.ts";
import type { Domain, World } from "../worlds/world.ts";
import type { Being, Worlds } from "../worlds/worlds.ts";

/** What conditions speak of. */
export interface Words {
  readonly names: ReadonlySet<string>;
  readonly strings: ReadonlySet<string>;
}

type Satisfied = readonly (readonly [Expression, Being])[];

export class PolicyFacts {
  readonly #resolutions: Resolutions;
  readonly #worlds: Worlds;
  readonly #reads = new WeakMap<PolicyDeclaration, ReadonlySet<Attribute>>();
  readonly #words = new WeakMap<PolicyDeclaration, Words>();
  readonly #sayings = new WeakMap<PolicyDeclaration, string | null>();
  readonly #allows = new WeakMap<PolicyDeclaration, readonly World[]>();
  readonly #keys = new WeakMap<PolicyDeclaration, readonly string[]>();
  readonly #covered = new WeakMap<PolicyDeclaration, WeakMap<PolicyDeclaration, boolean>>();

  constructor(resolutions: Resolutions, worlds: Worlds) {
    this.#resolutions = resolutions;
    this.#worlds = worlds;
  }

  /** Attributes that its conditions read, in order of text. */
  reads(policy: PolicyDeclaration): ReadonlySet<Attribute> {
    return known(this.#reads, policy, () => new Set(attributesOf(policy, this.#resolutions)));
  }

  words(policy: PolicyDeclaration): Words {
    return known(this.#words, policy, () => wordsIn(conditionsOf(policy)));
  }

  /** One text for policies that say the same; null for one that says what no other can. */
  saying(policy: PolicyDeclaration): string | null {
    return known(this.#sayings, policy, () => {
      const canon = new Canon(this.#resolutions);
      const text = saying(policy, canon);
      return canon.hasUnlike ? null : text;
    });
  }

  /** Where a policy that can allow is satisfied. */
  satisfiedIn(policy: PolicyDeclaration): readonly World[] {
    return known(this.#allows, policy, () => this.#worlds.all(satisfied(policy)));
  }

  /** Under which names a policy that denies is looked for; none where it always does, or never. */
  keys(denier: PolicyDeclaration): readonly string[] {
    return known(this.#keys, denier, () => keysOf(denier.trigger!, this.#worlds));
  }

  /** Does the second deny wherever the first, which can allow, is satisfied? */
  covers(policy: PolicyDeclaration, denier: PolicyDeclaration): boolean {
    const covered = known(this.#covered, policy, () => new WeakMap<PolicyDeclaration, boolean>());
    return known(
      covered,
      denier,
      () => !this.#worlds.canAll([...satisfied(policy), [denier.trigger!, "false"]]),
    );
  }
}

function known<K extends object, V>(all: WeakMap<K, V>, key: K, find: () => V): V {
  const found = all.get(key);
  if (found !== undefined) return found;
  const made = find();
  all.set(key, made);
  return made;
}

/** Names and strings in conditions. */
export function wordsIn(conditions: readonly Expression[]): Words {
  const names = new Set<string>();
  const strings = new Set<string>();
  for (const condition of conditions) {
    for (const node of nodesOf(condition)) {
      if (node.kind === "path") names.add(node.path.text);
      if (node.kind === "string") strings.add(node.value);
    }
  }
  return { names, strings };
}

function saying(policy: PolicyDeclaration, canon: Canon): string {
  const { kind, trigger, effect, onAllow } = policy;
  const headers = onAllow.map(({ header, value }) => [header.value.toLowerCase(), value.value]).sort();
  return JSON.stringify([
    kind,
    effect?.kind,
    trigger === null ? null : canon.condition(trigger),
    effect?.kind === "requires" ? canon.condition(effect.condition) : null,
    headers,
    expiryOf(policy),
    policy.onExpiry !== null,
  ]);
}

/** The conditions that are true where a policy that can allow does. */
export function satisfied(policy: PolicyDeclaration): Satisfied {
  return canAllow(policy) ? conditionsOf(policy).map((e) => [e, "true"] as const) : [];
}

function keysOf(trigger: Expression, worlds: Worlds): readonly string[] {
  const [unlike] = worlds.of(trigger, "false");
  // Never false: reported as such.
  if (unlike === undefined || !worlds.can(trigger, "true")) return [];
  const abouts = [...unlike.keys()];
  const only = abouts.length === 1 ? abouts[0]! : null;
  if (only === null) return abouts;
  const values = worlds.of(trigger, "true").map((world) => pin(only, world));
  return values.every((value) => value !== null && value === values[0]) ? [values[0]!] : [only];
}

/** A name for one thing having one value; null where it can have several. */
export function pin(about: string, world: World): string | null {
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
