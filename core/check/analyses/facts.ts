/**
 * What analyses that hold policies against each other want to know of each one. It is found out once; whoever compiles
 * again and again keeps it for the policies that are still there.
 */

import type { Attribute } from "../../schema/schema.ts";
import type { Expression, PolicyDeclaration } from "../../syntax/ast.ts";
import { nodesOf } from "../../syntax/walk.ts";
import type { Resolutions } from "../check.ts";
import { attributesOf, canAllow, conditionsOf, expiryOf, metadataOf } from "../policies.ts";
import { writtenText } from "../texts.ts";
import { Canon } from "../worlds/canon.ts";
import type { Domain, World } from "../worlds/world.ts";
import type { Being, Worlds } from "../worlds/worlds.ts";

/** What conditions speak of. */
export interface Words {
  readonly names: ReadonlySet<string>;
  readonly strings: ReadonlySet<string>;
}

type Satisfied = readonly (readonly [Expression, Being])[];

/** Found out when it is asked for. */
interface Found {
  reads?: ReadonlySet<Attribute>;
  words?: Words;
  saying?: string | null;
  lookUps?: readonly string[] | null;
  keys?: readonly string[];
  covered?: WeakMap<PolicyDeclaration, boolean>;
  isEnforced?: boolean;
  hasOwner?: boolean;
}

export class PolicyFacts {
  readonly #resolutions: Resolutions;
  readonly #worlds: Worlds;
  readonly #found = new WeakMap<PolicyDeclaration, Found>();

  constructor(resolutions: Resolutions, worlds: Worlds) {
    this.#resolutions = resolutions;
    this.#worlds = worlds;
  }

  isEnforced(policy: PolicyDeclaration): boolean {
    const found = this.#of(policy);
    found.isEnforced ??= metadataOf(policy, "mode") !== "permissive";
    return found.isEnforced;
  }

  hasOwner(policy: PolicyDeclaration): boolean {
    const found = this.#of(policy);
    found.hasOwner ??= metadataOf(policy, "owner") !== null;
    return found.hasOwner;
  }

  /** Attributes that its conditions read, in order of text. */
  reads(policy: PolicyDeclaration): ReadonlySet<Attribute> {
    const found = this.#of(policy);
    found.reads ??= new Set(attributesOf(policy, this.#resolutions));
    return found.reads;
  }

  words(policy: PolicyDeclaration): Words {
    const found = this.#of(policy);
    found.words ??= wordsIn(conditionsOf(policy));
    return found.words;
  }

  /** One text for policies that say the same; null for one that says what no other can. */
  saying(policy: PolicyDeclaration): string | null {
    const found = this.#of(policy);
    if (found.saying === undefined) {
      const canon = new Canon(this.#resolutions);
      const text = saying(policy, canon);
      found.saying = canon.hasUnlike ? null : text;
    }
    return found.saying;
  }

  /** Under which names policies that deny can be found wherever this one can allow; null where it has no condition, or never does. */
  lookUps(policy: PolicyDeclaration): readonly string[] | null {
    const found = this.#of(policy);
    if (found.lookUps === undefined) {
      const conditions = satisfied(policy);
      const [world] = conditions.length === 0 ? [] : this.#worlds.all(conditions);
      found.lookUps = world === undefined ? null : lookUpsIn(world);
    }
    return found.lookUps;
  }

  /** Under which names a policy that denies is looked for; none where it always does, or never. */
  keys(denier: PolicyDeclaration): readonly string[] {
    const found = this.#of(denier);
    found.keys ??= keysOf(denier.trigger!, this.#worlds);
    return found.keys;
  }

  /** Does the second deny wherever the first, which can allow, is satisfied? */
  covers(policy: PolicyDeclaration, denier: PolicyDeclaration): boolean {
    const found = this.#of(policy);
    found.covered ??= new WeakMap();
    const known = found.covered.get(denier);
    if (known !== undefined) return known;
    const covers = !this.#worlds.canAll([...satisfied(policy), [denier.trigger!, "false"]]);
    found.covered.set(denier, covers);
    return covers;
  }

  #of(policy: PolicyDeclaration): Found {
    const known = this.#found.get(policy);
    if (known !== undefined) return known;
    const found: Found = {};
    this.#found.set(policy, found);
    return found;
  }
}

/** What a world says, by what it is about and, where that can have one value only, with it. */
export function lookUpsIn(world: World): string[] {
  return [...world.keys()].flatMap((about) => [about, pin(about, world) ?? []].flat());
}

/** Names and strings in conditions. */
export function wordsIn(conditions: readonly Expression[]): Words {
  const names = new Set<string>();
  const strings = new Set<string>();
  for (const condition of conditions) {
    for (const node of nodesOf(condition)) {
      if (node.kind === "path") names.add(node.path.text);
      if (node.kind === "lookup") names.add(node.table.text);
      if (node.kind === "string") strings.add(node.value);
    }
  }
  return { names, strings };
}

function saying(policy: PolicyDeclaration, canon: Canon): string {
  const { kind, trigger, effect, onAllow } = policy;
  const headers = onAllow
    .map((action) => [
      `${action.kind} ${action.target}`,
      action.target.endsWith("header") ? action.header.value.toLowerCase() : action.header.value,
      action.kind === "remove" ? "" : writtenText(action.value),
    ])
    .sort();
  return JSON.stringify([
    kind,
    effect?.kind,
    trigger === null ? null : canon.condition(trigger),
    effect?.kind === "requires" ? canon.condition(effect.condition) : null,
    headers,
    expiryOf(policy),
    policy.onExpiry !== null,
    // Each policy has buckets of its own.
    policy.limits.length === 0 ? null : policy.name.text,
  ]);
}

/** The conditions that are true where a policy that can allow does. */
function satisfied(policy: PolicyDeclaration): Satisfied {
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
