/** One case: a request judged by the reference and by every runtime. */
import type { Decision, Explanation } from "../../core/decision/decision.ts";
import { OPERATORS, type Operators } from "../reference/operators.ts";
import { evaluate } from "../reference/reference.ts";
import type { PreparedBundle } from "./bundles.ts";
import { type BuiltRequest, buildRequest, type RequestModel } from "./requests.ts";
import type { LoadedBundle } from "./runtimes.ts";

export interface Difference {
  readonly runtime: string;
  readonly want: string;
  readonly got: string;
}

export interface Judged {
  readonly explanation: Explanation;
  readonly built: BuiltRequest;
  readonly difference: Difference | null;
}

/** `operators`: those of the reference, the language's own unless a test swaps one. */
export function judge(
  prepared: PreparedBundle,
  loaded: readonly LoadedBundle[],
  model: RequestModel,
  operators: Operators = OPERATORS,
): Judged {
  const built = buildRequest(model, prepared.document.schema);
  const explanation = evaluate(prepared.document, built.valuation, operators);
  const want = textOf(explanation);
  for (const bundle of loaded) {
    const difference = differenceOf(bundle, built, explanation, want);
    if (difference !== null) return { explanation, built, difference };
  }
  return { explanation, built, difference: null };
}

function differenceOf(
  bundle: LoadedBundle,
  { request }: BuiltRequest,
  explanation: Explanation,
  want: string,
): Difference | null {
  const decided = bundle.decide(request);
  const wanted = decisionText(explanation.decision);
  if (decisionText(decided) !== wanted) {
    return { runtime: `${bundle.runtime}, decide`, want: wanted, got: decisionText(decided) };
  }
  if (bundle.outcomes !== undefined) {
    const outcomes = bundle.outcomes().join(", ");
    const wantedOutcomes = explanation.policies.map((policy) => policy.outcome).join(", ");
    if (outcomes !== wantedOutcomes)
      return { runtime: `${bundle.runtime}, outcomes`, want: wantedOutcomes, got: outcomes };
  }
  const explained = bundle.explain(request);
  if (explained === null || textOf(explained) === want) return null;
  return { runtime: `${bundle.runtime}, explain`, want, got: textOf(explained) };
}

/** All of an explanation in one fixed order of members. */
function textOf({ decision, policies }: Explanation): string {
  const reports = policies.map((p) => [
    ...[p.name, p.kind, p.mode, p.outcome],
    p.failed.map((f) => [f.line, f.column, f.text]),
    ...[p.missing, p.invalid],
  ]);
  return `${decisionText(decision)}\n${reports.map((report) => JSON.stringify(report)).join("\n")}`;
}

function decisionText(decision: Decision): string {
  const { allow, reason, setRequestHeaders, removeRequestHeaders, denial } = decision;
  const headers = setRequestHeaders.map((set) => [set.name, set.value]);
  return JSON.stringify([
    allow,
    reason.policy,
    reason.outcome,
    headers,
    removeRequestHeaders,
    denial === null
      ? null
      : [denial.status, denial.body, denial.headers.map(({ name, value }) => [name, value])],
  ]);
}
