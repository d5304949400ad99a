/**
 * Tests that another one of the same cell makes needless: `x < 5 and x < 3`, `x == "a" and x != "b"`,
 * `path starts_with "/a/b" or path starts_with "/a"`. The one that stays is unknown exactly where the other was.
 */
import type { Condition } from "../plan/plan.ts";
import { type CellLiteral, cellLiteral, implies } from "./cell-tests.ts";
import { areApart, joined, refKey, withParts } from "./conditions.ts";

interface Placed {
  readonly at: number;
  readonly literal: CellLiteral;
}

/** Tests of one cell that are compared with each other; beyond it they stay. */
const TESTS_MAX = 64;

export function dropImplied(c: Condition): Condition {
  return areApart(c) ? c : dropped(c);
}

function dropped(c: Condition): Condition {
  const inner = withParts(c, dropped);
  if (inner.kind !== "and" && inner.kind !== "or") return inner;
  const flat = joined(inner.kind, inner.parts);
  if (flat.kind !== inner.kind) return flat;
  const byCell = new Map<string, Placed[]>();
  flat.parts.forEach((part, at) => {
    const literal = cellLiteral(part);
    if (literal === null) return;
    const tests = byCell.get(refKey(literal.ref));
    if (tests === undefined) byCell.set(refKey(literal.ref), [{ at, literal }]);
    else tests.push({ at, literal });
  });
  const needless = new Set<number>();
  for (const tests of byCell.values()) {
    if (tests.length > TESTS_MAX) continue;
    for (const one of tests) {
      const makesNeedless = (other: Placed): boolean =>
        other !== one &&
        !needless.has(other.at) &&
        (flat.kind === "and" ? implies(other.literal, one.literal) : implies(one.literal, other.literal));
      if (tests.some(makesNeedless)) needless.add(one.at);
    }
  }
  return joined(
    flat.kind,
    flat.parts.filter((_, i) => !needless.has(i)),
  );
}
