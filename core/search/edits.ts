/** Ways to change one attribute so that one condition says something else. Each is to be tried: none is promised. */
import type { ExplainNode, Slot } from "../bytecode/program.ts";
import type { Json } from "../request/facts.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import { LIST_ELEMENTS_MAX } from "../source/gen/facts.ts";
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

/** Edits of what `read` names, likeliest first. The request is loaded, and edits may load others. */
export function* editsFor(
  probe: Probe,
  request: NeutralRequest,
  target: Target,
  read: Read,
): Generator<Edit> {
  const slot = probe.slotOf(read.cell);
  const source = { ...probe.values, words: probe.vocabulary.within(target.leaf.code) };
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

// --- lists ---

interface ListEdit {
  readonly probe: Probe;
  readonly request: NeutralRequest;
  readonly target: Target;
  readonly read: Read;
  readonly slot: Slot;
  readonly source: ValueSource;
  readonly list: readonly Json[];
  readonly place: (value: Json | undefined) => Json | undefined;
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
  const counting = list.flatMap((element, i) => (differ(measured(edit, [element]), none) ? [i] : []));
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
  if (before !== null && after.counts === before.counts) return [];
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
