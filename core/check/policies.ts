/** What a policy says as a whole: its effect, its texts, its neighbours. */

import type { Attribute } from "../schema/schema.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { DENY_STATUSES, UNSETTABLE_HEADERS } from "../source/gen/facts.ts";
import type { Span } from "../source/source.ts";
import { didYouMean, nearest } from "../source/suggest.ts";
import type { Expression, PolicyDeclaration } from "../syntax/ast.ts";
import { namesOf, nodesOf } from "../syntax/walk.ts";
import type { CheckedDocument, Resolutions } from "./check.ts";

const METADATA_VALUES: Readonly<Record<string, readonly string[]>> = {
  mode: ["enforce", "permissive"],
  severity: ["critical", "high", "medium", "low", "info"],
};
const METADATA_KEYS = ["severity", "owner", "tags", "version", "mode", "expires"];
/** RFC 9110 token in lower case, without `_`, which many servers take for `-`. */
const SETTABLE_HEADER = /^[!#$%&'*+\-.^`|~0-9a-z]+$/;
const VISIBLE = /^[\u0020-\u007e]*$/;

/** Check policies one by one, then against each other and the schema. */
export function checkPolicies(checked: CheckedDocument, report: Diagnostics): void {
  for (const policy of checked.policies) {
    checkEffect(policy, report);
    checkDeny(policy, report);
    checkHeaders(policy, checked, report);
    checkMetadata(policy, report);
    checkClaims(policy, checked.resolutions, report);
  }
  checkNames(checked.policies, report);
  checkConflicts(checked, report);
  checkUse(checked, report);
}

/** Value of a metadata key, or null. */
export function metadataOf(policy: PolicyDeclaration, key: string): string | null {
  return policy.metadata.find((entry) => entry.key.text === key)?.value.text ?? null;
}

/** Can the policy take part in an allow? */
export function canAllow(policy: PolicyDeclaration): boolean {
  return policy.kind === "policy" && (policy.effect?.kind === "requires" || policy.effect?.kind === "allows");
}

/** Trigger and requirement, those that are there. */
export function conditionsOf(policy: PolicyDeclaration): readonly Expression[] {
  const requirement = policy.effect?.kind === "requires" ? policy.effect.condition : null;
  return [policy.trigger, requirement].filter((e) => e !== null);
}

function checkEffect(policy: PolicyDeclaration, report: Diagnostics): void {
  if (policy.kind === "guard" && policy.effect?.kind === "allows") {
    report.error(
      "guard-allows",
      policy.effect.span,
      "a guard can only deny",
      "write `policy` instead of `guard`, or `denies` or `requires`",
    );
  }
  if (policy.onAllow.length === 0) return;
  const place = policy.onAllow[0]!.span;
  if (policy.kind === "guard")
    report.error(
      "guard-on-allow",
      place,
      "a guard allows nothing, so `on allow` has no meaning in it",
      "put it into a `policy`",
    );
  else if (policy.effect?.kind === "denies")
    report.error(
      "denies-on-allow",
      place,
      "a policy that `denies` allows nothing, so `on allow` has no meaning in it",
      "remove the section",
    );
}

function checkDeny(policy: PolicyDeclaration, report: Diagnostics): void {
  const status = policy.onDeny?.status ?? null;
  if (status !== null && !DENY_STATUSES.includes(status.value)) {
    report.error(
      "bad-status",
      status.span,
      `\`${status.value}\` is no status for a denial`,
      "use one of 400-599 that Envoy knows, such as 401, 403, 404, 429 or 503",
    );
  }
  if (policy.onDeny !== null && status === null && policy.onDeny.body === null) {
    report.error(
      "empty-section",
      policy.onDeny.span,
      "`on deny` says nothing",
      'write `status 403` or `body "..."` below it, or remove it',
    );
  }
}

// --- on allow ---

function checkHeaders(policy: PolicyDeclaration, { schema }: CheckedDocument, report: Diagnostics): void {
  const seen = new Set<string>();
  for (const { header, value } of policy.onAllow) {
    const name = header.value.toLowerCase();
    const problem = headerProblem(name);
    if (problem !== null)
      report.error(
        "bad-header",
        header.span,
        `\`${header.value}\` cannot be set: ${problem}`,
        'use a name of your own such as "x-approved-by"',
      );
    if (!VISIBLE.test(value.value))
      report.error(
        "bad-header",
        value.span,
        "a header's value holds visible ASCII characters and blanks only",
      );
    if (seen.has(name))
      report.error(
        "duplicate-header",
        header.span,
        `\`${name}\` is set twice`,
        "a policy sets a header once",
      );
    seen.add(name);
    const source = [...schema.attributes.values()].find(
      (a) => a.source === "header" && sameHeader(a.argument, name),
    );
    if (source !== undefined) {
      report.error(
        "header-loop",
        header.span,
        `\`${name}\` is also where \`${source.name}\` comes from`,
        "clients' copies of a header that is set are stripped: read another header",
      );
    }
  }
}

function headerProblem(name: string): string | null {
  if (name.includes("_")) return "`_` and `-` count as equal in many servers, write `-`";
  if (name.startsWith(":")) return "it is a pseudo header";
  if (name.startsWith("x-ipe-")) return "`x-ipe-` is ours";
  if (!SETTABLE_HEADER.test(name)) return "it is no header name";
  return UNSETTABLE_HEADERS.includes(name) ? "it frames or routes the message" : null;
}

function sameHeader(a: string, b: string): boolean {
  return a.replaceAll("_", "-") === b.replaceAll("_", "-");
}

/** Two enforced policies that set one header to different values must not be able to apply together. */
function checkConflicts(checked: CheckedDocument, report: Diagnostics): void {
  const setters = checked.policies.filter((p) => canAllow(p) && metadataOf(p, "mode") !== "permissive");
  const byHeader = new Map<string, { policy: PolicyDeclaration; value: string; span: Span }[]>();
  for (const policy of setters) {
    for (const { header, value, span } of policy.onAllow) {
      const name = header.value.toLowerCase();
      const earlier = byHeader.get(name) ?? [];
      const other = earlier.find(
        (e) => e.value !== value.value && !exclusive(e.policy, policy, checked.resolutions),
      );
      if (other !== undefined) {
        report.warning(
          "obligation-conflict",
          span,
          `\`${policy.name.text}\` and \`${other.policy.name.text}\` set \`${name}\` to different values; where both are satisfied the request is denied`,
          "set the same value, or make their triggers exclude each other",
        );
      }
      byHeader.set(name, [...earlier, { policy, value: value.value, span }]);
    }
  }
}

/** Does some attribute have to equal two different constants for both to apply? */
function exclusive(a: PolicyDeclaration, b: PolicyDeclaration, resolutions: Resolutions): boolean {
  const first = pinned(a, resolutions);
  const second = pinned(b, resolutions);
  return [...first].some(([name, value]) => second.has(name) && second.get(name) !== value);
}

/** Attributes that a policy's conditions compare with `==` to a constant, as top conjuncts. */
function pinned(policy: PolicyDeclaration, resolutions: Resolutions): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const condition of conditionsOf(policy)) {
    for (const part of condition.kind === "and" ? condition.parts : [condition]) {
      if (part.kind !== "compare" || part.operator !== "==") continue;
      const [path, literal] = part.left.kind === "path" ? [part.left, part.right] : [part.right, part.left];
      const operand = resolutions.operands.get(literal);
      if (path.kind === "path" && operand?.kind === "constant")
        found.set(path.path.text, operand.value.value);
    }
  }
  return found;
}

// --- metadata ---

function checkMetadata(policy: PolicyDeclaration, report: Diagnostics): void {
  const seen = new Set<string>();
  for (const { key, value } of policy.metadata) {
    if (seen.has(key.text))
      report.error("duplicate-metadata", key.span, `a second \`${key.text}\``, "each key stands once");
    seen.add(key.text);
    if (key.text === "expires") {
      report.error(
        "not-implemented",
        key.span,
        "`expires` is not implemented yet",
        "remove it: this version refuses what it cannot enforce",
      );
      continue;
    }
    const allowed = Object.hasOwn(METADATA_VALUES, key.text) ? METADATA_VALUES[key.text]! : null;
    if (allowed !== null && !allowed.includes(value.text)) {
      report.error(
        "bad-metadata",
        value.span,
        `\`${value.text}\` is no ${key.text}`,
        didYouMean(value.text, allowed, `one of ${allowed.join(", ")}`),
      );
    }
    const near = METADATA_KEYS.includes(key.text) ? null : nearest(key.text, METADATA_KEYS);
    if (near !== null)
      report.error(
        "unknown-metadata",
        key.span,
        `unknown key \`${key.text}\``,
        `did you mean \`${near}\`? an annotation of your own needs a name less like it`,
      );
  }
}

// --- claims ---

/** A policy that allows because of what the client says of itself. */
function checkClaims(policy: PolicyDeclaration, resolutions: Resolutions, report: Diagnostics): void {
  if (!canAllow(policy) || metadataOf(policy, "mode") === "permissive") return;
  const claimed = [
    ...new Set(
      attributesOf(policy, resolutions)
        .filter((a) => a.marking === "claimed")
        .map((a) => `\`${a.name}\``),
    ),
  ].sort();
  if (claimed.length === 0) return;
  report.warning(
    "claimed-grant",
    policy.name.span,
    `\`${policy.name.text}\` allows on the client's own word about ${claimed.join(", ")}`,
    "make sure that lying there gains nothing; for facts that a component in front sets say `trusted`",
  );
}

/** Attributes that a policy's conditions read, in order of text. */
export function attributesOf(policy: PolicyDeclaration, resolutions: Resolutions): Attribute[] {
  const found: Attribute[] = [];
  for (const condition of conditionsOf(policy)) {
    for (const name of namesOf(condition)) {
      const resolved = resolutions.names.get(name);
      if (resolved?.kind === "attribute") found.push(resolved.attribute);
    }
  }
  return found;
}

// --- the whole document ---

function checkNames(policies: readonly PolicyDeclaration[], report: Diagnostics): void {
  const seen = new Set<string>();
  for (const { name } of policies) {
    if (seen.has(name.text))
      report.error(
        "duplicate-name",
        name.span,
        `a second policy or guard \`${name.text}\``,
        "names are unique across all files of a bundle",
      );
    seen.add(name.text);
  }
}

function checkUse(checked: CheckedDocument, report: Diagnostics): void {
  const used = new Set(checked.policies.flatMap((p) => attributesOf(p, checked.resolutions)));
  for (const attribute of checked.schema.attributes.values()) {
    // A name that could not be resolved may have meant this one.
    if (!used.has(attribute) && !report.hasErrors) {
      report.warning(
        "unused-attribute",
        attribute.span!,
        `no policy reads \`${attribute.name}\``,
        "remove it",
      );
    }
  }
  for (const policy of checked.policies) {
    for (const condition of conditionsOf(policy)) checkConstants(condition, report);
  }
}

/** `true` and `false` as a condition say the same on every request. */
function checkConstants(condition: Expression, report: Diagnostics): void {
  for (const node of nodesOf(condition)) {
    const parts =
      node.kind === "and" || node.kind === "or" ? node.parts : node.kind === "not" ? [node.operand] : [];
    for (const part of node === condition ? [condition, ...parts] : parts) {
      if (part.kind === "bool")
        report.warning(
          "constant-condition",
          part.span,
          `\`${part.value}\` as a condition says the same on every request`,
        );
    }
  }
}
