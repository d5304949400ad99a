/**
 * A bundle as rows of numbers, and its bytes: written by hand for the tests of the loader, so that a fault can be put
 * anywhere. Nothing is checked here. Words are given by name in the order of docs/bytecode.md.
 */
import { sealBundle } from "../../core/bytecode/digest.ts";
import {
  FORMAT_VERSION,
  HEADER_BYTES,
  LIMIT_BODY_BYTES_MAX,
  LIMIT_LIST_ELEMENTS_MAX,
  MAGIC,
  NONE,
  SECTION_COUNT,
  SECTION_ENTRY_BYTES,
  SEMANTICS_VERSION,
} from "../../core/bytecode/gen/constants.ts";

export interface SlotRow {
  name: number;
  shape: number;
  source: number;
  flags: number;
  half: number;
  argument: number;
  default: number;
}

export interface ScheduleRow {
  days: number;
  from: number;
  to: number;
  until: number;
  first: number;
  count: number;
}

export interface PolicyRow {
  name: number;
  set: number;
  intent: number;
  kind: number;
  mode: number;
  severity: number;
  effect: number;
  trigger: number;
  requirement: number;
  status: number;
  body: number;
  reason: number;
  firstObligation: number;
  obligations: number;
  firstMetadata: number;
  metadata: number;
  /** Default: none. */
  expiry?: number;
  flags?: number;
  /** Default: behind those of the policy before. */
  firstConstant?: number;
  constants?: number;
}

export interface NodeRow {
  kind: number;
  children: number;
  firstChild: number;
  text: number;
  line: number;
  column: number;
  routine: number;
  firstRead: number;
  reads: number;
}

/** `padding`: what stands behind the targets; null for the right number of zeros. */
export interface AutomatonRow {
  states: number;
  classes: number;
  start: number;
  classOf: number[];
  targets: number[];
  padding: number[] | null;
}

/** One instruction: head, a, b, jump. */
export type Word4 = [head: number, a: number, b: number, jump: number];

export interface Model {
  features: number;
  flags: number;
  strings: Uint8Array[];
  numbersPadding: number;
  numbers: number[];
  networks: { address: number[]; prefix: number }[];
  sets: { kind: number; first: number; count: number }[];
  setElements: number[];
  automata: AutomatonRow[];
  schedules: ScheduleRow[];
  /** Minute and offset; a negative one as u32. */
  offsets: [minute: number, offset: number][];
  maps: { key: number; value: number; first: number; count: number }[];
  mapEntries: [key: number, value: number][];
  enums: { name: number; ordered: number; first: number; count: number }[];
  members: number[];
  shapes: { type: number; argument: number; fields: number }[];
  fields: { name: number; shape: number }[];
  slots: SlotRow[];
  resources: { member: number; method: number; first: number; count: number }[];
  segments: { kind: number; string: number }[];
  routines: number[];
  code: Word4[];
  obligations: { kind: number; header: number; value: number }[];
  policies: PolicyRow[];
  policySets: number[];
  selector: number;
  metadata: { key: number; value: number }[];
  rows: { trigger: number; requirement: number }[];
  nodes: NodeRow[];
  reads: { cell: number; name: number }[];
  texts: Uint8Array[];
  /** Where the texts end; null: where they do. */
  textEnds: number[] | null;
  constants: number[];
}

/** The bytes of a model, sealed. */
export function writeModel(model: Model): Uint8Array {
  const sections = sectionsOf(model);
  const tableEnd = HEADER_BYTES + SECTION_COUNT * SECTION_ENTRY_BYTES;
  const total = sections.reduce((sum, section) => sum + section.length, tableEnd);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  const header = [
    MAGIC,
    FORMAT_VERSION | (SEMANTICS_VERSION << 16),
    model.features,
    model.flags,
    total,
    SECTION_COUNT,
    LIMIT_BODY_BYTES_MAX,
    LIMIT_LIST_ELEMENTS_MAX,
  ];
  for (const [i, word] of header.entries()) view.setUint32(i * 4, word, true);
  let offset = tableEnd;
  for (const [i, section] of sections.entries()) {
    const entry = HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    for (const [w, word] of [i + 1, offset, section.length].entries())
      view.setUint32(entry + w * 4, word, true);
    bytes.set(section, offset);
    offset += section.length;
  }
  return sealBundle(bytes);
}

/** Bytes one after the other, and zeros up to a multiple of four. */
function padded(strings: readonly Uint8Array[]): Uint8Array {
  const text = strings.flatMap((string) => [...string]);
  return Uint8Array.from([...text, ...new Array<number>((4 - (text.length % 4)) % 4).fill(0)]);
}

function sectionsOf(m: Model): Uint8Array[] {
  const rows = (list: readonly object[]): number[] => list.flatMap((row) => Object.values(row) as number[]);
  let end = 0;
  const ends = m.texts.map((text) => {
    end += text.length;
    return end;
  });
  return [
    join(
      words(
        m.strings.length,
        m.strings.map((string) => string.length),
      ),
      padded(m.strings),
    ),
    join(words(m.numbers.length, m.numbersPadding), new Uint8Array(new Float64Array(m.numbers).buffer)),
    join(
      words(m.networks.length),
      ...m.networks.map(({ address, prefix }) => join(Uint8Array.from(address), words(prefix))),
    ),
    words(m.sets.length, m.setElements.length, rows(m.sets), m.setElements),
    join(
      words(
        m.automata.length,
        m.automata.flatMap(({ states, classes, start }) => [states, classes, start]),
      ),
      ...m.automata.map(automatonBytes),
    ),
    words(m.enums.length, m.members.length, rows(m.enums), m.members),
    words(m.shapes.length, m.fields.length, rows(m.shapes), rows(m.fields)),
    words(m.slots.length, m.slots.flatMap(slotWords)),
    words(m.resources.length, m.segments.length, rows(m.resources), rows(m.segments)),
    join(
      words(m.routines.length, m.code.length, m.routines),
      new Uint8Array(Uint16Array.from(m.code.flat()).buffer),
    ),
    words(m.obligations.length, rows(m.obligations)),
    words(m.policies.length, m.policySets.length, m.selector, policyWords(m.policies), m.policySets),
    words(m.metadata.length, rows(m.metadata)),
    words(m.nodes.length, m.reads.length, m.rows.length, rows(m.rows), rows(m.nodes), rows(m.reads)),
    words(m.schedules.length, m.offsets.length, rows(m.schedules), m.offsets.flat()),
    join(words(m.texts.length, m.textEnds ?? ends), padded(m.texts)),
    words(m.constants.length, m.constants),
    words(m.maps.length, m.mapEntries.length, rows(m.maps), m.mapEntries.flat()),
  ];
}

function automatonBytes({ classOf, targets, padding }: AutomatonRow): Uint8Array {
  const halves = new Uint8Array(Uint16Array.from(targets).buffer);
  const length = classOf.length + halves.length;
  return join(
    Uint8Array.from(classOf),
    halves,
    Uint8Array.from(padding ?? Array((4 - (length % 4)) % 4).fill(0)),
  );
}

function slotWords(slot: SlotRow): number[] {
  return [
    slot.name,
    slot.shape,
    slot.source | (slot.flags << 8) | (slot.half << 16),
    slot.argument,
    slot.default,
  ];
}

function policyWords(policies: readonly PolicyRow[]): number[] {
  let next = 0;
  return policies.flatMap((policy) => {
    const first = policy.firstConstant ?? next;
    next = first + (policy.constants ?? 0);
    return [...headWords(policy), first, policy.constants ?? 0];
  });
}

function headWords(p: PolicyRow): number[] {
  const bytes = p.kind | (p.mode << 8) | (p.severity << 16) | (p.effect << 24);
  const { name, intent, trigger, requirement, status, body, reason } = p;
  return [
    name,
    p.set,
    intent,
    bytes,
    trigger,
    requirement,
    status,
    body,
    reason,
    p.firstObligation,
    p.obligations,
    p.firstMetadata,
    p.metadata,
    p.expiry ?? NONE,
    p.flags ?? 0,
  ];
}

function words(...values: readonly (number | readonly number[])[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values.flat()).buffer);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
