import { describe, expect, test } from "vitest";
import type { Outcome } from "../../core/decision/decision.ts";
import { documentOf } from "./document.ts";
import { evaluate } from "./reference.ts";
import { ABSENT, type Content, INVALID, present, type Value } from "./values.ts";

const DECLARATIONS = `
enum Risk: low < medium < high
enum Color: red, green
type Approver:
  role: string
  weight: int?
  tags: list of tag: string
resource Order: "/orders/{id}"
constant LIMIT: int = 2
constant OFFICE: cidr = "10.0.0.0/8"
attributes
  s: string trusted from body "/s"
  t: string trusted from body "/t"
  n: int trusted from body "/n"
  f: float trusted from body "/f"
  b: bool trusted from body "/b"
  risk: Risk trusted from body "/risk"
  risk2: Risk trusted from body "/risk2"
  color: Color trusted from body "/color"
  ip: ip trusted from body "/ip"
  net: cidr trusted from body "/net"
  nets: list of cidr trusted from body "/nets"
  ips: list of ip trusted from body "/ips"
  names: list of name: string trusted from body "/names"
  numbers: list of number: int trusted from body "/numbers"
  flags: list of bool trusted from body "/flags"
  approvals: list of approver: Approver trusted from body "/approvals"
  lead: Approver trusted from body "/lead"
  late: string trusted from body "/late" default "a"
`;

/** The outcome of a requirement and of its negation: together they tell all three truths. */
function truthOf(condition: string, values: Readonly<Record<string, Value>>): string {
  const text = `${DECLARATIONS}policy Is:\n  requires ${condition}\npolicy IsNot:\n  requires not (${condition})\n`;
  const document = documentOf(text);
  const { policies } = evaluate(document, new Map(Object.entries(values)));
  const outcomes: readonly Outcome[] = policies.map((p) => p.outcome);
  if (outcomes[0] === "satisfied") return "true";
  return outcomes[1] === "satisfied" ? "false" : "unknown";
}

const list = (...elements: readonly (Content | null)[]): Value =>
  present(elements.map((e) => (e === null ? INVALID : present(e))));
const record = (fields: Readonly<Record<string, Content | null>>): ReadonlyMap<string, Value> =>
  new Map(Object.entries(fields).map(([name, value]) => [name, value === null ? INVALID : present(value)]));
const v4 = (...bytes: readonly number[]) => ({ bytes, prefix: 32 });
const v6Loopback = { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], prefix: 128 };
const approvers = (...roles: readonly string[]): Value =>
  list(...roles.map((role) => record({ role, weight: 1, tags: [] })));

type Row = readonly [condition: string, values: Readonly<Record<string, Value>>, want: string];

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  "tests of what is not there are unknown": [
    ['s == "a"', {}, "unknown"],
    ['s == "a"', { s: INVALID }, "unknown"],
    ["s == s", {}, "unknown"],
    ["s != s", { s: INVALID }, "unknown"],
    ["b", {}, "unknown"],
    ["s in []", {}, "unknown"],
    ["s in []", { s: present("a") }, "false"],
    ["numbers.count in []", {}, "unknown"],
    ["s in names", { names: list() }, "unknown"],
    ["s in names", { s: present("a") }, "unknown"],
    ["exists s", { s: present("") }, "true"],
    ["exists s", {}, "false"],
    ["exists s", { s: INVALID }, "unknown"],
  ],
  "a default replaces absent, never invalid": [
    ['late == "a"', {}, "true"],
    ["exists late", { late: ABSENT }, "true"],
    ['late == "a"', { late: INVALID }, "unknown"],
    ['late == "a"', { late: present("b") }, "false"],
  ],
  "and, or, not are Kleene's": [
    ["b and false", {}, "false"],
    ["false and b", { b: INVALID }, "false"],
    ["b and true", {}, "unknown"],
    ["b or true", {}, "true"],
    ["b or false", {}, "unknown"],
    ["not b", {}, "unknown"],
    ["not b", { b: present(false) }, "true"],
    ["b or not b", {}, "unknown"],
  ],
  "in is an or of equalities": [
    ['s in ["a", t]', { s: present("a") }, "true"],
    ['s in ["a", t]', { s: present("b") }, "unknown"],
    ['s in ["a", t]', { s: present("b"), t: present("c") }, "false"],
    ['"a" in names', { names: list("b", null) }, "unknown"],
    ['"a" in names', { names: list("a", null) }, "true"],
    ['names contains "a"', { names: list("b") }, "false"],
    ["n in numbers", { n: present(1), numbers: list(2, 1) }, "true"],
  ],
  "text is compared by bytes": [
    ['s starts_with "日"', { s: present("日本") }, "true"],
    ['s ends_with ""', { s: present("a") }, "true"],
    ["s contains t", { s: present("aab"), t: present("ab") }, "true"],
    ["s contains t", { s: present("aab"), t: INVALID }, "unknown"],
    ['s == "é"', { s: present("e\u0301") }, "false"],
  ],
  "numbers and enums": [
    ["n < f", { n: present(1), f: present(1.5) }, "true"],
    ["n >= LIMIT", { n: present(2) }, "true"],
    ['risk < "high"', { risk: present("medium") }, "true"],
    ["risk >= risk2", { risk: present("low"), risk2: present("low") }, "true"],
    ['"medium" > risk', { risk: present("high") }, "false"],
    ['color in ["red"]', { color: present("green") }, "false"],
    ['resource.type == "Order"', { "resource.type": present("") }, "false"],
    ['resource.type != "Order"', { "resource.type": INVALID }, "unknown"],
  ],
  "addresses lie in networks of their own kind": [
    ['ip in "10.0.0.0/8"', { ip: present(v4(10, 255, 0, 1)) }, "true"],
    ['ip in "0.0.0.0/0"', { ip: present(v6Loopback) }, "false"],
    ['ip in "::/0"', { ip: present(v4(10, 0, 0, 1)) }, "false"],
    ['ip in "::ffff:10.0.0.0/104"', { ip: present(v4(10, 0, 0, 1)) }, "true"],
    ['ip in ["192.168.0.0/16", "10.0.0.1", net]', { ip: present(v4(10, 0, 0, 1)) }, "true"],
    ["ip in OFFICE", { ip: present(v4(11, 0, 0, 1)) }, "false"],
    [
      "ip in net",
      { ip: present(v4(11, 0, 0, 1)), net: present({ bytes: [11, 0, 0, 0], prefix: 7 }) },
      "true",
    ],
    [
      "ip in nets",
      { ip: present(v4(11, 0, 0, 1)), nets: list(null, { bytes: [11, 0, 0, 0], prefix: 8 }) },
      "true",
    ],
    ["ip in ips", { ip: present(v4(11, 0, 0, 1)), ips: list(v4(11, 0, 0, 2)) }, "false"],
    ['net == "10.0.0.0/8"', { net: present({ bytes: [10, 0, 0, 0], prefix: 9 }) }, "false"],
  ],
  "any and all": [
    ['any(approvals where approver.role == "x")', { approvals: list() }, "false"],
    ['all(approvals where approver.role == "x")', { approvals: list() }, "true"],
    ['all(approvals where approver.role == "x")', {}, "unknown"],
    ['any(approvals where approver.role == "x")', { approvals: list(null) }, "unknown"],
    ["all(flags)", { flags: list(true, null, false) }, "false"],
    ["any(flags)", { flags: list(false, null) }, "unknown"],
    [
      "any(approvals where any(approver.tags where tag == approver.role))",
      { approvals: list(record({ role: "x", tags: [present("y"), present("x")] })) },
      "true",
    ],
    [
      "any(approvals where approver.weight > 1)",
      { approvals: list(record({ role: "x", tags: [] })) },
      "unknown",
    ],
    [
      "any(approvals where exists approver.weight)",
      { approvals: list(record({ role: "x", tags: [] })) },
      "false",
    ],
    ["any(approvals where exists approver.weight)", { approvals: list(null) }, "unknown"],
    ["any(names where exists name)", { names: list(null, "a") }, "true"],
  ],
  "a count lies between the sure and the possible": [
    ["numbers.count == 0", { numbers: list() }, "true"],
    ["numbers.count >= 1", { numbers: list(1, null) }, "true"],
    ["numbers.count >= 2", { numbers: list(1, null) }, "unknown"],
    ["numbers.count >= 3", { numbers: list(1, null) }, "false"],
    ["numbers.count != 3", { numbers: list(1, null) }, "true"],
    ["numbers.count == 2", { numbers: list(1, null) }, "unknown"],
    ["numbers.count <= 2", { numbers: list(1, null) }, "true"],
    ["numbers.count in [1, 2]", { numbers: list(1, null) }, "unknown"],
    ["numbers.count in [0, 3]", { numbers: list(1, null) }, "false"],
    ["numbers.count < n", { numbers: list(1, null), n: present(3) }, "true"],
    ["numbers.count < f", { numbers: list(1, null), f: present(2.5) }, "true"],
    ["numbers.count < n", { numbers: list(1, null) }, "unknown"],
    ["numbers.count == numbers.count", { numbers: list(1, null) }, "unknown"],
    ["numbers.count == numbers.count", { numbers: list(1) }, "true"],
    ["numbers.count < names.count", { numbers: list(1, null), names: list("a", "b", "c") }, "true"],
    ["numbers.count == names.count", { numbers: list(1, null) }, "unknown"],
    ['count(approvals where approver.role == "x") >= 1', { approvals: approvers("x", "y") }, "true"],
    ["count(numbers where number > n) == 0", { numbers: list(1, 2) }, "unknown"],
    ["count(numbers where number > n) <= 2", { numbers: list(1, 2) }, "true"],
  ],
  records: [
    ['lead.role == "x"', { lead: present(record({ role: "x" })) }, "true"],
    ["exists lead.weight", { lead: present(record({ role: "x" })) }, "false"],
    ["exists lead.weight", { lead: INVALID }, "unknown"],
    ["exists lead.weight", {}, "false"],
    ["exists lead", { lead: present(record({})) }, "true"],
    ["lead.tags.count == 0", { lead: present(record({ tags: [] })) }, "true"],
    ["lead.tags.count == 0", { lead: present(record({})) }, "unknown"],
  ],
};

for (const [name, rows] of Object.entries(TABLES)) {
  describe(name, () => {
    test.each(rows)("%s with %j", (condition, values, want) => {
      expect(truthOf(condition, values)).toBe(want);
    });
  });
}

test("a trailing `where` belongs to the aggregate before it", () => {
  const document = documentOf(
    `${DECLARATIONS}policy P:\n  requires b and approvals.count >= 2 where approver.role == "x"\n`,
  );
  const outcome = (...roles: readonly string[]) =>
    evaluate(
      document,
      new Map([
        ["b", present(true)],
        ["approvals", approvers(...roles)],
      ]),
    ).policies[0]!.outcome;
  expect(outcome("x", "x", "y")).toBe("satisfied");
  expect(outcome("x", "y")).toBe("unsatisfied");
});
