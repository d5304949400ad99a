/** Request headers that several policies set together: equal ones merge, different values of one name conflict. */
import type { Program } from "../bytecode/program.ts";
import type { Decision, HeaderValue } from "../decision/decision.ts";

/**
 * Steps from one combination to the next that are remembered; beyond it they are worked out again. So many that no
 * honest bundle gets there, so few that no traffic fills the memory.
 */
const STEPS_MAX = 65_536;

/** What some policies set. There is one object for each combination of headers. */
export interface HeaderSet {
  /** By name; null: they conflict. */
  readonly headers: readonly HeaderValue[] | null;
  /** The set that it becomes with the headers of a group. */
  readonly next: Map<number, HeaderSet>;
  /** The decisions that allow with it, by the policy that they name. */
  readonly allows: Map<number, Decision>;
}

export class HeaderSets {
  readonly none = headerSet([]);
  readonly #conflict = headerSet(null);
  readonly #byContent = new Map<string, HeaderSet>([["[]", this.none]]);
  /** Each policy's group: the policies that set the same headers; -1 for none. */
  readonly #groupOf: Int32Array;
  readonly #groups: (readonly HeaderValue[])[] = [];
  #steps = 0;

  constructor(program: Program) {
    const { policies, headerNames, strings } = program;
    const { obligationStarts } = policies.columns;
    const indexes = new Map<string, number>();
    this.#groupOf = new Int32Array(policies.length).map((_, policy) => {
      if (obligationStarts[policy] === obligationStarts[policy + 1]) return -1;
      const setHeaders = policies.setHeadersOf(policy);
      // Indexes rather than texts: many policies of a hostile bundle may name one long text.
      const content = setHeaders
        .map(({ header, value }) => `${header} ${value}`)
        .sort()
        .join();
      const known = indexes.get(content);
      if (known !== undefined) return known;
      indexes.set(content, this.#groups.length);
      const headers = setHeaders.map(({ header, value }) => ({
        name: headerNames[header]!,
        value: strings.at(value),
      }));
      return this.#groups.push(sorted(headers)) - 1;
    });
  }

  /** The set and what a policy sets. Allocates nothing for a step that was taken before. */
  with(set: HeaderSet, policy: number): HeaderSet {
    const group = this.#groupOf[policy]!;
    if (group === -1 || set.headers === null) return set;
    const known = set.next.get(group);
    if (known !== undefined) return known;
    const made = this.#merged(set.headers, this.#groups[group]!);
    if (this.#steps < STEPS_MAX) {
      this.#steps++;
      set.next.set(group, made);
    }
    return made;
  }

  #merged(left: readonly HeaderValue[], right: readonly HeaderValue[]): HeaderSet {
    const values = new Map(left.map(({ name, value }) => [name, value]));
    for (const { name, value } of right) {
      if ((values.get(name) ?? value) !== value) return this.#conflict;
      values.set(name, value);
    }
    const headers = sorted([...values].map(([name, value]) => ({ name, value })));
    const content = contentOf(headers);
    const known = this.#byContent.get(content);
    if (known !== undefined) return known;
    const made = headerSet(headers);
    if (this.#steps < STEPS_MAX) this.#byContent.set(content, made);
    return made;
  }
}

function headerSet(headers: readonly HeaderValue[] | null): HeaderSet {
  return { headers, next: new Map(), allows: new Map() };
}

function sorted(headers: readonly HeaderValue[]): HeaderValue[] {
  return [...headers].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function contentOf(headers: readonly HeaderValue[]): string {
  return JSON.stringify(headers.map(({ name, value }) => [name, value]));
}
