import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Condition, PlanNode } from "../plan/plan.ts";
import { createSlotLoader } from "../request/load.ts";
import { Slots } from "../request/slots.ts";
import { Interpreter } from "../runtime/interpreter.ts";
import { requestOf } from "../runtime/suites/index.fixture.ts";
import { and, not, or, triggerCode } from "./conditions.fixture.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { conditionArbitrary, factsArbitrary, truthOf } from "./kleene.fixture.ts";
import { element, leaf, planOf, policyOf, ref } from "./plan.fixture.ts";
import type { Program } from "./program.ts";
import { CODE_PASSES } from "./tighten.ts";

const A: Condition = { kind: "truth", ref: ref("flag") };
const B: Condition = { kind: "truth", ref: ref("flag2") };
const C: Condition = { kind: "exists", ref: ref("text") };
const TRUE: Condition = { kind: "constant", value: true };
const anyItem = (body: Condition): Condition => ({ kind: "any", list: ref("items"), body });
const ok: Condition = { kind: "truth", ref: element(ref("items"), 1, "ok") };
const counted = (body: Condition): Condition => ({
  kind: "count",
  order: "lt",
  left: { list: ref("items"), body },
  right: { number: 2 },
});

function twiceNegated(condition: Condition): PlanNode {
  const operand = leaf(not(condition));
  return { kind: "not", operand, place: operand.place, reads: [] };
}

/** A guard that denies when the condition is true, with only the code made tighter. Its trigger is no leaf, which keeps what it reads. */
function tightened(condition: Condition, passes = CODE_PASSES): Program {
  const encoded = encode(planOf([policyOf({ trigger: twiceNegated(condition) })]), { codePasses: passes });
  const decoded = encoded.ok ? decode(encoded.bundle) : { ok: false as const, error: encoded.problem };
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.program;
}

describe("code that is made shorter", () => {
  it.each<[string, Condition, string[]]>([
    ["a constant", TRUE, ["ACCEPT"]],
    ["its negation", not(TRUE), ["REJECT"]],
    ["constants among tests", or(and(A, TRUE), not(TRUE)), ["TRUTH flag if false -> 2", "ACCEPT", "REJECT"]],
    [
      "a test that was true on the way",
      or(and(A, B), and(A, B, C)),
      ["TRUTH flag if false -> 3", "TRUTH flag2 if false -> 3", "ACCEPT", "REJECT"],
    ],
    [
      "equal ends of two ways, and the test before them",
      and(or(C, A), A),
      ["TRUTH flag if false -> 2", "ACCEPT", "REJECT"],
    ],
    [
      "a test without consequence",
      or(and(A, not(TRUE)), B),
      ["TRUTH flag2 if false -> 2", "ACCEPT", "REJECT"],
    ],
    [
      "in a body",
      anyItem(and(ok, TRUE)),
      [
        "ANY items, body 1-3 if false -> 5",
        "TRUTH element.ok if false -> 3",
        "ACCEPT",
        "REJECT",
        "ACCEPT",
        "REJECT",
      ],
    ],
    [
      "a body that is a constant",
      anyItem(and(TRUE, TRUE)),
      ["ANY items, body 1-1 if false -> 3", "ACCEPT", "ACCEPT", "REJECT"],
    ],
    [
      "a count keeps its compare",
      or(counted(and(TRUE, ok)), counted(ok)),
      [
        "COUNT register 0, items, body 1-3",
        "TRUTH element.ok if false -> 3",
        "ACCEPT",
        "REJECT",
        "LT_COUNT 2 if false -> 6",
        "ACCEPT",
        "REJECT",
      ],
    ],
  ])("%s", (_, condition, lines) => {
    expect(triggerCode(tightened(condition))).toEqual(lines);
  });

  it.each<[string, Condition]>([
    ["a test beside its negation", or(A, not(A))],
    ["a test and its negation", and(A, not(A))],
    ["a test of two elements", anyItem(and(ok, { kind: "any", list: ref("items"), body: ok }))],
  ])("%s stays", (_, condition) => {
    expect(triggerCode(tightened(condition))).toEqual(triggerCode(tightened(condition, [])));
  });
});

it("a leaf goes on reading what reasons name", () => {
  const decisive = or(TRUE, {
    kind: "compare",
    order: "eq",
    left: element(ref("items"), 1, "name"),
    right: ref("text"),
  });
  const program = tightened(anyItem(decisive));
  expect(triggerCode(program).length).toBe(4);
  expect(program.slots.filter(({ read }) => read).map(({ name }) => name)).toEqual(["text", "items"]);
});

/** Conditions with few tests, so that code repeats itself. */
const poor: fc.Arbitrary<Condition> = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(A, B, C, TRUE, anyItem(ok), anyItem(TRUE), counted(ok), counted(and(ok, TRUE))),
    tie("condition").map(not),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      parts: fc.array(tie("condition"), { minLength: 2, maxLength: 4 }),
    }),
  ),
})).condition;

const WANTED = { true: [true, true], false: [false, false], null: [false, true] } as const;

it("tighter code is taken by the loader, no longer, and answers the same in both modes", () => {
  let shorter = 0;
  const facts = fc.array(factsArbitrary, { minLength: 4, maxLength: 8 });
  fc.assert(
    fc.property(fc.oneof(poor, conditionArbitrary(3)), facts, (condition, all) => {
      const [program, plain] = [tightened(condition), tightened(condition, [])];
      expect(program.code.length).toBeLessThanOrEqual(plain.code.length);
      if (program.code.length < plain.code.length) shorter++;
      const slots = new Slots(program.cellCount);
      const loader = createSlotLoader(plain);
      const interpreter = new Interpreter(program, slots);
      for (const each of all) {
        loader.load(requestOf(each), slots);
        const answers = [false, true].map((mode) => interpreter.run(0, mode, 0));
        expect(answers).toEqual(WANTED[String(truthOf(condition, each)) as keyof typeof WANTED]);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(shorter).toBeGreaterThan(200);
});

it("equal routines are one where that is asked for", () => {
  const plan = planOf([policyOf({ trigger: leaf(A) }), policyOf({ name: "Other", trigger: leaf(A) })]);
  const [apart, together] = [false, true].map((share) => {
    const encoded = encode(plan, { share });
    const decoded = encoded.ok ? decode(encoded.bundle) : { ok: false as const, error: encoded.problem };
    if (!decoded.ok) throw new Error(decoded.error);
    return decoded.program;
  });
  expect(apart!.routineStarts.length - 1).toBe(4);
  expect([...together!.routineStarts]).toEqual([0, 3]);
  expect(together!.policies.list.map(({ trigger, triggerNode }) => [trigger, triggerNode!.code])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

it("a region too long for recursion or a call's arguments is made shorter, but its tests are not compared", () => {
  const many = anyItem(and(...Array.from({ length: 60_000 }, () => ok), TRUE));
  expect(triggerCode(tightened(many)).length).toBe(60_000 + 5);
});
