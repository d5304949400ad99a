import { describe, expect, test } from "vitest";
import { Diagnostics } from "../../source/diagnostics.ts";
import { parse } from "../../syntax/parse.ts";
import { check } from "../check.ts";

const DECLARATIONS = `enum Risk: low < medium < high < critical
enum State: draft, submitted, closed
type Approver:
  role: string
  department: string
  team: string
type Item:
  price: int
resource Deployment: POST "/deployments"
attributes
  environment: string trusted from header "x-environment"
  risk: Risk trusted from header "x-risk"
  state: State trusted from header "x-state"
  approvals: list of approver: Approver trusted from body "/approvals"
  items: list of item: Item trusted from body "/items"
  requester.department: string trusted from header "x-department"
  requester.team: string trusted from header "x-team"
  owner.team: string trusted from header "x-owner-team"
  tenant: string trusted from header "x-tenant"
  order.tenant: string trusted from body "/tenant"
  amount: int trusted from body "/amount"
  priority: int trusted from header "x-priority"
  age: duration trusted from header "x-age"
  tls: string trusted from header "x-tls"
`;
const SEED =
  'triggers when resource.type == "Deployment" and environment == "production" and risk in ["high", "critical"]\n  requires approvals.count >= 2 where approver.role == "senior-engineer" and approver.department != requester.department';
const ORIGINAL =
  "Production deployments of high-risk services need 2+ approvals from senior engineers in different departments to ensure proper oversight and reduce single-point-of-failure risk";
const CORRECTED =
  "Production deployments of high-risk services need 2+ approvals from senior engineers outside the requester's department, to reduce single-point-of-failure risk";

/** What is found, as the kind and the phrase or condition. */
function findings(sentence: string, rule: string): string[] {
  const kind = rule.startsWith("guard ") ? "guard" : "policy";
  const text = `${DECLARATIONS}${kind} P:\n  ${JSON.stringify(sentence)}\n  ${rule.replace(/^guard /, "")}\n  metadata\n    owner: tests\n`;
  const report = new Diagnostics({ hints: true });
  check(parse([{ name: "a.ipe", text }], report), report);
  const list = report.list();
  const broken = list.filter((d) => d.severity === "error" && d.id !== "intent-contradicted");
  expect(broken.map((d) => d.message)).toEqual([]);
  return list
    .filter((d) => d.id.startsWith("intent-"))
    .map((d) => `${d.id.slice("intent-".length)}: ${text.slice(d.span.start, d.span.end)}`);
}

interface Row {
  readonly sentence: string;
  readonly rule: string;
}

const approvals = (test: string) => `requires approvals.count ${test}`;
const amounts = (test: string) => `triggers when amount ${test}\n  requires approvals.count >= 1`;

describe("covered: the sentence and the rule say the same", () => {
  test.each<Row>([
    { sentence: CORRECTED, rule: SEED },
    { sentence: "Orders need at least two approvals", rule: approvals(">= 2") },
    { sentence: "Orders need at least 2 approvals", rule: approvals("> 1") },
    { sentence: "Orders need two approvals", rule: approvals(">= 2") },
    { sentence: "Orders need two or more approvals", rule: approvals(">= 2") },
    { sentence: "Orders need more than 2 approvals", rule: approvals(">= 3") },
    { sentence: "Orders need exactly two approvals", rule: approvals("== 2") },
    { sentence: "Orders need no fewer than three approvers", rule: approvals(">= 3") },
    { sentence: "Orders need between 2 and 5 approvals", rule: approvals(">= 2 and approvals.count <= 5") },
    { sentence: "Orders hold at most 10 items", rule: "requires items.count <= 10" },
    { sentence: "Orders hold up to ten items", rule: "requires items.count < 11" },
    {
      sentence: "Orders with more than 10 items are refused",
      rule: "guard triggers when items.count > 10\n  denies",
    },
    { sentence: "An order has at most 10 items", rule: "guard triggers when items.count > 10\n  denies" },
    { sentence: "Orders with fewer than 2 approvals are refused", rule: approvals(">= 2") },
    { sentence: "Amounts over 1,000 need an approval", rule: amounts("> 1000") },
    { sentence: "Amounts of 1000 or more need an approval", rule: amounts(">= 1000") },
    { sentence: "An amount between 1 and 99 needs an approval", rule: amounts("in 1..99") },
    { sentence: "Priority above 5 may pass", rule: "triggers when priority > 5\n  allows" },
    {
      sentence: "Nothing is called over TLS older than 1.2",
      rule: 'guard triggers when tls in ["TLSv1", "TLSv1.1"]\n  denies',
    },
    { sentence: "Callers need TLS of at least 1.2", rule: 'requires tls in ["TLSv1.2", "TLSv1.3"]' },
    {
      sentence: "Sessions older than 30 minutes are refused",
      rule: "guard triggers when age > 30m\n  denies",
    },
    { sentence: "Sessions live at most 8 hours", rule: "requires age <= 8h" },
    { sentence: "Closed orders stay as they are", rule: 'guard triggers when state == "closed"\n  denies' },
    {
      sentence: "Critical services need an approval",
      rule: 'triggers when risk == "critical"\n  requires approvals.count >= 1',
    },
    {
      sentence: "Everything of at least high risk needs an approval",
      rule: 'triggers when risk >= "high"\n  requires approvals.count >= 1',
    },
    {
      sentence: "Nothing changes in production",
      rule: 'guard triggers when environment == "production"\n  denies',
    },
    {
      sentence: "Outside production anybody may deploy",
      rule: 'triggers when environment != "production"\n  allows',
    },
    {
      sentence: "Deployments to prod need an approval",
      rule: 'triggers when environment == "production"\n  requires approvals.count >= 1',
    },
    {
      sentence: "Staging may be changed freely",
      rule: 'triggers when environment in ["staging", "stage"]\n  allows',
    },
    { sentence: "Only the same tenant reads an order", rule: "requires tenant == order.tenant" },
    {
      sentence: "The approver is from a different team than the requester",
      rule: "requires any(approvals where approver.team != requester.team)",
    },
    {
      sentence: "Nobody of another tenant reads an order",
      rule: "guard triggers when tenant != order.tenant\n  denies",
    },
    { sentence: "Never by somebody of the same team", rule: "requires requester.team != owner.team" },
    {
      sentence: "Nobody may delete orders",
      rule: 'guard triggers when request.method == "DELETE"\n  denies',
    },
    { sentence: "Everybody may look", rule: 'triggers when request.method == "GET"\n  allows' },
    {
      sentence: "Nobody but the owners may pass",
      rule: "triggers when requester.team == owner.team\n  allows",
    },
    {
      sentence: "Prices follow RFC 9110 and ISO 27001",
      rule: 'triggers when request.method == "GET"\n  allows',
    },
    {
      sentence: "At most 5 items",
      rule: "requires items.count in 1..5 and items.count >= 1 and items.count <= 5",
    },
    { sentence: "The amount is at most 5000", rule: "requires amount in 1..5000" },
    { sentence: "One of them is enough", rule: approvals(">= 1") },
  ])("$sentence | $rule", ({ sentence, rule }) => {
    expect(findings(sentence, rule)).toEqual([]);
  });
});

describe("contradicted", () => {
  test.each<Row & { readonly want: string }>([
    { sentence: ORIGINAL, rule: SEED, want: "different departments" },
    { sentence: CORRECTED, rule: SEED.replace(">= 2", ">= 3"), want: "2+" },
    { sentence: CORRECTED.replace("2+", "3+"), rule: SEED, want: "3+" },
    { sentence: "Orders need at least two approvals", rule: approvals("> 2"), want: "at least two" },
    { sentence: "Orders need more than 2 approvals", rule: approvals(">= 2"), want: "more than 2" },
    { sentence: "Orders need two approvals", rule: approvals(">= 3"), want: "two" },
    { sentence: "Orders need exactly two approvals", rule: approvals(">= 2"), want: "exactly two" },
    { sentence: "Orders need three or more approvals", rule: approvals(">= 2"), want: "three or more" },
    { sentence: "Orders hold at most 10 items", rule: "requires items.count < 10", want: "at most 10" },
    {
      sentence: "Orders with more than 10 items are refused",
      rule: "guard triggers when items.count >= 10\n  denies",
      want: "more than 10",
    },
    { sentence: "Amounts over 1,000 need an approval", rule: amounts("> 10000"), want: "over 1,000" },
    {
      sentence: "An amount between 1 and 99 needs an approval",
      rule: amounts("in 1..100"),
      want: "between 1 and 99",
    },
    { sentence: "Orders need at least two approvals", rule: approvals("== 2"), want: "at least two" },
    { sentence: "Orders need no more than 2 approvals", rule: approvals("<= 3"), want: "no more than 2" },
    {
      sentence: "Nothing is called over TLS older than 1.2",
      rule: 'guard triggers when tls in ["TLSv1.1", "TLSv1.2"]\n  denies',
      want: "older than 1.2",
    },
    {
      sentence: "Sessions older than 30 minutes are refused",
      rule: "guard triggers when age > 30s\n  denies",
      want: "older than 30",
    },
    {
      sentence: "Low risks need an approval",
      rule: 'triggers when risk in ["high", "critical"]\n  requires approvals.count >= 1',
      want: "Low",
    },
    {
      sentence: "Drafts may be changed",
      rule: 'triggers when state == "submitted"\n  allows',
      want: "Drafts",
    },
    {
      sentence: "Production deployments need an approval",
      rule: 'triggers when environment == "staging"\n  requires approvals.count >= 1',
      want: "Production",
    },
    {
      sentence: "Production deployments need an approval",
      rule: 'triggers when environment != "production"\n  requires approvals.count >= 1',
      want: "Production",
    },
    {
      sentence: "Outside production anybody may deploy",
      rule: 'triggers when environment == "production"\n  allows',
      want: "production",
    },
    {
      sentence: "The same tenant reads an order",
      rule: "requires tenant != order.tenant",
      want: "same tenant",
    },
    {
      sentence: "The approver is from a different team than the requester",
      rule: "requires any(approvals where approver.team == requester.team)",
      want: "different team",
    },
    {
      sentence: "Approvals come from distinct teams",
      rule: "requires any(approvals where approver.team != requester.team)",
      want: "distinct teams",
    },
    {
      sentence: "Approvals from outside the requester's department count",
      rule: "requires any(approvals where approver.department == requester.department)",
      want: "outside the requester's department",
    },
    {
      sentence: "Nobody may delete orders",
      rule: 'triggers when request.method == "DELETE"\n  allows',
      want: "Nobody",
    },
    {
      sentence: "Everybody may look",
      rule: 'guard triggers when request.method == "GET"\n  denies',
      want: "Everybody",
    },
  ])("$sentence | $rule", ({ sentence, rule, want }) => {
    expect(findings(sentence, rule)).toContain(`contradicted: ${want}`);
  });
});

describe("unmentioned: only one of them speaks of it", () => {
  test.each<Row & { readonly want: readonly string[] }>([
    {
      sentence: "Orders need at least two reviews",
      rule: "requires tenant == order.tenant",
      want: ["at least two"],
    },
    { sentence: "Orders need approval", rule: approvals(">= 3"), want: ["approvals.count >= 3"] },
    { sentence: "Large amounts need an approval", rule: amounts("> 1000"), want: ["amount > 1000"] },
    { sentence: "Production needs an approval", rule: approvals(">= 1"), want: ["Production"] },
    {
      sentence: "Approvals come from different departments",
      rule: approvals(">= 1"),
      want: ["different departments"],
    },
    {
      sentence: "Only the same tenant reads an order",
      rule: 'requires request.method == "GET"',
      want: ["same tenant"],
    },
    { sentence: "Long sessions end", rule: "requires age <= 8h", want: ["age <= 8h"] },
  ])("$sentence | $rule", ({ sentence, rule, want }) => {
    expect(findings(sentence, rule)).toEqual(want.map((phrase) => `unmentioned: ${phrase}`));
  });
});

test("the step of the lifecycle from two approvals to three: each half fits itself, and not the other", () => {
  const three = CORRECTED.replace("2+", "3+");
  const rule = SEED.replace(">= 2", ">= 3");
  expect(findings(three, rule)).toEqual([]);
  expect(findings(CORRECTED, rule)).toEqual(["contradicted: 2+"]);
  expect(findings(three, SEED)).toEqual(["contradicted: 3+"]);
});

test("no sentence is too long or too odd", () => {
  for (const piece of [
    "at least ",
    "2+ ",
    "between 1 and ",
    "different ",
    "outside ",
    "not ",
    "no more than 2 ",
    "’s ",
    "🙂 ",
    "$([",
  ])
    expect(() => findings(piece.repeat(3000).trim(), approvals(">= 2"))).not.toThrow();
});
