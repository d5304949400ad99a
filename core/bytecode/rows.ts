/**
 * Policies that differ in constants only share their code: what differs becomes columns, and each policy has a row with
 * its own constants.
 */

import { INSTRUCTIONS, type OperandB } from "./gen/tables.ts";
import { TooLarge } from "./too-large.ts";

/** Four u16 an instruction: head, a, b, jump; `b` may be larger where it is a constant. */
export type Words = readonly number[];

/** Bit of a head: `b` is a column of the policy's row. */
export const COLUMN = 1 << 15;

const WORDS = 4;
const U16_MAX = 0xffff;
const INSTRUCTION_BYTES = 8;
/** The length of a routine, and one constant of a row. */
const WORD_BYTES = 4;

const CONSTANTS: ReadonlySet<OperandB> = new Set([
  "string",
  "strings",
  "number",
  "numbers",
  "member",
  "members",
  "network",
  "networks",
  "automaton",
  "schedule",
]);

/** Is `b` of such an instruction something that can stand in a row? */
export function takesColumn(kind: OperandB): boolean {
  return CONSTANTS.has(kind);
}

/** One policy's routines, in an order that is the same for policies of one shape. */
export interface Shaped {
  readonly routines: readonly Words[];
  readonly row: readonly number[];
}

/**
 * The policies' routines with columns where that saves bytes, and where a constant's index has no room in an instruction.
 * Routines that are equal need not be one object. `share`: look for what can be shared; else only what has no room moves.
 */
export function withRows(policies: readonly (readonly Words[])[], share: boolean): readonly Shaped[] {
  const shaped = new Array<Shaped>(policies.length);
  for (const group of share ? groupsOf(policies) : policies.map((_, i) => [i])) {
    const members = group.map((i) => policies[i]!);
    const columns = columnsOf(members, share);
    const routines = columns.places.size === 0 ? null : inColumns(members[0]!, columns.places);
    const { values } = columns;
    group.forEach((policy, m) => {
      shaped[policy] = {
        routines: routines ?? members[m]!,
        row: routines === null ? [] : values.map((column) => column[m]!),
      };
    });
  }
  return shaped;
}

/** Policies whose routines are equal but for constants, in order of the first of them. */
function groupsOf(policies: readonly (readonly Words[])[]): number[][] {
  const groups = new Map<string, number[]>();
  policies.forEach((routines, i) => {
    const shape = routines.map(shapeOf).join(";");
    const group = groups.get(shape);
    if (group === undefined) groups.set(shape, [i]);
    else group.push(i);
  });
  return [...groups.values()];
}

function shapeOf(words: Words): string {
  let shape = "";
  for (let i = 0; i < words.length; i += WORDS) {
    const constant = takesColumn(INSTRUCTIONS[words[i]! & 0xff]!.b);
    shape += `${words[i]},${words[i + 1]},${constant ? "" : words[i + 2]},${words[i + 3]},`;
  }
  return shape;
}

interface Columns {
  /** By routine and place of `b` in it: the column. */
  readonly places: ReadonlyMap<string, number>;
  /** By column and member of the group. */
  readonly values: readonly (readonly number[])[];
}

const NONE: Columns = { places: new Map(), values: [] };

function columnsOf(members: readonly (readonly Words[])[], share: boolean): Columns {
  const places = new Map<string, number>();
  const values: number[][] = [];
  const known = new Map<string, number>();
  let forced = false;
  members[0]!.forEach((routine, r) => {
    for (let at = 2; at < routine.length; at += WORDS) {
      const kind = INSTRUCTIONS[routine[at - 2]! & 0xff]!.b;
      if (!takesColumn(kind)) continue;
      const column = members.map((routines) => routines[r]![at]!);
      const tooLarge = column.some((value) => value > U16_MAX);
      forced ||= tooLarge;
      if (!tooLarge && column.every((value) => value === column[0])) continue;
      // Two tests of one constant share its column.
      const key = `${kind} ${column.join()}`;
      const index = known.get(key) ?? values.push(column) - 1;
      known.set(key, index);
      places.set(`${r} ${at}`, index);
    }
  });
  if (forced && values.length > U16_MAX + 1) throw new TooLarge();
  return forced || (share && saves(members, places, values.length)) ? { places, values } : NONE;
}

/** Is the code, each routine once, so much smaller that it outweighs the rows? */
function saves(
  members: readonly (readonly Words[])[],
  places: ReadonlyMap<string, number>,
  columns: number,
): boolean {
  if (members.length < 2 || places.size === 0) return false;
  const after = bytesOf(inColumns(members[0]!, places));
  return bytesOf(members.flat()) > after + members.length * columns * WORD_BYTES;
}

function bytesOf(routines: readonly Words[]): number {
  let bytes = 0;
  for (const words of new Map(routines.map((routine) => [routine.join(), routine])).values())
    bytes += WORD_BYTES + (words.length / WORDS) * INSTRUCTION_BYTES;
  return bytes;
}

function inColumns(routines: readonly Words[], places: ReadonlyMap<string, number>): Words[] {
  return routines.map((routine, r) => {
    const words = [...routine];
    for (let at = 2; at < words.length; at += WORDS) {
      const column = places.get(`${r} ${at}`);
      if (column === undefined) continue;
      words[at - 2] = words[at - 2]! | COLUMN;
      words[at] = column;
    }
    return words;
  });
}
