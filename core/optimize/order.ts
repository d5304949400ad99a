/**
 * The parts of `and` and `or` in the order that answers soonest on average: what is cheap and often settles the matter
 * comes first, aggregates last. Kleene's `and` and `or` are commutative, so only the time changes. Equal parts stay in
 * the author's order. `exists x and` and `not exists x or` come before all else: they spare what follows the unknowns,
 * and with them a second run.
 */
import { type Condition, isRef } from "../plan/plan.ts";
import { type Joined, literal, withParts } from "./conditions.ts";

/** Of what the optimizer knows nothing. */
const UNKNOWN_COST = 20;
/** Elements that a list is taken to have. */
const ELEMENTS = 8;

/** What a condition costs, in comparisons of two integers, and how often it is taken to be true. */
interface Estimate {
  readonly cost: number;
  readonly truth: number;
}

export function order(c: Condition): Condition {
  const inner = withParts(c, order);
  if (inner.kind !== "and" && inner.kind !== "or") return inner;
  const kind = inner.kind;
  const ranked = inner.parts.map((part) => ({
    part,
    rank: isGuard(kind, part) ? 0 : rank(kind, estimate(part)),
  }));
  return { kind, parts: ranked.sort((a, b) => a.rank - b.rank).map(({ part }) => part) };
}

function isGuard(kind: Joined, part: Condition): boolean {
  const { test, negated } = literal(part);
  return test.kind === "exists" && negated === (kind === "or");
}

/** Cost for each time that a part settles an `and` (by being false) or an `or` (by being true). */
function rank(kind: Joined, { cost, truth }: Estimate): number {
  return cost / Math.max(0.01, kind === "and" ? 1 - truth : truth);
}

function estimate(c: Condition): Estimate {
  const { test, negated } = literal(c);
  const { cost, truth } = positive(test);
  return { cost, truth: negated ? 1 - truth : truth };
}

function positive(c: Condition): Estimate {
  switch (c.kind) {
    case "and":
    case "or":
      return joinedEstimate(c.kind, c.parts.map(estimate));
    case "constant":
      return { cost: 1, truth: c.value ? 1 : 0 };
    case "exists":
      return { cost: 1, truth: 0.8 };
    case "truth":
      return { cost: 1, truth: 0.5 };
    case "compare":
      return compareEstimate(c);
    case "text":
      return { cost: c.test === "contains" ? 12 : 4, truth: 0.25 };
    case "in-set":
      return setEstimate(c);
    case "in-cidr":
      return { cost: 4, truth: 0.25 };
    case "has":
    case "in-cidrs":
      return { cost: 2 * ELEMENTS, truth: 0.3 };
    case "any":
    case "all":
      return { cost: 10 + ELEMENTS * (4 + estimate(c.body).cost), truth: 0.5 };
    case "count": {
      const counts = "count" in c.right ? [c.left, c.right.count] : [c.left];
      const each = counts.map(({ body }) => (body === null ? 1 : 4 + estimate(body).cost));
      return { cost: each.reduce((sum, cost) => sum + 10 + ELEMENTS * cost, 1), truth: 0.5 };
    }
    case "matches":
      return { cost: 16, truth: 0.25 };
    case "computing":
      return computingEstimate(c);
    default:
      return { cost: UNKNOWN_COST, truth: 0.5 };
  }
}

function compareEstimate({ order: kind, left, right }: Extract<Condition, { kind: "compare" }>): Estimate {
  const truth = kind === "eq" ? 0.1 : 0.5;
  const { kind: type } = left.type;
  if (type === "enum")
    return { cost: 1, truth: kind === "eq" ? 1 / Math.max(2, left.type.enum.members.length) : 0.5 };
  // Against a constant a string is its number in the bundle; two strings of a request are compared by their bytes.
  if (type === "string") return { cost: isRef(right) || kind !== "eq" ? 6 : 1, truth };
  return { cost: type === "ip" || type === "cidr" ? 4 : 1, truth };
}

function computingEstimate({ steps, test }: Extract<Condition, { kind: "computing" }>): Estimate {
  const { cost, truth } = positive(test);
  const costs = steps.map((step) => {
    if (!("count" in step)) return step.kind === "lower" || step.kind === "lookup" ? 10 : 2;
    const { body } = step.count;
    return 10 + ELEMENTS * (body === null ? 1 : 4 + estimate(body).cost);
  });
  return { cost: costs.reduce((sum, each) => sum + each, cost), truth };
}

function setEstimate({ ref, set }: Extract<Condition, { kind: "in-set" }>): Estimate {
  const { length } = set;
  if (ref.type.kind === "ip") return { cost: 4 * length, truth: 0.3 };
  const members =
    ref.type.kind === "enum" ? Math.max(2, ref.type.enum.members.length) : Number.POSITIVE_INFINITY;
  return { cost: 1 + length / 2, truth: Math.min(0.9, Math.max(0.1 + 0.02 * length, length / members)) };
}

/** Parts in their order, each met only if those before it have not settled the matter. */
function joinedEstimate(kind: Joined, parts: readonly Estimate[]): Estimate {
  let cost = 0;
  let reached = 1;
  for (const part of parts) {
    cost += reached * part.cost;
    reached *= kind === "and" ? part.truth : 1 - part.truth;
  }
  return { cost, truth: kind === "and" ? reached : 1 - reached };
}
