/** Rules 10 and 11: every instruction by itself, its fields and the types of its operands. */
import { cellShapes } from "../cells.ts";
import {
  LIMIT_FRAME_DEPTH_MAX,
  LIMIT_TEMPORARIES_MAX,
  OP_ALL,
  OP_ANY,
  OP_COUNT,
  OP_EQ_ADDRESS,
  OP_EQ_ADDRESSES,
  OP_HAS_ADDRESS,
  OP_IN_CIDR,
  OP_IN_CIDRS,
  OP_IN_LIST,
  OP_IN_NETWORK,
  OP_IN_NETWORKS,
  OP_LOAD_NUMBER,
  OP_MAX,
  OP_MIN,
  OP_SUM,
} from "../gen/constants.ts";
import { INSTRUCTIONS, type InstructionInfo, TYPE_NAMES } from "../gen/tables.ts";
import type { ConstantMap, EnumType, Shape, Slot } from "../program.ts";
import { COLUMN, takesColumn } from "../routines.ts";
import { computedShape } from "./computed.ts";
import type { Constants } from "./constants.ts";
import type { Tables } from "./container.ts";
import { isCellA, isCellB, operandBProblem, takesA, takesB } from "./operands.ts";
import { refuse } from "./refusal.ts";
import type { Table } from "./table.ts";

/** Four u16 an instruction: head, a, b, jump. */
const WORDS = 4;
/** The frame of what is computed. */
const TEMPORARIES = 3;
const NETWORK_OPCODES = [
  OP_EQ_ADDRESS,
  OP_IN_NETWORK,
  OP_IN_NETWORKS,
  OP_EQ_ADDRESSES,
  OP_IN_CIDR,
  OP_HAS_ADDRESS,
  OP_IN_CIDRS,
];

export interface Instruction {
  readonly opcode: number;
  readonly info: InstructionInfo;
  readonly sense: number;
  readonly negate: number;
  readonly frameA: number;
  readonly frameB: number;
  readonly register: number;
  /** `b` is a column of the policy's row. */
  readonly column: boolean;
  readonly a: number;
  readonly b: number;
  readonly jump: number;
  /** Of one that computes: the temporary that it writes, and its field. */
  readonly into: number;
  readonly field: number;
}

export interface Code {
  readonly table: Table;
  /** Four u16 an instruction: head, a, b, jump. */
  readonly code: Uint16Array;
  /** First instruction of each routine, and one past the last. */
  readonly routineStarts: Int32Array;
  /** Innermost routine or body around each instruction: bodies by the index of their ANY, ALL or COUNT, routines negative. */
  readonly regions: Int32Array;
  /** By cell of the global frame: 1 where some instruction reads it. */
  readonly usedCells: Uint8Array;
  /** By routine: what it takes from rows. */
  readonly columnUses: ReadonlyMap<number, readonly ColumnUse[]>;
  readonly aggregates: boolean;
  readonly networks: boolean;
  readonly computes: boolean;
}

/** An instruction that takes its constant from the policy's row. */
export interface ColumnUse {
  readonly where: string;
  readonly column: number;
  readonly info: InstructionInfo;
  readonly a: Shape | null;
  /** LOAD_NUMBER of anything but a float. */
  readonly whole: boolean;
}

/** What operands are checked against. */
export interface Facts {
  readonly constants: Constants;
  readonly enums: readonly EnumType[];
  readonly slots: readonly Slot[];
  readonly maps: readonly ConstantMap[];
}

/** The fields of instruction `i`; its opcode must be known. */
export function instructionAt(code: Uint16Array, i: number): Instruction {
  const head = code[i * WORDS]!;
  const opcode = head & 0xff;
  return {
    opcode,
    info: INSTRUCTIONS[opcode]!,
    sense: (head >> 8) & 1,
    negate: (head >> 9) & 1,
    frameA: (head >> 10) & 3,
    frameB: (head >> 12) & 3,
    register: (head >> 14) & 1,
    column: (head & COLUMN) !== 0,
    a: code[i * WORDS + 1]!,
    b: code[i * WORDS + 2]!,
    jump: code[i * WORDS + 3]!,
    into: code[i * WORDS + 3]! & 0xff,
    field: code[i * WORDS + 3]! >> 8,
  };
}

/** The same with its constant, for a policy whose constants start at `row` of the rows. */
export function inRow(instruction: Instruction, rows: Int32Array, row: number): Instruction {
  return instruction.column ? { ...instruction, b: rows[row + instruction.b]!, column: false } : instruction;
}

/** Rules 10 and 11, and of rule 12 that bodies lie inside their region and not too deep. */
export function readCode(tables: Tables, facts: Facts): Code {
  const table = tables.instructions;
  const code = readWords(table);
  const routineStarts = readRoutines(tables);
  const regions = new Int32Array(table.count);
  const global = facts.slots.flatMap((slot) => cellShapes(slot.shape));
  const usedCells = new Uint8Array(global.length);
  const frameOf = frameCells();
  const columnUses = new Map<number, ColumnUse[]>();
  let aggregates = false;
  let networks = false;
  let computes = false;
  for (let r = 0; r + 1 < routineStarts.length; r++) {
    const open: Region[] = [{ id: -1 - r, end: routineStarts[r + 1]!, cells: global, temporaries: [] }];
    for (let i = routineStarts[r]!; i < routineStarts[r + 1]!; i++) {
      while (i === open.at(-1)!.end) open.pop();
      const region = open.at(-1)!;
      regions[i] = region.id;
      const instruction = checkFields(table, code, i);
      const operands = checkOperands(table.at(i), instruction, open, facts);
      if (operands.a !== null && instruction.frameA === 0) usedCells[instruction.a] = 1;
      if (operands.b !== null && instruction.frameB === 0) usedCells[instruction.b] = 1;
      if (instruction.column) {
        const uses = columnUses.get(r) ?? [];
        uses.push(columnUse(table.at(i), instruction, operands.a));
        columnUses.set(r, uses);
      }
      networks ||= testsNetworks(instruction, operands.a);
      computes ||= instruction.info.computes;
      if (instruction.info.computes)
        region.temporaries[instruction.into] = computedShape(table.at(i), instruction, operands, facts);
      // A test reads what was computed for it; between it and its steps there may be the COUNTs that it compares.
      else if (instruction.opcode !== OP_COUNT) region.temporaries = [];
      if (!hasBody(instruction)) continue;
      aggregates = true;
      if (instruction.b === 0) continue;
      const end = i + 1 + instruction.b;
      if (end > region.end)
        refuse(table.at(i), `its body of ${instruction.b} instructions passes the end of what it stands in`);
      if (open.length > LIMIT_FRAME_DEPTH_MAX)
        refuse(table.at(i), `aggregates nested deeper than ${LIMIT_FRAME_DEPTH_MAX}`);
      open.push({ id: i, end, cells: frameOf(operands.a!.element!), temporaries: [] });
    }
  }
  return { table, code, routineStarts, regions, usedCells, columnUses, aggregates, networks, computes };
}

/** A routine or a body that is open at some instruction; its place in the list is its frame's number. */
interface Region {
  readonly id: number;
  /** One past its last instruction. */
  readonly end: number;
  readonly cells: readonly Shape[];
  /** What the group at hand has computed. */
  temporaries: (Shape | undefined)[];
}

/** Cells of elements by shape, flattened once: many bodies may run over one list. */
function frameCells(): (shape: Shape) => readonly Shape[] {
  const known = new Map<Shape, readonly Shape[]>();
  return (shape) => {
    const cells = known.get(shape) ?? cellShapes(shape);
    known.set(shape, cells);
    return cells;
  };
}

function readWords(table: Table): Uint16Array {
  const code = new Uint16Array(table.count * WORDS);
  for (let i = 0; i < table.count; i++) {
    for (let w = 0; w < WORDS; w++) code[i * WORDS + w] = table.half(i, w * 2);
  }
  return code;
}

function readRoutines({ routines, instructions }: Tables): Int32Array {
  const starts = new Int32Array(routines.count + 1);
  let next = 0;
  for (let i = 0; i < routines.count; i++) {
    const length = routines.word(i, 0);
    if (length === 0) refuse(routines.at(i), "it is empty");
    next += length;
    if (next > instructions.count)
      refuse(routines.at(i), `it ends at instruction ${next}, there are ${instructions.count}`);
    starts[i + 1] = next;
  }
  if (next !== instructions.count) refuse(instructions.at(next), "no routine holds it");
  return starts;
}

function checkFields(table: Table, code: Uint16Array, i: number): Instruction {
  const opcode = code[i * WORDS]! & 0xff;
  const say = (what: string): never => refuse(table.at(i), what);
  if ((INSTRUCTIONS[opcode] ?? null) === null) say(`unknown opcode ${opcode}`);
  const instruction = instructionAt(code, i);
  if (instruction.column && !takesColumn(instruction.info.b))
    say(`${instruction.info.name} has no constant and names a column`);
  const { name, a, b, branch } = instruction.info;
  if (!branch && !instruction.info.computes && instruction.sense !== 0)
    say(`${name} does not branch and has a sense`);
  if (!branch && instruction.negate !== 0) say(`${name} does not branch and has \`negate\``);
  if ((opcode === OP_ANY || opcode === OP_ALL) && instruction.negate !== 0)
    say(`${name} has \`negate\`, which would turn what its body rounded the wrong way`);
  if (instruction.info.computes) {
    if (instruction.into >= LIMIT_TEMPORARIES_MAX)
      say(`${name} writes temporary ${instruction.into}, there are ${LIMIT_TEMPORARIES_MAX}`);
    if (instruction.field !== 0 && ![OP_LOAD_NUMBER, OP_SUM, OP_MIN, OP_MAX].includes(opcode))
      say(`${name} has no field and it is ${instruction.field}`);
  } else if (!branch && instruction.jump !== 0) say(`${name} does not branch and has a jump`);
  if (opcode !== OP_COUNT && instruction.register !== 0) say(`${name} has no register and names one`);
  if (!isCellA(a) && instruction.frameA !== 0) say(`${name} has no cell a and names its frame`);
  if (!isCellB(b) && instruction.frameB !== 0) say(`${name} has no cell b and names its frame`);
  if (a === "none" && instruction.a !== 0) say(`${name} has no operand a and it is ${instruction.a}`);
  if (b === "none" && instruction.b !== 0) say(`${name} has no operand b and it is ${instruction.b}`);
  return instruction;
}

/** Shapes of the cells that an instruction reads. */
export interface OperandShapes {
  readonly a: Shape | null;
  readonly b: Shape | null;
}

function checkOperands(
  where: string,
  instruction: Instruction,
  open: readonly Region[],
  facts: Facts,
): OperandShapes {
  const { info } = instruction;
  let a: Shape | null = null;
  if (isCellA(info.a)) {
    a = cellAt(where, "a", open, { frame: instruction.frameA, cell: instruction.a });
    if (!takesA(info.a, a, facts.enums)) refuse(where, `${info.name} does not take cell a, a ${describe(a)}`);
  }
  if (isCellB(info.b)) {
    const b = cellAt(where, "b", open, { frame: instruction.frameB, cell: instruction.b });
    if (!takesB(info.b, a, b))
      refuse(
        where,
        `${info.name} does not take cell b, a ${describe(b)}${a === null ? "" : `, with a ${describe(a)}`}`,
      );
    return { a, b };
  }
  const problem = instruction.column ? null : operandBProblem(info, instruction.b, a, facts);
  if (problem !== null) refuse(where, `${info.name}: ${problem}`);
  return { a, b: null };
}

function columnUse(where: string, { opcode, info, b, field }: Instruction, a: Shape | null): ColumnUse {
  const whole = opcode === OP_LOAD_NUMBER && TYPE_NAMES[field] !== "float";
  return { where, column: b, info, a, whole };
}

/** Why a constant of a row is not what an instruction demands of its operand `b`, or null. */
export function columnProblem({ info, a, whole }: ColumnUse, constant: number, facts: Facts): string | null {
  const problem = operandBProblem(info, constant, a, facts);
  if (problem !== null || !whole || Number.isSafeInteger(facts.constants.numbers[constant])) return problem;
  return `${facts.constants.numbers[constant]} is not whole`;
}

function cellAt(
  where: string,
  operand: string,
  open: readonly Region[],
  place: { readonly frame: number; readonly cell: number },
): Shape {
  if (place.frame === TEMPORARIES) {
    const shape = open.at(-1)!.temporaries[place.cell];
    if (shape === undefined)
      refuse(where, `operand ${operand} is temporary ${place.cell}, which nothing in front of it computes`);
    return shape;
  }
  const frame = open[place.frame];
  if (frame === undefined)
    refuse(where, `operand ${operand} is in frame ${place.frame}, which is not open here`);
  const shape = frame.cells[place.cell];
  if (shape === undefined)
    refuse(
      where,
      `operand ${operand} is cell ${place.cell} of frame ${place.frame}, which has ${frame.cells.length}`,
    );
  return shape;
}

/** Instructions behind which a body may stand. */
export function hasBody({ info }: Pick<Instruction, "info">): boolean {
  return info.b === "body" || info.b === "bodyOrNone";
}

function describe({ type, element }: Shape): string {
  return element === null ? type : `list of ${element.type}`;
}

function testsNetworks({ opcode }: Instruction, a: Shape | null): boolean {
  return (
    NETWORK_OPCODES.includes(opcode) || (opcode === OP_IN_LIST && (a!.type === "ip" || a!.type === "cidr"))
  );
}
