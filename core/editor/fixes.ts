/** Edits that an editor offers for a diagnostic: its own fix, and what needs the tree around it. */
import type { Diagnostic, Fix } from "../source/diagnostics.ts";
import type { Span } from "../source/source.ts";
import type { Declaration, Expression } from "../syntax/ast.ts";
import { childrenOf } from "../syntax/walk.ts";
import type { Analysis } from "./analyse.ts";

export function fixesFor(diagnostic: Diagnostic, analysis: Analysis): Fix[] {
  const own = diagnostic.fix === undefined ? [] : [diagnostic.fix];
  switch (diagnostic.id) {
    case "unguarded-optional":
      return [...own, ...guarded(diagnostic, analysis)];
    case "unused-attribute":
      return [...own, ...removed(diagnostic, analysis)];
    default:
      return own;
  }
}

/** Both ways to say what absence means; first the one that fits: a guard is triggered by it. */
function guarded({ message, span }: Diagnostic, { document }: Analysis): Fix[] {
  const optional = /^`([^`]+)`/.exec(message)?.[1];
  for (const d of document.declarations) {
    const test = conditionsOf(d)
      .map((condition) => testAt(condition, span))
      .find((found) => found !== null);
    if (test == null || optional === undefined) continue;
    const text = span.source.text.slice(test.span.start, test.span.end);
    const fix = (head: string): Fix => ({
      title: `write \`${head} ...\``,
      span: test.span,
      text: `(${head} ${text})`,
    });
    const fixes = [fix(`exists ${optional} and`), fix(`not exists ${optional} or`)];
    return d.kind === "guard" ? fixes.reverse() : fixes;
  }
  return [];
}

function conditionsOf(d: Declaration): Expression[] {
  switch (d.kind) {
    case "policy":
    case "guard":
    case "template":
      return [
        ...(d.trigger === null ? [] : [d.trigger]),
        ...(d.effect?.kind === "requires" ? [d.effect.condition] : []),
      ];
    case "condition":
      return [d.value];
    default:
      return [];
  }
}

/** The test that a place stands in: the smallest condition that is true or false by itself. */
function testAt(e: Expression, place: Span): Expression | null {
  if (e.span.source !== place.source) return null;
  if (e.kind === "and" || e.kind === "or" || e.kind === "not") return firstOf(e, place);
  if (e.kind === "aggregate" && e.where !== null) {
    const inside = testAt(e.where, place);
    if (inside !== null) return inside;
  }
  if (e.kind === "compare") {
    const inside = firstOf(e, place);
    // A test inside of the `where` of one side; the sides themselves are no tests.
    if (inside !== null && inside !== e.left && inside !== e.right) return inside;
  }
  return e.span.start <= place.start && place.end <= e.span.end ? e : null;
}

function firstOf(e: Expression, place: Span): Expression | null {
  for (const child of childrenOf(e)) {
    const found = testAt(child, place);
    if (found !== null) return found;
  }
  return null;
}

/** An attribute that has its lines for itself goes with them. */
function removed({ span }: Diagnostic, { document }: Analysis): Fix[] {
  const { text } = span.source;
  const entries = document.declarations.flatMap((d) => (d.kind === "attributes" ? d.attributes : []));
  const entry = entries.find(
    ({ name }) => name.span.source === span.source && name.span.start === span.start,
  );
  if (entry === undefined) return [];
  const start = text.lastIndexOf("\n", entry.span.start - 1) + 1;
  const lineEnd = text.indexOf("\n", entry.span.end);
  const end = lineEnd === -1 ? text.length : lineEnd + 1;
  const isAlone =
    text.slice(start, entry.span.start).trim() === "" &&
    /^[ \t]*(?:\/\/.*)?\r?\n?$/.test(text.slice(entry.span.end, end));
  return isAlone ? [{ title: `remove \`${entry.name.text}\``, span: { ...span, start, end }, text: "" }] : [];
}
