/** `ipe explain`: what every condition saw and said, and what would make a denied request pass. */
import {
  type Clock,
  type ConditionTree,
  type Engine,
  type Explanation,
  findRemedy,
  type NeutralRequest,
  type PolicyReport,
  type PolicyTrees,
} from "../../../core/index.ts";
import { EXIT_DENY, EXIT_SUCCESS, Failure } from "../exit.ts";
import type { Output } from "../output.ts";
import { type EvalOptions, load } from "./eval.ts";
import { remedyData, remedyLines } from "./remedy.ts";
import { traceOf } from "./trace.ts";

export interface ExplainOptions extends EvalOptions {
  readonly policy?: string;
  /** Unset: measured and printed. */
  readonly timings?: boolean;
}

/** All that is known of one request. */
interface Findings {
  readonly engine: Engine;
  readonly request: NeutralRequest;
  readonly explanation: Explanation;
  readonly clock: Clock | null;
  readonly policies: readonly { readonly report: PolicyReport; readonly trees: PolicyTrees }[];
}

const MARKS = { true: "✓", false: "✗", unknown: "?" } as const;
const TIER = "interpreter";
/** Of the whole decision: calls before it is measured, calls in a batch, batches. */
const WARM = 200;
const BATCH = 50;
const BATCHES = 9;
const BOUNDS = {
  "at-least": "at least ",
  "at-most": "at most ",
  exactly: "",
  "other-than": "other than ",
} as const;

/** Print the conditions of one policy, or of all, with what they saw. */
export function explainCommand(options: ExplainOptions, output: Output): number {
  const { engine, request } = load(options, output);
  const names = engine.program.policies.list.map((policy) => policy.name);
  if (options.policy !== undefined && !names.includes(options.policy)) {
    throw new Failure(
      `there is no policy \`${options.policy}\`; the bundle has ${names.length === 0 ? "none" : names.join(", ")}`,
    );
  }
  const clock = options.timings === false ? null : process.hrtime.bigint;
  const explanation = engine.explain(request);
  const shown = options.policy === undefined ? names : [options.policy];
  const policies = shown.map((name) => ({
    report: explanation.policies.find((policy) => policy.name === name)!,
    trees: engine.trees(request, name, clock)!,
  }));
  const findings = { engine, request, explanation, clock, policies };
  output.result(
    options.json === true ? JSON.stringify(findingsData(findings)) : findingsText(findings, output),
  );
  return explanation.decision.allow ? EXIT_SUCCESS : EXIT_DENY;
}

/** Nanoseconds from the request to the decision: the median of some batches. */
function decisionNs({ engine, request, clock }: Findings): number | null {
  if (clock === null) return null;
  const batch = (calls: number): number => {
    const start = clock();
    for (let i = 0; i < calls; i++) engine.decide(request);
    return Number(clock() - start) / calls;
  };
  batch(WARM);
  const rounds = Array.from({ length: BATCHES }, () => batch(BATCH));
  return rounds.sort((a, b) => a - b)[BATCHES >> 1]!;
}

// --- for machines ---

function findingsData(findings: Findings): Record<string, unknown> {
  const { engine, request, explanation, policies } = findings;
  const { decision } = explanation;
  const ns = decisionNs(findings);
  return {
    decision: decision.allow ? "allow" : "deny",
    reason: decision.reason,
    bundle: engine.digest,
    tier: TIER,
    duration_us: ns === null ? null : micros(ns),
    required_action: remedyData(findRemedy(engine.program, request)),
    policies: policies.map(({ report, trees }) => ({
      ...traceOf(report, trees, { request, tier: TIER, decision }),
      name: report.name,
      outcome: report.outcome,
      missing: report.missing,
      invalid: report.invalid,
      trigger: trees.trigger,
      requirement: trees.requirement,
    })),
  };
}

/** To three digits behind the point. */
function micros(ns: number): number {
  return Math.round(ns) / 1_000;
}

// --- for people ---

function findingsText(findings: Findings, output: Output): string {
  const { engine, request, explanation, policies } = findings;
  const parts = policies.map(({ report, trees }) => policyText(engine, report, trees, output));
  const end = [decisionText(explanation, output)];
  const ns = decisionNs(findings);
  if (ns !== null)
    end.push(
      output.paint(
        "result",
        "faint",
        `tier: ${TIER}; ${timeText(ns)} from the request to the decision, in brackets with the facts loaded (measured here, warm, medians)`,
      ),
    );
  const remedy = remedyLines(findRemedy(engine.program, request), output);
  return [...parts, end.join("\n"), ...(remedy.length === 0 ? [] : [remedy.join("\n")])].join("\n\n");
}

/** One policy: its outcome, and its conditions with what they saw. */
export function policyText(
  engine: Engine,
  report: PolicyReport,
  trees: PolicyTrees,
  output: Pick<Output, "paint">,
): string {
  const intent = engine.program.policies.named(report.name)!.intent;
  const time = trees.ns === null ? "" : output.paint("result", "faint", ` (${timeText(trees.ns)})`);
  const lines = [
    `${report.kind} ${report.name}${report.mode === "permissive" ? " (permissive)" : ""}: ${report.outcome}${time}`,
  ];
  if (intent !== null) lines.push(output.paint("result", "faint", `  "${intent}"`));
  if (trees.trigger !== null) lines.push("  triggers when", ...treeLines(trees.trigger, 2, output));
  if (trees.requirement !== null) lines.push("  requires", ...treeLines(trees.requirement, 2, output));
  if (report.missing.length > 0) lines.push(`  missing: ${report.missing.join(", ")}`);
  if (report.invalid.length > 0) lines.push(`  invalid: ${report.invalid.join(", ")}`);
  return lines.join("\n");
}

function treeLines(tree: ConditionTree, depth: number, output: Pick<Output, "paint">): string[] {
  const indent = "  ".repeat(depth);
  const faint = (text: string): string => output.paint("result", "faint", text);
  const mark = output.paint("result", tree.truth === "true" ? "good" : "bad", MARKS[tree.truth]);
  if (tree.kind === "and" && depth === 2)
    return tree.children.flatMap((child) => treeLines(child, depth, output));
  const lines = [
    `${indent}${mark} ${titleOf(tree)}${tree.ns === null ? "" : faint(` (${timeText(tree.ns)})`)}`,
  ];
  if (tree.kind !== "leaf")
    return [...lines, ...tree.children.flatMap((child) => treeLines(child, depth + 1, output))];
  if (tree.counts.length > 0) lines.push(faint(`${indent}    ${countsText(tree)}`));
  for (const lookup of tree.lookups) lines.push(faint(`${indent}    looked up ${lookupText(lookup)}`));
  for (const { name, state, value } of tree.reads)
    lines.push(faint(`${indent}    ${name} ${value === null ? `is ${state}` : `= ${value}`}`));
  return lines;
}

function titleOf(tree: ConditionTree): string {
  switch (tree.kind) {
    case "and":
      return "all of";
    case "or":
      return "one of";
    case "not":
      return "not";
    case "leaf":
      return onOneLine(tree.text);
  }
}

function lookupText({ state, value }: ConditionTree["lookups"][number]): string {
  if (value !== null) return value;
  return state === "absent" ? "nothing: the map has no such key" : "nothing: there is no key";
}

function countsText({ counts, need, truth }: ConditionTree): string {
  const got = counts.map(countText).join(" and ");
  return need === null || truth === "true"
    ? `counted ${got}`
    : `got ${got}, need ${BOUNDS[need.bound]}${need.number}`;
}

/** As far as it is known: an element may count whose fields nobody knows. */
function countText(count: ConditionTree["counts"][number]): string {
  if (count === null) return "nothing: no list";
  return count.least === count.most ? String(count.least) : `${count.least} to ${count.most}`;
}

function onOneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}

function timeText(ns: number): string {
  return ns < 1_000 ? `${Math.round(ns)} ns` : `${(ns / 1_000).toFixed(1)} us`;
}

function decisionText({ decision }: Explanation, output: Output): string {
  const word = output.paint("result", decision.allow ? "good" : "bad", decision.allow ? "ALLOW" : "DENY");
  const { policy, outcome } = decision.reason;
  const why = policy === null ? withoutPolicy(outcome, decision.allow) : `${policy} is ${outcome}`;
  return `decision: ${word} (${why})`;
}

function withoutPolicy(outcome: Explanation["decision"]["reason"]["outcome"], allow: boolean): string {
  switch (outcome) {
    case "default":
      return allow ? "`default allow`: no policy has a word" : "nothing allows it";
    case "no-policy-set":
      return "it names no policy set that there is";
    default:
      return "two policies set one header differently";
  }
}
