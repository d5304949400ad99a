/** Conditions for tests over the attributes of `plan.fixture.ts`, by name. */
import type { Condition, Order } from "../plan/plan.ts";
import { disassemble } from "./disassemble.ts";
import { constant, ref } from "./plan.fixture.ts";
import type { Program } from "./program.ts";

export const and = (...parts: Condition[]): Condition => ({ kind: "and", parts });
export const or = (...parts: Condition[]): Condition => ({ kind: "or", parts });
export const not = (operand: Condition): Condition => ({ kind: "not", operand });

export const compare = (name: string, order: Order, value: unknown): Condition => ({
  kind: "compare",
  order,
  left: ref(name),
  right: constant(ref(name).type, value),
});

export const oneOf = (name: string, ...values: unknown[]): Condition => ({
  kind: "in-set",
  ref: ref(name),
  set: values.map((value) => constant(ref(name).type, value)),
});

export const starts = (name: string, text: string): Condition => ({
  kind: "text",
  test: "starts",
  left: ref(name),
  right: constant({ kind: "string" }, text),
});

export const inNetworks = (...networks: string[]): Condition => ({
  kind: "in-set",
  ref: ref("ip"),
  set: networks.map((network) => constant({ kind: "cidr" }, network)),
});

/** Instructions of the first policy's trigger, blanks made one. */
export function triggerCode(program: Program): string[] {
  const lines = disassemble(program).split("\n");
  const start = lines.findIndex((line) => line.trim() === "trigger") + 1;
  const end = lines.findIndex((line, i) => i > start && line.trim() === "");
  return lines.slice(start, end).map((line) =>
    line
      .trim()
      .replace(/^\d+ +/, "")
      .replace(/ +/g, " "),
  );
}
