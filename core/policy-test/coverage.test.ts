import { expect, test } from "vitest";
import { compile } from "../compile.ts";
import { parseNeutralRequest } from "../request/json-form.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import { createEngine, type Engine } from "../runtime/engine.ts";
import { CoverageCounter } from "./coverage.ts";

function engineOf(text: string): Engine {
  const compiled = compile([{ name: "a.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

function request(attributes: object): NeutralRequest {
  const parsed = parseNeutralRequest({ request: { method: "GET", path: "/" }, attributes });
  if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
  return parsed.request;
}

const TEXT = `attributes
  a: int trusted from header "a"
  b: int trusted from header "b"
  c: int trusted from header "c"

policy P:
  triggers when a == 1
  requires b == 1 or not (c == 1 and b == 2)

guard G:
  denies
`;

/** \`text: true/false/unknown\` of each condition. */
function seen(counter: CoverageCounter): string[] {
  return counter
    .result()
    .policies.flatMap(({ conditions }) =>
      conditions.map(({ text, seen: s }) => `${text}: ${s.true}/${s.false}/${s.unknown}`),
    );
}

test("without requests every condition is there, and none is covered", () => {
  const counter = new CoverageCounter(engineOf(TEXT));
  expect(seen(counter)).toEqual(["a == 1: 0/0/0", "b == 1: 0/0/0", "c == 1: 0/0/0", "b == 2: 0/0/0"]);
  expect(counter.result()).toMatchObject({ covered: 0, total: 8 });
  expect(counter.result().policies.map(({ name, kind, outcomes }) => ({ name, kind, outcomes }))).toEqual([
    { name: "G", kind: "guard", outcomes: {} },
    { name: "P", kind: "policy", outcomes: {} },
  ]);
});

test("requirements count only where the policy applies", () => {
  const counter = new CoverageCounter(engineOf(TEXT));
  counter.add(request({ a: 2, b: 1, c: 1 }));
  expect(seen(counter)).toEqual(["a == 1: 0/1/0", "b == 1: 0/0/0", "c == 1: 0/0/0", "b == 2: 0/0/0"]);
  counter.add(request({ b: 1, c: 1 }));
  expect(seen(counter)).toEqual(["a == 1: 0/1/1", "b == 1: 0/0/0", "c == 1: 0/0/0", "b == 2: 0/0/0"]);
  counter.add(request({ a: 1, b: 1 }));
  expect(seen(counter)).toEqual(["a == 1: 1/1/1", "b == 1: 1/0/0", "c == 1: 0/0/1", "b == 2: 0/1/0"]);
  expect(counter.result()).toMatchObject({ covered: 4, total: 8 });
  counter.add(request({ a: 1, b: 2, c: 1 }));
  counter.add(request({ a: 1, b: 2, c: 2 }));
  expect(counter.result()).toMatchObject({ covered: 8, total: 8 });
  expect(counter.result().policies[1]!.outcomes).toEqual({
    "not-applicable": 1,
    indeterminate: 1,
    satisfied: 2,
    unsatisfied: 1,
  });
});

test("places and sections", () => {
  const counter = new CoverageCounter(engineOf(TEXT));
  const [trigger, requirement] = counter.result().policies[1]!.conditions;
  expect(trigger).toMatchObject({ section: "trigger", line: 7, column: 17 });
  expect(requirement).toMatchObject({ section: "requirement", line: 8, column: 12 });
});

test("policies of a set count only where it is chosen", () => {
  const text = `sets by tenant

attributes
  tenant: string from extension "tenant"
  a: int trusted from header "a"

set "acme"

policy P:
  requires a == 1

set "globex"

policy P:
  requires a == 2
`;
  const counter = new CoverageCounter(engineOf(text));
  for (const [tenant, a] of [
    ["acme", 1],
    ["acme", 2],
    ["globex", 1],
    ["initech", 1],
  ] as const) {
    const parsed = parseNeutralRequest({ request: { method: "GET", path: "/" }, attributes: { a, tenant } });
    if (parsed.ok) counter.add(parsed.request);
  }
  expect(seen(counter)).toEqual(["a == 1: 1/1/0", "a == 2: 0/1/0"]);
});
