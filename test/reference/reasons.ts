/** Why a condition is not true: the parts that failed, and what they read that was not there. */
import type { FailedCondition } from "../../core/decision/decision.ts";
import { locate, slice } from "../../core/source/source.ts";
import type { Expression, Name } from "../../core/syntax/ast.ts";
import { read, type Scope, truth } from "./conditions.ts";

export interface Failure {
  readonly failed: readonly FailedCondition[];
  readonly missing: readonly string[];
  readonly invalid: readonly string[];
}

export const NO_FAILURE: Failure = { failed: [], missing: [], invalid: [] };

/** Reasons why `condition` is not true. */
export function failureOf(condition: Expression, scope: Scope): Failure {
  const nodes = failedNodes(condition, scope);
  const names = nodes.flatMap(namesRead).flatMap((name) => {
    const found = scope.document.resolutions.names.get(name);
    // `now` is another name of an attribute, and behind a list there may be a field of its elements.
    return found?.kind === "attribute"
      ? [{ name, text: [found.attribute.name, ...found.fields].join(".") }]
      : [];
  });
  const inState = (state: string) =>
    names.filter(({ name }) => read(name, scope).state === state).map(({ text }) => text);
  return {
    failed: nodes.map((node) => ({ text: slice(node.span), ...locate(node.span.source, node.span.start) })),
    missing: sorted(inState("absent")),
    invalid: sorted(inState("invalid")),
  };
}

/** Leaves and whole `not`s that keep the condition from being true, in order of text. */
function failedNodes(e: Expression, scope: Scope): Expression[] {
  if (truth(e, scope) === "true") return [];
  return e.kind === "and" || e.kind === "or" ? e.parts.flatMap((part) => failedNodes(part, scope)) : [e];
}

/** Names that a node speaks of, also inside `where`. */
function namesRead(e: Expression): Name[] {
  switch (e.kind) {
    case "and":
    case "or":
      return e.parts.flatMap(namesRead);
    case "not":
      return namesRead(e.operand);
    case "compare":
      return [...namesRead(e.left), ...namesRead(e.right)];
    case "list":
      return e.items.flatMap(namesRead);
    case "arithmetic":
      return [...namesRead(e.left), ...namesRead(e.right)];
    case "lower":
      return namesRead(e.operand);
    case "lookup":
      return namesRead(e.key);
    case "exists_lookup":
      return namesRead(e.lookup);
    case "range":
      return [...namesRead(e.low), ...namesRead(e.high)];
    case "path":
    case "exists":
      return [e.path];
    case "aggregate":
      return [e.list, ...(e.where === null ? [] : namesRead(e.where))];
    default:
      return [];
  }
}

/** By bytes (names are ASCII), each once. */
function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
