import { describe, expect, test } from "vitest";
import { compile } from "../compile.ts";
import { parseNeutralRequest } from "../request/json-form.ts";
import { createEngine, type Engine } from "../runtime/engine.ts";
import { programChanges } from "./changes.ts";
import { type Differences, findDifferences, type Witness } from "./difference.ts";

/** What `ipe diff` has by default. */
const SAMPLES = 20_000;
const FEW_SAMPLES = 1_500;

const TEXT = `enum Risk: low < medium < high
type Approver:
  role: string
  team: string
resource Order: GET "/orders/{order}"
resource Deployment: POST "/deployments"
attributes
  team: string trusted from header "x-team"
  debug: string? claimed from query "debug"
  risk: Risk claimed from body "/risk"
  amount: int claimed from body "/amount"
  urgent: bool claimed from body "/urgent"
  approvals: list of approver: Approver claimed from body "/approvals"
  from_ip: ip claimed from header "x-ip"
policy Orders:
  triggers when resource.type == "Order"
  requires team in ["sales", "support"] and from_ip in ["10.0.0.0/8"]
policy Deployments:
  triggers when resource.type == "Deployment" and risk >= "medium"
  requires count(approvals where approver.role == "senior" and approver.team != team) >= 2
    and (amount <= 100 or urgent)
  on allow set request header "x-checked" to "yes"
  on deny status 409
guard Large:
  triggers when urgent and amount > 1000
  denies
guard Debug:
  triggers when not exists debug or debug == "1"
  requires exists debug or request.method != "TRACE"
`;

function engineOf(text: string): Engine {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

function differences(from: Engine, to: Engine, samples = SAMPLES, witnesses = 1): Differences {
  return findDifferences(from.program, to.program, programChanges(from.program, to.program), {
    seed: 1,
    samples,
    witnesses,
    goesOn: () => true,
  });
}

/** The engines themselves must agree with what the witness says of them. */
function expectWitness({ request, from, to }: Witness, old: Engine, next: Engine): void {
  const parsed = parseNeutralRequest(request);
  if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
  expect(old.decide(parsed.request)).toEqual(from);
  expect(next.decide(parsed.request)).toEqual(to);
  expect(from).not.toEqual(to);
}

describe("small edits are found", () => {
  test.each<[string, string, string]>([
    ["> instead of >=", "team) >= 2", "team) > 2"],
    ["a number", "team) >= 2", "team) >= 3"],
    ["< instead of <=", "amount <= 100", "amount < 100"],
    ["a bound that is one less", "amount <= 100", "amount <= 99"],
    ["a bound of a guard", "amount > 1000", "amount >= 1000"],
    ["an enum value", 'risk >= "medium"', 'risk >= "high"'],
    ["an enum comparison", 'risk >= "medium"', 'risk > "medium"'],
    ["or instead of and", "urgent and amount", "urgent or amount"],
    ["and instead of or", "amount <= 100 or urgent", "amount <= 100 and urgent"],
    ["a member of a set", '"support"]', '"marketing"]'],
    ["a member less", '["sales", "support"]', '["sales"]'],
    ["a network", '"10.0.0.0/8"', '"10.0.0.0/9"'],
    ["a text within a count", '"senior"', '"staff"'],
    ["a condition that is gone", " and approver.team != team", ""],
    ["a condition more", 'resource.type == "Order"', 'resource.type == "Order" and team != "support"'],
    ["a negation", "exists debug or request", "not exists debug or request"],
    ["a policy that is gone", /guard Large:[\s\S]*?denies\n/.exec(TEXT)![0], ""],
    ["a mode", "guard Large:\n", "guard Large:\n  metadata\n    mode: permissive\n"],
    ["a header's value", 'to "yes"', 'to "no"'],
    ["a status", "status 409", "status 404"],
    ["a source", 'header "x-team"', 'header "x-group"'],
    ["a path", '"/orders/{order}"', '"/orders"'],
    ["a method", 'GET "/orders/{order}"', 'PUT "/orders/{order}"'],
    ["the default", "policy Orders", "default allow\npolicy Orders"],
  ])("%s", (name, from, to) => {
    expect(TEXT).toContain(from);
    const [old, next] = [engineOf(TEXT), engineOf(TEXT.replace(from, to))];
    // Another answer without another decision does not end the search: it looks for more.
    const { witnesses } = differences(old, next, /header|status|negation/.test(name) ? FEW_SAMPLES : SAMPLES);
    expect(witnesses.length).toBeGreaterThan(0);
    for (const witness of witnesses) expectWitness(witness, old, next);
  });
});

test("a policy that is only watched has other outcomes, and no vote", () => {
  const text = TEXT.replace("guard Large:\n", "guard Large:\n  metadata\n    mode: permissive\n");
  const [old, next] = [engineOf(text), engineOf(text.replace("amount > 1000", "amount >= 1000"))];
  const { witnesses } = differences(old, next, FEW_SAMPLES);
  expect(witnesses).toMatchObject([
    {
      watched: [{ policy: "Large", from: "not-applicable", to: "indeterminate" }],
      request: { request: { body: { amount: 1000 } } },
    },
  ]);
  expect(witnesses[0]!.from).toEqual(witnesses[0]!.to);
});

test("policies of sets, and the sets themselves", () => {
  const text = `attributes
  tenant: string from extension "tenant"
  team: string trusted from header "x-team"
sets by tenant
set "acme"
policy A:
  requires team == "a"
set "globex"
policy B:
  requires team == "b"
`;
  for (const edit of [text.replace('== "b"', '== "c"'), text.replace('set "globex"', 'set "initech"')]) {
    const [old, next] = [engineOf(text), engineOf(edit)];
    const { witnesses } = differences(old, next);
    expect(witnesses.length).toBeGreaterThan(0);
    for (const witness of witnesses) expectWitness(witness, old, next);
  }
});

test("a witness holds what matters and nothing else", () => {
  const [old, next] = [engineOf(TEXT), engineOf(TEXT.replace('"support"]', '"marketing"]'))];
  const { witnesses } = differences(old, next, SAMPLES, 2);
  // Without an amount the trigger of `Large` would be unknown, and deny.
  expect(witnesses.map(({ request }) => request)).toEqual([
    {
      request: {
        method: "GET",
        path: "/orders/1",
        headers: { "x-team": "support", "x-ip": "10.0.0.1" },
        body: { amount: 0 },
      },
    },
    {
      request: {
        method: "GET",
        path: "/orders/1",
        headers: { "x-team": "marketing", "x-ip": "10.0.0.1" },
        body: { amount: 0 },
      },
    },
  ]);
  expect(witnesses.map(({ from, to }) => [from.allow, to.allow])).toEqual([
    [true, false],
    [false, true],
  ]);
});

test("the same seed finds the same", () => {
  const [old, next] = [engineOf(TEXT), engineOf(TEXT.replace("amount > 1000", "amount > 999"))];
  expect(differences(old, next, 3_000, 5)).toEqual(differences(old, next, 3_000, 5));
});

test("what means the same is tried and not found, what is the same is not even tried", () => {
  const same = engineOf(TEXT);
  expect(differences(same, engineOf(`// more\n${TEXT}`))).toEqual({ witnesses: [], tried: 0 });
  const found = differences(same, engineOf(TEXT.replace("amount <= 100", "amount < 101")), 2_000);
  expect(found).toEqual({ witnesses: [], tried: 2_000 });
});

test("the search ends when it is told to", () => {
  let asked = 0;
  const [old, next] = [engineOf(TEXT), engineOf(TEXT.replace("amount <= 100", "amount < 101"))];
  const changes = programChanges(old.program, next.program);
  const { tried } = findDifferences(old.program, next.program, changes, {
    seed: 1,
    samples: 1_000_000,
    witnesses: 1,
    goesOn: () => asked++ < 100,
  });
  expect(tried).toBeLessThanOrEqual(100);
});
