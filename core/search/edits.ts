/** Ways to change one attribute so that one condition says something else. Each is to be tried: none is promised. */
import type { ExplainNode, Slot } from "../bytecode/program.ts";
import type { Json } from "../request/facts.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import { LIST_ELEMENTS_MAX } from "../source/gen/facts.ts";
import { formatDatetime, formatDuration, parseDatetime, parseDuration } from "../source/time.ts";
import type { Probe } from "./probe.ts";
import { elementsOf, type ValueSource, valuesOf, without } from "./values.ts";

type Read = ExplainNode["reads"][number];

export interface Edit {
  /** The slot's new value; undefined: left out. */
  readonly value: Json | undefined;
  readonly cost: number;
}

/** The condition that is to say something else. */
export interface Target {
  readonly leaf: ExplainNode;
  readonly want: "true" | "false";
}

const COST_OF_ELEMENT = 0.05;
/** Elements that are added or taken where no count says how many. */
const FEW = [1, 2, 3];
const SECOND_MS = 1000;

/** Edits of what `read` names, likeliest first. The request is loaded, and edits may load others. */
export function* editsFor(
  probe: Probe,
  request: NeutralRequest,
  target: Target,
  read: Read,
): Generator<Edit> {
  const slot = probe.slotOf(read.cell);
  const source = { ...probe.values, words: probe.vocabulary.within(target.leaf) };
  const fact = probe.fact(slot);
  const whole = fact.state === "present" ? fact.value : undefined;
  const fields = fieldsOf(slot, read);
  const current = partOf(whole, fields);
  const place = (value: Json | undefined): Json | undefined => withPart(whole, fields, value);
  if (read.shape.type === "list") {
    const list = Array.isArray(current) ? current : [];
    for (const edit of listEdits({ probe, request, target, read, slot, source, list, place }))
      yield { value: place(edit.value), cost: edit.cost };
  } else {
    if (source.words.computes)
      yield* edgeEdits({ probe, request, target, read, slot, source, place }, current);
    for (const value of valuesOf(read.shape, String(read.cell), current, source))
      yield { value: place(value), cost: 0 };
  }
  if (current !== undefined) yield { value: place(undefined), cost: 0 };
}

/** Names of the fields from the slot to what is read. */
function fieldsOf(slot: Slot, read: Read): string[] {
  return read.name === slot.name ? [] : read.name.slice(slot.name.length + 1).split(".");
}

function partOf(whole: Json | undefined, fields: readonly string[]): Json | undefined {
  let at = whole;
  for (const field of fields) {
    if (typeof at !== "object" || at === null || Array.isArray(at)) return undefined;
    at = Object.hasOwn(at, field) ? (at as { readonly [name: string]: Json })[field] : undefined;
  }
  return at;
}

function withPart(
  whole: Json | undefined,
  [field, ...rest]: readonly string[],
  value: Json | undefined,
): Json | undefined {
  if (field === undefined) return value;
  const members = new Map(
    typeof whole === "object" && whole !== null && !Array.isArray(whole)
      ? Object.entries(whole as object)
      : [],
  ) as Map<string, Json>;
  const part = withPart(members.get(field), rest, value);
  if (part === undefined) members.delete(field);
  else members.set(field, part);
  return Object.fromEntries(members);
}

/** Where a value is to be changed, and for what. */
interface Place {
  readonly probe: Probe;
  readonly request: NeutralRequest;
  readonly target: Target;
  readonly read: Read;
  readonly slot: Slot;
  readonly source: ValueSource;
  /** The slot's value with the given one in its place. */
  readonly place: (value: Json | undefined) => Json | undefined;
}

// --- numbers ---

/**
 * The number nearest to the current one at which a computed condition turns: doubling steps to either side, then halving
 * between where it does and where it does not. Finds it where the condition turns once, as sums and products with
 * a constant do.
 */
function* edgeEdits(edit: Place, current: Json | undefined): Generator<Edit> {
  const scale = scaleOf(edit.read.shape);
  if (scale === null) return;
  const start = current === undefined ? 0 : (scale.parse(current) ?? 0);
  const turns = (number: number): boolean =>
    edit.probe.loadWith(edit.request, edit.slot, edit.place(scale.format(number))) !== null &&
    edit.probe.truth(edit.target.leaf) === edit.target.want;
  // Where another operand is missing, no number helps.
  if (turns(start) || edit.probe.truth(edit.target.leaf) === "unknown") {
    yield { value: edit.place(scale.format(start)), cost: 0 };
    return;
  }
  for (const side of [1, -1]) {
    let wrong = start;
    for (let step = scale.step; step <= Number.MAX_SAFE_INTEGER; step *= 2) {
      const right = start + side * step;
      if (!Number.isSafeInteger(Math.trunc(right))) break;
      if (!turns(right)) {
        wrong = right;
        continue;
      }
      const edge = halved(wrong, right, scale.step, turns);
      yield { value: edit.place(scale.format(edge)), cost: 0 };
      break;
    }
  }
}

/** Keeps `right` right, and comes as near to `wrong` as a step. */
function halved(wrong: number, right: number, step: number, turns: (number: number) => boolean): number {
  let [bad, good] = [wrong, right];
  while (Math.abs(good - bad) > step) {
    const middle = bad + Math.trunc((good - bad) / 2 / step) * step;
    if (middle === bad || middle === good) return good;
    if (turns(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

interface Scale {
  readonly step: number;
  readonly parse: (value: Json) => number | null;
  readonly format: (number: number) => Json;
}

/** Null for what is no number. */
function scaleOf({ type }: Read["shape"]): Scale | null {
  const text =
    (parse: (text: string) => number | null) =>
    (value: Json): number | null =>
      typeof value === "string" ? parse(value) : null;
  switch (type) {
    case "int":
    case "float":
      return { step: 1, parse: (value) => (typeof value === "number" ? value : null), format: (n) => n };
    case "datetime":
      return { step: SECOND_MS, parse: text(parseDatetime), format: formatDatetime };
    case "duration":
      return { step: SECOND_MS, parse: text(parseDuration), format: formatDuration };
    default:
      return null;
  }
}

// --- lists ---

interface ListEdit extends Place {
  readonly list: readonly Json[];
}

/** More elements, then fewer, then none. */
function* listEdits(edit: ListEdit): Generator<{ value: Json; cost: number }> {
  const { list, read } = edit;
  const edited = (value: readonly Json[], elements: number): { value: Json; cost: number } => ({
    value,
    cost: elements * COST_OF_ELEMENT,
  });
  const before = measured(edit, list);
  for (const element of elementsOf(read.shape, String(read.cell), edit.source)) {
    const after = measured(edit, [...list, element]);
    for (const more of numbersToAdd(edit, before, after)) {
      if (list.length + more > LIST_ELEMENTS_MAX) continue;
      yield edited([...list, ...Array.from({ length: more }, () => element)], more);
    }
  }
  const none = measured(edit, []);
  // What a sum comes to is not seen of an element alone: each can matter.
  const computes = edit.source.words?.computes === true;
  const counting = list.flatMap((element, i) =>
    computes || differ(measured(edit, [element]), none) ? [i] : [],
  );
  if (computes) for (const i of counting) yield edited(without(list, new Set([i])), 1);
  for (let fewer = 1; fewer <= counting.length; fewer++)
    yield edited(without(list, new Set(counting.slice(-fewer))), fewer);
  yield edited([], list.length);
}

interface Measured {
  readonly truth: string;
  /** Elements that surely and possibly count, in all counts of the condition. */
  readonly counts: string;
  readonly least: number;
}

/** What the condition says of another list; null where the source cannot say that list. */
function measured({ probe, request, target, slot, place }: ListEdit, list: readonly Json[]): Measured | null {
  if (probe.loadWith(request, slot, place(list)) === null) return null;
  const counts = probe.counts(target.leaf);
  return {
    truth: probe.truth(target.leaf),
    counts: JSON.stringify(counts),
    least: Math.max(0, ...counts.map((count) => count?.least ?? 0)),
  };
}

/** How many of an element could make the difference. */
function numbersToAdd(edit: ListEdit, before: Measured | null, after: Measured | null): number[] {
  if (after === null) return [];
  if (after.truth === edit.target.want) return [1];
  if (before !== null && after.counts === before.counts && edit.source.words?.computes !== true) return [];
  const least = before?.least ?? 0;
  const path = String(edit.read.cell);
  const own = edit.source.words?.sizes.get(path) ?? [];
  const sizes = own.length > 0 ? own : edit.probe.vocabulary.sizes(path);
  const wanted = sizes.flatMap((size) => [Math.ceil(size) - least, Math.ceil(size) - least + 1]);
  return [...new Set([...wanted, ...FEW])]
    .filter((n) => n > 1 && n <= LIST_ELEMENTS_MAX)
    .sort((a, b) => a - b);
}

/** Is an element alone something else to the condition than none? */
function differ(alone: Measured | null, none: Measured | null): boolean {
  return alone === null || none === null || alone.truth !== none.truth || alone.counts !== none.counts;
}
