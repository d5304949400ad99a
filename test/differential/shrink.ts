/** The smallest case that still shows a difference, found by taking parts away as long as it does. */
import { inspect } from "node:util";
import type { Operators } from "../reference/operators.ts";
import { ABSENT } from "../reference/values.ts";
import { prepare } from "./bundles.ts";
import { type Difference, type Judged, judge } from "./compare.ts";
import type { Aggregate, Condition, Section } from "./conditions.ts";
import type { GeneratedBundle, GeneratedPolicy } from "./policies.ts";
import type { RequestModel } from "./requests.ts";
import type { Runtime } from "./runtimes.ts";

export interface Case {
  readonly bundle: GeneratedBundle;
  readonly request: RequestModel;
}

/** Judged cases in one search; it ends where nothing more can be taken away, or here. */
const TRIES_MAX = 3000;

/** Shrink a case that shows a difference and describe it: text, request, what was wanted and what came. */
export function shrunkReport(found: Case, runtimes: readonly Runtime[], operators: Operators): string {
  let smallest = found;
  let tries = 0;
  for (let smaller: Case | undefined = found; smaller !== undefined; ) {
    smallest = smaller;
    smaller = undefined;
    for (const candidate of smallerCases(smallest)) {
      if (++tries > TRIES_MAX) break;
      if (show(candidate, runtimes, operators) === null) continue;
      smaller = candidate;
      break;
    }
  }
  return (
    show(smallest, runtimes, operators) ??
    show(found, runtimes, operators) ??
    "the difference vanished when it was tried again"
  );
}

/** A description of the difference, or null where there is none (also: where the case no longer compiles whole). */
function show({ bundle, request }: Case, runtimes: readonly Runtime[], operators: Operators): string | null {
  try {
    const prepared = prepare(bundle);
    if (prepared.refused.size > 0) return null;
    const judged = judge(
      prepared,
      runtimes.map((runtime) => runtime(prepared)),
      request,
      operators,
    );
    return judged.difference === null ? null : describe(prepared.text, judged, judged.difference);
  } catch {
    return null;
  }
}

function describe(text: string, { built }: Judged, { runtime, want, got }: Difference): string {
  const shown = (value: unknown) => inspect(value, { depth: 12, maxArrayLength: 40, breakLength: 140 });
  return [
    text,
    `request: ${shown(built.request)}`,
    `reference: ${want}`,
    `${runtime}: ${got}`,
    `values: ${shown(new Map([...built.valuation].filter(([name]) => text.includes(name))))}`,
  ].join("\n");
}

// --- smaller cases, the boldest first ---

function* smallerCases({ bundle, request }: Case): Iterable<Case> {
  for (const policies of smallerLists(bundle.policies, smallerPolicies))
    yield { bundle: { ...bundle, policies }, request };
  for (let i = 0; i < bundle.schema.attributes.length; i++) {
    const { name } = bundle.schema.attributes[i]!;
    const schema = { ...bundle.schema, attributes: bundle.schema.attributes.toSpliced(i, 1) };
    const without = {
      ...request,
      json: withoutKey(request.json, name),
      text: withoutKey(request.text, name),
    };
    yield { bundle: { ...bundle, schema }, request: without };
  }
  for (const smaller of smallerRequests(request)) yield { bundle, request: smaller };
}

function withoutKey<T>(from: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  return new Map([...from].filter(([name]) => name !== key));
}

/** With one element less, then with one element smaller. */
function* smallerLists<T>(list: readonly T[], smaller: (element: T) => Iterable<T>): Iterable<readonly T[]> {
  for (let i = 0; i < list.length; i++) yield list.toSpliced(i, 1);
  for (let i = 0; i < list.length; i++) for (const element of smaller(list[i]!)) yield list.with(i, element);
}

function* smallerPolicies(p: GeneratedPolicy): Iterable<GeneratedPolicy> {
  if (p.trigger !== null && p.effect === "requires") yield { ...p, trigger: null };
  if (p.onAllow.length > 0) yield { ...p, onAllow: [] };
  if (p.onDeny.length > 0) yield { ...p, onDeny: [] };
  if (p.metadata.length > 0) yield { ...p, metadata: [] };
  for (const trigger of smallerSections(p.trigger)) yield { ...p, trigger };
  for (const requirement of smallerSections(p.requirement)) yield { ...p, requirement };
}

function* smallerSections(section: Section | null): Iterable<Section> {
  if (section === null) return;
  for (const condition of smallerConditions(section.condition)) {
    yield { ...section, condition };
    yield { condition, where: null };
  }
  if (section.where !== null)
    for (const where of smallerConditions(section.where)) yield { ...section, where };
}

function* smallerConditions(e: Condition): Iterable<Condition> {
  switch (e.kind) {
    case "and":
    case "or":
      yield* e.parts;
      for (const parts of smallerLists(e.parts, smallerConditions))
        if (parts.length > 1) yield { ...e, parts };
      return;
    case "not":
      yield e.operand;
      for (const operand of smallerConditions(e.operand)) yield { ...e, operand };
      return;
    case "leaf":
      for (const [i, token] of e.tokens.entries()) {
        if (typeof token === "string") continue;
        for (const smaller of smallerAggregates(token)) yield { ...e, tokens: e.tokens.with(i, smaller) };
      }
  }
}

function* smallerAggregates(a: Aggregate): Iterable<Aggregate> {
  if (a.where === null) return;
  yield { ...a, where: null };
  for (const where of smallerConditions(a.where)) yield { ...a, where };
}

function* smallerRequests(r: RequestModel): Iterable<RequestModel> {
  if (r.joined) yield { ...r, joined: false };
  if (r.body !== "json") yield { ...r, body: "json" };
  if (r.query !== "good") yield { ...r, query: "good" };
  for (const [name, fact] of r.json) {
    if (fact.json !== null) yield { ...r, json: new Map([...r.json, [name, { value: ABSENT, json: null }]]) };
  }
  for (const [name, fact] of r.text) {
    if (fact.occurrences.length > 0)
      yield { ...r, text: new Map([...r.text, [name, { value: ABSENT, occurrences: [] }]]) };
  }
  for (const [name, { value }] of r.builtins) {
    if (value.state !== "absent")
      yield { ...r, builtins: new Map([...r.builtins, [name, { fact: undefined, value: ABSENT }]]) };
  }
}
