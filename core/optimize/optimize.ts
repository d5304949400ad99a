/**
 * Conditions made smaller and faster without a change of what they answer, unknown included: only laws of Kleene's logic
 * are used. There is no excluded middle and no contradiction (`a or not a` stays), no arithmetic, no test is dropped that
 * alone asks for a cell. Reasons come from the source tree, which stays as it was.
 */
import { type Condition, conditionOf, type PlanNode } from "../plan/plan.ts";
import { cellsRead } from "./conditions.ts";
import { flatten } from "./flatten.ts";
import { fold } from "./fold.ts";
import { dropImplied } from "./implied.ts";
import { merge } from "./merge.ts";
import { order } from "./order.ts";
import { mergeSets } from "./sets.ts";

export interface Pass {
  readonly name: string;
  /** What it does, in a few words. */
  readonly about: string;
  /** A condition that answers the same. The first pass takes any, the others what `flatten` gives. */
  run(condition: Condition): Condition;
}

/** In the order in which they run. */
export const PASSES: readonly Pass[] = [
  { name: "flatten", about: "negations at the tests, no and in an and", run: flatten },
  { name: "fold", about: "true and false in and, or", run: fold },
  { name: "merge", about: "common tests once", run: merge },
  { name: "implied", about: "tests that another one of the same value implies", run: dropImplied },
  { name: "sets", about: "equalities of one value as one test", run: mergeSets },
  { name: "order", about: "cheap and decisive tests first", run: order },
];

/** What the code of a node shall test: of a policy's condition as a whole, or of a leaf alone. */
export type NodeConditions = (node: PlanNode) => Condition;

/** Optimize the condition of a node when it is asked for, and every leaf for itself. */
export function optimize(passes: readonly Pass[] = PASSES): NodeConditions {
  const run = (condition: Condition): Condition =>
    passes.reduce((current, pass) => pass.run(current), condition);
  return (node) => (node.kind === "leaf" ? leafCondition(node.condition, run) : run(conditionOf(node)));
}

/** Kinds of leaves that stay as they are: alternatives, and tests of which no pass makes anything else. */
const KEPT: ReadonlySet<Condition["kind"]> = new Set([
  "and",
  "or",
  "exists",
  "truth",
  "compare",
  "text",
  "has",
]);

/**
 * A leaf's code is run for reasons, which name the cells that it reads and show the counts at its start: it goes on
 * reading all of them, and what stands beside each other in it stays in its order.
 */
function leafCondition(condition: Condition, run: (condition: Condition) => Condition): Condition {
  if (KEPT.has(condition.kind)) return condition;
  const made = run(condition);
  return cellsRead(made).size === cellsRead(condition).size ? made : condition;
}
