/** One program that is asked about many requests: outcomes, conditions and facts of the one that was loaded last. */
import type { ExplainNode, PolicyEntry, Program, Slot } from "../bytecode/program.ts";
import type { Decision, Outcome } from "../decision/decision.ts";
import { type FactValue, factAt, factIn, type Json, sameFact } from "../request/facts.ts";
import { createSlotLoader, type SlotLoader } from "../request/load.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import { Slots } from "../request/slots.ts";
import { withAttribute, withFact } from "../request/with-fact.ts";
import type { CountRange } from "../runtime/counts.ts";
import { countRange } from "../runtime/counts.ts";
import { decideFrom } from "../runtime/evaluate.ts";
import { type Truth, truthOf } from "../runtime/explain.ts";
import { Interpreter } from "../runtime/interpreter.ts";
import { Decisions, outcomeOf } from "../runtime/outcomes.ts";
import { chosenSet, isChosen, NO_POLICY_SET } from "../runtime/policy-sets.ts";
import type { ValueSource } from "./values.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Values of built-in attributes that no text is good enough for. */
const WELL_FORMED: Readonly<Record<string, readonly Json[]>> = {
  "request.method": ["GET", "POST"],
  "request.path": ["/", "/other"],
  "request.host": ["example.com"],
};

export class Probe {
  readonly program: Program;
  readonly vocabulary: Vocabulary;
  readonly values: ValueSource;
  /** Requests that were loaded. */
  loads = 0;
  readonly #slots: Slots;
  readonly #loader: SlotLoader;
  readonly #interpreter: Interpreter;
  readonly #decisions: Decisions;
  readonly #slotOfCell: readonly Slot[];

  constructor(program: Program) {
    this.program = program;
    this.vocabulary = new Vocabulary(program);
    this.values = { program, vocabulary: this.vocabulary, neighbours: (path) => this.#neighbours(path) };
    this.#slots = new Slots(program.cellCount);
    this.#loader = createSlotLoader(program);
    this.#interpreter = new Interpreter(program, this.#slots);
    this.#decisions = new Decisions(program, this.#slots);
    this.#slotOfCell = program.slots.flatMap((slot) => Array.from({ length: slot.shape.width }, () => slot));
  }

  load(request: NeutralRequest): void {
    this.loads++;
    this.#loader.load(request, this.#slots);
  }

  /** Of the loaded request, one outcome a policy. */
  outcomes(): Outcome[] {
    const set = chosenSet(this.program.policySets, this.#slots);
    return Array.from(this.program.policies.columns.sets, (own, policy) =>
      isChosen(own, set) ? outcomeOf(policy, this.program, this.#interpreter) : "not-applicable",
    );
  }

  /** The decision that outcomes make about the loaded request. */
  decision(outcomes: readonly Outcome[]): Decision {
    if (this.lacksSet) return this.#decisions.noPolicySet;
    const { methodInvalid, pathInvalid, hostInvalid } = this.#loader;
    return decideFrom(
      outcomes,
      !(methodInvalid || pathInvalid || hostInvalid),
      this.program,
      this.#decisions,
    );
  }

  /** The loaded request names none of the program's policy sets. */
  get lacksSet(): boolean {
    return chosenSet(this.program.policySets, this.#slots) === NO_POLICY_SET;
  }

  /** Does a policy belong to the set that the loaded request names, or to none? */
  isChosen(policy: PolicyEntry): boolean {
    return isChosen(policy.set, chosenSet(this.program.policySets, this.#slots));
  }

  truth(node: ExplainNode): Truth {
    const [program, slots, interpreter, decisions] = [
      this.program,
      this.#slots,
      this.#interpreter,
      this.#decisions,
    ];
    return truthOf(node, { program, slots, interpreter, decisions });
  }

  /** What the counts of a leaf come to; null for an unknown list. */
  counts(leaf: ExplainNode): (CountRange | null)[] {
    return this.#interpreter.countsOf(leaf.code, leaf.row).map(countRange);
  }

  /** The slot that a cell of the global frame belongs to. */
  slotOf(cell: number): Slot {
    return this.#slotOfCell[cell]!;
  }

  fact(slot: Slot): FactValue {
    return factIn(this.#slots, slot, this.program);
  }

  /**
   * Load the request with another value for a slot (`undefined`: left out), said where its source says it, or if it cannot
   * be said there, as an attribute set directly. Null where neither gives the slot that value.
   */
  loadWith(request: NeutralRequest, slot: Slot, value: Json | undefined): NeutralRequest | null {
    const wanted: FactValue = value === undefined ? { state: "absent" } : { state: "present", value };
    const candidates = [() => withFact(request, slot, value, this.program)];
    if (slot.source !== "builtin" && slot.source !== "capture")
      candidates.push(() => withAttribute(request, slot, value));
    for (const candidate of candidates) {
      const changed = candidate();
      if (changed === null) continue;
      this.load(changed);
      if (sameFact(this.fact(slot), wanted)) return changed;
    }
    return null;
  }

  /** Scalars that stand now in what is compared with the value at a path; and of some built-ins what they can be. */
  #neighbours(path: string): Json[] {
    const wellFormed = path.includes("[") ? [] : (WELL_FORMED[this.slotOf(Number(path)).name] ?? []);
    const compared = this.vocabulary.linked(path).flatMap((other): Json[] => {
      const cell = Number(other.split("[")[0]);
      const slot = this.slotOf(cell);
      const fact = factAt(this.#slots, cell, shapeAt(slot, cell), this.program);
      if (other === path || fact.state !== "present") return [];
      return (Array.isArray(fact.value) ? fact.value : [fact.value]).filter(
        (value) => typeof value !== "object",
      );
    });
    return [...compared, ...wellFormed];
  }
}

function shapeAt(slot: Slot, cell: number): Slot["shape"] {
  let shape = slot.shape;
  for (let offset = cell - slot.cell; offset > 0; ) {
    const field = shape.fields.findLast((each) => each.offset <= offset)!;
    shape = field.shape;
    offset -= field.offset;
  }
  return shape;
}
