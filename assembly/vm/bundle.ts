/**
 * A bundle in memory. Its sections are read where they are, as arrays of entries; what a request needs besides is in
 * tables behind it. INVARIANT: a Bundle that `loadBundle` returns is verified, so indexes and lengths in it are right.
 *
 * The classes below are views over bytes of the bundle: their fields lie as docs/bytecode.md says.
 */

// @ts-ignore: decorator
@unmanaged
export class SetEntry {
  kind: u32;
  first: u32;
  count: u32;
}

/** Behind all of them stand the classes of the bytes and the rows of each. */
// @ts-ignore: decorator
@unmanaged
export class AutomatonEntry {
  states: u32;
  classes: u32;
  start: u32;
}

// @ts-ignore: decorator
@unmanaged
export class EnumEntry {
  name: u32;
  ordered: u32;
  first: u32;
  count: u32;
}

// @ts-ignore: decorator
@unmanaged
export class ShapeEntry {
  type: u32;
  /** Enum index, element shape, first field, or 0. */
  argument: u32;
  fieldCount: u32;
}

// @ts-ignore: decorator
@unmanaged
export class FieldEntry {
  name: u32;
  shape: u32;
}

// @ts-ignore: decorator
@unmanaged
export class SlotEntry {
  name: u32;
  shape: u32;
  source: u8;
  flags: u8;
  zero: u16;
  argument: u32;
  defaultIndex: u32;
}

// @ts-ignore: decorator
@unmanaged
export class ResourceEntry {
  member: u32;
  method: u32;
  first: u32;
  count: u32;
}

// @ts-ignore: decorator
@unmanaged
export class SegmentEntry {
  kind: u32;
  text: u32;
}

// @ts-ignore: decorator
@unmanaged
export class ObligationEntry {
  /** Of a limit the fields are its interval and its burst, both numbers; of a limit's key a cell, and NONE; of a part a cell and a string. */
  kind: u32;
  header: u32;
  value: u32;
}

/** Business hours, in minutes. */
// @ts-ignore: decorator
@unmanaged
export class ScheduleEntry {
  /** Bit 0 is Monday. */
  days: u32;
  from: u32;
  to: u32;
  until: u32;
  first: u32;
  count: u32;
}

/** A map that constants are looked up in. */
// @ts-ignore: decorator
@unmanaged
export class MapEntry {
  /** Shapes. */
  key: u32;
  value: u32;
  first: u32;
  count: u32;
}

// @ts-ignore: decorator
@unmanaged
export class PolicyEntry {
  name: u32;
  /** Index of a policy set or NONE. */
  set: u32;
  intent: u32;
  kind: u8;
  mode: u8;
  severity: u8;
  effect: u8;
  trigger: u32;
  requirement: u32;
  status: u32;
  body: u32;
  reason: u32;
  firstObligation: u32;
  obligationCount: u32;
  firstMetadata: u32;
  metadataCount: u32;
  /** Number, or NONE. */
  expiry: u32;
  /** Bits POLICY_FLAG_..., and from LIMITER_FAILURE_SHIFT on what becomes of limits while nobody can count. */
  flags: u32;
  firstConstant: u32;
  constantCount: u32;
}

// @ts-ignore: decorator
@unmanaged
export class MetadataEntry {
  key: u32;
  value: u32;
}

// @ts-ignore: decorator
@unmanaged
export class ExplainRow {
  trigger: u32;
  requirement: u32;
}

// @ts-ignore: decorator
@unmanaged
export class NodeEntry {
  kind: u32;
  count: u32;
  first: u32;
  text: u32;
  line: u32;
  column: u32;
  routine: u32;
  firstRead: u32;
  readCount: u32;
}

// @ts-ignore: decorator
@unmanaged
export class ReadEntry {
  cell: u32;
  name: u32;
}

// @ts-ignore: decorator
@inline export const NETWORK_ENTRY_BYTES: u32 = 20;

// @ts-ignore: decorator
@unmanaged
export class Bundle {
  bytes: usize;
  size: u32;

  stringCount: u32;
  /** All texts, one after the other. */
  stringBytes: usize;
  automatonCount: u32;
  automata: usize;
  textCount: u32;
  /** u32 each. */
  textEnds: usize;
  // From here to `mapEntries` as verify/container.ts fills them: counts and addresses of the arrays, section by section.
  numberCount: u32;
  numbers: usize;
  networkCount: u32;
  networks: usize;
  setCount: u32;
  sets: usize;
  elementCount: u32;
  elements: usize;
  enumCount: u32;
  enums: usize;
  memberCount: u32;
  members: usize;
  shapeCount: u32;
  shapes: usize;
  fieldCount: u32;
  fields: usize;
  slotCount: u32;
  slots: usize;
  resourceCount: u32;
  resources: usize;
  segmentCount: u32;
  segments: usize;
  routineCount: u32;
  routines: usize;
  instructionCount: u32;
  instructions: usize;
  obligationCount: u32;
  obligations: usize;
  policyCount: u32;
  policies: usize;
  policySetCount: u32;
  policySets: usize;
  metadataCount: u32;
  metadata: usize;
  rowCount: u32;
  rows: usize;
  nodeCount: u32;
  nodes: usize;
  readCount: u32;
  reads: usize;
  scheduleCount: u32;
  schedules: usize;
  offsetCount: u32;
  offsets: usize;
  /** u32 each: constants of the policies, for instructions with a column. */
  constantCount: u32;
  constants: usize;
  mapCount: u32;
  maps: usize;
  mapEntryCount: u32;
  mapEntries: usize;

  /** Slot whose value names the policy set that applies, or NONE. */
  selector: u32;
  /** u32 for each string and one more: where it starts in `stringBytes`. */
  stringOffsets: usize;
  /** Hash table over the strings: u32, index + 1, 0 is free. */
  internTable: usize;
  internMask: u32;
  /** From the digest, so that nobody can write strings which all fall on one place of a table. */
  hashSeed: u32;
  /** Length of the longest string. */
  stringBytesMax: u32;
  /** u32 for each shape: its cells. */
  shapeWidths: usize;
  /** u32 for each slot: its first cell in the global frame. */
  slotCells: usize;
  /** u32 for each automaton: where its classes and rows are. */
  automatonTables: usize;
  /** u32 for each routine and one more: its first instruction. */
  routineStarts: usize;
  /** u32 for each obligation: the index of its name in `settable`; of a limit's key and of a part the shape of its cell. */
  obligationHeaders: usize;
  /** u32 each: what some policy may give a value, by target (high byte), then by bytes of the name (a string index). */
  settable: usize;
  settableCount: u32;
  /** u32 each: slots with the flag `read`. */
  readSlots: usize;
  readSlotCount: u32;
  /** A block of its own: the tree by which policies are selected (selection/selection.ts). 0: all are judged. */
  selection: usize;
  /** The digest as 64 hex digits. */
  digestText: usize;

  /** Cells of the global frame. */
  cellCount: u32;
  /** Cell of `request.time` where some policy expires. */
  timeCell: u32;
  defaultAllow: bool;
  /** One of the constants `PATH_...`. */
  pathMode: u32;
  readsBody: bool;
  hasLimits: bool;
  /** A bit for each kind of obligation that some policy has. */
  does: u32;
  /** Bits FACT_..., see request.ts: what of a request the decision depends on. */
  needs: u32;

  // What is long and used in many places is no `@inline`, or its copies would be a good part of the module.

  stringPointer(index: u32): usize {
    return this.stringBytes + load<u32>(this.stringOffsets + (index << 2));
  }

  stringLength(index: u32): u32 {
    return load<u32>(this.stringOffsets + (index << 2), 4) - load<u32>(this.stringOffsets + (index << 2));
  }

  /** Whether the string has just these bytes. */
  stringIs(index: u32, pointer: usize, length: u32): bool {
    const at = this.stringOffsets + (index << 2);
    const start = load<u32>(at);
    return load<u32>(at, 4) - start == length && memory.compare(pointer, this.stringBytes + start, length) == 0;
  }

  @inline number(index: u32): f64 {
    return load<f64>(this.numbers + (index << 3));
  }

  @inline networkAddress(index: u32): usize {
    return this.networks + index * NETWORK_ENTRY_BYTES;
  }

  @inline networkPrefix(index: u32): u32 {
    return load<u32>(this.networks + index * NETWORK_ENTRY_BYTES, 16);
  }

  @inline set(index: u32): SetEntry {
    return changetype<SetEntry>(this.sets + index * 12);
  }

  @inline element(index: u32): u32 {
    return load<u32>(this.elements + (index << 2));
  }

  @inline automaton(index: u32): AutomatonEntry {
    return changetype<AutomatonEntry>(this.automata + index * 12);
  }

  @inline automatonTable(index: u32): usize {
    return load<usize>(this.automatonTables + (index << 2));
  }

  @inline enum_(index: u32): EnumEntry {
    return changetype<EnumEntry>(this.enums + (index << 4));
  }

  @inline member(index: u32): u32 {
    return load<u32>(this.members + (index << 2));
  }

  shape(index: u32): ShapeEntry {
    return changetype<ShapeEntry>(this.shapes + index * 12);
  }

  shapeWidth(index: u32): u32 {
    return load<u32>(this.shapeWidths + (index << 2));
  }

  @inline field(index: u32): FieldEntry {
    return changetype<FieldEntry>(this.fields + (index << 3));
  }

  @inline slot(index: u32): SlotEntry {
    return changetype<SlotEntry>(this.slots + index * 20);
  }

  @inline slotCell(index: u32): u32 {
    return load<u32>(this.slotCells + (index << 2));
  }

  @inline readSlot(index: u32): u32 {
    return load<u32>(this.readSlots + (index << 2));
  }

  @inline resource(index: u32): ResourceEntry {
    return changetype<ResourceEntry>(this.resources + (index << 4));
  }

  @inline segment(index: u32): SegmentEntry {
    return changetype<SegmentEntry>(this.segments + (index << 3));
  }

  @inline routineLength(index: u32): u32 {
    return load<u32>(this.routines + (index << 2));
  }

  @inline routineStart(index: u32): u32 {
    return load<u32>(this.routineStarts + (index << 2));
  }

  @inline instruction(index: u32): usize {
    return this.instructions + (index << 3);
  }

  @inline obligation(index: u32): ObligationEntry {
    return changetype<ObligationEntry>(this.obligations + index * 12);
  }

  @inline obligationHeader(index: u32): u32 {
    return load<u32>(this.obligationHeaders + (index << 2));
  }

  /** Has some policy an obligation of this kind? */
  @inline doesAny(kind: u32): bool {
    return (this.does & (1 << kind)) != 0;
  }

  @inline settableName(index: u32): u32 {
    return load<u32>(this.settable + (index << 2)) & 0xffffff;
  }

  /** One of the constants `TO_...`. */
  @inline settableTarget(index: u32): u32 {
    return load<u32>(this.settable + (index << 2)) >> 24;
  }

  @inline policy(index: u32): PolicyEntry {
    return changetype<PolicyEntry>(this.policies + index * 68);
  }

  /** String index of a policy set's name. */
  @inline policySet(index: u32): u32 {
    return load<u32>(this.policySets + (index << 2));
  }

  @inline metadataEntry(index: u32): MetadataEntry {
    return changetype<MetadataEntry>(this.metadata + (index << 3));
  }

  @inline row(index: u32): ExplainRow {
    return changetype<ExplainRow>(this.rows + (index << 3));
  }

  @inline node(index: u32): NodeEntry {
    return changetype<NodeEntry>(this.nodes + index * 36);
  }

  schedule(index: u32): ScheduleEntry {
    return changetype<ScheduleEntry>(this.schedules + index * 24);
  }

  /** The constants from one on. */
  @inline constant(index: u32): usize {
    return this.constants + (index << 2);
  }

  /** Minute (u32) and offset (i32). */
  offset(index: u32): usize {
    return this.offsets + (index << 3);
  }

  map(index: u32): MapEntry {
    return changetype<MapEntry>(this.maps + (index << 4));
  }

  /** Key and value. */
  mapEntry(index: u32): usize {
    return this.mapEntries + (index << 3);
  }

  @inline read(index: u32): ReadEntry {
    return changetype<ReadEntry>(this.reads + (index << 3));
  }
}
