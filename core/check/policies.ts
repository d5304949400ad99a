/** What a policy says as a whole: its effect, its texts, its neighbours. */

import { FirstPlaces } from "../schema/first-places.ts";
import type { Attribute } from "../schema/schema.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { didYouMean, nearest } from "../source/suggest.ts";
import { parseDatetime } from "../source/time.ts";
import type { Expression, PolicyDeclaration } from "../syntax/ast.ts";
import { namesOf, nodesOf } from "../syntax/walk.ts";
import { ALLOW_WARNING } from "./analyses/turned-off.ts";
import type { CheckedDocument, Resolutions } from "./check.ts";
import { checkLimits } from "./limits.ts";
import { checkActions, checkDeny, comparable } from "./obligations.ts";
import { valuesIn, writtenText } from "./texts.ts";

const METADATA_VALUES: Readonly<Record<string, readonly string[]>> = {
  mode: ["enforce", "permissive"],
  severity: ["critical", "high", "medium", "low", "info"],
};
const METADATA_KEYS = ["severity", "owner", "tags", "version", "mode", "expires", ALLOW_WARNING];

/** Check policies one by one, then against each other and the schema. */
export function checkPolicies(checked: CheckedDocument, report: Diagnostics): void {
  // Only what sets headers asks for them.
  const sets = checked.policies.some(({ onAllow }) => onAllow.length > 0);
  const readers = sets ? readersOf(checked) : new Map<string, string>();
  for (const policy of checked.policies) checkAlone(policy, readers, checked.resolutions, report);
  checkNames(checked.policies, report);
  checkConflicts(checked, report);
  for (const policy of checked.policies) checkConstants(policy, report);
}

/** What can be said of a policy without looking at the others. */
export function checkAlone(
  policy: PolicyDeclaration,
  readers: ReadonlyMap<string, string>,
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  checkEffect(policy, report);
  checkDeny(policy, resolutions, report);
  checkActions(policy, { readers, resolutions }, report);
  checkMetadata(policy, report);
  checkExpiry(policy, report);
  checkLimits(policy, resolutions, report);
  checkClaims(policy, resolutions, report);
}

/** Value of a metadata key, or null. */
export function metadataOf(policy: PolicyDeclaration, key: string): string | null {
  for (const entry of policy.metadata) if (entry.key.text === key) return entry.value.text;
  return null;
}

/** Does the first policy come before the second, by severity and then name by bytes? Names are ASCII. */
export function precedes(first: PolicyDeclaration, second: PolicyDeclaration): boolean {
  const rank = (policy: PolicyDeclaration): number =>
    METADATA_VALUES["severity"]!.indexOf(metadataOf(policy, "severity") ?? "medium");
  return rank(first) !== rank(second) ? rank(first) < rank(second) : first.name.text < second.name.text;
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

/** All that a policy reads: its conditions, what its limits count by, and what its texts name. */
export function readsOf(policy: PolicyDeclaration): readonly Expression[] {
  return [...conditionsOf(policy), ...policy.limits.flatMap(({ by }) => by), ...valuesIn(policy)];
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

// --- on allow ---

/**
 * What reads which header, directly or on the way to something else: by header in lower case, `_` as `-`. What reads query
 * parameters is in it by `queryReader`.
 */
export function readersOf({ schema, policies, resolutions }: CheckedDocument): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (header: string, reader: string): void => {
    if (!found.has(comparable(header))) found.set(comparable(header), reader);
  };
  for (const { name, source, argument } of schema.attributes.values()) {
    if (source === "header") add(argument, name);
    if (source === "query" && !found.has(queryReader(argument))) found.set(queryReader(argument), name);
    if (source === "cookie") add("cookie", name);
    // Without its media type no body is read.
    if (source === "body") for (const header of ["content-type", "content-encoding"]) add(header, name);
  }
  const id = schema.builtins.get("request.id");
  if (!policies.some(setsRequestId)) return found;
  const isRead = policies.some((policy) => attributesOf(policy, resolutions).some((a) => a === id));
  if (isRead || (id !== undefined && schema.sets?.selector === id)) add("x-request-id", "request.id");
  return found;
}

/** Header names have no blank. */
export function queryReader(parameter: string): string {
  return `query ${parameter}`;
}

export function setsRequestId({ onAllow }: PolicyDeclaration): boolean {
  return onAllow.some(
    ({ kind, target, header }) =>
      kind !== "remove" && target === "request header" && comparable(header.value) === "x-request-id",
  );
}

/** Two enforced policies that set one header to different values must not be able to apply together. */
export function checkConflicts(
  checked: CheckedDocument,
  report: Diagnostics,
  pinsOf = (policy: PolicyDeclaration): Pins => pinned(policy, checked.resolutions),
): void {
  const headers = new Map<string, HeaderSetters>();
  for (const policy of checked.policies) {
    if (policy.onAllow.length === 0 || !canAllow(policy) || metadataOf(policy, "mode") === "permissive")
      continue;
    const pins = pinsOf(policy);
    for (const action of policy.onAllow) {
      if (action.kind !== "set") continue;
      const { target, header, value, span } = action;
      const name = target.endsWith("header") ? header.value.toLowerCase() : header.value;
      const key = `${target} ${name}`;
      const setters = headers.get(key) ?? new HeaderSetters();
      headers.set(key, setters);
      const text = writtenText(value);
      const other = report.isFull ? null : setters.conflictWith(text, pins);
      if (other !== null) {
        report.warning(
          "obligation-conflict",
          span,
          `\`${policy.name.text}\` and \`${other}\` set \`${name}\` to different values; where both are satisfied the request is denied`,
          "set the same value, or make their triggers exclude each other",
        );
      }
      setters.add({ policy: policy.name.text, value: text, pins });
    }
  }
}

/** Attributes that must equal one constant for a policy to be satisfied. */
export type Pins = ReadonlyMap<string, unknown>;

interface Setter {
  readonly policy: string;
  readonly value: string;
  readonly pins: Pins;
}

/** Those who set one header. */
class HeaderSetters {
  readonly #setters: Setter[] = [];
  /** By attribute: how many setters pin it, and to what. */
  readonly #pinned = new Map<string, { count: number; readonly constants: Set<unknown> }>();

  add(setter: Setter): void {
    this.#setters.push(setter);
    for (const [name, constant] of setter.pins) {
      const found = this.#pinned.get(name) ?? { count: 0, constants: new Set() };
      this.#pinned.set(name, found);
      found.count++;
      found.constants.add(constant);
    }
  }

  /** Name of the first one that sets another value and can be satisfied together with one that has these pins. */
  conflictWith(value: string, pins: Pins): string | null {
    // All others pin one attribute to other constants (a policy a tenant, say): no need to ask each of them.
    const apart = [...pins].some(([name, constant]) => {
      const found = this.#pinned.get(name);
      return found?.count === this.#setters.length && !found.constants.has(constant);
    });
    if (apart) return null;
    return (
      this.#setters.find((other) => other.value !== value && !exclusive(other.pins, pins))?.policy ?? null
    );
  }
}

/** Does some attribute have to equal two different constants? */
function exclusive(first: Pins, second: Pins): boolean {
  return [...first].some(([name, constant]) => second.has(name) && second.get(name) !== constant);
}

/** Compared with `==` to a constant, as top conjuncts of the policy's conditions. */
export function pinned(policy: PolicyDeclaration, resolutions: Resolutions): Pins {
  const found = new Map<string, unknown>();
  // Policies of two sets never apply together.
  if (policy.set !== null) found.set("set", policy.set.value);
  for (const part of conditionsOf(policy).flatMap(conjunctsOf)) {
    if (part.kind !== "compare" || part.operator !== "==") continue;
    const [path, literal] = part.left.kind === "path" ? [part.left, part.right] : [part.right, part.left];
    const operand = resolutions.operands.get(literal);
    if (path.kind !== "path" || operand?.kind !== "constant") continue;
    // Two spellings of one address are no two constants.
    const isText = operand.value.kind !== "ip" && operand.value.kind !== "cidr";
    if (isText) found.set(path.path.text, operand.value.value);
  }
  return found;
}

function conjunctsOf(e: Expression): readonly Expression[] {
  return e.kind === "and" ? e.parts.flatMap(conjunctsOf) : [e];
}

// --- metadata ---

function checkMetadata(policy: PolicyDeclaration, report: Diagnostics): void {
  const seen = new Set<string>();
  for (const { key, value } of policy.metadata) {
    if (seen.has(key.text) && key.text !== ALLOW_WARNING)
      report.error("duplicate-metadata", key.span, `a second \`${key.text}\``, "each key stands once");
    seen.add(key.text);
    if (key.text === "expires" && parseDatetime(value.text) === null)
      report.error(
        "bad-metadata",
        value.span,
        `\`${value.text}\` is no datetime`,
        "write one by RFC 3339: 2027-01-31T18:00:00Z",
      );
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

/** Milliseconds of `expires` in the metadata; null without it, or where it is none and reported. */
export function expiryOf(policy: PolicyDeclaration): number | null {
  const text = metadataOf(policy, "expires");
  return text === null ? null : parseDatetime(text);
}

/** An expiry that changes nothing, and a rule about one that is not there. */
function checkExpiry(policy: PolicyDeclaration, report: Diagnostics): void {
  const dated = policy.metadata.find(({ key }) => key.text === "expires");
  if (policy.onExpiry !== null && dated === undefined)
    report.warning(
      "idle-expiry",
      policy.onExpiry.span,
      "`on expiry` in a policy that does not expire",
      "add `expires` to its metadata, or remove it",
    );
  if (policy.onExpiry === null && dated !== undefined && !canAllow(policy))
    report.warning(
      "idle-expiry",
      dated.key.span,
      "what denies goes on to deny when it has expired",
      "add `on expiry: off` if it shall end then, or remove `expires`",
    );
}

// --- claims ---

/** A policy that allows because of what the client says of itself. */
function checkClaims(policy: PolicyDeclaration, resolutions: Resolutions, report: Diagnostics): void {
  if (!canAllow(policy) || metadataOf(policy, "mode") === "permissive") return;
  const attributes = attributesIn(conditionsOf(policy), resolutions).filter((a) => a.marking === "claimed");
  if (attributes.length === 0) return;
  const claimed = [...new Set(attributes.map((a) => `\`${a.name}\``))].sort();
  report.warning(
    "claimed-grant",
    policy.name.span,
    `\`${policy.name.text}\` allows on the client's own word about ${claimed.join(", ")}`,
    "make sure that lying there gains nothing; for facts that a component in front sets say `trusted`",
  );
}

/** Attributes that a policy reads, in order of text. */
export function attributesOf(policy: PolicyDeclaration, resolutions: Resolutions): Attribute[] {
  return attributesIn(readsOf(policy), resolutions);
}

function attributesIn(expressions: readonly Expression[], resolutions: Resolutions): Attribute[] {
  const found: Attribute[] = [];
  for (const condition of expressions) {
    for (const name of namesOf(condition)) {
      const resolved = resolutions.names.get(name);
      if (resolved?.kind === "attribute") found.push(resolved.attribute);
    }
  }
  return found;
}

// --- the whole document ---

function checkNames(policies: readonly PolicyDeclaration[], report: Diagnostics): void {
  const places = new FirstPlaces(report);
  for (const { name } of policies) places.isNew(name, "policy or guard");
}

/** `true` and `false` as a condition say the same on every request. */
export function checkConstants(policy: PolicyDeclaration, report: Diagnostics): void {
  for (const condition of conditionsOf(policy)) checkConstantParts(condition, report);
}

function checkConstantParts(condition: Expression, report: Diagnostics): void {
  const check = (part: Expression): void => {
    if (part.kind === "bool" && part.from === undefined)
      report.warning(
        "constant-condition",
        part.span,
        `\`${part.value}\` as a condition says the same on every request`,
        "remove it",
      );
  };
  check(condition);
  for (const node of nodesOf(condition)) {
    if (node.kind === "and" || node.kind === "or") for (const part of node.parts) check(part);
    else if (node.kind === "not") check(node.operand);
  }
}
