/** What is known of policies as long as the declarations stay that are no policies: each is looked at once. */

import type { Subject } from "../check/analyses/analysis.ts";
import { PolicyFacts } from "../check/analyses/facts.ts";
import { ALLOW_WARNING } from "../check/analyses/turned-off.ts";
import { ANALYSES } from "../check/analyses.ts";
import type { CheckedDocument } from "../check/check.ts";
import { ConditionChecker } from "../check/conditions.ts";
import {
  checkAlone,
  checkConstants,
  type Pins,
  pinned,
  readersOf,
  setsRequestId,
} from "../check/policies.ts";
import { checkTriggers } from "../check/triggers.ts";
import { Worlds } from "../check/worlds/worlds.ts";
import { type AloneReuse, inSet, Reuse } from "../expand/expand.ts";
import { builtinsOf } from "../plan/lower.ts";
import { type Resolved, resolve } from "../schema/resolve.ts";
import type { Attribute } from "../schema/schema.ts";
import type { DiagnosticsOptions } from "../source/diagnostics.ts";
import type { Declaration, Document, PolicyDeclaration } from "../syntax/ast.ts";
import type { Lowered } from "./plans.ts";
import { Recorder, type Said } from "./recorder.ts";

/** What the stages say of one policy. */
export interface KnownPolicy {
  /** With conditions and templates put in, and named with its set. */
  readonly policy: PolicyDeclaration;
  readonly reuse: AloneReuse | null;
  readonly expanded: readonly Said[];
  readonly typed: readonly Said[];
  readonly conditions: readonly Said[];
  readonly alone: readonly Said[];
  readonly constants: readonly Said[];
  readonly triggers: readonly Said[];
  /** Times that "did you mean" was looked for. */
  readonly suggestions: number;
  /** Does it turn a warning off? */
  readonly turnsOff: boolean;
  readonly setsRequestId: boolean;
  /** One of the stages before the analyses says something. */
  readonly isLoud: boolean;
  /** What the analyses say that look at one policy, each at its place in their list; null before they have run. */
  analyses: readonly (readonly Said[])[] | null;
  /** Built-ins that it reads; null before somebody asks. */
  builtins: readonly Attribute[] | null;
  /** Null before there is a plan. */
  lowered: Lowered | null;
}

const SILENT: readonly (readonly Said[])[] = [];

export class Known {
  readonly recorder: Recorder;
  readonly reuse: Reuse | null;
  readonly resolved: Resolved;
  readonly checker: ConditionChecker;
  readonly worlds: Worlds;
  readonly facts: PolicyFacts;
  /** Without conditions and templates. */
  readonly declarations: readonly Declaration[];
  /** Conditions that stand in no policy. */
  readonly conditions: Document["conditions"];
  readonly reused: readonly Said[];
  readonly declared: readonly Said[];
  readonly others: readonly Said[];
  /** Nodes that conditions and templates put in by themselves. */
  readonly added: number;
  /** Policies that were looked at, also those that are gone. */
  size = 0;
  readonly #used: Pick<AloneReuse, "conditions" | "templates">;
  readonly #readers: ReadonlyMap<string, string>;
  readonly #policies = new WeakMap<PolicyDeclaration, KnownPolicy>();
  readonly #pins = new WeakMap<PolicyDeclaration, Pins>();

  /** `declarations`: all but policies and tests. `reuses`: are there conditions or templates, or uses of them? */
  constructor(declarations: readonly Declaration[], reuses: boolean, options: DiagnosticsOptions) {
    const recorder = new Recorder(options);
    this.recorder = recorder;
    const document: Document = { declarations, faulty: [], conditions: [], typed: [] };
    let reuse: Reuse | null = null;
    this.reused = recorder.record(() => {
      if (reuses) reuse = new Reuse(document, recorder);
    });
    this.reuse = reuse as Reuse | null;
    this.#used = {
      conditions: [...(this.reuse?.used.conditions ?? [])],
      templates: [...(this.reuse?.used.templates ?? [])],
    };
    this.added = this.reuse?.added ?? 0;
    this.declarations = declarations.filter(({ kind }) => kind !== "condition" && kind !== "template");
    this.conditions = this.reuse?.bodies ?? [];
    const typed = [...(this.reuse?.typed ?? [])];
    let resolved!: Resolved;
    this.declared = recorder.record(() => {
      const { declarations: left, conditions } = this;
      resolved = resolve({ declarations: left, faulty: [], conditions, typed }, recorder);
    });
    this.resolved = resolved;
    this.checker = new ConditionChecker(resolved.schema, resolved.faulty, recorder);
    this.others = recorder.record(() => {
      for (const condition of this.conditions) this.checker.condition(condition, []);
    });
    this.#readers = readersOf(this.documentOf([]));
    this.worlds = new Worlds(this.checker.resolutions);
    this.facts = new PolicyFacts(this.checker.resolutions, this.worlds);
  }

  /** Nothing is wrong with the declarations: what is said of them may name places, which move. */
  get isSound(): boolean {
    return [...this.reused, ...this.declared, ...this.others].every(({ level }) => level !== "error");
  }

  documentOf(policies: readonly PolicyDeclaration[]): CheckedDocument {
    const { schema } = this.resolved;
    return { schema, policies, tests: [], resolutions: this.checker.resolutions };
  }

  policy(written: PolicyDeclaration): KnownPolicy {
    const known = this.#policies.get(written);
    if (known !== undefined) return known;
    const found = this.#lookAt(written);
    this.#policies.set(written, found);
    this.size++;
    return found;
  }

  #lookAt(written: PolicyDeclaration): KnownPolicy {
    const { recorder, checker } = this;
    const { resolutions } = checker;
    let reuse: AloneReuse | null = null;
    const expanded = recorder.record(() => {
      reuse = this.reuse?.alone(written) ?? null;
    });
    const taken = reuse as AloneReuse | null;
    const policy = inSet(taken?.policy ?? written);
    const typed = recorder.record(() => this.resolved.checkTyped(taken?.typed ?? []));
    checker.suggestions = 0;
    const conditions = recorder.record(() => checker.policy(policy));
    const { suggestions } = checker;
    const alone = recorder.record(() => checkAlone(policy, this.#readers, resolutions, recorder));
    const constants = recorder.record(() => checkConstants(policy, recorder));
    const triggers = recorder.record(() => checkTriggers(this.documentOf([policy]), recorder));
    return {
      policy,
      reuse: taken,
      expanded,
      typed,
      conditions,
      alone,
      constants,
      triggers,
      suggestions,
      turnsOff: policy.metadata.some(({ key }) => key.text === ALLOW_WARNING),
      setsRequestId: setsRequestId(policy),
      isLoud: [expanded, typed, conditions, alone, constants, triggers].some(({ length }) => length > 0),
      analyses: null,
      builtins: null,
      lowered: null,
    };
  }

  /** What is said of conditions and templates that neither these policies use nor others of their kind. */
  unused(policies: readonly KnownPolicy[]): readonly Said[] {
    const { reuse } = this;
    if (reuse === null) return [];
    reuse.used.conditions.clear();
    reuse.used.templates.clear();
    reuse.use(this.#used);
    for (const policy of policies) if (policy.reuse !== null) reuse.use(policy.reuse);
    return this.recorder.record(() => reuse.warnOfUnused());
  }

  pinsOf(policy: PolicyDeclaration): Pins {
    const known = this.#pins.get(policy);
    if (known !== undefined) return known;
    const pins = pinned(policy, this.checker.resolutions);
    this.#pins.set(policy, pins);
    return pins;
  }

  builtins(known: KnownPolicy): readonly Attribute[] {
    const { policy } = known;
    known.builtins ??= builtinsOf(policy, this.resolved.schema, this.facts.reads(policy));
    return known.builtins;
  }

  /** What the analyses say that look at one policy; nothing at all where none says anything. */
  analyses(known: KnownPolicy): readonly (readonly Said[])[] {
    if (known.analyses !== null) return known.analyses;
    const subject = this.subjectOf(this.documentOf([known.policy]));
    const said = ANALYSES.map(({ run, each }) =>
      each ? this.recorder.record(() => run(subject, this.recorder)) : [],
    );
    known.analyses = said.some(({ length }) => length > 0) ? said : SILENT;
    return known.analyses;
  }

  subjectOf(checked: CheckedDocument): Subject {
    const { declarations, conditions, worlds, facts } = this;
    return { checked, declarations, conditions, worlds, facts };
  }
}
