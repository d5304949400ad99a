// Generated from core/bytecode/spec/bytecode.json by `npm run gen`. Do not edit.

export const TYPE_NAMES = ["string", "int", "float", "bool", "enum", "ip", "cidr", "datetime", "duration", "list", "record"] as const;
export const SOURCE_NAMES = ["builtin", "header", "query", "cookie", "capture", "body", "extension"] as const;
export const SECTION_NAMES = ["strings", "numbers", "networks", "sets", "automata", "enums", "shapes", "slots", "resources", "code", "obligations", "policies", "metadata", "explain", "schedules", "texts", "rows", "maps"] as const;
export const SEVERITY_NAMES = ["critical", "high", "medium", "low", "info"] as const;
export const EFFECT_NAMES = ["requires", "allows", "denies"] as const;
export const SET_NAMES = ["strings", "numbers", "members", "networks"] as const;
export const SEGMENT_NAMES = ["literal", "capture", "any", "rest"] as const;
export const NODE_NAMES = ["leaf", "and", "or", "not"] as const;
export const OBLIGATION_NAMES = ["setRequestHeader", "appendRequestHeader", "removeRequestHeader", "setAnswerHeader", "limit", "limitKey", "setResponseHeader", "setQueryParameter", "removeQueryParameter", "setMetadata", "textBody", "jsonBody", "part"] as const;

/** What an operand is: a cell of some type, or a constant, an immediate, a body length. */
export type OperandA = "none" | "any" | "bool" | "string" | "number" | "enum" | "ordered" | "address" | "ip" | "numeric" | "comparable" | "datetime" | "stringList" | "numberList" | "enumList" | "addressList" | "scalar" | "list" | "counted";
export type OperandB = "none" | "truth" | "string" | "strings" | "number" | "numbers" | "member" | "members" | "network" | "networks" | "stringCell" | "numericCell" | "comparableCell" | "addressCell" | "cidrCell" | "automaton" | "schedule" | "listCell" | "cidrListCell" | "body" | "bodyOrNone" | "numberCell" | "countedCell" | "map";

export interface InstructionInfo {
  readonly name: string;
  readonly a: OperandA;
  readonly b: OperandB;
  readonly branch: boolean;
  /** Writes a temporary, which the test behind it reads. */
  readonly computes: boolean;
}

/** By opcode; index 0 is no instruction. */
export const INSTRUCTIONS: readonly (InstructionInfo | null)[] = [
  null,
  { name: "ACCEPT", a: "none", b: "none", branch: false, computes: false },
  { name: "REJECT", a: "none", b: "none", branch: false, computes: false },
  { name: "CONSTANT", a: "none", b: "truth", branch: true, computes: false },
  { name: "EXISTS", a: "any", b: "none", branch: true, computes: false },
  { name: "TRUTH", a: "bool", b: "none", branch: true, computes: false },
  { name: "EQ_STRING", a: "string", b: "string", branch: true, computes: false },
  { name: "STARTS_STRING", a: "string", b: "string", branch: true, computes: false },
  { name: "ENDS_STRING", a: "string", b: "string", branch: true, computes: false },
  { name: "CONTAINS_STRING", a: "string", b: "string", branch: true, computes: false },
  { name: "IN_STRINGS", a: "string", b: "strings", branch: true, computes: false },
  { name: "EQ_NUMBER", a: "number", b: "number", branch: true, computes: false },
  { name: "LT_NUMBER", a: "number", b: "number", branch: true, computes: false },
  { name: "LE_NUMBER", a: "number", b: "number", branch: true, computes: false },
  { name: "IN_NUMBERS", a: "number", b: "numbers", branch: true, computes: false },
  { name: "EQ_MEMBER", a: "enum", b: "member", branch: true, computes: false },
  { name: "LT_MEMBER", a: "ordered", b: "member", branch: true, computes: false },
  { name: "LE_MEMBER", a: "ordered", b: "member", branch: true, computes: false },
  { name: "IN_MEMBERS", a: "enum", b: "members", branch: true, computes: false },
  { name: "EQ_ADDRESS", a: "address", b: "network", branch: true, computes: false },
  { name: "IN_NETWORK", a: "ip", b: "network", branch: true, computes: false },
  { name: "IN_NETWORKS", a: "ip", b: "networks", branch: true, computes: false },
  { name: "EQ_STRINGS", a: "string", b: "stringCell", branch: true, computes: false },
  { name: "STARTS_STRINGS", a: "string", b: "stringCell", branch: true, computes: false },
  { name: "ENDS_STRINGS", a: "string", b: "stringCell", branch: true, computes: false },
  { name: "CONTAINS_STRINGS", a: "string", b: "stringCell", branch: true, computes: false },
  { name: "EQ_NUMBERS", a: "numeric", b: "numericCell", branch: true, computes: false },
  { name: "LT_NUMBERS", a: "comparable", b: "comparableCell", branch: true, computes: false },
  { name: "LE_NUMBERS", a: "comparable", b: "comparableCell", branch: true, computes: false },
  { name: "EQ_ADDRESSES", a: "address", b: "addressCell", branch: true, computes: false },
  { name: "IN_CIDR", a: "ip", b: "cidrCell", branch: true, computes: false },
  { name: "LT_STRING", a: "string", b: "string", branch: true, computes: false },
  { name: "LE_STRING", a: "string", b: "string", branch: true, computes: false },
  { name: "LT_STRINGS", a: "string", b: "stringCell", branch: true, computes: false },
  { name: "LE_STRINGS", a: "string", b: "stringCell", branch: true, computes: false },
  { name: "MATCHES", a: "string", b: "automaton", branch: true, computes: false },
  { name: "IN_HOURS", a: "datetime", b: "schedule", branch: true, computes: false },
  { name: "HAS_STRING", a: "stringList", b: "string", branch: true, computes: false },
  { name: "HAS_NUMBER", a: "numberList", b: "number", branch: true, computes: false },
  { name: "HAS_MEMBER", a: "enumList", b: "member", branch: true, computes: false },
  { name: "HAS_ADDRESS", a: "addressList", b: "network", branch: true, computes: false },
  { name: "IN_LIST", a: "scalar", b: "listCell", branch: true, computes: false },
  { name: "IN_CIDRS", a: "ip", b: "cidrListCell", branch: true, computes: false },
  { name: "ANY", a: "list", b: "body", branch: true, computes: false },
  { name: "ALL", a: "list", b: "body", branch: true, computes: false },
  { name: "COUNT", a: "list", b: "bodyOrNone", branch: false, computes: false },
  { name: "EQ_COUNT", a: "none", b: "number", branch: true, computes: false },
  { name: "LT_COUNT", a: "none", b: "number", branch: true, computes: false },
  { name: "LE_COUNT", a: "none", b: "number", branch: true, computes: false },
  { name: "EQ_COUNT_CELL", a: "none", b: "numberCell", branch: true, computes: false },
  { name: "LT_COUNT_CELL", a: "none", b: "numberCell", branch: true, computes: false },
  { name: "LE_COUNT_CELL", a: "none", b: "numberCell", branch: true, computes: false },
  { name: "EQ_COUNTS", a: "none", b: "none", branch: true, computes: false },
  { name: "LT_COUNTS", a: "none", b: "none", branch: true, computes: false },
  { name: "LE_COUNTS", a: "none", b: "none", branch: true, computes: false },
  { name: "LOAD_NUMBER", a: "none", b: "number", branch: false, computes: true },
  { name: "ADD", a: "counted", b: "countedCell", branch: false, computes: true },
  { name: "SUBTRACT", a: "counted", b: "countedCell", branch: false, computes: true },
  { name: "MULTIPLY", a: "counted", b: "countedCell", branch: false, computes: true },
  { name: "LOWER", a: "string", b: "none", branch: false, computes: true },
  { name: "LOOKUP", a: "scalar", b: "map", branch: false, computes: true },
  { name: "TALLY", a: "list", b: "bodyOrNone", branch: false, computes: true },
  { name: "SUM", a: "list", b: "bodyOrNone", branch: false, computes: true },
  { name: "MIN", a: "list", b: "bodyOrNone", branch: false, computes: true },
  { name: "MAX", a: "list", b: "bodyOrNone", branch: false, computes: true },
];
