import { describe, expect, it } from "vitest";
import type { Condition, PlanPolicy } from "../plan/plan.ts";
import { and, compare, oneOf } from "./conditions.fixture.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { leaf, planOf, policyOf } from "./plan.fixture.ts";
import { Pools } from "./pools.ts";
import type { Program } from "./program.ts";
import { COLUMN, Routines } from "./routines.ts";
import { Families, withRows } from "./rows.ts";

function program(policies: readonly PlanPolicy[], share: boolean): Program {
  const encoded = encode(planOf(policies), { share });
  const decoded = encoded.ok ? decode(encoded.bundle) : { ok: false as const, error: encoded.problem };
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.program;
}

/** As many policies of one shape. */
function family(count: number, condition: (i: number) => Condition): PlanPolicy[] {
  return Array.from({ length: count }, (_, i) =>
    policyOf({ name: `P${String(i).padStart(4, "0")}`, trigger: leaf(condition(i)) }),
  );
}

const byText = (i: number): Condition =>
  and(compare("text", "eq", `t${i}`), compare("int", "lt", 7), oneOf("int2", i, i + 1));

function rowsOf({ rows, policies }: Program): number[][] {
  return Array.from(policies, ({ index }) => [
    ...rows.subarray(policies.columns.rowStarts[index], policies.columns.rowStarts[index + 1]),
  ]);
}

describe("policies of one shape", () => {
  it("share their code; what differs is in their rows, what does not in the code", () => {
    const shared = program(family(50, byText), true);
    // One for the trigger, which the leaf's is equal to.
    expect(shared.routineStarts.length - 1).toBe(1);
    const rows = rowsOf(shared);
    expect(rows.every((row) => row.length === 2)).toBe(true);
    expect(rows.map(([text]) => shared.strings.at(text!))).toEqual(rows.map((_, i) => `t${i}`));
    expect(program(family(50, byText), false).rows.length).toBe(0);
  });

  it("are a fraction of the bytes", () => {
    const size = (share: boolean): number =>
      program(family(50, byText), share)
        .sectionBytes.filter(({ name }) => name === "code" || name === "rows")
        .reduce((sum, { bytes }) => sum + bytes, 0);
    expect(size(true)).toBeLessThan(size(false) * 0.15);
  });

  it("one constant that stands in several tests is one column", () => {
    const twice = (i: number): Condition =>
      and(compare("text", "eq", `t${i}`), compare("text2", "eq", `t${i}`));
    expect(rowsOf(program(family(50, twice), true)).every((row) => row.length === 1)).toBe(true);
  });

  it("a policy of another shape keeps its constants", () => {
    const other = policyOf({ name: "Q", trigger: leaf(compare("text", "eq", "q")) });
    expect(rowsOf(program([...family(50, byText), other], true)).at(-1)).toEqual([]);
  });
});

describe("columns", () => {
  const EQ_STRING = 6;
  const ACCEPT = [1, 0, 0, 0];
  const test = (constant: number): number[] => [EQ_STRING, 3, constant, 1, ...ACCEPT];

  /** Code and rows of policies with one routine each, whose strings have the indexes that stand in it. */
  function rows(policies: readonly (readonly number[])[], share: boolean): unknown[] {
    const [pools, routines, families] = [new Pools(), new Routines(), new Families()];
    const strings = Math.max(...policies.map((words) => (words[0] === EQ_STRING ? words[2]! : 0)));
    for (let i = 0; i <= strings; i++) pools.useString(String(i));
    const codes = policies.map((words) => families.codeOf([routines.of(words)]));
    return withRows(codes, routines, pools, { share }).map((shaped, i) => ({
      code: shaped.routines.map(({ form, constants }) => [form.words, constants]),
      row: shaped.columns.map((column) => codes[i]!.constants[column]),
    }));
  }

  it("stand only where they save bytes", () => {
    expect(rows([test(1)], true)).toEqual([{ code: [[test(0), [1]]], row: [] }]);
    expect(rows([test(1), test(1)], true)).toEqual([1, 1].map((b) => ({ code: [[test(0), [b]]], row: [] })));
    const column = [EQ_STRING | COLUMN, 3, 0, 1, ...ACCEPT];
    expect(rows([test(1), test(2)], true)).toEqual([1, 2].map((b) => ({ code: [[column, []]], row: [b] })));
  });

  it("hold what has no room in an instruction, whether code is shared or not", () => {
    const column = [EQ_STRING | COLUMN, 3, 0, 1, ...ACCEPT];
    for (const share of [false, true])
      expect(rows([test(65_536), ACCEPT], share)).toEqual([
        { code: [[column, []]], row: [65_536] },
        { code: [[ACCEPT, []]], row: [] },
      ]);
  });
});
