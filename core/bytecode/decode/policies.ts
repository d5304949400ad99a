/** Rules 14 and 15: policies and guards with their obligations and metadata. */
import { isCleanText, isTargetName } from "../../source/clean-text.ts";
import {
  DENY_STATUSES,
  LIMIT_BURST_MAX,
  LIMIT_FILL_SECONDS_MAX,
  LIMIT_KEYS_MAX,
  LIMITER_FAILURE_MODES,
  LIMITS_MAX,
  PARTS_MAX,
  REDIRECT_STATUSES,
} from "../../source/gen/facts.ts";
import { cellShapes } from "../cells.ts";
import {
  EFFECT_ALLOWS,
  EFFECT_DENIES,
  EFFECT_REQUIRES,
  LIMITER_FAILURE_SHIFT,
  NONE,
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_JSON_BODY,
  OBLIGATION_LIMIT,
  OBLIGATION_LIMIT_KEY,
  OBLIGATION_PART,
  OBLIGATION_REMOVE_QUERY_PARAMETER,
  OBLIGATION_REMOVE_REQUEST_HEADER,
  OBLIGATION_SET_ANSWER_HEADER,
  OBLIGATION_SET_METADATA,
  OBLIGATION_SET_QUERY_PARAMETER,
  OBLIGATION_SET_REQUEST_HEADER,
  OBLIGATION_SET_RESPONSE_HEADER,
  OBLIGATION_TEXT_BODY,
  POLICY_FLAG_OFF_WHEN_EXPIRED,
  POLICY_KIND_GUARD,
} from "../gen/constants.ts";
import { EFFECT_NAMES, OBLIGATION_NAMES, SEVERITY_NAMES } from "../gen/tables.ts";
import type { Obligations, PolicyColumns } from "../policies.ts";
import {
  POLICY_KINDS,
  POLICY_MODES,
  type PolicyEntry,
  type PolicySets,
  type Shape,
  type Slot,
} from "../program.ts";
import type { Texts } from "../texts.ts";
import type { Constants } from "./constants.ts";
import type { Tables } from "./container.ts";
import { headerKey, isHeaderValue, isSettableHeader, remembered } from "./names.ts";
import { refuse, shown } from "./refusal.ts";
import { compareStrings } from "./resources.ts";
import { allUsed, nextRange, type Table } from "./table.ts";

/** Words and bytes of a policy's entry. */
const INTENT = 2;
const KIND_BYTE = 12;
const MODE_BYTE = 13;
const SEVERITY_BYTE = 14;
const EFFECT_BYTE = 15;

/** Policies by column; `triggers` and `requirements` are routines here. */
export type PolicyHeads = PolicyColumns & {
  /** Where each policy's metadata start. */
  readonly metadataStarts: Int32Array;
};

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
    if (strings.at(name) === "") refuse(table.at(i), "its name is empty");
    if (i > 0 && name <= names[i - 1]!) refuse(table.at(i), "names of sets do not ascend");
    names[i] = name;
  }
  return { cell: slot.cell, selector: slot.name, names };
}

/** Rule 14 without the ranges, which belong to the policies. */
export function readObligations(
  tables: Tables,
  constants: Pick<Constants, "strings" | "numbers">,
  slots: readonly Slot[],
): Obligations {
  const table = tables.obligations;
  const { numbers } = constants;
  const cells = slots.flatMap(({ shape }) => cellShapes(shape));
  const rules = obligationRules(constants.strings, slots);
  const kinds = new Uint8Array(table.count);
  const headers = new Int32Array(table.count);
  const values = new Int32Array(table.count);
  /** The obligation whose text the next part goes on with. */
  let texted = 0;
  for (let i = 0; i < table.count; i++) {
    const kind = table.word(i, 0);
    if (OBLIGATION_NAMES[kind - 1] === undefined) refuse(table.at(i), `unknown kind ${kind}`);
    kinds[i] = kind;
    if (kind === OBLIGATION_LIMIT) [headers[i], values[i]] = readLimit(table, i, numbers);
    else if (kind === OBLIGATION_LIMIT_KEY) [headers[i], values[i]] = readKey(table, i, cells);
    else if (kind === OBLIGATION_PART)
      [headers[i], values[i]] = rules.part(table, i, { cells, behind: texted });
    else [headers[i], values[i]] = rules.action(table, i, kind);
    if (kind !== OBLIGATION_PART) texted = kind;
  }
  return { kinds, headers, values };
}

const HEADER_KINDS = [
  OBLIGATION_SET_REQUEST_HEADER,
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_REMOVE_REQUEST_HEADER,
  OBLIGATION_SET_ANSWER_HEADER,
  OBLIGATION_SET_RESPONSE_HEADER,
];
const REMOVING = [OBLIGATION_REMOVE_REQUEST_HEADER, OBLIGATION_REMOVE_QUERY_PARAMETER];
const BODIES = [OBLIGATION_TEXT_BODY, OBLIGATION_JSON_BODY];
/** Of these parts can go on with the text. */
const TEXTED = [
  OBLIGATION_SET_REQUEST_HEADER,
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_SET_RESPONSE_HEADER,
  OBLIGATION_SET_QUERY_PARAMETER,
  OBLIGATION_SET_METADATA,
  ...BODIES,
];

/** What names and texts of obligations have to be. */
function obligationRules(strings: Texts, slots: readonly Slot[]) {
  const text = { what: "string", count: strings.length };
  const sourcesOf = (source: Slot["source"]): ReadonlySet<string> =>
    new Set(slots.filter((slot) => slot.source === source).map((slot) => headerKey(slot.argument)));
  const headerSources = sourcesOf("header");
  const querySources = new Set(slots.filter(({ source }) => source === "query").map((slot) => slot.argument));
  const isSettable = remembered(strings, isSettableHeader);
  const isHeaderSource = remembered(strings, (name) => headerSources.has(headerKey(name)));
  const isQuerySource = remembered(strings, (name) => querySources.has(name));
  const isVisible = remembered(strings, isHeaderValue);
  const isTarget = remembered(strings, isTargetName);
  const isClean = remembered(strings, isCleanText);
  const checkText = (kind: number, value: number, where: string): void => {
    if (BODIES.includes(kind)) return;
    const [fits, what] = HEADER_KINDS.includes(kind)
      ? [isVisible, "visible ASCII characters and blanks"]
      : [isClean, "characters without control characters"];
    if (!fits(value)) refuse(where, `the value ${shown(strings.at(value))} holds more than ${what}`);
  };
  return {
    action(table: Table, i: number, kind: number): [name: number, value: number] {
      if (BODIES.includes(kind)) {
        if (table.word(i, 1) !== NONE || table.word(i, 2) !== NONE)
          refuse(table.at(i), "a body has a name or a value");
        return [-1, -1];
      }
      const name = table.index(i, 1, text);
      if (HEADER_KINDS.includes(kind) && !isSettable(name))
        refuse(table.at(i), `no policy may set header ${shown(strings.at(name))}`);
      if (!HEADER_KINDS.includes(kind) && !isTarget(name))
        refuse(table.at(i), `nothing has the name ${shown(strings.at(name))}`);
      if (kind < OBLIGATION_REMOVE_REQUEST_HEADER && isHeaderSource(name))
        refuse(table.at(i), `header ${shown(strings.at(name))} is also where a slot comes from`);
      if (kind === OBLIGATION_SET_QUERY_PARAMETER && isQuerySource(name))
        refuse(table.at(i), `query parameter ${shown(strings.at(name))} is also where a slot comes from`);
      const value = table.indexOrNone(i, 2, text);
      if ((value === -1) !== REMOVING.includes(kind))
        refuse(table.at(i), value === -1 ? "it has no value" : "it removes something and has a value");
      if (value !== -1) checkText(kind, value, table.at(i));
      return [name, value];
    },
    part(
      table: Table,
      i: number,
      { cells, behind }: { readonly cells: readonly Shape[]; readonly behind: number },
    ): [cell: number, text: number] {
      if (!TEXTED.includes(behind)) refuse(table.at(i), "a part follows nothing that it could be a part of");
      const cell = table.index(i, 1, { what: "cell", count: cells.length });
      if (!WRITABLE.includes(cells[cell]!.type)) refuse(table.at(i), `cell ${cell} has no text`);
      const value = table.index(i, 2, text);
      checkText(behind, value, table.at(i));
      return [cell, value];
    },
  };
}

/** Types whose values can stand in a text. */
const WRITABLE: readonly Shape["type"][] = ["string", "int", "bool", "enum"];

function readLimit(table: Table, i: number, numbers: Float64Array): [interval: number, burst: number] {
  const number = { what: "number", count: numbers.length };
  const [interval, burst] = [table.index(i, 1, number), table.index(i, 2, number)];
  const [micros, tokens] = [numbers[interval]!, numbers[burst]!];
  if (!(Number.isInteger(tokens) && tokens >= 1 && tokens <= LIMIT_BURST_MAX))
    refuse(table.at(i), `a bucket holds ${tokens} tokens`);
  if (!(micros > 0 && micros * tokens <= LIMIT_FILL_SECONDS_MAX * 1e6))
    refuse(table.at(i), `a token comes back in ${micros} microseconds`);
  return [interval, burst];
}

const COUNTABLE: readonly Shape["type"][] = ["string", "int", "bool", "enum", "ip"];

function readKey(table: Table, i: number, cells: readonly Shape[]): [cell: number, none: -1] {
  const cell = table.index(i, 1, { what: "cell", count: cells.length });
  if (!COUNTABLE.includes(cells[cell]!.type)) refuse(table.at(i), `cell ${cell} is nothing to count by`);
  if (table.word(i, 2) !== NONE) refuse(table.at(i), "a key has a value");
  return [cell, -1];
}

/** Rule 15, and the ranges of rules 14 and 18. */
export function readPolicies(tables: Tables, constants: Constants, obligations: Obligations): PolicyHeads {
  const { policies: table } = tables;
  const { strings } = constants;
  const heads = emptyHeads(table.count);
  const named = new Uint8Array(strings.length);
  for (let i = 0; i < table.count; i++) {
    const name = table.index(i, 0, { what: "string", count: strings.length });
    if (strings.offsets[name] === strings.offsets[name + 1]) refuse(table.at(i), "its name is empty");
    if (named[name] === 1) refuse(table.at(i), `a second policy ${shown(strings.at(name))}`);
    named[name] = 1;
    heads.names[i] = name;
    if (i > 0) checkOrder(table, i, constants, heads);
    readHead(tables, i, constants, heads);
    heads.obligationStarts[i + 1] = nextRange(table, i, 9, {
      next: heads.obligationStarts[i]!,
      of: tables.obligations,
    });
    checkObligations(table, i, heads, { obligations, strings });
    heads.metadataStarts[i + 1] = nextRange(table, i, 11, {
      next: heads.metadataStarts[i]!,
      of: tables.metadata,
    });
    checkMetadata(tables, i, heads);
    heads.rowStarts[i + 1] = nextRange(table, i, 15, { next: heads.rowStarts[i]!, of: tables.rows });
  }
  allUsed(tables.obligations, heads.obligationStarts[table.count]!);
  allUsed(tables.metadata, heads.metadataStarts[table.count]!);
  allUsed(tables.rows, heads.rowStarts[table.count]!);
  return heads;
}

/** Columns to be filled: of as many policies, which refer to nothing. */
export function emptyHeads(count: number): PolicyHeads {
  return {
    count,
    names: new Int32Array(count),
    sets: new Int32Array(count),
    kinds: new Uint8Array(count),
    modes: new Uint8Array(count),
    severities: new Uint8Array(count),
    effects: new Uint8Array(count),
    triggers: new Int32Array(count),
    requirements: new Int32Array(count),
    denyStatuses: new Uint16Array(count),
    denyBodies: new Int32Array(count),
    reasons: new Int32Array(count),
    obligationStarts: new Int32Array(count + 1),
    metadataStarts: new Int32Array(count + 1),
    expiries: new Int32Array(count),
    offWhenExpired: new Uint8Array(count),
    limiterFailures: new Uint8Array(count),
    rowStarts: new Int32Array(count + 1),
  };
}

function checkOrder(table: Table, i: number, constants: Constants, { names }: PolicyHeads): void {
  const severity = table.byte(i, SEVERITY_BYTE) - table.byte(i - 1, SEVERITY_BYTE);
  const order = severity !== 0 ? severity : compareStrings(constants, names[i]!, names[i - 1]!);
  if (order < 0) refuse(table.at(i), "it stands behind a policy that comes after it by severity, then name");
}

function readHead(
  { policies: table, policySets, routines, texts }: Tables,
  i: number,
  { strings, numbers }: Constants,
  heads: PolicyHeads,
): void {
  const say = (what: string): never => refuse(table.at(i), what);
  const string = { what: "string", count: strings.length };
  const choice = (byte: number, what: string, names: readonly string[]): number => {
    const id = table.byte(i, byte);
    if (id >= names.length) say(`unknown ${what} ${id}`);
    return id;
  };
  table.indexOrNone(i, INTENT, { what: "text", count: texts.count });
  heads.sets[i] = table.indexOrNone(i, 1, { what: "policy set", count: policySets.count });
  const kind = choice(KIND_BYTE, "kind", POLICY_KINDS);
  heads.kinds[i] = kind;
  heads.modes[i] = choice(MODE_BYTE, "mode", POLICY_MODES);
  heads.severities[i] = choice(SEVERITY_BYTE, "severity", SEVERITY_NAMES);
  const effect = choice(EFFECT_BYTE, "effect", EFFECT_NAMES);
  heads.effects[i] = effect;
  if (kind === POLICY_KIND_GUARD && effect === EFFECT_ALLOWS) say("a guard that allows");
  heads.triggers[i] = table.indexOrNone(i, 4, { what: "routine", count: routines.count });
  const requirement = table.indexOrNone(i, 5, { what: "routine", count: routines.count });
  heads.requirements[i] = requirement;
  if ((effect === EFFECT_REQUIRES) !== (requirement !== -1)) {
    say(
      requirement === -1
        ? "it requires something and has no requirement"
        : `it ${EFFECT_NAMES[effect]} and has a requirement`,
    );
  }
  const denyStatus = table.word(i, 6);
  const isStatus = DENY_STATUSES.includes(denyStatus) || REDIRECT_STATUSES.includes(denyStatus);
  if (denyStatus !== 0 && !isStatus) say(`${denyStatus} is no status for a denial`);
  heads.denyStatuses[i] = denyStatus;
  heads.denyBodies[i] = table.indexOrNone(i, 7, string);
  const reason = table.indexOrNone(i, 8, string);
  heads.reasons[i] = reason;
  if (reason !== -1 && effect !== EFFECT_DENIES)
    say(`it ${EFFECT_NAMES[effect]} and has a reason for denying`);
  const expires = table.indexOrNone(i, 13, { what: "number", count: numbers.length });
  heads.expiries[i] = expires;
  if (expires !== -1 && !Number.isSafeInteger(numbers[expires])) say(`it expires at ${numbers[expires]}`);
  const flags = table.word(i, 14);
  const failure = flags >>> LIMITER_FAILURE_SHIFT;
  heads.offWhenExpired[i] = flags & POLICY_FLAG_OFF_WHEN_EXPIRED;
  if (heads.offWhenExpired[i] === 1 && expires === -1) say("it never expires and says what it is then");
  if (failure >= LIMITER_FAILURE_MODES.length) say(`unknown flags 0x${flags.toString(16)}`);
  heads.limiterFailures[i] = failure;
}

/** Beyond any number of keys: none can follow here. */
const KEYS_NOWHERE = LIMIT_KEYS_MAX;

function checkObligations(
  table: Table,
  i: number,
  heads: PolicyHeads,
  {
    obligations: { kinds, headers },
    strings,
  }: { readonly obligations: Obligations; readonly strings: Texts },
): void {
  const cannotAllow = heads.kinds[i] === POLICY_KIND_GUARD || heads.effects[i] === EFFECT_DENIES;
  const seen = new Set<number>();
  let redirects = false;
  let limits = 0;
  let keys = KEYS_NOWHERE;
  let parts = 0;
  let bodies = 0;
  for (let o = heads.obligationStarts[i]!; o < heads.obligationStarts[i + 1]!; o++) {
    const kind = kinds[o]!;
    if (kind === OBLIGATION_PART) {
      if (o === heads.obligationStarts[i]) refuse(table.at(i), "it begins with a part");
      if (++parts > PARTS_MAX) refuse(table.at(i), `a text has more than ${PARTS_MAX} values`);
      continue;
    }
    parts = 0;
    if (BODIES.includes(kind)) {
      if (heads.denyBodies[i] === -1 || ++bodies > 1)
        refuse(table.at(i), "it has parts of a body, and no body or two");
      if (o + 1 === heads.obligationStarts[i + 1]! || kinds[o + 1] !== OBLIGATION_PART)
        refuse(table.at(i), "a body has no parts");
      keys = KEYS_NOWHERE;
      continue;
    }
    if (cannotAllow && kind !== OBLIGATION_SET_ANSWER_HEADER)
      refuse(table.at(i), "it cannot allow and has something to do on an allow");
    if (kind === OBLIGATION_LIMIT) {
      keys = 0;
      if (++limits > LIMITS_MAX) refuse(table.at(i), `it has more than ${LIMITS_MAX} limits`);
      continue;
    }
    if (kind === OBLIGATION_LIMIT_KEY) {
      if (++keys > LIMIT_KEYS_MAX)
        refuse(table.at(i), `a key follows no limit, or more than ${LIMIT_KEYS_MAX} follow one`);
      continue;
    }
    keys = KEYS_NOWHERE;
    const key = headers[o]! * (OBLIGATION_NAMES.length + 1) + kind;
    if (seen.has(key)) refuse(table.at(i), "it does one thing to one name twice");
    seen.add(key);
    redirects ||= kind === OBLIGATION_SET_ANSWER_HEADER && strings.at(headers[o]!) === "location";
  }
  if (limits === 0 && heads.limiterFailures[i] !== 0)
    refuse(table.at(i), "it says what becomes of its limits and has none");
  if (redirects === REDIRECT_STATUSES.includes(heads.denyStatuses[i]!)) return;
  refuse(
    table.at(i),
    redirects ? "it redirects without a status for it" : "it has a redirect's status and no `location`",
  );
}

function checkMetadata({ policies, metadata: table, texts }: Tables, i: number, heads: PolicyHeads): void {
  const text = { what: "text", count: texts.count };
  const first = heads.metadataStarts[i]!;
  const end = heads.metadataStarts[i + 1]!;
  if (first === end) return;
  const keys = new Set<number>();
  for (let m = first; m < end; m++) {
    keys.add(table.index(m, 0, text));
    table.index(m, 1, text);
  }
  if (keys.size !== end - first) refuse(policies.at(i), "it has one key twice in its metadata");
}

/** What is only shown of a policy, read where it is. */
export function policyTexts(
  tables: Tables,
  { metadataStarts }: PolicyHeads,
  textAt: (index: number) => string,
): {
  readonly intent: (policy: number) => string | null;
  readonly metadata: (policy: number) => PolicyEntry["metadata"];
} {
  const { policies, metadata } = tables;
  return {
    intent: (policy) => {
      const text = policies.word(policy, INTENT);
      return text === NONE ? null : textAt(text);
    },
    metadata: (policy) => {
      const entries: { key: string; value: string }[] = [];
      for (let m = metadataStarts[policy]!; m < metadataStarts[policy + 1]!; m++)
        entries.push({ key: textAt(metadata.word(m, 0)), value: textAt(metadata.word(m, 1)) });
      return entries;
    },
  };
}
