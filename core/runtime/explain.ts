/** All reasons: every policy's outcome and, on its source tree without short-circuit, what failed and why. */
import type { ExplainNode, PolicyEntry, Program } from "../bytecode/program.ts";
import type { Explanation, FailedCondition, Outcome, PolicyReport } from "../decision/decision.ts";
import { ABSENT, INVALID, type Slots } from "../request/slots.ts";
import { compareBytes } from "../source/bytes.ts";
import type { Candidates } from "./candidates.ts";
import { decideFrom } from "./evaluate.ts";
import type { Interpreter } from "./interpreter.ts";
import { type Decisions, outcomeOf } from "./outcomes.ts";
import { chosenSet, isChosen, NO_POLICY_SET } from "./policy-sets.ts";

const TIME = "request.time";

export type Truth = "true" | "false" | "unknown";

export interface Explainer {
  readonly program: Program;
  readonly slots: Slots;
  readonly interpreter: Interpreter;
  readonly decisions: Decisions;
}

/** Explain the decision about the request in the slots. */
export function explain(explainer: Explainer, candidates: Candidates, sound: boolean): Explanation {
  const { program, interpreter, decisions } = explainer;
  const set = chosenSet(program.policySets, explainer.slots);
  const outcomes = new Array<Outcome>(program.policies.length).fill("not-applicable");
  const { sets, offWhenExpired } = program.policies.columns;
  const judge = (policy: number): void => {
    if (isChosen(sets[policy]!, set)) outcomes[policy] = outcomeOf(policy, program, interpreter);
  };
  for (let i = candidates.first(); i !== -1; i = candidates.next()) judge(i);
  // What is off once it has expired is expired, whatever its trigger says.
  offWhenExpired.forEach((off, policy) => {
    if (off === 1) judge(policy);
  });
  return {
    decision: set === NO_POLICY_SET ? decisions.noPolicySet : decideFrom(outcomes, sound, program, decisions),
    policies: Array.from(program.policies, (policy, i) => report(policy, outcomes[i]!, explainer)),
  };
}

function report(policy: PolicyEntry, outcome: Outcome, explainer: Explainer): PolicyReport {
  const tree =
    outcome === "unsatisfied"
      ? policy.requirementNode
      : outcome === "indeterminate"
        ? policy.triggerNode
        : null;
  const nodes = tree === null ? [] : failedNodes(tree, explainer);
  const clock =
    outcome === "indeterminate" && nodes.length === 0
      ? explainer.slots.state[explainer.program.timeCell]
      : null;
  return {
    name: policy.name,
    kind: policy.kind,
    mode: policy.mode,
    outcome,
    failed: nodes.map(placeOf),
    // A policy whose trigger is true is indeterminate only for want of the time at which it expires.
    missing: clock === ABSENT ? [TIME] : namesInState(nodes, ABSENT, explainer.slots),
    invalid: clock === INVALID ? [TIME] : namesInState(nodes, INVALID, explainer.slots),
  };
}

/** The non-true parts of an `and`, all parts of an untrue `or`, a `not` whole, a test itself. */
function failedNodes(node: ExplainNode, explainer: Explainer): ExplainNode[] {
  if (truthOf(node, explainer) === "true") return [];
  if (node.kind === "and" || node.kind === "or")
    return node.children.flatMap((child) => failedNodes(child, explainer));
  return [node];
}

/** Kleene's value of a node. */
export function truthOf(node: ExplainNode, explainer: Explainer): Truth {
  switch (node.kind) {
    case "leaf":
      return leafTruth(node, explainer.interpreter);
    case "not":
      return negated(truthOf(node.children[0]!, explainer));
    default: {
      const strong = node.kind === "and" ? "false" : "true";
      const parts = node.children.map((child) => truthOf(child, explainer));
      return parts.includes(strong) ? strong : parts.includes("unknown") ? "unknown" : negated(strong);
    }
  }
}

function leafTruth(node: ExplainNode, interpreter: Interpreter): Truth {
  if (interpreter.run(node.code, false, node.row)) return "true";
  return interpreter.metUnknown && interpreter.run(node.code, true, node.row) ? "unknown" : "false";
}

function negated(truth: Truth): Truth {
  return truth === "unknown" ? truth : truth === "true" ? "false" : "true";
}

function placeOf({ text, line, column }: ExplainNode): FailedCondition {
  return { text, line, column };
}

function namesInState(nodes: readonly ExplainNode[], state: number, slots: Slots): string[] {
  const names = nodes.flatMap((node) =>
    node.reads.filter((read) => slots.state[read.cell] === state).map((read) => read.name),
  );
  return [...new Set(names)].sort(compareBytes);
}
