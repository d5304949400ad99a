import { describe, expect, test } from "vitest";
import { type Decision, NO_EFFECTS } from "../../core/decision/decision.ts";
import { documentOf } from "./document.ts";
import { evaluate } from "./reference.ts";
import { INVALID, present, type Value } from "./values.ts";

const ATTRIBUTES = `
type Approver:
  role: string
  weight: int?
attributes
  x: bool trusted from body "/x"
  y: bool trusted from body "/y"
  z: bool trusted from body "/z"
  approvals: list of approver: Approver trusted from body "/approvals"
  lead: Approver trusted from body "/lead"
  none: string? trusted from body "/none"
`;
const [yes, no] = [present(true), present(false)];
const ORDINARY = {
  "request.method": present("GET"),
  "request.path": present("/"),
  "request.host": present("a"),
};

function decided(policies: string, values: Readonly<Record<string, Value>>): Decision {
  return evaluate(documentOf(ATTRIBUTES + policies), new Map(Object.entries({ ...ORDINARY, ...values })))
    .decision;
}

describe("outcomes", () => {
  const requires = "policy P:\n  triggers when x\n  requires y\n";
  test.each([
    ["requirement true", requires, { x: yes, y: yes }, "satisfied"],
    ["requirement false", requires, { x: yes, y: no }, "unsatisfied"],
    ["requirement unknown", requires, { x: yes }, "unsatisfied"],
    ["trigger false", requires, { x: no, y: INVALID }, "not-applicable"],
    ["trigger unknown", requires, { y: yes }, "indeterminate"],
    ["trigger invalid", requires, { x: INVALID, y: yes }, "indeterminate"],
    ["no trigger", "policy P:\n  requires y\n", { y: yes }, "satisfied"],
    ["allows", "policy P:\n  triggers when x\n  allows\n", { x: yes }, "satisfied"],
    ["denies", "guard P:\n  triggers when x\n  denies\n", { x: yes }, "denied"],
  ])("%s", (_name, policies, values, want) => {
    const explained = evaluate(documentOf(ATTRIBUTES + policies), new Map(Object.entries<Value>(values)));
    expect(explained.policies[0]!.outcome).toBe(want);
  });
});

describe("the decision", () => {
  const allows = (name: string, more = "") => `policy ${name}:\n  triggers when x\n  allows\n${more}`;
  const denies = (name: string, more = "") => `guard ${name}:\n  triggers when y\n  denies\n${more}`;
  const severity = (level: string) => `  metadata\n    severity: ${level}\n`;
  const permissive = "  metadata\n    mode: permissive\n";
  const denial = { status: 403, body: null, headers: [] };
  test.each<readonly [string, string, Readonly<Record<string, Value>>, Partial<Decision>]>([
    [
      "denies by default",
      allows("A"),
      { x: no },
      { allow: false, reason: { policy: null, outcome: "default" }, denial },
    ],
    [
      "allows for one satisfied policy",
      allows("A"),
      { x: yes },
      { allow: true, reason: { policy: "A", outcome: "satisfied" }, denial: null },
    ],
    [
      "never allows for a satisfied guard",
      "guard G:\n  requires x\n",
      { x: yes },
      { allow: false, reason: { policy: null, outcome: "default" } },
    ],
    [
      "names the first satisfied policy, not a guard",
      `guard A:\n  requires x\n${allows("B")}${allows("C", severity("high"))}`,
      { x: yes },
      { reason: { policy: "C", outcome: "satisfied" } },
    ],
    [
      "denies for one unsatisfied guard",
      `${allows("A")}guard B:\n  requires y\n`,
      { x: yes, y: no },
      { allow: false, reason: { policy: "B", outcome: "unsatisfied" } },
    ],
    [
      "denies where a trigger is unknown",
      `${allows("A")}${denies("B")}`,
      { x: yes },
      { allow: false, reason: { policy: "B", outcome: "indeterminate" } },
    ],
    [
      "puts denied before unsatisfied before indeterminate, whatever the severity",
      `policy A:\n  triggers when z\n  allows\n${severity("critical")}policy B:\n  requires y and z\n${severity("high")}${denies("C", severity("info"))}`,
      { y: yes },
      { reason: { policy: "C", outcome: "denied" } },
    ],
    [
      "puts unsatisfied before indeterminate",
      `policy A:\n  triggers when z\n  allows\n${severity("critical")}policy B:\n  requires y and z\n`,
      { y: yes },
      { reason: { policy: "B", outcome: "unsatisfied" } },
    ],
    [
      "orders by severity, then by name",
      `${denies("b")}${denies("a")}${denies("B")}${denies("C", severity("low"))}`,
      { y: yes },
      { reason: { policy: "B", outcome: "denied" } },
    ],
    [
      "takes no severity as medium",
      `${denies("A", severity("low"))}${denies("Z")}`,
      { y: yes },
      { reason: { policy: "Z", outcome: "denied" } },
    ],
    [
      "gives permissive policies no vote",
      `${allows("A", permissive)}${denies("B", permissive)}`,
      { x: yes, y: yes },
      { allow: false, reason: { policy: null, outcome: "default" } },
    ],
    [
      "answers with the winner's status and body",
      denies("A", '  on deny\n    status 404\n    body "no"\n'),
      { y: yes },
      { denial: { status: 404, body: "no", headers: [] } },
    ],
    [
      "answers 403 where only a body is given",
      denies("A", '  on deny\n    body "no"\n'),
      { y: yes },
      { denial: { status: 403, body: "no", headers: [] } },
    ],
    [
      "allows by default where declared",
      `default allow\n${allows("A")}`,
      { x: no },
      { allow: true, reason: { policy: null, outcome: "default" } },
    ],
    [
      "never covers an invalid method",
      `default allow\n${allows("A")}`,
      { x: no, "request.method": INVALID },
      { allow: false, reason: { policy: null, outcome: "default" } },
    ],
    [
      "never covers an invalid host",
      `default allow\n${allows("A")}`,
      { x: no, "request.host": INVALID },
      { allow: false },
    ],
    [
      "never covers an invalid path",
      `default allow\n${allows("A")}`,
      { x: no, "request.path": INVALID },
      { allow: false },
    ],
    [
      "covers a missing host",
      `default allow\n${allows("A")}`,
      { x: no, "request.host": { state: "absent" } },
      { allow: true },
    ],
  ])("%s", (_name, policies, values, want) => {
    expect(decided(policies, values)).toMatchObject(want);
  });
});

describe("obligations", () => {
  const setter = (name: string, trigger: string, header: string, value: string, more = "") =>
    `policy ${name}:\n  triggers when ${trigger}\n  allows\n  on allow\n    set request header "${header}" to "${value}"\n${more}`;
  const both = { x: yes, y: yes };

  test("of all satisfied policies apply, by name", () => {
    const { setRequestHeaders } = decided(
      setter("A", "x", "X-B", "1") + setter("B", "y", "x-a", "2") + setter("C", "z", "x-c", "3"),
      { ...both, z: no },
    );
    expect(setRequestHeaders).toEqual([
      { name: "x-a", value: "2" },
      { name: "x-b", value: "1" },
    ]);
  });
  test("that are equal merge", () => {
    expect(
      decided(setter("A", "x", "X-B", "1") + setter("B", "y", "x-b", "1"), both).setRequestHeaders,
    ).toEqual([{ name: "x-b", value: "1" }]);
  });
  test("that differ deny", () => {
    const decision = decided(setter("A", "x", "X-B", "1") + setter("B", "y", "x-b", "2"), both);
    expect(decision).toEqual({
      allow: false,
      reason: { policy: null, outcome: "obligation-conflict" },
      setRequestHeaders: [],
      removeRequestHeaders: [],
      limits: [],
      ...NO_EFFECTS,
      denial: { status: 403, body: null, headers: [] },
    });
  });
  test("of permissive policies do not count", () => {
    const decision = decided(
      setter("A", "x", "x-b", "1") + setter("B", "y", "x-b", "2", "  metadata\n    mode: permissive\n"),
      both,
    );
    expect(decision.setRequestHeaders).toEqual([{ name: "x-b", value: "1" }]);
  });
});

describe("reasons", () => {
  const explained = (condition: string, values: Readonly<Record<string, Value>>) => {
    const text = `${ATTRIBUTES}policy P: "日本😀" requires ${condition}\n`;
    const line = ATTRIBUTES.split("\n").length;
    const start = 'policy P: "日本😀" requires '.length;
    const { failed, missing, invalid } = evaluate(documentOf(text), new Map(Object.entries(values)))
      .policies[0]!;
    expect(failed.every((f) => f.line === line)).toBe(true);
    // Columns count code points, and the emoji before them is one: one less than in UTF-16.
    return { failed: failed.map((f) => `${f.text} @${f.column - start}`), missing, invalid };
  };
  test.each<
    readonly [
      string,
      Readonly<Record<string, Value>>,
      { failed: string[]; missing: string[]; invalid: string[] },
    ]
  >([
    ["x and y", { x: yes, y: yes }, { failed: [], missing: [], invalid: [] }],
    [
      "x and y and z",
      { x: yes, y: no, z: INVALID },
      { failed: ["y @6", "z @12"], missing: [], invalid: ["z"] },
    ],
    ["x and (y or z)", { x: yes, y: no }, { failed: ["y @7", "z @12"], missing: ["z"], invalid: [] }],
    ["y or (x and z)", { x: yes, y: no, z: no }, { failed: ["y @0", "z @12"], missing: [], invalid: [] }],
    ["not (x and y)", { x: yes }, { failed: ["not (x and y) @0"], missing: ["y"], invalid: [] }],
    ["not x or false", { x: yes }, { failed: ["not x @0", "false @9"], missing: [], invalid: [] }],
    ["(x == y)", { x: yes }, { failed: ["x == y @1"], missing: ["y"], invalid: [] }],
    ["exists none", {}, { failed: ["exists none @0"], missing: ["none"], invalid: [] }],
    [
      "z and approvals.count >= 2 where approver.role == none",
      { z: yes },
      { failed: ["approvals.count >= 2 @6"], missing: ["approvals", "none"], invalid: [] },
    ],
    [
      'count(approvals where approver.role == "a" and y) >= 2',
      { approvals: present([INVALID]), y: INVALID },
      { failed: ['count(approvals where approver.role == "a" and y) >= 2 @0'], missing: [], invalid: ["y"] },
    ],
    [
      "lead.weight > 1",
      { lead: present(new Map([["role", present("a")]])) },
      { failed: ["lead.weight > 1 @0"], missing: ["lead.weight"], invalid: [] },
    ],
    [
      "lead.weight > 1 and exists lead",
      { lead: INVALID },
      { failed: ["lead.weight > 1 @0", "exists lead @20"], missing: [], invalid: ["lead", "lead.weight"] },
    ],
    [
      'lead.role in ["a", none]',
      {},
      { failed: ['lead.role in ["a", none] @0'], missing: ["lead.role", "none"], invalid: [] },
    ],
  ])("%s with %j", (condition, values, want) => {
    expect(explained(condition, values)).toEqual(want);
  });

  test("of an indeterminate policy come from its trigger", () => {
    const text = `${ATTRIBUTES}policy P:\n  triggers when x and y\n  requires z\n`;
    const report = evaluate(documentOf(text), new Map([["x", yes]])).policies[0]!;
    expect(report).toMatchObject({
      outcome: "indeterminate",
      failed: [{ text: "y" }],
      missing: ["y"],
      invalid: [],
    });
  });

  test.each([
    ["denied", "guard P:\n  triggers when x\n  denies\n"],
    ["not-applicable", "policy P:\n  triggers when not x\n  requires y\n"],
    ["satisfied", "policy P:\n  requires x or y\n"],
  ])("are empty for %s", (outcome, policy) => {
    const report = evaluate(documentOf(ATTRIBUTES + policy), new Map([["x", yes]])).policies[0]!;
    expect(report).toMatchObject({ outcome, failed: [], missing: [], invalid: [] });
  });
});
