/** The code of a program as text, for golden files and `ipe inspect`. The same program gives the same text. */

import { formatAddress, formatNetwork } from "../source/address.ts";
import { compareBytes } from "../source/bytes.ts";
import { cellShapes, cellsOf, globalCellNames } from "./cells.ts";
import { type Instruction, inRow, instructionAt } from "./decode/instructions.ts";
import { OP_COUNT, OP_LOAD_NUMBER, OP_LOOKUP, OP_MAX, OP_MIN, OP_SUM } from "./gen/constants.ts";
import { type OperandB, TYPE_NAMES } from "./gen/tables.ts";
import { ofAllow, ofDenial } from "./policies.ts";
import type { ExplainNode, Obligation, PolicyEntry, Program, Shape, TextPart } from "./program.ts";

/** Names of the elements of the outer and the inner aggregate: frames 1 and 2. */
const ELEMENT_NAMES = ["element", "inner"];
/** The frame of computed values. */
const TEMPORARIES = 3;
const ADDRESS_BYTES = 16;
const ADDRESS_PREFIX = 128;
/** Entries of a map that a line shows. */
const MAP_SHOWN_MAX = 16;

/**
 * Every policy's trigger and requirement, one instruction a line:
 *
 *     policy RequireApproval: critical, enforce, requires
 *       trigger
 *          0  EQ_STRING      environment, "production"  if false -> 3
 *
 * Jumps lead to the instruction's number within its routine. Instructions of a body are indented; `element` is what
 * the aggregate around them runs over, `inner` that of an aggregate in it. A constant of the policy's row has its column
 * in brackets behind it. With `leaves` the code that tests single conditions for explanations follows each policy.
 */
export function disassemble(program: Program, options: { readonly leaves?: boolean } = {}): string {
  const names = namesOf(program);
  const lines = [`default ${program.defaultAllow ? "allow" : "deny"}`];
  if (program.pathMode !== "reject") lines.push(`normalize ${program.pathMode}`);
  for (const policy of program.policies)
    lines.push("", ...policyLines(policy, names, options.leaves === true));
  return `${lines.join("\n")}\n`;
}

/** Code of leaves: the same text for the same code, wherever cells and constants stand in their tables. */
export function leafTexts(program: Program): (leaf: Pick<ExplainNode, "code" | "row">) => string {
  const names = namesOf(program);
  return ({ code, row }) => routineLines({ start: code, row, marked: false }, names).join("\n");
}

function namesOf(program: Program): Names {
  const starts = [...program.routineStarts];
  return {
    program,
    global: globalCellNames(program.slots).map(plain),
    shapes: program.slots.flatMap((slot) => cellShapes(slot.shape)),
    routineEnds: new Map(starts.slice(1).map((end, i) => [starts[i]!, end])),
  };
}

/** How cells and constants are called. */
interface Names {
  readonly program: Program;
  /** Dotted names by cell of the global frame. */
  readonly global: readonly string[];
  readonly shapes: readonly Shape[];
  /** One past the last instruction of a routine, by its first. */
  readonly routineEnds: ReadonlyMap<number, number>;
}

function policyLines(policy: PolicyEntry, names: Names, leaves: boolean): string[] {
  const lines = [
    `${policy.kind} ${plain(policy.name)}: ${policy.severity}, ${policy.mode}, ${policy.effect}`,
  ];
  const routine = (start: number): string[] => routineLines({ start, row: policy.row, marked: true }, names);
  lines.push("  trigger", ...(policy.trigger === -1 ? ["    always"] : routine(policy.trigger)));
  if (policy.requirement !== -1) lines.push("  requirement", ...routine(policy.requirement));
  lines.push(...effectLines(policy, names), ...limitLines(policy, names));
  if (!leaves) return lines;
  for (const leaf of [...leavesOf(policy.triggerNode), ...leavesOf(policy.requirementNode)]) {
    lines.push(`  leaf ${leaf.line}:${leaf.column} ${quoted(leaf.text)}`, ...routine(leaf.code));
  }
  return lines;
}

/** What the policy does besides, as its text says it. */
function effectLines(
  { obligations, denyStatus, denyBody, denyBodyParts }: PolicyEntry,
  { global }: Names,
): string[] {
  const actions = ofAllow(obligations);
  const line = (obligation: Obligation): string => obligationLine(obligation, global);
  const type = denyBodyParts?.isJson === true ? "json body" : "body";
  const answer = [
    ...(denyStatus === 0 ? [] : [`    status ${denyStatus}`]),
    ...(denyBody === null ? [] : [`    ${type} ${textLine(denyBody, denyBodyParts?.parts ?? [], global)}`]),
    ...ofDenial(obligations).map(line),
  ];
  return [
    ...(actions.length === 0 ? [] : ["  on allow", ...actions.map(line)]),
    ...(answer.length === 0 ? [] : ["  on deny", ...answer]),
  ];
}

function limitLines({ limits }: PolicyEntry, names: Names): string[] {
  if (limits.length === 0) return [];
  const lines = limits.map(({ intervalMicros, burst, cells }) => {
    const by = cells.map((cell) => names.global[cell]!).join(", ");
    return `    ${burst} at once, one more every ${intervalMicros} us${by === "" ? "" : ` by ${by}`}`;
  });
  return ["  limits", ...lines, `  on limiter failure: ${limits[0]!.onFailure}`];
}

/** A text with the names of its values. */
function textLine(value: string, parts: readonly TextPart[], global: readonly string[]): string {
  return JSON.stringify(parts.reduce((text, part) => `${text}\${${global[part.cell]!}}${part.text}`, value));
}

function obligationLine({ kind, name, value, parts }: Obligation, global: readonly string[]): string {
  const text = textLine(value ?? "", parts, global);
  switch (kind) {
    case "setRequestHeader":
      return `    set request header "${name}" to ${text}`;
    case "appendRequestHeader":
      return `    append ${text} to request header "${name}"`;
    case "removeRequestHeader":
      return `    remove request header "${name}"`;
    case "setAnswerHeader":
    case "setResponseHeader":
      return `    set response header "${name}" to ${text}`;
    case "setQueryParameter":
      return `    set query parameter ${JSON.stringify(name)} to ${text}`;
    case "removeQueryParameter":
      return `    remove query parameter ${JSON.stringify(name)}`;
    case "setMetadata":
      return `    set metadata ${JSON.stringify(name)} to ${text}`;
  }
}

function leavesOf(node: ExplainNode | null): ExplainNode[] {
  if (node === null) return [];
  return node.kind === "leaf" ? [node] : node.children.flatMap(leavesOf);
}

/** A body that is open: its frame's cells, and where it ends. */
interface Body {
  readonly end: number;
  readonly names: readonly string[];
  readonly shapes: readonly Shape[];
  /** Of temporaries that hold the member of an enum. */
  readonly temporaries: Map<number, Shape>;
}

/** Code of one policy; `marked`: with the columns of its constants. */
interface Routine {
  readonly start: number;
  readonly row: number;
  readonly marked: boolean;
}

function routineLines({ start, row, marked }: Routine, names: Names): string[] {
  const { code, rows } = names.program;
  const end = names.routineEnds.get(start)!;
  const open: Body[] = [{ end, names: names.global, shapes: names.shapes, temporaries: new Map() }];
  const lines: string[] = [];
  for (let i = start; i < end; i++) {
    while (open.at(-1)!.end === i) open.pop();
    const written = instructionAt(code, i);
    const instruction = inRow(written, rows, row);
    const column = marked && written.column ? ` [${written.b}]` : "";
    const indent = "  ".repeat(open.length - 1);
    const parts = [
      `${operands(instruction, { open, at: i - start, names })}${column}`,
      flow(instruction, i - start),
    ].filter((part) => part !== "");
    lines.push(
      `    ${String(i - start).padStart(3)}  ${indent}${[instruction.info.name.padEnd(14), ...parts].join("  ")}`.trimEnd(),
    );
    noteTemporary(instruction, open, names.program);
    if (hasBody(instruction)) open.push(bodyOf(instruction, open, i));
  }
  return lines;
}

function hasBody({ info, b }: Instruction): boolean {
  return b > 0 && info.b.startsWith("body");
}

function bodyOf({ frameA, a, b }: Instruction, open: readonly Body[], i: number): Body {
  const element = open[frameA]!.shapes[a]!.element!;
  const cells = cellsOf(element);
  const name = ELEMENT_NAMES[open.length - 1]!;
  return {
    end: i + 1 + b,
    names: cells.map((cell) => plain(name + cell.path)),
    shapes: cells.map((cell) => cell.shape),
    temporaries: new Map(),
  };
}

/** Shape of operand a. */
function shapeOf({ frameA, a }: Instruction, open: readonly Body[]): Shape {
  return frameA === TEMPORARIES ? open.at(-1)!.temporaries.get(a)! : open[frameA]!.shapes[a]!;
}

function noteTemporary(
  { opcode, frameA, a, b, field, into }: Instruction,
  open: readonly Body[],
  { maps }: Program,
): void {
  if (opcode === OP_LOOKUP) open.at(-1)!.temporaries.set(into, maps[b]!.value);
  if (opcode !== OP_MIN && opcode !== OP_MAX) return;
  open.at(-1)!.temporaries.set(into, cellShapes(open[frameA]!.shapes[a]!.element!)[field]!);
}

function operands(
  instruction: Instruction,
  place: { open: readonly Body[]; at: number; names: Names },
): string {
  const { info, opcode, frameA, a, register } = instruction;
  const parts: string[] = [];
  if (opcode === OP_COUNT) parts.push(`register ${register}`);
  if (info.a !== "none") parts.push(cellName(place.open, frameA, a));
  const b = operandB(instruction, place);
  if (b !== "") parts.push(b);
  if (!info.computes) return parts.join(", ");
  const field = fieldName(instruction, place.open);
  return `${parts.join(", ")}${field === "" ? "" : `, ${field}`} -> t${instruction.into}`;
}

function operandB(
  instruction: Instruction,
  { open, at, names: { program } }: { open: readonly Body[]; at: number; names: Names },
): string {
  const { info, frameB, b } = instruction;
  const kind: OperandB = info.b;
  switch (kind) {
    case "none":
      return "";
    case "truth":
      return b === 1 ? "true" : "false";
    case "string":
      return quoted(program.strings.at(b));
    case "number":
      return String(program.numbers[b]!);
    case "network":
      return networkText(program, b);
    case "schedule": {
      const { days, from, to } = program.schedules[b]!;
      return `schedule ${b}: days ${days}, minutes ${from}-${to}`;
    }
    case "map":
      return mapText(program, b);
    case "automaton":
      return `automaton ${b} of ${program.automata[b]!.states} states`;
    case "member":
      return memberText(program, shapeOf(instruction, open), b);
    case "strings":
    case "numbers":
    case "networks":
    case "members":
      return setText(program, kind, { set: b, shape: shapeOf(instruction, open) });
    case "body":
    case "bodyOrNone":
      return b === 0 ? "no body" : `body ${at + 1}-${at + b}`;
    default:
      return cellName(open, frameB, b);
  }
}

/** A cell of a frame that is open, or a computed value: `t0`. */
function cellName(open: readonly Body[], frame: number, cell: number): string {
  return frame === TEMPORARIES ? `t${cell}` : open[frame]!.names[cell]!;
}

/** The type that LOAD_NUMBER loads; which part of the elements SUM, MIN and MAX take. */
function fieldName({ opcode, field, frameA, a }: Instruction, open: readonly Body[]): string {
  if (opcode === OP_LOAD_NUMBER) return TYPE_NAMES[field]!;
  if (opcode !== OP_SUM && opcode !== OP_MIN && opcode !== OP_MAX) return "";
  const cells = cellsOf(open[frameA]!.shapes[a]!.element!);
  return plain(`${ELEMENT_NAMES[open.length - 1]}${cells[field]!.path}`);
}

function flow({ info, sense, negate, jump }: Instruction, at: number): string {
  if (!info.branch) return "";
  return `${negate === 1 ? "negate, " : ""}if ${sense === 1 ? "true" : "false"} -> ${at + jump}`;
}

function setText(
  program: Program,
  kind: "strings" | "numbers" | "networks" | "members",
  { set, shape }: { set: number; shape: Shape },
): string {
  const elements = program.setElements.subarray(program.setOffsets[set]!, program.setOffsets[set + 1]!);
  const text = {
    strings: (element: number) => quoted(program.strings.at(element)),
    numbers: (element: number) => String(program.numbers[element]!),
    networks: (element: number) => networkText(program, element),
    members: (element: number) => memberText(program, shape, element),
  }[kind];
  const texts = [...elements].map(text);
  // The order of strings and networks is that of their first use in the bundle, which other policies have a say in.
  if (kind === "strings" || kind === "networks") texts.sort(compareBytes);
  return `[${texts.join(", ")}]`;
}

function mapText(program: Program, index: number): string {
  const { key, value, keys, values } = program.maps[index]!;
  const shown = [...keys.subarray(0, MAP_SHOWN_MAX)].map(
    (k, i) => `${constantText(program, key, k)}: ${constantText(program, value, values[i]!)}`,
  );
  const more = keys.length > MAP_SHOWN_MAX ? [`${keys.length - MAP_SHOWN_MAX} more`] : [];
  return `{${[...shown, ...more].join(", ")}}`;
}

function constantText(program: Program, shape: Shape, index: number): string {
  switch (shape.type) {
    case "string":
      return quoted(program.strings.at(index));
    case "ip":
    case "cidr":
      return networkText(program, index);
    case "bool":
    case "enum":
      return memberText(program, shape, index);
    default:
      return String(program.numbers[index]!);
  }
}

function memberText(program: Program, shape: Shape, member: number): string {
  const scalar = shape.element ?? shape;
  if (scalar.type === "bool") return member === 1 ? "true" : "false";
  return quoted(program.strings.at(program.enums[scalar.enumIndex]!.members[member]!));
}

function networkText({ networks, prefixes }: Program, index: number): string {
  const prefix = prefixes[index]!;
  const at = index * ADDRESS_BYTES;
  return prefix === ADDRESS_PREFIX ? formatAddress(networks, at) : formatNetwork(networks, prefix, at);
}

/** A text in double quotes, JSON's escapes. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A name as it is, or quoted where it could be taken for something else. */
function plain(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : quoted(name);
}
