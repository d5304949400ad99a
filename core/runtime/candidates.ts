/** The policies that a request is judged by, in their order: all, or those that a selection finds where there are many. */
import type { Program } from "../bytecode/program.ts";
import type { Slots } from "../request/slots.ts";
import { RisingSet } from "./selection/rising-set.ts";
import { Selection } from "./selection/selection.ts";

/** From so many policies on it is quicker to find those that can apply than to judge all. */
export const SELECT_FROM = 24;

export class Candidates {
  readonly #count: number;
  readonly #selection: Selection | null;
  readonly #found: RisingSet;
  #last = -1;

  /** `selectFrom`: policies from which on they are selected. */
  constructor(program: Program, slots: Slots, selectFrom: number) {
    this.#count = program.policies.length;
    const selects = this.#count >= selectFrom;
    this.#selection = selects ? new Selection(program, slots) : null;
    this.#found = new RisingSet(selects ? this.#count : 0);
  }

  /** The first policy for the request in the slots; -1 where there is none. Allocates nothing. */
  first(): number {
    this.#last = -1;
    if (this.#selection !== null) {
      // A decision may have been made before all were asked for.
      this.#found.clear();
      this.#selection.select(this.#found);
    }
    return this.next();
  }

  /** The one behind the last; -1 where there is none. */
  next(): number {
    if (this.#selection !== null) return this.#found.take();
    this.#last++;
    return this.#last < this.#count ? this.#last : -1;
  }
}
