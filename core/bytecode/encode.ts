/** From the plan to the bytes of a bundle. The same plan gives the same bytes. The format is in docs/bytecode.md. */

import type { Condition } from "../plan/plan.ts";
import { conditionOf, type Plan, type PlanNode, type PlanSlot } from "../plan/plan.ts";
import { type EnumInfo, type ResourcePattern, type Segment, typeWidth } from "../schema/schema.ts";
import { compareBytes } from "../source/bytes.ts";
import { BUILTINS, PATH_MODES } from "../source/gen/facts.ts";
import { Code } from "./code.ts";
import { sealInPlace } from "./digest.ts";
import { explainSection } from "./encode-explain.ts";
import * as f from "./gen/constants.ts";
import { SEGMENT_NAMES, SOURCE_NAMES } from "./gen/tables.ts";
import type { Packed } from "./packed.ts";
import { type Piece, Pieces } from "./pieces.ts";
import type { ConstantMap, ConstantSet, Handle, Pools } from "./pools.ts";
import { compareKinds, KIND_RANKS } from "./resource-order.ts";
import { type Shaped, withRows } from "./rows.ts";
import { Shapes } from "./shapes.ts";
import type { CodePass } from "./tighten.ts";
import { TooLarge } from "./too-large.ts";
import { joined, littleEndian, Writer } from "./writer.ts";

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
  /** What is kept of the policies from one call to the next, which has the same options. */
  readonly known?: Pieces;
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
  const { conditionFor = conditionOf, codePasses = [], share = false, known } = options;
  const from = known ?? new Pieces();
  const making = { conditionFor, codePasses };
  const pieces = plan.policies.map((policy) =>
    known === undefined ? from.make(policy, making) : from.of(policy, making),
  );
  const { pools, routines } = from;
  pools.start();
  const shapes = new Shapes(plan.enums, pools);
  const enums = enumSection(plan.enums, pools);
  const cells = plan.slots.reduce((sum, slot) => sum + typeWidth(slot.attribute.type), 0);
  if (cells > 0xffff) throw new TooLarge();
  useConstants(pieces, pools);
  const shaped = withRows(
    pieces.map((piece) => piece.code),
    routines,
    pools,
    { share },
  );
  const code = new Code(routines, share);
  const conditions = conditionRoutines(pieces, shaped, code);
  const explain = explainSection(pieces, shaped, code, pools);
  const read = new Set([...code.cellsRead(), ...expiryCells(plan), ...valueCells(pieces)]);
  if (plan.sets !== null) read.add(plan.sets.selector.cell);
  const slots = slotSection(plan.slots, read, shapes, pools);
  const resources = resourceSection(plan.resources, pools);
  const policies = policySections({ plan, pieces, conditions, shaped }, pools);
  const sets = setSection(pools.closedSets());
  const maps = mapSection(pools.closedMaps(), shapes);
  // INVARIANT: nothing gets an index any more once the pools are written.
  const sections = [
    stringSection(from.strings),
    numberSection(pools),
    networkSection(pools),
    sets,
    automatonSection(pools),
    enums,
    shapes.section(),
    slots,
    resources,
    code.section(pools),
    policies.obligations,
    policies.policies,
    policies.metadata,
    explain,
    scheduleSection(pools),
    textSection(from.texts),
    rowSection(pieces, shaped),
    maps,
  ];
  const more =
    (pieces.some(({ comparesAddresses }) => comparesAddresses) ? f.FEATURE_NETWORKS : 0) |
    (pieces.some(({ limits }) => limits.length > 0) ? f.FEATURE_LIMITS : 0);
  return bundleOf(sections, features(plan.slots, read, code) | more, flagsOf(plan));
}

// --- code ---

/** The indexes of what code uses: first that of all conditions, then that of leaves, level by level. */
function useConstants(pieces: readonly Piece[], pools: Pools): void {
  for (const { uses } of pieces) pools.useAll(uses);
  const more = pieces.map(({ leafUses }) => leafUses).filter((uses) => uses !== null);
  const depths = more.reduce((most, { length }) => Math.max(most, length), 0);
  for (let depth = 0; depth < depths; depth++) for (const uses of more) pools.useAll(uses[depth] ?? []);
}

/** By policy: the routines of trigger and requirement. */
function conditionRoutines(pieces: readonly Piece[], shaped: readonly Shaped[], code: Code): Uint32Array {
  const indexes = new Uint32Array(2 * pieces.length);
  pieces.forEach(({ tree }, i) => {
    const { hasTrigger, hasRequirement } = tree.outline;
    const { routines } = shaped[i]!;
    indexes[2 * i] = hasTrigger ? code.add(routines[0]!.id) : f.NONE;
    indexes[2 * i + 1] = hasRequirement ? code.add(routines[hasTrigger ? 1 : 0]!.id) : f.NONE;
  });
  return indexes;
}

/** The cell of `request.time` where some policy expires. */
function expiryCells({ policies, slots }: Plan): number[] {
  if (policies.every(({ expires }) => expires === null)) return [];
  return slots.filter(({ attribute }) => attribute.name === "request.time").map(({ cell }) => cell);
}

/** The cells that limits count by, and that texts name. */
function valueCells(pieces: readonly Piece[]): number[] {
  return pieces.flatMap(({ limits, obligations }) => [
    ...limits.flatMap(({ cells }) => cells),
    ...obligations.flatMap(({ parts }) => parts.map(({ cell }) => cell)),
  ]);
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
    (code.computes ? f.FEATURE_COMPUTING : 0)
  );
}

// --- constants ---

function stringSection(strings: Packed): Uint8Array {
  strings.pack();
  const { ends, bytes } = strings;
  const head = new Uint32Array(1 + ends.length);
  head[0] = ends.length;
  for (let i = 0, end = 0; i < ends.length; end = ends[i++]!) head[1 + i] = ends[i]! - end;
  return joined([littleEndian(head), bytes]);
}

function textSection(texts: Packed): Uint8Array {
  texts.pack();
  const { ends, bytes } = texts;
  const head = new Uint32Array(1 + ends.length);
  head[0] = ends.length;
  head.set(ends, 1);
  return joined([littleEndian(head), bytes]);
}

/** By policy: its own constants. */
function rowSection(pieces: readonly Piece[], shaped: readonly Shaped[]): Uint8Array {
  const out = new Uint32Array(1 + shaped.reduce((sum, { columns }) => sum + columns.length, 0));
  let at = 0;
  out[at++] = out.length - 1;
  pieces.forEach(({ code: { constants } }, i) => {
    const { columns, pools } = shaped[i]!;
    for (let column = 0; column < columns.length; column++) {
      const [constant, pool] = [constants[columns[column]!]!, pools[column]!];
      out[at++] = pool === null ? constant : pool.use(constant);
    }
  });
  return littleEndian(out);
}

function numberSection({ numbers }: Pools): Uint8Array {
  const out = new Writer();
  out.u32(numbers.size, 0);
  for (const number of numbers.usedValues()) out.f64(number);
  return out.done();
}

function networkSection({ networks }: Pools): Uint8Array {
  const out = new Writer();
  out.u32(networks.size);
  for (const { bytes, prefix } of networks.usedValues()) {
    out.bytes(bytes);
    out.u32(prefix);
  }
  return out.done();
}

function setSection(sets: readonly ConstantSet[]): Uint8Array {
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
  return out.done();
}

function scheduleSection(pools: Pools): Uint8Array {
  const out = new Writer();
  const schedules = pools.schedules.usedValues();
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
  return out.done();
}

/** INVARIANT: what gets an index here does before the constants and shapes are written. */
function mapSection(maps: readonly ConstantMap[], shapes: Shapes): Uint8Array {
  const out = new Writer();
  out.u32(
    maps.length,
    maps.reduce((sum, { entries }) => sum + entries.length, 0),
  );
  let first = 0;
  for (const { key, value, entries } of maps) {
    out.u32(shapes.of(key), shapes.of(value), first, entries.length);
    first += entries.length;
  }
  for (const { entries } of maps) for (const [key, value] of entries) out.u32(key, value);
  return out.done();
}

function automatonSection(pools: Pools): Uint8Array {
  const out = new Writer();
  const automata = pools.automata.usedValues();
  out.u32(automata.length);
  for (const { states, classes, start } of automata) out.u32(states, classes, start);
  for (const { classOf, targets } of automata) {
    out.bytes(classOf);
    out.u16s(targets);
    out.pad();
  }
  return out.done();
}

function enumSection(enums: readonly EnumInfo[], pools: Pools): Uint8Array {
  const out = new Writer();
  out.u32(
    enums.length,
    enums.reduce((sum, info) => sum + info.members.length, 0),
  );
  let first = 0;
  for (const { name, ordered, members } of enums) {
    out.u32(pools.useString(name), ordered ? 1 : 0, first, members.length);
    first += members.length;
  }
  for (const { members } of enums) out.u32s(members.map((member) => pools.useString(member)));
  return out.done();
}

// --- slots and resources ---

function slotSection(
  slots: readonly PlanSlot[],
  read: ReadonlySet<number>,
  shapes: Shapes,
  pools: Pools,
): Uint8Array {
  const out = new Writer();
  out.u32(slots.length);
  for (const slot of slots) {
    const { attribute } = slot;
    out.u32(pools.useString(attribute.name), shapes.of(attribute.type));
    out.u8(SOURCE_NAMES.indexOf(attribute.source), slotFlags(slot, isRead(slot, read)));
    out.u16(0);
    out.u32(attribute.source === "builtin" ? builtinId(attribute.name) : pools.useString(attribute.argument));
    out.u32(attribute.default === null ? 0 : pools.useConstant(attribute.default));
  }
  return out.done();
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

function resourceSection(resources: readonly ResourcePattern[], pools: Pools): Uint8Array {
  const out = new Writer();
  const sorted = resources.map((pattern, member) => ({ ...pattern, member })).sort(moreSpecific);
  out.u32(
    sorted.length,
    sorted.reduce((sum, { segments }) => sum + segments.length, 0),
  );
  let first = 0;
  for (const { member, method, segments } of sorted) {
    out.u32(member, method === null ? f.NONE : pools.useString(method), first, segments.length);
    first += segments.length;
  }
  for (const { segments } of sorted)
    for (const { kind, text } of segments)
      out.u32(
        SEGMENT_NAMES.indexOf(kind),
        kind === "any" || kind === "rest" ? f.NONE : pools.useString(text),
      );
  return out.done();
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

const POLICY_WORDS = 17;
const OBLIGATION_WORDS = 3;
const METADATA_WORDS = 2;

interface Policies {
  readonly plan: Plan;
  readonly pieces: readonly Piece[];
  /** Two a policy. */
  readonly conditions: Uint32Array;
  readonly shaped: readonly Shaped[];
}

function policySections(
  { plan: { slots, sets }, pieces, conditions, shaped }: Policies,
  pools: Pools,
): { policies: Uint8Array; obligations: Uint8Array; metadata: Uint8Array } {
  const { strings, texts, numbers } = pools;
  const sum = (count: (piece: Piece) => number): number =>
    pieces.reduce((total, piece) => total + count(piece), 0);
  const stringOr = (handle: Handle | null): number => (handle === null ? f.NONE : strings.use(handle));
  // Their names ascend by index, so that a runtime can search for one.
  const names = [...(sets?.names ?? [])].map((name) => pools.useString(name)).sort((a, b) => a - b);
  const places = new Map(names.map((name, place) => [name, place]));
  const obligationTable = new Uint32Array(1 + sum(obligationRows) * OBLIGATION_WORDS);
  const metadata = new Uint32Array(1 + sum((piece) => piece.metadata.length / 2) * METADATA_WORDS);
  obligationTable[0] = (obligationTable.length - 1) / OBLIGATION_WORDS;
  metadata[0] = (metadata.length - 1) / METADATA_WORDS;
  const out = new Uint32Array(3 + pieces.length * POLICY_WORDS + names.length);
  out.set([pieces.length, names.length, sets === null ? f.NONE : slots.indexOf(sets.selector)]);
  out.set(names, out.length - names.length);
  let at = 3;
  let [obligation, entry, constant] = [0, 0, 0];
  for (const [i, piece] of pieces.entries()) {
    const { obligations, limits, metadata: entries, intent, set, expires } = piece;
    const columns = shaped[i]!.columns.length;
    out[at] = strings.use(piece.name);
    out[at + 1] = set === null ? f.NONE : places.get(strings.use(set))!;
    out[at + 2] = intent === null ? f.NONE : texts.use(intent);
    out[at + 3] = piece.facts;
    out[at + 4] = conditions[2 * i]!;
    out[at + 5] = conditions[2 * i + 1]!;
    out[at + 6] = piece.denyStatus;
    out[at + 7] = stringOr(piece.denyBody);
    out[at + 8] = stringOr(piece.reason);
    out[at + 9] = obligation;
    out[at + 10] = obligationRows(piece);
    out[at + 11] = entry;
    out[at + 12] = entries.length / 2;
    out[at + 13] = expires === null ? f.NONE : numbers.use(expires);
    out[at + 14] = piece.flags;
    out[at + 15] = constant;
    out[at + 16] = columns;
    at += POLICY_WORDS;
    constant += columns;
    const oblige = (...row: readonly [kind: number, first: number, second: number]): void =>
      obligationTable.set(row, 1 + obligation++ * OBLIGATION_WORDS);
    for (const { kind, name, value, parts } of obligations) {
      oblige(kind, stringOr(name), stringOr(value));
      for (const { cell, text } of parts) oblige(f.OBLIGATION_PART, cell, strings.use(text));
    }
    for (const { interval, burst, cells } of limits) {
      oblige(f.OBLIGATION_LIMIT, numbers.use(interval), numbers.use(burst));
      for (const cell of cells) oblige(f.OBLIGATION_LIMIT_KEY, cell, f.NONE);
    }
    for (let e = 0; e < entries.length; e += 2) {
      const place = 1 + entry++ * METADATA_WORDS;
      metadata[place] = texts.use(entries[e]!);
      metadata[place + 1] = texts.use(entries[e + 1]!);
    }
  }
  return {
    policies: littleEndian(out),
    obligations: littleEndian(obligationTable),
    metadata: littleEndian(metadata),
  };
}

/** One each, and one more for each part of a text and each key of a limit. */
function obligationRows({ obligations, limits }: Piece): number {
  const texts = obligations.reduce((sum, { parts }) => sum + 1 + parts.length, 0);
  return limits.reduce((sum, { cells }) => sum + 1 + cells.length, texts);
}

// --- the whole ---

function flagsOf({ defaultAllow, pathMode }: Plan): number {
  const mode = PATH_MODES.indexOf(pathMode) << f.PATH_MODE_SHIFT;
  return mode | (defaultAllow ? f.FLAG_DEFAULT_ALLOW : 0);
}

function bundleOf(sections: readonly Uint8Array[], featureBits: number, flags: number): Uint8Array {
  const tableEnd = f.HEADER_BYTES + sections.length * f.SECTION_ENTRY_BYTES;
  const total = sections.reduce((sum, section) => sum + section.length, tableEnd);
  const out = new Writer();
  out.u32(f.MAGIC);
  out.u16(f.FORMAT_VERSION, f.SEMANTICS_VERSION);
  out.u32(featureBits, flags, total, sections.length, f.LIMIT_BODY_BYTES_MAX, f.LIMIT_LIST_ELEMENTS_MAX);
  out.bytes(new Uint8Array(32));
  let offset = tableEnd;
  sections.forEach((section, i) => {
    out.u32(i + 1, offset, section.length);
    out.bytes(new Uint8Array(32));
    offset += section.length;
  });
  return sealInPlace(joined([out.done(), ...sections]));
}
