/** Plans of policies, and their pieces of bundles, kept as long as the cells of the request stay where they are. */
import { Pieces } from "../bytecode/pieces.ts";
import { inOrder, Lowering, layOut, planOf } from "../plan/lower.ts";
import type { Plan, PlanPolicy, PlanSlot } from "../plan/plan.ts";
import type { Attribute } from "../schema/schema.ts";
import type { Known, KnownPolicy } from "./known.ts";
import { MovingPlace } from "./text.ts";

/** A policy's part of the plan. */
export interface Lowered {
  readonly by: Lowering;
  readonly policy: PlanPolicy;
  /** The last plan that it was in. */
  round: number;
}

export class Plans {
  readonly known: Known;
  pieces = new Pieces();
  #slots: readonly PlanSlot[] = [];
  #lowering: Lowering | null = null;
  #round = 0;
  /** Those of the last plan, in its order. */
  #last: readonly Lowered[] = [];

  constructor(known: Known) {
    this.known = known;
  }

  planOf(policies: readonly KnownPolicy[]): Plan {
    const { known } = this;
    const { schema } = known.resolved;
    const read = new Set<Attribute>();
    for (const policy of policies) for (const builtin of known.builtins(policy)) read.add(builtin);
    const lowering = this.#loweringTo(layOut(schema, read));
    const [before, round] = [this.#round, this.#round + 1];
    const added: Lowered[] = [];
    for (const known of policies) {
      const { lowered } = known;
      if (lowered?.by === lowering && lowered.round === before) lowered.round = round;
      else {
        const policy = lowered?.by === lowering ? lowered.policy : lowering.policy(known.policy);
        known.lowered = { by: lowering, policy, round };
        added.push(known.lowered);
      }
    }
    this.#round = round;
    this.#last = merged(
      this.#last.filter((lowered) => lowered.round === round),
      added.sort(inPlanOrder),
    );
    return planOf(
      schema,
      this.#slots,
      this.#last.map(({ policy }) => policy),
    );
  }

  #loweringTo(slots: readonly PlanSlot[]): Lowering {
    const same =
      slots.length === this.#slots.length &&
      slots.every(({ attribute }, i) => attribute === this.#slots[i]!.attribute);
    if (this.#lowering !== null && same) return this.#lowering;
    this.#slots = slots;
    this.#last = [];
    this.pieces = new Pieces();
    this.#lowering = new Lowering(this.known.checker.resolutions, slots, (e) => new MovingPlace(e));
    return this.#lowering;
  }
}

function inPlanOrder(a: Lowered, b: Lowered): number {
  return inOrder(a.policy, b.policy);
}

/** Two lists in order as one; few are added to many. */
function merged(many: readonly Lowered[], few: readonly Lowered[]): Lowered[] {
  const all: Lowered[] = [];
  let from = 0;
  for (const added of few) {
    let [low, high] = [from, many.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (inPlanOrder(many[middle]!, added) < 0) low = middle + 1;
      else high = middle;
    }
    for (let i = from; i < low; i++) all.push(many[i]!);
    all.push(added);
    from = low;
  }
  for (let i = from; i < many.length; i++) all.push(many[i]!);
  return all;
}
