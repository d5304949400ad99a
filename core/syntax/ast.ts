/**
 * The syntax tree of `.ipe` text. Plain data; names are not resolved yet, every node carries its span.
 * A parenthesised expression is its inside: its span leaves the parentheses out, its parent's covers them.
 */
import type { LIMITER_FAILURE_MODES, PATH_MODES } from "../source/gen/facts.ts";
import type { Span } from "../source/source.ts";

/** What is done to a path before it is judged. */
export type PathMode = (typeof PATH_MODES)[number];

/** A word or dotted name as written. */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

export interface StringLiteral {
  readonly value: string;
  readonly span: Span;
}

/** A text with values of attributes in it: `"order ${order.id} is closed"`. `value` is what stands before the first one. */
export interface TextLiteral extends StringLiteral {
  readonly parts: readonly TextPart[];
}

/** A value, and the text behind it up to the next one. */
export interface TextPart {
  readonly value: Extract<Expression, { kind: "path" }>;
  readonly text: string;
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
  | "contains"
  | "contains_any"
  | "contains_all"
  | "matches"
  /** `is_business_hours(...)`: `now` on the left, its arguments as a list on the right. */
  | "in_hours"
  | "like";
export type AggregateFunction = "count" | "any" | "all" | "sum" | "min" | "max";
export type ArithmeticOperator = "+" | "-" | "*";

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
  /** `exists quota[tier]` */
  | { readonly kind: "exists_lookup"; readonly lookup: Lookup; readonly span: Span }
  /** A computed value. `time_until(x)` is `x - now`, with the span of what was written. */
  | Arithmetic
  /** `lower(x)` */
  | { readonly kind: "lower"; readonly operand: Expression; readonly span: Span }
  | Lookup
  | Aggregate
  | { readonly kind: "path"; readonly path: Name; readonly span: Span }
  | { readonly kind: "string"; readonly value: string; readonly span: Span; readonly from?: Argument }
  /** `text` is the spelling: JSON's for numbers, with a sign where one was written. */
  | {
      readonly kind: "int" | "float";
      readonly value: number;
      readonly text: string;
      readonly span: Span;
      readonly from?: Argument;
    }
  /** `90s`, `1h30m`: `value` in milliseconds. */
  | {
      readonly kind: "duration";
      readonly value: number;
      readonly text: string;
      readonly span: Span;
      readonly from?: Argument;
    }
  /** `low..high`, behind `in` and in its lists; both ends belong to it. */
  | { readonly kind: "range"; readonly low: Expression; readonly high: Expression; readonly span: Span }
  | { readonly kind: "bool"; readonly value: boolean; readonly span: Span; readonly from?: Argument }
  | { readonly kind: "list"; readonly items: readonly Expression[]; readonly span: Span }
  /** What could not be parsed; already reported. */
  | { readonly kind: "error"; readonly span: Span };

/** Where a literal comes from that stands for a template's parameter: its own span is the parameter's place in the template. */
export interface Argument {
  readonly parameter: string;
  /** What the policy passes, or the parameter's default. */
  readonly span: Span;
  /** Nobody wrote it: it stands for all values of its type while the template is checked by itself. */
  readonly isSample?: boolean;
}

export interface Arithmetic {
  readonly kind: "arithmetic";
  readonly operator: ArithmeticOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}

/** `quota[tier]`: what a map of `data` gives a key. */
export interface Lookup {
  readonly kind: "lookup";
  readonly table: Name;
  readonly key: Expression;
  readonly span: Span;
}

/** `xs.count`, `count(xs where ...)`, `any(...)`, `all(...)`, `sum(xs.field where ...)`, `min(...)`, `max(...)`. A trailing `where` is already bound to its aggregate; the span leaves it out. */
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

/** `normalize: MERGE_SLASHES` */
export interface NormalizeDeclaration {
  readonly kind: "normalize";
  readonly mode: PathMode;
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

/** `sets by tenant`: the attribute whose value names the policy set that applies. */
export interface SetsDeclaration {
  readonly kind: "sets";
  readonly selector: Name;
  readonly span: Span;
}

/** `set "acme"`: the policies behind it, up to the next one or the end of the file, belong to it. */
export interface SetDeclaration {
  readonly kind: "set";
  readonly name: StringLiteral;
  readonly span: Span;
}

/** `condition IsOncall: requester.oncall`: a condition that others use by its name. */
export interface ConditionDeclaration {
  readonly kind: "condition";
  readonly name: Name;
  readonly value: Expression;
  readonly span: Span;
}

/** `data` and tables below it: values that do not change with a request. */
export interface DataDeclaration {
  readonly kind: "data";
  readonly tables: readonly DataTable[];
  readonly span: Span;
}

/**
 * `teams: set of string = ["a", "b"]`, `teams: set of string from file "teams.csv" column "team"`,
 * `quota: map of string to int = {"gold": 1000}`, `quota: map of string to int from file "quota.csv" column "tier" to "limit"`
 */
export interface DataTable {
  readonly name: Name;
  /** Type of the keys of a map; null for a set. */
  readonly key: TypeReference | null;
  /** Type of the values. */
  readonly element: TypeReference;
  readonly content:
    | { readonly kind: "list"; readonly items: readonly Expression[]; readonly span: Span }
    | { readonly kind: "entries"; readonly entries: readonly MapEntry[]; readonly span: Span }
    | {
        readonly kind: "file";
        readonly path: StringLiteral;
        /** Of a map, that of the keys. */
        readonly column: StringLiteral | null;
        /** That of a map's values. */
        readonly valueColumn: StringLiteral | null;
      };
  readonly span: Span;
}

export interface MapEntry {
  readonly key: Expression;
  readonly value: Expression;
}

/** `import "common.ipe"` */
export interface ImportDeclaration {
  readonly kind: "import";
  readonly path: StringLiteral;
  readonly span: Span;
}

/** `template OwnedBy(team: string, minimum: int = 2): ...` */
export interface TemplateDeclaration extends PolicyParts {
  readonly kind: "template";
  readonly name: Name;
  readonly parameters: readonly Parameter[];
  readonly span: Span;
}

export interface Parameter {
  readonly name: Name;
  readonly type: TypeReference;
  /** A literal, a list of literals or a constant's name. */
  readonly default: Expression | null;
}

/** `use OwnedBy(team: "payments")` */
export interface TemplateUse {
  readonly template: Name;
  readonly arguments: readonly { readonly name: Name; readonly value: Expression }[];
  readonly span: Span;
}

export interface PolicyDeclaration extends PolicyParts {
  readonly kind: "policy" | "guard";
  readonly name: Name;
  /** Name of the set that it belongs to; `expand` puts it before the policy's own. */
  readonly set: StringLiteral | null;
  /** The template whose parts are the policy's, where it has none of its own; `expand` has put them in. */
  readonly use: TemplateUse | null;
  readonly span: Span;
}

/** What policies and templates consist of. */
export interface PolicyParts {
  readonly intent: StringLiteral | null;
  readonly trigger: Expression | null;
  readonly effect: PolicyEffect | null;
  readonly onAllow: readonly HeaderAction[];
  readonly onDeny: DenialAnswer | null;
  /** `on expiry: off`: an expired policy has no say at all. */
  readonly onExpiry: { readonly span: Span } | null;
  readonly limits: readonly Limit[];
  /** `on limiter failure: deny`: what an allow becomes while nobody can count. */
  readonly onLimiterFailure: { readonly mode: LimiterFailureMode; readonly span: Span } | null;
  readonly metadata: readonly MetadataEntry[];
}

export const LIMIT_PERIODS = ["second", "minute", "hour", "day"] as const;
export type LimitPeriod = (typeof LIMIT_PERIODS)[number];

/** `local`: each server goes on counting by itself. */
export type LimiterFailureMode = (typeof LIMITER_FAILURE_MODES)[number];

/** `100 per minute by caller burst 20`: a bucket of tokens, one for each value; an allow takes a token. */
export interface Limit {
  /** Tokens that come back in a period. */
  readonly amount: Quantity;
  readonly period: LimitPeriod;
  readonly by: readonly Extract<Expression, { kind: "path" }>[];
  /** Tokens in a full bucket; null: as many as `amount`. */
  readonly burst: Quantity | null;
  readonly span: Span;
}

export interface Quantity {
  /** NaN where it is badly spelled. */
  readonly value: number;
  readonly span: Span;
}

export type PolicyEffect =
  | { readonly kind: "requires"; readonly condition: Expression; readonly span: Span }
  | { readonly kind: "allows"; readonly span: Span }
  | { readonly kind: "denies"; readonly reason: StringLiteral | null; readonly span: Span };

/** What an allow does to a header of the request. */
export type HeaderAction =
  | (SetHeader & { readonly kind: "set"; readonly target: ActionTarget })
  | (SetHeader & { readonly kind: "append"; readonly target: "request header" })
  | {
      readonly kind: "remove";
      readonly target: "request header" | "query parameter";
      readonly header: StringLiteral;
      readonly span: Span;
    };

/** What an action of `on allow` changes, as it is written. */
export type ActionTarget = "request header" | "response header" | "query parameter" | "metadata";

/** What a denial answers. */
export interface DenialAnswer {
  readonly status: { readonly value: number; readonly span: Span } | null;
  readonly body: TextLiteral | null;
  /** The body is JSON, and is sent as such. */
  readonly isJson: boolean;
  /** Headers of the answer. */
  readonly headers: readonly SetHeader[];
  /** Where the client is sent instead; its status is 302 where none is written. */
  readonly redirect: StringLiteral | null;
  readonly span: Span;
}

/** `header` is the name of what is set: of a header, a query parameter, or a key of metadata. */
export interface SetHeader {
  readonly header: StringLiteral;
  readonly value: TextLiteral;
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
  /** What is set on an allow, but for headers of the response. */
  readonly sets: readonly (SetHeader & { readonly target: ActionTarget })[];
  /** What is removed on an allow. */
  readonly removes: readonly { readonly target: ActionTarget; readonly header: StringLiteral }[];
  /** Of the answer. */
  readonly answers: readonly SetHeader[];
  /** Where the answer sends the client. */
  readonly redirect: StringLiteral | null;
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
  | NormalizeDeclaration
  | AttributesDeclaration
  | SetsDeclaration
  | SetDeclaration
  | ConditionDeclaration
  | DataDeclaration
  | ImportDeclaration
  | TemplateDeclaration
  | PolicyDeclaration
  | TestDeclaration;

/** What has a name that others use. */
export type NamedKind = "enum" | "type" | "resource" | "constant" | "attribute" | "condition" | "template";

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
  /** Conditions to check that stand in no policy: what `expand` took out of declarations that it replaced. */
  readonly conditions: readonly Expression[];
  /** Types that `expand` has met, with the literals that must fit them. */
  readonly typed: readonly { readonly type: TypeReference; readonly values: readonly Expression[] }[];
}
