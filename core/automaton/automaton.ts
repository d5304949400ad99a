/**
 * From a pattern to a table that every runtime walks: one look-up for each byte of the text, whatever the pattern and
 * the text are. The same language of texts gives the same table, however its pattern is spelled.
 */
import { AUTOMATON_BYTES_MAX, AUTOMATON_STATES_MAX } from "../source/gen/facts.ts";
import { determinise, type Table } from "./determinise.ts";
import { absorbing, groupsOf } from "./minimise.ts";
import { nfaOf, TooManyNodes } from "./nfa.ts";
import type { Pattern, Problem } from "./pattern.ts";

/** The answers as states: nothing leads away from them, so a run may stop there. */
export const NO = 0;
export const YES = 1;
/** The first of the states that have a row. */
export const FIRST_ROW = 2;

/** A deterministic automaton over bytes, minimal. */
export interface Automaton {
  /** Rows of `targets`. */
  readonly states: number;
  /** `NO`, `YES`, or `FIRST_ROW`, which then is the begin. */
  readonly start: number;
  /** By byte, its class; 256. */
  readonly classOf: Uint8Array;
  readonly classes: number;
  /** By row, the state behind each class of bytes, and last `YES` or `NO`: does a text that ends here match? */
  readonly targets: Uint16Array;
}

export type Built =
  | { readonly ok: true; readonly automaton: Automaton }
  | { readonly ok: false; readonly problem: Problem };

const SIMPLER = "use fewer or smaller repetitions and classes, anchor the pattern with `^`, or split it";

/** Build the automaton of a pattern. Takes bounded time and memory; the limits do not depend on the machine. */
export function automatonOf(pattern: Pattern): Built {
  try {
    const table = determinise(nfaOf(pattern));
    if (table === null) return tooLarge("the pattern takes too much work to compile");
    const automaton = numbered(table, groupsOf(table));
    if (automaton.states > AUTOMATON_STATES_MAX)
      return tooLarge(`the pattern needs ${automaton.states} states, the limit is ${AUTOMATON_STATES_MAX}`);
    if (automaton.targets.byteLength > AUTOMATON_BYTES_MAX)
      return tooLarge(
        `the pattern needs a table of ${automaton.targets.byteLength} bytes, the limit is ${AUTOMATON_BYTES_MAX}`,
      );
    return { ok: true, automaton };
  } catch (error) {
    if (error instanceof TooManyNodes) return tooLarge("the pattern is too long when it is written out");
    throw error;
  }
}

function tooLarge(message: string): Built {
  return { ok: false, problem: { id: "pattern-too-large", message, help: SIMPLER } };
}

/** Does the text match? What the runtimes do, as a function. */
export function accepts(automaton: Automaton, text: Uint8Array): boolean {
  const { classOf, classes, targets } = automaton;
  let state = automaton.start;
  for (const byte of text) {
    if (state < FIRST_ROW) break;
    state = targets[(state - FIRST_ROW) * (classes + 1) + classOf[byte]!]!;
  }
  return (state < FIRST_ROW ? state : targets[(state - FIRST_ROW) * (classes + 1) + classes]) === YES;
}

/** Groups in the order in which a walk through the bytes meets them. */
function numbered(table: Table, groups: Int32Array): Automaton {
  const { reject, accept } = absorbing(groups);
  const numbers = new Map([
    [reject, NO],
    [accept, YES],
  ]);
  const members: number[] = [];
  const numberOf = (state: number): number => {
    const group = groups[state]!;
    let number = numbers.get(group);
    if (number === undefined) {
      number = members.push(state) - 1 + FIRST_ROW;
      numbers.set(group, number);
    }
    return number;
  };
  const start = numberOf(table.start);
  const rows: number[][] = [];
  for (let i = 0; i < members.length; i++) rows.push(Array.from(table.rows[members[i]!]!, numberOf));
  const { classOf, ranges } = byteClasses(table, rows);
  const targets = rows.flatMap((row, i) => [
    ...ranges.map((range) => row[range]!),
    table.matchesAtEnd[members[i]!] ? YES : NO,
  ]);
  return {
    states: rows.length,
    start,
    classOf,
    classes: ranges.length,
    targets: Uint16Array.from(targets),
  };
}

/** Bytes that lead to the same states from everywhere are one class; `ranges` has one range of each. */
function byteClasses(
  table: Table,
  rows: readonly number[][],
): { readonly classOf: Uint8Array; readonly ranges: readonly number[] } {
  const classes = new Map<string, number>();
  const ranges: number[] = [];
  const ofRange = Array.from({ length: table.ranges }, (_, range) => {
    const column = rows.map((row) => row[range]).join();
    const known = classes.get(column);
    if (known !== undefined) return known;
    classes.set(column, ranges.length);
    return ranges.push(range) - 1;
  });
  return { classOf: table.rangeOf.map((range) => ofRange[range]!), ranges };
}
