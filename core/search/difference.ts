/**
 * Requests that two programs decide differently, looked for by a directed random search. It starts at requests that one of them
 * allows (they come from the search for remedies), tries every value that some test tells apart on each attribute, and goes on
 * from whatever request made conditions say something new. Finding nothing proves nothing.
 */
import type { ExplainNode, PolicyEntry, Program, Slot } from "../bytecode/program.ts";
import type { Decision, Outcome } from "../decision/decision.ts";
import type { Json } from "../request/facts.ts";
import { parseNeutralRequest } from "../request/json-form.ts";
import { type NeutralRequest, undeliveredConnection } from "../request/neutral.ts";
import { requestForm } from "../request/to-form.ts";
import { withFact } from "../request/with-fact.ts";
import { isUnchanged, type ProgramChanges } from "./changes.ts";
import { Probe } from "./probe.ts";
import { Random } from "./random.ts";
import { findRemedy } from "./remedy.ts";
import { elementsOf, type ValueSource, valuesOf, without } from "./values.ts";
import { RoutineWords } from "./vocabulary.ts";

/** Policies whose conditions lead the search. */
const FOCUS_MAX = 64;
/** Requests that are tried for each start. */
const START_LOADS = 500;
/** Requests that are kept to go on from. */
const CORPUS_MAX = 2_000;
/** Of 100 steps, those that go on from a recent request, change a second fact, and look at an attribute in focus. */
const RECENT_PERCENT = 50;
const SECOND_PERCENT = 35;
const FOCUS_PERCENT = 80;
const RECENT = 32;
/** Values of one attribute that are tried one by one. */
const VALUES_MAX = 48;
const ELEMENTS_MAX = 12;
/** A value of no type that an attribute has, except a record's. */
const ILL_TYPED: Json = {};

export interface DifferenceOptions {
  readonly seed: number;
  /** Requests that are tried at most. */
  readonly samples: number;
  /** Witnesses that are enough, of those on which one program allows and the other denies. */
  readonly witnesses: number;
  /** Asked before each request: false ends the search. */
  readonly goesOn: () => boolean;
}

/** A request in the form of the command line, and what both programs make of it. */
export interface Witness {
  readonly request: { readonly [name: string]: Json };
  readonly from: Decision;
  readonly to: Decision;
  /** Policies that both programs only watch, and whose outcomes differ. */
  readonly watched: readonly WatchedOutcome[];
}

export interface WatchedOutcome {
  readonly policy: string;
  readonly from: Outcome;
  readonly to: Outcome;
}

export interface Differences {
  /** First those on which one program allows and the other denies, then those with another answer or another outcome. */
  readonly witnesses: readonly Witness[];
  readonly tried: number;
}

/** Look for requests that are decided differently; `changes` are those of the two programs. */
export function findDifferences(
  from: Program,
  to: Program,
  changes: ProgramChanges,
  options: DifferenceOptions,
): Differences {
  // INVARIANT: programs that say the same decide the same.
  if (isUnchanged(changes)) return { witnesses: [], tried: 0 };
  return new DifferenceSearch(from, to, changes, options).run();
}

/** An attribute as one of the programs declares it; what both declare alike is here once. */
interface Subject {
  readonly slot: Slot;
  readonly probe: Probe;
  /** Each program that declares it, with its own slot. */
  readonly places: readonly { readonly probe: Probe; readonly slot: Slot }[];
}

class DifferenceSearch {
  readonly #from: Probe;
  readonly #to: Probe;
  readonly #options: DifferenceOptions;
  readonly #random: Random;
  readonly #focus: readonly { readonly probe: Probe; readonly policy: PolicyEntry }[];
  readonly #subjects: readonly Subject[];
  readonly #focused: readonly Subject[];
  /** Policies that are permissive in both, by their places. */
  readonly #watched: readonly { readonly policy: string; readonly old: number; readonly next: number }[];
  readonly #corpus: NeutralRequest[] = [];
  readonly #signatures = new Set<string>();
  readonly #witnesses = new Map<string, Witness>();
  #tried = 0;
  #flips = 0;

  constructor(from: Program, to: Program, changes: ProgramChanges, options: DifferenceOptions) {
    this.#from = new Probe(from);
    this.#to = new Probe(to);
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#focus = [this.#from, this.#to].flatMap((probe) =>
      probe.program.policies.list
        .filter((policy) => concerns(changes, policy))
        .slice(0, FOCUS_MAX)
        .map((policy) => ({ probe, policy })),
    );
    this.#watched = from.policies.list.flatMap(({ name, mode }, old) => {
      const next = to.policies.list.findIndex(
        (policy) => policy.name === name && policy.mode === "permissive",
      );
      return mode === "permissive" && next >= 0 ? [{ policy: name, old, next }] : [];
    });
    this.#subjects = subjectsOf(this.#from, this.#to);
    const read = new Set(
      this.#focus.flatMap(({ probe, policy }) =>
        leavesOf(policy).flatMap((leaf) => leaf.reads.map(({ cell }) => keyOf(probe.slotOf(cell)))),
      ),
    );
    for (const probe of [this.#from, this.#to]) {
      const { policySets } = probe.program;
      if (policySets !== null) read.add(keyOf(probe.slotOf(policySets.cell)));
    }
    const focused = this.#subjects.filter(({ slot }) => read.has(keyOf(slot)));
    this.#focused = focused.length > 0 ? focused : this.#subjects;
  }

  run(): Differences {
    for (const request of this.#starts()) {
      if (!this.#goesOn()) break;
      this.#try(request);
    }
    for (const request of [...this.#corpus]) this.#neighbourhood(request);
    while (this.#goesOn() && this.#subjects.length > 0) this.#step();
    const all = [...this.#witnesses.values()];
    const ordered = [...all.filter(isFlip), ...all.filter((witness) => !isFlip(witness))];
    return { witnesses: ordered.slice(0, this.#options.witnesses), tried: this.#tried };
  }

  #goesOn(): boolean {
    return (
      this.#tried < this.#options.samples && this.#flips < this.#options.witnesses && this.#options.goesOn()
    );
  }

  // --- where to begin ---

  /** A bare request, and requests that one program, or one changed policy of it alone, allows. */
  *#starts(): Generator<NeutralRequest> {
    yield BARE;
    const wholes = [this.#from.program, this.#to.program];
    const alone = this.#focus.map(
      ({ probe, policy }): Program => ({
        ...probe.program,
        policies: probe.program.policies.alone(policy.index),
      }),
    );
    for (const program of [...wholes, ...alone]) {
      if (!this.#options.goesOn()) return;
      const remedy = findRemedy(program, BARE, { loads: START_LOADS });
      if (remedy.kind !== "changes") continue;
      yield remedy.request;
      // What one policy wants may be forbidden by another one.
      for (const whole of program.policies.length === 1 ? wholes : []) {
        const repaired = findRemedy(whole, remedy.request, { loads: START_LOADS });
        if (repaired.kind === "changes") yield repaired.request;
      }
    }
  }

  // --- steps ---

  /** Every value of every attribute in focus, one at a time. */
  #neighbourhood(request: NeutralRequest): void {
    for (const subject of this.#focused) {
      for (const value of this.#valuesOf(subject, request)) {
        if (!this.#goesOn()) return;
        this.#try(withFact(request, subject.slot, value, subject.probe.program));
      }
    }
  }

  #step(): void {
    const recent = this.#random.chance(RECENT_PERCENT) ? this.#corpus.slice(-RECENT) : this.#corpus;
    const changed = this.#mutated(this.#random.pick(recent));
    this.#try(changed !== null && this.#random.chance(SECOND_PERCENT) ? this.#mutated(changed) : changed);
  }

  #mutated(request: NeutralRequest): NeutralRequest | null {
    const subject = this.#random.pick(this.#random.chance(FOCUS_PERCENT) ? this.#focused : this.#subjects);
    const values = this.#valuesOf(subject, request);
    return withFact(request, subject.slot, this.#random.pick(values), subject.probe.program);
  }

  /** What an attribute can become, by the tests of both programs; left out, and ill-typed. */
  #valuesOf({ places }: Subject, request: NeutralRequest): (Json | undefined)[] {
    const values = places.flatMap(({ probe, slot }): Json[] => {
      probe.load(request);
      const fact = probe.fact(slot);
      const current = fact.state === "present" ? fact.value : undefined;
      return slot.shape.type === "list"
        ? listsOf(probe, slot, Array.isArray(current) ? current : [])
        : valuesOf(slot.shape, String(slot.cell), current, wholeWords(probe));
    });
    const kept = [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
    return [...kept.slice(0, VALUES_MAX), undefined, ILL_TYPED];
  }

  /** Judge a request by both programs; keep it where it is news. */
  #try(request: NeutralRequest | null): void {
    this.#tried++;
    if (request === null) return;
    const from = this.#judged(this.#from, request);
    const to = this.#judged(this.#to, request);
    if (differ(from.decision, to.decision) || this.#watchedOutcomes(from.outcomes, to.outcomes).length > 0)
      this.#witness(request);
    const signature = `${from.signature}|${to.signature}`;
    if (this.#signatures.has(signature) || this.#corpus.length >= CORPUS_MAX) return;
    this.#signatures.add(signature);
    this.#corpus.push(request);
  }

  /** The decision, and what the changed policies and each of their conditions say. */
  #judged(
    probe: Probe,
    request: NeutralRequest,
  ): { decision: Decision; outcomes: readonly Outcome[]; signature: string } {
    probe.load(request);
    const outcomes = probe.outcomes();
    const decision = probe.decision(outcomes);
    const truths = this.#focus
      .filter((focus) => focus.probe === probe)
      .flatMap(({ policy }) => [
        outcomes[policy.index]![0],
        ...leavesOf(policy).map((leaf) => probe.truth(leaf)[0]),
      ]);
    return { decision, outcomes, signature: `${decision.allow}${truths.join("")}` };
  }

  // --- witnesses ---

  /** One of each kind: of two requests on which the same policies decide, one says as much as both. */
  #witness(found: NeutralRequest): void {
    const written = this.#written(found);
    if (written === null) return;
    const kind = kindOf(written);
    if (this.#witnesses.has(kind)) return;
    this.#witnesses.set(kind, this.#smallest(found, written));
    if (isFlip(written)) this.#flips++;
  }

  /** As the command line reads it; null where that is not decided differently. */
  #written(request: NeutralRequest): Witness | null {
    const form = requestForm(request);
    const parsed = form === null ? null : parseNeutralRequest(form);
    if (form === null || parsed?.ok !== true) return null;
    const from = this.#judged(this.#from, parsed.request);
    const to = this.#judged(this.#to, parsed.request);
    const watched = this.#watchedOutcomes(from.outcomes, to.outcomes);
    return differ(from.decision, to.decision) || watched.length > 0
      ? { request: form, from: from.decision, to: to.decision, watched }
      : null;
  }

  #watchedOutcomes(from: readonly Outcome[], to: readonly Outcome[]): WatchedOutcome[] {
    return this.#watched
      .map(({ policy, old, next }) => ({ policy, from: from[old]!, to: to[next]! }))
      .filter((outcome) => outcome.from !== outcome.to);
  }

  /** Without what makes no difference: facts, elements of lists, fields of records. */
  #smallest(found: NeutralRequest, first: Witness): Witness {
    let request = found;
    let witness = first;
    for (let again = true; again; ) {
      again = false;
      for (const candidate of this.#smaller(request)) {
        const written = this.#written(candidate);
        if (written === null || kindOf(written) !== kindOf(first)) continue;
        if (JSON.stringify(written.request).length >= JSON.stringify(witness.request).length) continue;
        request = candidate;
        witness = written;
        again = true;
        break;
      }
    }
    return witness;
  }

  *#smaller(request: NeutralRequest): Generator<NeutralRequest> {
    yield { ...request, body: { kind: "empty" } };
    yield { ...request, host: undefined };
    for (const { slot, probe } of this.#subjects) {
      probe.load(request);
      const fact = probe.fact(slot);
      if (fact.state === "absent") continue;
      const values = fact.state === "present" ? [undefined, ...smallerValues(fact.value)] : [undefined];
      for (const value of values) {
        const changed = withFact(request, slot, value, probe.program);
        if (changed !== null) yield changed;
      }
    }
  }
}

/** A request with a method, a path and nothing else; its body is JSON once it holds something. */
const BARE: NeutralRequest = {
  method: "GET",
  target: "/",
  host: "example.com",
  scheme: undefined,
  protocol: undefined,
  time: undefined,
  size: undefined,
  headers: [],
  headersJoined: false,
  body: { kind: "bytes", bytes: new TextEncoder().encode("{}"), json: true },
  source: { ip: undefined, port: undefined, principal: undefined },
  destination: { ip: undefined, port: undefined, principal: undefined },
  connection: Object.fromEntries(
    Object.keys(undeliveredConnection).map((fact) => [fact, undefined]),
  ) as unknown as NeutralRequest["connection"],
  extensions: new Map(),
};

/** Is a policy changed, or may it mean something else because of what its program declares? */
function concerns(changes: ProgramChanges, policy: PolicyEntry): boolean {
  if (changes.policies.some(({ name }) => name === policy.name)) return true;
  const declarations = [...changes.resources, ...changes.enums, ...changes.attributes];
  return (
    declarations.some(({ change }) => change === "changed") ||
    changes.defaultDecision !== null ||
    changes.pathMode !== null ||
    changes.policySets !== null
  );
}

function leavesOf(policy: PolicyEntry): ExplainNode[] {
  const leaves = (node: ExplainNode | null): ExplainNode[] =>
    node === null ? [] : node.kind === "leaf" ? [node] : node.children.flatMap(leaves);
  return [...leaves(policy.triggerNode), ...leaves(policy.requirementNode)];
}

/** The same for attributes that are the same fact of a request. */
function keyOf({ name, source, argument, shape }: Slot): string {
  return JSON.stringify([name, source, argument, shape.type]);
}

function subjectsOf(from: Probe, to: Probe): Subject[] {
  const subjects = new Map<string, Subject>();
  for (const probe of [from, to]) {
    for (const slot of probe.program.slots.filter((each) => each.read)) {
      const known = subjects.get(keyOf(slot));
      const places = [...(known?.places ?? []), { probe, slot }];
      subjects.set(keyOf(slot), { slot: known?.slot ?? slot, probe: known?.probe ?? probe, places });
    }
  }
  return [...subjects.values()];
}

/** No condition comes first, but where values are computed, parts of sums are values too. */
function wholeWords(probe: Probe): ValueSource {
  const words = new RoutineWords();
  words.computes = probe.vocabulary.computes;
  return { ...probe.values, words };
}

/** The list with an element more, as many more as some count asks for, or without one. */
function listsOf(probe: Probe, slot: Slot, list: readonly Json[]): Json[] {
  const path = String(slot.cell);
  const elements = elementsOf(slot.shape, path, probe.values).slice(0, ELEMENTS_MAX);
  const sizes = [
    ...new Set(probe.vocabulary.sizes(path).flatMap((size) => [size - 1, size, size + 1])),
  ].filter((size) => size > 1 && size <= 256);
  return [
    ...elements.map((element) => [...list, element]),
    ...elements.flatMap((element) => sizes.map((size) => Array.from({ length: size }, () => element))),
    ...list.map((_, i) => without(list, new Set([i]))),
    [],
  ];
}

function smallerValues(value: Json): Json[] {
  if (Array.isArray(value)) {
    return value.flatMap((element: Json, i) => [
      without(value, new Set([i])),
      ...smallerValues(element).map((smaller) => value.toSpliced(i, 1, smaller)),
    ]);
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).map((name) => {
    const { [name]: _, ...rest } = value as { readonly [name: string]: Json };
    return rest;
  });
}

/** Do two decisions answer differently: another decision, other headers, another answer? */
function differ(a: Decision, b: Decision): boolean {
  return answerOf(a) !== answerOf(b);
}

function answerOf({ allow, setRequestHeaders, removeRequestHeaders, denial }: Decision): string {
  return JSON.stringify([allow, setRequestHeaders, removeRequestHeaders, denial]);
}

function isFlip({ from, to }: Witness): boolean {
  return from.allow !== to.allow;
}

function kindOf({ from, to, watched }: Witness): string {
  return JSON.stringify([from.allow, from.reason, to.allow, to.reason, watched]);
}
