/** Random policies and guards around random conditions, and their text. */

import type { Source } from "../../core/source/source.ts";
import { type Aggregate, type Condition, generateSection, type Section } from "./conditions.ts";
import { DATETIMES, STRINGS } from "./pools.ts";
import { Random } from "./random.ts";
import { attributesText, type GeneratedSchema, generateSchema } from "./schema.ts";

export interface GeneratedPolicy {
  readonly name: string;
  /** The policy set that it belongs to. */
  readonly set: string | null;
  readonly kind: "policy" | "guard";
  readonly trigger: Section | null;
  readonly effect: "requires" | "allows" | "denies";
  readonly requirement: Section | null;
  /** Lines of `on allow` and `on deny`. */
  readonly onAllow: readonly string[];
  readonly onDeny: readonly string[];
  readonly metadata: readonly (readonly [string, string])[];
  /** `on expiry: off` */
  readonly offWhenExpired: boolean;
  /** Seeds line breaks, comments and needless parentheses. */
  readonly textSeed: number;
}

export interface GeneratedBundle {
  readonly schema: GeneratedSchema;
  /** Those of no set come first, those of one set together. */
  readonly policies: readonly GeneratedPolicy[];
  /** What chooses the policy set. */
  readonly selector: string | null;
  /** In how many files the text stands, and which comes first. */
  readonly files: "one" | "declarations-first" | "policies-first";
}

const POLICIES_MAX = 5;

/** `shapes`: of policies; more policies than shapes, where some differ in constants only. */
export function generateBundle(seed: number, options: { readonly shapes?: number } = {}): GeneratedBundle {
  const random = new Random(seed);
  const schema = generateSchema(random);
  const made: GeneratedPolicy[] = [];
  for (let shapes = options.shapes ?? 1 + random.below(POLICIES_MAX); shapes > 0; shapes--) {
    const seed = random.next();
    // Policies that differ in constants share their code.
    for (let members = random.chance(25) ? 2 + random.below(3) : 1; members > 0; members--)
      made.push(policy(made.length, schema, new Random(seed), new Random(random.next())));
  }
  const chosen = random.chance(20) ? selectorOf(schema, random) : null;
  const policies = chosen === null ? made : inSets(made, chosen.names, random);
  return {
    schema,
    policies,
    selector: chosen?.selector ?? null,
    files: random.pick(["one", "declarations-first", "policies-first"] as const),
  };
}

/** A verified text, and what it may hold. */
function selectorOf(
  { attributes }: GeneratedSchema,
  random: Random,
): { readonly selector: string; readonly names: readonly string[] } | null {
  const found = attributes.filter(
    (a) => a.source === "extension" && a.type.kind === "string" && a.default === null,
  );
  if (found.length > 0 && random.chance(70))
    return {
      selector: random.pick(found).name,
      names: random.shuffled(STRINGS.filter((s) => s !== "")).slice(0, 3),
    };
  return { selector: "request.method", names: ["GET", "POST", "nobody's"] };
}

function inSets(
  policies: readonly GeneratedPolicy[],
  names: readonly string[],
  random: Random,
): GeneratedPolicy[] {
  const placed = policies.map((p, i) => ({
    ...p,
    set: i > 0 && random.chance(25) ? null : random.pick(names),
  }));
  return placed.sort((a, b) => (a.set ?? "").localeCompare(b.set ?? ""));
}

function policy(index: number, schema: GeneratedSchema, random: Random, literals: Random): GeneratedPolicy {
  const kind = random.chance(65) ? "policy" : "guard";
  const effect =
    kind === "guard"
      ? random.pick(["requires", "denies"] as const)
      : random.pick(["requires", "requires", "allows", "denies"] as const);
  const allows = kind === "policy" && effect !== "denies";
  // A `denies` or `allows` without a trigger would hide everything else.
  const triggered = effect === "requires" ? random.chance(70) : random.chance(97);
  return {
    name: `${random.pick(["A", "B", "a", "Z", "z_"])}${index}`,
    set: null,
    kind,
    trigger: triggered
      ? generateSection(schema, random, {
          guarded: kind === "guard" || effect === "denies" ? "or" : "either",
          literals,
        })
      : null,
    effect,
    requirement: effect === "requires" ? generateSection(schema, random, { guarded: "no", literals }) : null,
    onAllow: allows && random.chance(40) ? headers(random) : [],
    onDeny: random.chance(35) ? onDeny(random) : [],
    metadata: metadata(random),
    offWhenExpired: random.chance(15),
    textSeed: random.next(),
  };
}

function headers(random: Random): GeneratedPolicy["onAllow"] {
  const names = random.shuffled(["x-mark", "X-Ok", "x-by"]).slice(0, 1 + random.below(2));
  return names.flatMap((header) => {
    const value = random.pick(["1", "1", "two", ""]);
    const set = `set request header "${header}" to "${value}"`;
    const append = `append "${value}" to request header "${header}"`;
    return random.pick([[set], [set], [append], [append, set], [`remove request header "${header}"`]]);
  });
}

function onDeny(random: Random): GeneratedPolicy["onDeny"] {
  if (random.chance(15))
    return [
      `redirect to "${random.pick(["/login", "https://login.example.com/?a=b"])}"`,
      ...(random.chance(50) ? [`status ${random.pick([301, 302, 303, 307, 308])}`] : []),
    ];
  const status = random.chance(70) ? [`status ${random.pick([401, 403, 404, 429, 503])}`] : [];
  const body =
    status.length === 0 || random.chance(50)
      ? [random.pick(['body ""', 'body "no"', 'body "nein, 日本"', 'json body "[1, 2]"'])]
      : [];
  const headers = ["Retry-After", "www-authenticate", "x-why"].filter(() => random.chance(20));
  return [
    ...status,
    ...body,
    ...headers.map((name) => `set response header "${name}" to "${random.pick(["", "1", "a b"])}"`),
  ];
}

function metadata(random: Random): [string, string][] {
  const entries: [string, string][] = [];
  if (random.chance(50))
    entries.push(["severity", random.pick(["critical", "high", "medium", "low", "info"])]);
  if (random.chance(25)) entries.push(["mode", random.chance(80) ? "permissive" : "enforce"]);
  if (random.chance(20)) entries.push(["owner", "team-a // of the house"]);
  if (random.chance(20)) entries.push(["expires", random.pick(DATETIMES).text]);
  return random.shuffled(entries);
}

// --- text ---

export interface BundleText {
  readonly sources: readonly Source[];
  /** The source that holds the policies, where they start in it, and where each ends (UTF-16 units). */
  readonly place: Source;
  readonly start: number;
  readonly ends: readonly number[];
}

export function bundleText({ schema, policies, selector, files }: GeneratedBundle): BundleText {
  // Without a policy that belongs to one, a selector is an error.
  const isChosen = policies.some(({ set }) => set !== null);
  const sets = isChosen ? `sets by ${selector}\n` : "";
  const declarations = schema.text + sets + attributesText(schema.attributes);
  const start = files === "one" ? declarations.length : 0;
  let text = files === "one" ? declarations : "";
  const ends: number[] = [];
  let set: string | null = null;
  for (const policy of policies) {
    if (policy.set !== set) text += `set ${JSON.stringify(policy.set)}\n`;
    set = policy.set;
    text += policyText(policy);
    ends.push(text.length);
  }
  const place = { name: "policies.ipe", text };
  const other = { name: "declarations.ipe", text: declarations };
  const sources = files === "one" ? [place] : files === "policies-first" ? [place, other] : [other, place];
  return { sources, place, start, ends };
}

function policyText(p: GeneratedPolicy): string {
  const random = new Random(p.textSeed);
  const line = () => (random.chance(80) ? "\n  " : " ");
  const section = (keyword: string, s: Section) => `${keyword} ${sectionText(s, random)}`;
  const parts: string[] = [];
  if (p.trigger !== null) parts.push(section("triggers when", p.trigger));
  if (p.requirement !== null) parts.push(section("requires", p.requirement));
  else parts.push(p.effect === "denies" && random.chance(50) ? 'denies with reason "because"' : p.effect);
  if (p.onAllow.length > 0) parts.push(`on allow ${p.onAllow.join(line())}`);
  if (p.onDeny.length > 0) parts.push(`on deny ${p.onDeny.join(line())}`);
  if (p.offWhenExpired) parts.push(`on expiry${random.chance(50) ? ":" : ""} off`);
  if (p.metadata.length > 0)
    parts.push(`metadata${p.metadata.map(([key, value]) => `\n    ${key}: ${value}`).join("")}\n `);
  const intent = random.pick(["", ` "why 😀 日本"`, '\n  "several\n   lines"']);
  return `${p.kind} ${p.name}:${intent}${random
    .shuffled(parts)
    .map((part) => line() + part)
    .join("")}\n`;
}

function sectionText(section: Section, random: Random): string {
  const condition = conditionText(section.condition, random);
  return section.where === null
    ? condition
    : `${condition}${gap(random)}where ${conditionText(section.where, random)}`;
}

function gap(random: Random): string {
  return random.chance(75) ? " " : random.pick(["\n    ", "  ", "\t", " // a and b or\n  ", "\r\n   "]);
}

function conditionText(e: Condition, random: Random): string {
  switch (e.kind) {
    case "and":
    case "or":
      return e.parts
        .map((part) => partText(part, e.kind, random))
        .join(`${gap(random)}${e.kind}${gap(random)}`);
    case "not": {
      const inner = conditionText(e.operand, random);
      return `not ${e.operand.kind === "and" || e.operand.kind === "or" || random.chance(20) ? `(${inner})` : inner}`;
    }
    case "leaf": {
      const text = e.tokens
        .map((token) => (typeof token === "string" ? token : aggregateText(token, random)))
        .join(gap(random));
      return random.chance(6) ? `(${text})` : text;
    }
  }
}

function partText(part: Condition, inside: "and" | "or", random: Random): string {
  const text = conditionText(part, random);
  const needed = inside === "and" && part.kind === "or";
  return needed || random.chance(10) ? `(${random.chance(20) ? " " : ""}${text})` : text;
}

function aggregateText(a: Aggregate, random: Random): string {
  if (a.dotted) return `${a.list}.count`;
  return `${a.function}(${a.list}${a.where === null ? "" : `${gap(random)}where ${conditionText(a.where, random)}`})`;
}
