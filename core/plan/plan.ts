/**
 * The plan: what a bundle decides, free of any front end's syntax. Names are cells, operators are the few that the
 * bytecode has, and every condition keeps the place in the text that it came from, for reasons.
 */
import type { Automaton } from "../automaton/automaton.ts";
import type { BusinessHours } from "../schema/business-hours.ts";
import type { Attribute, ConstantValue, DataMap, EnumInfo, ResourcePattern, Type } from "../schema/schema.ts";
import type { LimiterFailureMode, PathMode } from "../syntax/ast.ts";

export interface Plan {
  readonly defaultAllow: boolean;
  readonly pathMode: PathMode;
  /** Entry 0 holds the resources' names. */
  readonly enums: readonly EnumInfo[];
  /** In order of their cells. */
  readonly slots: readonly PlanSlot[];
  readonly resources: readonly ResourcePattern[];
  /** By severity, then name by bytes. */
  readonly policies: readonly PlanPolicy[];
  /** Null where all policies apply always. */
  readonly sets: PlanSets | null;
}

/** Policy sets, and the attribute whose value names the one that applies. */
export interface PlanSets {
  readonly selector: PlanSlot;
  /** Each once. */
  readonly names: readonly string[];
}

export interface PlanSlot {
  readonly attribute: Attribute;
  /** First cell in the global frame. */
  readonly cell: number;
}

export interface PlanPolicy {
  /** That of its set and a slash before its own, where it belongs to one. */
  readonly name: string;
  /** The set that it belongs to; null for all of them. */
  readonly set: string | null;
  readonly intent: string | null;
  readonly kind: "policy" | "guard";
  readonly mode: "enforce" | "permissive";
  readonly severity: "critical" | "high" | "medium" | "low" | "info";
  readonly effect: "requires" | "allows" | "denies";
  readonly trigger: PlanNode | null;
  /** There exactly for `requires`. */
  readonly requirement: PlanNode | null;
  readonly denyStatus: number | null;
  readonly denyBody: string | null;
  /** What follows it. */
  readonly denyBodyParts: readonly PlanPart[];
  /** Values in it are escaped for JSON. */
  readonly denyBodyIsJson: boolean;
  readonly reason: string | null;
  /** Of an allow first, as written. */
  readonly obligations: readonly PlanObligation[];
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
  /** Milliseconds since 1970 from which on the policy allows no more; null for never. */
  readonly expires: number | null;
  /** From then on it has no say at all. */
  readonly offWhenExpired: boolean;
  /** In order of text. */
  readonly limits: readonly PlanLimit[];
  /** What an allow becomes while nobody can count. */
  readonly limiterFailure: LimiterFailureMode;
}

/** A bucket of tokens for each combination of values; an allow takes a token. */
export interface PlanLimit {
  /** Microseconds until one token comes back. */
  readonly intervalMicros: number;
  /** Tokens in a full bucket. */
  readonly burst: number;
  /** Cells of the global frame. */
  readonly keys: readonly Ref[];
}

/** What is done on an allow, or to the headers of the answer on a denial. */
export interface PlanObligation {
  readonly kind:
    | "set-request"
    | "append-request"
    | "remove-request"
    | "set-answer"
    | "set-response"
    | "set-query"
    | "remove-query"
    | "set-metadata";
  /** Of headers in lower case. */
  readonly name: string;
  /** Null exactly where something is removed. */
  readonly value: string | null;
  /** What follows the value. */
  readonly parts: readonly PlanPart[];
}

/** A value in a text, and the text behind it. */
export interface PlanPart {
  /** A cell of the global frame. */
  readonly value: Ref;
  readonly text: string;
}

/** Source text of a condition and where it starts, 1-based, the column in code points. */
export interface Place {
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** Where lines above it come and go while the plan stays: how many of them `line` counts now. */
  readonly above?: { readonly linesBefore: number };
}

/** An attribute, or a field of one, that a condition reads. */
export interface Read {
  readonly cell: number;
  readonly name: string;
}

/** The tree of a condition as its author wrote it: what reasons speak of. */
export type PlanNode =
  | { readonly kind: "and" | "or"; readonly parts: readonly PlanNode[] }
  | {
      readonly kind: "not";
      readonly operand: PlanNode;
      readonly place: Place;
      readonly reads: readonly Read[];
    }
  | {
      readonly kind: "leaf";
      readonly condition: Condition;
      readonly place: Place;
      readonly reads: readonly Read[];
    };

/**
 * A cell of a frame: 0 is the request, 1 the element of the outer aggregate, 2 that of the inner one, 3 the values
 * that the steps in front of a test compute.
 */
export interface Ref {
  readonly frame: 0 | 1 | 2 | 3;
  readonly cell: number;
  readonly type: Type;
}

/** `>` and `>=` are the negations of `le` and `lt`. */
export type Order = "eq" | "lt" | "le";

/** How many elements of a list fulfil a condition; null counts them all. */
export interface Count {
  readonly list: Ref;
  readonly body: Condition | null;
}

/** Computes one value into cell `into` of frame 3; its operands may be such cells. */
export type Step =
  | { readonly kind: "number"; readonly into: number; readonly value: ConstantValue }
  | {
      readonly kind: "add" | "subtract" | "multiply";
      readonly into: number;
      readonly left: Ref;
      readonly right: Ref;
      /** The result is a float; else it is whole. */
      readonly float: boolean;
    }
  | { readonly kind: "lower"; readonly into: number; readonly ref: Ref }
  /** What a map gives the key; absent where it has no such key. */
  | { readonly kind: "lookup"; readonly into: number; readonly ref: Ref; readonly map: DataMap }
  /** The number of a count, where it is exact. */
  | { readonly kind: "tally"; readonly into: number; readonly count: Count }
  /** `field`: a cell of the element, 0 for the element itself. */
  | {
      readonly kind: "sum" | "min" | "max";
      readonly into: number;
      readonly count: Count;
      readonly field: number;
      readonly float: boolean;
    };

/** What is tested, with Kleene's meaning. */
export type Condition =
  | { readonly kind: "and" | "or"; readonly parts: readonly Condition[] }
  | { readonly kind: "not"; readonly operand: Condition }
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "exists"; readonly ref: Ref }
  /** A bool alone. */
  | { readonly kind: "truth"; readonly ref: Ref }
  | {
      readonly kind: "compare";
      readonly order: Order;
      readonly left: Ref;
      readonly right: Ref | ConstantValue;
    }
  | {
      readonly kind: "text";
      readonly test: "starts" | "ends" | "contains";
      readonly left: Ref;
      readonly right: Ref | ConstantValue;
    }
  /** A time that lies in the hours. */
  | { readonly kind: "hours"; readonly ref: Ref; readonly hours: BusinessHours }
  /** A text that an automaton takes. */
  | { readonly kind: "matches"; readonly ref: Ref; readonly automaton: Automaton }
  /** `set`: at least one constant, all of the ref's type; for an ip networks and addresses. */
  | { readonly kind: "in-set"; readonly ref: Ref; readonly set: readonly ConstantValue[] }
  /** An ip in a network that the request gives. */
  | { readonly kind: "in-cidr"; readonly ref: Ref; readonly network: Ref }
  /** A list holds a value equal to a constant or a cell. */
  | { readonly kind: "has"; readonly list: Ref; readonly value: Ref | ConstantValue }
  /** Some network of a list holds an ip. */
  | { readonly kind: "in-cidrs"; readonly ref: Ref; readonly list: Ref }
  | { readonly kind: "any" | "all"; readonly list: Ref; readonly body: Condition }
  | { readonly kind: "count"; readonly order: Order; readonly left: Count; readonly right: CountOperand }
  /** `test`, a single one, reads what the steps compute, in order. */
  | { readonly kind: "computing"; readonly steps: readonly Step[]; readonly test: Condition };

export type CountOperand = { readonly number: number } | { readonly ref: Ref } | { readonly count: Count };

/** Is an operand a cell? */
export function isRef(operand: Ref | ConstantValue): operand is Ref {
  return "cell" in operand;
}

/** The condition of a node, without the places. */
export function conditionOf(node: PlanNode): Condition {
  switch (node.kind) {
    case "leaf":
      return node.condition;
    case "not":
      return { kind: "not", operand: conditionOf(node.operand) };
    default:
      return { kind: node.kind, parts: node.parts.map(conditionOf) };
  }
}
