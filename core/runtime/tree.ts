/** One policy's conditions with their truth and the values they saw: what `ipe explain` prints. */
import type { ExplainNode, Program, Shape } from "../bytecode/program.ts";
import { ABSENT, PRESENT, type Slots } from "../request/slots.ts";
import { formatDatetime, formatDuration } from "../source/time.ts";
import { type CountRange, countRange } from "./counts.ts";
import { type Explainer, type Truth, truthOf } from "./explain.ts";
import { type CountNeed, countNeed } from "./needs.ts";

const LIST_SHOWN_MAX = 8;
/** Of a measurement: calls in a batch, and batches. */
const BATCH = 64;
const BATCHES = 9;
const decoder = new TextDecoder();

export interface ConditionTree {
  readonly kind: "leaf" | "and" | "or" | "not";
  /** Source text; empty for `and` and `or`. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
  readonly truth: Truth;
  readonly reads: readonly SeenValue[];
  /** What its `count`s came to, from the left; null for an unknown list. */
  readonly counts: readonly (CountRange | null)[];
  /** What maps gave it, from the left, as far as that is known before its lists are gone through. */
  readonly lookups: readonly Omit<SeenValue, "name">[];
  /** What its count must come to so that it is true; null where it does not compare one count with a number. */
  readonly need: CountNeed | null;
  /** Nanoseconds that one evaluation of a leaf takes, measured; null for the others, and without a clock. */
  readonly ns: number | null;
  readonly children: readonly ConditionTree[];
}

/** Nanoseconds since some moment. Core has no clock of its own. */
export type Clock = () => bigint;

/** What a test saw of an attribute. */
export interface SeenValue {
  readonly name: string;
  readonly state: "present" | "absent" | "invalid";
  /** JSON-like text; null unless present. */
  readonly value: string | null;
}

/** The tree of a node with all values. */
export function conditionTree(
  node: ExplainNode,
  explainer: Explainer,
  clock: Clock | null = null,
): ConditionTree {
  const { slots, program } = explainer;
  return {
    kind: node.kind,
    text: node.text,
    line: node.line,
    column: node.column,
    truth: truthOf(node, explainer),
    reads: node.reads.map(({ name, cell, shape }) => ({
      name,
      state: stateName(slots.state[cell]!),
      value: slots.state[cell] === PRESENT ? shown(cell, shape, slots, program) : null,
    })),
    counts: node.kind === "leaf" ? explainer.interpreter.countsOf(node.code, node.row).map(countRange) : [],
    lookups: node.kind === "leaf" ? lookupsOf(node, explainer) : [],
    need: countNeed(node, program),
    ns: node.kind === "leaf" && clock !== null ? measuredNs(() => truthOf(node, explainer), clock) : null,
    children: node.children.map((child) => conditionTree(child, explainer, clock)),
  };
}

function lookupsOf(node: ExplainNode, { interpreter, slots, program }: Explainer): ConditionTree["lookups"] {
  const found: Omit<SeenValue, "name">[] = [];
  interpreter.lookupsOf(node.code, node.row, (map, cell) => {
    const isThere = slots.state[cell] === PRESENT;
    const value = isThere ? shown(cell, program.maps[map]!.value, slots, program) : null;
    found.push({ state: stateName(slots.state[cell]!), value });
  });
  return found;
}

/** Nanoseconds of one call: the median of some batches, after one that is not counted. */
export function measuredNs(call: () => unknown, clock: Clock): number {
  const rounds = Array.from({ length: BATCHES + 1 }, () => {
    const start = clock();
    for (let i = 0; i < BATCH; i++) call();
    return Number(clock() - start) / BATCH;
  });
  return rounds.slice(1).sort((a, b) => a - b)[BATCHES >> 1]!;
}

function stateName(state: number): SeenValue["state"] {
  return state === PRESENT ? "present" : state === ABSENT ? "absent" : "invalid";
}

/** A value as text; `?` stands for an invalid part, `null` for an absent one. */
export function shown(cell: number, shape: Shape, slots: Slots, program: Program): string {
  if (slots.state[cell] !== PRESENT) return slots.state[cell] === ABSENT ? "null" : "?";
  switch (shape.type) {
    case "string":
      return JSON.stringify(
        decoder.decode(slots.bytes.subarray(slots.offset[cell]!, slots.offset[cell]! + slots.length[cell]!)),
      );
    case "int":
    case "float":
      return String(slots.number[cell]);
    case "datetime":
      return JSON.stringify(formatDatetime(slots.number[cell]!));
    case "duration":
      return formatDuration(slots.number[cell]!);
    case "bool":
      return slots.number[cell] === 1 ? "true" : "false";
    case "enum": {
      const member = program.enums[shape.enumIndex]!.members[slots.number[cell]!];
      return member === undefined ? "none" : JSON.stringify(program.strings.at(member));
    }
    case "ip":
    case "cidr":
      return shownAddress(
        slots.bytes.subarray(slots.offset[cell]!, slots.offset[cell]! + 16),
        slots.length[cell]!,
        shape.type === "cidr",
      );
    case "list":
      return shownList(cell, shape, slots, program);
    case "record":
      return `{${shape.fields.map((field) => `${field.name}: ${shown(cell + field.offset, field.shape, slots, program)}`).join(", ")}}`;
  }
}

function shownList(cell: number, shape: Shape, slots: Slots, program: Program): string {
  const count = slots.length[cell]!;
  const width = slots.id[cell]!;
  const items = Array.from({ length: Math.min(count, LIST_SHOWN_MAX) }, (_, i) =>
    shown(slots.offset[cell]! + i * width, shape.element!, slots, program),
  );
  if (count > LIST_SHOWN_MAX) items.push(`${count - LIST_SHOWN_MAX} more`);
  return `[${items.join(", ")}]`;
}

function shownAddress(bytes: Uint8Array, prefix: number, isNetwork: boolean): string {
  const v4 = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  const text = v4
    ? bytes.subarray(12).join(".")
    : Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16)).join(":");
  return isNetwork ? `${text}/${v4 ? prefix - 96 : prefix}` : text;
}
