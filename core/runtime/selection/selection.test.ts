import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { and, compare, inNetworks, not, oneOf, or, starts } from "../../bytecode/conditions.fixture.ts";
import { conditionArbitrary, factsArbitrary } from "../../bytecode/kleene.fixture.ts";
import { leaf, planOf, policyOf, programOf, ref } from "../../bytecode/plan.fixture.ts";
import type { Program } from "../../bytecode/program.ts";
import { compile } from "../../compile.ts";
import type { Condition, PlanPolicy } from "../../plan/plan.ts";
import { parseNeutralRequest } from "../../request/json-form.ts";
import { createSlotLoader } from "../../request/load.ts";
import { Slots } from "../../request/slots.ts";
import { createEngine, Engine } from "../engine.ts";
import { requestOf } from "../suites/index.fixture.ts";
import { keysOf, valuesOf } from "./keys.ts";
import { RisingSet } from "./rising-set.ts";
import { Selection } from "./selection.ts";

const HOW = ["text", "number", "prefix", "network"];

const is = (name: string, value: unknown): Condition => compare(name, "eq", value);
const flag: Condition = { kind: "truth", ref: ref("flag") };
const anyItem: Condition = { kind: "any", list: ref("items"), body: flag };
const counted: Condition = {
  kind: "count",
  order: "le",
  left: { list: ref("items"), body: flag },
  right: { number: 2 },
};

/** Many policies with these triggers; null: it always applies. */
function programWith(
  triggers: readonly (Condition | null)[],
  differences: readonly Partial<PlanPolicy>[] = [],
): Program {
  const policies = triggers.map((trigger, i) =>
    policyOf({
      name: `P${String(i).padStart(5, "0")}`,
      trigger: trigger === null ? null : leaf(trigger),
      ...differences[i],
    }),
  );
  return programOf(planOf(policies));
}

describe("what a trigger demands", () => {
  it.each<[string, Condition, string[]]>([
    ["an equality", is("text", "a"), ["text text 1"]],
    ["equalities of an and", and(flag, is("text", "a"), is("risk", "low")), ["text text 1", "risk number 1"]],
    ["a set", oneOf("text", "a", "b"), ["text text 2"]],
    ["equalities of an or", or(is("int", 1), is("int", 2), oneOf("int", 3, 4)), ["int number 4"]],
    [
      "an or in an and",
      and(or(is("text", "a"), is("text", "b")), is("text2", "a")),
      ["text text 2", "text2 text 1"],
    ],
    ["a prefix", starts("text", "/a"), ["text prefix 1"]],
    ["networks", and(inNetworks("10.0.0.0/8"), is("text", "a")), ["ip network 1", "text text 1"]],
    [
      "what stands behind other tests",
      and(or(flag, is("text2", "x")), anyItem, counted, is("text", "a")),
      ["text text 1"],
    ],
    ["negations that cancel out", not(or(not(is("text", "a")), not(flag))), ["text text 1"]],
    ["nothing: another way leads around", or(flag, is("text", "a")), []],
    ["nothing: an or of two values", or(is("text", "a"), is("text2", "a")), []],
    ["nothing: an inequality", not(is("text", "a")), []],
    ["nothing: a fraction", is("float", 0.5), []],
    ["nothing: an order", compare("int", "lt", 5), []],
    ["nothing: an or of ands", or(and(is("text", "a"), flag), is("text", "b")), []],
  ])("%s", (_, trigger, wanted) => {
    const program = programWith([trigger]);
    const names = new Map(
      ["text", "text2", "int", "float", "risk", "ip"].map((name) => [ref(name).cell, name]),
    );
    const found = keysOf(program, program.policies.at(0).trigger).flatMap((key) => {
      const values = valuesOf(key, program, 0);
      const { dimension } = key;
      return values === null ? [] : `${names.get(dimension >> 2)} ${HOW[dimension & 3]} ${values.length}`;
    });
    expect(found).toEqual(wanted);
  });

  it("a set of too many values is no key", () => {
    const program = programWith([oneOf("int", ...Array.from({ length: 65 }, (_, i) => i))]);
    expect(keysOf(program, 0).map((key) => valuesOf(key, program, 0))).toEqual([null]);
  });
});

/** Numbers of the policies that are selected for a request. */
function selected(program: Program, facts: Record<string, unknown>): number[] {
  const slots = new Slots(program.cellCount);
  createSlotLoader(program).load(requestOf(facts), slots);
  const found = new RisingSet(program.policies.length);
  new Selection(program, slots).select(found);
  const numbers: number[] = [];
  for (let i = found.take(); i !== -1; i = found.take()) numbers.push(i);
  return numbers;
}

describe("selection", () => {
  const LETTERS = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));

  it("by a value: only those that name it, and those that demand nothing", () => {
    const program = programWith([...LETTERS.map((letter) => is("text", letter)), flag, null]);
    expect(selected(program, { text: "c" })).toEqual([2, 26, 27]);
    expect(selected(program, { text: "none" })).toEqual([26, 27]);
  });

  it("a value that is absent or invalid leads everywhere below", () => {
    const both = LETTERS.flatMap((letter) =>
      [0, 1, 2, 3, 4, 5].map((int) => and(is("text", letter), is("int", int))),
    );
    const program = programWith(both);
    const withThree = LETTERS.map((_, i) => i * 6 + 3);
    expect(selected(program, { text: "b", int: 3 })).toEqual([9]);
    expect(selected(program, { int: 3 })).toEqual(withThree);
    expect(selected(program, { text: 7, int: 3 })).toEqual(withThree);
    expect(selected(program, { text: "b" })).toEqual([6, 7, 8, 9, 10, 11]);
    expect(selected(program, {})).toHaveLength(both.length);
  });

  it("one that can be off is expired whatever its trigger says, also where it is not met", () => {
    const policies = LETTERS.map(
      (letter) => `policy P${letter}:
  triggers when request.method == "${letter}"
  allows
  on expiry: off
  metadata
    expires: 2020-01-01T00:00:00Z
`,
    );
    const compiled = compile([{ name: "off.ipe", text: policies.join("") }]);
    if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join());
    const request = parseNeutralRequest(
      '{"request": {"method": "c", "path": "/", "time": "2026-01-01T00:00:00Z"}}',
    );
    if (!request.ok) throw new Error(request.errors.join());
    const [all, some] = [1000, 1].map((selectFrom) => createEngine(compiled.bundle, { selectFrom }));
    if (!all!.ok || !some!.ok) throw new Error("refused");
    const { policies: reports } = some!.engine.explain(request.request);
    expect(reports.every(({ outcome }) => outcome === "expired")).toBe(true);
    expect(reports).toEqual(all!.engine.explain(request.request).policies);
  });

  it("by prefixes, also those that lie in each other", () => {
    const prefixes = ["/", "/a", "/ab", "/ab/c", "/b", "/b/", "", "x"];
    const program = programWith(
      [...prefixes, ...LETTERS.map((l) => `/z${l}`)].map((text) => starts("text", text)),
    );
    const of = (text: string): number[] => selected(program, { text });
    expect(of("/ab/cd")).toEqual([0, 1, 2, 3, 6]);
    expect(of("/b")).toEqual([0, 4, 6]);
    expect(of("/zq/1")).toEqual([0, 6, 24]);
    expect(of("")).toEqual([6]);
    expect(of("x")).toEqual([6, 7]);
  });

  it("by networks, v4 and v6 apart", () => {
    const networks = [
      "0.0.0.0/0",
      "10.0.0.0/8",
      "10.1.0.0/16",
      "10.1.2.3/32",
      "::/0",
      "2001:db8::/32",
      "2001:db8::1/128",
    ];
    const others = Array.from({ length: 20 }, (_, i) => `172.16.${i}.0/24`);
    const program = programWith([...networks, ...others].map((network) => inNetworks(network)));
    const of = (ip: string): number[] => selected(program, { ip });
    expect(of("10.1.2.3")).toEqual([0, 1, 2, 3]);
    expect(of("10.1.2.4")).toEqual([0, 1, 2]);
    expect(of("172.16.3.9")).toEqual([0, 10]);
    expect(of("2001:db8::1")).toEqual([4, 5, 6]);
    expect(of("2001:db9::1")).toEqual([4]);
  });

  it("a policy with several values is met once", () => {
    const many = LETTERS.map((_, i) => inNetworks("10.0.0.0/8", "10.1.0.0/16", `11.${i}.0.0/16`));
    expect(selected(programWith(many), { ip: "10.1.0.1" })).toEqual(LETTERS.map((_, i) => i));
  });

  it("numbers that no constant equals", () => {
    const program = programWith(Array.from({ length: 20 }, (_, i) => is("float", i)));
    expect(selected(program, { float: 3 })).toEqual([3]);
    expect(selected(program, { float: 3.5 })).toEqual([]);
    expect(selected(program, { float: 2 ** 32 + 3 })).toEqual([]);
  });
});

// --- at random ---

const TEXTS = ["", "a", "ab", "b", "leaf"];
const tests: Condition[] = [
  ...TEXTS.flatMap((text) => [is("text", text), is("text2", text), starts("text", text)]),
  ...["low", "medium", "high"].map((risk) => is("risk", risk)),
  ...[0, 1, 2, -1].flatMap((n) => [is("int", n), is("float", n)]),
  ...[oneOf("text", "a", "b"), oneOf("int", 0, 1, 2), oneOf("risk", "low", "high")],
  ...["10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "::/0", "::/64"].map((network) => inNetworks(network)),
  ...[inNetworks("10.0.0.0/8", "::/64"), flag, anyItem, counted],
];
const test = fc.constantFrom(...tests);
const trigger: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 4, arbitrary: fc.array(test, { minLength: 2, maxLength: 4 }).map((parts) => and(...parts)) },
  { weight: 2, arbitrary: fc.tuple(test, test, test).map(([a, b, c]) => and(or(a, b), c)) },
  { weight: 1, arbitrary: test },
  { weight: 1, arbitrary: fc.tuple(test, test).map(([a, b]) => and(not(a), b)) },
  { weight: 1, arbitrary: conditionArbitrary(2) },
);
const differences: fc.Arbitrary<Partial<PlanPolicy>> = fc
  .record({
    kind: fc.constantFrom("policy" as const, "policy" as const, "guard" as const),
    mode: fc.constantFrom("enforce" as const, "enforce" as const, "permissive" as const),
    effect: fc.constantFrom("denies" as const, "requires" as const),
  })
  .chain((made) =>
    test.map((condition) => (made.effect === "requires" ? { ...made, requirement: leaf(condition) } : made)),
  );

it("decisions and reasons are those of judging every policy", () => {
  const reasons = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.option(trigger, { freq: 20 }), differences), { minLength: 1, maxLength: 60 }),
      fc.array(factsArbitrary, { minLength: 4, maxLength: 8 }),
      (policies, all) => {
        const program = programWith(
          policies.map(([condition]) => condition),
          policies.map(([, more]) => more),
        );
        const [selecting, judgingAll] = [1, Number.POSITIVE_INFINITY].map(
          (selectFrom) => new Engine(program, { selectFrom }),
        );
        for (const facts of all) {
          const request = requestOf(facts);
          const explanation = judgingAll!.explain(request);
          expect(selecting!.explain(request)).toEqual(explanation);
          expect(selecting!.decide(request)).toEqual(explanation.decision);
          reasons.add(explanation.decision.reason.outcome);
        }
      },
    ),
    { numRuns: 200 },
  );
  expect(reasons.size).toBeGreaterThan(3);
});

it("a policy that is off once it has expired is expired, also where its trigger is false", () => {
  const text = Array.from(
    { length: 30 },
    (_, i) =>
      `guard G${i}: triggers when request.method == "M${i}" denies on expiry: off metadata\n  expires: 2020-01-01T00:00:00Z\n`,
  ).join("");
  const compiled = compile([{ name: "test.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  const { policies } = made.engine.explain({ ...requestOf({}), time: Date.UTC(2026, 0) });
  expect(new Set(policies.map(({ outcome }) => outcome))).toEqual(new Set(["expired"]));
});

it("numbers come out of a set once, in rising order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 99_999 })), (numbers) => {
      const set = new RisingSet(100_000);
      for (const number of numbers) set.add(number);
      const out: number[] = [];
      for (let i = set.take(); i !== -1; i = set.take()) out.push(i);
      expect(out).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      set.add(3);
      set.clear();
      expect(set.take()).toBe(-1);
    }),
  );
});
