/** A bundle, ready to judge requests. One engine judges one request at a time, from start to end with one bundle. */
import type { ByteSource } from "../bytecode/byte-source.ts";
import { decode } from "../bytecode/decode.ts";
import type { Program } from "../bytecode/program.ts";
import type { Decision, Explanation } from "../decision/decision.ts";
import { createSlotLoader, type SlotLoader } from "../request/load.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import { FactReader, type ReadFact } from "../request/read-facts.ts";
import { Slots } from "../request/slots.ts";
import { Candidates, SELECT_FROM } from "./candidates.ts";
import { Evaluator } from "./evaluate.ts";
import { type Explainer, explain } from "./explain.ts";
import { Interpreter } from "./interpreter.ts";
import { Decisions, outcomeOf } from "./outcomes.ts";
import { chosenSet, isChosen } from "./policy-sets.ts";
import { type Clock, type ConditionTree, conditionTree, measuredNs } from "./tree.ts";

export type EngineResult =
  | { readonly ok: true; readonly engine: Engine }
  | { readonly ok: false; readonly error: string };

/** Conditions of one policy with truth and values; null where it has none. */
export interface PolicyTrees {
  /** The request is judged by it: it belongs to no policy set, or to the one that is chosen. */
  readonly chosen: boolean;
  readonly trigger: ConditionTree | null;
  readonly requirement: ConditionTree | null;
  /** Nanoseconds that the policy takes, its slots loaded, measured; null without a clock. */
  readonly ns: number | null;
}

export interface EngineOptions {
  /** Policies from which on those that can apply to a request are looked up; the answers are the same. */
  readonly selectFrom?: number;
  /** The host takes what `limits` of an allow says. Without it a bundle with limits is refused. */
  readonly takesLimits?: boolean;
}

const NO_LIMITS = "its policies have limits, and nobody counts here";

/** Verify a bundle and make it ready; `error` says why it is refused. */
export function createEngine(bundle: Uint8Array | ByteSource, options: EngineOptions = {}): EngineResult {
  const decoded = decode(bundle);
  if (!decoded.ok) return decoded;
  if (decoded.program.hasLimits && options.takesLimits !== true) return { ok: false, error: NO_LIMITS };
  return { ok: true, engine: new Engine(decoded.program, options) };
}

export class Engine {
  readonly program: Program;
  readonly #loader: SlotLoader;
  readonly #slots: Slots;
  readonly #candidates: Candidates;
  readonly #evaluator: Evaluator;
  readonly #explainer: Explainer;
  #facts: FactReader | null = null;

  /** `program`: from `decode`, so it is verified. */
  constructor(program: Program, { selectFrom = SELECT_FROM }: EngineOptions = {}) {
    this.program = program;
    this.#slots = new Slots(program.cellCount);
    this.#loader = createSlotLoader(program);
    const interpreter = new Interpreter(program, this.#slots);
    const decisions = new Decisions(program, this.#slots);
    const candidates = new Candidates(program, this.#slots, selectFrom);
    this.#candidates = candidates;
    this.#explainer = { program, slots: this.#slots, interpreter, decisions };
    this.#evaluator = new Evaluator({ ...this.#explainer, candidates });
  }

  /** `sha256:` and 64 hex digits: the bundle's name. */
  get digest(): string {
    return this.program.digest;
  }

  /** Some policy reads the body: the host must deliver it. */
  get readsBody(): boolean {
    return this.program.readsBody;
  }

  /** Request headers that some policy may set: clients' copies are always stripped (`_` counts as `-`). */
  get headerNames(): readonly string[] {
    return this.program.headerNames;
  }

  /** The decision about a request. Never throws for any request. */
  decide(request: NeutralRequest): Decision {
    return this.#evaluator.evaluate(this.#load(request));
  }

  /** What the bundle read of the request that it was asked about last. To be called before it is asked about another one. */
  factsOf(request: NeutralRequest): readonly ReadFact[] {
    this.#facts ??= new FactReader(this.program);
    return this.#facts.read(this.#slots, request);
  }

  /** The decision with every policy's reasons. */
  explain(request: NeutralRequest): Explanation {
    return explain(this.#explainer, this.#candidates, this.#load(request));
  }

  /**
   * The conditions of a policy by name, with truth and values; null when there is no such policy. With a clock each is also
   * run some hundred times more, to measure it.
   */
  trees(request: NeutralRequest, name: string, clock: Clock | null = null): PolicyTrees | null {
    const policy = this.program.policies.named(name);
    if (policy === undefined) return null;
    this.#load(request);
    const { interpreter } = this.#explainer;
    const tree = (node: typeof policy.triggerNode): ConditionTree | null =>
      node === null ? null : conditionTree(node, this.#explainer, clock);
    return {
      chosen: isChosen(policy.set, chosenSet(this.program.policySets, this.#slots)),
      trigger: tree(policy.triggerNode),
      requirement: tree(policy.requirementNode),
      ns: clock === null ? null : measuredNs(() => outcomeOf(policy.index, this.program, interpreter), clock),
    };
  }

  /** For measurements: decide again about the request that was loaded last. */
  decideAgain(): Decision {
    return this.#evaluator.evaluate(true);
  }

  #load(request: NeutralRequest): boolean {
    this.#loader.load(request, this.#slots);
    return !(this.#loader.methodInvalid || this.#loader.pathInvalid || this.#loader.hostInvalid);
  }
}
