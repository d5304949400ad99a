/** What an analysis gets. It reports what it finds and changes nothing. */
import type { Diagnostics } from "../../source/diagnostics.ts";
import { type Span, slice } from "../../source/source.ts";
import type { Declaration, Expression, PolicyDeclaration } from "../../syntax/ast.ts";
import type { CheckedDocument } from "../check.ts";
import type { Worlds } from "../worlds/worlds.ts";
import type { PolicyFacts } from "./facts.ts";

export interface Subject {
  readonly checked: CheckedDocument;
  /** Of all sources, in order. */
  readonly declarations: readonly Declaration[];
  /** Conditions that stand in no policy. */
  readonly conditions: readonly Expression[];
  readonly worlds: Worlds;
  readonly facts: PolicyFacts;
}

export type Analysis = (subject: Subject, report: Diagnostics) => void;

const QUOTED_MAX = 80;

/** A condition's text in backticks, on one line, shortened where it is long. */
export function quoted(e: Expression): string {
  const text = slice(e.span).replace(/\s*\/\/[^\n]*\n\s*|\s+/g, " ");
  return `\`${text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX - 1)}…` : text}\``;
}

/** The parts of an `and` or `or`, those of the same kind in it included. */
export function partsOf(e: Expression, kind: "and" | "or"): readonly Expression[] {
  return e.kind === kind ? e.parts.flatMap((part) => partsOf(part, kind)) : [e];
}

/** Does a part stand in the policy's own text, and not in a condition or template that it uses? */
export function isOwn(policy: PolicyDeclaration, { span }: Expression): boolean {
  const { source, start, end } = policy.span;
  return span.source === source && span.start >= start && span.end <= end;
}

/** Where to say something about a part of a policy: there, or at the policy's name where the part comes from elsewhere. */
export function placeIn(policy: PolicyDeclaration, part: Expression): Span {
  return isOwn(policy, part) ? part.span : policy.name.span;
}
