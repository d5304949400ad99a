/** What an editor asks of maps. A `|` in a text is the place that is asked about. */
import { expect, describe as group, test } from "vitest";
import { analyse } from "./analyse.ts";
import { completionsAt } from "./complete.ts";
import { describe } from "./describe.ts";
import { outlineOf } from "./outline.ts";
import { rename } from "./rename.ts";
import { occurrenceAt, occurrencesOf } from "./symbols.ts";

const TEXT = `enum Tier: gold, silver

attributes
  tier:  Tier   trusted from header "x-tier"
  items: int    claimed from query "items"

data
  // How much each may order.
  quota: map of Tier to int = {"gold": 1000, "silver": 100}

policy A:
  requires exists quota[tier] and items <= quota[tier]
`;

function at(text: string) {
  const offset = text.indexOf("|");
  const source = { name: "a.ipe", text: text.replace("|", "") };
  return { analysis: analyse([source]), source, offset };
}

function symbolAt(text: string) {
  const { analysis, source, offset } = at(text);
  return { analysis, symbol: occurrenceAt(analysis.symbols, source, offset)!.symbol };
}

test("every place that names a map", () => {
  const { analysis, symbol } = symbolAt(TEXT.replace("items <= quota", "items <= qu|ota"));
  expect(symbol).toMatchObject({
    kind: "map",
    name: "quota",
    declared: { start: TEXT.indexOf("quota: map") },
  });
  expect(occurrencesOf(analysis.symbols, symbol)).toHaveLength(3);
});

test("its types, its entries and its comment", () => {
  const { analysis, symbol } = symbolAt(TEXT.replace("exists quota", "exists quo|ta"));
  expect(describe(symbol, analysis)).toEqual({
    code: "data quota: map of Tier to int",
    facts: ['`{"gold": 1000, "silver": 100}`', "asked for another key it is absent: ask `exists` first"],
    comment: "How much each may order.",
  });
});

test("keys are members of their enum, and what stands in brackets is an attribute", () => {
  expect(symbolAt(TEXT.replace('{"gold', '{"go|ld')).symbol).toMatchObject({
    kind: "member",
    container: "Tier",
  });
  expect(symbolAt(TEXT.replace("items <= quota[tier]", "items <= quota[ti|er]")).symbol.kind).toBe(
    "attribute",
  );
  const { analysis, symbol } = symbolAt(TEXT.replace("map of Tier", "map of Ti|er"));
  expect(symbol.kind).toBe("enum");
  expect(analysis.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
});

test("a new name, everywhere", () => {
  const { analysis, symbol } = symbolAt(TEXT.replace("  quota: map", "  qu|ota: map"));
  const renamed = rename(analysis, symbol, "most");
  expect(renamed.ok && renamed.edits).toHaveLength(3);
  expect(rename(analysis, symbol, "tier")).toMatchObject({ ok: false });
});

test("a member keeps its name in the map", () => {
  const { analysis, symbol } = symbolAt(TEXT.replace("Tier: gold", "Tier: go|ld"));
  const renamed = rename(analysis, symbol, "platinum");
  expect(renamed.ok && renamed.edits).toHaveLength(2);
});

test("the outline", () => {
  const { analysis, source } = at(`${TEXT}|`);
  const data = outlineOf(analysis, source).find(({ name }) => name === "data")!;
  expect(data.children).toMatchObject([{ name: "quota", kind: "map" }]);
});

group("completion", () => {
  const offered = (text: string): string[] => {
    const { analysis, source, offset } = at(TEXT + text);
    return completionsAt(analysis, source, offset).items.map(({ text: offer }) => offer);
  };

  test.each([
    { place: "data\n  n: |", has: ["set of", "map of"], not: ["gold"] },
    { place: "data\n  n: map of |", has: ["string", "Tier"], not: [] },
    { place: "data\n  n: map of string |", has: ["to"], not: [] },
    { place: "data\n  n: map of string to |", has: ["int", "Tier"], not: [] },
    { place: "policy B:\n  requires |", has: ["quota["], not: ["quota"] },
    { place: "policy B:\n  requires exists |", has: ["quota[", "tier"], not: [] },
    { place: "policy B:\n  requires quota[|", has: ["tier"], not: ['"gold"'] },
    { place: "policy B:\n  requires quota[tier] |", has: ["<=", "in"], not: ["starts_with"] },
  ])("$place", ({ place, has, not }) => {
    const offers = offered(place);
    expect(has.filter((word) => !offers.includes(word))).toEqual([]);
    expect(not.filter((word) => offers.includes(word))).toEqual([]);
  });
});
