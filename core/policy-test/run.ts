/** Runs one test: what came out, and where it is not what the test expects. Does no input or output. */
import type { Decision, Effects, Explanation, HeaderValue, PolicyReport } from "../decision/decision.ts";
import { checkAttributeNames, parseNeutralRequest } from "../request/json-form.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import type { Engine } from "../runtime/engine.ts";
import { compareBytes } from "../source/bytes.ts";
import { didYouMean } from "../source/suggest.ts";
import { conditionText } from "./condition-text.ts";
import type { Expected, ExpectedReasons, PolicyTest } from "./policy-test.ts";

/** One thing that is other than expected. */
export interface Difference {
  /** `decision`, `policy`, `reason`, `failed conditions` ... */
  readonly what: string;
  /** The policy whose outcome or reasons differ; null where it is about the decision. */
  readonly policy: string | null;
  /** Lines; of a list only those that did not come out. */
  readonly expected: readonly string[];
  /** Lines; of a list only those that were not expected. */
  readonly got: readonly string[];
}

export interface TestRun {
  readonly test: PolicyTest;
  /** `faulty`: the test itself cannot be run, `problems` says why. */
  readonly outcome: "passed" | "failed" | "faulty";
  readonly problems: readonly string[];
  readonly differences: readonly Difference[];
  /** What was asked, and what came out; null of a faulty test. */
  readonly request: NeutralRequest | null;
  readonly explanation: Explanation | null;
}

/** Run a test on an engine. Never throws. */
export function runTest(test: PolicyTest, engine: Engine): TestRun {
  const parsed = parseNeutralRequest(test.request);
  const problems = parsed.ok
    ? [...checkAttributeNames(parsed.request, engine.program), ...unknownPolicies(test.expected, engine)]
    : parsed.errors;
  if (!parsed.ok || problems.length > 0)
    return { test, outcome: "faulty", problems, differences: [], request: null, explanation: null };
  const explanation = engine.explain(parsed.request);
  const differences = compare(test.expected, explanation);
  return {
    test,
    outcome: differences.length === 0 ? "passed" : "failed",
    problems,
    differences,
    request: parsed.request,
    explanation,
  };
}

function unknownPolicies({ policy, policies }: Expected, engine: Engine): string[] {
  const known = engine.program.policies.list.map((entry) => entry.name);
  const named = [...(policy === null || policy === "none" ? [] : [policy]), ...policies];
  return named
    .filter(({ name }) => !known.includes(name))
    .map(
      ({ name }) =>
        `there is no policy \`${name}\`: ${didYouMean(name, known, known.length === 0 ? "there are none" : `there are ${known.join(", ")}`)}`,
    );
}

// --- comparing ---

function compare(expected: Expected, { decision, policies }: Explanation): Difference[] {
  const differences: Difference[] = [];
  const text = (what: string, policy: string | null, want: string | null, got: string): void => {
    if (want !== null && want !== got) differences.push({ what, policy, expected: [want], got: [got] });
  };
  const list = (
    what: string,
    policy: string | null,
    want: readonly string[] | null,
    got: readonly string[],
  ): void => {
    if (want !== null) differences.push(...listDifference(what, policy, want, got));
  };
  const reasons = (want: ExpectedReasons, report: PolicyReport | undefined, policy: string | null): void => {
    const failed = report?.failed.map((condition) => conditionText(condition.text)) ?? [];
    list("failed conditions", policy, want.failed?.map(conditionText) ?? null, failed);
    list("missing", policy, want.missing, report?.missing ?? []);
    list("invalid", policy, want.invalid, report?.invalid ?? []);
  };
  text("decision", null, expected.decision, decision.allow ? "allow" : "deny");
  text("policy", null, policyText(expected.policy), decision.reason.policy ?? NO_POLICY);
  text("reason", null, expected.reason, decision.reason.outcome);
  // Asked of a policy by name, the reasons are its own, whoever decided.
  const decider =
    expected.policy === null || expected.policy === "none" ? decision.reason.policy : expected.policy.name;
  reasons(
    expected,
    policies.find((report) => report.name === decider),
    null,
  );
  list(
    "request headers",
    null,
    expected.headers?.map(headerText) ?? null,
    decision.setRequestHeaders.map(headerText),
  );
  list("removed request headers", null, expected.removed, decision.removeRequestHeaders);
  list(
    "answer headers",
    null,
    expected.answerHeaders?.map(headerText) ?? null,
    (decision.denial?.headers ?? []).map(headerText),
  );
  for (const [member, what] of EFFECTS) {
    const want = expected.effects[member]?.map(effectText) ?? null;
    list(what, null, want, decision[member].map(effectText));
  }
  text("status", null, expected.status === null ? null : String(expected.status), statusText(decision));
  text("body", null, expected.body, decision.denial?.body ?? NO_BODY);
  for (const want of expected.policies) {
    const report = policies.find(({ name }) => name === want.name)!;
    text("outcome", want.name, want.outcome, report.outcome);
    reasons(want, report, want.name);
  }
  return differences;
}

const EFFECTS: readonly (readonly [keyof Effects, string])[] = [
  ["setResponseHeaders", "response headers"],
  ["setQueryParameters", "query parameters"],
  ["removeQueryParameters", "removed query parameters"],
  ["setMetadata", "metadata"],
];

function effectText(effect: HeaderValue | string): string {
  return typeof effect === "string" ? effect : `${effect.name}: ${effect.value}`;
}

const NO_POLICY = "no policy";
const NO_BODY = "no body";

function policyText(policy: Expected["policy"]): string | null {
  return policy === null || policy === "none" ? (policy === null ? null : NO_POLICY) : policy.name;
}

function statusText({ denial }: Decision): string {
  return denial === null ? "no denial" : String(denial.status);
}

function headerText({ name, value }: { readonly name: string; readonly value: string }): string {
  return `${name.toLowerCase()}: ${value}`;
}

/** As sets with repetitions. */
function listDifference(
  what: string,
  policy: string | null,
  want: readonly string[],
  got: readonly string[],
): Difference[] {
  const left = without(want, got);
  const right = without(got, want);
  return left.length + right.length === 0 ? [] : [{ what, policy, expected: left, got: right }];
}

/** What is in `items` beyond `others`, in order of bytes. */
function without(items: readonly string[], others: readonly string[]): string[] {
  const rest = [...others];
  return items
    .filter((item) => {
      const at = rest.indexOf(item);
      if (at !== -1) rest.splice(at, 1);
      return at === -1;
    })
    .sort(compareBytes);
}
