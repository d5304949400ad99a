/**
 * What a policy's trigger demands of single values, read off its code: tests that every way to ACCEPT passes and whose
 * failure leads to REJECT. Where such a test is false, not unknown, the policy does not apply.
 */
import {
  OP_ACCEPT,
  OP_EQ_MEMBER,
  OP_EQ_NUMBER,
  OP_EQ_STRING,
  OP_IN_MEMBERS,
  OP_IN_NETWORK,
  OP_IN_NETWORKS,
  OP_IN_NUMBERS,
  OP_IN_STRINGS,
  OP_REJECT,
  OP_STARTS_STRING,
} from "../../bytecode/gen/constants.ts";
import { INSTRUCTIONS } from "../../bytecode/gen/tables.ts";
import type { Program } from "../../bytecode/program.ts";

/** How a cell is looked up: a string's index, a whole number (of 32 bits), the prefixes of a text, the networks of an ip. */
export const BY_TEXT = 0;
export const BY_NUMBER = 1;
export const BY_PREFIX = 2;
export const BY_NETWORK = 3;

export interface Key {
  /** The cell of the request times four, and how it is looked up. */
  readonly dimension: number;
  /** One of these it must be: string indexes, numbers, or network indexes. Each once. */
  readonly values: readonly number[];
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
    if (opcode === OP_ACCEPT || keys.length === KEYS_MAX) return keys;
    if (opcode === OP_REJECT && next > furthest) return keys;
    if (branch) {
      if (furthest <= first) {
        const key = keyAt(program, at);
        if (key !== null && !keys.some(({ dimension }) => dimension === key.dimension)) keys.push(key);
      }
      for (const to of [whenTrue, whenFalse])
        if (to !== next && opcodeAt(program, to) !== OP_REJECT) furthest = Math.max(furthest, to);
    }
    if (branch || opcode === OP_REJECT) first = next;
    at = next;
  }
}

/** The key of one equality whose failure rejects, or of several of one cell of which one must hold; null for other tests. */
function keyAt(program: Program, start: number): Key | null {
  const holds = testAt(program, start).whenTrue;
  const values = new Set<number>();
  let dimension = -1;
  for (let at = start; ; ) {
    const { whenTrue, whenFalse, next } = testAt(program, at);
    const part = valuesAt(program, at);
    if (part === null || whenTrue !== holds || (dimension !== -1 && part.dimension !== dimension))
      return null;
    dimension = part.dimension;
    for (const value of part.values) values.add(value);
    if (values.size > VALUES_MAX) return null;
    if (opcodeAt(program, whenFalse) === OP_REJECT) return { dimension, values: [...values] };
    if (whenFalse !== next) return null;
    at = next;
  }
}

/** What one test of a cell of the request is true for; null where that is no list of values. */
function valuesAt(program: Program, at: number): Key | null {
  const head = program.code[at * WORDS]!;
  if ((head & (NEGATE | FRAME_A)) !== 0) return null;
  const cell = program.code[at * WORDS + 1]!;
  const b = program.code[at * WORDS + 2]!;
  const key = (how: number, values: readonly number[]): Key => ({ dimension: cell * 4 + how, values });
  const numbers = (values: readonly number[]): Key | null =>
    values.every((value) => (value | 0) === value) ? key(BY_NUMBER, values) : null;
  switch (head & 0xff) {
    case OP_EQ_STRING:
      return key(BY_TEXT, [b]);
    case OP_IN_STRINGS:
      return key(BY_TEXT, setAt(program, b));
    case OP_EQ_MEMBER:
      return key(BY_NUMBER, [b]);
    case OP_IN_MEMBERS:
      return key(BY_NUMBER, setAt(program, b));
    case OP_EQ_NUMBER:
      return numbers([program.numbers[b]!]);
    case OP_IN_NUMBERS:
      return numbers(setAt(program, b).map((index) => program.numbers[index]!));
    case OP_STARTS_STRING:
      return key(BY_PREFIX, [b]);
    case OP_IN_NETWORK:
      return key(BY_NETWORK, [b]);
    case OP_IN_NETWORKS:
      return key(BY_NETWORK, setAt(program, b));
    default:
      return null;
  }
}

/** Nothing where the set is too large to be a key anyhow: nobody shall copy it for each policy. */
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
