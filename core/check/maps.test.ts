/** What the checker knows of look-ups in maps: their absence in triggers, keys that clients choose, what can never be. */
import { describe, expect, test } from "vitest";
import { compile } from "../compile.ts";

const DECLARATIONS = `enum Tier: gold, silver
type Item:
  sku: string
attributes
  tier:  string             trusted from header "tier"
  plan:  string?            trusted from header "plan"
  level: Tier               trusted from header "level"
  said:  string             claimed from query "said"
  free:  string             claimed from query "free" default "low"
  items: list of item: Item trusted from body "/items"
data
  quota: map of string to int = {"low": 1, "high": 100}
  every: map of Tier to int   = {"gold": 1, "silver": 2}
  some:  map of Tier to int   = {"gold": 1}
  open:  map of string to bool = {"low": true}
`;

function problemsOf(policy: string): string[] {
  const { diagnostics } = compile([{ name: "a.ipe", text: DECLARATIONS + policy }]);
  return diagnostics
    .filter(({ id }) => !["unused-attribute", "claimed-grant"].includes(id))
    .map(({ id, span }) => `${id}: ${span.source.text.slice(span.start, span.end)}`);
}

describe("absence in triggers", () => {
  test.each([
    ["not asked for", "quota[tier] > 5", ["unguarded-optional: quota[tier]"]],
    ["exists and", "exists quota[tier] and quota[tier] > 5", []],
    ["in any order", "quota[tier] > 5 and (connection.mtls and exists quota[ tier ])", []],
    ["not exists or", "not exists quota[tier] or quota[tier] > 5", []],
    ["another key's", "exists quota[said] and quota[tier] > 5", ["unguarded-optional: quota[tier]"]],
    ["the key's own", "exists tier and quota[tier] > 5", ["unguarded-optional: quota[tier]"]],
    ["every member has a value", "every[level] > 1", []],
    ["not every one has", "some[level] > 1", ["unguarded-optional: some[level]"]],
    [
      "an optional key",
      "exists quota[plan] and quota[plan] > 5",
      ["unguarded-optional: plan", "unguarded-optional: plan"],
    ],
    ["both are asked for", "exists plan and exists quota[plan] and quota[plan] > 5", []],
    ["in arithmetic", "request.size < 2 * quota[tier]", ["unguarded-optional: quota[tier]"]],
    ["in a list", "request.size in [1, quota[tier]]", ["unguarded-optional: quota[tier]"]],
    ["a truth value", "open[tier]", ["unguarded-optional: open[tier]"]],
    ["a truth value that is asked for", "exists open[tier] and not open[tier]", []],
    ["of an element", "any(items where quota[item.sku] > 5)", ["unguarded-optional: quota[item.sku]"]],
    [
      "of an element that is asked for",
      "any(items where exists quota[item.sku] and quota[item.sku] > 5)",
      [],
    ],
    ["a constant key", 'request.size > quota["low"]', []],
  ])("%s", (_, trigger, want) => {
    expect(problemsOf(`policy A:\n  triggers when ${trigger}\n  allows\n`)).toEqual(want);
    expect(problemsOf(`policy A:\n  requires ${trigger}\n`)).toEqual([]);
  });
});

describe("guards that a client switches off by a key that nobody knows", () => {
  test.each([
    ["exists and", "exists quota[said] and quota[said] < 5", ["omittable-guard: quota[said]"]],
    ["alone", "exists quota[said]", ["omittable-guard: quota[said]"]],
    ["within a not", "not (not exists quota[said] or quota[said] >= 5)", ["omittable-guard: quota[said]"]],
    [
      "of a lowered key",
      "exists quota[lower(said)] and connection.mtls",
      ["omittable-guard: quota[lower(said)]"],
    ],
    ["the unknown key triggers it", "not exists quota[said] or quota[said] < 5", []],
    ["it does beside", "not exists quota[said] or exists quota[said] and quota[said] < 5", []],
    ["a trusted key", "exists quota[tier] and quota[tier] < 5", []],
    [
      "a default that the map gives too little",
      "exists quota[free] and quota[free] > 5",
      ["omittable-guard: exists quota[free] and quota[free] > 5"],
    ],
  ])("%s", (_, trigger, want) => {
    for (const kind of ["guard", "policy"])
      expect(problemsOf(`${kind} A:\n  triggers when ${trigger}\n  denies\n`)).toEqual(want);
    // What only allows, nobody wants to switch off.
    expect(problemsOf(`policy A:\n  triggers when ${trigger}\n  allows\n`)).toEqual([]);
  });
});

describe("what can never be true", () => {
  test.each([
    ["one value, two ranges", "quota[tier] < 5 and quota[tier] > 7", true],
    ["of two keys", "quota[tier] < 5 and quota[said] > 7", false],
    ["of two maps", "every[level] < 1 and some[level] > 1", false],
    ["absent and something", "not exists quota[tier] and quota[tier] > 7", true],
    ["a value of no key", "quota[tier] > 7 and not exists tier", true],
    ["there, and true", "exists open[tier] and open[tier]", false],
    ["there, and both", "open[tier] and not open[tier]", true],
    ["a sum", "quota[tier] + 1 > 5 and quota[tier] + 1 < 5", true],
  ])("%s: %s", (_, condition, never) => {
    expect(
      problemsOf(`policy A:\n  requires ${condition}\n`).some((problem) => /^never-/.test(problem)),
    ).toBe(never);
  });
});
