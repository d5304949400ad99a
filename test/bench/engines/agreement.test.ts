import { expect, test } from "vitest";
import { disassemble } from "../../../core/index.ts";
import { engineOf } from "../../engine.ts";
import { SEED_TEXT } from "../seed.ts";
import { foreign } from "./contender.ts";
import { OTHERS, races } from "./contenders.ts";
import { ROLES } from "./roles.ts";

test("the engines of the measurement decide alike, and allow half of the requests", async () => {
  // A difference throws.
  for (const { allowed, requests, contenders } of await races()) {
    expect(allowed).toBe(requests / 2);
    expect(Object.keys(contenders).length).toBe(OTHERS.length + 1);
  }
});

test("an engine is given what the request has, no decision made before", () => {
  const seen: unknown[] = [];
  const spy = foreign(ROLES, {
    input: (facts) => facts,
    allows: (facts) => seen.push(facts) < 0,
  });
  spy.ready(0);
  spy.whole(8);
  expect(seen).toEqual([
    { user: "ann", method: "GET", resource: "Order" },
    { user: "ann", method: "PUT", resource: "Order" },
  ]);
});

test("the tests of the seed's policy are counted in the order in which its code runs them", () => {
  const listing = disassemble(engineOf(SEED_TEXT).engine.program).split(/^policy /m)[1]!;
  const tests = [...listing.matchAll(/^ +\d+ +([A-Z_]+) +(\S+(?: \d)?)(?:,| {2})/gm)].map((match) =>
    match.slice(1),
  );
  expect(tests).toEqual([
    ["EQ_STRING", "environment"],
    ["EQ_MEMBER", "resource.type"],
    ["LT_MEMBER", "resource.risk_level"],
    ["COUNT", "register 0"],
    ["EQ_STRING", "element.role"],
    ["EQ_STRINGS", "element.department"],
    ["LT_COUNT", "2"],
  ]);
});
