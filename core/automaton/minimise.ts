/** The smallest automaton that answers like a table: Hopcroft's refinement of a partition. */
import { ACCEPT, REJECT, type Table } from "./determinise.ts";

/**
 * By state, the number of the group of states that answer alike. States that are in one group lead to one group with
 * every byte, and a text that ends in them matches or does not.
 */
export function groupsOf(table: Table): Int32Array {
  const columns = distinctColumns(table);
  const partition = new Partition(table);
  const inverse = columns.map((column) => invert(column));
  const waiting = new Set<number>(partition.groups());
  for (const group of waiting) {
    waiting.delete(group);
    // The states of the group as it is now; refining may split it meanwhile.
    const splitter = partition.members(group);
    for (const { starts, states } of inverse) {
      for (const state of splitter)
        for (let i = starts[state]!; i < starts[state + 1]!; i++) partition.mark(states[i]!);
      partition.split((old, fresh) => {
        if (waiting.has(old) || partition.size(fresh) <= partition.size(old)) waiting.add(fresh);
        else waiting.add(old);
      });
    }
  }
  return partition.groupOf;
}

/** By range of bytes the state behind each state, equal ones once. */
function distinctColumns({ rows, ranges }: Table): Int32Array[] {
  const columns = new Map<number, Int32Array[]>();
  for (let range = 0; range < ranges; range++) {
    const column = Int32Array.from(rows, (row) => row[range]!);
    const hash = column.reduce((mixed, state) => Math.imul(mixed ^ state, 0x01000193), 0);
    const alike = columns.get(hash);
    if (alike === undefined) columns.set(hash, [column]);
    else if (!alike.some((other) => other.every((state, i) => state === column[i]))) alike.push(column);
  }
  return [...columns.values()].flat();
}

/** The states that lead to each state. */
function invert(column: Int32Array): { readonly starts: Int32Array; readonly states: Int32Array } {
  const starts = new Int32Array(column.length + 1);
  for (const to of column) starts[to + 1]!++;
  for (let i = 0; i < column.length; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const states = new Int32Array(column.length);
  column.forEach((to, state) => {
    states[next[to]!++] = state;
  });
  return { starts, states };
}

/** States in groups; those of one group stand one after the other, marked ones first. */
class Partition {
  readonly groupOf: Int32Array;
  readonly #order: Int32Array;
  readonly #placeOf: Int32Array;
  readonly #starts: number[] = [0];
  readonly #ends: number[] = [];
  readonly #marked: number[] = [0];
  #touched: number[] = [];

  constructor({ rows, matchesAtEnd }: Table) {
    this.groupOf = new Int32Array(rows.length);
    this.#order = Int32Array.from(rows, (_, i) => i);
    this.#placeOf = this.#order.slice();
    this.#ends.push(rows.length);
    matchesAtEnd.forEach((matches, state) => {
      if (matches) this.mark(state);
    });
    this.split(() => {});
  }

  groups(): number[] {
    return this.#starts.map((_, group) => group);
  }

  size(group: number): number {
    return this.#ends[group]! - this.#starts[group]!;
  }

  members(group: number): Int32Array {
    return this.#order.slice(this.#starts[group]!, this.#ends[group]!);
  }

  mark(state: number): void {
    const group = this.groupOf[state]!;
    const place = this.#placeOf[state]!;
    const border = this.#starts[group]! + this.#marked[group]!;
    if (place < border) return;
    if (this.#marked[group] === 0) this.#touched.push(group);
    const other = this.#order[border]!;
    this.#order[border] = state;
    this.#order[place] = other;
    this.#placeOf[state] = border;
    this.#placeOf[other] = place;
    this.#marked[group]!++;
  }

  /** Marked states leave their group where others stay in it; `onSplit` is told of the group and of the new one. */
  split(onSplit: (old: number, fresh: number) => void): void {
    const touched = this.#touched;
    this.#touched = [];
    for (const group of touched) {
      const start = this.#starts[group]!;
      const border = start + this.#marked[group]!;
      this.#marked[group] = 0;
      if (border === this.#ends[group]) continue;
      const fresh = this.#starts.push(start) - 1;
      this.#ends.push(border);
      this.#marked.push(0);
      this.#starts[group] = border;
      for (let i = start; i < border; i++) this.groupOf[this.#order[i]!] = fresh;
      onSplit(group, fresh);
    }
  }
}

/** The two groups from which nothing leads away; a table has both states, be it that nothing leads to them. */
export function absorbing(groups: Int32Array): { readonly reject: number; readonly accept: number } {
  return { reject: groups[REJECT]!, accept: groups[ACCEPT]! };
}
