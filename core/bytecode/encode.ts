/** From the plan to the bytes of a bundle. The same plan gives the same bytes. The format is in docs/bytecode.md. */

import type { Condition } from "../plan/plan.ts";
import { conditionOf, type Plan, type PlanNode, type PlanPolicy, type PlanSlot } from "../plan/plan.ts";
import { type EnumInfo, type ResourcePattern, type Segment, typeWidth } from "../schema/schema.ts";
import { compareBytes } from "../source/bytes.ts";
import { BUILTINS } from "../source/gen/facts.ts";
import { sealBundle } from "./digest.ts";
import { COMPARES_ADDRESSES, emitRoutine } from "./emit.ts";
import { explainSection, layOutNodes, type NodeLayout } from "./encode-explain.ts";
import * as f from "./gen/constants.ts";
import { EFFECT_NAMES, INSTRUCTIONS, SEGMENT_NAMES, SEVERITY_NAMES, SOURCE_NAMES } from "./gen/tables.ts";
import { type ConstantSet, Pools } from "./pools.ts";
import { compareKinds, KIND_RANKS } from "./resource-order.ts";
import { type Shaped, type Words, withRows } from "./rows.ts";
import { Shapes } from "./shapes.ts";
import { type CodePass, tighten } from "./tighten.ts";
import { TooLarge } from "./too-large.ts";
import { Writer } from "./writer.ts";

export type Encoded =
  | { readonly ok: true; readonly bundle: Uint8Array }
  | { readonly ok: false; readonly problem: string };

export interface EncodeOptions {
  /** What the code of a policy's condition, or of a leaf alone, tests; by default what its author wrote. */
  readonly conditionFor?: (node: PlanNode) => Condition;
  /** Passes over the code of each routine; by default none. */
  readonly codePasses?: readonly CodePass[];
  /** Routines with the same code become one. */
  readonly share?: boolean;
  /** Bytes that the bundle may have; by default the format's limit. */
  readonly bytesMax?: number;
}

/** Encode a plan; `problem` says what of it is too large for the format. */
export function encode(plan: Plan, options: EncodeOptions = {}): Encoded {
  try {
    const bundle = assemble(plan, options);
    if (bundle.length > (options.bytesMax ?? f.LIMIT_BUNDLE_BYTES_MAX)) throw new TooLarge();
    return { ok: true, bundle };
  } catch (problem) {
    if (!(problem instanceof TooLarge)) throw problem;
    return { ok: false, problem: problem.message };
  }
}

function assemble(plan: Plan, options: EncodeOptions): Uint8Array {
  const { conditionFor = conditionOf, codePasses = [], share = false } = options;
  const pools = new Pools();
  const shapes = new Shapes(plan.enums, pools);
  const enums = enumSection(plan.enums, pools);
  const cells = plan.slots.reduce((sum, slot) => sum + typeWidth(slot.attribute.type), 0);
  if (cells > 0xffff) throw new TooLarge();
  const code = new Code(share);
  const words = (node: PlanNode): Words => {
    const emitted = emitRoutine(conditionFor(node), pools);
    const made = tighten(emitted, codePasses);
    // What reasons name must be loaded, and only what some code reads is: a leaf goes on reading all that it did.
    const keep = node.kind === "leaf" && cellsReadBy(made).size < cellsReadBy(emitted).size;
    return code.unmarked(keep ? emitted : made);
  };
  const layout = layOutNodes(plan.policies);
  const shaped = withRows(routinesOf(plan.policies, layout, words), share);
  const routines = plan.policies.map(({ trigger, requirement }, i): Routines => {
    const own = shaped[i]!.routines;
    return {
      trigger: trigger === null ? f.NONE : code.add(own[0]!),
      requirement: requirement === null ? f.NONE : code.add(own[trigger === null ? 0 : 1]!),
    };
  });
  /** By policy: how many of its routines were written. */
  const written = plan.policies.map(conditionsOf).map((conditions) => conditions.length);
  const explain = explainSection(
    layout,
    ({ policy }) => code.add(shaped[policy]!.routines[written[policy]!++]!),
    pools,
  );
  const read = new Set([...code.cellsRead(), ...expiryCells(plan)]);
  if (plan.sets !== null) read.add(plan.sets.selector.cell);
  const slots = slotSection(plan.slots, read, shapes, pools);
  const resources = resourceSection(plan.resources, pools);
  const policies = policySections(plan, routines, shaped, pools);
  const sets = setSection(pools.closedSets());
  const maps = mapSection(pools, shapes);
  // INVARIANT: nothing is interned any more once the pools are written.
  const constants = [
    stringSection(pools),
    numberSection(pools),
    networkSection(pools),
    sets,
    automatonSection(pools),
  ];
  const sections = [
    ...constants,
    enums,
    shapes.section(),
    slots,
    resources,
    code.section(),
    policies.obligations,
    policies.policies,
    policies.metadata,
    explain,
    scheduleSection(pools),
    textSection(pools),
    rowSection(shaped),
    maps,
  ];
  return bundleOf(sections, features(plan.slots, read, code), plan.defaultAllow);
}

// --- code ---

/** By policy: the code of its conditions, then of its leaves in the order of their nodes. */
function routinesOf(
  policies: readonly PlanPolicy[],
  { nodes }: NodeLayout,
  words: (node: PlanNode) => Words,
): readonly (readonly Words[])[] {
  const routines = policies.map((policy) => conditionsOf(policy).map(words));
  for (const { node, policy } of nodes) if (node.kind === "leaf") routines[policy]!.push(words(node));
  return routines;
}

function conditionsOf({ trigger, requirement }: PlanPolicy): PlanNode[] {
  return [trigger, requirement].filter((node) => node !== null);
}

/** Routines in the order in which they were added. */
class Code {
  usesNetworks = false;
  readonly #share: boolean;
  readonly #routines: Words[] = [];
  readonly #indexes = new Map<string, number>();
  /** By identity: policies of one shape share theirs. */
  readonly #known = new Map<Words, number>();

  constructor(share: boolean) {
    this.#share = share;
  }

  /** Emitted code as it stands in a bundle; notes its marks. */
  unmarked(emitted: Words): Words {
    this.usesNetworks ||= emitted.some((word, i) => i % 4 === 0 && (word & COMPARES_ADDRESSES) !== 0);
    return emitted.map((word, i) => (i % 4 === 0 ? word & ~COMPARES_ADDRESSES : word));
  }

  /** Index of the routine; with sharing that of the first one with the same code. */
  add(words: Words): number {
    if (!this.#share) return this.#routines.push(words) - 1;
    let index = this.#known.get(words);
    if (index !== undefined) return index;
    const key = words.join();
    index = this.#indexes.get(key) ?? this.#routines.push(words) - 1;
    this.#indexes.set(key, index);
    this.#known.set(words, index);
    return index;
  }

  get usesAggregates(): boolean {
    return this.#opcodes().some((code) => INSTRUCTIONS[code]!.b.startsWith("body"));
  }

  get computes(): boolean {
    return this.#opcodes().some((code) => INSTRUCTIONS[code]!.computes);
  }

  /** Cells of the global frame that some instruction tests. */
  cellsRead(): ReadonlySet<number> {
    const cells = new Set<number>();
    for (const words of this.#routines) for (const cell of cellsReadBy(words)) cells.add(cell);
    return cells;
  }

  section(): Writer {
    const out = new Writer();
    const total = this.#routines.reduce((sum, words) => sum + words.length / 4, 0);
    out.u32(this.#routines.length, total);
    out.u32s(this.#routines.map((words) => words.length / 4));
    for (const words of this.#routines) out.u16s(words);
    return out;
  }

  #opcodes(): number[] {
    return this.#routines.flatMap((words) => words.filter((_, i) => i % 4 === 0).map((head) => head & 0xff));
  }
}

/** Cells of the global frame that some instruction of a routine tests. */
function cellsReadBy(words: readonly number[]): ReadonlySet<number> {
  const cells = new Set<number>();
  for (let i = 0; i < words.length; i += 4) {
    const head = words[i]!;
    const info = INSTRUCTIONS[head & 0xff]!;
    if (info.a !== "none" && ((head >> 10) & 3) === 0) cells.add(words[i + 1]!);
    if (info.b.endsWith("Cell") && ((head >> 12) & 3) === 0) cells.add(words[i + 2]!);
  }
  return cells;
}

/** The cell of `request.time` where some policy expires. */
function expiryCells({ policies, slots }: Plan): number[] {
  if (policies.every(({ expires }) => expires === null)) return [];
  return slots.filter(({ attribute }) => attribute.name === "request.time").map(({ cell }) => cell);
}

function isRead(slot: PlanSlot, read: ReadonlySet<number>): boolean {
  const width = typeWidth(slot.attribute.type);
  return Array.from({ length: width }, (_, i) => slot.cell + i).some((cell) => read.has(cell));
}

function features(slots: readonly PlanSlot[], read: ReadonlySet<number>, code: Code): number {
  const body = slots.some((slot) => slot.attribute.source === "body" && isRead(slot, read));
  return (
    (body ? f.FEATURE_BODY : 0) |
    (code.usesAggregates ? f.FEATURE_AGGREGATES : 0) |
    (code.usesNetworks ? f.FEATURE_NETWORKS : 0) |
    (code.computes ? f.FEATURE_COMPUTING : 0)
  );
}

// --- constants ---

function textSection({ texts }: Pools): Writer {
  const out = new Writer();
  out.u32(texts.length);
  let end = 0;
  for (const text of texts) {
    end += text.length;
    out.u32(end);
  }
  for (const text of texts) out.bytes(text);
  out.pad();
  return out;
}

function rowSection(shaped: readonly Shaped[]): Writer {
  const out = new Writer();
  out.u32(shaped.reduce((sum, { row }) => sum + row.length, 0));
  for (const { row } of shaped) out.u32s(row);
  return out;
}

function stringSection(pools: Pools): Writer {
  const out = new Writer();
  out.u32(pools.strings.length);
  for (const string of pools.strings) out.u32(string.length);
  for (const string of pools.strings) out.bytes(string);
  out.pad();
  return out;
}

function numberSection(pools: Pools): Writer {
  const out = new Writer();
  out.u32(pools.numbers.length, 0);
  for (const number of pools.numbers) out.f64(number);
  return out;
}

function networkSection(pools: Pools): Writer {
  const out = new Writer();
  out.u32(pools.networks.length);
  for (const { bytes, prefix } of pools.networks) {
    out.bytes(bytes);
    out.u32(prefix);
  }
  return out;
}

function setSection(sets: readonly ConstantSet[]): Writer {
  const out = new Writer();
  out.u32(
    sets.length,
    sets.reduce((sum, set) => sum + set.elements.length, 0),
  );
  let first = 0;
  for (const { kind, elements } of sets) {
    out.u32(kind, first, elements.length);
    first += elements.length;
  }
  for (const { elements } of sets) out.u32s(elements);
  return out;
}

function scheduleSection({ schedules }: Pools): Writer {
  const out = new Writer();
  out.u32(
    schedules.length,
    schedules.reduce((sum, { offsets }) => sum + offsets.length, 0),
  );
  let first = 0;
  for (const { days, from, to, until, offsets } of schedules) {
    out.u32(days, from, to, until, first, offsets.length);
    first += offsets.length;
  }
  for (const { offsets } of schedules)
    for (const { minute, offset } of offsets) out.u32(minute, offset >>> 0);
  return out;
}

/** INVARIANT: what it interns comes before the constants and shapes are written. */
function mapSection(pools: Pools, shapes: Shapes): Writer {
  const out = new Writer();
  const closed = pools.maps.map((map) => pools.closedMap(map));
  out.u32(
    closed.length,
    closed.reduce((sum, entries) => sum + entries.length, 0),
  );
  let first = 0;
  closed.forEach((entries, i) => {
    const { key, value } = pools.maps[i]!;
    out.u32(shapes.of(key), shapes.of(value), first, entries.length);
    first += entries.length;
  });
  for (const entries of closed) for (const [key, value] of entries) out.u32(key, value);
  return out;
}

function automatonSection({ automata }: Pools): Writer {
  const out = new Writer();
  out.u32(automata.length);
  for (const { states, classes, start } of automata) out.u32(states, classes, start);
  for (const { classOf, targets } of automata) {
    out.bytes(classOf);
    out.u16s([...targets]);
    out.pad();
  }
  return out;
}

function enumSection(enums: readonly EnumInfo[], pools: Pools): Writer {
  const out = new Writer();
  out.u32(
    enums.length,
    enums.reduce((sum, info) => sum + info.members.length, 0),
  );
  let first = 0;
  for (const { name, ordered, members } of enums) {
    out.u32(pools.string(name), ordered ? 1 : 0, first, members.length);
    first += members.length;
  }
  for (const { members } of enums) out.u32s(members.map((member) => pools.string(member)));
  return out;
}

// --- slots and resources ---

function slotSection(
  slots: readonly PlanSlot[],
  read: ReadonlySet<number>,
  shapes: Shapes,
  pools: Pools,
): Writer {
  const out = new Writer();
  out.u32(slots.length);
  for (const slot of slots) {
    const { attribute } = slot;
    out.u32(pools.string(attribute.name), shapes.of(attribute.type));
    out.u8(SOURCE_NAMES.indexOf(attribute.source), slotFlags(slot, isRead(slot, read)));
    out.u16(0);
    out.u32(attribute.source === "builtin" ? builtinId(attribute.name) : pools.string(attribute.argument));
    out.u32(attribute.default === null ? 0 : pools.constant(attribute.default));
  }
  return out;
}

function slotFlags({ attribute }: PlanSlot, read: boolean): number {
  return (
    (read ? f.SLOT_READ : 0) |
    (attribute.optional ? f.SLOT_OPTIONAL : 0) |
    (attribute.marking === "claimed" ? f.SLOT_CLAIMED : 0) |
    (attribute.marking === "trusted" ? f.SLOT_TRUSTED : 0) |
    (attribute.verbatim ? f.SLOT_VERBATIM : 0) |
    (attribute.default === null ? 0 : f.SLOT_HAS_DEFAULT)
  );
}

function builtinId(name: string): number {
  return BUILTINS.findIndex((builtin) => builtin.name === name);
}

function resourceSection(resources: readonly ResourcePattern[], pools: Pools): Writer {
  const out = new Writer();
  const sorted = resources.map((pattern, member) => ({ ...pattern, member })).sort(moreSpecific);
  out.u32(
    sorted.length,
    sorted.reduce((sum, { segments }) => sum + segments.length, 0),
  );
  let first = 0;
  for (const { member, method, segments } of sorted) {
    out.u32(member, method === null ? f.NONE : pools.string(method), first, segments.length);
    first += segments.length;
  }
  for (const { segments } of sorted)
    for (const { kind, text } of segments)
      out.u32(SEGMENT_NAMES.indexOf(kind), kind === "any" || kind === "rest" ? f.NONE : pools.string(text));
  return out;
}

/** The order of docs/bytecode.md: by kinds, then method; the rest of it makes the bytes deterministic. */
function moreSpecific(a: ResourcePattern, b: ResourcePattern): number {
  const texts = a.segments.map((segment, i) =>
    segment.kind === "literal" ? compareBytes(segment.text, b.segments[i]?.text ?? "") : 0,
  );
  return (
    compareKinds(a.segments.map(rankOf), b.segments.map(rankOf)) ||
    Number(a.method === null) - Number(b.method === null) ||
    (texts.find((difference) => difference !== 0) ?? 0) ||
    compareBytes(a.method ?? "", b.method ?? "")
  );
}

function rankOf({ kind }: Segment): number {
  return KIND_RANKS[SEGMENT_NAMES.indexOf(kind)]!;
}

// --- policies ---

interface Routines {
  readonly trigger: number;
  readonly requirement: number;
}

function policySections(
  { policies, slots, sets }: Plan,
  routines: readonly Routines[],
  shaped: readonly Shaped[],
  pools: Pools,
): { policies: Writer; obligations: Writer; metadata: Writer } {
  const out = new Writer();
  const obligations = new Writer();
  const metadata = new Writer();
  const textOr = (text: string | null): number => (text === null ? f.NONE : pools.string(text));
  obligations.u32(policies.reduce((sum, policy) => sum + policy.setRequestHeaders.length, 0));
  metadata.u32(policies.reduce((sum, policy) => sum + policy.metadata.length, 0));
  // Their names ascend by index, so that a runtime can search for one.
  const names = [...(sets?.names ?? [])].map((name) => pools.string(name)).sort((a, b) => a - b);
  const places = new Map(names.map((name, place) => [name, place]));
  out.u32(policies.length, names.length, sets === null ? f.NONE : slots.indexOf(sets.selector));
  let firstObligation = 0;
  let firstMetadata = 0;
  let firstConstant = 0;
  policies.forEach((policy, i) => {
    out.u32(
      pools.string(policy.name),
      policy.set === null ? f.NONE : places.get(pools.string(policy.set))!,
      policy.intent === null ? f.NONE : pools.text(policy.intent),
    );
    out.u8(
      policy.kind === "policy" ? f.POLICY_KIND_POLICY : f.POLICY_KIND_GUARD,
      policy.mode === "enforce" ? f.MODE_ENFORCE : f.MODE_PERMISSIVE,
    );
    out.u8(SEVERITY_NAMES.indexOf(policy.severity), EFFECT_NAMES.indexOf(policy.effect));
    out.u32(
      routines[i]!.trigger,
      routines[i]!.requirement,
      policy.denyStatus ?? 0,
      textOr(policy.denyBody),
      textOr(policy.reason),
    );
    out.u32(firstObligation, policy.setRequestHeaders.length, firstMetadata, policy.metadata.length);
    out.u32(policy.expires === null ? f.NONE : pools.number(policy.expires), policy.offWhenExpired ? 1 : 0);
    out.u32(firstConstant, shaped[i]!.row.length);
    firstConstant += shaped[i]!.row.length;
    for (const { name, value } of policy.setRequestHeaders)
      obligations.u32(f.OBLIGATION_SET_REQUEST_HEADER, pools.string(name), pools.string(value));
    for (const { key, value } of policy.metadata) metadata.u32(pools.text(key), pools.text(value));
    firstObligation += policy.setRequestHeaders.length;
    firstMetadata += policy.metadata.length;
  });
  out.u32s(names);
  return { policies: out, obligations, metadata };
}

// --- the whole ---

function bundleOf(sections: readonly Writer[], featureBits: number, defaultAllow: boolean): Uint8Array {
  const tableEnd = f.HEADER_BYTES + sections.length * f.SECTION_ENTRY_BYTES;
  const total = sections.reduce((sum, section) => sum + section.length, tableEnd);
  const out = new Writer();
  out.u32(f.MAGIC);
  out.u16(f.FORMAT_VERSION, f.SEMANTICS_VERSION);
  out.u32(
    featureBits,
    defaultAllow ? f.FLAG_DEFAULT_ALLOW : 0,
    total,
    sections.length,
    f.LIMIT_BODY_BYTES_MAX,
    f.LIMIT_LIST_ELEMENTS_MAX,
  );
  out.bytes(new Uint8Array(32));
  let offset = tableEnd;
  sections.forEach((section, i) => {
    out.u32(i + 1, offset, section.length);
    out.bytes(new Uint8Array(32));
    offset += section.length;
  });
  for (const section of sections) out.bytes(section.done());
  return sealBundle(out.done());
}
