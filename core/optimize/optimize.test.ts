import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  and,
  compare,
  inNetworks,
  not,
  oneOf,
  or,
  starts as startsWith,
} from "../bytecode/conditions.fixture.ts";
import { encode } from "../bytecode/encode.ts";
import { conditionArbitrary, factsArbitrary, truthOf } from "../bytecode/kleene.fixture.ts";
import { element, leaf, planOf, policyOf, RISK, ref } from "../bytecode/plan.fixture.ts";
import { CODE_PASSES } from "../bytecode/tighten.ts";
import type { Condition, Order, Plan } from "../plan/plan.ts";
import { optimize, PASSES } from "./optimize.ts";

const A: Condition = { kind: "truth", ref: ref("flag") };
const B: Condition = { kind: "truth", ref: ref("flag2") };
const C: Condition = { kind: "exists", ref: ref("text") };
const TRUE: Condition = { kind: "constant", value: true };
const FALSE: Condition = { kind: "constant", value: false };
const is = (value: string): Condition => compare("text", "eq", value);
const risk = (order: Order, value: string): Condition => compare("risk", order, value);
const starts = (prefix: string): Condition => startsWith("text", prefix);

const LETTERS = ["a", "b", "c", "d", "e", "f"];
const [A_F, A_C] = [or(...LETTERS.map(is)), or(...LETTERS.slice(0, 3).map(is))];

/** What all passes together make of a condition. */
function optimized(condition: Condition): Condition {
  return optimize()(and2(condition));
}

/** A tree of two equal leaves: a condition as a whole, not as a leaf. */
function and2(condition: Condition) {
  return { kind: "and" as const, parts: [leaf(condition), leaf(condition)] };
}

describe("what becomes of conditions", () => {
  it.each<[string, Condition, Condition]>([
    ["negations move to the tests", not(and(A, not(B))), or(not(A), B)],
    [
      "not any is all not",
      not({ kind: "any", list: ref("items"), body: and(itemOk(), not(itemOk())) }),
      { kind: "all", list: ref("items"), body: or(not(itemOk()), itemOk()) },
    ],
    ["true is neutral in and", and(A, TRUE, B), and(A, B)],
    ["false settles an and", and(A, FALSE), FALSE],
    ["true settles an or", or(A, not(FALSE)), TRUE],
    ["of nothing but neutral constants one is left", or(FALSE, FALSE), FALSE],
    ["a and a", and(A, B, A), and(A, B)],
    ["a or (a and b)", or(A, and(A, B)), A],
    ["a and (b or a)", and(A, or(B, A)), A],
    ["(a and b) or (c and a)", or(and(A, B), and(C, A)), and(A, or(C, B))],
    ["(a or b) and (a or c)", and(or(A, B), or(A, C)), or(A, and(C, B))],
    [
      "the lower bound of two",
      and(compare("int", "lt", 5), compare("int", "lt", 3)),
      compare("int", "lt", 3),
    ],
    [
      "the wider of two in an or",
      or(not(compare("int", "le", 5)), not(compare("int", "lt", 3))),
      not(compare("int", "lt", 3)),
    ],
    ["at most and less than", and(compare("int", "le", 5), compare("int", "lt", 5)), compare("int", "lt", 5)],
    [
      "a value within a bound",
      and(compare("int", "eq", 2), compare("int", "lt", 5)),
      compare("int", "eq", 2),
    ],
    ["a value that is none of others", and(is("a"), not(is("b"))), is("a")],
    ["a prefix of a prefix", or(starts("/a/b"), starts("/a")), starts("/a")],
    ["a text that starts so", and(starts("/a"), is("/a/b")), is("/a/b")],
    ["six equalities", A_F, oneOf("text", ...LETTERS)],
    ["six inequalities", not(A_F), not(oneOf("text", ...LETTERS))],
    ["a member of a set that is not another", and(oneOf("text", "a", "b"), not(is("b"))), is("a")],
    ["a set of one", oneOf("text", "a", "a"), is("a")],
    ["neighbours at the end of an order", oneOf("risk", "high", "medium"), not(risk("eq", "low"))],
    ["neighbours at its start", or(risk("eq", "low"), risk("eq", "medium")), not(risk("eq", "high"))],
    ["all but one", oneOf("risk", "low", "high"), not(risk("eq", "medium"))],
    [
      "networks in a network",
      or(inNetworks("10.0.0.0/8", "11.0.0.0/8"), inNetworks("10.1.0.0/16")),
      inNetworks("10.0.0.0/8", "11.0.0.0/8"),
    ],
    [
      "aggregates last",
      and({ kind: "any", list: ref("items"), body: itemOk() }, A),
      and(A, { kind: "any", list: ref("items"), body: itemOk() }),
    ],
    ["guards first", and(is("a"), C), and(C, is("a"))],
    ["guards of an or", or(is("a"), not(C)), or(not(C), is("a"))],
    [
      "in a body too",
      { kind: "any", list: ref("items"), body: and(itemOk(), itemOk()) },
      { kind: "any", list: ref("items"), body: itemOk() },
    ],
  ])("%s", (_, condition, wanted) => {
    expect(optimized(condition)).toEqual(wanted);
  });

  it.each<[string, Condition]>([
    ["no excluded middle", or(A, not(A))],
    ["no contradiction", and(A, not(A))],
    ["two values at once are unknown where there is none", and(is("a"), is("b"))],
    ["every member of an enum", oneOf("risk", ...RISK.members)],
    ["less than and more than", and(compare("int", "lt", 3), not(compare("int", "le", 5)))],
    ["a cell beside itself", { kind: "compare", order: "eq", left: ref("text"), right: ref("text") }],
    ["exists beside a test of the same", and(C, is("a"))],
    ["any of nothing", { kind: "any", list: ref("items"), body: FALSE }],
    ["three equalities, since a set is longer", A_C],
    ["a network of v6 holds none of v4", or(inNetworks("::/0"), inNetworks("10.0.0.0/8"))],
  ])("%s: left alone", (_, condition) => {
    expect(optimized(condition)).toEqual(condition);
  });
});

function itemOk(): Condition {
  return { kind: "truth", ref: element(ref("items"), 1, "ok") };
}

it("a kind that the optimizer does not know stays whole, and once", () => {
  const opaque = { kind: "opaque", ref: ref("text"), table: new Uint8Array(4) } as unknown as Condition;
  const other = { ...opaque, table: new Uint8Array(4) } as unknown as Condition;
  expect(optimized(or(opaque, opaque, FALSE))).toBe(opaque);
  expect(optimized(or(opaque, other))).toEqual(or(opaque, other));
});

describe("a leaf", () => {
  const leafOf = (condition: Condition): Condition => {
    return optimize()(leaf(condition));
  };

  it("goes on reading what its author wrote", () => {
    const body = or(TRUE, {
      kind: "compare",
      order: "eq",
      left: element(ref("items"), 1, "name"),
      right: ref("text"),
    });
    const any: Condition = { kind: "any", list: ref("items"), body };
    expect(leafOf(any)).toEqual(any);
    expect(optimized(any)).toEqual({ kind: "any", list: ref("items"), body: TRUE });
  });

  it("keeps the order of its alternatives", () => {
    const [slow, quick]: Condition[] = [{ kind: "has", list: ref("texts"), value: ref("text") }, A];
    expect(leafOf(or(slow!, quick!))).toEqual(or(slow!, quick!));
    expect(optimized(or(slow!, quick!))).toEqual(or(quick!, slow!));
  });
});

// --- at random ---

/** Conditions with the few tests that repeat, so that there is something to merge. */
const poor: fc.Arbitrary<Condition> = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(
      ...[A, B, C, TRUE, FALSE, is("a"), is("ab"), is("b"), starts("a"), starts("ab")],
      ...[
        oneOf("text", "a", "b"),
        oneOf("text", "b", "ab"),
        oneOf("risk", "low", "high"),
        oneOf("risk", "medium", "high"),
      ],
      ...[risk("eq", "low"), risk("lt", "high"), risk("le", "medium"), oneOf("colour", "red", "green")],
      ...[compare("int", "lt", 1), compare("int", "le", 1), compare("int", "eq", 1), compare("int", "lt", 2)],
      ...[
        compare("float", "eq", 0.5),
        compare("float", "le", 1),
        oneOf("int", 0, 1, 2),
        compare("int", "eq", -1),
      ],
      ...[
        inNetworks("10.0.0.0/8"),
        inNetworks("10.0.0.1/32", "::/0"),
        inNetworks("0.0.0.0/0"),
        inNetworks("::/64"),
      ],
    ),
    tie("condition").map(not),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      parts: fc.array(tie("condition"), { minLength: 2, maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constantFrom("any" as const, "all" as const),
      list: fc.constant(ref("items")),
      body: tie("condition").chain((c) => fc.constantFrom(c, and(c, itemOk()), or(itemOk(), c))),
    }),
  ),
})).condition;

const conditions = fc.oneof(poor, conditionArbitrary(3));
const someFacts = fc.array(factsArbitrary, { minLength: 6, maxLength: 10 });

describe("an optimized condition answers the same, also where something is absent or invalid", () => {
  it.each(PASSES.map((pass, i) => [pass.name, pass, i] as const))("%s", (_name, pass, i) => {
    let changed = 0;
    fc.assert(
      fc.property(conditions, someFacts, (written, all) => {
        // What the passes before it give it.
        const condition = PASSES.slice(0, i).reduce((current, { run }) => run(current), written);
        const made = pass.run(condition);
        if (JSON.stringify(made) !== JSON.stringify(condition)) changed++;
        for (const facts of all) expect(truthOf(made, facts)).toBe(truthOf(written, facts));
      }),
      { numRuns: 1_500 },
    );
    expect(changed).toBeGreaterThan(10);
  });
});

/** Bytes of a plan's bundle, as written or optimized by some passes. */
function bundleBytes(plan: Plan, passes: typeof PASSES | null): number {
  const options =
    passes === null ? {} : { conditionFor: optimize(passes), codePasses: CODE_PASSES, share: true };
  const encoded = encode(plan, options);
  if (!encoded.ok) throw new Error(encoded.problem);
  return encoded.bundle.length;
}

it("with any number of passes a bundle is not larger than without", () => {
  let smaller = 0;
  fc.assert(
    fc.property(fc.array(conditions, { minLength: 1, maxLength: 3 }), (written) => {
      const policies = written.map((condition, i) => policyOf({ name: `P${i}`, trigger: treeOf(condition) }));
      const plan = planOf(policies);
      const plain = bundleBytes(plan, null);
      const sizes = [plain, ...PASSES.map((_, i) => bundleBytes(plan, PASSES.slice(0, i + 1)))];
      // Against the plain one: a pass may cost an instruction beside the pass before, whose ends were more alike.
      for (const [i, { name }] of PASSES.entries()) expect(sizes[i + 1]!, name).toBeLessThanOrEqual(plain);
      if (sizes.at(-1)! < plain) smaller++;
    }),
    { numRuns: 500 },
  );
  expect(smaller).toBeGreaterThan(250);
});

/** The tree that an author's text would have. */
function treeOf(
  c: Condition,
): ReturnType<typeof leaf> | Extract<Plan["policies"][number]["trigger"], { kind: "and" | "or" | "not" }> {
  if (c.kind === "and" || c.kind === "or") return { kind: c.kind, parts: c.parts.map(treeOf) };
  if (c.kind === "not") return { kind: "not", operand: treeOf(c.operand), place: leaf(c).place, reads: [] };
  return leaf(c);
}
