/**
 * Policies that differ in constants only share their code: what differs becomes columns, and each policy has a row with
 * its own constants.
 */

import type { OperandB } from "./gen/tables.ts";
import { Lists } from "./lists.ts";
import type { Pool } from "./pool.ts";
import type { Pools } from "./pools.ts";
import { type Form, type Routine, type Routines, WORDS } from "./routines.ts";
import { TooLarge } from "./too-large.ts";

const U16_MAX = 0xffff;
const INSTRUCTION_BYTES = 8;
/** The length of a routine, and one constant of a row. */
const WORD_BYTES = 4;

/** Policies whose code has the same forms. */
export interface Family {
  readonly id: number;
  readonly forms: readonly Form[];
  /** By constant of all the forms: what it is. */
  readonly kinds: readonly OperandB[];
}

/** The code of one policy. */
export interface PolicyCode {
  readonly family: Family;
  readonly routines: readonly Routine[];
  /** Those of all the routines. */
  readonly constants: readonly number[];
}

export class Families {
  readonly #known = new Lists<Family>();
  #count = 0;

  codeOf(routines: readonly Routine[]): PolicyCode {
    const family = this.#known.of(
      routines.map(({ form }) => form.id),
      () => {
        const forms = routines.map(({ form }) => form);
        return { id: this.#count++, forms, kinds: forms.flatMap(({ kinds }) => kinds) };
      },
    );
    return { family, routines, constants: routines.flatMap(({ constants }) => constants) };
  }
}

/** What a bundle has of a policy's code. */
export interface Shaped {
  readonly routines: readonly Routine[];
  /** By column: which of the policy's constants stands there, and the pool that it is from. */
  readonly columns: readonly number[];
  readonly pools: readonly (Pool<unknown> | null)[];
}

export interface RowsOptions {
  /** Look for what can be shared; else only what has no room in an instruction moves. */
  readonly share: boolean;
}

/**
 * The policies' code with columns where that saves bytes, and where a constant's index has no room in an instruction.
 * INVARIANT: all constants of the code have their indexes.
 */
export function withRows(
  policies: readonly PolicyCode[],
  routines: Routines,
  pools: Pools,
  { share }: RowsOptions,
): readonly Shaped[] {
  const shaped: (Shaped | undefined)[] = new Array(policies.length);
  const bytes = new Bytes(routines.all.length);
  for (const group of share ? groupsOf(policies) : policies.map((_, i) => [i])) {
    if (group.length === 1 && pools.haveRoom) continue;
    const members = group.map((i) => policies[i]!);
    const columns = columnsOf(members, pools);
    if (columns === null) continue;
    const made = inColumns(members[0]!, columns, routines);
    const rows = members.length * columns.columns.length * WORD_BYTES;
    if (!columns.forced && !(share && bytes.areMore(members, bytesOf(made) + rows))) continue;
    const { kinds } = members[0]!.family;
    const all = {
      routines: made,
      columns: columns.columns,
      pools: columns.columns.map((place) => pools.poolOf(kinds[place]!)),
    };
    for (const policy of group) shaped[policy] = all;
  }
  return policies.map(({ routines }, i) => shaped[i] ?? { routines, columns: [], pools: [] });
}

/** Policies of one family, in order of the first of them. */
function groupsOf(policies: readonly PolicyCode[]): number[][] {
  const groups: number[][] = [];
  const byFamily: number[][] = [];
  policies.forEach(({ family }, i) => {
    let group = byFamily[family.id];
    if (group === undefined) {
      group = [];
      byFamily[family.id] = group;
      groups.push(group);
    }
    group.push(i);
  });
  return groups;
}

interface Columns {
  /** By constant of a policy: its column, or -1. */
  readonly places: readonly number[];
  /** By column: a constant that stands in it. */
  readonly columns: readonly number[];
  /** Something has no room elsewhere. */
  readonly forced: boolean;
}

/** Null where nothing differs, and all has room. */
function columnsOf(members: readonly PolicyCode[], pools: Pools): Columns | null {
  const { kinds } = members[0]!.family;
  const table = new ConstantTable(members, kinds.length);
  const places = new Array<number>(kinds.length).fill(-1);
  const columns: number[] = [];
  const alike = new Map<string, number[]>();
  let forced = false;
  kinds.forEach((kind, place) => {
    const tooLarge = table.some(place, hasNoRoom(pools.poolOf(kind)));
    forced ||= tooLarge;
    if (!tooLarge && table.differs[place] === 0) return;
    // Two tests of one constant share its column.
    const key = `${kind} ${table.hashes[place]}`;
    const candidates = alike.get(key) ?? [];
    let column = candidates.find((candidate) => table.areEqual(columns[candidate]!, place));
    if (column === undefined) {
      column = columns.push(place) - 1;
      alike.set(key, [...candidates, column]);
    }
    places[place] = column;
  });
  if (columns.length > U16_MAX + 1) {
    if (forced) throw new TooLarge();
    return null;
  }
  return columns.length === 0 ? null : { places, columns, forced };
}

/** Has a constant of this pool an index that is too large for an instruction? Null where all have room. */
function hasNoRoom(pool: Pool<unknown> | null): ((constant: number) => boolean) | null {
  if (pool === null) return (member) => member > U16_MAX;
  return pool.size <= U16_MAX + 1 ? null : (constant) => pool.use(constant) > U16_MAX;
}

/** Constants by policy and place. */
class ConstantTable {
  /** By place: of the constants of all policies. */
  readonly hashes: Int32Array;
  /** By place: 1 where not all have the same constant. */
  readonly differs: Uint8Array;
  readonly #width: number;
  readonly #constants: Int32Array;

  constructor(policies: readonly PolicyCode[], width: number) {
    const { constants: first } = policies[0]!;
    const [hashes, differs] = [new Int32Array(width), new Uint8Array(width)];
    const all = new Int32Array(policies.length * width);
    let at = 0;
    for (const { constants } of policies) {
      for (let place = 0; place < width; place++) {
        const constant = constants[place]!;
        all[at++] = constant;
        if (constant !== first[place]) differs[place] = 1;
        hashes[place] = Math.imul(hashes[place]! ^ constant, 0x9e3779b1);
      }
    }
    this.hashes = hashes;
    this.differs = differs;
    this.#width = width;
    this.#constants = all;
  }

  some(place: number, is: ((constant: number) => boolean) | null): boolean {
    if (is === null) return false;
    for (let at = place; at < this.#constants.length; at += this.#width)
      if (is(this.#constants[at]!)) return true;
    return false;
  }

  /** Has each policy the same constant in both places? */
  areEqual(one: number, other: number): boolean {
    for (let row = 0; row < this.#constants.length; row += this.#width)
      if (this.#constants[row + one] !== this.#constants[row + other]) return false;
    return true;
  }
}

/** How large code is, each routine once. */
class Bytes {
  /** By routine: the last count that met it. */
  readonly #met: Int32Array;
  #count = 0;

  constructor(routines: number) {
    this.#met = new Int32Array(routines);
  }

  /** Does the code of the policies have more bytes? */
  areMore(policies: readonly PolicyCode[], than: number): boolean {
    this.#count++;
    let bytes = 0;
    for (const { routines } of policies) {
      for (const routine of routines) {
        if (this.#met[routine.id] === this.#count) continue;
        this.#met[routine.id] = this.#count;
        bytes += routineBytes(routine);
      }
      if (bytes > than) return true;
    }
    return false;
  }
}

function bytesOf(routines: readonly Routine[]): number {
  return [...new Set(routines)].reduce((sum, routine) => sum + routineBytes(routine), 0);
}

function routineBytes({ form }: Routine): number {
  return WORD_BYTES + (form.words.length / WORDS) * INSTRUCTION_BYTES;
}

function inColumns({ routines }: PolicyCode, { places }: Columns, all: Routines): Routine[] {
  let from = 0;
  return routines.map((routine) => {
    const to = from + routine.constants.length;
    const own = places.slice(from, to);
    from = to;
    return all.inColumns(routine, own);
  });
}
