/** One policy's part in a decision in the form of a trace: what `ipe explain --json` prints beside the trees. */
import type {
  ConditionTree,
  CountNeed,
  Decision,
  NeutralRequest,
  PolicyReport,
  PolicyTrees,
} from "../../../core/index.ts";

const OPERATION = "policy_evaluation";
/** W3C Trace Context, version 00: trace id, span id, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const BOUNDS = { "at-least": ">=", "at-most": "<=", exactly: "==", "other-than": "!=" } as const;

export interface TraceContext {
  readonly request: NeutralRequest;
  readonly tier: string;
  readonly decision: Decision;
}

/** The trace of one policy. */
export function traceOf(
  report: PolicyReport,
  trees: PolicyTrees,
  { request, tier, decision }: TraceContext,
): Record<string, unknown> {
  const leaves = [trees.trigger, trees.requirement].flatMap(leavesOf);
  const texts = (truth: ConditionTree["truth"]): string[] =>
    leaves.filter((leaf) => leaf.truth === truth).map(conditionText);
  return {
    ...parentOf(request),
    operation: OPERATION,
    policy: report.name,
    tier,
    duration_us: trees.ns === null ? null : Math.round(trees.ns) / 1_000,
    decision: decision.allow ? "allow" : "deny",
    matched_conditions: texts("true"),
    failed_conditions: texts("false"),
    unknown_conditions: texts("unknown"),
  };
}

/** The trace that the request belongs to, if it says so. Our own span has no id: nothing records it. */
function parentOf({ headers }: NeutralRequest): Record<string, string> {
  if (typeof headers === "symbol") return {};
  const lines = headers.filter(({ name }) => name.toLowerCase() === "traceparent");
  const [line] = lines;
  const found = lines.length === 1 && typeof line!.value === "string" ? TRACEPARENT.exec(line!.value) : null;
  return found === null ? {} : { trace_id: found[1]!, parent_span_id: found[2]! };
}

function leavesOf(tree: ConditionTree | null): ConditionTree[] {
  if (tree === null) return [];
  return tree.kind === "leaf" ? [tree] : tree.children.flatMap(leavesOf);
}

/** As written, and of a count or a single value what it was. */
function conditionText(leaf: ConditionTree): string {
  const text = leaf.text.replace(/\s*\n\s*/g, " ");
  if (leaf.truth === "true") return text;
  return `${text} (got ${leaf.counts.length > 0 ? countsText(leaf) : valuesText(leaf)})`;
}

function countsText({ counts, need }: ConditionTree): string {
  const got = counts.map((count) =>
    count === null ? "no list" : count.least === count.most ? count.least : `${count.least} to ${count.most}`,
  );
  return `${got.join(" and ")}${need === null ? "" : needText(need)}`;
}

function needText({ bound, number }: CountNeed): string {
  return `, need ${BOUNDS[bound]} ${number}`;
}

function valuesText({ reads }: ConditionTree): string {
  const values = reads.map(({ name, state, value }) => {
    const seen = value ?? state;
    return reads.length === 1 ? seen : `${name}: ${seen}`;
  });
  return values.length === 0 ? "nothing" : values.join(", ");
}
