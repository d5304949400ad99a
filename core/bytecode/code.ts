/** Routines of a bundle in the order in which they were added. */
import type { Pools } from "./pools.ts";
import type { Form, Routine, Routines } from "./routines.ts";
import { WORDS } from "./routines.ts";
import { joined, littleEndian } from "./writer.ts";

const UNUSED = -1;

export class Code {
  readonly #share: boolean;
  readonly #all: readonly Routine[];
  /** By routine: its index. */
  readonly #indexes: Int32Array;
  readonly #routines: Routine[] = [];

  /** Of routines that are made already. */
  constructor({ all }: Routines, share: boolean) {
    this.#share = share;
    this.#all = all;
    this.#indexes = new Int32Array(all.length).fill(UNUSED);
  }

  /** Index of the routine with this id; with sharing that of the first one with the same code. */
  add(id: number): number {
    const known = this.#share ? this.#indexes[id]! : UNUSED;
    if (known !== UNUSED) return known;
    const index = this.#routines.push(this.#all[id]!) - 1;
    this.#indexes[id] = index;
    return index;
  }

  get usesAggregates(): boolean {
    return this.#forms().some(({ aggregates }) => aggregates);
  }

  get computes(): boolean {
    return this.#forms().some(({ computes }) => computes);
  }

  /** Cells of the global frame that some instruction tests. */
  cellsRead(): ReadonlySet<number> {
    const cells = new Set<number>();
    for (const form of this.#forms()) for (const cell of form.cells) cells.add(cell);
    return cells;
  }

  section(pools: Pools): Uint8Array {
    const lengths = this.#routines.map(({ form }) => form.words.length / WORDS);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const code = new Uint16Array(total * WORDS);
    let at = 0;
    for (const routine of this.#routines) at = write(routine, { to: code, at }, pools);
    return joined([littleEndian(Uint32Array.from([lengths.length, total, ...lengths])), littleEndian(code)]);
  }

  #forms(): Form[] {
    return [...new Set(this.#routines.map(({ form }) => form))];
  }
}

/** Write a routine; where the next one begins. */
function write(
  { form, constants }: Routine,
  { to, at }: { readonly to: Uint16Array; readonly at: number },
  pools: Pools,
): number {
  const { words, places, kinds, maps } = form;
  to.set(words, at);
  places.forEach((place, i) => {
    const pool = pools.poolOf(kinds[i]!);
    to[at + place] = pool === null ? constants[i]! : pool.use(constants[i]!);
  });
  const map = pools.poolOf("map")!;
  for (const place of maps) to[at + place] = map.use(words[place]!);
  return at + words.length;
}
