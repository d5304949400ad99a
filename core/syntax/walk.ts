/** Visiting the nodes of a condition. */
import type { Span } from "../source/source.ts";
import type { Expression, Name } from "./ast.ts";

/** Every node of a condition, parents first, in order of text. */
export function nodesOf(e: Expression): Expression[] {
  const found: Expression[] = [];
  collect(e, found);
  return found;
}

function collect(e: Expression, into: Expression[]): void {
  into.push(e);
  for (const child of childrenOf(e)) collect(child, into);
}

/** Every dotted name that a condition reads: paths, `exists`, the lists of aggregates. */
export function namesOf(e: Expression): Name[] {
  const found: Name[] = [];
  collectNames(e, found);
  return found;
}

function collectNames(e: Expression, into: Name[]): void {
  if (e.kind === "path" || e.kind === "exists") into.push(e.path);
  else if (e.kind === "aggregate") into.push(e.list);
  for (const child of childrenOf(e)) collectNames(child, into);
}

/** Where the value of a literal is written: for a template's parameter, where the policy passes it. */
export function valueSpan(e: Expression): Span {
  return ("from" in e ? e.from : undefined)?.span ?? e.span;
}

const NO_CHILDREN: readonly Expression[] = [];

export function childrenOf(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case "and":
    case "or":
      return e.parts;
    case "not":
      return [e.operand];
    case "compare":
      return [e.left, e.right];
    case "aggregate":
      return e.where === null ? [] : [e.where];
    case "list":
      return e.items;
    case "range":
      return [e.low, e.high];
    case "arithmetic":
      return [e.left, e.right];
    case "lower":
      return [e.operand];
    case "lookup":
      return [e.key];
    case "exists_lookup":
      return [e.lookup];
    default:
      return NO_CHILDREN;
  }
}
