/** From a document to a checked document: every name resolved, every type right, every policy sound. */

import type { Automaton } from "../automaton/automaton.ts";
import type { Pattern } from "../automaton/pattern.ts";
import type { BusinessHours } from "../schema/business-hours.ts";
import { resolve } from "../schema/resolve.ts";
import type { Attribute, ConstantValue, DataMap, DataSet, Schema, Type } from "../schema/schema.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Document, Expression, Name, PolicyDeclaration, TestDeclaration } from "../syntax/ast.ts";
import { analyse } from "./analyses.ts";
import { checkConditions } from "./conditions.ts";
import { checkPolicies } from "./policies.ts";
import { checkTests } from "./tests.ts";
import { checkTriggers } from "./triggers.ts";

/** One element of a list while its `where` is evaluated. */
export interface ElementBinding {
  readonly name: string;
  readonly type: Type;
}

/** What a path means. */
export type Resolved =
  | {
      readonly kind: "attribute";
      readonly attribute: Attribute;
      /** Fields behind the attribute's name, for a record. */
      readonly fields: readonly string[];
      readonly type: Type;
      /** May be absent by declaration: the attribute or a field on the way is optional. */
      readonly optional: boolean;
    }
  | {
      readonly kind: "element";
      readonly element: ElementBinding;
      readonly fields: readonly string[];
      readonly type: Type;
      readonly optional: boolean;
    }
  | { readonly kind: "constant"; readonly value: ConstantValue };

/** A `data` table; only `in` and `contains` ask it. */
export interface SetOperand {
  readonly kind: "set";
  readonly set: DataSet;
}

/** A value on one side of a test. */
export type Operand =
  | Exclude<Resolved, { kind: "constant" }>
  | SetOperand
  | { readonly kind: "constant"; readonly value: ConstantValue }
  | { readonly kind: "count"; readonly aggregate: Extract<Expression, { kind: "aggregate" }> }
  /** Arithmetic, a function, a look-up in a map, or `sum`, `min`, `max`: its parts have operands of their own. */
  | { readonly kind: "computed"; readonly type: Type };

/** A field of a list's elements, or the elements themselves. */
export interface Projection {
  readonly fields: readonly string[];
  readonly type: Type;
}

/** A pattern, and the table that it becomes. */
export interface CheckedPattern {
  readonly pattern: Pattern;
  readonly automaton: Automaton;
}

/** What the checker found out about the nodes of the tree. */
export interface Resolutions {
  /** Paths, by the name node in a path, `exists` or aggregate. */
  readonly names: Map<Name, Resolved>;
  /** Operands of comparisons and items of list literals, by expression. */
  readonly operands: Map<Expression, Operand>;
  /** What `matches` and `like` ask, by the comparison. */
  readonly patterns: Map<Expression, CheckedPattern>;
  /** Elements that aggregates with a `where` bind, by the list's name node. */
  readonly elements: Map<Name, ElementBinding>;
  /** The maps that look-ups ask. */
  readonly lookups: Map<Expression, DataMap>;
  /** Of `is_business_hours(...)`. */
  readonly hours: Map<Expression, BusinessHours>;
  /** Of `sum(xs.price)`, by the list's name node: what of an element is meant. The name itself resolves to the list. */
  readonly projections: Map<Name, Projection>;
}

export interface CheckedDocument {
  readonly schema: Schema;
  /** Policies and guards of all sources, in order of text. */
  readonly policies: readonly PolicyDeclaration[];
  /** Tests of all sources, in order of text. They are no part of the bundle. */
  readonly tests: readonly TestDeclaration[];
  readonly resolutions: Resolutions;
}

/** Check a document; problems go to `report`. Only without errors may the result be lowered. */
export function check(document: Document, report: Diagnostics): CheckedDocument {
  const { schema, faulty } = resolve(document, report);
  const policies = document.declarations.filter(
    (d): d is PolicyDeclaration => d.kind === "policy" || d.kind === "guard",
  );
  const resolutions = checkConditions(policies, document.conditions, schema, faulty, report);
  const tests = document.declarations.filter((d) => d.kind === "test");
  const checked = { schema, policies, tests, resolutions };
  checkPolicies(checked, report);
  checkTriggers(checked, report);
  checkTests(checked, faulty, report);
  analyse(checked, document, report);
  return checked;
}
