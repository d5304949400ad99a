/** Maps of any size, and what is seen of them. */
import { expect, test } from "vitest";
import { engineOf } from "../../test/engine.ts";
import { parseNeutralRequest } from "../index.ts";
import type { ConditionTree } from "./tree.ts";

const COUNT = 20_000;

function requestOf(name: string, number: number | string) {
  const headers = { "x-name": name, "x-number": String(number) };
  const read = parseNeutralRequest({ request: { method: "GET", path: "/", host: "h", headers } });
  if (!read.ok) throw new Error(read.errors.join());
  return read.request;
}

const ATTRIBUTES = `attributes
  name:   string trusted from header "x-name"
  number: int    trusted from header "x-number"
`;

test("each of many keys has its own value, and no other one has any", () => {
  const entries = Array.from({ length: COUNT }, (_, i) => (i * 7919) % COUNT);
  const { engine } = engineOf(`${ATTRIBUTES}
data
  numbers: map of string to int = {${entries.map((i) => `"name ${i}": ${i - 5}`).join(", ")}}
  names:   map of int to string = {${entries.map((i) => `${2 * i - 9}: "name ${i}"`).join(", ")}}

policy A:
  requires numbers[name] == number - 5 and names[2 * number - 9] == name
`);
  for (const i of [0, 1, 2, 77, COUNT / 2, COUNT - 2, COUNT - 1])
    expect(engine.decide(requestOf(`name ${i}`, i)).allow).toBe(true);
  for (const [name, number] of [
    ["name 1", 2],
    ["name", 0],
    [`name ${COUNT}`, COUNT],
    ["name -1", -1],
  ] as const)
    expect(engine.decide(requestOf(name, number)).allow).toBe(false);
});

test.each([
  ["size[name] > number", "a", 1, [{ state: "present", value: "7" }]],
  ["size[name] > number", "b", 1, [{ state: "absent", value: null }]],
  [
    "size[next[lower(name)]] + size[name] > number",
    "A",
    1,
    [
      { state: "absent", value: null },
      { state: "invalid", value: null },
      { state: "absent", value: null },
    ],
  ],
  ["exists home[name]", "a", 1, [{ state: "present", value: "10.0.0.0/8" }]],
  ["name == next[name] or number > 5", "b", 1, [{ state: "present", value: '"a"' }]],
])("what %s of %s and %i sees", (condition, name, number, want) => {
  const { engine } = engineOf(`${ATTRIBUTES}
data
  size: map of string to int    = {"a": 7}
  next: map of string to string = {"b": "a"}
  home: map of string to cidr   = {"a": "10.0.0.0/8"}

policy A:
  requires ${condition}
`);
  const seen: unknown[] = [];
  const walk = (tree: ConditionTree): void => {
    seen.push(...tree.lookups);
    for (const child of tree.children) walk(child);
  };
  walk(engine.trees(requestOf(name, number), "A")!.requirement!);
  expect(seen).toEqual(want);
});

test("what is looked up is tested once for each network and truth value of a list, and looked up for each", () => {
  const { engine } = engineOf(`${ATTRIBUTES}
data
  flag: map of string to bool = {"a": true, "b": false}
  home: map of string to cidr = {"a": "10.0.0.0/8", "b": "10.0.0.0/9"}

policy A:
  requires flag[name] in [true, false] and home[name] in ["10.0.0.0/9", "10.0.0.0/8"]
`);
  expect(["a", "b", "c"].map((name) => engine.decide(requestOf(name, 1)).allow)).toEqual([true, true, false]);
});
