/**
 * What several policies do to the request's headers together: removals, then what is set, then what is appended. Equal
 * values that are set merge, different ones of one name conflict.
 */
import { ofAllow } from "../bytecode/policies.ts";
import type { LimitEntry, Obligation, Program } from "../bytecode/program.ts";
import type { Decision, HeaderValue } from "../decision/decision.ts";

/**
 * Steps from one combination to the next that are remembered; beyond it they are worked out again. So many that no
 * honest bundle gets there, so few that no traffic fills the memory.
 */
const STEPS_MAX = 65_536;

/** What some policies do. There is one object for each combination. */
export interface HeaderSet {
  /** What the request gets, by name, with all that is appended; null: they conflict. */
  readonly headers: readonly HeaderValue[] | null;
  /** What is taken from it, sorted; no name of `headers`. */
  readonly removed: readonly string[];
  /** What an allow takes, in the order of the policies. */
  readonly limits: readonly LimitEntry[];
  readonly actions: Actions;
  /** The set that it becomes with what a group does. */
  readonly next: Map<number, HeaderSet>;
  /** The decisions that allow with it, by the policy that they name. */
  readonly allows: Map<number, Decision>;
}

interface Actions {
  readonly set: ReadonlyMap<string, string>;
  /** In the order of the policies. */
  readonly appended: readonly HeaderValue[];
  readonly removed: ReadonlySet<string>;
  readonly limits: readonly LimitEntry[];
}

/** What the policies of a group do. */
interface Group {
  readonly obligations: readonly Obligation[];
  readonly limits: readonly LimitEntry[];
}

const NO_ACTIONS: Actions = { set: new Map(), appended: [], removed: new Set(), limits: [] };

export class HeaderSets {
  readonly none = headerSet(NO_ACTIONS);
  readonly #conflict: HeaderSet = { ...headerSet(NO_ACTIONS), headers: null };
  readonly #byContent = new Map<string, HeaderSet>([[contentOf(NO_ACTIONS), this.none]]);
  /** Each policy's group: the policies that do the same; -1 for nothing. */
  readonly #groupOf: Int32Array;
  readonly #groups: Group[] = [];
  #steps = 0;

  constructor({ policies }: Pick<Program, "policies">) {
    const { obligationStarts } = policies.columns;
    const indexes = new Map<string, number>();
    this.#groupOf = new Int32Array(policies.length).map((_, policy) => {
      if (obligationStarts[policy] === obligationStarts[policy + 1]) return -1;
      // Indexes rather than texts: many policies of a hostile bundle may name one long text.
      const content = policies.allowKey(policy);
      if (content === "") return -1;
      const known = indexes.get(content);
      if (known !== undefined) return known;
      indexes.set(content, this.#groups.length);
      const obligations = ofAllow(policies.obligationsOf(policy));
      return this.#groups.push({ obligations, limits: policies.limitsOf(policy) }) - 1;
    });
  }

  /** The set and what a policy does. Allocates nothing for a step that was taken before. */
  with(set: HeaderSet, policy: number): HeaderSet {
    const group = this.#groupOf[policy]!;
    if (group === -1 || set.headers === null) return set;
    const known = set.next.get(group);
    if (known !== undefined) return known;
    const made = this.#merged(set.actions, this.#groups[group]!);
    if (this.#steps < STEPS_MAX) {
      this.#steps++;
      set.next.set(group, made);
    }
    return made;
  }

  #merged(before: Actions, { obligations, limits }: Group): HeaderSet {
    const set = new Map(before.set);
    const appended = [...before.appended];
    const removed = new Set(before.removed);
    for (const { kind, name, value } of obligations) {
      if (value === null) removed.add(name);
      else if (kind === "appendRequestHeader") appended.push({ name, value });
      else if ((set.get(name) ?? value) !== value) return this.#conflict;
      else set.set(name, value);
    }
    const actions = { set, appended, removed, limits: [...before.limits, ...limits] };
    const content = contentOf(actions);
    const known = this.#byContent.get(content);
    if (known !== undefined) return known;
    const made = headerSet(actions);
    if (this.#steps < STEPS_MAX) this.#byContent.set(content, made);
    return made;
  }
}

function headerSet(actions: Actions): HeaderSet {
  const values = new Map([...actions.set].map(([name, value]) => [name, [value]]));
  for (const { name, value } of actions.appended) {
    const list = values.get(name);
    if (list === undefined) values.set(name, [value]);
    else list.push(value);
  }
  const headers = [...values].sort(byName).map(([name, list]) => ({ name, value: joined(list) }));
  const removed = [...actions.removed].filter((name) => !values.has(name)).sort();
  return { headers, removed, limits: actions.limits, actions, next: new Map(), allows: new Map() };
}

/** Empty values leave no trace between others: hosts would take away a comma at the end. */
function joined(values: readonly string[]): string {
  return values.filter((value) => value !== "").join(", ");
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function contentOf({ set, appended, removed, limits }: Actions): string {
  return JSON.stringify([
    [...set].sort(byName),
    appended.map(({ name, value }) => [name, value]),
    [...removed].sort(),
    limits.map(({ policy, index }) => [policy, index]),
  ]);
}
