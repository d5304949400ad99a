import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { constant, leaf, planOf, policyOf, programOf, ref } from "../bytecode/plan.fixture.ts";
import type { Program } from "../bytecode/program.ts";
import { type Decision, type HeaderValue, NO_EFFECTS, type Outcome } from "../decision/decision.ts";
import type { Condition, PlanPolicy } from "../plan/plan.ts";
import { Engine } from "./engine.ts";
import { requestOf } from "./suites/index.fixture.ts";

const TRUE: Condition = { kind: "constant", value: true };
const FALSE: Condition = { kind: "constant", value: false };
/** No request of this file has it. */
const UNKNOWN: Condition = { kind: "truth", ref: ref("flag") };

type Wanted = Exclude<Outcome, "expired">;

/** A policy that comes to an outcome, whatever the request. */
function coming(outcome: Wanted, differences: Partial<PlanPolicy> = {}): PlanPolicy {
  const kind = differences.kind ?? "policy";
  const effects: Record<Wanted, Partial<PlanPolicy>> = {
    denied: { effect: "denies", trigger: leaf(TRUE) },
    satisfied: kind === "guard" ? { effect: "requires", requirement: leaf(TRUE) } : { effect: "allows" },
    unsatisfied: { effect: "requires", requirement: leaf(FALSE) },
    indeterminate: { effect: "denies", trigger: leaf(UNKNOWN) },
    "not-applicable": { effect: "denies", trigger: leaf(FALSE) },
  };
  return policyOf({ kind, ...effects[outcome], ...differences });
}

/** By severity, then name: names in order of the list. */
function named(policies: readonly PlanPolicy[]): PlanPolicy[] {
  return policies.map((policy, i) => ({ ...policy, name: `P${String(i).padStart(2, "0")}` }));
}

function engineOf(policies: readonly PlanPolicy[], defaultAllow = false): Engine {
  return new Engine(programOf(planOf(named(policies), defaultAllow)));
}

const REQUEST = requestOf({});

/** Decision of decide; explain must tell the same. */
function decide(engine: Engine, request = REQUEST): Decision {
  const decision = engine.decide(request);
  expect(engine.explain(request).decision).toEqual(decision);
  expect(engine.decide(request)).toBe(decision);
  return decision;
}

function reason(decision: Decision): string {
  return `${decision.allow ? "allow" : "deny"} ${decision.reason.policy ?? "-"} ${decision.reason.outcome}`;
}

describe("one denial wins", () => {
  it.each<[string, Wanted[], string]>([
    ["denied before unsatisfied", ["unsatisfied", "denied"], "deny P01 denied"],
    ["denied before indeterminate", ["indeterminate", "denied"], "deny P01 denied"],
    ["unsatisfied before indeterminate", ["indeterminate", "unsatisfied"], "deny P01 unsatisfied"],
    ["each before satisfied", ["satisfied", "indeterminate"], "deny P01 indeterminate"],
    ["the first of two that deny", ["satisfied", "denied", "denied"], "deny P01 denied"],
    ["the first of two unsatisfied", ["unsatisfied", "unsatisfied", "indeterminate"], "deny P00 unsatisfied"],
    [
      "the first of two indeterminate",
      ["not-applicable", "indeterminate", "indeterminate"],
      "deny P01 indeterminate",
    ],
    [
      "the first satisfied where none denies",
      ["not-applicable", "satisfied", "satisfied"],
      "allow P01 satisfied",
    ],
    ["default where none has a word", ["not-applicable", "not-applicable"], "deny - default"],
    ["default where there is none", [], "deny - default"],
  ])("%s", (_, outcomes, want) => {
    expect(reason(decide(engineOf(outcomes.map((outcome) => coming(outcome)))))).toBe(want);
  });

  it("by severity before name", () => {
    const policies = [
      coming("denied", { name: "Z", severity: "critical" }),
      coming("denied", { name: "A", severity: "info" }),
    ];
    expect(reason(decide(new Engine(programOf(planOf(policies)))))).toBe("deny Z denied");
  });
});

describe("guards and permissive policies", () => {
  it.each<[string, PlanPolicy[], string]>([
    ["a satisfied guard allows nothing", [coming("satisfied", { kind: "guard" })], "deny - default"],
    [
      "a guard denies",
      [coming("unsatisfied", { kind: "guard" }), coming("satisfied")],
      "deny P00 unsatisfied",
    ],
    ["permissive has no vote for", [coming("satisfied", { mode: "permissive" })], "deny - default"],
    [
      "permissive has no vote against",
      [
        coming("denied", { mode: "permissive" }),
        coming("indeterminate", { mode: "permissive" }),
        coming("satisfied"),
      ],
      "allow P02 satisfied",
    ],
  ])("%s", (_, policies, want) => {
    expect(reason(decide(engineOf(policies)))).toBe(want);
  });

  it("permissive policies' headers are not set, but clients' copies are stripped", () => {
    const obligations = [{ kind: "set-request", name: "x-a", value: "1", parts: [] }] as const;
    const engine = engineOf([coming("satisfied", { mode: "permissive", obligations }), coming("satisfied")]);
    expect(decide(engine).setRequestHeaders).toEqual([]);
    expect(engine.headerNames).toEqual(["x-a"]);
  });
});

describe("default allow", () => {
  const engine = engineOf([coming("not-applicable")], true);

  it.each([
    ["a sound request", {}, "allow - default"],
    ["no method", { method: undefined }, "deny - default"],
    ["an invalid method", { method: "GE T" }, "deny - default"],
    ["no path", { target: undefined }, "deny - default"],
    ["an invalid path", { target: "/a/../b" }, "deny - default"],
    ["an invalid host", { host: "a b" }, "deny - default"],
    ["no host, which is not invalid", { host: undefined }, "allow - default"],
  ])("%s", (_, differences, want) => {
    expect(reason(decide(engine, { ...REQUEST, ...differences }))).toBe(want);
  });

  it("a policy that allows allows without a sound path, and one that denies denies", () => {
    const unsound = { ...REQUEST, target: undefined };
    expect(reason(decide(engineOf([coming("satisfied")], true), unsound))).toBe("allow P00 satisfied");
    expect(reason(decide(engineOf([coming("denied")], true), unsound))).toBe("deny P00 denied");
  });
});

it("a trigger that is known whatever its unknown parts are is no indeterminate one", () => {
  const trigger = (kind: "and" | "or", last: Condition) => leaf({ kind, parts: [UNKNOWN, last] });
  expect(reason(decide(engineOf([policyOf({ trigger: trigger("or", TRUE) })])))).toBe("deny P00 denied");
  expect(reason(decide(engineOf([policyOf({ trigger: trigger("and", FALSE) })])))).toBe("deny - default");
  expect(reason(decide(engineOf([policyOf({ trigger: trigger("and", TRUE) })])))).toBe(
    "deny P00 indeterminate",
  );
});

describe("what a denial answers", () => {
  it.each<[string, Partial<PlanPolicy>, { status: number; body: string | null }]>([
    ["403 without a body", {}, { status: 403, body: null }],
    [
      "the configured status and body",
      { denyStatus: 429, denyBody: "slow down" },
      { status: 429, body: "slow down" },
    ],
    ["an empty body", { denyBody: "" }, { status: 403, body: "" }],
  ])("%s", (_, differences, denial) => {
    for (const outcome of ["denied", "unsatisfied", "indeterminate"] as const)
      expect(decide(engineOf([coming(outcome, differences)]))).toEqual({
        allow: false,
        reason: { policy: "P00", outcome },
        setRequestHeaders: [],
        removeRequestHeaders: [],
        limits: [],
        ...NO_EFFECTS,
        denial: { ...denial, headers: [] },
      });
  });
});

describe("headers that an allow sets", () => {
  const setting = (...headers: string[]): PlanPolicy =>
    coming("satisfied", {
      obligations: headers.map((text) => ({
        kind: "set-request",
        name: text.split("=")[0]!,
        value: text.split("=")[1]!,
        parts: [],
      })),
    });

  it.each<[string, PlanPolicy[], string[] | null]>([
    ["of one policy, by name", [setting("x-b=2", "x-a=1")], ["x-a=1", "x-b=2"]],
    [
      "of several",
      [setting("x-b=2"), coming("satisfied"), setting("x-a=1", "x-c=")],
      ["x-a=1", "x-b=2", "x-c="],
    ],
    ["equal ones merge", [setting("x-a=1"), setting("x-a=1", "x-b=2"), setting("x-a=1")], ["x-a=1", "x-b=2"]],
    ["different ones conflict", [setting("x-a=1"), setting("x-b=1"), setting("x-a=2")], null],
    ["an empty value is a value", [setting("x-a="), setting("x-a=2")], null],
    [
      "a conflict stays one, whatever follows",
      [setting("x-a=1"), setting("x-a=2"), setting("x-a=1"), setting("x-b=1")],
      null,
    ],
  ])("%s", (_, policies, want) => {
    const decision = decide(engineOf(policies));
    if (want === null)
      expect(decision).toEqual({
        allow: false,
        reason: { policy: null, outcome: "obligation-conflict" },
        setRequestHeaders: [],
        removeRequestHeaders: [],
        limits: [],
        ...NO_EFFECTS,
        denial: { status: 403, body: null, headers: [] },
      });
    else {
      expect(reason(decision)).toBe("allow P00 satisfied");
      expect(decision.setRequestHeaders.map(({ name, value }) => `${name}=${value}`)).toEqual(want);
    }
  });

  it("none where the request is denied, and no conflict", () => {
    const engine = engineOf([setting("x-a=1"), setting("x-a=2"), coming("unsatisfied")]);
    expect(reason(decide(engine))).toBe("deny P02 unsatisfied");
  });

  it("only of the policies that are satisfied this time", () => {
    const when = (name: string, value: string): PlanPolicy => ({
      ...setting(`x-${name}=${value}`),
      trigger: leaf({
        kind: "compare",
        order: "eq",
        left: ref("text"),
        right: constant({ kind: "string" }, name),
      }),
    });
    const engine = engineOf([when("a", "1"), when("b", "2"), setting("x-c=3")]);
    const headers = (text: string): string[] =>
      decide(engine, requestOf({ text })).setRequestHeaders.map(({ name }) => name);
    for (let again = 0; again < 2; again++) {
      expect(headers("a")).toEqual(["x-a", "x-c"]);
      expect(headers("b")).toEqual(["x-b", "x-c"]);
      expect(headers("c")).toEqual(["x-c"]);
    }
  });
});

// --- everything together, against the rules in few lines ---

const RANKS: readonly Outcome[] = ["denied", "unsatisfied", "indeterminate"];

function wantedOf(policies: readonly PlanPolicy[], outcomes: readonly Outcome[], program: Program): string {
  const votes = policies.flatMap((policy, i) =>
    policy.mode === "enforce" ? [{ policy, outcome: outcomes[i]! }] : [],
  );
  for (const rank of RANKS) {
    const winner = votes.find(({ outcome }) => outcome === rank);
    if (winner !== undefined) return `deny ${winner.policy.name} ${rank}`;
  }
  const allowing = votes.filter(({ policy, outcome }) => outcome === "satisfied" && policy.kind === "policy");
  if (allowing.length === 0) return `${program.defaultAllow ? "allow" : "deny"} - default`;
  const values = new Map<string, Set<string>>();
  for (const { name, value } of allowing.flatMap(({ policy }) => policy.obligations))
    values.set(name, (values.get(name) ?? new Set()).add(value!));
  if ([...values.values()].some((all) => all.size > 1)) return "deny - obligation-conflict";
  const set = [...values].map(([name, [value]]) => `${name}=${value}`).sort();
  return `allow ${allowing[0]!.policy.name} satisfied ${set.join()}`;
}

function told(decision: Decision): string {
  const set = decision.setRequestHeaders.map(({ name, value }: HeaderValue) => `${name}=${value}`);
  return decision.allow && decision.reason.policy !== null
    ? `${reason(decision)} ${set.join()}`
    : reason(decision);
}

const headers = fc.uniqueArray(
  fc.record({
    kind: fc.constant("set-request" as const),
    name: fc.constantFrom("x-a", "x-b", "x-c"),
    value: fc.constantFrom("", "1"),
    parts: fc.constant([]),
  }),
  { selector: ({ name }) => name, maxLength: 2 },
);
const outcome = fc.constantFrom<Wanted[]>(
  "satisfied",
  "satisfied",
  "satisfied",
  "denied",
  "unsatisfied",
  "indeterminate",
  "not-applicable",
);
const policy = fc
  .record({
    outcome,
    mode: fc.constantFrom("enforce" as const, "enforce" as const, "permissive" as const),
    kind: fc.constantFrom("policy" as const, "policy" as const, "guard" as const),
    obligations: headers,
  })
  .map(({ outcome, obligations, ...rest }) => {
    const made = coming(outcome, rest);
    // Only what can allow may set headers.
    const sets = rest.kind === "policy" && made.effect !== "denies";
    return { outcome, policy: sets ? { ...made, obligations } : made };
  });

it("random policies decide by the rules, and explain tells every outcome", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(policy, { maxLength: 6 }), fc.boolean(), (list, defaultAllow) => {
      const policies = named(list.map((each) => each.policy));
      const outcomes = list.map((each) => each.outcome);
      const program = programOf(planOf(policies, defaultAllow));
      const engine = new Engine(program);
      const decision = decide(engine);
      const want = wantedOf(policies, outcomes, program);
      seen.add(want.split(" ").toSpliced(1, 1).slice(0, 2).join(" "));
      expect(told(decision)).toBe(want);
      expect(engine.decideAgain()).toBe(decision);
      expect(
        engine
          .explain(REQUEST)
          .policies.map(({ name, kind, mode, outcome }) => ({ name, kind, mode, outcome })),
      ).toEqual(policies.map(({ name, kind, mode }, i) => ({ name, kind, mode, outcome: outcomes[i] })));
    }),
    { numRuns: 400 },
  );
  expect([...seen].sort()).toEqual([
    "allow default",
    "allow satisfied",
    "deny default",
    "deny denied",
    "deny indeterminate",
    "deny obligation-conflict",
    "deny unsatisfied",
  ]);
});
