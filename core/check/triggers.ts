/**
 * What absence does to a trigger. An optional attribute must not make a trigger unknown merely by being absent, and
 * a guard must not be switched off by a client that leaves a claimed attribute out.
 */

import type { Attribute } from "../schema/schema.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Aggregate, Expression, Lookup, Name, PolicyDeclaration } from "../syntax/ast.ts";
import { namesOf } from "../syntax/walk.ts";
import type { CheckedDocument, Resolutions } from "./check.ts";
import { simulate } from "./simulate.ts";
import { Canon, mirrored } from "./worlds/canon.ts";

/** Check the triggers of all policies and guards. */
export function checkTriggers(checked: CheckedDocument, report: Diagnostics): void {
  for (const policy of checked.policies) {
    if (policy.trigger === null) continue;
    checkOptional(policy.trigger, new Set(), checked.resolutions, report);
    // A policy that only denies is a guard by another name.
    if (policy.kind === "guard" || policy.effect?.kind === "denies")
      checkOmission(policy.trigger, policy.kind, checked.resolutions, report);
  }
}

// --- unguarded-optional ---

/** `guards`: dotted names that are proved to exist, or without which the enclosing `or` is true anyway. */
function checkOptional(
  e: Expression,
  guards: ReadonlySet<string>,
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  switch (e.kind) {
    case "and":
    case "or": {
      const inner = new Set([
        ...guards,
        ...parts(e, e.kind).flatMap((part) => existsOf(part, e.kind)?.text ?? []),
        ...parts(e, e.kind).flatMap((part) => keyOf(existingLookup(part, e.kind), resolutions) ?? []),
      ]);
      for (const part of e.parts) checkOptional(part, inner, resolutions, report);
      return;
    }
    case "not":
      checkOptional(e.operand, guards, resolutions, report);
      return;
    case "exists":
      return;
    case "exists_lookup":
      checkOperand(e.lookup.key, guards, resolutions, report);
      return;
    case "aggregate":
      checkAggregate(e, guards, resolutions, report);
      return;
    case "compare":
      for (const side of [e.left, e.right]) checkOperand(side, guards, resolutions, report);
      return;
    default:
      checkOperand(e, guards, resolutions, report);
  }
}

/** Parts of an `and` (or `or`), those of directly nested ones of the same kind included. */
function parts(e: Expression, kind: "and" | "or"): Expression[] {
  return e.kind === kind ? e.parts.flatMap((part) => parts(part, kind)) : [e];
}

/** The name of `exists x` in an `and`, of `not exists x` in an `or`. */
function existsOf(part: Expression, kind: "and" | "or"): Name | null {
  const test = kind === "and" ? part : part.kind === "not" ? part.operand : null;
  return test?.kind === "exists" ? test.path : null;
}

/** The look-up of `exists m[x]` in an `and`, of `not exists m[x]` in an `or`. */
function existingLookup(part: Expression, kind: "and" | "or"): Lookup | null {
  const test = kind === "and" ? part : part.kind === "not" ? part.operand : null;
  return test?.kind === "exists_lookup" ? test.lookup : null;
}

/** One text for equal look-ups; it has brackets, as no name does. */
function keyOf(lookup: Lookup | null, resolutions: Resolutions): string | null {
  return lookup === null ? null : new Canon(resolutions).lookup(lookup);
}

/** A map that has a value for every key of its type gives one wherever the key is there. */
function hasEveryKey(lookup: Lookup, resolutions: Resolutions): boolean {
  const map = resolutions.lookups.get(lookup);
  return map?.key.kind === "enum" && map.entries.length === map.key.enum.members.length;
}

/** A look-up may be absent as an optional attribute may. */
function checkLookup(
  e: Lookup,
  guards: ReadonlySet<string>,
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  checkOperand(e.key, guards, resolutions, report);
  if (resolutions.operands.get(e)?.kind !== "computed" || hasEveryKey(e, resolutions)) return;
  const text = keyOf(e, resolutions)!;
  if (guards.has(text)) return;
  report.error(
    "unguarded-optional",
    e.span,
    `\`${text}\` is absent for a key that the map does not have, and without it this trigger is neither true nor false`,
    `say what that means: \`exists ${text} and ...\` or \`not exists ${text} or ...\``,
  );
}

function checkAggregate(
  e: Aggregate,
  guards: ReadonlySet<string>,
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  checkName(e.list, guards, resolutions, report);
  if (e.where !== null) checkOptional(e.where, guards, resolutions, report);
}

function checkOperand(
  e: Expression,
  guards: ReadonlySet<string>,
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  if (e.kind === "path") checkName(e.path, guards, resolutions, report);
  else if (e.kind === "aggregate") checkAggregate(e, guards, resolutions, report);
  else if (e.kind === "list") for (const item of e.items) checkOperand(item, guards, resolutions, report);
  else if (e.kind === "lower") checkOperand(e.operand, guards, resolutions, report);
  else if (e.kind === "lookup") checkLookup(e, guards, resolutions, report);
  else if (e.kind === "arithmetic")
    for (const side of [e.left, e.right]) checkOperand(side, guards, resolutions, report);
  else if (e.kind === "range")
    for (const end of [e.low, e.high]) checkOperand(end, guards, resolutions, report);
}

function checkName(
  name: Name,
  guards: ReadonlySet<string>,
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  const optional = longestOptional(name, resolutions);
  if (optional === null) return;
  const guarded = [...guards].some((guard) => isWithin(guard, optional) && isWithin(name.text, guard));
  if (guarded) return;
  report.error(
    "unguarded-optional",
    name.span,
    `\`${optional}\` is optional, and without it this trigger is neither true nor false`,
    `say what absence means: \`exists ${optional} and ...\` or \`not exists ${optional} or ...\``,
  );
}

/** The longest part of a dotted name that may be absent by declaration, or null. */
function longestOptional(name: Name, resolutions: Resolutions): string | null {
  const resolved = resolutions.names.get(name);
  if (resolved === undefined || resolved.kind === "constant") return null;
  const [start, startType, startOptional] =
    resolved.kind === "attribute"
      ? ([resolved.attribute.name, resolved.attribute.type, resolved.attribute.optional] as const)
      : ([resolved.element.name, resolved.element.type, false] as const);
  let found: string | null = startOptional ? start : null;
  let walked: string = start;
  let type = startType;
  for (const field of resolved.fields) {
    if (type.kind !== "record") return found;
    const info = type.record.fields.find((f) => f.name === field)!;
    walked += `.${field}`;
    type = info.type;
    if (info.optional) found = walked;
  }
  return found;
}

/** Is `name` equal to `outer` or a field below it? */
function isWithin(name: string, outer: string): boolean {
  return name === outer || name.startsWith(`${outer}.`);
}

// --- omittable-guard ---

function checkOmission(
  trigger: Expression,
  kind: PolicyDeclaration["kind"],
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  const claimed = claimedBy(trigger, resolutions);
  if (claimed.length === 0) return;
  const found = omittable(trigger, "false", new Set(claimed), resolutions);
  if (found === null) {
    checkUnknownKey(trigger, kind, resolutions, report);
    return;
  }
  const { place, switchedOff, field } = found;
  if (field !== undefined) {
    report.error(
      "omittable-guard",
      place.span,
      `a client switches this ${kind} off by leaving out \`${field}\``,
      `let absence trigger the ${kind}: \`not exists ${field} or ...\``,
    );
    return;
  }
  const inPlace = claimedBy(place, resolutions);
  const blamed = inPlace.find((a) => simulate(place, new Set([a]), resolutions) === switchedOff);
  const names = (blamed === undefined ? inPlace : [blamed]).map((a) => `\`${a.name}\``).join(", ");
  const byDefault = blamed?.default != null;
  const first = blamed ?? inPlace[0]!;
  report.error(
    "omittable-guard",
    place.span,
    `a client switches this ${kind} off by leaving out ${names}${byDefault ? ", whose default makes the trigger false" : ""}`,
    byDefault
      ? `remove the default of \`${first.name}\`, or choose one that triggers the ${kind}`
      : `let absence trigger the ${kind}: \`not exists ${first.name} or ...\``,
  );
}

/** A part of a trigger, and the truth by which it keeps the guard from applying: "true" inside a `not`. */
interface Switch {
  readonly place: Expression;
  readonly switchedOff: "true" | "false";
  /** What is left out, where it is a part of an element and no attribute. */
  readonly field?: string;
}

/** The part of a trigger that keeps the guard off, and matters, when the attributes are absent; or null. */
function omittable(
  e: Expression,
  switchedOff: "true" | "false",
  absent: ReadonlySet<Attribute>,
  resolutions: Resolutions,
): Switch | null {
  const truth = simulate(e, absent, resolutions);
  // What is so anyway, as a constant is, is not the client's doing.
  if (truth === switchedOff)
    return simulate(e, new Set(), resolutions) === truth ? null : { place: e, switchedOff };
  if (truth !== "unknown") return null;
  if (e.kind === "not")
    return omittable(e.operand, switchedOff === "true" ? "false" : "true", absent, resolutions);
  if (e.kind === "aggregate") return omittableElement(e, switchedOff, resolutions);
  if (e.kind === "compare") return omittableCount(e, switchedOff, resolutions);
  if (e.kind !== "and" && e.kind !== "or") return null;
  for (const part of e.parts) {
    const found = omittable(part, switchedOff, absent, resolutions);
    if (found !== null) return found;
  }
  return null;
}

/** `count(xs where exists x.a and ...) > 0` is as `any`, `count(...) < 1` as `not any`. */
function omittableCount(
  { left, right, operator }: Extract<Expression, { kind: "compare" }>,
  switchedOff: "true" | "false",
  resolutions: Resolutions,
): Switch | null {
  const [count, other, said] =
    left.kind === "aggregate" ? [left, right, operator] : [right, left, mirrored(operator)];
  if (count.kind !== "aggregate" || count.function !== "count" || said === null) return null;
  // Of other numbers than none, one more and one less can both be another one.
  if ((said === "==" || said === "!=") && (other.kind !== "int" || other.value !== 0)) return null;
  if ([">", ">=", "!="].includes(said)) return omittableElement(count, switchedOff, resolutions);
  if (!["<", "<=", "=="].includes(said)) return null;
  return omittableElement(count, switchedOff === "true" ? "false" : "true", resolutions);
}

/** `any(xs where exists x.a and ...)` of a claimed list: elements without `a` do not count. */
function omittableElement(
  e: Aggregate,
  switchedOff: "true" | "false",
  resolutions: Resolutions,
): Switch | null {
  const list = resolutions.names.get(e.list);
  if (e.where === null) return null;
  if (list?.kind !== "attribute" || list.attribute.marking !== "claimed") return null;
  const kind = switchedOff === "false" ? "and" : "or";
  if (e.where.kind !== kind) return null;
  const element = resolutions.elements.get(e.list);
  const named = parts(e.where, kind).flatMap((part) => existsOf(part, kind) ?? []);
  const omitted = named.find((path) => {
    const resolved = resolutions.names.get(path);
    return resolved?.kind === "element" && resolved.element === element;
  });
  return omitted === undefined ? null : { place: e, switchedOff, field: omitted.text };
}

/** `exists quota[tier] and ...` of a claimed `tier`: a client switches that off with a key that nobody has heard of. */
function checkUnknownKey(
  trigger: Expression,
  kind: PolicyDeclaration["kind"],
  resolutions: Resolutions,
  report: Diagnostics,
): void {
  const lookup = lookupThatSwitches(trigger, "and", new Set(), resolutions);
  if (lookup === null) return;
  const text = keyOf(lookup, resolutions);
  report.error(
    "omittable-guard",
    lookup.span,
    `a client switches this ${kind} off with a key that \`${lookup.table.text}\` does not have`,
    `let such a key trigger the ${kind}: \`not exists ${text} or ...\``,
  );
}

/**
 * `kind`: what has to hold all together for the guard to apply, `or` inside of a `not`; `triggering`: look-ups whose missing
 * keys trigger it anyhow.
 */
function lookupThatSwitches(
  e: Expression,
  kind: "and" | "or",
  triggering: ReadonlySet<string>,
  resolutions: Resolutions,
): Lookup | null {
  const lookup = existingLookup(e, kind);
  if (lookup !== null) {
    const isSafe = hasEveryKey(lookup, resolutions) || triggering.has(keyOf(lookup, resolutions)!);
    return !isSafe && claimedBy(lookup.key, resolutions).length > 0 ? lookup : null;
  }
  const other = kind === "and" ? "or" : "and";
  if (e.kind === "not") return lookupThatSwitches(e.operand, other, triggering, resolutions);
  if (e.kind !== "and" && e.kind !== "or") return null;
  const beside =
    e.kind === kind
      ? []
      : parts(e, other).flatMap((part) => keyOf(existingLookup(part, other), resolutions) ?? []);
  for (const part of e.parts) {
    const found = lookupThatSwitches(part, kind, new Set([...triggering, ...beside]), resolutions);
    if (found !== null) return found;
  }
  return null;
}

function claimedBy(e: Expression, resolutions: Resolutions): Attribute[] {
  const found = new Set<Attribute>();
  for (const name of namesOf(e)) {
    const resolved = resolutions.names.get(name);
    if (resolved?.kind === "attribute" && resolved.attribute.marking === "claimed")
      found.add(resolved.attribute);
  }
  return [...found];
}
