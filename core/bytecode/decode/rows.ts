/** Rule 18: the constants in the policies' rows are what the code makes of them. */
import { type ColumnUse, columnProblem, type Facts } from "./instructions.ts";
import { refuse } from "./refusal.ts";
import type { Table } from "./table.ts";

/** Checks the row of one policy after the other against the routines that take constants from it. */
export class RowChecks {
  readonly rows: Int32Array;
  readonly #table: Table;
  readonly #starts: Int32Array;
  readonly #uses: ReadonlyMap<number, readonly ColumnUse[]>;
  readonly #facts: Facts;
  /** By policy: columns that its routines demand. */
  readonly #columns: Int32Array;

  constructor(
    table: Table,
    starts: Int32Array,
    made: { readonly uses: ReadonlyMap<number, readonly ColumnUse[]>; readonly facts: Facts },
  ) {
    this.#table = table;
    this.#starts = starts;
    this.#uses = made.uses;
    this.#facts = made.facts;
    this.rows = new Int32Array(table.count);
    for (let i = 0; i < table.count; i++) this.rows[i] = table.word(i, 0);
    this.#columns = new Int32Array(starts.length - 1);
  }

  /** A routine that the policy uses. */
  check(routine: number, policy: number): void {
    const uses = this.#uses.get(routine);
    if (uses === undefined) return;
    const start = this.#starts[policy]!;
    const count = this.#starts[policy + 1]! - start;
    for (const use of uses) {
      if (use.column >= count)
        refuse(use.where, `column ${use.column} does not exist, policies entry ${policy} has ${count}`);
      const problem = columnProblem(use, this.rows[start + use.column]! >>> 0, this.#facts);
      if (problem !== null) refuse(this.#table.at(start + use.column), `${use.info.name}: ${problem}`);
      if (use.column >= this.#columns[policy]!) this.#columns[policy] = use.column + 1;
    }
  }

  /** After all routines of all policies: no row is longer than its routines demand. */
  checkLengths(): void {
    for (let policy = 0; policy < this.#columns.length; policy++) {
      const count = this.#starts[policy + 1]! - this.#starts[policy]!;
      if (count !== this.#columns[policy])
        refuse(
          `policies entry ${policy}`,
          `it has ${count} constants, its routines name ${this.#columns[policy]}`,
        );
    }
  }
}
