/**
 * The meaning of the language as a short program: a checked document and the values of its attributes give the
 * decision with its reasons. It knows no plan, bundle or slots, and prefers being obviously right to being fast.
 */
import type { CheckedDocument } from "../../core/check/check.ts";
import type {
  Decision,
  Denial,
  Explanation,
  HeaderValue,
  Outcome,
  PolicyReport,
  Reason,
} from "../../core/decision/decision.ts";
import { compareBytes } from "../../core/source/bytes.ts";
import type { HeaderAction, PolicyDeclaration, SetHeader, TextLiteral } from "../../core/syntax/ast.ts";
import { read, type Scope, truth } from "./conditions.ts";
import { OPERATORS, type Operators } from "./operators.ts";
import { failureOf, NO_FAILURE } from "./reasons.ts";
import type { Address, Valuation, Value } from "./values.ts";

const SEVERITIES = ["critical", "high", "medium", "low", "info"];
/** Outcomes that deny, the first one wins. */
const DENIALS = ["denied", "unsatisfied", "indeterminate"] as const;

/** Decide and explain. `operators` are the language's own unless a test swaps one. */
export function evaluate(
  document: CheckedDocument,
  valuation: Valuation,
  operators: Operators = OPERATORS,
): Explanation {
  const scope: Scope = { document, valuation, operators, elements: new Map() };
  const policies = [...document.policies].sort(byOrder);
  const set = chosenSet(scope);
  const reports = policies.map((policy) => report(policy, set, scope));
  const decision =
    set === "none"
      ? deny({ policy: null, outcome: "no-policy-set" }, denialOf(null))
      : decide(policies, reports, scope);
  return { decision, policies: reports };
}

// --- one policy ---

/** The set that the selector names; "all" in a bundle without sets. */
function chosenSet({ document, valuation }: Scope): { readonly name: string } | "all" | "none" {
  const { sets } = document.schema;
  if (sets === null) return "all";
  const value = valuation.get(sets.selector.name);
  const name = value?.state === "present" ? String(value.value) : null;
  return name !== null && sets.names.includes(name) ? { name } : "none";
}

/** Is the request judged by the policy? */
export function isChosen(policy: PolicyDeclaration, scope: Scope): boolean {
  return applies(policy, chosenSet(scope));
}

/** A policy of no set applies with every one. */
function applies(policy: PolicyDeclaration, set: ReturnType<typeof chosenSet>): boolean {
  return policy.set === null || (typeof set === "object" && policy.set.value === set.name);
}

function report(policy: PolicyDeclaration, set: ReturnType<typeof chosenSet>, scope: Scope): PolicyReport {
  const outcome = applies(policy, set) ? outcomeOf(policy, scope) : "not-applicable";
  const mode = metadata(policy, "mode") === "permissive" ? "permissive" : "enforce";
  return { name: policy.name.text, kind: policy.kind, mode, outcome, ...failureIn(policy, outcome, scope) };
}

/** Expiry ends the power to allow, never the power to deny unless it says so; an unknown time denies. */
function outcomeOf(policy: PolicyDeclaration, scope: Scope): Outcome {
  const outcome = outcomeBeforeExpiry(policy, scope);
  const expires = metadata(policy, "expires");
  if (expires === undefined) return outcome;
  const now = scope.valuation.get("request.time");
  const expired = now?.state === "present" ? Number(now.value) >= Date.parse(expires) : "unknown";
  if (expired === true && policy.onExpiry !== null) return "expired";
  const allows = outcome === "satisfied" && policy.kind === "policy";
  if (!allows || expired === false) return outcome;
  return expired === true ? "expired" : "indeterminate";
}

function outcomeBeforeExpiry(policy: PolicyDeclaration, scope: Scope): Outcome {
  const applies = policy.trigger === null ? "true" : truth(policy.trigger, scope);
  if (applies === "unknown") return "indeterminate";
  if (applies === "false") return "not-applicable";
  if (policy.effect?.kind === "denies") return "denied";
  if (policy.effect?.kind === "allows") return "satisfied";
  return truth(requirement(policy), scope) === "true" ? "satisfied" : "unsatisfied";
}

function failureIn(policy: PolicyDeclaration, outcome: Outcome, scope: Scope) {
  if (outcome === "indeterminate") {
    if (outcomeBeforeExpiry(policy, scope) === outcome) return failureOf(policy.trigger!, scope);
    const { state } = scope.valuation.get("request.time") ?? { state: "absent" };
    const names = ["request.time"];
    return {
      failed: [],
      missing: state === "absent" ? names : [],
      invalid: state === "invalid" ? names : [],
    };
  }
  if (outcome === "unsatisfied") return failureOf(requirement(policy), scope);
  return NO_FAILURE;
}

function requirement(policy: PolicyDeclaration) {
  if (policy.effect?.kind !== "requires") throw new Error(`\`${policy.name.text}\` has no requirement`);
  return policy.effect.condition;
}

// --- the decision ---

function decide(
  policies: readonly PolicyDeclaration[],
  reports: readonly PolicyReport[],
  scope: Scope,
): Decision {
  const enforced = policies.flatMap((policy, i) =>
    reports[i]!.mode === "enforce" ? [{ policy, outcome: reports[i]!.outcome }] : [],
  );
  for (const outcome of DENIALS) {
    const first = enforced.find((e) => e.outcome === outcome);
    if (first !== undefined)
      return deny({ policy: first.policy.name.text, outcome }, denialOf(first.policy, scope));
  }
  const satisfied = enforced
    .filter((e) => e.outcome === "satisfied" && e.policy.kind === "policy")
    .map((e) => e.policy);
  if (satisfied.length === 0) {
    const byDefault: Reason = { policy: null, outcome: "default" };
    return scope.document.schema.defaultAllow && isOrdinary(scope.valuation)
      ? allow(byDefault, [])
      : deny(byDefault, denialOf(null));
  }
  const sets = satisfied.flatMap(({ onAllow }) =>
    onAllow.flatMap((action) => (action.kind === "set" ? [action] : [])),
  );
  const conflict = sets.some((a) =>
    sets.some(
      (b) => a.target === b.target && nameOf(a) === nameOf(b) && written(a.value) !== written(b.value),
    ),
  );
  if (conflict) return deny({ policy: null, outcome: "obligation-conflict" }, denialOf(null));
  const actions: Action[] = [];
  for (const policy of satisfied)
    for (const action of policy.onAllow) {
      const text = action.kind === "remove" ? null : textFor(action, scope);
      if (text === "invalid")
        return deny({ policy: policy.name.text, outcome: "obligation-invalid" }, denialOf(null));
      if (action.kind === "remove") actions.push({ ...action, name: nameOf(action), text: "" });
      // What depends on an absent or an empty value is not done.
      else if (text !== null) actions.push({ ...action, name: nameOf(action), text: text.text });
    }
  const limits = satisfied.flatMap((policy) => limitsOf(policy, scope));
  const uncountable = limits.find(({ key }) => key === null);
  if (uncountable !== undefined)
    return deny({ policy: uncountable.policy, outcome: "limit" }, { status: 429, body: null, headers: [] });
  const decision = allow({ policy: satisfied[0]!.name.text, outcome: "satisfied" }, actions);
  return { ...decision, limits: limits.map((limit) => ({ ...limit, key: limit.key! })) };
}

/** What an allow takes; a key is null where a value is invalid, or longer than anybody counts by. */
function limitsOf(policy: PolicyDeclaration, scope: Scope) {
  return policy.limits.map(({ amount, period, by, burst }, place) => {
    const values = by.map(({ path }) => countedBy(read(path, scope)));
    const key = [`${policy.name.text}#${place}`, ...values].join("|");
    return {
      policy: policy.name.text,
      key: values.includes(null) ? null : key,
      intervalMicros: MICROS[period] / amount.value,
      burst: burst?.value ?? amount.value,
      onFailure: policy.onLimiterFailure?.mode ?? ("local" as const),
    };
  });
}

const MICROS = { second: 1_000_000, minute: 60_000_000, hour: 3_600_000_000, day: 86_400_000_000 };

/** Of an IPv6 address the first 64 bits. */
function countedBy(value: Value): string | null {
  if (value.state !== "present") return value.state === "absent" ? "-" : null;
  const content = value.value;
  const text =
    typeof content === "object"
      ? Buffer.from((content as Address).bytes.slice(0, 8)).toString("hex")
      : String(content);
  if (Buffer.byteLength(text) > 256) return null;
  return `=${text.replace(/[%|]/g, (c) => (c === "%" ? "%25" : "%7C"))}`;
}

/** `default allow` never covers an invalid method, host or path. */
function isOrdinary(valuation: Valuation): boolean {
  return !["request.method", "request.host", "request.path"].some(
    (name) => valuation.get(name)?.state === "invalid",
  );
}

/** What is done, with the values of the request. */
interface Action {
  readonly kind: HeaderAction["kind"];
  readonly target: HeaderAction["target"];
  readonly name: string;
  readonly text: string;
}

/** Removals, then sets, then appends in the order of the policies; what is given a value is not removed. */
function allow(reason: Reason, actions: readonly Action[]): Decision {
  const of = (kind: Action["kind"], target: Action["target"]): Action[] =>
    actions.filter((action) => action.kind === kind && action.target === target);
  const setIn = (target: Action["target"]): Map<string, string> =>
    new Map(of("set", target).map(({ name, text }) => [name, text]));
  const headers = setIn("request header");
  for (const { name, text } of of("append", "request header")) {
    const parts = [headers.get(name) ?? "", text];
    headers.set(name, parts.filter((part) => part !== "").join(", "));
  }
  const parameters = setIn("query parameter");
  const removedFrom = (target: Action["target"], kept: ReadonlyMap<string, string>): string[] => {
    const names = new Set(of("remove", target).map(({ name }) => name));
    return [...names].filter((name) => !kept.has(name)).sort(compareBytes);
  };
  return {
    allow: true,
    reason,
    setRequestHeaders: byName(headers),
    removeRequestHeaders: removedFrom("request header", headers),
    setResponseHeaders: byName(setIn("response header")),
    setQueryParameters: byName(parameters),
    removeQueryParameters: removedFrom("query parameter", parameters),
    setMetadata: byName(setIn("metadata")),
    limits: [],
    denial: null,
  };
}

/** The text as its author wrote it. */
function written({ value, parts }: TextLiteral): string {
  return JSON.stringify([value, parts.map(({ value: { path }, text }) => [path.text, text])]);
}

/** A text with the values of the request; null where one is absent or empty, "invalid" where one cannot stand there. */
function textFor(
  { kind, target, value }: Extract<HeaderAction, { value: TextLiteral }>,
  scope: Scope,
): { readonly text: string } | null | "invalid" {
  const values = value.parts.map((part) => read(part.value.path, scope));
  const texts = values.map((v) =>
    v.state === "present" ? String(v.value) : v.state === "absent" ? "" : null,
  );
  const fits = (text: string | null): boolean =>
    text !== null &&
    Buffer.byteLength(text) <= 1024 &&
    (!target.endsWith("header") || (/^[ -~]*$/.test(text) && text.trim() === text)) &&
    (kind !== "append" || !text.includes(","));
  if (!texts.every(fits)) return "invalid";
  if (texts.includes("")) return null;
  return { text: value.value + value.parts.map((part, i) => texts[i]! + part.text).join("") };
}

function nameOf({ header, ...action }: HeaderAction | SetHeader): string {
  const isExact = "target" in action && !action.target.endsWith("header");
  return isExact ? header.value : header.value.toLowerCase();
}

function byName(values: ReadonlyMap<string, string>): HeaderValue[] {
  return [...values.keys()].sort(compareBytes).map((name) => ({ name, value: values.get(name)! }));
}

function deny(reason: Reason, denial: Denial): Decision {
  return { ...allow(reason, []), allow: false, denial };
}

function denialOf(policy: PolicyDeclaration | null, scope: Scope | null = null): Denial {
  const answer = policy?.onDeny ?? null;
  if (answer === null || scope === null) return { status: 403, body: null, headers: [] };
  const headers = new Map(answer.headers.map((set) => [nameOf(set), set.value.value]));
  if (answer.isJson) headers.set("content-type", "application/json");
  if (answer.redirect !== null) headers.set("location", answer.redirect.value);
  return {
    status: answer.status?.value ?? (answer.redirect === null ? 403 : 302),
    body: answer.body === null ? null : bodyOf(answer.body, answer.isJson, scope),
    headers: byName(headers),
  };
}

/** What is absent, invalid or too long is left out of a body. */
function bodyOf({ value, parts }: TextLiteral, isJson: boolean, scope: Scope): string {
  const texts = parts.map((part) => {
    const own = read(part.value.path, scope);
    const text = own.state === "present" ? String(own.value) : "";
    if (Buffer.byteLength(text) > 1024) return "";
    // The escapes that JSON demands, and no others.
    return isJson
      ? text
          .replace(/["\\]/g, "\\$&")
          .replace(/[\0-\x1f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
      : text;
  });
  return value + parts.map((part, i) => texts[i]! + part.text).join("");
}

// --- order ---

/** By severity, then by name (ASCII, so code units are bytes). */
function byOrder(a: PolicyDeclaration, b: PolicyDeclaration): number {
  return severity(a) - severity(b) || (a.name.text < b.name.text ? -1 : 1);
}

function severity(policy: PolicyDeclaration): number {
  return SEVERITIES.indexOf(metadata(policy, "severity") ?? "medium");
}

function metadata(policy: PolicyDeclaration, key: string): string | undefined {
  return policy.metadata.find((entry) => entry.key.text === key)?.value.text;
}
