/** The decision alone: policies in order, stopping where nothing can change it any more. */
import * as format from "../bytecode/gen/constants.ts";
import type { Program } from "../bytecode/program.ts";
import type { Decision, Outcome } from "../decision/decision.ts";
import type { Slots } from "../request/slots.ts";
import type { Candidates } from "./candidates.ts";
import type { Interpreter } from "./interpreter.ts";
import { type Decisions, denialRank, outcomeOf } from "./outcomes.ts";
import { chosenSet, isChosen, NO_POLICY_SET } from "./policy-sets.ts";

const PERMISSIVE = format.MODE_PERMISSIVE;
const GUARD = format.POLICY_KIND_GUARD;

/** Decides over the slots that its interpreter reads. Allocates nothing for a decision that was made before. */
export class Evaluator {
  readonly #program: Program;
  readonly #interpreter: Interpreter;
  readonly #decisions: Decisions;
  readonly #candidates: Candidates;
  readonly #slots: Slots;

  constructor(made: {
    readonly program: Program;
    readonly slots: Slots;
    readonly interpreter: Interpreter;
    readonly decisions: Decisions;
    readonly candidates: Candidates;
  }) {
    this.#program = made.program;
    this.#slots = made.slots;
    this.#interpreter = made.interpreter;
    this.#decisions = made.decisions;
    this.#candidates = made.candidates;
  }

  /** `sound`: method, host and path are valid; `default allow` covers nothing else. */
  evaluate(sound: boolean): Decision {
    const { policies, policySets } = this.#program;
    const { modes, sets, kinds } = policies.columns;
    const set = chosenSet(policySets, this.#slots);
    if (set === NO_POLICY_SET) return this.#decisions.noPolicySet;
    const { headerSets } = this.#decisions;
    let denying = -1;
    let denial: Outcome = "not-applicable";
    let first = -1;
    let headers = headerSets.none;
    const candidates = this.#candidates;
    for (let i = candidates.first(); i !== -1; i = candidates.next()) {
      if (modes[i] === PERMISSIVE || !isChosen(sets[i]!, set)) continue;
      const outcome = outcomeOf(i, this.#program, this.#interpreter);
      // INVARIANT: a denial of the first rank wins over all that follow, by rank or by order.
      if (outcome === "denied") return this.#decisions.deny(i, outcome);
      if (denialRank(outcome) < denialRank(denial)) {
        denying = i;
        denial = outcome;
      }
      if (outcome !== "satisfied" || kinds[i] === GUARD) continue;
      if (first === -1) first = i;
      headers = headerSets.with(headers, i);
    }
    if (denial === "unsatisfied" || denial === "indeterminate") return this.#decisions.deny(denying, denial);
    return first === -1 ? this.#decisions.byDefault(sound) : this.#decisions.allow(first, headers);
  }
}

/** The decision that given outcomes make, one a policy. */
export function decideFrom(
  outcomes: readonly Outcome[],
  sound: boolean,
  program: Program,
  decisions: Decisions,
): Decision {
  let denying = -1;
  const satisfied: number[] = [];
  const { modes, kinds } = program.policies.columns;
  outcomes.forEach((outcome, i) => {
    if (modes[i] === PERMISSIVE) return;
    if (denialRank(outcome) < (denying === -1 ? Number.POSITIVE_INFINITY : denialRank(outcomes[denying]!)))
      denying = i;
    if (outcome === "satisfied" && kinds[i] !== GUARD) satisfied.push(i);
  });
  if (denying !== -1)
    return decisions.deny(denying, outcomes[denying] as "denied" | "unsatisfied" | "indeterminate");
  if (satisfied.length === 0) return decisions.byDefault(sound);
  const { headerSets } = decisions;
  const headers = satisfied.reduce((set, i) => headerSets.with(set, i), headerSets.none);
  return decisions.allow(satisfied[0]!, headers);
}
