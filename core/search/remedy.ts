/**
 * What would make a denied request pass: a smallest change of its facts, looked for and then tried. The search starts at
 * the request and repairs the first thing that stands in the way, in every way it knows, cheapest first; each step is judged by
 * the interpreter, so a policy that a repair breaks is seen and repaired in turn. What comes out was decided to be allowed.
 *
 * Cheap is what the caller can say; dearer is what a component in front would have to say, then what nobody can say but has
 * to be so, and asking for something else. To get out of a policy's reach is the last resort.
 */
import { ofAllow } from "../bytecode/policies.ts";
import type { ExplainNode, PolicyEntry, Program, Slot } from "../bytecode/program.ts";
import type { Outcome } from "../decision/decision.ts";
import { type FactValue, type Json, sameFact } from "../request/facts.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import type { Truth } from "../runtime/explain.ts";
import { denialRank } from "../runtime/outcomes.ts";
import { type Edit, editsFor } from "./edits.ts";
import { Probe } from "./probe.ts";

/** Requests that a search tries, and policies that it judges in all of them. */
const LOADS_MAX = 3_000;
const OUTCOMES_MAX = 400_000;
const STATES_MIN = 100;
/** Ways that are kept of all that repair one condition by one attribute. */
const WAYS_MAX = 8;
const PROGRESS_MAX = 3;
/** Policies of which one has to allow, in one step. */
const ALTERNATIVES_MAX = 12;

const COST_OF_CHANGE = 1;
const COST_OF_MARKING = { claimed: 0, trusted: 0.25, verified: 1 } as const;
/** Method, path, host, resource: another request, not the same one repaired. */
const COST_OF_IDENTITY = 4;
const COST_OF_RANK = 0.01;
const COST_OF_EVASION = 4;
const COST_OF_KNOWING = 1;
/** Below what any repair costs. */
const COST_AHEAD = 0.5;
const IDENTITY = ["request.method", "request.path", "request.host", "resource.type"];

/** A condition that decides, and what it says. */
export interface ConditionGoal {
  readonly policy: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** What it must be. */
  readonly truth: "true" | "false";
}

export interface Change {
  readonly slot: Slot;
  readonly from: FactValue;
  readonly to: FactValue;
  /** Conditions that are what they must be because of it. */
  readonly soThat: readonly ConditionGoal[];
}

export type Remedy =
  /** The request is allowed as it is. */
  | { readonly kind: "none-needed" }
  /** With these changes the request is allowed: `request` is it, and was judged. */
  | { readonly kind: "changes"; readonly changes: readonly Change[]; readonly request: NeutralRequest }
  /** These policies deny every request. */
  | { readonly kind: "impossible"; readonly policies: readonly string[] }
  /** Nothing was found in `tried` requests; `conditions` stand in the way. */
  | { readonly kind: "not-found"; readonly conditions: readonly ConditionGoal[]; readonly tried: number };

/** Look for what would make the request pass. The same program and request give the same answer. */
export function findRemedy(
  program: Program,
  request: NeutralRequest,
  { loads = LOADS_MAX }: RemedyOptions = {},
): Remedy {
  return new Search(new Probe(program), request, loads).run();
}

export interface RemedyOptions {
  /** Requests to try at most. */
  readonly loads?: number;
}

/** A request on the way. */
interface State {
  readonly request: NeutralRequest;
  readonly changed: ReadonlyMap<Slot, Json | undefined>;
  readonly outcomes: readonly Outcome[];
  readonly allow: boolean;
  /** Paid on the way beside the changes. */
  readonly penalty: number;
  /** With what lies at least ahead. */
  readonly cost: number;
}

/** A leaf that says something else than it must. */
interface WrongLeaf {
  readonly policy: PolicyEntry;
  readonly leaf: ExplainNode;
  readonly want: "true" | "false";
  readonly penalty: number;
}

class Search {
  readonly #probe: Probe;
  readonly #base: NeutralRequest;
  readonly #queue: State[] = [];
  readonly #seen = new Set<string>();
  readonly #loadsMax: number;
  readonly #statesMax: number;
  #states = 0;

  constructor(probe: Probe, request: NeutralRequest, loads: number) {
    this.#probe = probe;
    this.#base = request;
    this.#loadsMax = loads;
    this.#statesMax = Math.max(STATES_MIN, Math.ceil(OUTCOMES_MAX / (probe.program.policies.length + 1)));
  }

  run(): Remedy {
    this.#probe.load(this.#base);
    const start = this.#state(this.#base, new Map(), 0);
    if (start.allow) return { kind: "none-needed" };
    const always = this.#alwaysDenying(start);
    if (always.length > 0) return { kind: "impossible", policies: always };
    this.#push(start);
    while (this.#queue.length > 0 && this.#goesOn()) {
      const state = this.#queue.shift()!;
      if (state.allow) return this.#found(state);
      this.#expand(state);
    }
    const allowed = this.#queue.find((state) => state.allow);
    return allowed === undefined ? this.#notFound(start) : this.#found(allowed);
  }

  #goesOn(): boolean {
    return this.#probe.loads < this.#loadsMax && this.#states < this.#statesMax;
  }

  #alwaysDenying({ outcomes }: State): string[] {
    return this.#probe.program.policies.list
      .filter((policy, i) => this.#votes(policy) && outcomes[i] === "denied" && policy.triggerNode === null)
      .map((policy) => policy.name);
  }

  #votes(policy: PolicyEntry): boolean {
    return policy.mode === "enforce";
  }

  /** The loaded request as a state. */
  #state(request: NeutralRequest, changed: State["changed"], penalty: number): State {
    this.#states++;
    const outcomes = this.#probe.outcomes();
    const { allow } = this.#probe.decision(outcomes);
    const ahead = allow ? 0 : Math.max(1, this.#denying(outcomes).length) * COST_AHEAD;
    const changes = [...changed].reduce((sum, [slot]) => sum + costOf(slot), 0);
    return { request, changed, outcomes, allow, penalty, cost: changes + penalty + ahead };
  }

  #denying(outcomes: readonly Outcome[]): number[] {
    return this.#probe.program.policies.list
      .flatMap((policy, i) => (this.#votes(policy) && Number.isFinite(denialRank(outcomes[i]!)) ? [i] : []))
      .sort((a, b) => denialRank(outcomes[a]!) - denialRank(outcomes[b]!));
  }

  /** Keeps the queue in order of cost; equal ones in order of arrival. */
  #push(state: State): void {
    const key = JSON.stringify([...state.changed].map(([slot, value]) => [slot.cell, value]).sort());
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#queue[middle]!.cost <= state.cost) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, state);
  }

  // --- what stands in the way ---

  #wrongLeaves(outcomes: readonly Outcome[]): WrongLeaf[] {
    const policies = this.#probe.program.policies.list;
    const [first] = this.#denying(outcomes);
    if (first !== undefined) return this.#ofDenial(policies[first]!, outcomes[first]!);
    const satisfied = policies.filter(
      (policy, i) => this.#votes(policy) && policy.kind === "policy" && outcomes[i] === "satisfied",
    );
    // Satisfied and yet denied: they set one header differently.
    if (satisfied.length > 0)
      return satisfied
        .filter((policy) => ofAllow(policy.obligations).length > 0)
        .flatMap((policy) => this.#of(policy, policy.triggerNode, "false", COST_OF_EVASION));
    // Those that the request nearly meets come first: few of many can be looked at.
    return policies
      .filter((policy) => this.#votes(policy) && policy.kind === "policy" && policy.effect !== "denies")
      .filter((policy) => this.#probe.isChosen(policy))
      .map((policy) => ({ policy, wrong: this.#wrongCount(policy.triggerNode) }))
      .sort((a, b) => a.wrong - b.wrong)
      .slice(0, ALTERNATIVES_MAX)
      .flatMap(({ policy }) => this.#of(policy, policy.triggerNode, "true", 0));
  }

  #ofDenial(policy: PolicyEntry, outcome: Outcome): WrongLeaf[] {
    const { triggerNode, requirementNode } = policy;
    switch (outcome) {
      case "unsatisfied":
        return [
          ...this.#of(policy, requirementNode, "true", 0),
          ...this.#of(policy, triggerNode, "false", COST_OF_EVASION),
        ];
      case "indeterminate":
        return [
          ...(policy.effect === "denies" ? [] : this.#of(policy, triggerNode, "true", 0)),
          ...this.#of(policy, triggerNode, "false", policy.effect === "denies" ? 0 : COST_OF_KNOWING),
        ];
      default:
        return this.#of(policy, triggerNode, "false", 0);
    }
  }

  #of(policy: PolicyEntry, node: ExplainNode | null, want: WrongLeaf["want"], penalty: number): WrongLeaf[] {
    if (node === null) return [];
    return this.#wrongIn(node, want).map((wrong) => ({ policy, penalty, ...wrong }));
  }

  /** Of parts that must all be repaired only the first: the others come in their turn. */
  #wrongIn(node: ExplainNode, want: WrongLeaf["want"]): { leaf: ExplainNode; want: WrongLeaf["want"] }[] {
    if (this.#probe.truth(node) === want) return [];
    switch (node.kind) {
      case "leaf":
        return [{ leaf: node, want }];
      case "not":
        return this.#wrongIn(node.children[0]!, want === "true" ? "false" : "true");
      default: {
        const wrong = node.children.map((child) => this.#wrongIn(child, want)).filter((w) => w.length > 0);
        return (node.kind === "and") === (want === "true") ? (wrong[0] ?? []) : wrong.flat();
      }
    }
  }

  /** Leaves of a condition that are not true. */
  #wrongCount(node: ExplainNode | null): number {
    return leavesOf(node).filter((leaf) => this.#probe.truth(leaf) !== "true").length;
  }

  // --- steps ---

  #expand(state: State): void {
    this.#probe.load(state.request);
    if (this.#probe.lacksSet) {
      this.#chooseSet(state);
      return;
    }
    const repaired = new Set<string>();
    for (const wrong of this.#wrongLeaves(state.outcomes)) {
      // Many policies share a condition, and with it its code.
      const key = `${wrong.leaf.code} ${wrong.want} ${wrong.penalty}`;
      if (repaired.has(key)) continue;
      repaired.add(key);
      for (const read of wrong.leaf.reads) this.#repair(state, wrong, read);
    }
  }

  /** Without a policy set nothing else matters. */
  #chooseSet(state: State): void {
    const { policySets, strings } = this.#probe.program;
    const slot = this.#probe.slotOf(policySets!.cell);
    for (const name of policySets!.names.subarray(0, ALTERNATIVES_MAX)) {
      const value = strings.at(name);
      const request = this.#probe.loadWith(state.request, slot, value);
      if (request !== null)
        this.#push(this.#state(request, new Map([...state.changed, [slot, value]]), state.penalty));
    }
  }

  #repair(state: State, wrong: WrongLeaf, read: ExplainNode["reads"][number]): void {
    const probe = this.#probe;
    probe.load(state.request);
    const slot = probe.slotOf(read.cell);
    const wasPresent = probe.fact(slot).state === "present";
    let ways = 0;
    let steps = 0;
    let rank = 0;
    for (const edit of editsFor(probe, state.request, wrong, read)) {
      if (!this.#goesOn() || ways === WAYS_MAX) return;
      rank++;
      const request = probe.loadWith(state.request, slot, edit.value);
      if (request === null) continue;
      const truth: Truth = probe.truth(wrong.leaf);
      if (truth === wrong.want) ways++;
      // Of two attributes that are compared and both missing, the first one has to begin.
      else if (truth === "unknown" && !wasPresent && edit.value !== undefined && steps < PROGRESS_MAX)
        steps++;
      else continue;
      const changed = new Map(state.changed);
      changed.delete(slot);
      changed.set(slot, edit.value);
      this.#push(this.#state(request, changed, state.penalty + wrong.penalty + penaltyOf(edit, rank)));
    }
  }

  // --- the answer ---

  /** Only changes without which it is denied are in the answer. */
  #found(state: State): Remedy {
    let changed = state.changed;
    let request = state.request;
    const dearest = [...changed.keys()].sort((a, b) => costOf(b) - costOf(a));
    for (const slot of dearest) {
      const fewer = new Map(changed);
      fewer.delete(slot);
      const without = this.#apply(fewer);
      if (without === null) continue;
      changed = fewer;
      request = without;
    }
    return { kind: "changes", changes: this.#changes(changed, request), request };
  }

  /** The base with changes; null where it is not allowed with them. */
  #apply(changed: State["changed"]): NeutralRequest | null {
    let request = this.#base;
    for (const [slot, value] of changed) {
      const next = this.#probe.loadWith(request, slot, value);
      if (next === null) return null;
      request = next;
    }
    this.#probe.load(request);
    return this.#probe.decision(this.#probe.outcomes()).allow ? request : null;
  }

  #changes(changed: State["changed"], request: NeutralRequest): Change[] {
    const slots = [...changed.keys()];
    const before = this.#snapshot(this.#base, slots);
    const after = this.#snapshot(request, slots);
    return slots
      .map((slot, i) => ({
        slot,
        from: before.facts[i]!,
        to: after.facts[i]!,
        soThat: this.#leaves(slot).flatMap(({ policy, leaf }): ConditionGoal[] => {
          const truth = after.truths.get(leaf)!;
          return truth === "unknown" || truth === before.truths.get(leaf)
            ? []
            : [goalOf(policy, leaf, truth)];
        }),
      }))
      .filter(({ from, to }) => !sameFact(from, to));
  }

  #snapshot(
    request: NeutralRequest,
    slots: readonly Slot[],
  ): { facts: FactValue[]; truths: Map<ExplainNode, Truth> } {
    this.#probe.load(request);
    const leaves = slots.flatMap((slot) => this.#leaves(slot));
    return {
      facts: slots.map((slot) => this.#probe.fact(slot)),
      truths: new Map(leaves.map(({ leaf }) => [leaf, this.#probe.truth(leaf)])),
    };
  }

  /** Of policies that vote, the conditions that read a slot. */
  #leaves(slot: Slot): { policy: PolicyEntry; leaf: ExplainNode }[] {
    return this.#probe.program.policies.list
      .filter((policy) => this.#votes(policy))
      .flatMap((policy) =>
        [policy.triggerNode, policy.requirementNode]
          .flatMap(leavesOf)
          .filter((leaf) => leaf.reads.some((read) => this.#probe.slotOf(read.cell) === slot))
          .map((leaf) => ({ policy, leaf })),
      );
  }

  #notFound(start: State): Remedy {
    const tried = this.#probe.loads;
    this.#probe.load(start.request);
    const policies = this.#probe.program.policies.list;
    const denying = this.#denying(start.outcomes);
    const wrong = denying.flatMap((i) => this.#ofDenial(policies[i]!, start.outcomes[i]!));
    const repairs = (wrong.length > 0 ? wrong : this.#wrongLeaves(start.outcomes)).filter(
      ({ penalty }) => penalty !== COST_OF_EVASION,
    );
    return {
      kind: "not-found",
      conditions: repairs.map(({ policy, leaf, want }) => goalOf(policy, leaf, want)),
      tried,
    };
  }
}

function leavesOf(node: ExplainNode | null): ExplainNode[] {
  if (node === null) return [];
  return node.kind === "leaf" ? [node] : node.children.flatMap(leavesOf);
}

function goalOf(policy: PolicyEntry, leaf: ExplainNode, truth: "true" | "false"): ConditionGoal {
  return { policy: policy.name, text: leaf.text, line: leaf.line, column: leaf.column, truth };
}

function costOf(slot: Slot): number {
  const identity = IDENTITY.includes(slot.name) || slot.source === "capture";
  return COST_OF_CHANGE + (identity ? COST_OF_IDENTITY : COST_OF_MARKING[slot.marking]);
}

function penaltyOf(edit: Edit, rank: number): number {
  return edit.cost + rank * COST_OF_RANK;
}
