/**
 * What a trigger demands of single values, read off its code: each demand is a test that every way to ACCEPT passes and
 * whose failure rejects. A value that fails makes the trigger false, a value that is absent or invalid does not.
 */

import * as op from "../../bytecode/gen/constants.ts";
import { INSTRUCTIONS } from "../../bytecode/gen/tables.ts";
import type { Program } from "../../bytecode/program.ts";
import { COLUMN } from "../../bytecode/routines.ts";

/** How a cell is looked up: a string's index, a whole number (of 32 bits), the prefixes of a text, the networks of an ip. */
export const BY_TEXT = 0;
export const BY_NUMBER = 1;
export const BY_PREFIX = 2;
export const BY_NETWORK = 3;

/** What policies with the same trigger code demand of one value; the constants may be in each one's row. */
export interface Key {
  /** The cell of the request times four, and how it is looked up. */
  readonly dimension: number;
  /** One of these it must equal, lie in, or begin with. */
  readonly tests: readonly KeyTest[];
}

interface KeyTest {
  readonly opcode: number;
  readonly b: number;
  /** `b` is a column of the policy's row. */
  readonly column: boolean;
}

/** A policy whose set of values is larger is not found by it. */
const VALUES_MAX = 64;
/** Keys of one policy; more tell little. */
const KEYS_MAX = 12;

const WORDS = 4;
const SENSE = 1 << 8;
const NEGATE = 1 << 9;
const FRAME_A = 3 << 10;

/** Keys of the routine that starts at instruction `start`, at most one a dimension, in order of the code. */
export function keysOf(program: Program, start: number): Key[] {
  const keys: Key[] = [];
  /** The furthest place, REJECT apart, that some jump so far leads to: before it there are ways around. */
  let furthest = start;
  /** First instruction of the test: of the counts in front of it, if there are any. */
  let first = start;
  for (let at = start; ; ) {
    const { opcode, whenTrue, whenFalse, next, branch } = testAt(program, at);
    if (opcode === op.OP_ACCEPT || keys.length === KEYS_MAX) return keys;
    if (opcode === op.OP_REJECT && next > furthest) return keys;
    if (branch) {
      if (furthest <= first) {
        const key = keyAt(program, at);
        if (key !== null && !keys.some(({ dimension }) => dimension === key.dimension)) keys.push(key);
      }
      for (const to of [whenTrue, whenFalse])
        if (to !== next && opcodeAt(program, to) !== op.OP_REJECT) furthest = Math.max(furthest, to);
    }
    if (branch || opcode === op.OP_REJECT) first = next;
    at = next;
  }
}

/** Values of a key for the policy whose constants start at `row` of the rows; null where it cannot be found by them. */
export function valuesOf({ tests }: Key, program: Program, row: number): readonly number[] | null {
  const [first] = tests;
  if (tests.length === 1) {
    const values = valuesOfTest(first!, program, row);
    return values !== null && values.length <= VALUES_MAX ? values : null;
  }
  const all = new Set<number>();
  for (const test of tests) {
    const values = valuesOfTest(test, program, row);
    if (values === null) return null;
    for (const value of values) all.add(value);
    if (all.size > VALUES_MAX) return null;
  }
  return [...all];
}

/** Does every policy with such a key have the same values? */
export function isConstant({ tests }: Key): boolean {
  return tests.every(({ column }) => !column);
}

/** The key of one equality whose failure rejects, or of several of one cell of which one must hold; null for other tests. */
function keyAt(program: Program, start: number): Key | null {
  const holds = testAt(program, start).whenTrue;
  const tests: KeyTest[] = [];
  let dimension = -1;
  for (let at = start; ; ) {
    const { opcode, whenTrue, whenFalse, next } = testAt(program, at);
    const head = program.code[at * WORDS]!;
    const how = howOf(opcode);
    const own = program.code[at * WORDS + 1]! * 4 + how;
    if (how === -1 || (head & (NEGATE | FRAME_A)) !== 0 || whenTrue !== holds) return null;
    if (dimension !== -1 && own !== dimension) return null;
    dimension = own;
    tests.push({ opcode, b: program.code[at * WORDS + 2]!, column: (head & COLUMN) !== 0 });
    if (tests.length > VALUES_MAX) return null;
    if (opcodeAt(program, whenFalse) === op.OP_REJECT) return { dimension, tests };
    if (whenFalse !== next) return null;
    at = next;
  }
}

/** How the cell of such a test is looked up; -1 where the test is true for no list of values. */
function howOf(opcode: number): number {
  switch (opcode) {
    case op.OP_EQ_STRING:
    case op.OP_IN_STRINGS:
      return BY_TEXT;
    case op.OP_EQ_MEMBER:
    case op.OP_IN_MEMBERS:
    case op.OP_EQ_NUMBER:
    case op.OP_IN_NUMBERS:
      return BY_NUMBER;
    case op.OP_STARTS_STRING:
      return BY_PREFIX;
    case op.OP_IN_NETWORK:
    case op.OP_IN_NETWORKS:
      return BY_NETWORK;
    default:
      return -1;
  }
}

/** Indexes or numbers that one test is true for; null where they are not whole numbers of 32 bits. */
function valuesOfTest(test: KeyTest, program: Program, row: number): readonly number[] | null {
  const b = test.column ? program.rows[row + test.b]! : test.b;
  switch (test.opcode) {
    case op.OP_EQ_NUMBER:
      return wholeNumbers([b], program);
    case op.OP_IN_NUMBERS:
      return wholeNumbers(setAt(program, b), program);
    case op.OP_IN_STRINGS:
    case op.OP_IN_MEMBERS:
    case op.OP_IN_NETWORKS:
      return setAt(program, b);
    default:
      return [b];
  }
}

function wholeNumbers(indexes: readonly number[], { numbers }: Program): readonly number[] | null {
  const values = indexes.map((index) => numbers[index]!);
  return values.every((value) => (value | 0) === value) ? values : null;
}

/** No more than show that the set is too large to be a key: nobody shall copy it for each policy. */
function setAt({ setElements, setOffsets }: Program, set: number): readonly number[] {
  const [start, end] = [setOffsets[set]!, setOffsets[set + 1]!];
  return Array.from(setElements.subarray(start, Math.min(end, start + VALUES_MAX + 1)));
}

interface TestPlace {
  readonly opcode: number;
  readonly branch: boolean;
  readonly whenTrue: number;
  readonly whenFalse: number;
  /** Where execution goes on in the region if no jump is taken. */
  readonly next: number;
}

function testAt({ code }: Program, at: number): TestPlace {
  const head = code[at * WORDS]!;
  const opcode = head & 0xff;
  const { b, branch } = INSTRUCTIONS[opcode]!;
  const body = b === "body" || b === "bodyOrNone" ? code[at * WORDS + 2]! : 0;
  const next = at + 1 + body;
  const jump = at + code[at * WORDS + 3]!;
  const jumpsWhenTrue = (head & SENSE) !== 0;
  return {
    opcode,
    branch,
    whenTrue: jumpsWhenTrue ? jump : next,
    whenFalse: jumpsWhenTrue ? next : jump,
    next,
  };
}

function opcodeAt({ code }: Program, at: number): number {
  return code[at * WORDS]! & 0xff;
}
