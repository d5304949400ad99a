/**
 * What several policies do on an allow together: removals, then what is set, then what is appended. Equal values that are
 * set merge, different ones of one name conflict.
 */
import { ofAllow } from "../bytecode/policies.ts";
import type { LimitEntry, Obligation, Program } from "../bytecode/program.ts";
import type { Decision, Effects, HeaderValue } from "../decision/decision.ts";
import { compareBytes } from "../source/bytes.ts";

/**
 * Steps from one combination to the next that are remembered; beyond it they are worked out again. So many that no
 * honest bundle gets there, so few that no traffic fills the memory.
 */
const STEPS_MAX = 65_536;

/** What an allow carries out, as a decision says it. */
export type Done = Pick<Decision, "setRequestHeaders" | "removeRequestHeaders"> & Effects;

/** What some policies do. There is one object for each combination. */
export interface HeaderSet {
  /** They set one name to different values. */
  readonly conflicts: boolean;
  /** What is done; null where it depends on values of the request. */
  readonly done: Done | null;
  /** What an allow takes, in the order of the policies. */
  readonly limits: readonly LimitEntry[];
  readonly actions: Actions;
  /** The set that it becomes with what a group does. */
  readonly next: Map<number, HeaderSet>;
  /** The decisions that allow with it, by the policy that they name. */
  readonly allows: Map<number, Decision>;
}

interface Actions {
  /** By what is set: kind and name. */
  readonly set: ReadonlyMap<string, Obligation>;
  /** In the order of the policies. */
  readonly appended: readonly Obligation[];
  readonly removed: readonly Obligation[];
  /** Those whose text depends on the request, in the order of the policies. */
  readonly texts: readonly { readonly policy: number; readonly obligation: Obligation }[];
  readonly limits: readonly LimitEntry[];
}

/** What the policies of a group do. Where it depends on the request there is one policy in it. */
interface Group {
  readonly policy: number;
  readonly obligations: readonly Obligation[];
  readonly limits: readonly LimitEntry[];
}

const NO_ACTIONS: Actions = { set: new Map(), appended: [], removed: [], texts: [], limits: [] };

export class HeaderSets {
  readonly none = headerSet(NO_ACTIONS);
  readonly #conflict: HeaderSet = { ...headerSet(NO_ACTIONS), conflicts: true };
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
      return this.#groups.push({ policy, obligations, limits: policies.limitsOf(policy) }) - 1;
    });
  }

  /** The set and what a policy does. Allocates nothing for a step that was taken before. */
  with(set: HeaderSet, policy: number): HeaderSet {
    const group = this.#groupOf[policy]!;
    if (group === -1 || set.conflicts) return set;
    const known = set.next.get(group);
    if (known !== undefined) return known;
    const made = this.#merged(set.actions, this.#groups[group]!);
    if (this.#steps < STEPS_MAX) {
      this.#steps++;
      set.next.set(group, made);
    }
    return made;
  }

  #merged(before: Actions, { policy, obligations, limits }: Group): HeaderSet {
    const set = new Map(before.set);
    const appended = [...before.appended];
    const removed = [...before.removed];
    for (const obligation of obligations) {
      if (obligation.value === null) removed.push(obligation);
      else if (obligation.kind === "appendRequestHeader") appended.push(obligation);
      else {
        const key = `${obligation.kind} ${obligation.name}`;
        const other = set.get(key);
        if (other !== undefined && textOf(other) !== textOf(obligation)) return this.#conflict;
        set.set(key, obligation);
      }
    }
    const own = obligations.filter(({ parts }) => parts.length > 0);
    const texts = [...before.texts, ...own.map((obligation) => ({ policy, obligation }))];
    const actions = { set, appended, removed, texts, limits: [...before.limits, ...limits] };
    const content = contentOf(actions);
    const known = this.#byContent.get(content);
    if (known !== undefined) return known;
    const made = headerSet(actions);
    if (this.#steps < STEPS_MAX) this.#byContent.set(content, made);
    return made;
  }
}

/** The text as it is written: two are equal if they are so for every request. */
function textOf({ value, parts }: Obligation): string {
  return JSON.stringify([value, ...parts.map(({ cell, text }) => [cell, text])]);
}

function headerSet(actions: Actions): HeaderSet {
  const done = actions.texts.length > 0 ? null : carriedOut(actions, ({ value }) => value);
  return { conflicts: false, done, limits: actions.limits, actions, next: new Map(), allows: new Map() };
}

/** What an allow does with its actions; `textFor` gives null where there is nothing to set. */
export function carriedOut(
  { set, appended, removed }: Actions,
  textFor: (obligation: Obligation) => string | null,
): Done {
  const lists = new Map<string, string[]>();
  const others: (HeaderValue & Pick<Obligation, "kind">)[] = [];
  for (const obligation of [...set.values(), ...appended]) {
    const { kind, name } = obligation;
    const value = textFor(obligation);
    if (value === null) continue;
    if (kind === "setRequestHeader") lists.set(name, [value]);
    else if (kind !== "appendRequestHeader") others.push({ kind, name, value });
    else lists.set(name, [...(lists.get(name) ?? []), value]);
  }
  const ofKind = (kind: Obligation["kind"]): HeaderValue[] =>
    others
      .filter((other) => other.kind === kind)
      .map(({ name, value }) => ({ name, value }))
      .sort(byName);
  const gone = (kind: Obligation["kind"], kept: (name: string) => boolean): string[] => {
    const names = removed.filter((removal) => removal.kind === kind).map(({ name }) => name);
    return [...new Set(names)].filter((name) => !kept(name)).sort(compareBytes);
  };
  const setQueryParameters = ofKind("setQueryParameter");
  return {
    setRequestHeaders: [...lists].map(([name, list]) => ({ name, value: joined(list) })).sort(byName),
    removeRequestHeaders: gone("removeRequestHeader", (name) => lists.has(name)),
    setResponseHeaders: ofKind("setResponseHeader"),
    setQueryParameters,
    removeQueryParameters: gone("removeQueryParameter", (name) =>
      setQueryParameters.some((parameter) => parameter.name === name),
    ),
    setMetadata: ofKind("setMetadata"),
  };
}

/** Empty values leave no trace between others: hosts would take away a comma at the end. */
function joined(values: readonly string[]): string {
  return values.filter((value) => value !== "").join(", ");
}

function byName(a: HeaderValue, b: HeaderValue): number {
  return compareBytes(a.name, b.name);
}

function contentOf({ set, appended, removed, texts, limits }: Actions): string {
  return JSON.stringify([
    [...set].map(([key, obligation]) => [key, textOf(obligation)]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
    appended.map((obligation) => [obligation.name, textOf(obligation)]),
    [...new Set(removed.map(({ kind, name }) => `${kind} ${name}`))].sort(),
    texts.map(({ policy, obligation }) => [policy, obligation.kind, obligation.name]),
    limits.map(({ policy, index }) => [policy, index]),
  ]);
}
