/** `ipe eval` and `ipe explain`: a decision about a request in a file. */
import {
  type ConditionTree,
  checkAttributeNames,
  type Engine,
  type Explanation,
  type NeutralRequest,
  parseNeutralRequest,
} from "../../../core/index.ts";
import { loadVersion } from "../bundles.ts";
import { EXIT_DENY, EXIT_SUCCESS, Failure } from "../exit.ts";
import { textOf } from "../files.ts";
import type { Output } from "../output.ts";

export interface EvalOptions {
  readonly bundle: string;
  readonly context: string;
  readonly json?: boolean;
}

/** Print the decision with all reasons. */
export function evalCommand(options: EvalOptions, output: Output): number {
  const { engine, request } = load(options, output);
  const explanation = engine.explain(request);
  output.result(
    JSON.stringify(decisionData(explanation, engine.digest), null, options.json === true ? 0 : 2),
  );
  return explanation.decision.allow ? EXIT_SUCCESS : EXIT_DENY;
}

function load({ bundle, context }: EvalOptions, output: Output): { engine: Engine; request: NeutralRequest } {
  if (bundle === "-" && context === "-") throw new Failure("only one of --bundle and --context can be `-`");
  const { engine } = loadVersion(bundle, output);
  const parsed = parseNeutralRequest(textOf(context));
  if (!parsed.ok) throw new Failure(parsed.errors.map((error) => `${context}: ${error}`).join("\n"));
  const unknown = checkAttributeNames(parsed.request, engine.program);
  if (unknown.length > 0) throw new Failure(unknown.map((error) => `${context}: ${error}`).join("\n"));
  return { engine, request: parsed.request };
}

function decisionData({ decision, policies }: Explanation, digest: string): Record<string, unknown> {
  return {
    decision: decision.allow ? "allow" : "deny",
    reason: decision.reason,
    policies,
    obligations: {
      request_headers: Object.fromEntries(decision.setRequestHeaders.map(({ name, value }) => [name, value])),
      deny: decision.denial,
    },
    bundle: digest,
  };
}

// --- explain ---

export interface ExplainOptions extends EvalOptions {
  readonly policy?: string;
}

const MARKS = { true: "✓", false: "✗", unknown: "?" } as const;

/** Print the conditions of one policy, or of all, with what they saw. */
export function explainCommand(options: ExplainOptions, output: Output): number {
  const { engine, request } = load(options, output);
  const names = engine.program.policies.map((policy) => policy.name);
  if (options.policy !== undefined && !names.includes(options.policy)) {
    throw new Failure(
      `there is no policy \`${options.policy}\`; the bundle has ${names.length === 0 ? "none" : names.join(", ")}`,
    );
  }
  const explanation = engine.explain(request);
  const shown = options.policy === undefined ? names : [options.policy];
  if (options.json === true)
    output.result(JSON.stringify(shown.map((name) => ({ name, ...engine.trees(request, name) }))));
  else
    output.result(
      `${shown.map((name) => policyText(name, engine, request, explanation, output)).join("\n\n")}\n\n${decisionText(explanation, output)}`,
    );
  return explanation.decision.allow ? EXIT_SUCCESS : EXIT_DENY;
}

function policyText(
  name: string,
  engine: Engine,
  request: NeutralRequest,
  explanation: Explanation,
  output: Output,
): string {
  const report = explanation.policies.find((policy) => policy.name === name)!;
  const intent = engine.program.policies.find((policy) => policy.name === name)!.intent;
  const trees = engine.trees(request, name)!;
  const lines = [
    `${report.kind} ${name}${report.mode === "permissive" ? " (permissive)" : ""}: ${report.outcome}`,
  ];
  if (intent !== null) lines.push(output.paint("result", "faint", `  "${intent}"`));
  if (trees.trigger !== null) lines.push("  triggers when", ...treeLines(trees.trigger, 2, output));
  if (trees.requirement !== null) lines.push("  requires", ...treeLines(trees.requirement, 2, output));
  if (report.missing.length > 0) lines.push(`  missing: ${report.missing.join(", ")}`);
  if (report.invalid.length > 0) lines.push(`  invalid: ${report.invalid.join(", ")}`);
  return lines.join("\n");
}

function treeLines(tree: ConditionTree, depth: number, output: Output): string[] {
  const indent = "  ".repeat(depth);
  const mark = output.paint("result", tree.truth === "true" ? "good" : "bad", MARKS[tree.truth]);
  if (tree.kind === "and" && depth === 2)
    return tree.children.flatMap((child) => treeLines(child, depth, output));
  const title =
    tree.kind === "and"
      ? "all of"
      : tree.kind === "or"
        ? "one of"
        : tree.kind === "not"
          ? "not"
          : onOneLine(tree.text);
  const lines = [`${indent}${mark} ${title}`];
  if (tree.kind !== "leaf")
    return [...lines, ...tree.children.flatMap((child) => treeLines(child, depth + 1, output))];
  if (tree.counts.length > 0)
    lines.push(
      output.paint("result", "faint", `${indent}    counted ${tree.counts.map(countText).join(" and ")}`),
    );
  for (const { name, state, value } of tree.reads)
    lines.push(
      output.paint(
        "result",
        "faint",
        `${indent}    ${name} ${value === null ? `is ${state}` : `= ${value}`}`,
      ),
    );
  return lines;
}

/** As far as it is known: an element may count whose fields nobody knows. */
function countText(count: ConditionTree["counts"][number]): string {
  if (count === null) return "nothing: no list";
  return count.least === count.most ? String(count.least) : `${count.least} to ${count.most}`;
}

function onOneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}

function decisionText({ decision }: Explanation, output: Output): string {
  const word = output.paint("result", decision.allow ? "good" : "bad", decision.allow ? "ALLOW" : "DENY");
  const { policy, outcome } = decision.reason;
  const why =
    policy === null
      ? outcome === "default"
        ? decision.allow
          ? "`default allow`: no policy has a word"
          : "nothing allows it"
        : "two policies set one header differently"
      : `${policy} is ${outcome}`;
  return `decision: ${word} (${why})`;
}
