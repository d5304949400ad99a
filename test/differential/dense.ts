/** Conditions about few attributes and few values, so that many contradict or imply each other. */

import { addressOf } from "../reference/addresses.ts";
import { ABSENT, INVALID, present, type Valuation, type Value } from "../reference/values.ts";
import type { Random } from "./random.ts";

const DECLARATIONS = `enum Risk: low < medium < high
enum Hue: red, green
type Person:
  role: string
  age: int
  years: int
  note: string
resource Order: "/orders/{id}"
resource Item: "/items/{id}"
attributes
  n: int trusted from header "n"
  m: int trusted from header "m"
  f: float trusted from header "f"
  g: float trusted from header "g"
  s: string trusted from header "s"
  t: string trusted from header "t"
  d: string trusted from header "d" default "ab"
  b: bool trusted from header "b"
  risk: Risk trusted from header "risk"
  hue: Hue trusted from header "hue"
  ip: ip trusted from header "ip"
  net: cidr trusted from header "net"
  when: datetime trusted from header "when"
  age: duration trusted from header "age"
  xs: list of x: Person trusted from body "/xs"
  zs: list of z: string trusted from body "/zs"
  who: Person trusted from body "/who"
`;
const STRINGS = ["a", "ab", "abc", "b", "é", "Z", ""];
const INTS = [0, 1, 2, 3, 4];
const FLOATS = [0, 0.5, 1, 1.5, 2];
const ADDRESSES = ["10.0.0.1", "10.1.0.1", "10.0.0.2", "::1", "11.0.0.1"];
const NETWORKS = ["10.0.0.0/8", "10.0.0.0/16", "11.0.0.0/8", "::/0", "10.0.0.1/32"];
const TIMES = ["2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"];
const DURATIONS = ["1s", "1m", "60s", "2h"];
const ORDERS = ["==", "!=", "<", "<=", ">", ">="];
const TEXT_TESTS = ["==", "!=", "starts_with", "ends_with", "contains", "<", "<=", ">", ">="];

/** Policy text about the attributes above. */
export function denseText(random: Random, policies: number): string {
  return DECLARATIONS + random.times(policies, (i) => policy(i, random)).join("");
}

function policy(index: number, random: Random): string {
  const trigger = random.chance(75) ? `  triggers when ${condition(random, 1 + random.below(4))}\n` : "";
  const effect =
    trigger === "" || random.chance(40)
      ? `requires ${condition(random, 1 + random.below(5))}`
      : random.pick(["allows", "denies"]);
  return `policy P${index}:\n${trigger}  ${effect}\n`;
}

function condition(random: Random, size: number): string {
  if (size <= 1) return random.chance(12) ? `not (${leaf(random, "")})` : leaf(random, "");
  const half = Math.floor(size / 2);
  const parts = [condition(random, half), condition(random, size - half)];
  const joined = parts.join(random.chance(60) ? " and " : " or ");
  return random.chance(12) ? `not (${joined})` : `(${joined})`;
}

/** `element`: "x" or "z" inside of an aggregate over such; "outside" for what is none of its elements. */
function leaf(random: Random, element: string): string {
  const list = (items: readonly string[]) =>
    `[${random.times(1 + random.below(3), () => random.pick(items)).join(", ")}]`;
  const quoted = (items: readonly string[]) => items.map((item) => JSON.stringify(item));
  const number = (name: string, items: readonly number[]) =>
    random.pick([
      `${name} ${random.pick(ORDERS)} ${random.pick(items)}`,
      `${random.pick(items)} ${random.pick(ORDERS)} ${name}`,
      `${name} in ${list(items.map(String))}`,
      `${name} in ${random.pick(items.slice(0, 3))}..${random.pick(items.slice(2))}`,
    ]);
  const text = (name: string) =>
    random.pick([
      `${name} ${random.pick(TEXT_TESTS)} ${random.pick(quoted(STRINGS))}`,
      `${name} in ${list(quoted(STRINGS))}`,
    ]);
  const inside = [
    () => text("x.role"),
    () => number("x.age", INTS),
    () => `exists x.note`,
    () => text("x.note"),
    () => `x.role == s`,
  ];
  if (element === "x") return random.pick(inside)();
  if (element === "z") return random.pick([() => text("z"), () => `z == t`])();
  const scalars = [
    () => number("n", INTS),
    () => number("m", INTS),
    () => `n ${random.pick(ORDERS)} ${random.pick(["m", "f", "n"])}`,
    () => `m ${random.pick(ORDERS)} n`,
    () => number("f", FLOATS),
    () => number("g", FLOATS),
    () => text("s"),
    () => text("t"),
    () => text("d"),
    () => text("who.role"),
    () => text("request.path"),
    () => `request.path == ${random.pick(['"/a"', '"a"', '"/orders/1"'])}`,
    () => `request.host ${random.pick(["==", "starts_with"])} ${random.pick(['"a"', '"A"', '"ab"'])}`,
    () => `exists ${random.pick(["n", "t", "d", "g", "who", "who.note", "xs"])}`,
    () => random.pick(["b", "b == true", "b != true", "not b"]),
    () => `risk ${random.pick(ORDERS)} ${random.pick(['"low"', '"medium"', '"high"'])}`,
    () => `risk in ${list(['"low"', '"medium"', '"high"'])}`,
    () => `hue ${random.pick(["==", "!="])} ${random.pick(['"red"', '"green"'])}`,
    () => `resource.type ${random.pick(["==", "!="])} ${random.pick(['"Order"', '"Item"'])}`,
    () => `ip in ${random.pick(quoted(NETWORKS))}`,
    () => `ip ${random.pick(["==", "!="])} ${random.pick(quoted(ADDRESSES))}`,
    () => `ip in ${list(quoted([...NETWORKS, ...ADDRESSES]))}`,
    () => `net ${random.pick(["==", "!="])} ${random.pick(quoted(NETWORKS))}`,
    () => `ip in net`,
    () => `n ${random.pick(["+", "-", "*"])} m ${random.pick(ORDERS)} ${random.pick(INTS)}`,
    () => `lower(s) ${random.pick(["==", "starts_with"])} ${random.pick(['"a"', '"A"', '"z"'])}`,
    () => `s ${random.pick(["matches", "like"])} ${random.pick(['"a"', '"ab"', '"a*"'])}`,
    () => `when ${random.pick(ORDERS)} ${random.pick(quoted(TIMES))}`,
    () => `age ${random.pick(ORDERS)} ${random.pick(DURATIONS)}`,
  ];
  const lists = [
    () => `${random.pick(["xs", "zs"])}.count ${random.pick(ORDERS)} ${random.below(4)}`,
    () => `${random.pick(["any", "all"])}(xs where ${where(random, "x")})`,
    () => `${random.pick(["any", "all"])}(zs where ${where(random, "z")})`,
    () => `count(xs where ${where(random, "x")}) ${random.pick(ORDERS)} ${random.below(3)}`,
    () =>
      `${random.pick(["sum", "min", "max"])}(xs.${random.pick(["age", "years"])}) ${random.pick(ORDERS)} ${random.pick(INTS)}`,
    () =>
      `zs ${random.pick(["contains_any", "contains_all"])} ${random.pick(['["a", "b"]', '["b", "a"]', '["a"]'])}`,
    () => `${random.pick(['"a"', "s"])} in zs`,
    () => `zs contains ${random.pick(['"a"', '"b"', "s"])}`,
  ];
  return random.pick(element === "outside" || random.chance(75) ? scalars : lists)();
}

function where(random: Random, element: string): string {
  const one = leaf(random, element);
  return random.chance(50)
    ? one
    : `${one} ${random.pick(["and", "or"])} ${leaf(random, random.chance(80) ? element : "outside")}`;
}

/** Values for all of it. */
export function denseValuation(random: Random): Valuation {
  const some = (value: Value): Value => (random.chance(85) ? value : random.pick([ABSENT, ABSENT, INVALID]));
  const text = (): Value => some(present(random.pick(STRINGS)));
  const int = (): Value => some(present(random.pick(INTS)));
  const float = (): Value => some(present(random.pick(FLOATS)));
  const person = (): Value =>
    some(
      present(
        new Map([
          ["role", text()],
          ["age", int()],
          ["years", int()],
          ["note", text()],
        ]),
      ),
    );
  const values = new Map<string, Value>([
    ["n", int()],
    ["m", int()],
    ["f", float()],
    ["g", float()],
    ["s", text()],
    ["t", text()],
    ["d", text()],
    ["b", some(present(random.chance(50)))],
    ["risk", some(present(random.pick(["low", "medium", "high"])))],
    ["hue", some(present(random.pick(["red", "green"])))],
    ["ip", some(present(addressOf(random.pick(ADDRESSES))))],
    ["net", some(present(addressOf(random.pick(NETWORKS))))],
    ["when", some(present(Date.parse(random.pick(TIMES))))],
    ["age", some(present(random.pick([1000, 60_000, 7_200_000, 5])))],
    ["xs", some(present(random.times(random.below(4), person)))],
    ["zs", some(present(random.times(random.below(4), text)))],
    ["who", person()],
    ["request.path", some(present(random.pick(["/", "/a", "/ab", "/orders/1"])))],
    ["request.host", some(present(random.pick(["a", "ab", "b"])))],
    ["resource.type", some(present(random.pick(["Order", "Item", ""])))],
  ]);
  return values;
}
