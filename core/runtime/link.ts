/**
 * Code made ready to run: what does not depend on a request is worked out once. An instruction is two words, the bundle's
 * own bytes: head and `a` in the first, `b` and jump in the second. Bit 15 of the head says that `b` is no constant but
 * where its value is: in a cell, or with bit 14 in a column of the policy's row.
 */

import { cellShapes } from "../bytecode/cells.ts";
import { OP_IN_LIST, OP_LOOKUP, OP_LOWER } from "../bytecode/gen/constants.ts";
import { INSTRUCTIONS } from "../bytecode/gen/tables.ts";
import type { Program, Shape } from "../bytecode/program.ts";
import { COLUMN } from "../bytecode/routines.ts";

export const KIND_STRING = 0;
export const KIND_NUMBER = 1;
export const KIND_ADDRESS = 2;
/** The frame of computed values. */
const TEMPORARIES = 3;

/** Bits of the head: the register of a COUNT; `b` is a cell or a column; with that bit, it is a column. */
export const REGISTER = 0x4000;
export const B_IS_PLACE = 0x8000;
export const B_IS_COLUMN = 0x4000;

export interface LinkedCode {
  /** Two an instruction. */
  readonly words: Int32Array;
  /** By instruction; of IN_LIST, the one test whose operands' type the code does not tell: how they are compared. */
  readonly kinds: Uint8Array;
}

/** Link a verified program. */
export function link(program: Program): LinkedCode {
  const count = program.code.length / 4;
  const words = new Int32Array(count * 2);
  let typed = false;
  for (let pc = 0; pc < count; pc++) {
    const head = program.code[pc * 4]!;
    const opcode = head & 0xff;
    const info = INSTRUCTIONS[opcode]!;
    // What computes looks at its operands itself: it goes on whatever they are.
    const cell = info.b.endsWith("Cell") && !info.computes;
    const flag = (head & COLUMN) !== 0 ? B_IS_PLACE | B_IS_COLUMN : cell ? B_IS_PLACE : 0;
    words[pc * 2] = head | flag | (program.code[pc * 4 + 1]! << 16);
    words[pc * 2 + 1] = program.code[pc * 4 + 2]! | (program.code[pc * 4 + 3]! << 16);
    typed ||= opcode === OP_IN_LIST;
  }
  const linked = { words, kinds: new Uint8Array(count) };
  if (typed) linkTypes(linked, program);
  return linked;
}

function linkTypes(linked: LinkedCode, program: Program): void {
  const global = program.slots.flatMap((slot) => cellShapes(slot.shape));
  for (let r = 0; r + 1 < program.routineStarts.length; r++) {
    linkRegion(linked, program, program.routineStarts[r]!, program.routineStarts[r + 1]!, [global]);
  }
}

/** `frames`: shapes of the cells of each frame that is open. */
function linkRegion(
  linked: LinkedCode,
  program: Program,
  start: number,
  end: number,
  frames: readonly (readonly Shape[])[],
): void {
  /** How temporaries are compared: those that are not here hold numbers. */
  const temporaries = new Map<number, number>();
  for (let pc = start; pc < end; pc++) {
    const head = linked.words[pc * 2]!;
    const tail = linked.words[pc * 2 + 1]!;
    const opcode = head & 0xff;
    const info = INSTRUCTIONS[opcode]!;
    const frame = (head >> 10) & 3;
    if (opcode === OP_IN_LIST) {
      linked.kinds[pc] =
        frame < TEMPORARIES
          ? kindOf(frames[frame]![head >>> 16]!)
          : (temporaries.get(head >>> 16) ?? KIND_NUMBER);
    }
    const into = (tail >>> 16) & 0xff;
    if (opcode === OP_LOWER) temporaries.set(into, KIND_STRING);
    else if (opcode === OP_LOOKUP) temporaries.set(into, kindOf(program.maps[tail & 0xffff]!.value));
    else if (info.computes) temporaries.delete(into);
    if (!info.b.startsWith("body")) continue;
    const shapeOfA = frames[frame]![head >>> 16]!;
    const bodyEnd = pc + 1 + (tail & 0xffff);
    linkRegion(linked, program, pc + 1, bodyEnd, [...frames, cellShapes(shapeOfA.element!)]);
    pc = bodyEnd - 1;
  }
}

function kindOf({ type }: Shape): number {
  switch (type) {
    case "string":
      return KIND_STRING;
    case "ip":
    case "cidr":
      return KIND_ADDRESS;
    default:
      return KIND_NUMBER;
  }
}
