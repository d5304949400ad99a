import { describe, expect, it } from "vitest";
import { Random } from "../differential/random.ts";
import { fuzzBundles } from "./bundle.ts";
import { mutate, WAY_NAMES } from "./mutate.ts";
import { seeds } from "./seeds.ts";

describe("mutants of bundles", () => {
  it("are refused, or run like any other bundle", () => {
    const summary = fuzzBundles({ mutants: 20_000, seed: 20_260 });
    expect(summary.findings).toEqual([]);
    // Some get through every rule, and every part of the bundle refuses some: the fuzz reaches what it is for.
    expect(summary.accepted).toBeGreaterThan(200);
    expect(Object.keys(summary.refused).sort()).toEqual([
      "automata",
      "code",
      "enums",
      "explain",
      "header",
      "maps",
      "metadata",
      "networks",
      "numbers",
      "obligations",
      "policies",
      "resources",
      "rows",
      "schedules",
      "section",
      "sets",
      "shapes",
      "slots",
      "strings",
      "texts",
    ]);
  });

  it("are the same for the same seed", () => {
    const all = seeds();
    const once = mutate(all[1]!.bytes, new Random(7), all);
    expect(mutate(all[1]!.bytes, new Random(7), all)).toEqual(once);
  });

  it("are made in every way", () => {
    const all = seeds();
    const ways = new Set(
      Array.from({ length: 2000 }, (_, i) => mutate(all[0]!.bytes, new Random(i), all).ways).flat(),
    );
    expect([...ways].sort()).toEqual([...WAY_NAMES].sort());
  });

  it("a loader that refuses less is found", () => {
    const summary = fuzzBundles({ mutants: 50, seed: 1, other: () => null });
    expect(summary.findings[0]!.problem).toMatch(/^the loaders differ: here .+, in WebAssembly accepted$/);
  });

  it("a loader that refuses more is found", () => {
    const summary = fuzzBundles({ mutants: 2000, seed: 1, other: () => "no" });
    expect(summary.findings[0]!.problem).toBe("the loaders differ: here accepted, in WebAssembly no");
  });
});
