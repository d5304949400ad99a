/**
 * Common tests merged, by the laws of a distributive lattice, which Kleene's logic is: `a and a` is `a` (idempotence),
 * `a or (a and b)` is `a` (absorption), `(a and b) or (a and c)` is `a and (b or c)` (distributivity), and what follows
 * from them: beside `a` in an `and`, `a` deeper down is neutral (`a and (c or (a and b))` is `a and (c or b)`). Likewise
 * with `and` and `or` swapped. `not a` is a test of its own: nothing is concluded from `a` about it.
 */
import type { Condition } from "../plan/plan.ts";
import { areApart, dual, type Joined, joined, Keys, withParts } from "./conditions.ts";
import { fold } from "./fold.ts";

/** Beyond so many parts only what takes one look at each is done: no author writes so many, and a hostile one gains nothing. */
const PARTS_MAX = 128;

export function merge(c: Condition): Condition {
  // What the passes before this one give is as it would come out.
  if (areApart(c)) return c;
  return new Merger().merged(c);
}

/** A part of an `or` as the tests that it joins by `and`; or the other way round. */
type Part = ReadonlyMap<string, Condition>;

class Merger {
  readonly #keys = new Keys();

  merged(c: Condition): Condition {
    const inner = withParts(c, (part) => this.merged(part));
    return inner.kind === "and" || inner.kind === "or" ? this.#joined(inner.kind, inner.parts) : inner;
  }

  #joined(kind: Joined, conditions: readonly Condition[]): Condition {
    const flat = this.#withoutRepeats(kind, joined(kind, conditions));
    if (flat.kind !== kind) return flat;
    const parts = this.#absorbed(this.#distinct(flat.parts).map((part) => this.#partOf(kind, part)));
    return this.#factored(kind, parts);
  }

  /** What stands beside a part is neutral where it stands again below it. */
  #withoutRepeats(kind: Joined, c: Condition): Condition {
    if (c.kind !== kind || c.parts.length > PARTS_MAX) return c;
    const parts = this.#distinct(c.parts);
    const keys = parts.map((part) => this.#keys.of(part));
    parts.forEach((part, i) => {
      if (part.kind !== dual(kind)) return;
      const others = new Set(keys.filter((_, j) => j !== i));
      parts[i] = this.#neutral(part, others, { kind: "constant", value: kind === "and" });
      keys[i] = this.#keys.of(parts[i]);
    });
    return fold(joined(kind, parts));
  }

  /** `value` in place of conditions whose keys are given. */
  #neutral(c: Condition, keys: ReadonlySet<string>, value: Condition): Condition {
    if (keys.has(this.#keys.of(c))) return value;
    if (c.kind !== "and" && c.kind !== "or") return c;
    const parts = c.parts.map((part) => this.#neutral(part, keys, value));
    return parts.some((part, i) => part !== c.parts[i]) ? { ...c, parts } : c;
  }

  #distinct(conditions: readonly Condition[]): Condition[] {
    return [...new Map(conditions.map((c) => [this.#keys.of(c), c])).values()];
  }

  #partOf(kind: Joined, c: Condition): Part {
    const tests = c.kind === dual(kind) ? c.parts : [c];
    return new Map(tests.map((test) => [this.#keys.of(test), test]));
  }

  /** Without the parts that hold all tests of another one. */
  #absorbed(parts: readonly Part[]): readonly Part[] {
    if (parts.length > PARTS_MAX) return parts;
    return parts.filter(
      (part, i) =>
        !parts.some(
          (other, j) =>
            i !== j &&
            (other.size < part.size || (other.size === part.size && j < i)) &&
            holdsAll(part, other),
        ),
    );
  }

  /** The test that most parts share stands before what is left of them; the first of several such tests. */
  #factored(kind: Joined, parts: readonly Part[]): Condition {
    const shared = parts.length > PARTS_MAX ? null : mostShared(parts);
    if (shared === null)
      return joined(
        kind,
        parts.map((part) => joined(dual(kind), [...part.values()])),
      );
    const [key, test] = shared;
    const having = parts.filter((part) => part.has(key));
    const rests = having.map((part) => new Map([...part].filter(([other]) => other !== key)));
    const group = joined(dual(kind), [test, this.#factored(kind, rests)]);
    const at = parts.findIndex((part) => part.has(key));
    const left = parts.filter((part) => !part.has(key));
    const before = parts.slice(0, at).length;
    return this.#factored(kind, [...left.slice(0, before), this.#partOf(kind, group), ...left.slice(before)]);
  }
}

function holdsAll(part: Part, other: Part): boolean {
  for (const key of other.keys()) if (!part.has(key)) return false;
  return true;
}

function mostShared(parts: readonly Part[]): readonly [string, Condition] | null {
  const counts = new Map<string, number>();
  for (const part of parts) for (const key of part.keys()) counts.set(key, (counts.get(key) ?? 0) + 1);
  let best: readonly [string, Condition] | null = null;
  let most = 1;
  for (const part of parts) {
    for (const [key, test] of part) {
      if (counts.get(key)! <= most) continue;
      most = counts.get(key)!;
      best = [key, test];
    }
  }
  return best;
}
