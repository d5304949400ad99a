import type { Automaton } from "../automaton/automaton.ts";
import type { ByteTable } from "../source/byte-table.ts";
import type { LimiterFailureMode, PathMode } from "../syntax/ast.ts";
import type { OBLIGATION_NAMES } from "./gen/tables.ts";
import type { Policies } from "./policies.ts";
import type { Texts } from "./texts.ts";

/**
 * A decoded and verified bundle. Only `decode` makes one, so whoever holds a Program may rely on every index,
 * offset and type in it.
 */

export type ScalarType =
  | "string"
  | "int"
  | "float"
  | "bool"
  | "enum"
  | "ip"
  | "cidr"
  | "datetime"
  | "duration";
export type ValueType = ScalarType | "list" | "record";
export type SourceKind = "builtin" | "header" | "query" | "cookie" | "capture" | "body" | "extension";
export type Severity = "critical" | "high" | "medium" | "low" | "info";
export type Effect = "requires" | "allows" | "denies";

/** By id of the format. */
export const POLICY_KINDS = ["policy", "guard"] as const;
export const POLICY_MODES = ["enforce", "permissive"] as const;

/** Shape of a value: its type and how many cells it takes. */
export interface Shape {
  readonly type: ValueType;
  /** Cells of one value: 1, and for a record one more for every cell of its fields. */
  readonly width: number;
  /** Index into `enums`, for an enum; else -1. */
  readonly enumIndex: number;
  /** Shape of an element, for a list; else null. */
  readonly element: Shape | null;
  /** Fields of a record, else empty. */
  readonly fields: readonly ShapeField[];
}

export interface ShapeField {
  readonly name: string;
  /** Cell of the field relative to the record's own cell; at least 1. */
  readonly offset: number;
  readonly shape: Shape;
}

/** One fact about a request. */
export interface Slot {
  readonly name: string;
  /** First cell of the slot in the global frame. */
  readonly cell: number;
  readonly shape: Shape;
  readonly source: SourceKind;
  /** Header, parameter, cookie, capture or extension name, JSON pointer, or the builtin's dotted name. */
  readonly argument: string;
  readonly read: boolean;
  readonly optional: boolean;
  readonly marking: "claimed" | "trusted" | "verified";
  readonly verbatim: boolean;
  readonly hasDefault: boolean;
  /** Index of the default: string, number, network or member index, or 0/1 for a bool. */
  readonly defaultIndex: number;
}

export interface EnumType {
  readonly name: string;
  readonly ordered: boolean;
  /** String indexes of the members, in order of declaration. */
  readonly members: readonly number[];
}

export interface Resource {
  /** Member of enum 0. */
  readonly member: number;
  readonly method: string | null;
  /** `any` is one segment whatever it is, `rest` any number of them, at most once; these have no text. */
  readonly segments: readonly {
    readonly kind: "literal" | "capture" | "any" | "rest";
    readonly text: string;
  }[];
}

/** Policy sets, and where the name of the one that applies is found. */
export interface PolicySets {
  /** Cell of the selector, a string. */
  readonly cell: number;
  readonly selector: string;
  /** String indexes, ascending. */
  readonly names: Int32Array;
}

export interface PolicyEntry {
  /** Its place in the order. */
  readonly index: number;
  readonly name: string;
  /** Index of the policy set that it belongs to, or -1: it applies with all of them. */
  readonly set: number;
  readonly intent: string | null;
  readonly kind: (typeof POLICY_KINDS)[number];
  readonly mode: (typeof POLICY_MODES)[number];
  readonly severity: Severity;
  readonly effect: Effect;
  /** Start of the trigger's code, or -1: it always applies. */
  readonly trigger: number;
  /** Start of the requirement's code, or -1. */
  readonly requirement: number;
  /** Where its constants start in `rows`. */
  readonly row: number;
  /** 0 where none is configured. */
  readonly denyStatus: number;
  readonly denyBody: string | null;
  /** Null where the body is the text alone. */
  readonly denyBodyParts: BodyParts | null;
  /** Text of `denies with reason`. */
  readonly reason: string | null;
  readonly obligations: readonly Obligation[];
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
  /** Milliseconds since 1970 from which on it allows no more; null for never. */
  readonly expires: number | null;
  /** From then on it has no say at all. */
  readonly offWhenExpired: boolean;
  /** Of each of them an allow takes a token. */
  readonly limits: readonly LimitEntry[];
  readonly triggerNode: ExplainNode | null;
  readonly requirementNode: ExplainNode | null;
}

export type ObligationKind = Exclude<
  (typeof OBLIGATION_NAMES)[number],
  "limit" | "limitKey" | "textBody" | "jsonBody" | "part"
>;

/** What is done on an allow, or to the headers of the answer on a denial. */
export interface Obligation {
  readonly kind: ObligationKind;
  readonly name: string;
  /** Null exactly where something is removed. */
  readonly value: string | null;
  /** What follows the value. */
  readonly parts: readonly TextPart[];
}

/** A value in a text. */
export interface TextPart {
  /** A cell of the global frame. */
  readonly cell: number;
  /** The text behind it. */
  readonly text: string;
}

/** What follows the text of a denial's body. */
export interface BodyParts {
  /** Values in it are escaped for JSON. */
  readonly isJson: boolean;
  readonly parts: readonly TextPart[];
}

/** A bucket of tokens for each combination of the keys' values. */
export interface LimitEntry {
  readonly policy: string;
  /** Its place among the policy's limits. */
  readonly index: number;
  /** Microseconds until one token comes back. */
  readonly intervalMicros: number;
  /** Tokens in a full bucket. */
  readonly burst: number;
  /** Cells of the global frame. */
  readonly cells: readonly number[];
  /** What becomes of the allow while nobody can count. */
  readonly onFailure: LimiterFailureMode;
}

/** A node of a condition's source tree, for reasons. */
export interface ExplainNode {
  readonly kind: "leaf" | "and" | "or" | "not";
  readonly children: readonly ExplainNode[];
  /** Source slice of a leaf or a `not`. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** Start of the code that tests a leaf alone; -1 for the others. */
  readonly code: number;
  /** Where the constants of its policy start in `rows`. */
  readonly row: number;
  /** Cells that a leaf or a `not` reads, with their dotted names. */
  readonly reads: readonly { readonly cell: number; readonly name: string; readonly shape: Shape }[];
}

/** Business hours, all in minutes. */
export interface Schedule {
  /** Bit 0 is Monday. */
  readonly days: number;
  readonly from: number;
  readonly to: number;
  readonly until: number;
  /** Since 1970, ascending: from each on the offset beside it is ahead of UTC. */
  readonly minutes: Int32Array;
  readonly offsets: Int32Array;
}

/** What LOOKUP asks. */
export interface ConstantMap {
  /** A string, an int or an enum. */
  readonly key: Shape;
  readonly value: Shape;
  /** Ascending: numbers by value, strings and members by index. */
  readonly keys: Int32Array;
  /** String, number, network or member indexes, or 0/1: one beside each key. */
  readonly values: Int32Array;
}

export interface Program {
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  readonly defaultAllow: boolean;
  /** What is done to paths before they are judged. */
  readonly pathMode: PathMode;
  readonly readsBody: boolean;
  /** Some policy has a limit. */
  readonly hasLimits: boolean;
  /** All strings; ids of string constants are indexes into it. */
  readonly strings: Texts;
  /** The bytes of `strings`: string i is `stringBytes[stringOffsets[i] .. stringOffsets[i + 1]]`. */
  readonly stringBytes: Uint8Array;
  readonly stringOffsets: Int32Array;
  /** The index of a string by its bytes. */
  readonly stringTable: ByteTable;
  readonly numbers: Float64Array;
  /** 16 bytes each, v4 as v4-mapped. */
  readonly networks: Uint8Array;
  /** 0-128 each (v4: 96 + its prefix). */
  readonly prefixes: Uint8Array;
  /** Elements of set i: `setElements[setOffsets[i] .. setOffsets[i + 1]]`, ascending. */
  readonly setElements: Int32Array;
  readonly setOffsets: Int32Array;
  /** What `matches` and `like` ask, by index. */
  readonly automata: readonly Automaton[];
  readonly schedules: readonly Schedule[];
  readonly maps: readonly ConstantMap[];
  readonly enums: readonly EnumType[];
  readonly slots: readonly Slot[];
  /** Cells of the global frame, and where some code computes those of its values behind them. */
  readonly cellCount: number;
  /** Cell of `request.time` where some policy expires, else -1. */
  readonly timeCell: number;
  readonly resources: readonly Resource[];
  /** Four u16 an instruction: head, a, b, jump. */
  readonly code: Uint16Array;
  /** Start of each routine, in instructions, and one past the last. */
  readonly routineStarts: Int32Array;
  /** Null where there are none: every policy applies. */
  readonly policySets: PolicySets | null;
  readonly policies: Policies;
  /** Constants by policy, which instructions with a column name. */
  readonly rows: Int32Array;
  /** Names of request headers that some policy may set or append to, each once, sorted: clients' copies are stripped. */
  readonly headerNames: readonly string[];
  /** Names of request headers that some policy may remove, each once, sorted. */
  readonly removedNames: readonly string[];
  /** Names of query parameters that some policy may set, each once, sorted: clients' copies are stripped. */
  readonly queryNames: readonly string[];
  /** What policies do besides, so that a host that cannot do one of them refuses the bundle. */
  readonly obligationKinds: ReadonlySet<ObligationKind>;
  /** Bytes of every section, in order, for `inspect`. */
  readonly sectionBytes: readonly { readonly name: string; readonly bytes: number }[];
  readonly totalBytes: number;
}
