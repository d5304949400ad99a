/** What the checker says of policies, held against the reference: a warning that a request contradicts is a false alarm. */
import type { CheckedDocument } from "../../core/check/check.ts";
import { Worlds } from "../../core/check/worlds/worlds.ts";
import type { Diagnostic } from "../../core/source/diagnostics.ts";
import { locate, type Span } from "../../core/source/source.ts";
import type { Expression, PolicyDeclaration } from "../../core/syntax/ast.ts";
import { type Scope, truth } from "../reference/conditions.ts";
import { OPERATORS, type Truth } from "../reference/operators.ts";
import { evaluate, isChosen } from "../reference/reference.ts";
import type { Valuation } from "../reference/values.ts";

/** Warnings and hints that a request can contradict. */
const JUDGED = ["never-applies", "never-holds", "always-holds", "shadowed-policy", "duplicate-policy"];

export class Claims {
  readonly #document: CheckedDocument;
  readonly #worlds: Worlds;
  readonly #said: readonly { readonly diagnostic: Diagnostic; readonly policy: PolicyDeclaration }[];
  readonly #shorter: readonly { readonly node: Expression; readonly shorter: Expression }[];
  /** Conditions that the checker thinks can never have some truth. */
  readonly #limited: readonly { readonly node: Expression; readonly never: readonly Truth[] }[];

  constructor(document: CheckedDocument, diagnostics: readonly Diagnostic[]) {
    this.#document = document;
    this.#worlds = new Worlds(document.resolutions);
    this.#said = diagnostics.flatMap((diagnostic) => {
      const policy = document.policies.find((p) => isWithin(diagnostic.span, p.span));
      return policy !== undefined && JUDGED.includes(diagnostic.id) ? [{ diagnostic, policy }] : [];
    });
    const nodes = document.policies.flatMap((policy) => conditionsOf(policy).flatMap(joints));
    this.#limited = nodes.flatMap((node) => {
      const never = neverOf(node, this.#worlds);
      return never.length > 0 ? [{ node, never }] : [];
    });
    const redundant = diagnostics.filter((d) => d.id === "redundant-condition").map((d) => d.span);
    this.#shorter = document.policies
      .flatMap(conditionsOf)
      .flatMap((node) => [{ node, shorter: without(node, redundant) }])
      .filter(({ node, shorter }) => node !== shorter);
  }

  /** How many claims there are to contradict. */
  get count(): number {
    return this.#said.length + this.#limited.length + this.#shorter.length;
  }

  /** The first claim that the request contradicts, as text; null where all hold. */
  contradictedBy(valuation: Valuation): string | null {
    const scope: Scope = { document: this.#document, valuation, operators: OPERATORS, elements: new Map() };
    for (const { node, never } of this.#limited) {
      const found = truth(node, scope);
      if (never.includes(found)) return `${textOf(node)} is ${found}, and was thought never to be`;
    }
    for (const { node, shorter } of this.#shorter) {
      const [long, short] = [truth(node, scope), truth(shorter, scope)];
      if (long !== short) return `${textOf(node)} is ${long}, and ${short} without what was called redundant`;
    }
    if (this.#said.length === 0) return null;
    const { decision, policies } = evaluate(this.#document, valuation);
    const outcomeOf = (name: string) => policies.find((p) => p.name === name)!.outcome;
    for (const { diagnostic, policy } of this.#said) {
      const name = policy.name.text;
      const outcome = outcomeOf(name);
      if (this.#contradicts(diagnostic, policy, scope, { outcome, outcomeOf, decision }))
        return `${name} is ${outcome}, the decision ${JSON.stringify(decision.reason)}, and it was said: ${diagnostic.message}`;
    }
    return null;
  }

  #contradicts(
    { id, severity, message }: Diagnostic,
    policy: PolicyDeclaration,
    scope: Scope,
    seen: {
      readonly outcome: string;
      readonly outcomeOf: (name: string) => string;
      readonly decision: ReturnType<typeof evaluate>["decision"];
    },
  ): boolean {
    switch (id) {
      case "never-applies":
        return !["not-applicable", "indeterminate"].includes(seen.outcome);
      case "never-holds":
        return seen.outcome === "satisfied";
      case "always-holds":
        return seen.outcome === "unsatisfied" && truth(conditionsOf(policy).at(-1)!, scope) === "false";
      case "shadowed-policy":
        if (policy.trigger === null) return seen.decision.allow && seen.decision.reason.policy !== null;
        return severity === "hint"
          ? seen.decision.reason.policy === policy.name.text
          : seen.outcome === "satisfied" && seen.decision.allow;
      default: {
        const other = /says the same as `([^`]+)`/.exec(message)?.[1];
        // One of a set says the same as one of none wherever it says anything.
        if (!isChosen(policy, scope)) return false;
        return other === undefined || seen.outcomeOf(other) !== seen.outcome;
      }
    }
  }
}

function neverOf(node: Expression, worlds: Worlds): Truth[] {
  const can = (being: Parameters<Worlds["can"]>[1]) => worlds.can(node, being);
  const never = new Set<Truth>();
  if (!can("true")) never.add("true");
  if (!can("false")) never.add("false");
  if (!can("not-true")) never.add("false").add("unknown");
  if (!can("not-false")) never.add("true").add("unknown");
  return [...never];
}

function conditionsOf({ trigger, effect }: PolicyDeclaration): Expression[] {
  return [trigger, effect?.kind === "requires" ? effect.condition : null].filter((e) => e !== null);
}

/** A condition and those it is joined of; what stands in a `where` needs an element. */
function joints(e: Expression): Expression[] {
  if (e.kind === "and" || e.kind === "or") return [e, ...e.parts.flatMap(joints)];
  return e.kind === "not" ? [e, ...joints(e.operand)] : [e];
}

/** The condition without the parts in these places; itself where none of them stands in it. */
function without(e: Expression, places: readonly Span[]): Expression {
  if (e.kind === "not") {
    const operand = without(e.operand, places);
    return operand === e.operand ? e : { ...e, operand };
  }
  if (e.kind !== "and" && e.kind !== "or") return e;
  const parts = e.parts
    .filter((part) => !places.some((p) => p.start === part.span.start && p.end === part.span.end))
    .map((part) => without(part, places));
  if (parts.length === e.parts.length && parts.every((part, i) => part === e.parts[i])) return e;
  // All parts of a nested one can be redundant beside the outer ones; then the outer one does without it.
  return parts.length === 0 ? { kind: "bool", value: e.kind === "and", span: e.span } : { ...e, parts };
}

function isWithin(inner: Span, outer: Span): boolean {
  return inner.source === outer.source && inner.start >= outer.start && inner.end <= outer.end;
}

function textOf(e: Expression): string {
  const { line, column } = locate(e.span.source, e.span.start);
  return `${e.span.source.text.slice(e.span.start, e.span.end)} (${line}:${column})`;
}
