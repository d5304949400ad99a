/** Code made ready to run: fields apart, and for the one test whose operands' type the code does not tell, that type. */

import { cellsOf } from "../bytecode/cells.ts";
import { OP_ALL, OP_ANY, OP_COUNT, OP_IN_LIST } from "../bytecode/gen/constants.ts";
import type { Program, Shape } from "../bytecode/program.ts";

export const KIND_STRING = 0;
export const KIND_NUMBER = 1;
export const KIND_ADDRESS = 2;

/** One entry for each instruction. */
export interface LinkedCode {
  readonly opcode: Uint8Array;
  readonly sense: Uint8Array;
  readonly negate: Uint8Array;
  readonly frameA: Uint8Array;
  readonly frameB: Uint8Array;
  readonly register: Uint8Array;
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly jump: Int32Array;
  /** Of IN_LIST: how its operands are compared. */
  readonly kind: Uint8Array;
}

/** Link a verified program. */
export function link(program: Program): LinkedCode {
  const count = program.code.length / 4;
  const bytes = (): Uint8Array => new Uint8Array(count);
  const words = (): Int32Array => new Int32Array(count);
  const code = {
    opcode: bytes(),
    sense: bytes(),
    negate: bytes(),
    frameA: bytes(),
    frameB: bytes(),
    register: bytes(),
    a: words(),
    b: words(),
    jump: words(),
    kind: bytes(),
  };
  for (let pc = 0; pc < count; pc++) {
    const head = program.code[pc * 4]!;
    code.opcode[pc] = head & 0xff;
    code.sense[pc] = (head >> 8) & 1;
    code.negate[pc] = (head >> 9) & 1;
    code.frameA[pc] = (head >> 10) & 3;
    code.frameB[pc] = (head >> 12) & 3;
    code.register[pc] = (head >> 14) & 1;
    code.a[pc] = program.code[pc * 4 + 1]!;
    code.b[pc] = program.code[pc * 4 + 2]!;
    code.jump[pc] = program.code[pc * 4 + 3]!;
  }
  if (code.opcode.includes(OP_IN_LIST)) linkLists(code, program);
  return code;
}

function linkLists(code: LinkedCode, program: Program): void {
  const global = program.slots.flatMap((slot) => cellsOf(slot.shape).map((cell) => cell.shape));
  for (let r = 0; r + 1 < program.routineStarts.length; r++) {
    linkRegion(code, program.routineStarts[r]!, program.routineStarts[r + 1]!, [global]);
  }
}

/** `frames`: shapes of the cells of each frame that is open. */
function linkRegion(
  code: LinkedCode,
  start: number,
  end: number,
  frames: readonly (readonly Shape[])[],
): void {
  for (let pc = start; pc < end; pc++) {
    const opcode = code.opcode[pc]!;
    if (opcode === OP_IN_LIST) code.kind[pc] = kindOf(frames[code.frameA[pc]!]![code.a[pc]!]!);
    if (opcode !== OP_ANY && opcode !== OP_ALL && opcode !== OP_COUNT) continue;
    const list = frames[code.frameA[pc]!]![code.a[pc]!]!;
    const bodyEnd = pc + 1 + code.b[pc]!;
    linkRegion(code, pc + 1, bodyEnd, [...frames, cellsOf(list.element!).map((cell) => cell.shape)]);
    pc = bodyEnd - 1;
  }
}

function kindOf(shape: Shape): number {
  switch (shape.type) {
    case "string":
      return KIND_STRING;
    case "ip":
    case "cidr":
      return KIND_ADDRESS;
    default:
      return KIND_NUMBER;
  }
}
