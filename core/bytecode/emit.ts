/**
 * From conditions to instructions. Negations move to the tests (`not any` becomes `all ... not`), so that a run in one
 * mode is exact; `and` and `or` become jumps; every test either jumps or falls through.
 */

import {
  type Condition,
  type Count,
  type CountOperand,
  isRef,
  type Order,
  type Ref,
  type Step,
} from "../plan/plan.ts";
import type { ConstantValue } from "../schema/schema.ts";
import * as op from "./gen/constants.ts";
import { TYPE_NAMES } from "./gen/tables.ts";
import type { Pools } from "./pools.ts";
import { TooLarge } from "./too-large.ts";

const U16_MAX = 0xffff;
const NETWORK_TESTS = new Set([
  op.OP_EQ_ADDRESS,
  op.OP_IN_NETWORK,
  op.OP_IN_NETWORKS,
  op.OP_EQ_ADDRESSES,
  op.OP_IN_CIDR,
  op.OP_HAS_ADDRESS,
  op.OP_IN_CIDRS,
]);

/** Four u16 of one instruction, but that `b` may be larger where it is a constant: `rows.ts` finds room for it. */
interface Instruction {
  readonly head: number;
  readonly a: number;
  readonly b: number;
  jump: number;
}

/** A place that branches lead to; known once `place` is called. */
interface Label {
  readonly from: { readonly at: number }[];
}

interface Targets {
  readonly whenTrue: Label;
  readonly whenFalse: Label;
  /** One of the two: the place right behind. */
  readonly next: Label;
}

/**
 * Bit 15 of the head, zero in a bundle: the test compares addresses or networks. The opcode of IN_LIST does not tell, and
 * what a bundle needs is known only when no pass can drop a test any more.
 */
export const COMPARES_ADDRESSES = 1 << 15;

/** Emit one routine for a condition: head, a, b and jump of each instruction; throws `TooLarge`. */
export function emitRoutine(condition: Condition, pools: Pools): readonly number[] {
  const emitter = new Emitter(pools);
  emitter.region(condition, false);
  return emitter.words();
}

class Emitter {
  readonly #pools: Pools;
  readonly #code: Instruction[] = [];

  constructor(pools: Pools) {
    this.#pools = pools;
  }

  words(): number[] {
    return this.#code.flatMap((i) => [i.head, i.a, i.b, i.jump]);
  }

  /** A routine or body: the condition, then ACCEPT and REJECT. */
  region(condition: Condition, negated: boolean): void {
    const accept = label();
    const reject = label();
    this.#condition(condition, negated, { whenTrue: accept, whenFalse: reject, next: accept });
    this.#place(accept);
    this.#plain(op.OP_ACCEPT);
    this.#place(reject);
    this.#plain(op.OP_REJECT);
  }

  #condition(c: Condition, negated: boolean, targets: Targets): void {
    switch (c.kind) {
      case "and":
      case "or":
        this.#joined(c.parts, (c.kind === "and") !== negated, negated, targets);
        return;
      case "not":
        this.#condition(c.operand, !negated, targets);
        return;
      case "constant":
        this.#branch({ code: op.OP_CONSTANT, b: c.value === negated ? 0 : 1 }, false, targets);
        return;
      case "exists":
        this.#branch({ code: op.OP_EXISTS, a: c.ref }, negated, targets);
        return;
      case "truth":
        this.#branch({ code: op.OP_TRUTH, a: c.ref }, negated, targets);
        return;
      case "compare":
        this.#branch(this.#compare(c.order, c.left, c.right), negated, targets);
        return;
      case "text":
        this.#branch(this.#text(c.test, c.left, c.right), negated, targets);
        return;
      case "hours":
        this.#branch({ code: op.OP_IN_HOURS, a: c.ref, b: this.#pools.schedule(c.hours) }, negated, targets);
        return;
      case "matches":
        this.#branch(
          { code: op.OP_MATCHES, a: c.ref, b: this.#pools.automaton(c.automaton) },
          negated,
          targets,
        );
        return;
      case "in-set":
        this.#branch(this.#inSet(c.ref, c.set), negated, targets);
        return;
      case "in-cidr":
        this.#branch({ code: op.OP_IN_CIDR, a: c.ref, b: c.network }, negated, targets);
        return;
      case "has":
        this.#branch(this.#has(c.list, c.value), negated, targets);
        return;
      case "in-cidrs":
        this.#branch({ code: op.OP_IN_CIDRS, a: c.ref, b: c.list }, negated, targets);
        return;
      case "any":
      case "all":
        this.#quantifier(c, negated, targets);
        return;
      case "count":
        this.#count(c, negated, targets);
        return;
      case "computing":
        for (const step of c.steps) this.#step(step);
        this.#condition(c.test, negated, targets);
        return;
    }
  }

  /** `conjunction`: all parts must hold; parts are negated one by one. */
  #joined(parts: readonly Condition[], conjunction: boolean, negated: boolean, targets: Targets): void {
    parts.forEach((part, i) => {
      if (i === parts.length - 1) {
        this.#condition(part, negated, targets);
        return;
      }
      const next = label();
      this.#condition(
        part,
        negated,
        conjunction
          ? { whenTrue: next, whenFalse: targets.whenFalse, next }
          : { whenTrue: targets.whenTrue, whenFalse: next, next },
      );
      this.#place(next);
    });
  }

  #quantifier(c: Extract<Condition, { kind: "any" | "all" }>, negated: boolean, targets: Targets): void {
    const any = (c.kind === "any") !== negated;
    const at = this.#code.length;
    this.#branch({ code: any ? op.OP_ANY : op.OP_ALL, a: c.list }, false, targets);
    this.region(c.body, negated);
    this.#setLength(at);
  }

  #setLength(at: number): void {
    const length = this.#code.length - at - 1;
    this.#code[at] = { ...this.#code[at]!, b: fits(length) };
  }

  #count(c: Extract<Condition, { kind: "count" }>, negated: boolean, targets: Targets): void {
    this.#counter(c.left, 0);
    if ("count" in c.right) this.#counter(c.right.count, 1);
    this.#branch(this.#countTest(c.order, c.right), negated, targets);
  }

  #counter(count: Count, register: 0 | 1): void {
    const at = this.#code.length;
    this.#code.push({
      head: op.OP_COUNT | (count.list.frame << 10) | (register << 14),
      a: fits(count.list.cell),
      b: 0,
      jump: 0,
    });
    if (count.body === null) return;
    this.region(count.body, false);
    this.#setLength(at);
  }

  /** INVARIANT: the test follows its steps at once, and no label is placed between them. */
  #step(step: Step): void {
    switch (step.kind) {
      case "number": {
        const b = this.#pools.constant(step.value);
        this.#computing({ code: op.OP_LOAD_NUMBER, b }, step.into, TYPE_NAMES.indexOf(step.value.kind));
        return;
      }
      case "add":
      case "subtract":
      case "multiply":
        this.#computing(
          { code: ARITHMETIC[step.kind], a: step.left, b: step.right },
          step.into,
          0,
          step.float,
        );
        return;
      case "lower":
        this.#computing({ code: op.OP_LOWER, a: step.ref }, step.into, 0);
        return;
      case "lookup":
        this.#computing({ code: op.OP_LOOKUP, a: step.ref, b: this.#pools.map(step.map) }, step.into, 0);
        return;
      case "tally":
        this.#listStep(op.OP_TALLY, step.count, step.into, 0);
        return;
      default:
        this.#listStep(
          LIST_STEPS[step.kind],
          step.count,
          step.into,
          step.field,
          step.kind === "sum" && step.float,
        );
    }
  }

  #listStep(code: number, count: Count, into: number, field: number, float = false): void {
    const at = this.#code.length;
    this.#computing({ code, a: count.list }, into, field, float);
    if (count.body === null) return;
    this.region(count.body, false);
    this.#setLength(at);
  }

  #computing(test: Test, into: number, field: number, float = false): void {
    const { head, a, b } = words(test);
    this.#code.push({ head: head | ((float ? 1 : 0) << 8), a, b, jump: into | (field << 8) });
  }

  #countTest(order: Order, right: CountOperand): Test {
    if ("count" in right) return { code: pick(order, op.OP_EQ_COUNTS, op.OP_LT_COUNTS, op.OP_LE_COUNTS) };
    if ("ref" in right)
      return {
        code: pick(order, op.OP_EQ_COUNT_CELL, op.OP_LT_COUNT_CELL, op.OP_LE_COUNT_CELL),
        b: right.ref,
      };
    return {
      code: pick(order, op.OP_EQ_COUNT, op.OP_LT_COUNT, op.OP_LE_COUNT),
      b: this.#pools.number(right.number),
    };
  }

  #compare(order: Order, left: Ref, right: Ref | ConstantValue): Test {
    const address = isAddress(left);
    if (isRef(right)) {
      if (left.type.kind === "string")
        return { code: pick(order, op.OP_EQ_STRINGS, op.OP_LT_STRINGS, op.OP_LE_STRINGS), a: left, b: right };
      if (address) return { code: op.OP_EQ_ADDRESSES, a: left, b: right };
      return { code: pick(order, op.OP_EQ_NUMBERS, op.OP_LT_NUMBERS, op.OP_LE_NUMBERS), a: left, b: right };
    }
    const b = this.#pools.constant(right);
    if (left.type.kind === "string")
      return { code: pick(order, op.OP_EQ_STRING, op.OP_LT_STRING, op.OP_LE_STRING), a: left, b };
    if (address) return { code: op.OP_EQ_ADDRESS, a: left, b };
    if (left.type.kind === "enum")
      return { code: pick(order, op.OP_EQ_MEMBER, op.OP_LT_MEMBER, op.OP_LE_MEMBER), a: left, b };
    return { code: pick(order, op.OP_EQ_NUMBER, op.OP_LT_NUMBER, op.OP_LE_NUMBER), a: left, b };
  }

  #text(test: "starts" | "ends" | "contains", left: Ref, right: Ref | ConstantValue): Test {
    if (isRef(right)) {
      const code = {
        starts: op.OP_STARTS_STRINGS,
        ends: op.OP_ENDS_STRINGS,
        contains: op.OP_CONTAINS_STRINGS,
      }[test];
      return { code, a: left, b: right };
    }
    const code = { starts: op.OP_STARTS_STRING, ends: op.OP_ENDS_STRING, contains: op.OP_CONTAINS_STRING }[
      test
    ];
    return { code, a: left, b: this.#pools.constant(right) };
  }

  #inSet(ref: Ref, set: readonly ConstantValue[]): Test {
    if (ref.type.kind === "ip") {
      if (set.length === 1) return { code: op.OP_IN_NETWORK, a: ref, b: this.#pools.constant(set[0]!) };
      return { code: op.OP_IN_NETWORKS, a: ref, b: this.#pools.set(set) };
    }
    const code =
      ref.type.kind === "string"
        ? op.OP_IN_STRINGS
        : ref.type.kind === "enum"
          ? op.OP_IN_MEMBERS
          : op.OP_IN_NUMBERS;
    return { code, a: ref, b: this.#pools.set(set) };
  }

  #has(list: Ref, value: Ref | ConstantValue): Test {
    if (isRef(value)) return { code: op.OP_IN_LIST, a: value, b: list };
    const b = this.#pools.constant(value);
    switch (value.kind) {
      case "string":
        return { code: op.OP_HAS_STRING, a: list, b };
      case "int":
      case "float":
      case "datetime":
      case "duration":
        return { code: op.OP_HAS_NUMBER, a: list, b };
      case "bool":
      case "enum":
        return { code: op.OP_HAS_MEMBER, a: list, b };
      case "ip":
      case "cidr":
        return { code: op.OP_HAS_ADDRESS, a: list, b };
    }
  }

  // --- instructions and labels ---

  #branch(test: Test, negated: boolean, targets: Targets): void {
    const fallsWhenTrue = targets.next === targets.whenTrue;
    const sense = fallsWhenTrue ? 0 : 1;
    const { head, a, b } = words(test);
    const addresses = NETWORK_TESTS.has(test.code) || (test.code === op.OP_IN_LIST && isAddress(test.a!));
    const flags = (sense << 8) | ((negated ? 1 : 0) << 9) | (addresses ? COMPARES_ADDRESSES : 0);
    const to = fallsWhenTrue ? targets.whenFalse : targets.whenTrue;
    to.from.push({ at: this.#code.length });
    this.#code.push({ head: head | flags, a, b, jump: 0 });
  }

  #plain(code: number): void {
    this.#code.push({ head: code, a: 0, b: 0, jump: 0 });
  }

  #place(label: Label): void {
    for (const { at } of label.from) this.#code[at]!.jump = fits(this.#code.length - at);
  }
}

interface Test {
  readonly code: number;
  readonly a?: Ref;
  readonly b?: Ref | number;
}

const ARITHMETIC = { add: op.OP_ADD, subtract: op.OP_SUBTRACT, multiply: op.OP_MULTIPLY };
const LIST_STEPS = { sum: op.OP_SUM, min: op.OP_MIN, max: op.OP_MAX };

/** Opcode and operands of an instruction. */
function words({ code, a, b }: Test): Omit<Instruction, "jump"> {
  const frameOfB = typeof b === "object" ? b.frame : 0;
  return {
    head: code | ((a?.frame ?? 0) << 10) | (frameOfB << 12),
    a: fits(a?.cell ?? 0),
    b: typeof b === "object" ? fits(b.cell) : (b ?? 0),
  };
}

function isAddress(ref: Ref): boolean {
  return ref.type.kind === "ip" || ref.type.kind === "cidr";
}

function label(): Label {
  return { from: [] };
}

function pick(order: Order, eq: number, lt: number, le: number): number {
  return order === "eq" ? eq : order === "lt" ? lt : le;
}

function fits(value: number): number {
  if (value > U16_MAX) throw new TooLarge();
  return value;
}
