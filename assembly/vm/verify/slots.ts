/** Rule 8: the slots, one for each fact about a request. */
import {
  SEGMENT_CAPTURE,
  SLOT_CLAIMED,
  SLOT_HAS_DEFAULT,
  SLOT_OPTIONAL,
  SLOT_READ,
  SLOT_TRUSTED,
  SLOT_VERBATIM,
  SOURCE_BODY,
  SOURCE_BUILTIN,
  SOURCE_CAPTURE,
  SOURCE_COOKIE,
  SOURCE_EXTENSION,
  SOURCE_HEADER,
  TYPE_BOOL,
  TYPE_CIDR,
  TYPE_DATETIME,
  TYPE_DURATION,
  TYPE_ENUM,
  TYPE_FLOAT,
  TYPE_INT,
  TYPE_IP,
  TYPE_LIST,
  TYPE_RECORD,
  TYPE_STRING,
} from "../../gen/constants";
import { allocateZeroed } from "../../host/arena";
import { ADDRESS_PREFIX } from "../address";
import { BUILTIN_COUNT, builtinName, builtinType } from "../builtins";
import { Bundle, SlotEntry } from "../bundle";
import { equalsText } from "../bytes";
import { AS_POINTER, AS_SOURCE_HEADER, AS_TOKEN, isFit } from "./judgements";
import { clearMarks, mark } from "./marks";
import { isSafeInteger } from "./operands";
import { refuse, refuseAt } from "./refusal";
import { isResourceType } from "./types";

// @ts-ignore: decorator
@inline const KNOWN_FLAGS: u32 = SLOT_READ | SLOT_OPTIONAL | SLOT_CLAIMED | SLOT_TRUSTED | SLOT_VERBATIM | SLOT_HAS_DEFAULT;
/** Cells are numbered in 16 bits. */
// @ts-ignore: decorator
@inline const GLOBAL_CELLS_MAX: u32 = 65535;
// @ts-ignore: decorator
@inline const NO_SHAPE: u32 = 0xffffffff;

/** One byte for each string: some resource captures it. */
let captured: usize = 0;

/** Rule 8. Sets the slots' cells and the number of cells. */
export function verifySlots(bundle: Bundle): bool {
  if (!findCaptures(bundle)) return refuse("bundle", "out of memory");
  let cells: u32 = 0;
  let builtins: u32 = 0;
  let resourceShape = NO_SHAPE;
  clearMarks();
  for (let i: u32 = 0; i < bundle.slotCount; i++) {
    const slot = bundle.slot(i);
    if (slot.name >= bundle.stringCount) return refuseAt("slots", "does not exist", i);
    if (bundle.stringLength(slot.name) == 0) return refuseAt("slots", "no name", i);
    if (!mark(slot.name)) return refuseAt("slots", "two alike", i);
    if (slot.shape >= bundle.shapeCount) return refuseAt("slots", "does not exist", i);
    if (slot.source > SOURCE_EXTENSION) return refuseAt("slots", "unknown kind", i);
    if ((slot.flags & ~KNOWN_FLAGS) != 0) return refuseAt("slots", "unknown flag", i);
    if (slot.zero != 0) return refuseAt("slots", "padding is not zero", i);
    if (slot.source == SOURCE_BUILTIN) {
      if (!isBuiltin(bundle, slot)) return refuseAt("slots", "not as the builtin is", i);
      if ((builtins >> slot.argument) & 1) return refuseAt("slots", "two alike", i);
      builtins |= 1 << slot.argument;
      if (isResourceType(bundle, slot.shape)) resourceShape = slot.shape;
    } else if (!isDeclared(bundle, slot, i)) return false;
    if (!defaultFits(bundle, slot)) return refuseAt("slots", "the default does not fit", i);
    store<u32>(bundle.slotCells + (i << 2), cells);
    cells += bundle.shapeWidth(slot.shape);
    if (cells > GLOBAL_CELLS_MAX) return refuseAt("slots", "too many cells", i);
  }
  for (let i: u32 = 0; i < bundle.shapeCount; i++) {
    if (i != resourceShape && isResourceType(bundle, i)) return refuseAt("shapes", "`resource.type` is not the builtin", i);
  }
  bundle.cellCount = cells;
  return true;
}

/** The segments are checked later, with the resources. */
function findCaptures(bundle: Bundle): bool {
  captured = allocateZeroed(bundle.stringCount);
  if (captured == 0) return false;
  for (let i: u32 = 0; i < bundle.segmentCount; i++) {
    const segment = bundle.segment(i);
    if (segment.kind == SEGMENT_CAPTURE && segment.text < bundle.stringCount) store<u8>(captured + segment.text, 1);
  }
  return true;
}

function isBuiltin(bundle: Bundle, slot: SlotEntry): bool {
  if (slot.argument >= BUILTIN_COUNT) return false;
  if (!equalsText(bundle.stringPointer(slot.name), bundle.stringLength(slot.name), builtinName(slot.argument))) return false;
  const type = builtinType(slot.argument);
  if (bundle.shape(slot.shape).type != type || (type == TYPE_ENUM && !isResourceType(bundle, slot.shape))) return false;
  return (slot.flags & ~SLOT_READ) == 0;
}

function isDeclared(bundle: Bundle, slot: SlotEntry, index: u32): bool {
  const source = <u32>slot.source;
  const flags = <u32>slot.flags;
  if (isResourceType(bundle, slot.shape)) return refuseAt("slots", "`resource.type` is not the builtin", index);
  if (slot.argument >= bundle.stringCount) return refuseAt("slots", "does not exist", index);
  if (!argumentFits(bundle, source, slot.argument)) return refuseAt("slots", "bad argument", index);
  const marks = flags & (SLOT_CLAIMED | SLOT_TRUSTED);
  if (source == SOURCE_EXTENSION) {
    if (marks != 0) return refuseAt("slots", "claimed or trusted does not fit", index);
  } else if (marks != SLOT_CLAIMED && marks != SLOT_TRUSTED) {
    return refuseAt("slots", "claimed or trusted does not fit", index);
  }
  const shape = bundle.shape(slot.shape);
  if (source != SOURCE_BODY) {
    const part = shape.type == TYPE_LIST ? bundle.shape(shape.argument).type : TYPE_STRING;
    if (shape.type == TYPE_RECORD || part == TYPE_RECORD) return refuseAt("slots", "source cannot give this type", index);
    if (part == TYPE_LIST) return refuseAt("slots", "source cannot give this type", index);
  }
  if (source == SOURCE_CAPTURE && shape.type == TYPE_LIST) return refuseAt("slots", "source cannot give this type", index);
  if ((flags & SLOT_VERBATIM) != 0 && (source != SOURCE_HEADER || shape.type == TYPE_LIST)) {
    return refuseAt("slots", "`verbatim` does not fit", index);
  }
  return true;
}

function argumentFits(bundle: Bundle, source: u32, argument: u32): bool {
  switch (source) {
    case SOURCE_HEADER:
      return isFit(bundle, argument, AS_SOURCE_HEADER);
    case SOURCE_COOKIE:
      return isFit(bundle, argument, AS_TOKEN);
    case SOURCE_CAPTURE:
      return load<u8>(captured + argument) == 1;
    case SOURCE_BODY:
      return isFit(bundle, argument, AS_POINTER);
    default:
      return bundle.stringLength(argument) > 0;
  }
}

function defaultFits(bundle: Bundle, slot: SlotEntry): bool {
  const index = slot.defaultIndex;
  return (slot.flags & SLOT_HAS_DEFAULT) == 0 ? index == 0 : constantFits(bundle, slot.shape, index);
}

/** Whether it is the index of a constant of the scalar type. */
export function constantFits(bundle: Bundle, shapeIndex: u32, index: u32): bool {
  const shape = bundle.shape(shapeIndex);
  switch (shape.type) {
    case TYPE_STRING:
      return index < bundle.stringCount;
    case TYPE_INT:
    case TYPE_DATETIME:
    case TYPE_DURATION:
      return index < bundle.numberCount && isSafeInteger(bundle.number(index));
    case TYPE_FLOAT:
      return index < bundle.numberCount;
    case TYPE_BOOL:
      return index <= 1;
    case TYPE_ENUM:
      return index < bundle.enum_(shape.argument).count;
    case TYPE_IP:
      return index < bundle.networkCount && bundle.networkPrefix(index) == ADDRESS_PREFIX;
    case TYPE_CIDR:
      return index < bundle.networkCount;
    default:
      return false;
  }
}
