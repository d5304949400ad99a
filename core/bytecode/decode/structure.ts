/** Rule 12: jumps, ends of regions, and counts with the compares that use them. */
import {
  OP_ACCEPT,
  OP_COUNT,
  OP_EQ_COUNT,
  OP_EQ_COUNTS,
  OP_LE_COUNT_CELL,
  OP_LE_COUNTS,
  OP_REJECT,
} from "../gen/constants.ts";
import { type Code, hasBody, type Instruction, instructionAt } from "./instructions.ts";
import { refuse } from "./refusal.ts";

/**
 * Rule 12, after the bodies are known to nest. INVARIANT: jumps lead forward inside their region and no region falls
 * off its end, so every run ends; what follows an end is jumped to, so no code is dead.
 *
 * Beyond the page's words a jump may not land on a COUNT into register 1 either: the compare behind it would see
 * what register 0 held before.
 */
export function checkStructure(code: Code): void {
  const targets = jumpTargets(code);
  const claimed = claimedByCounts(code);
  for (let i = 0; i < code.table.count; i++) {
    const where = code.table.at(i);
    const instruction = instructionAt(code.code, i);
    const { name } = instruction.info;
    if (needsCount(instruction)) {
      if (claimed[i] !== 1) refuse(where, `${name} without the COUNT that it needs in front of it`);
      if (targets[i] === 1) refuse(where, `a jump lands between ${name} and the COUNT in front of it`);
    }
    if (instruction.info.computes) {
      const next = behind(instruction, i);
      const test = instructionIn(code, next, i);
      const joins = test !== null && (test.info.computes || test.info.branch || test.opcode === OP_COUNT);
      if (!joins) refuse(where, `no test follows what ${name} computes`);
      if (targets[next] === 1) refuse(where, `a jump lands between ${name} and what reads it`);
    }
    // INVARIANT: what branches, counts or computes leads to something behind it in its region, or is refused by now; so
    // only ACCEPT and REJECT end one.
    const ends = instruction.opcode === OP_ACCEPT || instruction.opcode === OP_REJECT;
    if (ends && i + 1 !== regionEnd(code, i) && targets[i + 1] !== 1)
      refuse(code.table.at(i + 1), `nothing leads to it, behind ${name}`);
  }
}

/** By instruction: 1 where some jump lands on it. */
function jumpTargets(code: Code): Uint8Array {
  const { table, regions } = code;
  const targets = new Uint8Array(table.count);
  for (let i = 0; i < table.count; i++) {
    const { info, jump } = instructionAt(code.code, i);
    if (!info.branch) continue;
    if (jump === 0) refuse(table.at(i), `${info.name} branches and its jump is 0`);
    const target = i + jump;
    if (target >= table.count || regions[target] !== regions[i])
      refuse(table.at(i), `its jump of ${jump} leads out of its routine or body, or into another body`);
    targets[target] = 1;
  }
  return targets;
}

/** By instruction: 1 where it is a compare, or a COUNT into register 1, that a COUNT into register 0 leads to. */
function claimedByCounts(code: Code): Uint8Array {
  const claimed = new Uint8Array(code.table.count);
  for (let i = 0; i < code.table.count; i++) {
    const count = instructionAt(code.code, i);
    if (count.opcode !== OP_COUNT || count.register !== 0) continue;
    const next = behind(count, i);
    const second = instructionIn(code, next, i);
    if (second !== null && isCompare(second, OP_EQ_COUNT, OP_LE_COUNT_CELL)) {
      claimed[next] = 1;
      continue;
    }
    if (second?.opcode !== OP_COUNT || second.register !== 1)
      refuse(code.table.at(i), "no compare that uses the COUNT follows it");
    const last = behind(second, next);
    const compare = instructionIn(code, last, i);
    if (compare === null || !isCompare(compare, OP_EQ_COUNTS, OP_LE_COUNTS))
      refuse(code.table.at(i), "no compare of both registers follows the two COUNT");
    claimed[next] = 1;
    claimed[last] = 1;
  }
  return claimed;
}

function needsCount(instruction: Instruction): boolean {
  return (
    isCompare(instruction, OP_EQ_COUNT, OP_LE_COUNTS) ||
    (instruction.opcode === OP_COUNT && instruction.register === 1)
  );
}

function isCompare({ opcode }: Instruction, first: number, last: number): boolean {
  return opcode >= first && opcode <= last;
}

/** The instruction at `at` if it stands in the region of `beside`. */
function instructionIn(code: Code, at: number, beside: number): Instruction | null {
  return at < regionEnd(code, beside) ? instructionAt(code.code, at) : null;
}

/** Where execution goes on in the region if no jump is taken: the next instruction, or the one behind the body. */
function behind(instruction: Instruction, i: number): number {
  return hasBody(instruction) ? i + 1 + instruction.b : i + 1;
}

/** One past the last instruction of the region that `i` stands in. */
function regionEnd({ code, regions, routineStarts }: Code, i: number): number {
  const region = regions[i]!;
  return region < 0 ? routineStarts[-region]! : behind(instructionAt(code, region), region);
}
