/** What a count would have to come to: "got 1, need at least 2". */
import { instructionAt } from "../bytecode/decode/instructions.ts";
import {
  OP_ACCEPT,
  OP_COUNT,
  OP_EQ_COUNT,
  OP_LE_COUNT,
  OP_LT_COUNT,
  OP_REJECT,
} from "../bytecode/gen/constants.ts";
import type { ExplainNode, Program } from "../bytecode/program.ts";

export interface CountNeed {
  readonly bound: "at-least" | "at-most" | "exactly" | "other-than";
  readonly number: number;
}

/** What the count of a leaf needs so that the leaf is true; null where it does not compare one count with a number. */
export function countNeed(leaf: ExplainNode, program: Program): CountNeed | null {
  if (leaf.kind !== "leaf") return null;
  const count = instructionAt(program.code, leaf.code);
  if (count.opcode !== OP_COUNT) return null;
  const at = leaf.code + 1 + count.b;
  const { opcode, negate, sense, jump, b, column } = instructionAt(program.code, at);
  if (opcode !== OP_EQ_COUNT && opcode !== OP_LT_COUNT && opcode !== OP_LE_COUNT) return null;
  const answer = (holds: boolean): number => {
    const jumps = Number(holds !== (negate === 1)) === sense;
    return instructionAt(program.code, jumps ? at + jump : at + 1).opcode;
  };
  const number = program.numbers[column ? program.rows[leaf.row + b]! : b]!;
  const whenHolds = answer(true);
  const whenNot = answer(false);
  if (whenHolds === OP_ACCEPT && whenNot === OP_REJECT) return need(opcode, number);
  return whenHolds === OP_REJECT && whenNot === OP_ACCEPT ? opposite(opcode, number) : null;
}

function need(opcode: number, number: number): CountNeed {
  switch (opcode) {
    case OP_EQ_COUNT:
      return { bound: "exactly", number };
    case OP_LT_COUNT:
      return { bound: "at-most", number: Math.ceil(number) - 1 };
    default:
      return { bound: "at-most", number: Math.floor(number) };
  }
}

function opposite(opcode: number, number: number): CountNeed {
  switch (opcode) {
    case OP_EQ_COUNT:
      return { bound: "other-than", number };
    case OP_LT_COUNT:
      return { bound: "at-least", number: Math.ceil(number) };
    default:
      return { bound: "at-least", number: Math.floor(number) + 1 };
  }
}
