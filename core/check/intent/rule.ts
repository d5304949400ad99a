/** What a policy's conditions say, in the terms that a sentence can be held against. */
import type { Expression, Name, PolicyDeclaration } from "../../syntax/ast.ts";
import type { Resolutions } from "../check.ts";
import { Canon } from "../worlds/canon.ts";
import { type Intervals, meetIntervals, type Space } from "../worlds/intervals.ts";
import { Leaves } from "../worlds/leaves.ts";
import type { Domain } from "../worlds/world.ts";
import { nameWords } from "./words.ts";

/** A number, duration or count that is compared with constants. */
export interface NumberTest {
  readonly kind: "count" | "number" | "time";
  /** Words for what is compared. */
  readonly about: readonly string[];
  readonly set: Intervals;
  readonly space: Space;
  readonly condition: Expression;
}

/** A text or enum that is compared with constants. */
export interface TermTest {
  readonly about: readonly string[];
  /** Constants as written. */
  readonly constants: readonly string[];
  /** Members with which the test is true; null for texts, of which there is no end. */
  readonly allowed: readonly string[] | null;
  /** All members of the enum; null for texts. */
  readonly members: readonly string[] | null;
  /** Is it true for the constants, or for what is none of them? */
  readonly positive: boolean;
  readonly ordered: boolean;
  readonly part: "trigger" | "requirement";
  readonly condition: Expression;
}

/** Two facts that are compared with each other. */
export interface PairTest {
  /** Words of the names of both. */
  readonly about: readonly string[];
  readonly equal: boolean;
  /** Elements of lists among the two. */
  readonly elements: number;
  readonly condition: Expression;
}

export interface Rule {
  readonly numbers: readonly NumberTest[];
  readonly terms: readonly TermTest[];
  readonly pairs: readonly PairTest[];
}

/** Of longer chains no two comparisons are taken together. */
const JOINED_MAX = 40;
const TERM_OPERATORS: ReadonlySet<string> = new Set(["==", "!=", "in", "<", "<=", ">", ">="]);

type Compare = Extract<Expression, { kind: "compare" }>;

export function ruleOf(policy: PolicyDeclaration, resolutions: Resolutions): Rule {
  const reader = new RuleReader(resolutions);
  if (policy.trigger !== null) reader.read(policy.trigger, true, "trigger");
  if (policy.effect?.kind === "requires") reader.read(policy.effect.condition, true, "requirement");
  return reader;
}

class RuleReader implements Rule {
  readonly numbers: NumberTest[] = [];
  readonly terms: TermTest[] = [];
  readonly pairs: PairTest[] = [];
  readonly #resolutions: Resolutions;
  readonly #canon: Canon;
  readonly #leaves: Leaves;

  constructor(resolutions: Resolutions) {
    this.#resolutions = resolutions;
    this.#canon = new Canon(resolutions);
    this.#leaves = new Leaves(resolutions, this.#canon);
  }

  /** `positive`: not below an odd number of `not`. */
  read(e: Expression, positive: boolean, part: TermTest["part"]): void {
    switch (e.kind) {
      case "and":
      case "or": {
        const first = this.numbers.length;
        for (const each of e.parts) this.read(each, positive, part);
        if ((e.kind === "and") === positive) this.#joinNumbers(first);
        return;
      }
      case "not":
        this.read(e.operand, !positive, part);
        return;
      case "aggregate":
        if (e.where !== null) this.read(e.where, positive, part);
        return;
      case "compare":
        this.#compare(e, positive, part);
        for (const side of [e.left, e.right])
          if (side.kind === "aggregate" && side.where !== null) this.read(side.where, true, part);
        return;
      default:
        return;
    }
  }

  /** `n >= 1 and n <= 5` says one thing more than its parts. */
  #joinNumbers(first: number): void {
    const tests = this.numbers.slice(first);
    if (tests.length > JOINED_MAX) return;
    for (const [i, a] of tests.entries()) {
      for (const b of tests.slice(i + 1)) {
        if (a.kind !== b.kind || a.about.join(" ") !== b.about.join(" ")) continue;
        this.numbers.push({ ...a, set: meetIntervals(a.set, b.set, a.space.step) });
      }
    }
  }

  #compare(e: Compare, positive: boolean, part: TermTest["part"]): void {
    const leaf = this.#leaves.compare(e);
    const domain = positive ? leaf.yes : leaf.no;
    const about = [...this.#aboutOf(e.left), ...this.#aboutOf(e.right)];
    if (domain.kind === "count")
      this.numbers.push({ kind: "count", about, set: domain.all, space: domain.space, condition: e });
    else if (domain.kind === "numbers" && typeof domain.space.whole[0]!.low === "number") {
      // Sentences are not searched for dates.
      const kind = this.#isOf(e, "duration") ? "time" : "number";
      if (!this.#isOf(e, "datetime"))
        this.numbers.push({ kind, about, set: domain.intervals, space: domain.space, condition: e });
    } else this.#term(e, positive, domain, about, part);
    this.#pair(e, positive);
  }

  #term(
    e: Compare,
    positive: boolean,
    domain: Domain,
    about: readonly string[],
    part: TermTest["part"],
  ): void {
    const constants = this.#constantsOf(e);
    if (constants.length === 0 || !TERM_OPERATORS.has(e.operator)) return;
    const type = [e.left, e.right]
      .map((side) => this.#leaves.readable(side)?.type)
      .find((t) => t !== undefined);
    if (type?.kind !== "enum" && type?.kind !== "string") return;
    const isEnum = type.kind === "enum" && type.enum.name !== "resource";
    this.terms.push({
      about,
      constants,
      allowed: isEnum && domain.kind === "members" ? [...domain.members] : null,
      members: isEnum ? type.enum.members : null,
      positive: (e.operator !== "!=") === positive,
      ordered: !["==", "!=", "in"].includes(e.operator),
      part,
      condition: e,
    });
  }

  #pair(e: Compare, positive: boolean): void {
    if (e.operator !== "==" && e.operator !== "!=") return;
    const [left, right] = [this.#leaves.readable(e.left), this.#leaves.readable(e.right)];
    if (left === null || right === null || e.left.kind !== "path" || e.right.kind !== "path") return;
    this.pairs.push({
      about: [...nameWords(lastPart(e.left.path)), ...nameWords(lastPart(e.right.path))],
      equal: (e.operator === "==") === positive,
      elements: [left, right].filter((side) => side.kind === "element").length,
      condition: e,
    });
  }

  #constantsOf(e: Compare): string[] {
    const items = e.right.kind === "list" ? e.right.items : [e.left, e.right];
    return items.flatMap((item) => {
      const operand = this.#resolutions.operands.get(item);
      return operand?.kind === "constant" && typeof operand.value.value === "string"
        ? [operand.value.value]
        : [];
    });
  }

  #isOf(e: Compare, kind: "duration" | "datetime"): boolean {
    return [e.left, e.right].some((side) => this.#leaves.readable(side)?.type.kind === kind);
  }

  /** The last word of a path says what is compared; of a count its list and its elements. */
  #aboutOf(e: Expression): string[] {
    if (e.kind === "path") return this.#leaves.readable(e) === null ? [] : nameWords(lastPart(e.path));
    if (e.kind !== "aggregate") return [];
    const element = this.#resolutions.elements.get(e.list)?.name;
    return [...nameWords(lastPart(e.list)), ...(element === undefined ? [] : nameWords(element))];
  }
}

function lastPart(name: Name): string {
  return name.text.slice(name.text.lastIndexOf(".") + 1);
}
