/**
 * The syntax tree of `.ipe` text. Plain data; names are not resolved yet, every node carries its span.
 * A parenthesised expression is its inside: its span leaves the parentheses out, its parent's covers them.
 */
import type { Span } from "../source/source.ts";

/** A word or dotted name as written. */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

export interface StringLiteral {
  readonly value: string;
  readonly span: Span;
}

// --- conditions ---

export type CompareOperator =
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "in"
  | "starts_with"
  | "ends_with"
  | "contains";
export type AggregateFunction = "count" | "any" | "all";

export type Expression =
  | { readonly kind: "and" | "or"; readonly parts: readonly Expression[]; readonly span: Span }
  | { readonly kind: "not"; readonly operand: Expression; readonly span: Span }
  | {
      readonly kind: "compare";
      readonly operator: CompareOperator;
      readonly operatorSpan: Span;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    }
  | { readonly kind: "exists"; readonly path: Name; readonly span: Span }
  | Aggregate
  | { readonly kind: "path"; readonly path: Name; readonly span: Span }
  | { readonly kind: "string"; readonly value: string; readonly span: Span }
  /** `text` is the spelling: JSON's for numbers, with a sign where one was written. */
  | { readonly kind: "int" | "float"; readonly value: number; readonly text: string; readonly span: Span }
  /** `90s`, `1h30m`: `value` in milliseconds. */
  | { readonly kind: "duration"; readonly value: number; readonly text: string; readonly span: Span }
  /** `low..high`, behind `in` and in its lists; both ends belong to it. */
  | { readonly kind: "range"; readonly low: Expression; readonly high: Expression; readonly span: Span }
  | { readonly kind: "bool"; readonly value: boolean; readonly span: Span }
  | { readonly kind: "list"; readonly items: readonly Expression[]; readonly span: Span }
  /** What could not be parsed; already reported. */
  | { readonly kind: "error"; readonly span: Span };

/** `xs.count`, `count(xs where ...)`, `any(...)`, `all(...)`. A trailing `where` is already bound to its aggregate; the span leaves it out. */
export interface Aggregate {
  readonly kind: "aggregate";
  readonly function: AggregateFunction;
  readonly list: Name;
  readonly where: Expression | null;
  readonly span: Span;
}

// --- declarations ---

/** `string`, `RiskLevel`, `list of approver: Approver`, each with an optional `?`. */
export interface TypeReference {
  /** Name of a built-in or declared type; for a list the element's type. */
  readonly name: Name;
  readonly list: boolean;
  /** Element name of a list, if one is given. */
  readonly element: Name | null;
  readonly optional: boolean;
  readonly span: Span;
}

export interface EnumDeclaration {
  readonly kind: "enum";
  readonly name: Name;
  readonly ordered: boolean;
  readonly members: readonly Name[];
  readonly span: Span;
}

export interface TypeDeclaration {
  readonly kind: "type";
  readonly name: Name;
  readonly fields: readonly { readonly name: Name; readonly type: TypeReference }[];
  readonly span: Span;
}

export interface ResourceDeclaration {
  readonly kind: "resource";
  readonly name: Name;
  readonly method: Name | null;
  readonly pattern: StringLiteral;
  readonly span: Span;
}

export interface ConstantDeclaration {
  readonly kind: "constant";
  readonly name: Name;
  readonly type: TypeReference;
  readonly value: Expression;
  readonly span: Span;
}

export interface DefaultDeclaration {
  readonly kind: "default";
  readonly allow: boolean;
  readonly span: Span;
}

export interface AttributesDeclaration {
  readonly kind: "attributes";
  readonly attributes: readonly AttributeDeclaration[];
  readonly span: Span;
}

export interface AttributeDeclaration {
  readonly name: Name;
  readonly type: TypeReference;
  readonly marking: { readonly text: "claimed" | "trusted"; readonly span: Span } | null;
  readonly source: { readonly kind: Name; readonly argument: StringLiteral | null } | null;
  readonly verbatim: Span | null;
  readonly default: Expression | null;
  readonly span: Span;
}

export interface PolicyDeclaration {
  readonly kind: "policy" | "guard";
  readonly name: Name;
  readonly intent: StringLiteral | null;
  readonly trigger: Expression | null;
  readonly effect: PolicyEffect | null;
  readonly onAllow: readonly SetRequestHeader[];
  readonly onDeny: {
    readonly status: { readonly value: number; readonly span: Span } | null;
    readonly body: StringLiteral | null;
    readonly span: Span;
  } | null;
  readonly metadata: readonly MetadataEntry[];
  readonly span: Span;
}

export type PolicyEffect =
  | { readonly kind: "requires"; readonly condition: Expression; readonly span: Span }
  | { readonly kind: "allows"; readonly span: Span }
  | { readonly kind: "denies"; readonly reason: StringLiteral | null; readonly span: Span };

export interface SetRequestHeader {
  readonly header: StringLiteral;
  readonly value: StringLiteral;
  readonly span: Span;
}

export interface MetadataEntry {
  readonly key: Name;
  readonly value: Name;
}

// --- tests ---

/** JSON text made of the language's tokens: compact, numbers as spelled, members in order. */
export interface JsonLiteral {
  readonly text: string;
  readonly span: Span;
}

/** What a test says of its request. */
export type TestFact =
  | {
      readonly kind: "request";
      readonly method: StringLiteral;
      readonly target: StringLiteral;
      readonly span: Span;
    }
  | {
      readonly kind: "header" | "extension";
      readonly name: StringLiteral;
      readonly value: StringLiteral;
      readonly span: Span;
    }
  /** A JSON string is the body's raw text. */
  | { readonly kind: "body"; readonly value: JsonLiteral; readonly span: Span }
  /** A declared attribute set directly, or a built-in one of the request. */
  | { readonly kind: "attribute"; readonly path: Name; readonly value: JsonLiteral; readonly span: Span };

/** What else an expectation says; null or empty where it says nothing. */
export interface TestDetails {
  readonly failing: readonly Expression[] | null;
  readonly missing: readonly Name[] | null;
  readonly invalid: readonly Name[] | null;
  readonly status: { readonly value: number; readonly span: Span } | null;
  readonly body: StringLiteral | null;
  readonly headers: readonly SetRequestHeader[];
}

export type TestExpectation =
  | {
      readonly kind: "decision";
      readonly allow: boolean;
      readonly policy: Name | null;
      readonly reason: Name | null;
      readonly details: TestDetails;
      readonly span: Span;
    }
  | {
      readonly kind: "outcome";
      readonly policy: Name;
      readonly outcome: Name;
      readonly details: TestDetails;
      readonly span: Span;
    };

/** `test "name": ...`: a request and what must come out. It is no part of the bundle. */
export interface TestDeclaration {
  readonly kind: "test";
  readonly name: StringLiteral;
  readonly facts: readonly TestFact[];
  readonly expectations: readonly TestExpectation[];
  readonly span: Span;
}

export type Declaration =
  | EnumDeclaration
  | TypeDeclaration
  | ResourceDeclaration
  | ConstantDeclaration
  | DefaultDeclaration
  | AttributesDeclaration
  | PolicyDeclaration
  | TestDeclaration;

/** What has a name that others use. */
export type NamedKind = "enum" | "type" | "resource" | "constant" | "attribute";

/** Something that the author declared, but not so that it could be read. It is reported; its users are not. */
export interface FaultyDeclaration {
  /** `unknown` where not even its kind could be read. */
  readonly kind: NamedKind | "unknown";
  readonly name: string;
}

/** All declarations of all sources, in order. */
export interface Document {
  readonly declarations: readonly Declaration[];
  readonly faulty: readonly FaultyDeclaration[];
}
