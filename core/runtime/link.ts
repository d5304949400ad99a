/**
 * Code made ready to run: what does not depend on a request is worked out once. An instruction is two words, the bundle's
 * own bytes: head and `a` in the first, `b` and jump in the second. Bit 15 of the head, zero in a bundle, says that `b`
 * is a cell, so that the interpreter need not ask the opcode.
 */

import { cellShapes } from "../bytecode/cells.ts";
import { OP_ALL, OP_ANY, OP_COUNT, OP_IN_LIST } from "../bytecode/gen/constants.ts";
import { INSTRUCTIONS } from "../bytecode/gen/tables.ts";
import type { Program, Shape } from "../bytecode/program.ts";

export const KIND_STRING = 0;
export const KIND_NUMBER = 1;
export const KIND_ADDRESS = 2;

/** Bits of the head: the register of a COUNT; `b` is a cell. */
export const REGISTER = 0x4000;
export const B_IS_CELL = 0x8000;

export interface LinkedCode {
  /** Two an instruction. */
  readonly words: Int32Array;
  /** By instruction; of IN_LIST, the one test whose operands' type the code does not tell: how they are compared. */
  readonly kinds: Uint8Array;
}

/** Link a verified program. */
export function link(program: Program): LinkedCode {
  const count = program.code.length / 4;
  const linked = { words: new Int32Array(count * 2), kinds: new Uint8Array(count) };
  let hasInList = false;
  for (let pc = 0; pc < count; pc++) {
    const head = program.code[pc * 4]!;
    const opcode = head & 0xff;
    const flag = INSTRUCTIONS[opcode]!.b.endsWith("Cell") ? B_IS_CELL : 0;
    linked.words[pc * 2] = head | flag | (program.code[pc * 4 + 1]! << 16);
    linked.words[pc * 2 + 1] = program.code[pc * 4 + 2]! | (program.code[pc * 4 + 3]! << 16);
    hasInList ||= opcode === OP_IN_LIST;
  }
  if (hasInList) linkLists(linked, program);
  return linked;
}

function linkLists(linked: LinkedCode, program: Program): void {
  const global = program.slots.flatMap((slot) => cellShapes(slot.shape));
  for (let r = 0; r + 1 < program.routineStarts.length; r++) {
    linkRegion(linked, program.routineStarts[r]!, program.routineStarts[r + 1]!, [global]);
  }
}

/** `frames`: shapes of the cells of each frame that is open. */
function linkRegion(
  linked: LinkedCode,
  start: number,
  end: number,
  frames: readonly (readonly Shape[])[],
): void {
  for (let pc = start; pc < end; pc++) {
    const word = linked.words[pc * 2]!;
    const opcode = word & 0xff;
    const shapeOfA = frames[(word >> 10) & 3]![word >>> 16]!;
    if (opcode === OP_IN_LIST) linked.kinds[pc] = kindOf(shapeOfA);
    if (opcode !== OP_ANY && opcode !== OP_ALL && opcode !== OP_COUNT) continue;
    const bodyEnd = pc + 1 + (linked.words[pc * 2 + 1]! & 0xffff);
    linkRegion(linked, pc + 1, bodyEnd, [...frames, cellShapes(shapeOfA.element!)]);
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
