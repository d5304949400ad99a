/** Outcome of one policy, and the decision that all outcomes make. */

import type { PolicyEntry, Program } from "../bytecode/program.ts";
import type { Decision, Denial, HeaderValue, Outcome, ReasonOutcome } from "../decision/decision.ts";
import type { Interpreter } from "./interpreter.ts";

const DENY_STATUS = 403;

/** What one policy says about the request in the slots. */
export function outcomeOf(policy: PolicyEntry, interpreter: Interpreter): Outcome {
  if (policy.trigger !== -1) {
    if (!interpreter.run(policy.trigger, true)) return "not-applicable";
    if (interpreter.metUnknown && !interpreter.run(policy.trigger, false)) return "indeterminate";
  }
  switch (policy.effect) {
    case "denies":
      return "denied";
    case "allows":
      return "satisfied";
    case "requires":
      return interpreter.run(policy.requirement, false) ? "satisfied" : "unsatisfied";
  }
}

/** Rank of a denial: the lowest wins. Infinity where an outcome denies nothing. */
export function denialRank(outcome: Outcome): number {
  switch (outcome) {
    case "denied":
      return 0;
    case "unsatisfied":
      return 1;
    case "indeterminate":
      return 2;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Decisions of one bundle, made once each: they are plain data and never change. */
export class Decisions {
  readonly #program: Program;
  readonly #denials = new Map<number, Decision>();
  readonly #allows = new Map<number, Decision>();
  readonly #default: Decision;
  readonly #conflict = deny(null, "obligation-conflict", { status: DENY_STATUS, body: null });
  readonly #refusal = deny(null, "default", { status: DENY_STATUS, body: null });

  constructor(program: Program) {
    this.#program = program;
    this.#default = program.defaultAllow ? allow(null, "default", []) : this.#refusal;
  }

  /** A policy's denial. */
  deny(policy: number, outcome: "denied" | "unsatisfied" | "indeterminate"): Decision {
    const key = policy * 4 + denialRank(outcome);
    const known = this.#denials.get(key);
    if (known !== undefined) return known;
    const { name, denyStatus, denyBody } = this.#program.policies[policy]!;
    const made = deny(name, outcome, { status: denyStatus === 0 ? DENY_STATUS : denyStatus, body: denyBody });
    this.#denials.set(key, made);
    return made;
  }

  /** No policy has a word; `sound`: method, host and path are valid. */
  byDefault(sound: boolean): Decision {
    return sound ? this.#default : this.#refusal;
  }

  /** At least one policy is satisfied: `first` in order, and `setters` are those of them that set headers. */
  allow(first: number, setters: readonly number[], setterCount: number): Decision {
    if (setterCount > 1) return this.#merged(first, setters.slice(0, setterCount));
    const setter = setterCount === 0 ? first : setters[0]!;
    const key = first * this.#program.policies.length + setter;
    const known = this.#allows.get(key);
    if (known !== undefined) return known;
    const made = this.#merged(first, [setter]);
    this.#allows.set(key, made);
    return made;
  }

  /** Equal sets merge, different sets of one name deny. */
  #merged(first: number, setters: readonly number[]): Decision {
    const { policies, headerNames, strings } = this.#program;
    const values = new Map<string, string>();
    for (const setter of setters) {
      for (const { header, value } of policies[setter]!.setHeaders) {
        const name = headerNames[header]!;
        const text = strings[value]!;
        if ((values.get(name) ?? text) !== text) return this.#conflict;
        values.set(name, text);
      }
    }
    const headers = [...values]
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return allow(policies[first]!.name, "satisfied", headers);
  }
}

function deny(policy: string | null, outcome: ReasonOutcome, denial: Denial): Decision {
  return { allow: false, reason: { policy, outcome }, setRequestHeaders: [], denial };
}

function allow(
  policy: string | null,
  outcome: ReasonOutcome,
  setRequestHeaders: readonly HeaderValue[],
): Decision {
  return { allow: true, reason: { policy, outcome }, setRequestHeaders, denial: null };
}
