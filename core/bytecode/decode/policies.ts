/** Rules 14 and 15: policies and guards with their obligations and metadata. */
import { DENY_STATUSES } from "../../source/gen/facts.ts";
import { EFFECT_REQUIRES, NONE, OBLIGATION_SET_REQUEST_HEADER } from "../gen/constants.ts";
import { EFFECT_NAMES, SEVERITY_NAMES } from "../gen/tables.ts";
import type { PolicyEntry, PolicySets, Slot } from "../program.ts";
import type { Constants } from "./constants.ts";
import type { Tables } from "./container.ts";
import { headerKey, isHeaderValue, isSettableHeader, remembered } from "./names.ts";
import { refuse, shown } from "./refusal.ts";
import { compareStrings } from "./resources.ts";
import { allUsed, nextRange, type Table } from "./table.ts";

const KINDS = ["policy", "guard"] as const;
const MODES = ["enforce", "permissive"] as const;

/** A policy before its explain trees: `trigger` and `requirement` are routines, -1 for none. */
export type PolicyHead = Omit<PolicyEntry, "triggerNode" | "requirementNode" | "setHeaders"> & {
  /** String indexes. */
  readonly obligations: readonly Obligation[];
};

interface Obligation {
  readonly header: number;
  readonly value: number;
}

/** The policy sets of rule 15; null where there are none. */
export function readPolicySets(
  { policySets: table, selector }: Tables,
  { strings }: Constants,
  slots: readonly Slot[],
): PolicySets | null {
  if ((selector === NONE) !== (table.count === 0))
    refuse(
      "policies",
      "there is a selector without policy sets, or there are policy sets without a selector",
    );
  if (table.count === 0) return null;
  const slot =
    slots[selector] ?? refuse("policies", `slot ${selector} does not exist, there are ${slots.length}`);
  const isVerified = slot.source === "builtin" || slot.source === "extension";
  if (slot.shape.type !== "string" || !isVerified || slot.hasDefault)
    refuse("policies", `slot ${shown(slot.name)} cannot select policy sets`);
  const names = new Int32Array(table.count);
  for (let i = 0; i < table.count; i++) {
    const name = table.index(i, 0, { what: "string", count: strings.length });
    if (strings[name] === "") refuse(table.at(i), "its name is empty");
    if (i > 0 && name <= names[i - 1]!) refuse(table.at(i), "names of sets do not ascend");
    names[i] = name;
  }
  return { cell: slot.cell, selector: slot.name, names };
}

/** Rule 14 without the ranges, which belong to the policies. */
export function readObligations(
  tables: Tables,
  strings: readonly string[],
  slots: readonly Slot[],
): Obligation[] {
  const table = tables.obligations;
  const sources = new Set(
    slots.filter((slot) => slot.source === "header").map((slot) => headerKey(slot.argument)),
  );
  const problemOf = remembered(strings, (name) => {
    if (!isSettableHeader(name)) return `no policy may set header ${shown(name)}`;
    return sources.has(headerKey(name)) ? `header ${shown(name)} is also where a slot comes from` : null;
  });
  const visible = remembered(strings, isHeaderValue);
  const text = { what: "string", count: strings.length };
  const obligations: Obligation[] = [];
  for (let i = 0; i < table.count; i++) {
    const kind = table.word(i, 0);
    if (kind !== OBLIGATION_SET_REQUEST_HEADER) refuse(table.at(i), `unknown kind ${kind}`);
    const header = table.index(i, 1, text);
    const problem = problemOf(header);
    if (problem !== null) refuse(table.at(i), problem);
    const value = table.index(i, 2, text);
    if (!visible(value))
      refuse(
        table.at(i),
        `the value ${shown(strings[value]!)} holds more than visible ASCII characters and blanks`,
      );
    obligations.push({ header, value });
  }
  return obligations;
}

/** Rule 15, and the ranges of rule 14. */
export function readPolicies(
  tables: Tables,
  constants: Constants,
  obligations: readonly Obligation[],
): PolicyHead[] {
  const { policies: table } = tables;
  const { strings } = constants;
  const names = new Set<number>();
  const heads: PolicyHead[] = [];
  let next: Ranges = { obligations: 0, metadata: 0 };
  for (let i = 0; i < table.count; i++) {
    const name = table.index(i, 0, { what: "string", count: strings.length });
    if (strings[name] === "") refuse(table.at(i), "its name is empty");
    if (names.has(name)) refuse(table.at(i), `a second policy ${shown(strings[name]!)}`);
    names.add(name);
    if (i > 0) checkOrder(table, i, constants);
    const head = readHead(tables, i, constants);
    const { end, entries } = readRanges(tables, { policy: i, head, next }, { strings, obligations });
    next = end;
    heads.push({ name: strings[name]!, ...head, ...entries });
  }
  allUsed(tables.obligations, next.obligations);
  allUsed(tables.metadata, next.metadata);
  return heads;
}

function checkOrder(table: Table, i: number, constants: Constants): void {
  const severity = table.byte(i, 14) - table.byte(i - 1, 14);
  const order = severity !== 0 ? severity : compareStrings(constants, table.word(i, 0), table.word(i - 1, 0));
  if (order < 0) refuse(table.at(i), "it stands behind a policy that comes after it by severity, then name");
}

type Fields = Omit<PolicyHead, "name" | "obligations" | "metadata">;

function readHead(
  { policies: table, policySets, routines }: Tables,
  i: number,
  { strings, numbers }: Constants,
): Fields {
  const say = (what: string): never => refuse(table.at(i), what);
  const text = (column: number): string | null => {
    const index = table.indexOrNone(i, column, { what: "string", count: strings.length });
    return index === -1 ? null : strings[index]!;
  };
  const intent = text(2);
  const set = table.indexOrNone(i, 1, { what: "policy set", count: policySets.count });
  const kind = KINDS[table.byte(i, 12)] ?? say(`unknown kind ${table.byte(i, 12)}`);
  const mode = MODES[table.byte(i, 13)] ?? say(`unknown mode ${table.byte(i, 13)}`);
  const severity = SEVERITY_NAMES[table.byte(i, 14)] ?? say(`unknown severity ${table.byte(i, 14)}`);
  const effect = EFFECT_NAMES[table.byte(i, 15)] ?? say(`unknown effect ${table.byte(i, 15)}`);
  if (kind === "guard" && effect === "allows") say("a guard that allows");
  const trigger = table.indexOrNone(i, 4, { what: "routine", count: routines.count });
  const requirement = table.indexOrNone(i, 5, { what: "routine", count: routines.count });
  if ((effect === EFFECT_NAMES[EFFECT_REQUIRES]) !== (requirement !== -1)) {
    say(
      requirement === -1
        ? "it requires something and has no requirement"
        : `it ${effect} and has a requirement`,
    );
  }
  const denyStatus = table.word(i, 6);
  if (denyStatus !== 0 && !DENY_STATUSES.includes(denyStatus)) say(`${denyStatus} is no status for a denial`);
  const denyBody = text(7);
  const reason = text(8);
  if (reason !== null && effect !== "denies") say(`it ${effect} and has a reason for denying`);
  const expires = table.indexOrNone(i, 13, { what: "number", count: numbers.length });
  if (expires !== -1 && !Number.isSafeInteger(numbers[expires])) say(`it expires at ${numbers[expires]}`);
  const whenExpired = table.word(i, 14);
  if (whenExpired > (expires === -1 ? 0 : 1)) say(`what it is when it has expired is ${whenExpired}`);
  return {
    set,
    intent,
    kind,
    mode,
    severity,
    effect,
    trigger,
    requirement,
    denyStatus,
    denyBody,
    reason,
    expires: expires === -1 ? null : numbers[expires]!,
    offWhenExpired: whenExpired === 1,
  };
}

/** Where the next policy's obligations and metadata start. */
interface Ranges {
  readonly obligations: number;
  readonly metadata: number;
}

function readRanges(
  tables: Tables,
  { policy: i, head, next }: { readonly policy: number; readonly head: Fields; readonly next: Ranges },
  {
    strings,
    obligations,
  }: { readonly strings: readonly string[]; readonly obligations: readonly Obligation[] },
): { readonly end: Ranges; readonly entries: Pick<PolicyHead, "obligations" | "metadata"> } {
  const { policies: table } = tables;
  const end = {
    obligations: nextRange(table, i, 9, { next: next.obligations, of: tables.obligations }),
    metadata: nextRange(table, i, 11, { next: next.metadata, of: tables.metadata }),
  };
  const own = obligations.slice(next.obligations, end.obligations);
  if (own.length > 0 && (head.kind === "guard" || head.effect === "denies"))
    refuse(table.at(i), "it cannot allow and has something to do on an allow");
  if (new Set(own.map(({ header }) => header)).size !== own.length)
    refuse(table.at(i), "it sets one header twice");
  return {
    end,
    entries: { obligations: own, metadata: readMetadata(tables, next.metadata, end.metadata, strings) },
  };
}

function readMetadata(
  { metadata: table }: Tables,
  first: number,
  end: number,
  strings: readonly string[],
): PolicyHead["metadata"] {
  const text = { what: "string", count: strings.length };
  const keys = new Set<number>();
  const entries: { key: string; value: string }[] = [];
  for (let i = first; i < end; i++) {
    const key = table.index(i, 0, text);
    if (keys.has(key)) refuse(table.at(i), `a second ${shown(strings[key]!)} in one policy`);
    keys.add(key);
    entries.push({ key: strings[key]!, value: strings[table.index(i, 1, text)]! });
  }
  return entries;
}
