/**
 * Worlds: what may be the case of a request, described by facts that hold all together. A description may be too wide,
 * never too narrow: a request that fits none of a condition's worlds does not exist.
 */
import { type Intervals, meetIntervals, type Space } from "./intervals.ts";
import { isEmptyTexts, meetTexts, type Texts } from "./texts.ts";

/** Values that something present may have. */
export type Domain =
  | { readonly kind: "anything" }
  | { readonly kind: "numbers"; readonly intervals: Intervals; readonly space: Space }
  /** Members of an enum; `true` and `false`; how two values relate. */
  | { readonly kind: "members"; readonly members: ReadonlySet<string> }
  | { readonly kind: "texts"; readonly texts: Texts }
  /** Some values, or all but some. */
  | { readonly kind: "values"; readonly not: boolean; readonly values: ReadonlySet<string> }
  /** A count lies between a sure and a possible number: `all` of them are in the set, and `some` in each of these. */
  | {
      readonly kind: "count";
      readonly all: Intervals;
      readonly some: readonly Intervals[];
      readonly space: Space;
    };

/** What is known of one attribute, field, pair or count. */
export interface Fact {
  /** Values if it is present; null: it is not. */
  readonly domain: Domain | null;
  readonly absent: boolean;
  readonly invalid: boolean;
}

/** Facts by what they are about; of what is not in it nothing is known. */
export type World = ReadonlyMap<string, Fact>;

/** Facts of one world, and sets that a count is in: what comes on top is forgotten. */
const FACTS_MAX = 100;
const SETS_MAX = 32;

export const ANYTHING: Domain = { kind: "anything" };
export const PRESENT: Fact = { domain: ANYTHING, absent: false, invalid: false };
export const EVERYWHERE: World = new Map();

/** A fact, or null where nothing fits it. */
export function factOf(domain: Domain | null, absent: boolean, invalid: boolean): Fact | null {
  const possible = domain === null || isEmpty(domain) ? null : domain;
  return possible === null && !absent && !invalid ? null : { domain: possible, absent, invalid };
}

/** Both at once, or null where they exclude each other. */
export function meetWorlds(a: World, b: World): World | null {
  if (a.size === 0) return b;
  if (b.size === 0 || a.size > FACTS_MAX) return a;
  const met = new Map(a);
  for (const [about, fact] of b) {
    const known = met.get(about);
    const both = known === undefined ? fact : meetFacts(known, fact);
    if (both === null) return null;
    met.set(about, both);
  }
  return met;
}

function meetFacts(a: Fact, b: Fact): Fact | null {
  const domain = a.domain === null || b.domain === null ? null : meetDomains(a.domain, b.domain);
  return factOf(domain, a.absent && b.absent, a.invalid && b.invalid);
}

function meetDomains(a: Domain, b: Domain): Domain {
  if (a.kind === "anything") return b;
  if (b.kind === "anything") return a;
  switch (a.kind) {
    case "numbers":
      if (b.kind !== "numbers") return a;
      return { ...a, intervals: meetIntervals(a.intervals, b.intervals, a.space.step) };
    case "members":
      return b.kind === "members" ? { ...a, members: a.members.intersection(b.members) } : a;
    case "texts":
      return b.kind === "texts" ? { ...a, texts: meetTexts(a.texts, b.texts) } : a;
    case "values":
      return b.kind === "values" ? meetValues(a, b) : a;
    case "count":
      if (b.kind !== "count") return a;
      return {
        ...a,
        all: meetIntervals(a.all, b.all, a.space.step),
        some: [...a.some, ...b.some].slice(0, SETS_MAX),
      };
  }
}

type Values = Extract<Domain, { kind: "values" }>;

function meetValues(a: Values, b: Values): Values {
  if (a.not && b.not) return { ...a, values: a.values.union(b.values) };
  if (a.not) return { ...b, values: b.values.difference(a.values) };
  return { ...a, values: b.not ? a.values.difference(b.values) : a.values.intersection(b.values) };
}

function isEmpty(domain: Domain): boolean {
  switch (domain.kind) {
    case "anything":
      return false;
    case "numbers":
      return domain.intervals.length === 0;
    case "members":
      return domain.members.size === 0;
    case "texts":
      return isEmptyTexts(domain.texts);
    case "values":
      return !domain.not && domain.values.size === 0;
    case "count": {
      const { all, some, space } = domain;
      return all.length === 0 || some.some((set) => meetIntervals(all, set, space.step).length === 0);
    }
  }
}
