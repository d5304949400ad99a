/** Conditions as the worlds in which they are true, false, or not. */
import type { Aggregate, Expression } from "../../syntax/ast.ts";
import type { Resolutions } from "../check.ts";
import { Canon, UNLIKE } from "./canon.ts";
import { type Leaf, Leaves, someOf, withNone } from "./leaves.ts";
import { ANYTHING, EVERYWHERE, type Fact, factOf, meetWorlds, PRESENT, type World } from "./world.ts";

/** `not-true` is false or unknown, `not-false` true or unknown. */
export type Being = "true" | "false" | "not-true" | "not-false";

/** More worlds of one condition are not told apart: something is forgotten then, which makes them wider. */
const WORLDS_MAX = 48;
const OPPOSITE: Readonly<Record<Being, Being>> = {
  true: "false",
  false: "true",
  "not-true": "not-false",
  "not-false": "not-true",
};

/** Finds the worlds of a document's conditions. */
export class Worlds {
  readonly canon: Canon;
  readonly #leaves: Leaves;
  readonly #resolutions: Resolutions;
  readonly #known: Readonly<Record<Being, Map<Expression, readonly World[]>>> = {
    true: new Map(),
    false: new Map(),
    "not-true": new Map(),
    "not-false": new Map(),
  };
  readonly #tests = new Map<Expression, Leaf>();

  constructor(resolutions: Resolutions) {
    this.#resolutions = resolutions;
    this.canon = new Canon(resolutions);
    this.#leaves = new Leaves(resolutions, this.canon);
  }

  /** Every request of which the condition is so fits one of these worlds; none means that there is no such request. */
  of(e: Expression, being: Being): readonly World[] {
    const known = this.#known[being].get(e);
    if (known !== undefined) return known;
    const found = this.#find(e, being);
    this.#known[being].set(e, found);
    return found;
  }

  /** What is known of conditions that are not asked about again; a bundle may have very many. */
  forget(): void {
    for (const known of Object.values(this.#known)) known.clear();
    this.#tests.clear();
  }

  /** Can the condition be so at all? */
  can(e: Expression, being: Being): boolean {
    return this.of(e, being).length > 0;
  }

  /** Can all of this be so of one request? */
  canAll(list: readonly (readonly [Expression, Being])[]): boolean {
    return this.all(list).length > 0;
  }

  all(list: readonly (readonly [Expression, Being])[]): readonly World[] {
    let met: readonly World[] = [EVERYWHERE];
    for (const [e, being] of list) {
      met = product(met, this.of(e, being));
      if (met.length === 0) break;
    }
    return met;
  }

  #find(e: Expression, being: Being): readonly World[] {
    switch (e.kind) {
      case "and":
      case "or": {
        const allOf = (e.kind === "and") === (being === "true" || being === "not-false");
        return allOf ? this.all(e.parts.map((part) => [part, being])) : this.#anyOf(e.parts, being);
      }
      case "not":
        return this.of(e.operand, OPPOSITE[being]);
      case "exists":
        return this.#exists(e, being);
      case "exists_lookup": {
        const there = being === "true" || being === "not-false";
        const unknown = being === "not-true" || being === "not-false";
        const fact = factOf(there ? ANYTHING : null, being === "false" || being === "not-true", unknown);
        return worldOf(this.canon.lookup(e.lookup), fact, []);
      }
      case "lookup":
        return this.#resolutions.operands.get(e)?.kind === "computed"
          ? ofLeaf(this.#leaves.lookup(e), being)
          : [EVERYWHERE];
      case "path":
        return ofLeaf(this.#leaves.truth(e), being);
      case "compare":
        return this.#compare(e, being);
      case "aggregate":
        return this.#aggregate(e, being);
      default:
        // A literal is reported elsewhere; of anything else nothing is known.
        return [EVERYWHERE];
    }
  }

  #anyOf(parts: readonly Expression[], being: Being): readonly World[] {
    const found = parts.flatMap((part) => this.of(part, being));
    return found.length > WORLDS_MAX ? [EVERYWHERE] : found;
  }

  #exists(e: Extract<Expression, { kind: "exists" }>, being: Being): readonly World[] {
    const found = this.#resolutions.names.get(e.path);
    const about = this.canon.path(e.path);
    if (found === undefined || found.kind === "constant" || about === null) return [EVERYWHERE];
    const hasDefault =
      found.kind === "attribute" && found.fields.length === 0 && found.attribute.default !== null;
    const present = being === "true" || being === "not-false" ? ANYTHING : null;
    const absent = (being === "false" || being === "not-true") && !hasDefault;
    const fact = factOf(present, absent, being === "not-true" || being === "not-false");
    return worldOf(about, fact, being === "true" ? this.#leaves.waysTo(found) : []);
  }

  #compare(e: Extract<Expression, { kind: "compare" }>, being: Being): readonly World[] {
    const leaf = this.#test(e);
    const counted = e.left.kind === "aggregate" ? e.left : e.right;
    const isNone = counted.kind === "aggregate" && counted.where !== null && !this.can(counted.where, "true");
    if (!isNone || leaf.yes.kind !== "count") return ofLeaf(leaf, being);
    // Nothing surely counts: 0 is among the numbers.
    return ofLeaf({ ...leaf, yes: withNone(leaf.yes), no: withNone(leaf.no) }, being);
  }

  #test(e: Extract<Expression, { kind: "compare" }>): Leaf {
    const known = this.#tests.get(e);
    if (known !== undefined) return known;
    const leaf = this.#leaves.compare(e);
    this.#tests.set(e, leaf);
    return leaf;
  }

  /** `any` and `all`. */
  #aggregate(e: Aggregate, being: Being): readonly World[] {
    if (e.function === "count") return [EVERYWHERE];
    const list = this.canon.path(e.list);
    const leaf = this.#leaves.opaque(e, list === null ? [] : [list]);
    const worlds = ofLeaf(leaf, being);
    const element = this.#resolutions.elements.get(e.list);
    if (e.where === null || element === undefined) return worlds;
    // Which of these an element shows: there is one of which the body is so.
    const shown: Being = e.function === "any" ? "true" : "false";
    if (being !== shown) return worlds;
    const outside = this.of(e.where, shown).map((world) => withoutElement(world, element.name));
    return product(worlds, outside);
  }
}

/** What is known of the element is nothing that others can use. */
function withoutElement(world: World, element: string): World {
  return new Map(
    [...world].filter(
      ([about]) =>
        !about.includes(UNLIKE) && !about.split(/[^\w.]+/).some((word) => word.split(".")[0] === element),
    ),
  );
}

function ofLeaf(leaf: Leaf, being: Being): readonly World[] {
  const certain = being === "true" || being === "false";
  const affirmed = being === "true" || being === "not-false";
  const domain = affirmed ? leaf.yes : leaf.no;
  const fact = factOf(certain ? domain : someOf(domain), !certain && leaf.canBeAbsent, !certain);
  return worldOf(leaf.about, fact, certain ? leaf.present : []);
}

function worldOf(about: string, fact: Fact | null, present: readonly string[]): readonly World[] {
  if (fact === null) return [];
  const world = new Map<string, Fact>();
  for (const name of present) world.set(name, PRESENT);
  return [world.set(about, fact)];
}

/** Worlds in which both are so. */
function product(a: readonly World[], b: readonly World[]): readonly World[] {
  if (a.length === 0 || b.length === 0) return [];
  if (a.length * b.length > WORLDS_MAX * WORLDS_MAX) return a;
  const found: World[] = [];
  for (const x of a) {
    for (const y of b) {
      const met = meetWorlds(x, y);
      if (met !== null) found.push(met);
    }
  }
  return found.length > WORLDS_MAX ? a : found;
}
