import { describe, expect, test } from "vitest";
import { Diagnostics } from "../../source/diagnostics.ts";
import { parse } from "../../syntax/parse.ts";
import { check } from "../check.ts";
import { Worlds } from "./worlds.ts";

const DECLARATIONS = `enum Risk: low < medium < high
type Person:
  role: string
  age: int
  note: string
constant TEN: int = 10
data
  teams: set of string = ["red", "blue"]
attributes
  n: int trusted from header "n"
  m: int trusted from header "m"
  f: float trusted from header "f"
  s: string trusted from header "s"
  d: string trusted from header "d" default "ab"
  b: bool trusted from header "b"
  risk: Risk trusted from header "risk"
  ip: ip trusted from header "ip"
  net: cidr trusted from header "net"
  when: datetime trusted from header "when"
  age: duration trusted from header "age"
  xs: list of x: Person trusted from body "/xs"
  zs: list of z: string trusted from body "/zs"
  who: Person trusted from body "/who"
`;

/** What a condition can be. */
function beings(condition: string): string {
  const report = new Diagnostics();
  const text = `${DECLARATIONS}policy P:\n  requires ${condition}\n`;
  const checked = check(parse([{ name: "a.ipe", text }], report), report);
  expect(report.list().filter((d) => d.severity === "error")).toEqual([]);
  const effect = checked.policies[0]!.effect!;
  if (effect.kind !== "requires") throw new Error("the policy requires something");
  const worlds = new Worlds(checked.resolutions);
  return (["true", "false"] as const).filter((being) => worlds.can(effect.condition, being)).join(" ");
}

describe("never true", () => {
  test.each([
    "n == 1 and n == 2",
    "n < 3 and n > 2",
    "n > 2 and n < 3 or n in [1, 2] and n >= 3",
    "n > 9007199254740990 and n < 9007199254740991",
    "n == TEN and n < 10",
    "f > 1.5 and f <= 1.5",
    "n in 1..5 and n in [7, 9]",
    "n in [1..3, 5] and n == 4",
    "n < m and m < n",
    "n == m and n != m",
    "n != n",
    "b and not b",
    "b == true and b in [false]",
    'risk > "high"',
    'risk <= "low" and risk != "low"',
    's == "a" and s in ["b", "c"]',
    's starts_with "ab" and s starts_with "b"',
    's ends_with ".de" and s ends_with ".com"',
    's starts_with "abc" and not s contains "b"',
    's == "abc" and s contains "d"',
    's < "b" and s > "c"',
    's < "b" and s starts_with "c"',
    's >= "b" and s starts_with "a"',
    's in teams and s == "green"',
    'lower(s) == "ABC"',
    "n + m > 3 and m + 1 > 2 and n + m < 2",
    "sum(xs.age) > 3 and sum(xs.age) == 2",
    'ip in "10.0.0.0/8" and ip in "11.0.0.0/8"',
    'ip == "::1" and ip in "10.0.0.0/8"',
    'ip == "10.0.0.1" and not ip in ["10.0.0.0/16", "::/0"]',
    'net == "10.0.0.0/8" and net == "10.0.0.0/16"',
    'when < "2026-01-01T00:00:00Z" and when > "2026-06-01T00:00:00+02:00"',
    "age > 1m and age < 60s",
    "xs.count < 0",
    "xs.count > 256",
    'count(xs where x.role == "a") >= 2 and count(xs where x.role == "a") < 2',
    "count(xs where x.age > 1 and x.age < 2) >= 1",
    'any(xs where x.role == "a" and x.role == "b")',
    'n == 1 and any(xs where n == 2 and x.role == "a")',
    "any(xs where any(zs where x.age < 1 and x.age > 1 and z == s))",
    "not exists who and exists who.role",
    'not exists who and who.role == "a"',
    "not exists d",
    "exists n and not exists n",
    "not (n == 1 or n != 1)",
    'request.path starts_with "orders"',
    'request.host == "Example.com"',
    "source.port > 65535",
    "request.size < 0",
    '"a" in zs and not zs contains "a"',
    'any(xs where x.role == "a") and not any(xs where "a" == x.role)',
  ])("%s", (condition) => {
    expect(beings(condition)).not.toContain("true");
  });
});

describe("never false", () => {
  test.each([
    "n != 1 or n != 2",
    "n < 3 or n > 2",
    "n == n",
    "f <= f",
    "xs.count >= 0",
    "b or not b",
    'risk in ["low", "medium", "high"]',
    "exists d",
    "not (n == 1 and n == 2)",
    'not s starts_with "a" or s contains "a"',
    'request.path starts_with "/"',
    "all(xs where x.age == x.age)",
  ])("%s", (condition) => {
    expect(beings(condition)).toBe("true");
  });
});

describe("both, or nobody knows", () => {
  test.each([
    "n > 2 and n < 4",
    "f > 2 and f < 2.5",
    "n == m and m == n",
    's starts_with "a" and s ends_with "b"',
    's contains "a" and not s starts_with "a"',
    's > "a" and s < "b"',
    'resource.type == "P" or n == 1',
    'any(xs where x.role == "a") and any(xs where x.role == "b")',
    'all(xs where x.role == "a") and all(xs where x.role == "b")',
    'count(xs where x.role == "a") >= 2 and count(xs where x.role == "b") < 2',
    "sum(xs.age) > 3 and max(xs.age) < 2",
    'zs contains "a" and not zs contains "b"',
    'ip in "10.0.0.0/8" and ip in "10.0.0.0/16"',
    'ip in "::/0" or ip in "0.0.0.0/0"',
    "not exists n or n == 1",
    "exists who and not exists who.note",
    's matches "a+" and s like "b*"',
    "any(zs where z == s) and all(zs where z != s)",
  ])("%s", (condition) => {
    const text = condition.replace('resource.type == "P"', "b");
    expect(beings(text)).toContain("true");
  });
});
