import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conditionArbitrary, factsArbitrary, truthOf } from "../bytecode/kleene.fixture.ts";
import { element, planOf, policyOf, programOf, ref } from "../bytecode/plan.fixture.ts";
import { type Condition, conditionOf, type PlanNode, type PlanPolicy } from "../plan/plan.ts";
import { Engine } from "./engine.ts";
import { requestOf } from "./suites/index.fixture.ts";
import type { ConditionTree } from "./tree.ts";

let line = 0;

/** A leaf that tests a bool, with its name as text. */
function flag(name: string): PlanNode {
  return leafOf({ kind: "truth", ref: ref(name) }, name);
}

function leafOf(condition: Condition, ...names: string[]): PlanNode {
  line++;
  const reads = names.map((name) => ({ cell: ref(name).cell, name }));
  return { kind: "leaf", condition, place: { text: names.join(" "), line, column: 3 }, reads };
}

function not(operand: PlanNode, ...names: string[]): PlanNode {
  line++;
  const reads = names.map((name) => ({ cell: ref(name).cell, name }));
  return { kind: "not", operand, place: { text: `not ${names.join(" ")}`, line, column: 3 }, reads };
}

function group(kind: "and" | "or", ...parts: PlanNode[]): PlanNode {
  return { kind, parts };
}

function engineOf(differences: Partial<PlanPolicy>): Engine {
  return new Engine(programOf(planOf([policyOf(differences)])));
}

function requiring(requirement: PlanNode): Engine {
  return engineOf({ effect: "requires", requirement });
}

/** Texts of the failed conditions, missing and invalid names of the only policy. */
function reasons(engine: Engine, facts: Readonly<Record<string, unknown>>): [string[], string[], string[]] {
  const [report] = engine.explain(requestOf(facts)).policies;
  return [report!.failed.map(({ text }) => text), [...report!.missing], [...report!.invalid]];
}

describe("what failed", () => {
  const both = group("and", flag("flag"), flag("flag2"));
  const either = group("or", flag("flag"), flag("flag2"));
  const nested = group(
    "or",
    group("and", flag("flag"), flag("flag2")),
    leafOf({ kind: "exists", ref: ref("text") }, "text"),
  );

  it.each<[string, PlanNode, object, [string[], string[], string[]]]>([
    ["the part of an and that is false", both, { flag: true, flag2: false }, [["flag2"], [], []]],
    ["all parts of an and that are not true", both, { flag: false }, [["flag", "flag2"], ["flag2"], []]],
    ["all parts of an or", either, { flag: false, flag2: 5 }, [["flag", "flag2"], [], ["flag2"]]],
    ["nothing where it is satisfied", either, { flag: true }, [[], [], []]],
    [
      "nothing of an and in an or but what failed",
      nested,
      { flag: true },
      [["flag2", "text"], ["flag2", "text"], []],
    ],
    [
      "names once, sorted by bytes",
      group(
        "and",
        leafOf({ kind: "compare", order: "eq", left: ref("text2"), right: ref("text") }, "text2", "text"),
        leafOf({ kind: "exists", ref: ref("text") }, "text"),
      ),
      {},
      [["text2 text", "text"], ["text", "text2"], []],
    ],
    ["a not whole", not(flag("flag"), "flag"), { flag: true }, [["not flag"], [], []]],
    [
      "a not whole, with what it reads",
      not(either, "flag", "flag2"),
      { flag2: "x" },
      [["not flag flag2"], ["flag"], ["flag2"]],
    ],
    [
      "a field of a record that is absent",
      leafOf({ kind: "exists", ref: ref("home.street") }, "home.street"),
      { home: {} },
      [["home.street"], ["home.street"], []],
    ],
    [
      "a field of a record that is invalid",
      leafOf(
        { kind: "compare", order: "lt", left: ref("home.number"), right: ref("int") },
        "home.number",
        "int",
      ),
      { home: 7, int: 1 },
      [["home.number int"], [], ["home.number"]],
    ],
  ])("%s", (_, requirement, facts, want) => {
    expect(reasons(requiring(requirement), facts as Record<string, unknown>)).toEqual(want);
  });

  it("of the trigger where that is unknown, of nothing where it denies or does not apply", () => {
    const engine = engineOf({ trigger: both });
    expect(reasons(engine, { flag: true })).toEqual([["flag2"], ["flag2"], []]);
    expect(reasons(engine, { flag: true, flag2: true })).toEqual([[], [], []]);
    expect(reasons(engine, { flag: false })).toEqual([[], [], []]);
  });

  it("of the requirement alone where the trigger holds", () => {
    const engine = engineOf({ effect: "requires", trigger: flag("flag"), requirement: flag("flag2") });
    expect(reasons(engine, { flag: true })).toEqual([["flag2"], ["flag2"], []]);
    expect(reasons(engine, { flag2: true })).toEqual([["flag"], ["flag"], []]);
  });

  it("with the place in the text", () => {
    const requirement = flag("flag");
    const [report] = requiring(requirement).explain(requestOf({})).policies;
    expect(report!.failed).toEqual([{ text: "flag", line, column: 3 }]);
  });
});

describe("trees", () => {
  const treeOf = (requirement: PlanNode, facts: object): ConditionTree =>
    requiring(requirement).trees(requestOf(facts as Record<string, unknown>), "Case")!.requirement!;

  it("a test that is false whatever its unknown parts are is false", () => {
    const flags: Condition = {
      kind: "all",
      list: ref("flags"),
      body: { kind: "truth", ref: element(ref("flags"), 1) },
    };
    expect(treeOf(leafOf(flags, "flags"), { flags: [null, false] }).truth).toBe("false");
    expect(treeOf(leafOf(flags, "flags"), { flags: [null, true] }).truth).toBe("unknown");
  });

  it("null for what is not there", () => {
    const engine = requiring(flag("flag"));
    expect(engine.trees(requestOf({}), "Other")).toBeNull();
    expect(engine.trees(requestOf({}), "Case")!.trigger).toBeNull();
  });

  it("truth of every node, without short-circuit", () => {
    const tree = treeOf(
      group("or", flag("flag"), not(flag("flag2"), "flag2"), group("and", flag("flag2"), flag("flag"))),
      { flag: true },
    );
    const truths = (node: ConditionTree): unknown[] => [node.kind, node.truth, ...node.children.map(truths)];
    expect(truths(tree)).toEqual([
      "or",
      "true",
      ["leaf", "true"],
      ["not", "unknown", ["leaf", "unknown"]],
      ["and", "unknown", ["leaf", "unknown"], ["leaf", "true"]],
    ]);
  });

  it.each<[string, unknown, string, string | null]>([
    ["text", 'a\n"b"', "present", '"a\\n\\"b\\""'],
    ["text", undefined, "absent", null],
    ["text", 5, "invalid", null],
    ["int", -7, "present", "-7"],
    ["float", 1e21, "present", "1e+21"],
    ["flag", true, "present", "true"],
    ["flag", false, "present", "false"],
    ["colour", "green", "present", '"green"'],
    ["colour", "black", "invalid", null],
    ["ip", "10.0.0.1", "present", "10.0.0.1"],
    ["net", "10.0.0.0/8", "present", "10.0.0.0/8"],
    ["texts", ["a", null, 5], "present", '["a", ?, ?]'],
    ["ints", Array.from({ length: 10 }, (_, i) => i), "present", "[0, 1, 2, 3, 4, 5, 6, 7, 2 more]"],
    ["ints", [1, 2, 3, 4, 5, 6, 7, 8], "present", "[1, 2, 3, 4, 5, 6, 7, 8]"],
    ["texts", "a", "invalid", null],
    ["home", { street: "s" }, "present", '{street: "s", number: null}'],
    ["home", { street: 1, number: 2 }, "present", "{street: ?, number: 2}"],
    ["home", [], "invalid", null],
    [
      "items",
      [{ name: "n", cost: 1, ok: false, tags: ["t"], parts: [{ name: "p" }] }, "x"],
      "present",
      '[{name: "n", cost: 1, ok: false, tags: ["t"], parts: [{name: "p", cost: null}]}, ?]',
    ],
  ])("show %s %j as %s %j", (name, value, state, shown) => {
    const tree = treeOf(leafOf({ kind: "exists", ref: ref(name) }, name), { [name]: value });
    expect(tree.reads).toEqual([{ name, state, value: shown }]);
  });

  it.each(["2001:db8::1", "::", "::1", "fe80:0:1::"])(
    "show the v6 address %s so that it is read again",
    (ip) => {
      const [read] = treeOf(leafOf({ kind: "exists", ref: ref("ip") }, "ip"), { ip }).reads;
      const engine = requiring(leafOf({ kind: "compare", order: "eq", left: ref("ip"), right: ref("ip2") }));
      expect(engine.decide(requestOf({ ip, ip2: read!.value })).allow).toBe(true);
    },
  );
});

describe("the tree's truth is that of the condition", () => {
  /** A node for each `and`, `or` and `not`. */
  function nodeOf(condition: Condition): PlanNode {
    if (condition.kind === "and" || condition.kind === "or")
      return group(condition.kind, ...condition.parts.map(nodeOf));
    if (condition.kind === "not") return not(nodeOf(condition.operand));
    return { kind: "leaf", condition, place: { text: "leaf", line: 1, column: 1 }, reads: [] };
  }

  it("for random conditions and facts, and the decision agrees with it", () => {
    fc.assert(
      fc.property(conditionArbitrary(2), fc.array(factsArbitrary, { maxLength: 5 }), (condition, all) => {
        const node = nodeOf(condition);
        expect(conditionOf(node)).toEqual(condition);
        const whole: PlanNode = {
          kind: "leaf",
          condition,
          place: { text: "leaf", line: 1, column: 1 },
          reads: [],
        };
        for (const engine of [requiring(node), requiring(whole)]) {
          for (const facts of all) {
            const truth = truthOf(condition, facts);
            const request = requestOf(facts);
            const tree = engine.trees(request, "Case")!.requirement!;
            expect(tree.truth).toBe(truth === null ? "unknown" : String(truth));
            const { decision, policies } = engine.explain(request);
            expect(policies[0]!.outcome).toBe(truth === true ? "satisfied" : "unsatisfied");
            expect(policies[0]!.failed.length > 0).toBe(truth !== true);
            expect(engine.decide(request)).toBe(decision);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
