/** Outcome of one policy, and the decision that all outcomes make. */

import * as format from "../bytecode/gen/constants.ts";
import { ofDenial, type PolicyColumns } from "../bytecode/policies.ts";
import type { LimitEntry, Obligation, Program } from "../bytecode/program.ts";
import {
  type Decision,
  type Denial,
  type HeaderValue,
  type LimitRequest,
  NO_EFFECTS,
  type Outcome,
  type ReasonOutcome,
} from "../decision/decision.ts";
import { limited } from "../decision/limits.ts";
import type { Slots } from "../request/slots.ts";
import { carriedOut, type Done, type HeaderSet, HeaderSets } from "./header-sets.ts";
import type { Interpreter } from "./interpreter.ts";
import { LimitKeys } from "./limit-keys.ts";
import { ValueTexts } from "./value-texts.ts";

// V8 folds a module's own constants into the code, not those that it imports.
const GUARD = format.POLICY_KIND_GUARD;
const { EFFECT_ALLOWS: ALLOWS, EFFECT_DENIES: DENIES } = format;

const DENY_STATUS = 403;
const BARE: Denial = { status: DENY_STATUS, body: null, headers: [] };

/** What one policy, given by its place, says about the request in the slots. */
export function outcomeOf(policy: number, { policies, numbers }: Program, interpreter: Interpreter): Outcome {
  const { columns } = policies;
  const expiry = columns.expiries[policy]!;
  if (expiry === -1) return outcomeOfCode(policy, columns, interpreter);
  const expired = interpreter.hasPassed(numbers[expiry]!);
  if (expired === true && columns.offWhenExpired[policy] === 1) return "expired";
  const outcome = outcomeOfCode(policy, columns, interpreter);
  // Expiry ends the power to allow, not the power to deny; without a clock nobody knows, and nobody allows.
  if (expired === false || outcome !== "satisfied" || columns.kinds[policy] === GUARD) return outcome;
  return expired === true ? "expired" : "indeterminate";
}

function outcomeOfCode(policy: number, columns: PolicyColumns, interpreter: Interpreter): Outcome {
  const trigger = columns.triggers[policy]!;
  const row = columns.rowStarts[policy]!;
  if (trigger !== -1) {
    if (!interpreter.run(trigger, true, row)) return "not-applicable";
    if (interpreter.metUnknown && !interpreter.run(trigger, false, row)) return "indeterminate";
  }
  switch (columns.effects[policy]) {
    case DENIES:
      return "denied";
    case ALLOWS:
      return "satisfied";
    default:
      return interpreter.run(columns.requirements[policy]!, false, row) ? "satisfied" : "unsatisfied";
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

/** Allows of one bundle that are remembered; beyond it they are made anew. */
const ALLOWS_MAX = 65_536;

/** Decisions of one bundle, made once each: they are plain data and never change. */
export class Decisions {
  readonly headerSets: HeaderSets;
  readonly #program: Program;
  readonly #keys: LimitKeys;
  readonly #denials = new Map<number, Decision>();
  readonly #texts: ValueTexts;
  #allowCount = 0;
  readonly #default: Decision;
  readonly #conflict = deny(null, "obligation-conflict", BARE);
  /** A bundle of policy sets, none of which is chosen. */
  readonly noPolicySet = deny(null, "no-policy-set", BARE);
  readonly #refusal = deny(null, "default", BARE);

  /** `slots`: of the request that is judged. */
  constructor(program: Program, slots: Slots) {
    this.#program = program;
    this.#keys = new LimitKeys(program, slots);
    this.#texts = new ValueTexts(program, slots);
    this.headerSets = new HeaderSets(program);
    this.#default = program.defaultAllow ? allow(null, "default", NOTHING_DONE) : this.#refusal;
  }

  /** A policy's denial. */
  deny(policy: number, outcome: "denied" | "unsatisfied" | "indeterminate"): Decision {
    const key = policy * 4 + denialRank(outcome);
    const known = this.#denials.get(key);
    if (known !== undefined) return known;
    const { name, denyStatus, denyBody, denyBodyParts, obligations } = this.#program.policies.at(policy);
    const made = deny(name, outcome, {
      status: denyStatus === 0 ? DENY_STATUS : denyStatus,
      body: denyBodyParts === null ? denyBody : this.#texts.body(denyBody!, denyBodyParts),
      headers: answerHeaders(obligations),
    });
    if (denyBodyParts === null) this.#denials.set(key, made);
    return made;
  }

  /** No policy has a word; `sound`: method, host and path are valid. */
  byDefault(sound: boolean): Decision {
    return sound ? this.#default : this.#refusal;
  }

  /** At least one policy is satisfied: `first` in order; `set`: what all of them set. */
  allow(first: number, set: HeaderSet): Decision {
    if (set.conflicts) return this.#conflict;
    const allowed = set.done === null ? this.#withValues(first, set) : this.#remembered(first, set, set.done);
    if (!allowed.allow) return allowed;
    return set.limits.length === 0 ? allowed : this.#counted(allowed, set.limits);
  }

  /** What is set depends on the request. */
  #withValues(first: number, { actions }: HeaderSet): Decision {
    const values = new Map<Obligation, string | null>();
    for (const { policy, obligation } of actions.texts) {
      const value = this.#texts.of(obligation);
      if (value === "invalid") return deny(this.#program.policies.nameOf(policy), "obligation-invalid", BARE);
      values.set(obligation, value === null ? null : value.text);
    }
    const done = carriedOut(actions, (obligation) =>
      obligation.parts.length === 0 ? obligation.value : values.get(obligation)!,
    );
    return allow(this.#program.policies.nameOf(first), "satisfied", done);
  }

  /** Which bucket it is depends on the request. */
  #counted(allowed: Decision, entries: readonly LimitEntry[]): Decision {
    const limits: LimitRequest[] = [];
    for (const { policy, index, intervalMicros, burst, cells, onFailure } of entries) {
      const key = this.#keys.of(policy, index, cells);
      if (key === null) return limited(policy, null);
      limits.push({ policy, key, intervalMicros, burst, onFailure });
    }
    return { ...allowed, limits };
  }

  #remembered(first: number, set: HeaderSet, done: Done): Decision {
    const known = set.allows.get(first);
    if (known !== undefined) return known;
    const made = allow(this.#program.policies.nameOf(first), "satisfied", done);
    if (this.#allowCount < ALLOWS_MAX) {
      this.#allowCount++;
      set.allows.set(first, made);
    }
    return made;
  }
}

function deny(policy: string | null, outcome: ReasonOutcome, denial: Denial): Decision {
  return {
    allow: false,
    reason: { policy, outcome },
    setRequestHeaders: [],
    removeRequestHeaders: [],
    limits: [],
    denial,
    ...NO_EFFECTS,
  };
}

/** By name. */
function answerHeaders(obligations: readonly Obligation[]): HeaderValue[] {
  return ofDenial(obligations)
    .map(({ name, value }) => ({ name, value: value! }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const NOTHING_DONE: Done = { setRequestHeaders: [], removeRequestHeaders: [], ...NO_EFFECTS };

function allow(policy: string | null, outcome: ReasonOutcome, done: Done): Decision {
  return { allow: true, reason: { policy, outcome }, limits: [], denial: null, ...done };
}
