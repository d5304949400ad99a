/** What only whole policies show: constants from rows, and values that are computed inside of two aggregates. */
import { describe, expect, it, test } from "vitest";
import { compile } from "../compile.ts";
import { parseNeutralRequest } from "../request/json-form.ts";
import { createEngine, type Engine } from "./engine.ts";

const DECLARATIONS = `enum Risk: low < medium < high
type Part:
  cost: int
type Item:
  name: string
  cost: int
  parts: list of part: Part
resource Order: "/orders"
attributes
  text: string trusted from header "text"
  int: int trusted from header "int"
  float: float trusted from header "float"
  risk: Risk trusted from header "risk"
  ip: ip trusted from header "ip"
  when: datetime trusted from header "when"
  tags: list of string trusted from header "tags"
  ints: list of n: int trusted from body "/ints"
  items: list of item: Item trusted from body "/items"
`;

function engines(text: string): readonly Engine[] {
  return [true, false].map((optimize) => {
    const compiled = compile([{ name: "rows.ipe", text: DECLARATIONS + text }], { optimize });
    if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
    const made = createEngine(compiled.bundle, { selectFrom: optimize ? 1 : Number.POSITIVE_INFINITY });
    if (!made.ok) throw new Error(made.error);
    return made.engine;
  });
}

/** Headers by name, and a body. */
function request(headers: Readonly<Record<string, string>>, body: unknown = {}) {
  const parsed = parseNeutralRequest(
    JSON.stringify({
      request: { path: "/orders", headers: { "content-type": "application/json", ...headers }, body },
    }),
  );
  if (!parsed.ok) throw new Error(parsed.errors.join());
  return parsed.request;
}

describe("a constant from a row is one in the code", () => {
  it.each<[what: string, condition: (i: number) => string, headers: (i: number) => Record<string, string>]>([
    ["string", (i) => `text == "t${i}"`, (i) => ({ text: `t${i}` })],
    ["beginning", (i) => `text starts_with "t${i}-"`, (i) => ({ text: `t${i}-x` })],
    ["order", (i) => `text < "t${i}"`, (i) => ({ text: `t${i}` })],
    ["set of strings", (i) => `text in ["t${i}", "u${i}"]`, (i) => ({ text: `u${i}` })],
    ["element", (i) => `tags contains "t${i}"`, (i) => ({ tags: `a, t${i}` })],
    ["number", (i) => `int == ${i}`, (i) => ({ int: String(i) })],
    ["fraction", (i) => `float < ${i}.5`, (i) => ({ float: String(i) })],
    ["set of numbers", (i) => `int in [${i}, ${i + 100}]`, (i) => ({ int: String(i + 100) })],
    [
      "member",
      (i) => `risk == "${["low", "medium", "high"][i % 3]}" and int == ${i}`,
      (i) => ({ risk: "medium", int: String(i) }),
    ],
    [
      "set of members",
      (i) => `risk in ["low", "${["medium", "high"][i % 2]}"] and int == ${i}`,
      (i) => ({ risk: "high", int: String(i) }),
    ],
    ["address", (i) => `ip == "10.0.0.${i}"`, (i) => ({ ip: `10.0.0.${i}` })],
    ["network", (i) => `ip in "10.${i}.0.0/16"`, (i) => ({ ip: `10.${i}.3.4` })],
    [
      "set of networks",
      (i) => `ip in ["10.${i}.0.0/16", "2001:db8:${i}::/48"]`,
      (i) => ({ ip: `2001:db8:${i}::1` }),
    ],
    ["pattern", (i) => `text matches "^t${i}[a-z]*$"`, (i) => ({ text: `t${i}abc` })],
    ["loaded number", (i) => `int * 2 + ${i} < ${3 * i + 1}`, (i) => ({ int: String(i) })],
    ["count", (i) => `count(tags) == ${i}`, (i) => ({ tags: Array(i).fill("x").join() })],
    [
      "hours",
      (i) => `is_business_hours("Europe/Berlin", "0${i % 9}:00-17:00") and int == ${i}`,
      (i) => ({ int: String(i) }),
    ],
    ["time", (i) => `when < "2026-01-${10 + i}T00:00:00Z"`, (i) => ({ when: `2026-01-${9 + i}T00:00:00Z` })],
  ])("%s", (_, condition, headers) => {
    const count = 12;
    const policies = Array.from(
      { length: count },
      (__, i) => `policy P${i}:\n  triggers when ${condition(i)}\n  requires text != "no" or int > ${i}\n`,
    );
    const [rows, plain] = engines(policies.join(""));
    expect(rows!.program.rows.length).toBeGreaterThan(0);
    expect(plain!.program.rows.length).toBe(0);
    const all = [...Array.from({ length: count }, (__, i) => headers(i)), { text: "no" }, { int: "x" }, {}];
    for (const each of all) expect(rows!.explain(request(each))).toEqual(plain!.explain(request(each)));
  });
});

test.each<[condition: string, body: unknown, allow: boolean]>([
  [
    "any(items where sum(item.parts.cost where part.cost > 1) > 4)",
    { items: [{ parts: [{ cost: 2 }, { cost: 3 }, { cost: 1 }] }] },
    true,
  ],
  [
    "any(items where sum(item.parts.cost where part.cost > 2) > 4)",
    { items: [{ parts: [{ cost: 2 }, { cost: 3 }] }] },
    false,
  ],
  [
    "any(items where any(item.parts where part.cost + 1 > item.cost))",
    { items: [{ cost: 3, parts: [{ cost: 3 }] }] },
    true,
  ],
  [
    "any(items where any(item.parts where part.cost + 1 > item.cost))",
    { items: [{ cost: 3, parts: [{ cost: 2 }] }] },
    false,
  ],
  ["int + 1 in ints", { ints: [7, 8] }, true],
  ["int + 2 in ints", { ints: [7, 8] }, false],
])("%s with %j", (condition, body, allow) => {
  for (const engine of engines(`policy P:\n  requires ${condition}\n`))
    expect(engine.decide(request({ int: "7" }, body)).allow).toBe(allow);
});
