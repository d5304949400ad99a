/** Rules 10 to 13: every instruction, the structure around it, and what the code reads. */
import * as op from "../../gen/constants";
import { allocate, allocateZeroed } from "../../host/arena";
import { Bundle } from "../bundle";
import {
  boundsFloat,
  branches,
  computedShape,
  computes,
  hasCellA,
  hasCellB,
  hasNoB,
  isAggregate,
  isConstantB,
  isSafeInteger,
  partShape,
  shapeOf,
  takesA,
  takesB,
} from "./operands";
import { refuse, refuseAt } from "./refusal";

// @ts-ignore: decorator
@inline const NO_SHAPE: u32 = 0xffffffff;

/** Bit of a head: b is a column of the policy's row. */
// @ts-ignore: decorator
@inline const COLUMN: u32 = 0x8000;

/** u32 for each cell of the global frame: its shape. */
let globalShapes: usize = 0;
/** One byte for each cell of the global frame: some instruction reads it. */
let readCells: usize = 0;
/** u32 for each instruction: the region that it stands in, times two, plus 1 where a jump lands on it. */
let places: usize = 0;
/** One byte for each instruction: it is a compare, or a second COUNT, that a COUNT leads to. */
let claimed: usize = 0;
/** u32 for each temporary: its shape, or `NO_SHAPE`. */
const COMPUTED_CELLS: usize = memory.data(8 * 4, 4);
let regions: u32 = 0;
let features: u32 = 0;
/** u32 for each instruction that takes a constant from a row: the shape of its cell a. */
let shapesOfA: usize = 0;
/** Element shapes of the lists whose bodies are open: frames 1 and 2. */
let frame1: u32 = NO_SHAPE;
let frame2: u32 = NO_SHAPE;

/** Rules 10 to 13. Sets the routines' starts. */
export function verifyCode(bundle: Bundle): bool {
  globalShapes = allocate(bundle.cellCount * 4);
  readCells = allocateZeroed(bundle.cellCount);
  places = allocateZeroed(bundle.instructionCount * 4);
  claimed = allocateZeroed(bundle.instructionCount);
  shapesOfA = allocateZeroed(bundle.instructionCount * 4);
  if (shapesOfA == 0) return refuse("bundle", "out of memory");
  if (globalShapes == 0 || readCells == 0 || places == 0 || claimed == 0) return refuse("bundle", "out of memory");
  for (let i: u32 = 0; i < bundle.slotCount; i++) fillShapes(bundle, bundle.slot(i).shape, globalShapes + (bundle.slotCell(i) << 2));
  regions = 0;
  features = 0;
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.routineCount; i++) {
    const length = bundle.routineLength(i);
    if (length == 0 || length > bundle.instructionCount - next) return refuseAt("code", "ranges do not join", i);
    store<u32>(bundle.routineStarts + (i << 2), next);
    frame1 = NO_SHAPE;
    frame2 = NO_SHAPE;
    if (!verifyRegion(bundle, next, next + length, 0)) return false;
    next += length;
  }
  store<u32>(bundle.routineStarts + (bundle.routineCount << 2), next);
  if (next != bundle.instructionCount) return refuse("code", "not all used");
  return verifyLimits(bundle) && verifyReads(bundle);
}

/** What rule 14 says of limits, and of cells; the rest of it is in policies.ts. What is counted by or written is read. */
function verifyLimits(bundle: Bundle): bool {
  for (let i: u32 = 0; i < bundle.obligationCount; i++) {
    const row = bundle.obligation(i);
    if (row.kind == op.OBLIGATION_LIMIT) {
      if (max(row.header, row.value) >= bundle.numberCount) return refuseAt("obligations", "does not exist", i);
      const interval = bundle.number(row.header);
      const burst = bundle.number(row.value);
      const fits = burst >= 1 && burst <= op.LIMIT_LIMIT_BURST_MAX && Math.floor(burst) == burst;
      if (!fits || interval <= 0 || interval * burst > <f64>op.LIMIT_LIMIT_FILL_SECONDS_MAX * 1e6) return refuseAt("obligations", "no limit", i);
      features |= op.FEATURE_LIMITS;
      bundle.hasLimits = true;
    } else if (row.kind == op.OBLIGATION_LIMIT_KEY || row.kind == op.OBLIGATION_PART) {
      if (row.header >= bundle.cellCount) return refuseAt("obligations", "does not exist", i);
      const shape = load<u32>(globalShapes + (row.header << 2));
      const type = bundle.shape(shape).type;
      const isKey = row.kind == op.OBLIGATION_LIMIT_KEY;
      const counts = type == op.TYPE_STRING || type == op.TYPE_INT || type == op.TYPE_BOOL || type == op.TYPE_ENUM || (isKey && type == op.TYPE_IP);
      if (!counts || (isKey && row.value != op.NONE)) return refuseAt("obligations", "nothing to count by", i);
      store<u8>(readCells + row.header, 1);
      store<u32>(bundle.obligationHeaders + (i << 2), shape);
    }
  }
  return true;
}

/** Shapes of the cells of one value, in order. Returns where those of the next begin. */
function fillShapes(bundle: Bundle, shape: u32, at: usize): usize {
  store<u32>(at, shape);
  at += 4;
  const entry = bundle.shape(shape);
  if (entry.type == op.TYPE_RECORD) {
    for (let i: u32 = 0; i < entry.fieldCount; i++) at = fillShapes(bundle, bundle.field(entry.argument + i).shape, at);
  }
  return at;
}

/** A routine or a body: instructions `start` to `end`. `depth`: bodies around it. */
function verifyRegion(bundle: Bundle, start: u32, end: u32, depth: u32): bool {
  const region = ++regions;
  forgetComputed();
  for (let i = start; i < end; ) {
    if (!verifyInstruction(bundle, i, end, depth)) return false;
    place(i, region << 1);
    i = behind(bundle, i);
  }
  return verifyJumps(bundle, start, end, region) && verifyOrder(bundle, start, end) && verifyBodies(bundle, start, end, depth);
}

// --- instructions ---

/** Rules 10 and 11, and of rule 12 that a body lies inside its region and not too deep. */
function verifyInstruction(bundle: Bundle, index: u32, end: u32, depth: u32): bool {
  const at = bundle.instruction(index);
  const head = <u32>load<u16>(at);
  const opcode = head & 0xff;
  if (opcode < op.OP_ACCEPT || opcode > op.OP_MAX) return refuseAt("code", "unknown kind", index);
  if (!fieldsFit(opcode, head, load<u16>(at, 2), load<u16>(at, 4), load<u16>(at, 6))) {
    return refuseAt("code", "a field without meaning is not zero", index);
  }
  let a = NO_SHAPE;
  if (hasCellA(opcode)) {
    a = cellShape(bundle, (head >> 10) & 3, load<u16>(at, 2), depth);
    if (a == NO_SHAPE) return refuseAt("code", "does not exist", index);
    if (!takesA(bundle, opcode, a)) return refuseAt("code", "wrong type", index);
  }
  const b = <u32>load<u16>(at, 4);
  let shapeB = NO_SHAPE;
  if (hasCellB(opcode)) {
    shapeB = cellShape(bundle, (head >> 12) & 3, b, depth);
    if (shapeB == NO_SHAPE) return refuseAt("code", "does not exist", index);
    if (!takesB(bundle, opcode, a, shapeB)) return refuseAt("code", "wrong type", index);
  } else if ((head & COLUMN) != 0) store<u32>(shapesOfA + (index << 2), a);
  else if (!isConstantB(bundle, opcode, b, a)) return refuseAt("code", "bad operand", index);
  if (isAggregate(opcode) && b > 0) {
    if (b > end - index - 1) return refuseAt("code", "a body passes the end", index);
    if (depth >= op.LIMIT_FRAME_DEPTH_MAX) return refuseAt("code", "nested too deeply", index);
  }
  noteFeatures(bundle, opcode, a);
  return noteComputed(bundle, index, opcode, a, opcode == op.OP_LOOKUP ? bundle.map(b).value : shapeB);
}

/** What the group at hand has computed: behind its test nothing. */
function noteComputed(bundle: Bundle, index: u32, opcode: u32, a: u32, b: u32): bool {
  if (!computes(opcode)) {
    if (opcode != op.OP_COUNT) forgetComputed();
    return true;
  }
  const at = bundle.instruction(index);
  const shape = computedShape(bundle, opcode, load<u8>(at, 7), a, b);
  if (shape == NO_SHAPE) return refuseAt("code", "wrong type", index);
  if ((load<u16>(at) & COLUMN) == 0 && !isWhole(bundle, at, load<u16>(at, 4))) return refuseAt("code", "wrong type", index);
  if (boundsFloat(bundle, opcode, shape) != ((load<u16>(at) & 0x100) != 0)) return refuseAt("code", "wrong type", index);
  store<u32>(COMPUTED_CELLS + (<usize>load<u8>(at, 6) << 2), shape);
  features |= op.FEATURE_COMPUTING;
  return true;
}

function forgetComputed(): void {
  memory.fill(COMPUTED_CELLS, 0xff, op.LIMIT_TEMPORARIES_MAX * 4);
}

function fieldsFit(opcode: u32, head: u32, a: u32, b: u32, jump: u32): bool {
  if ((head & COLUMN) != 0 && (hasCellB(opcode) || hasNoB(opcode) || isAggregate(opcode) || opcode == op.OP_CONSTANT || opcode == op.OP_LOOKUP)) return false;
  if (computes(opcode)) {
    if ((head & 0x200) != 0 || (jump & 0xff) >= op.LIMIT_TEMPORARIES_MAX) return false;
  } else if (!branches(opcode) && ((head & 0x300) != 0 || jump != 0)) return false;
  // Negated, what their body rounded would be rounded the wrong way.
  if ((opcode == op.OP_ANY || opcode == op.OP_ALL) && (head & 0x200) != 0) return false;
  if (opcode != op.OP_COUNT && (head & 0x4000) != 0) return false;
  if (!hasCellA(opcode) && ((head & 0xc00) != 0 || a != 0)) return false;
  if (!hasCellB(opcode) && (head & 0x3000) != 0) return false;
  return !hasNoB(opcode) || b == 0;
}

/** Shape of a cell that is read, noting it; `NO_SHAPE` when the frame is not open or has no such cell. */
function cellShape(bundle: Bundle, frame: u32, cell: u32, depth: u32): u32 {
  if (frame == 3) return cell < op.LIMIT_TEMPORARIES_MAX ? load<u32>(COMPUTED_CELLS + (<usize>cell << 2)) : NO_SHAPE;
  if (frame > depth) return NO_SHAPE;
  if (frame == 0) {
    if (cell >= bundle.cellCount) return NO_SHAPE;
    store<u8>(readCells + cell, 1);
    return load<u32>(globalShapes + (cell << 2));
  }
  return partShape(bundle, frame == 1 ? frame1 : frame2, cell);
}

function noteFeatures(bundle: Bundle, opcode: u32, a: u32): void {
  if (isAggregate(opcode)) features |= op.FEATURE_AGGREGATES;
  switch (opcode) {
    case op.OP_IN_LIST: {
      const type = shapeOf(bundle, a).type;
      if (type != op.TYPE_IP && type != op.TYPE_CIDR) return;
      break;
    }
    case op.OP_EQ_ADDRESS:
    case op.OP_IN_NETWORK:
    case op.OP_IN_NETWORKS:
    case op.OP_EQ_ADDRESSES:
    case op.OP_IN_CIDR:
    case op.OP_HAS_ADDRESS:
    case op.OP_IN_CIDRS:
      break;
    default:
      return;
  }
  features |= op.FEATURE_NETWORKS;
}

/** What LOAD_NUMBER loads is whole, but for a float; anything else loads no number. */
function isWhole(bundle: Bundle, instruction: usize, number: u32): bool {
  return load<u8>(instruction) != op.OP_LOAD_NUMBER || load<u8>(instruction, 7) == op.TYPE_FLOAT || isSafeInteger(bundle.number(number));
}

/**
 * Rule 18 for one routine that takes constants from a row of `count`. Returns how many constants it demands, or `NONE`
 * where one of them is not what an instruction demands.
 */
export function columnsOf(bundle: Bundle, routine: u32, row: usize, count: u32): u32 {
  let columns: u32 = 0;
  const end = bundle.routineStart(routine + 1);
  for (let i = bundle.routineStart(routine); i < end; i++) {
    const at = bundle.instruction(i);
    const column = <u32>load<u16>(at, 4);
    if ((load<u16>(at) & COLUMN) == 0) continue;
    if (column >= count) return op.NONE;
    const constant = load<u32>(row + (column << 2));
    if (!isConstantB(bundle, load<u8>(at), constant, load<u32>(shapesOfA + (i << 2)))) return op.NONE;
    if (!isWhole(bundle, at, constant)) return op.NONE;
    columns = max(columns, column + 1);
  }
  return columns;
}

// --- structure ---

/** Jumps land in the region, on its own instructions, and never between a COUNT and its compare. */
function verifyJumps(bundle: Bundle, start: u32, end: u32, region: u32): bool {
  for (let i = start; i < end; i = behind(bundle, i)) {
    if (!branches(opcodeAt(bundle, i))) continue;
    const jump = <u32>load<u16>(bundle.instruction(i), 6);
    if (jump == 0) return refuseAt("code", "bad jump", i);
    const target = i + jump;
    if (target >= end || placeOf(target) >> 1 != region) return refuseAt("code", "bad jump", i);
    if (needsCount(bundle, target)) return refuseAt("code", "COUNT and compare do not join", i);
    place(target, (region << 1) | 1);
  }
  return true;
}

/** What a region ends with, what follows ACCEPT and REJECT, and what follows a COUNT. */
function verifyOrder(bundle: Bundle, start: u32, end: u32): bool {
  for (let i = start; i < end; ) {
    const opcode = opcodeAt(bundle, i);
    const next = behind(bundle, i);
    if (needsCount(bundle, i) && load<u8>(claimed + i) == 0) return refuseAt("code", "COUNT and compare do not join", i);
    if (opcode == op.OP_ACCEPT || opcode == op.OP_REJECT) {
      if (next < end && (placeOf(next) & 1) == 0) return refuseAt("code", "nothing leads here", next);
    } else if (next >= end) return refuseAt("code", "does not end in ACCEPT or REJECT", i);
    if (computes(opcode) && !leadsToTest(bundle, next)) return refuseAt("code", "no test follows", i);
    if (opcode == op.OP_COUNT && registerAt(bundle, i) == 0 && !claimCompare(bundle, next, end)) {
      return refuseAt("code", "COUNT and compare do not join", i);
    }
    i = next;
  }
  return true;
}

/** Behind an instruction that computes. */
function leadsToTest(bundle: Bundle, next: u32): bool {
  const opcode = opcodeAt(bundle, next);
  return (placeOf(next) & 1) == 0 && (computes(opcode) || branches(opcode) || opcode == op.OP_COUNT);
}

/** Behind a COUNT into register 0, at `next`: its compare, or a COUNT into register 1 and the compare of both. */
function claimCompare(bundle: Bundle, next: u32, end: u32): bool {
  const opcode = opcodeAt(bundle, next);
  store<u8>(claimed + next, 1);
  if (opcode >= op.OP_EQ_COUNT && opcode <= op.OP_LE_COUNT_CELL) return true;
  if (opcode != op.OP_COUNT || registerAt(bundle, next) != 1) return false;
  const last = behind(bundle, next);
  if (last >= end || opcodeAt(bundle, last) < op.OP_EQ_COUNTS || computes(opcodeAt(bundle, last))) return false;
  store<u8>(claimed + last, 1);
  return true;
}

function verifyBodies(bundle: Bundle, start: u32, end: u32, depth: u32): bool {
  for (let i = start; i < end; i = behind(bundle, i)) {
    if (!isAggregate(opcodeAt(bundle, i)) || behind(bundle, i) == i + 1) continue;
    const at = bundle.instruction(i);
    const list = cellShape(bundle, (<u32>load<u16>(at) >> 10) & 3, load<u16>(at, 2), depth);
    const element = bundle.shape(list).argument;
    if (depth == 0) frame1 = element;
    else frame2 = element;
    if (!verifyRegion(bundle, i + 1, behind(bundle, i), depth + 1)) return false;
  }
  return true;
}

/** Stands only behind a COUNT into register 0. */
function needsCount(bundle: Bundle, index: u32): bool {
  const opcode = opcodeAt(bundle, index);
  return (opcode >= op.OP_EQ_COUNT && !computes(opcode)) || (opcode == op.OP_COUNT && registerAt(bundle, index) == 1);
}

function opcodeAt(bundle: Bundle, index: u32): u32 {
  return load<u8>(bundle.instruction(index));
}

function registerAt(bundle: Bundle, index: u32): u32 {
  return (<u32>load<u16>(bundle.instruction(index)) >> 14) & 1;
}

/** The next instruction of the region: behind the body, if there is one. */
function behind(bundle: Bundle, index: u32): u32 {
  return isAggregate(opcodeAt(bundle, index)) ? index + 1 + load<u16>(bundle.instruction(index), 4) : index + 1;
}

function place(index: u32, value: u32): void {
  store<u32>(places + (index << 2), value);
}

function placeOf(index: u32): u32 {
  return load<u32>(places + (index << 2));
}

// --- rule 13 ---

function verifyReads(bundle: Bundle): bool {
  let expires = false;
  let hasTime = false;
  for (let i: u32 = 0; i < bundle.policyCount; i++) if (bundle.policy(i).expiry != op.NONE) expires = true;
  for (let i: u32 = 0; i < bundle.slotCount; i++) {
    const slot = bundle.slot(i);
    const first = readCells + bundle.slotCell(i);
    let read = expires && slot.source == op.SOURCE_BUILTIN && slot.argument == op.BUILTIN_REQUEST_TIME;
    if (read) {
      bundle.timeCell = bundle.slotCell(i);
      hasTime = true;
    }
    if (i == bundle.selector) read = true;
    for (let c: u32 = 0; c < bundle.shapeWidth(slot.shape); c++) if (load<u8>(first + c) == 1) read = true;
    if (read != ((slot.flags & op.SLOT_READ) != 0)) return refuseAt("slots", "`read` is not what the code says", i);
    if (read && slot.source == op.SOURCE_BODY) features |= op.FEATURE_BODY;
  }
  if (expires && !hasTime) return refuse("policies", "no `request.time`");
  return load<u32>(bundle.bytes, op.HEADER_FEATURES) == features || refuse("header", "features are not those of the code");
}
