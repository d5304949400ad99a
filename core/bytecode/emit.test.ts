import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Condition, Count, Order } from "../plan/plan.ts";
import { createSlotLoader } from "../request/load.ts";
import { Slots } from "../request/slots.ts";
import { Interpreter } from "../runtime/interpreter.ts";
import { requestOf } from "../runtime/suites/index.fixture.ts";
import { and, not, or, triggerCode } from "./conditions.fixture.ts";
import { emitRoutine } from "./emit.ts";
import { conditionArbitrary, type Facts, factsArbitrary, truthOf } from "./kleene.fixture.ts";
import { COLOUR, constant, element, guardOf, RISK, ref } from "./plan.fixture.ts";
import { Pools } from "./pools.ts";

/** The trigger's instructions, blanks made one. */
function code(condition: Condition): string[] {
  return triggerCode(guardOf(condition));
}

const string = (value: string) => constant({ kind: "string" }, value);
const number = (value: number) => constant({ kind: "int" }, value);
const ip = (value: string) => constant({ kind: "ip" }, value);
const cidr = (value: string) => constant({ kind: "cidr" }, value);
const truth = (name: string): Condition => ({ kind: "truth", ref: ref(name) });
const compare = (
  left: string,
  order: Order,
  right: Parameters<typeof constant>[1] | ReturnType<typeof ref>,
): Condition => ({
  kind: "compare",
  order,
  left: ref(left),
  right: typeof right === "object" ? (right as ReturnType<typeof ref>) : constant(ref(left).type, right),
});
const TESTS: readonly [name: string, condition: Condition, line: string][] = [
  ["constant", { kind: "constant", value: true }, "CONSTANT true"],
  ["constant, negated", not({ kind: "constant", value: true }), "CONSTANT false"],
  ["exists", { kind: "exists", ref: ref("items") }, "EXISTS items"],
  ["truth", truth("flag"), "TRUTH flag"],
  ["a field of a record", { kind: "exists", ref: ref("home.number") }, "EXISTS home.number"],
  ["string eq constant", compare("text", "eq", "a"), 'EQ_STRING text, "a"'],
  ["string eq cell", compare("text", "eq", ref("text2")), "EQ_STRINGS text, text2"],
  ["int eq constant", compare("int", "eq", 7), "EQ_NUMBER int, 7"],
  ["int lt constant", compare("int", "lt", 7), "LT_NUMBER int, 7"],
  ["float le constant", compare("float", "le", 0.5), "LE_NUMBER float, 0.5"],
  ["int eq float", compare("int", "eq", ref("float")), "EQ_NUMBERS int, float"],
  ["int lt float", compare("int", "lt", ref("float")), "LT_NUMBERS int, float"],
  ["int le float", compare("int", "le", ref("float")), "LE_NUMBERS int, float"],
  ["bool eq bool", compare("flag", "eq", ref("flag2")), "EQ_NUMBERS flag, flag2"],
  ["member eq", compare("colour", "eq", "green"), 'EQ_MEMBER colour, "green"'],
  ["member lt", compare("risk", "lt", "high"), 'LT_MEMBER risk, "high"'],
  ["member le", compare("risk", "le", "high"), 'LE_MEMBER risk, "high"'],
  ["members lt", compare("risk", "lt", ref("risk2")), "LT_NUMBERS risk, risk2"],
  ["ip eq constant", compare("ip", "eq", "10.0.0.1"), "EQ_ADDRESS ip, 10.0.0.1"],
  ["cidr eq constant", compare("net", "eq", "10.0.0.0/8"), "EQ_ADDRESS net, 10.0.0.0/8"],
  ["ip eq ip", compare("ip", "eq", ref("ip2")), "EQ_ADDRESSES ip, ip2"],
  [
    "starts",
    { kind: "text", test: "starts", left: ref("text"), right: string("a") },
    'STARTS_STRING text, "a"',
  ],
  ["ends", { kind: "text", test: "ends", left: ref("text"), right: string("a") }, 'ENDS_STRING text, "a"'],
  [
    "contains",
    { kind: "text", test: "contains", left: ref("text"), right: string("a") },
    'CONTAINS_STRING text, "a"',
  ],
  [
    "starts with a cell",
    { kind: "text", test: "starts", left: ref("text"), right: ref("text2") },
    "STARTS_STRINGS text, text2",
  ],
  [
    "ends with a cell",
    { kind: "text", test: "ends", left: ref("text"), right: ref("text2") },
    "ENDS_STRINGS text, text2",
  ],
  [
    "contains a cell",
    { kind: "text", test: "contains", left: ref("text"), right: ref("text2") },
    "CONTAINS_STRINGS text, text2",
  ],
  [
    "in strings",
    { kind: "in-set", ref: ref("text"), set: [string("b"), string("a"), string("b")] },
    'IN_STRINGS text, ["a", "b"]',
  ],
  ["in numbers", { kind: "in-set", ref: ref("int"), set: [number(2), number(1)] }, "IN_NUMBERS int, [1, 2]"],
  [
    "in members",
    {
      kind: "in-set",
      ref: ref("risk"),
      set: ["high", "low"].map((m) => constant({ kind: "enum", enum: RISK }, m)),
    },
    'IN_MEMBERS risk, ["low", "high"]',
  ],
  [
    "in one network",
    { kind: "in-set", ref: ref("ip"), set: [cidr("10.0.0.0/8")] },
    "IN_NETWORK ip, 10.0.0.0/8",
  ],
  [
    "in networks",
    { kind: "in-set", ref: ref("ip"), set: [cidr("10.0.0.0/8"), ip("::1")] },
    "IN_NETWORKS ip, [10.0.0.0/8, ::1]",
  ],
  ["in a cidr", { kind: "in-cidr", ref: ref("ip"), network: ref("net") }, "IN_CIDR ip, net"],
  ["in cidrs", { kind: "in-cidrs", ref: ref("ip"), list: ref("nets") }, "IN_CIDRS ip, nets"],
  ["has a string", { kind: "has", list: ref("texts"), value: string("a") }, 'HAS_STRING texts, "a"'],
  ["has a number", { kind: "has", list: ref("ints"), value: number(7) }, "HAS_NUMBER ints, 7"],
  [
    "has a bool",
    { kind: "has", list: ref("flags"), value: constant({ kind: "bool" }, true) },
    "HAS_MEMBER flags, true",
  ],
  [
    "has a member",
    { kind: "has", list: ref("colours"), value: constant({ kind: "enum", enum: COLOUR }, "blue") },
    'HAS_MEMBER colours, "blue"',
  ],
  ["has an ip", { kind: "has", list: ref("ips"), value: ip("::1") }, "HAS_ADDRESS ips, ::1"],
  [
    "has a cidr",
    { kind: "has", list: ref("nets"), value: cidr("10.0.0.0/8") },
    "HAS_ADDRESS nets, 10.0.0.0/8",
  ],
  ["has a cell", { kind: "has", list: ref("texts"), value: ref("text") }, "IN_LIST text, texts"],
];

describe("a test is one instruction", () => {
  it.each(TESTS)("%s", (_, condition, line) => {
    expect(code(condition)).toEqual([`${line} if false -> 2`, "ACCEPT", "REJECT"]);
  });

  it.each(TESTS.filter(([, { kind }]) => kind !== "constant" && kind !== "not"))(
    "%s, negated",
    (_, condition, line) => {
      expect(code(not(condition))).toEqual([`${line} negate, if false -> 2`, "ACCEPT", "REJECT"]);
      expect(code(not(not(condition)))).toEqual([`${line} if false -> 2`, "ACCEPT", "REJECT"]);
    },
  );
});

const [a, b, c] = [truth("flag"), truth("flag2"), { kind: "exists", ref: ref("text") } as Condition];

describe("and, or, not become jumps", () => {
  it.each<[string, Condition, string[]]>([
    ["and", and(a, b), ["TRUTH flag if false -> 3", "TRUTH flag2 if false -> 3"]],
    ["or", or(a, b), ["TRUTH flag if true -> 2", "TRUTH flag2 if false -> 3"]],
    ["not and", not(and(a, b)), ["TRUTH flag negate, if true -> 2", "TRUTH flag2 negate, if false -> 3"]],
    ["not or", not(or(a, b)), ["TRUTH flag negate, if false -> 3", "TRUTH flag2 negate, if false -> 3"]],
    [
      "or in and",
      and(or(a, b), c),
      ["TRUTH flag if true -> 2", "TRUTH flag2 if false -> 4", "EXISTS text if false -> 4"],
    ],
    [
      "and in or",
      or(and(a, b), c),
      ["TRUTH flag if false -> 2", "TRUTH flag2 if true -> 3", "EXISTS text if false -> 4"],
    ],
  ])("%s", (_, condition, lines) => {
    expect(code(condition)).toEqual([...lines, "ACCEPT", "REJECT"]);
  });
});

const items = ref("items");
const costly = (frame: 1 | 2): Condition => ({
  kind: "compare",
  order: "lt",
  left: element(frame === 1 ? items : ref2("parts"), frame, "cost"),
  right: number(3),
});
function ref2(field: string) {
  return element(items, 1, field);
}

describe("aggregates", () => {
  it("any and all with their bodies", () => {
    expect(code({ kind: "any", list: items, body: costly(1) })).toEqual([
      "ANY items, body 1-3 if false -> 5",
      "LT_NUMBER element.cost, 3 if false -> 3",
      "ACCEPT",
      "REJECT",
      "ACCEPT",
      "REJECT",
    ]);
  });

  it("not any is all of the negated body, also one in another", () => {
    const inner: Condition = { kind: "all", list: ref2("parts"), body: costly(2) };
    expect(code(not({ kind: "any", list: items, body: inner }))).toEqual([
      "ALL items, body 1-6 if false -> 8",
      "ANY element.parts, body 2-4 if false -> 6",
      "LT_NUMBER inner.cost, 3 negate, if false -> 4",
      "ACCEPT",
      "REJECT",
      "ACCEPT",
      "REJECT",
      "ACCEPT",
      "REJECT",
    ]);
  });

  const count: Count = { list: ref("texts"), body: null };
  it.each<[string, Condition, string[]]>([
    [
      "a number",
      { kind: "count", order: "eq", left: count, right: { number: 2 } },
      ["COUNT register 0, texts, no body", "EQ_COUNT 2 if false -> 3"],
    ],
    [
      "a fraction",
      { kind: "count", order: "lt", left: count, right: { number: 1.5 } },
      ["COUNT register 0, texts, no body", "LT_COUNT 1.5 if false -> 3"],
    ],
    [
      "at most",
      { kind: "count", order: "le", left: count, right: { number: 2 } },
      ["COUNT register 0, texts, no body", "LE_COUNT 2 if false -> 3"],
    ],
    [
      "a cell",
      { kind: "count", order: "le", left: count, right: { ref: ref("int") } },
      ["COUNT register 0, texts, no body", "LE_COUNT_CELL int if false -> 3"],
    ],
    [
      "a count",
      { kind: "count", order: "lt", left: count, right: { count: { list: ref("ints"), body: null } } },
      ["COUNT register 0, texts, no body", "COUNT register 1, ints, no body", "LT_COUNTS if false -> 4"],
    ],
  ])("count beside %s", (_, condition, lines) => {
    expect(code(condition)).toEqual([...lines, "ACCEPT", "REJECT"]);
    expect(code(not(condition))).toEqual([
      ...lines.slice(0, -1),
      lines.at(-1)!.replace(" if", " negate, if"),
      "ACCEPT",
      "REJECT",
    ]);
  });

  it("the body of a negated count is not negated", () => {
    const condition: Condition = {
      kind: "count",
      order: "lt",
      left: { list: items, body: costly(1) },
      right: { number: 2 },
    };
    expect(code(not(condition))).toEqual([
      "COUNT register 0, items, body 1-3",
      "LT_NUMBER element.cost, 3 if false -> 3",
      "ACCEPT",
      "REJECT",
      "LT_COUNT 2 negate, if false -> 6",
      "ACCEPT",
      "REJECT",
    ]);
  });
});

describe("limits of an instruction", () => {
  it.each<[string, Condition]>([
    ["a jump over more than 65,535", and(...Array.from({ length: 65_537 }, () => a))],
    ["a constant beyond 65,535", or(...Array.from({ length: 65_537 }, (_, i) => compare("int", "eq", i)))],
  ])("%s", (_, condition) => {
    expect(() => emitRoutine(condition, new Pools())).toThrow(
      "more code or constants than one bundle can hold",
    );
  });
});

describe("what the code answers is Kleene's truth of the condition", () => {
  const WANTED = { true: [true, true], false: [false, false], null: [false, true] } as const;

  function answers(condition: Condition, all: readonly Facts[]): (readonly boolean[])[] {
    const program = guardOf(condition);
    const slots = new Slots(program.cellCount);
    const loader = createSlotLoader(program);
    const interpreter = new Interpreter(program, slots);
    return all.map((facts) => {
      loader.load(requestOf(facts), slots);
      return [false, true].map((mode) => interpreter.run(0, mode, 0));
    });
  }

  function agree(condition: Condition, all: readonly Facts[], seen: Set<string>): void {
    const truths = all.map((facts) => String(truthOf(condition, facts)) as keyof typeof WANTED);
    for (const truth of truths) seen.add(truth);
    expect(answers(condition, all)).toEqual(truths.map((truth) => [...WANTED[truth]]));
  }

  it.each(TESTS)("%s, for random facts", (_, condition) => {
    const some = fc.array(factsArbitrary, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(some, (all) => agree(condition, all, new Set())),
      { numRuns: 2 },
    );
  });

  it("for random conditions and facts", () => {
    const seen = new Set<string>();
    const some = fc.array(factsArbitrary, { minLength: 4, maxLength: 8 });
    fc.assert(
      fc.property(conditionArbitrary(3), some, (condition, all) => agree(condition, all, seen)),
      { numRuns: 400 },
    );
    expect([...seen].sort()).toEqual(["false", "null", "true"]);
  });
});
