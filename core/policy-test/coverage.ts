/**
 * Coverage by condition: how often each test of each policy's source tree was true, false and unknown. A requirement
 * counts only where its policy applies, a policy of a set only where that is chosen: elsewhere nobody asks what it says.
 */
import type { Outcome } from "../decision/decision.ts";
import { parseNeutralRequest } from "../request/json-form.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import type { Engine } from "../runtime/engine.ts";
import type { Truth } from "../runtime/explain.ts";
import type { ConditionTree } from "../runtime/tree.ts";

/** One test of a policy's trigger or requirement. */
export interface ConditionCoverage {
  readonly section: "trigger" | "requirement";
  readonly text: string;
  readonly line: number;
  readonly column: number;
  readonly seen: Readonly<Record<Truth, number>>;
}

export interface PolicyCoverage {
  readonly name: string;
  readonly kind: "policy" | "guard";
  /** How often each outcome came out; those that never did are left out. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly conditions: readonly ConditionCoverage[];
}

export interface Coverage {
  readonly policies: readonly PolicyCoverage[];
  /** Conditions that were true once, and those that were false once. */
  readonly covered: number;
  /** Twice the number of conditions. */
  readonly total: number;
}

interface Leaf extends ConditionCoverage {
  readonly seen: Record<Truth, number>;
}

interface Counts {
  readonly kind: "policy" | "guard";
  readonly outcomes: Partial<Record<Outcome, number>>;
  /** In order of the tree. */
  readonly trigger: Leaf[];
  readonly requirement: Leaf[];
}

/** Collects over the requests of one engine. */
export class CoverageCounter {
  readonly #engine: Engine;
  readonly #policies = new Map<string, Counts>();

  constructor(engine: Engine) {
    this.#engine = engine;
    // The trees have the same shape for every request, so that any shows the conditions there are.
    const any = parseNeutralRequest("{}");
    if (any.ok) this.#visit(any.request, false);
  }

  add(request: NeutralRequest): void {
    this.#visit(request, true);
  }

  #visit(request: NeutralRequest, counted: boolean): void {
    for (const { name, kind, outcome } of this.#engine.explain(request).policies) {
      const counts = this.#countsOf(name, kind);
      if (counted) counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
      const { chosen, trigger, requirement } = this.#engine.trees(request, name)!;
      const asked = counted && chosen;
      const applies = trigger === null || trigger.truth === "true";
      if (trigger !== null) count(counts.trigger, leavesOf(trigger), "trigger", asked);
      if (requirement !== null)
        count(counts.requirement, leavesOf(requirement), "requirement", asked && applies);
    }
  }

  /** What was counted until now. */
  result(): Coverage {
    const policies = [...this.#policies].map(([name, { kind, outcomes, trigger, requirement }]) => ({
      name,
      kind,
      outcomes,
      conditions: [...trigger, ...requirement],
    }));
    const conditions = policies.flatMap((policy) => policy.conditions);
    const covered = conditions.map(({ seen }) => Number(seen.true > 0) + Number(seen.false > 0));
    return { policies, covered: covered.reduce((sum, one) => sum + one, 0), total: 2 * conditions.length };
  }

  #countsOf(name: string, kind: "policy" | "guard"): Counts {
    const known = this.#policies.get(name);
    if (known !== undefined) return known;
    const counts: Counts = { kind, outcomes: {}, trigger: [], requirement: [] };
    this.#policies.set(name, counts);
    return counts;
  }
}

/** The tests of a tree, from the left. */
export function leavesOf(tree: ConditionTree): ConditionTree[] {
  return tree.kind === "leaf" ? [tree] : tree.children.flatMap(leavesOf);
}

function count(
  into: Leaf[],
  leaves: readonly ConditionTree[],
  section: Leaf["section"],
  asked: boolean,
): void {
  for (const [i, { text, line, column, truth }] of leaves.entries()) {
    into[i] ??= { section, text, line, column, seen: { true: 0, false: 0, unknown: 0 } };
    if (asked) into[i].seen[truth]++;
  }
}
