import { describe, expect, test } from "vitest";
import { compile } from "../compile.ts";
import { parseNeutralRequest } from "../request/json-form.ts";
import { createEngine, type Engine } from "../runtime/engine.ts";
import { findRemedy, type Remedy } from "./remedy.ts";

function engineOf(text: string): Engine {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

/** The remedy, after the engine was asked whether it is one. */
function remedyOf(text: string, form: object): Remedy {
  const engine = engineOf(text);
  const parsed = parseNeutralRequest(form);
  if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
  const remedy = findRemedy(engine.program, parsed.request);
  expect(engine.decide(parsed.request).allow).toBe(remedy.kind === "none-needed");
  if (remedy.kind === "changes") expect(engine.decide(remedy.request).allow).toBe(true);
  return remedy;
}

/** Attributes and what they become; `undefined` is left out. */
function changed(text: string, form: object): Record<string, unknown> {
  const remedy = remedyOf(text, form);
  if (remedy.kind !== "changes") throw new Error(`no changes but ${JSON.stringify(remedy)}`);
  return Object.fromEntries(
    remedy.changes.map(({ slot, to }) => [slot.name, to.state === "present" ? to.value : undefined]),
  );
}

const FACTS = `enum Risk: low < medium < high
type Line:
  price: int
type Approver:
  role: string
  team: string
  tags: list of tag: string
resource Order: GET "/orders/{order_id}"
resource Deployment: POST "/deployments"
attributes
  team:      string  trusted from header "x-team"
  note:      string? claimed from query "note"
  session:   string? claimed from cookie "session"
  amount:    int     claimed from body "/amount"
  rate:      float   claimed from body "/rate"
  risk:      Risk    claimed from body "/risk"
  urgent:    bool    claimed from body "/urgent"
  roles:     list of role: string claimed from body "/roles"
  approvals: list of approver: Approver claimed from body "/approvals"
  lines:     list of line: Line claimed from body "/lines"
  first:     Approver claimed from body "/first"
  tenant:    string  from extension "tenant"
  order:     int     claimed from capture "order_id"
  from_ip:   ip      claimed from header "x-ip"
  net:       cidr    claimed from header "x-net"
  until:     datetime claimed from header "x-until"
  wait:      duration claimed from header "x-wait"
`;

const requires = (condition: string): string => `${FACTS}policy P:\n  requires ${condition}\n`;
const http = (request: object = {}, rest: object = {}): object => ({
  request: { method: "GET", path: "/orders/7", ...request },
  ...rest,
});
const body = (members: object): object => http({ body: members });
const senior = { role: "senior", team: "ops" };

describe("a smallest change that lets the request pass", () => {
  test.each<[name: string, condition: string, form: object, want: Record<string, unknown>]>([
    ["a text that is another one", 'team == "a"', http({ headers: { "x-team": "b" } }), { team: "a" }],
    ["an absent text", 'team == "a"', http(), { team: "a" }],
    ["an invalid text", 'team == "a"', http({ headers: { "x-team": ["b", "c"] } }), { team: "a" }],
    ["one of a set", 'team in ["a", "b"]', http(), { team: "a" }],
    ["anything but a text", 'team != "a"', http({ headers: { "x-team": "a" } }), { team: "other" }],
    ["a start", 'team starts_with "pay"', http({ headers: { "x-team": "x" } }), { team: "pay" }],
    ["an end and a start", 'team starts_with "a" and team ends_with "b"', http(), { team: "ab" }],
    ["a part", 'team contains "z"', http(), { team: "z" }],
    ["the nearest number", "amount <= 100", body({ amount: 250 }), { amount: 100 }],
    ["a number above", "amount > 100", body({ amount: 7 }), { amount: 101 }],
    ["a number between", "amount > 3 and amount < 7 and amount != 5", body({ amount: 5 }), { amount: 4 }],
    ["a fraction", "rate > 0.5 and rate < 0.75", body({ rate: 2 }), { rate: 0.625 }],
    ["a number of the wrong type", "amount == 1", body({ amount: "1" }), { amount: 1 }],
    ["a bool", "urgent", body({ urgent: false }), { urgent: true }],
    ["the next member of an enum", 'risk >= "medium"', body({ risk: "low" }), { risk: "medium" }],
    [
      "a query parameter left out",
      "not exists note",
      http({ path: "/orders/7?note=1" }),
      { note: undefined },
    ],
    ["a query parameter", 'exists note and note == "a b&c"', http(), { note: "a b&c" }],
    ["a cookie", 'exists session and session == "s"', http({ headers: { cookie: "a=1" } }), { session: "s" }],
    ["an extension", 'tenant == "acme"', http(), { tenant: "acme" }],
    ["an address in a network", 'from_ip in ["10.0.0.0/8"]', http(), { from_ip: "10.0.0.1" }],
    ["a network", 'net == "10.0.0.0/8"', http(), { net: "10.0.0.0/8" }],
    ["a part of a sum", "amount + order <= 20", http({ body: { amount: 50 } }), { amount: 13 }],
    ["a part of an exact sum", "amount + order == 20", http({ body: { amount: 50 } }), { amount: 13 }],
    ["with a number added", "amount + 5 == 20", body({ amount: 50 }), { amount: 15 }],
    ["a product", "amount * 3 >= 100", body({ amount: 1 }), { amount: 34 }],
    ["in lower case", 'lower(team) == "pay"', http({ headers: { "x-team": "SALES" } }), { team: "pay" }],
    [
      "a time that is not too long ago",
      "until - request.time <= 1h",
      http({ time: "2026-01-01T00:00:00Z", headers: { "x-until": "2026-01-01T05:00:00Z" } }),
      { until: "2026-01-01T01:00:00Z" },
    ],
    [
      "elements whose sum is small enough",
      "sum(lines.price) <= 100",
      body({ lines: [{ price: 40 }, { price: 90 }] }),
      { lines: [{ price: 90 }] },
    ],
    [
      "elements whose sum is large enough",
      "sum(lines.price) >= 100",
      body({ lines: [{ price: 40 }] }),
      { lines: [{ price: 40 }, { price: 99 }] },
    ],
    [
      "the least of all",
      "min(lines.price) > 10",
      body({ lines: [{ price: 40 }, { price: 9 }] }),
      { lines: [{ price: 40 }] },
    ],
    ["what a pattern takes", 'team matches "^[a-z]{2}-[0-9]{3}$"', http(), { team: "aa-000" }],
    [
      "what a pattern does not take",
      'not (team matches "^pay")',
      http({ headers: { "x-team": "pay" } }),
      { team: "other" },
    ],
    ["what a glob takes", 'team like "pay-*-eu"', http(), { team: "pay--eu" }],
    [
      "one of several elements",
      'roles contains_any ["x", "y"]',
      body({ roles: ["a"] }),
      { roles: ["a", "x"] },
    ],
    [
      "all of several elements",
      'roles contains_all ["x", "y"]',
      body({ roles: ["y"] }),
      { roles: ["y", "x"] },
    ],
    ["a number in a range", "amount in 10..20", body({ amount: 3 }), { amount: 10 }],
    ["a text after another", 'team > "m"', http({ headers: { "x-team": "a" } }), { team: "other" }],
    ["a text before another", 'team < "b"', http({ headers: { "x-team": "x" } }), { team: "" }],
    [
      "a point in time",
      'until > "2026-01-01T00:00:00Z"',
      http({ headers: { "x-until": "2025-12-31T23:00:00+01:00" } }),
      { until: "2026-01-01T00:00:01Z" },
    ],
    ["a length of time", "wait <= 1h30m", http({ headers: { "x-wait": "2h" } }), { wait: "1h30m" }],
    ["a capture", "order == 9", http(), { order: 9 }],
    [
      "the other operand",
      "team == tenant",
      http({ headers: { "x-team": "a" } }, { extensions: { tenant: "b" } }),
      { team: "b" },
    ],
    ["both operands", "team == tenant", http(), { team: "other", tenant: "other" }],
    ["an element more", '"admin" in roles', body({ roles: ["dev"] }), { roles: ["dev", "admin"] }],
    ["an element less", 'not "admin" in roles', body({ roles: ["dev", "admin"] }), { roles: ["dev"] }],
    ["elements less", "roles.count <= 1", body({ roles: ["a", "b", "c"] }), { roles: ["a"] }],
    [
      "as many elements as are missing",
      'count(approvals where approver.role == "senior" and approver.team != team) >= 3',
      http({ headers: { "x-team": "pay" }, body: { approvals: [senior] } }),
      { approvals: [senior, { role: "senior", team: "other" }, { role: "senior", team: "other" }] },
    ],
    [
      "elements that all fulfil something",
      'all(approvals where approver.role == "senior") and approvals.count >= 1',
      body({ approvals: [{ role: "x" }] }),
      { approvals: [{ role: "senior" }] },
    ],
    [
      "an element with a list in it",
      'any(approvals where "x" in approver.tags)',
      body({ approvals: [] }),
      { approvals: [{ tags: ["x"] }] },
    ],
    [
      "a field of a record",
      'first.role == "r"',
      body({ first: { role: "q", team: "t" } }),
      { first: { role: "r", team: "t" } },
    ],
    ["a record from nothing", 'first.role == "r"', body({}), { first: { role: "r" } }],
    [
      "the cheapest of alternatives",
      '(connection.mtls or team == "a" or amount == 1)',
      body({}),
      { amount: 1 },
    ],
    [
      "what cannot be had by the caller, if nothing else helps",
      "connection.mtls",
      http(),
      { "connection.mtls": true },
    ],
    [
      "a negated group",
      'not (team == "a" or amount == 1)',
      http({ headers: { "x-team": "a" }, body: { amount: 2 } }),
      { team: "other" },
    ],
    [
      "several at once",
      'team == "a" and amount == 1 and urgent',
      body({}),
      { team: "a", amount: 1, urgent: true },
    ],
    ["in a body that is no JSON", "amount == 1", http({ body: "{" }), { amount: 1 }],
    ["in attributes set directly", "amount == 1", http({}, { attributes: { amount: 2 } }), { amount: 1 }],
  ])("%s", (_name, condition, form, want) => {
    expect(changed(requires(condition), form)).toEqual(want);
  });

  test("of all policies that deny, not of the first alone", () => {
    const text = `${FACTS}policy A:\n  requires team == "a"\nguard B:\n  requires amount < 5\nguard C:\n  triggers when urgent\n  denies\n`;
    const form = http({ headers: { "x-team": "b" }, body: { amount: 9, urgent: true } });
    expect(changed(text, form)).toEqual({ team: "a", amount: 4, urgent: false });
  });

  test("a value that repairs one policy must not break another", () => {
    const text = `${FACTS}policy A:\n  requires amount >= 5\nguard B:\n  requires amount <= 7 and amount != 5\n`;
    expect(changed(text, body({ amount: 1 }))).toEqual({ amount: 6 });
  });

  test("where nothing allows, what makes a policy apply", () => {
    const text = `${FACTS}policy A:\n  triggers when resource.type == "Deployment"\n  requires team == "a"\n`;
    const remedy = remedyOf(text, http({ headers: { "x-team": "a" } }));
    expect(remedy).toMatchObject({ kind: "changes", request: { method: "POST", target: "/deployments" } });
  });

  test("one of a thousand policies, whose own constants are looked at first", () => {
    const many = Array.from(
      { length: 1_000 },
      (_, i) => `policy P${i}:\n  triggers when team == "t${i}"\n  requires amount == ${i}\n`,
    );
    const remedy = remedyOf(`${FACTS}${many.join("")}`, body({ amount: 3 }));
    if (remedy.kind !== "changes") throw new Error(remedy.kind);
    expect(remedy.changes.map(({ slot }) => slot.name)).toContain("team");
    expect(remedy.changes.length).toBeLessThanOrEqual(2);
  });

  test("a requirement is fulfilled rather than evaded", () => {
    const text = `${FACTS}policy A:\n  allows\nguard B:\n  triggers when risk == "high"\n  requires roles.count >= 2 and team == "a" and amount == 1\n`;
    expect(changed(text, body({ risk: "high" }))).toEqual({
      roles: expect.any(Array) as unknown,
      team: "a",
      amount: 1,
    });
  });

  test("an undecided trigger is decided", () => {
    const text = `${FACTS}policy A:\n  allows\nguard B:\n  triggers when risk == "high"\n  denies\n`;
    expect(changed(text, body({ risk: 7 }))).toEqual({ risk: "low" });
  });

  test("a policy set is chosen, and its own policies are met", () => {
    const text = `${FACTS}sets by tenant\nset "acme"\npolicy A:\n  requires team == "a"\nset "globex"\npolicy B:\n  requires team == "b"\n`;
    expect(changed(text, http({ headers: { "x-team": "a" } }))).toEqual({ tenant: "acme" });
    expect(changed(text, http({ headers: { "x-team": "a" } }, { extensions: { tenant: "globex" } }))).toEqual(
      { team: "b" },
    );
  });

  test("permissive policies are nobody's business", () => {
    const text = `${FACTS}policy A:\n  requires team == "a"\npolicy B:\n  requires team == "b"\n  metadata\n    mode: permissive\n`;
    expect(changed(text, http())).toEqual({ team: "a" });
  });

  test("says which conditions it is good for", () => {
    const remedy = remedyOf(requires('team == "a" and amount < 5'), body({ amount: 9 }));
    expect(remedy).toMatchObject({
      kind: "changes",
      changes: [
        {
          slot: { name: "team" },
          from: { state: "absent" },
          soThat: [{ policy: "P", text: 'team == "a"', truth: "true" }],
        },
        {
          slot: { name: "amount" },
          from: { state: "present", value: 9 },
          soThat: [{ text: "amount < 5", truth: "true" }],
        },
      ],
    });
  });
});

describe("where there is none", () => {
  test("nothing is needed", () => {
    expect(remedyOf(requires('team == "a"'), http({ headers: { "x-team": "a" } }))).toEqual({
      kind: "none-needed",
    });
  });

  test("a policy that always denies is named", () => {
    const text = `${FACTS}policy A:\n  requires team == "a"\nguard Closed:\n  denies\n`;
    expect(remedyOf(text, http())).toEqual({ kind: "impossible", policies: ["Closed"] });
  });

  test("what contradicts itself is not found, and what stands in the way is said", () => {
    const text = `${FACTS}policy A:\n  requires amount == 1\nguard B:\n  requires amount == 2\n`;
    const remedy = remedyOf(text, body({ amount: 3 }));
    expect(remedy).toMatchObject({
      kind: "not-found",
      conditions: [
        { policy: "A", text: "amount == 1", truth: "true" },
        { policy: "B", text: "amount == 2", truth: "true" },
      ],
    });
  });

  test("the search ends, however many policies there are", () => {
    const guards = Array.from(
      { length: 300 },
      (_, i) => `guard G${i}:\n  requires amount != ${i} and rate != ${i}.5\n`,
    );
    const text = `${FACTS}policy A:\n  requires amount == 1 and team == "a"\n${guards.join("")}`;
    const started = performance.now();
    expect(remedyOf(text, body({ amount: 3 })).kind).toBe("not-found");
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

test("the same request, the same answer", () => {
  const text = requires('(team == "a" or amount == 1) and urgent and roles.count >= 2');
  const once = remedyOf(text, body({ amount: 2 }));
  expect(remedyOf(text, body({ amount: 2 }))).toEqual(once);
});
