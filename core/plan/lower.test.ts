import { describe, expect, test } from "vitest";
import { check } from "../check/check.ts";
import { type ConstantValue, typeWidth } from "../schema/schema.ts";
import { Diagnostics } from "../source/diagnostics.ts";
import { parse } from "../syntax/parse.ts";
import { lower } from "./lower.ts";
import {
  type Condition,
  type Count,
  type CountOperand,
  conditionOf,
  isRef,
  type Plan,
  type Ref,
  type Step,
} from "./plan.ts";

const DECLARATIONS = `enum Risk: low < high
type Person:
  name: string
  tags: list of tag: string
type Company:
  boss: Person
  size: int
type Level:
  risk: Risk
constant MAX: int = 5
constant ON: bool = true
attributes
  s:  string trusted from header "s"
  i:  int    trusted from header "i"
  f:  float  trusted from header "f"
  b:  bool   trusted from header "b"
  r:  Risk   trusted from header "r"
  ip: ip     trusted from header "ip"
  net: cidr  trusted from header "net"
  it: Company trusted from body "/it"
  people: list of person: Person trusted from body "/people"
  bs: list of bool trusted from header "bs"
  ss: list of string trusted from header "ss"
  nets: list of cidr trusted from header "nets"
  ages: list of age: int trusted from header "ages"
  levels: list of level: Level trusted from body "/levels"
  at: datetime trusted from header "at"
`;

function planOf(text: string): Plan {
  const report = new Diagnostics();
  const checked = check(parse([{ name: "a.ipe", text }], report), report);
  expect(report.list().filter((d) => d.severity === "error")).toEqual([]);
  return lower(checked);
}

function shownOf(condition: string): string {
  const plan = planOf(`${DECLARATIONS}policy A:\n  requires ${condition}\n`);
  const cells = new Map<number, string>();
  for (const { attribute, cell } of plan.slots)
    for (let i = 0; i < typeWidth(attribute.type); i++)
      cells.set(cell + i, i === 0 ? attribute.name : `${attribute.name}+${i}`);
  const ref = ({ frame, cell }: Ref) =>
    frame === 0 ? cells.get(cell)! : frame === 3 ? `t${cell}` : `${frame}.${cell}`;
  const value = (v: ConstantValue) => `${v.kind}:${v.value}`;
  const operand = (o: Ref | ConstantValue) => (isRef(o) ? ref(o) : value(o));
  const count = ({ list, body }: Count) => `#${ref(list)}${body === null ? "" : `{${shown(body)}}`}`;
  const right = (o: CountOperand) =>
    "number" in o ? `${o.number}` : "ref" in o ? ref(o.ref) : count(o.count);
  const step = (s: Step): string => {
    switch (s.kind) {
      case "number":
        return `t${s.into} = ${value(s.value)}`;
      case "lower":
        return `t${s.into} = lower ${ref(s.ref)}`;
      case "lookup":
        return `t${s.into} = ${s.map.name}[${ref(s.ref)}]`;
      case "tally":
        return `t${s.into} = ${count(s.count)}`;
      case "sum":
      case "min":
      case "max":
        return `t${s.into} = ${s.kind} ${count(s.count)}.${s.field}`;
      default:
        return `t${s.into} = ${ref(s.left)} ${s.kind} ${ref(s.right)}`;
    }
  };
  const shown = (c: Condition): string => {
    switch (c.kind) {
      case "and":
      case "or":
        return `(${c.parts.map(shown).join(` ${c.kind} `)})`;
      case "not":
        return `!${shown(c.operand)}`;
      case "constant":
        return `${c.value}`;
      case "exists":
        return `exists ${ref(c.ref)}`;
      case "truth":
        return ref(c.ref);
      case "compare":
        return `${ref(c.left)} ${c.order} ${operand(c.right)}`;
      case "text":
        return `${ref(c.left)} ${c.test} ${operand(c.right)}`;
      case "matches":
        return `${ref(c.ref)} matches ${c.automaton.states} states`;
      case "in-set":
        return `${ref(c.ref)} in {${c.set.map(value).join(", ")}}`;
      case "in-cidr":
        return `${ref(c.ref)} in-cidr ${ref(c.network)}`;
      case "in-cidrs":
        return `${ref(c.ref)} in-cidrs ${ref(c.list)}`;
      case "has":
        return `${ref(c.list)} has ${operand(c.value)}`;
      case "any":
      case "all":
        return `${c.kind} ${ref(c.list)}{${shown(c.body)}}`;
      case "hours":
        return `${ref(c.ref)} in hours ${c.hours.days} ${c.hours.from}-${c.hours.to}`;
      case "computing":
        return `[${c.steps.map(step).join("; ")}] ${shown(c.test)}`;
      case "count":
        return `${count(c.left)} ${c.order} ${right(c.right)}`;
    }
  };
  return shown(conditionOf(plan.policies[0]!.requirement!));
}

describe("sugar", () => {
  test.each([
    // > and >= are the negations of <= and <.
    ["i > 1", "!i le int:1"],
    ["i >= 1", "!i lt int:1"],
    ["i != 1", "!i eq int:1"],
    // With a constant on the left the sides are exchanged.
    ["1 < i", "!i le int:1"],
    ["1 <= i", "!i lt int:1"],
    ["1 > i", "i lt int:1"],
    ["1 >= i", "i le int:1"],
    ["1 == i", "i eq int:1"],
    ["MAX < i", "!i le int:5"],
    ["i < f", "i lt f"],
    ["f == 1", "f eq float:1"],
    ['r >= "high"', "!r lt enum:high"],
    // Truth values.
    ["b", "b"],
    ["not b", "!b"],
    ["b == true", "b"],
    ["b == false", "!b"],
    ["b != true", "!b"],
    ["false != b", "!!b"],
    ["b == ON", "b"],
    ["ON", "true"],
    ["true", "true"],
    // Texts.
    ['s starts_with "a"', "s starts string:a"],
    ["s contains s", "s contains s"],
    // in
    ['s in ["a"]', "s eq string:a"],
    ['s in ["a", "b"]', "s in {string:a, string:b}"],
    ['s in ["a", s, "b"]', "(s in {string:a, string:b} or s eq s)"],
    ["s in []", "!s eq s"],
    ["b in [true, false]", "(b or !b)"],
    ["s in ss", "ss has s"],
    ['ss contains "a"', "ss has string:a"],
    ['ip in "10.0.0.0/8"', "ip in {cidr:10.0.0.0/8}"],
    ['ip in ["10.0.0.1", net]', "(ip in {ip:10.0.0.1} or ip in-cidr net)"],
    ["ip in net", "ip in-cidr net"],
    ["ip in nets", "ip in-cidrs nets"],
    ["nets contains ip", "ip in-cidrs nets"],
    ['ip == "10.0.0.1"', "ip eq ip:10.0.0.1"],
    // Fields are cells behind their record's.
    ['it.boss.name == "a"', "it+2 eq string:a"],
    ["it.boss.tags.count > 1", "!#it+3 le 1"],
    ["exists it.boss", "exists it+1"],
    ["it.size == 1", "it+4 eq int:1"],
    // Computed values.
    ["i + 1 > 5", "![t0 = int:1; t0 = i add t0] t0 le int:5"],
    ["5 < i * i - 2", "![t0 = i multiply i; t1 = int:2; t0 = t0 subtract t1] t0 le int:5"],
    ["i in [2 * MAX, f - 1]", "(i eq int:10 or [t0 = int:1; t0 = f subtract t0] i eq t0)"],
    ['lower(s) in ["a", "b"]', "[t0 = lower s] t0 in {string:a, string:b}"],
    ['s == lower("ÄB")', "s eq string:Äb"],
    ["lower(s) starts_with lower(it.boss.name)", "[t0 = lower s; t1 = lower it+2] t0 starts t1"],
    ["people.count + 1 == i", "[t0 = #people; t1 = int:1; t0 = t0 add t1] t0 eq i"],
    ["people.count > i + 1", "![t0 = int:1; t0 = i add t0] #people le t0"],
    [
      "i + 1 in 2..people.count",
      "(![t0 = int:1; t0 = i add t0] t0 lt int:2 and [t0 = int:1; t0 = i add t0; t1 = #people] t0 le t1)",
    ],
    ["sum(ages where age > 1) < 5", "[t0 = sum #ages{!1.0 le int:1}.0] t0 lt int:5"],
    ['max(levels.risk) == "low"', "[t0 = max #levels.1] t0 eq enum:low"],
    ["time_until(at) > 1h", "![t0 = at subtract request.time] t0 le duration:3600000"],
    ["now > at + 2 * 30m", "![t0 = duration:3600000; t0 = at add t0] request.time le t0"],
    // Aggregates.
    ["people.count >= 2 where person.name == s", "!#people{1.1 eq s} lt 2"],
    ["2 <= people.count", "!#people lt 2"],
    ["people.count == ss.count", "#people eq #ss"],
    ["i < people.count", "!#people le i"],
    ["people.count in [1, i]", "(#people eq 1 or #people eq i)"],
    ["people.count in []", "#people lt 0"],
    ["any(bs)", "any bs{1.0}"],
    ["all(bs) and any(people where b)", "(all bs{1.0} and any people{b})"],
    ["any(people where any(person.tags where tag == person.name))", "any people{any 1.2{2.0 eq 1.1}}"],
    ["all(people where count(person.tags where tag == s) > 1)", "all people{!#1.2{2.0 eq s} le 1}"],
  ])("%s", (input, want) => {
    expect(shownOf(input)).toBe(want);
  });
});

describe("policies", () => {
  const names = (text: string) => planOf(text).policies.map((p) => p.name);

  test("are in order of severity, then of their names by bytes", () => {
    const policy = (name: string, severity: string) =>
      `policy ${name}:\n  allows\n${severity === "" ? "" : `  metadata\n    severity: ${severity}\n`}`;
    const text =
      policy("b", "") +
      policy("a", "medium") +
      policy("B", "") +
      policy("i", "info") +
      policy("l", "low") +
      policy("h", "high") +
      policy("c", "critical");
    expect(names(text)).toEqual(["c", "h", "B", "a", "b", "l", "i"]);
  });

  test("have what was written, and defaults for the rest", () => {
    const plan = planOf(
      'policy A:\n  allows\nguard B:\n  "why"\n  denies with reason "r"\n  on deny\n    status 404\n    body ""\n  metadata\n    mode: permissive\n    x: y\n',
    );
    expect(plan.policies[0]).toEqual({
      name: "A",
      set: null,
      intent: null,
      kind: "policy",
      mode: "enforce",
      severity: "medium",
      effect: "allows",
      trigger: null,
      requirement: null,
      denyStatus: null,
      denyBody: null,
      denyBodyParts: [],
      denyBodyIsJson: false,
      reason: null,
      obligations: [],
      metadata: [],
      expires: null,
      offWhenExpired: false,
      limits: [],
      limiterFailure: "local",
    });
    expect(plan.policies[1]).toMatchObject({
      intent: "why",
      kind: "guard",
      mode: "permissive",
      reason: "r",
      denyStatus: 404,
      denyBody: "",
      metadata: [
        { key: "mode", value: "permissive" },
        { key: "x", value: "y" },
      ],
    });
  });

  test("headers are in lower case", () => {
    const [policy] = planOf(
      'policy A:\n  allows\n  on allow\n    set request header "X-Ok" to "Yes"\n',
    ).policies;
    expect(policy!.obligations).toEqual([{ kind: "set-request", name: "x-ok", value: "Yes", parts: [] }]);
  });
});

test("places and reads are those of the text", () => {
  const text =
    'attributes\n  a: string trusted from header "a"\n  c: string trusted from header "c"\npolicy P: "é👍" triggers when not (c == "x"\n      or a == c) and\n  connection.mtls\n  denies\n';
  const [policy] = planOf(text).policies;
  expect(policy!.trigger).toMatchObject({
    kind: "and",
    parts: [
      {
        kind: "not",
        place: { text: 'not (c == "x"\n      or a == c)', line: 4, column: 30 },
        reads: [{ name: "a" }, { name: "c" }],
        operand: {
          kind: "or",
          parts: [
            { kind: "leaf", place: { text: 'c == "x"', line: 4, column: 35 }, reads: [{ name: "c" }] },
            { kind: "leaf", place: { text: "a == c", line: 5, column: 10 } },
          ],
        },
      },
      { kind: "leaf", place: { text: "connection.mtls", line: 6, column: 3 } },
    ],
  });
});

test("slots: declared ones in order, then the built-ins that are read", () => {
  const plan = planOf(
    `${DECLARATIONS}policy A:\n  requires request.path == "/" and request.method == "GET"\n`,
  );
  expect(plan.slots.map((slot) => slot.attribute.name).slice(-3)).toEqual([
    "at",
    "request.method",
    "request.path",
  ]);
  expect(plan.slots.map((slot) => slot.cell)).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19, 20,
  ]);
});
