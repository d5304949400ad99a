/** Conditions that can never be true, or never false; what that makes of their policies. */
import type { Diagnostics } from "../../source/diagnostics.ts";
import type { Expression, PolicyDeclaration } from "../../syntax/ast.ts";
import type { Worlds } from "../worlds/worlds.ts";
import { isOwn, partsOf, placeIn, quoted, type Subject } from "./analysis.ts";

/** `never-true`, `always-true`, `never-applies`, `never-holds`, `always-holds`. */
export function checkTruths({ checked, worlds }: Subject, report: Diagnostics): void {
  for (const policy of checked.policies) {
    new PolicyTruths(policy, worlds, report).check();
    worlds.forget();
  }
}

class PolicyTruths {
  readonly #policy: PolicyDeclaration;
  readonly #worlds: Worlds;
  readonly #report: Diagnostics;

  constructor(policy: PolicyDeclaration, worlds: Worlds, report: Diagnostics) {
    this.#policy = policy;
    this.#worlds = worlds;
    this.#report = report;
  }

  check(): void {
    const { trigger, effect } = this.#policy;
    const requirement = effect?.kind === "requires" ? effect.condition : null;
    if (trigger !== null) this.#trigger(trigger);
    if (requirement !== null) this.#requirement(requirement);
    if (trigger === null || requirement === null) return;
    if (this.#isPlain(trigger) && this.#isPlain(requirement)) this.#together(trigger, requirement);
  }

  #trigger(trigger: Expression): void {
    if (this.#worlds.can(trigger, "true")) {
      this.#condition(trigger);
      return;
    }
    const why = reasonFor(trigger, "true", this.#worlds);
    this.#report.warning(
      "never-applies",
      placeIn(this.#policy, why.place),
      `\`${this.#policy.name.text}\` can never apply: ${why.text}`,
      "correct the trigger, or remove it",
    );
  }

  #requirement(requirement: Expression): void {
    if (this.#worlds.can(requirement, "true")) {
      this.#condition(requirement);
      return;
    }
    const why = reasonFor(requirement, "true", this.#worlds);
    this.#report.warning(
      "never-holds",
      placeIn(this.#policy, why.place),
      `\`${this.#policy.name.text}\` denies whenever it applies: ${why.text}`,
      "correct the requirement; to deny always, write `denies`",
    );
  }

  /** A condition that can be true; what stands in it is looked at, the outermost finding counts. */
  #condition(e: Expression): void {
    if (!this.#worlds.can(e, "true")) {
      this.#say("never-true", reasonFor(e, "true", this.#worlds), "correct it, or remove it");
      return;
    }
    if (!this.#worlds.can(e, "false")) {
      const help = "correct it, or remove it; to ask whether a value is there, write `exists`";
      this.#say("always-true", reasonFor(e, "false", this.#worlds), help);
      return;
    }
    for (const part of innerConditions(e)) this.#condition(part);
  }

  #say(id: "never-true" | "always-true", { place, text }: Why, help: string): void {
    const isElsewhere = !isOwn(this.#policy, place);
    // What is always so with the arguments of one policy need not be with those of another.
    if (isElsewhere && id === "always-true") return;
    const where = isElsewhere ? `in what \`${this.#policy.name.text}\` uses, ` : "";
    this.#report.warning(id, placeIn(this.#policy, place), `${where}${text}`, help);
  }

  /** Neither of them alone is always so or never so. */
  #isPlain(e: Expression): boolean {
    return this.#worlds.can(e, "true") && this.#worlds.can(e, "false");
  }

  #together(trigger: Expression, requirement: Expression): void {
    const name = `\`${this.#policy.name.text}\``;
    if (!this.#worlds.canAll(both(trigger, requirement, "true"))) {
      const pair = firstConflict(
        [trigger, requirement].flatMap((e) => partsOf(e, "and")),
        this.#worlds,
      );
      const [first, second] = pair ?? [trigger, requirement];
      this.#report.warning(
        "never-holds",
        placeIn(this.#policy, second),
        `${name} denies whenever it applies: its trigger says ${quoted(first)}, and then ${quoted(second)} is never true`,
        "correct one of them; to deny always, write `denies`",
      );
    } else if (!this.#worlds.canAll(both(trigger, requirement, "false"))) {
      this.#report.warning(
        "always-holds",
        placeIn(this.#policy, requirement),
        `whenever ${name} applies, what it requires is true, unless something is missing`,
        this.#policy.kind === "guard"
          ? "correct it, or remove the guard: it denies nothing"
          : "correct it, or write `allows`",
      );
    }
  }
}

function both(trigger: Expression, requirement: Expression, being: "true" | "false") {
  return [
    [trigger, "true"],
    [requirement, being],
  ] as const;
}

/** Conditions in a condition. */
function innerConditions(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case "and":
    case "or":
      return e.parts;
    case "not":
      return [e.operand];
    case "aggregate":
      return e.where === null ? [] : [e.where];
    case "compare":
      return [e.left, e.right].flatMap((side) =>
        side.kind === "aggregate" && side.where !== null ? [side.where] : [],
      );
    default:
      return [];
  }
}

interface Why {
  readonly place: Expression;
  readonly text: string;
}

/** Why a condition can never be so: the smallest part that shows it. */
function reasonFor(e: Expression, being: "true" | "false", worlds: Worlds): Why {
  if (e.kind === "not") return reasonFor(e.operand, being === "true" ? "false" : "true", worlds);
  const said = being === "true" ? "never true" : "never false";
  if (e.kind !== "and" && e.kind !== "or") return { place: e, text: `${quoted(e)} is ${always(being)}` };
  const parts = partsOf(e, e.kind);
  const impossible = parts.find((part) => !worlds.can(part, being));
  // An `and` is never true as soon as one part is; an `or` only where all are.
  if ((e.kind === "and") === (being === "true")) {
    if (impossible !== undefined) return reasonFor(impossible, being, worlds);
    const pair = firstConflict(parts, worlds, being);
    if (pair === null) return { place: e, text: `the parts of ${quoted(e)} are ${said} at once` };
    return { place: pair[1], text: `${quoted(pair[0])} and ${quoted(pair[1])} are ${said} at once` };
  }
  return { place: e, text: `no part of ${quoted(e)} is ever ${being}` };
}

function always(being: "true" | "false"): string {
  return being === "true" ? "never true" : "true whenever its values are there";
}

/** Of longer chains nobody looks for the two parts that do not fit. */
const PARTS_MAX = 200;

/** The first two that cannot be so together. */
function firstConflict(
  parts: readonly Expression[],
  worlds: Worlds,
  being: "true" | "false" = "true",
): readonly [Expression, Expression] | null {
  if (parts.length > PARTS_MAX) return null;
  for (const [i, second] of parts.entries()) {
    const first = parts.slice(0, i).find(
      (part) =>
        !worlds.canAll([
          [part, being],
          [second, being],
        ]),
    );
    if (first !== undefined) return [first, second];
  }
  return null;
}
