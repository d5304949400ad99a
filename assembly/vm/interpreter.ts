/**
 * Runs routines over the cells of a request (docs/bytecode.md, section "Code"). A test answers 0 (false), 1 (true) or
 * 2 (unknown), and unknown counts as the run's mode. Jumps only lead forward and lists are bounded, so every run ends.
 * INVARIANT: the bundle is verified, so every operand is in place and of its type.
 */
import * as op from "../gen/constants";
import { allocate, markArena, releaseArena } from "../host/arena";
import { inNetwork, orderAddresses } from "./address";
import { Bundle, ScheduleEntry, SetEntry } from "./bundle";
import { equalBytes, lowerBytes } from "./bytes";
import { ABSENT, Cell, cellAt, CELL_BYTES, INVALID, KIND_ADDRESS, KIND_STRING, PRESENT, SAFE_INTEGER_MAX } from "./cells";
import { lookUp } from "./maps";
import { containsBytes } from "./search";
import { findString } from "./strings";
import { setNumber, setString } from "./text-values";

// @ts-ignore: decorator
@inline const FALSE: u32 = 0;
// @ts-ignore: decorator
@inline const TRUE: u32 = 1;
// @ts-ignore: decorator
@inline const UNKNOWN: u32 = 2;
// @ts-ignore: decorator
@inline const NEGATE: u32 = 0x200;
/** Of an instruction that computes: its result is a float. */
// @ts-ignore: decorator
@inline const FLOAT: u32 = 0x100;
/** Number of elements of a list that is unknown. */
// @ts-ignore: decorator
@inline const NO_COUNT: i32 = -1;

export let bundle: Bundle = changetype<Bundle>(0);
/** First cell of each frame: the request, the element of the outer and of the inner aggregate. */
export let frame0: usize = 0;
let frame1: usize = 0;
let frame2: usize = 0;
/** What is computed at the depth at hand: cells of frame 3. */
let temporaries: usize = 0;
/** Constants of the policy at hand. */
let row: usize = 0;
/** Each depth has its own. */
const TEMPORARIES: usize = memory.data(3 * 8 * 24, 8);
// @ts-ignore: decorator
@inline const BANK_BYTES: usize = 8 * CELL_BYTES;

/** Some test since this was last cleared was unknown. */
let metUnknown: bool = false;

/** Before the first run: the bundle, and the global frame that was loaded for it. */
export function beginRuns(program: Bundle, cells: usize): void {
  bundle = program;
  frame0 = cells;
}

/** Before the runs of a policy's routines: where its constants start. */
export function beginPolicy(constants: usize): void {
  row = constants;
}

/** Run a routine; `mode` is what unknown counts as. */
export function run(routine: u32, mode: bool): bool {
  metUnknown = false;
  return region(bundle.instruction(bundle.routineStart(routine)), mode ? TRUE : FALSE, 1);
}

/** Whether the last run met an unknown test; if not, its answer does not depend on the mode. */
export function runMetUnknown(): bool {
  return metUnknown;
}

/** Run until ACCEPT or REJECT. `depth`: the frame that the next body gets. The registers are the region's own. */
function region(start: usize, mode: u32, depth: u32): bool {
  let at = start;
  let sure0 = 0;
  let possible0 = 0;
  let sure1 = 0;
  let possible1 = 0;
  const bank = TEMPORARIES + (depth - 1) * BANK_BYTES;
  temporaries = bank;
  let marked = false;
  while (true) {
    const head = <u32>load<u16>(at);
    const opcode = head & 0xff;
    let step: usize = op.INSTRUCTION_BYTES;
    let truth: u32;
    if (opcode < op.OP_ANY) {
      if (opcode <= op.OP_REJECT) return opcode == op.OP_ACCEPT;
      truth = test(opcode, head, at);
    } else if (opcode >= op.OP_LOAD_NUMBER) {
      // Texts that a test needs are forgotten behind it.
      if (!marked) markArena(depth - 1);
      marked = true;
      compute(opcode, head, at, depth, bank);
      temporaries = bank;
      at += opcode < op.OP_TALLY ? step : step + bodyBytes(at);
      continue;
    } else if (opcode == op.OP_COUNT) {
      countElements(head, at, depth);
      temporaries = bank;
      if ((head & 0x4000) == 0) {
        sure0 = counted;
        possible0 = countedPossible;
      } else {
        sure1 = counted;
        possible1 = countedPossible;
      }
      at += step + bodyBytes(at);
      continue;
    } else if (opcode < op.OP_COUNT) {
      truth = quantify(opcode == op.OP_ANY, head, at, mode, depth);
      temporaries = bank;
      step += bodyBytes(at);
    } else if (opcode < op.OP_EQ_COUNT_CELL) {
      truth = compareCount(opcode - op.OP_EQ_COUNT, sure0, possible0, bundle.number(constantB(head, at)));
    } else if (opcode < op.OP_EQ_COUNTS) {
      const cell = cellB(head, at);
      truth = cell.state == PRESENT ? compareCount(opcode - op.OP_EQ_COUNT_CELL, sure0, possible0, cell.number) : UNKNOWN;
    } else {
      truth = compareCounts(opcode - op.OP_EQ_COUNTS, sure0, possible0, sure1, possible1);
    }
    if (marked) {
      releaseArena(depth - 1);
      marked = false;
    }
    if (truth == UNKNOWN) {
      metUnknown = true;
      truth = mode;
    } else if ((head & NEGATE) != 0) truth ^= 1;
    at += truth == ((head >> 8) & 1) ? (<usize>load<u16>(at, 6)) << 3 : step;
  }
}

// --- operands ---

// @ts-ignore: decorator
@inline
function operandB(at: usize): u32 {
  return load<u16>(at, 4);
}

/** A constant or member: in the instruction, or in a column of the policy's row. */
export function constantB(head: u32, at: usize): u32 {
  const b = operandB(at);
  return (head & 0x8000) != 0 ? load<u32>(row + (b << 2)) : b;
}

// @ts-ignore: decorator
@inline
function bodyBytes(at: usize): usize {
  return (<usize>load<u16>(at, 4)) << 3;
}

// @ts-ignore: decorator
@inline
function cellA(head: u32, at: usize): Cell {
  return frameCell((head >> 10) & 3, load<u16>(at, 2));
}

// @ts-ignore: decorator
@inline
function cellB(head: u32, at: usize): Cell {
  return frameCell((head >> 12) & 3, load<u16>(at, 4));
}

// @ts-ignore: decorator
@inline
function frameCell(frame: u32, cell: u32): Cell {
  const first = frame == 0 ? frame0 : frame == 1 ? frame1 : frame == 2 ? frame2 : temporaries;
  return changetype<Cell>(first + cell * CELL_BYTES);
}

// --- computed values ---

/** One instruction that computes: writes its temporary. */
function compute(opcode: u32, head: u32, at: usize, depth: u32, bank: usize): void {
  const into = cellAt(bank, load<u8>(at, 6));
  const field = <u32>load<u8>(at, 7);
  if (opcode == op.OP_LOAD_NUMBER) {
    give(into, bundle.number(constantB(head, at)), true);
    return;
  }
  if (opcode == op.OP_TALLY) {
    countElements(head, at, depth);
    give(into, counted, counted >= 0 && counted == countedPossible);
    return;
  }
  const a = cellA(head, at);
  if (opcode > op.OP_TALLY) {
    fold(opcode, a, at, field, (head & FLOAT) != 0, into, depth);
    return;
  }
  if (opcode == op.OP_LOWER) {
    lowerText(a, into);
    return;
  }
  if (opcode == op.OP_LOOKUP) {
    lookUp(bundle, operandB(at), a, into);
    return;
  }
  const b = cellB(head, at);
  const value = opcode == op.OP_ADD ? a.number + b.number : opcode == op.OP_SUBTRACT ? a.number - b.number : a.number * b.number;
  give(into, value, a.state == PRESENT && b.state == PRESENT && isWithin(value, (head & FLOAT) != 0));
}

/** Adding 0 makes 0 of -0. */
function give(cell: Cell, value: f64, valid: bool): void {
  setNumber(cell, value + 0);
  cell.state = <u16>(valid ? PRESENT : INVALID);
}

/** Finite, or for a whole number exact; NaN is neither. */
function isWithin(value: f64, float: bool): bool {
  return Math.abs(value) <= (float ? f64.MAX_VALUE : SAFE_INTEGER_MAX);
}

/** A text without upper case stays where it is. */
function lowerText(a: Cell, into: Cell): void {
  let pointer = a.pointer;
  const length = a.length;
  let upper = false;
  if (a.state == PRESENT) for (let i: u32 = 0; i < length; i++) upper = upper || <u32>load<u8>(pointer + i) - 0x41 < 26;
  if (upper) {
    const copy = allocate(length);
    if (copy != 0) {
      memory.copy(copy, pointer, length);
      lowerBytes(copy, length);
      pointer = copy;
    }
  }
  into.state = <u16>(a.state == PRESENT ? PRESENT : INVALID);
  setString(into, pointer, length);
}

/** SUM, MIN and MAX: one number of the fields of all elements that count. */
function fold(opcode: u32, list: Cell, at: usize, field: u32, float: bool, into: Cell, depth: u32): void {
  const sum = opcode == op.OP_SUM;
  let value: f64 = sum ? 0 : NaN;
  let known = list.state == PRESENT;
  const before = metUnknown;
  const hasBody = operandB(at) != 0;
  let element = list.pointer;
  for (let i: u32 = 0; known && i < list.length; i++, element += list.width * CELL_BYTES) {
    if (hasBody) {
      enter(depth, element);
      const truth = testElement(at + op.INSTRUCTION_BYTES, depth + 1);
      if (truth == FALSE) continue;
      known = truth == TRUE;
    }
    const next = cellAt(element, field);
    known = known && next.state == PRESENT;
    if (sum) {
      value += next.number;
      known = known && isWithin(value, float);
    } else if (isNaN(value) || (opcode == op.OP_MIN ? next.number < value : next.number > value)) value = next.number;
  }
  metUnknown = before;
  give(into, value, known && !isNaN(value));
}

// --- aggregates ---

function quantify(any: bool, head: u32, at: usize, mode: u32, depth: u32): u32 {
  const list = cellA(head, at);
  if (list.state != PRESENT) return UNKNOWN;
  const step = list.width * CELL_BYTES;
  let element = list.pointer;
  for (let i = list.length; i > 0; i--, element += step) {
    enter(depth, element);
    if (region(at + op.INSTRUCTION_BYTES, mode, depth + 1) == any) return any ? TRUE : FALSE;
  }
  return any ? FALSE : TRUE;
}

/** What `countElements` found: the sure and the possible number; both `NO_COUNT` when the list is unknown. */
let counted: i32 = 0;
let countedPossible: i32 = 0;

function countElements(head: u32, at: usize, depth: u32): void {
  const list = cellA(head, at);
  if (list.state != PRESENT) {
    counted = NO_COUNT;
    countedPossible = NO_COUNT;
    return;
  }
  const before = metUnknown;
  const hasBody = operandB(at) != 0;
  const step = list.width * CELL_BYTES;
  let element = list.pointer;
  let sure = 0;
  let possible = 0;
  for (let i = list.length; i > 0; i--, element += step) {
    let truth: u32;
    if (hasBody) {
      enter(depth, element);
      truth = testElement(at + op.INSTRUCTION_BYTES, depth + 1);
    } else truth = changetype<Cell>(element).state == PRESENT ? TRUE : UNKNOWN;
    if (truth == TRUE) sure++;
    if (truth != FALSE) possible++;
  }
  // What the bodies met is in the two numbers now; only the compare with them can be unknown.
  metUnknown = before;
  counted = sure;
  countedPossible = possible;
}

/** Surely true, possibly true, or false. */
function testElement(body: usize, depth: u32): u32 {
  metUnknown = false;
  if (region(body, FALSE, depth)) return TRUE;
  if (!metUnknown) return FALSE;
  return region(body, TRUE, depth) ? UNKNOWN : FALSE;
}

function enter(depth: u32, element: usize): void {
  if (depth == 1) frame1 = element;
  else frame2 = element;
}

/** `order`: 0 equal, 1 less, 2 at most. */
function compareCount(order: u32, sure: i32, possible: i32, value: f64): u32 {
  return sure < 0 ? UNKNOWN : between(order, sure, possible, value, value);
}

/** Unknown unless one of the two is exact. */
function compareCounts(order: u32, sure: i32, possible: i32, otherSure: i32, otherPossible: i32): u32 {
  if (sure < 0 || otherSure < 0 || (sure != possible && otherSure != otherPossible)) return UNKNOWN;
  return between(order, sure, possible, otherSure, otherPossible);
}

/** Does every number of the first range stand in the order to every number of the second? */
function between(order: u32, low: f64, high: f64, otherLow: f64, otherHigh: f64): u32 {
  if (order == 0) {
    if (low == high && otherLow == otherHigh && low == otherLow) return TRUE;
    // The first range holds whole numbers only: a fraction equals none of them.
    const fraction = otherLow == otherHigh && Math.floor(otherLow) != otherLow;
    return fraction || otherHigh < low || otherLow > high ? FALSE : UNKNOWN;
  }
  if (order == 1) return high < otherLow ? TRUE : low >= otherHigh ? FALSE : UNKNOWN;
  return high <= otherLow ? TRUE : low > otherHigh ? FALSE : UNKNOWN;
}

// --- tests ---

function test(opcode: u32, head: u32, at: usize): u32 {
  if (opcode == op.OP_CONSTANT) return operandB(at);
  const a = cellA(head, at);
  if (opcode == op.OP_EXISTS) return a.state == PRESENT ? TRUE : a.state == ABSENT ? FALSE : UNKNOWN;
  if (a.state != PRESENT) return UNKNOWN;
  const b = constantB(head, at);
  switch (opcode) {
    case op.OP_TRUTH:
      return a.number != 0;
    case op.OP_EQ_STRING:
      return bundle.stringIs(b, a.pointer, a.length);
    case op.OP_STARTS_STRING:
      return startsWith(a, bundle.stringPointer(b), bundle.stringLength(b));
    case op.OP_ENDS_STRING:
      return endsWith(a, bundle.stringPointer(b), bundle.stringLength(b));
    case op.OP_CONTAINS_STRING:
      return containsBytes(a.pointer, a.length, bundle.stringPointer(b), bundle.stringLength(b));
    case op.OP_IN_STRINGS:
      return inStrings(a, b);
    case op.OP_EQ_NUMBER:
      return a.number == bundle.number(b);
    case op.OP_LT_NUMBER:
      return a.number < bundle.number(b);
    case op.OP_LE_NUMBER:
      return a.number <= bundle.number(b);
    case op.OP_IN_NUMBERS:
      return inNumbers(a.number, b);
    case op.OP_EQ_MEMBER:
      return a.number == <f64>b;
    case op.OP_LT_MEMBER:
      return a.number < <f64>b;
    case op.OP_LE_MEMBER:
      return a.number <= <f64>b;
    case op.OP_IN_MEMBERS:
      // `resource.type` may be -1, which is no member of a set.
      return inElements(bundle.set(b), <u32><i32>a.number);
    case op.OP_EQ_ADDRESS:
      return equalsNetwork(a, b);
    case op.OP_IN_NETWORK:
      return inNetwork(a.pointer, bundle.networkAddress(b), bundle.networkPrefix(b));
    case op.OP_IN_NETWORKS:
      return inNetworks(a, b);
    case op.OP_LT_STRING:
    case op.OP_LE_STRING:
      return orderBytes(a, bundle.stringPointer(b), bundle.stringLength(b)) < <i32>(opcode - op.OP_LT_STRING);
    case op.OP_MATCHES:
      return matches(a, b);
    case op.OP_IN_HOURS:
      return inHours(a.number, bundle.schedule(b));
    case op.OP_HAS_STRING:
    case op.OP_HAS_NUMBER:
    case op.OP_HAS_MEMBER:
    case op.OP_HAS_ADDRESS:
      return has(opcode, a, b);
    default:
      return testPair(opcode, a, cellB(head, at));
  }
}

/** Tests of two cells, the first of which is present. */
function testPair(opcode: u32, a: Cell, b: Cell): u32 {
  if (b.state != PRESENT) return UNKNOWN;
  switch (opcode) {
    case op.OP_EQ_STRINGS:
      return equalBytes(a.pointer, a.length, b.pointer, b.length);
    case op.OP_STARTS_STRINGS:
      return startsWith(a, b.pointer, b.length);
    case op.OP_ENDS_STRINGS:
      return endsWith(a, b.pointer, b.length);
    case op.OP_CONTAINS_STRINGS:
      return containsBytes(a.pointer, a.length, b.pointer, b.length);
    case op.OP_EQ_NUMBERS:
      return a.number == b.number;
    case op.OP_LT_NUMBERS:
      return a.number < b.number;
    case op.OP_LE_NUMBERS:
      return a.number <= b.number;
    case op.OP_LT_STRINGS:
    case op.OP_LE_STRINGS:
      return orderBytes(a, b.pointer, b.length) < <i32>(opcode - op.OP_LT_STRINGS);
    case op.OP_EQ_ADDRESSES:
      return equalAddresses(a, b);
    case op.OP_IN_CIDR:
      return inNetwork(a.pointer, b.pointer, b.length);
    default:
      return inList(opcode == op.OP_IN_CIDRS, a, b);
  }
}

/** Below 0 where the text comes before the bytes, 0 where they are the same; a beginning comes first. */
function orderBytes(cell: Cell, pointer: usize, length: u32): i32 {
  const order = memory.compare(cell.pointer, pointer, min(cell.length, length));
  return order != 0 ? order : <i32>cell.length - <i32>length;
}

/** One look-up for each byte, until the answer is settled: state 0 says no, 1 yes. */
function matches(cell: Cell, index: u32): u32 {
  const automaton = bundle.automaton(index);
  const classes = bundle.automatonTable(index);
  const width = (automaton.classes + 1) << 1;
  // Where the row of state 0 would be.
  const rows = classes + 256 - (width << 1);
  let state = automaton.start;
  let at = cell.pointer;
  for (const end = at + cell.length; at < end && state > 1; at++) {
    state = load<u16>(rows + state * width + (<u32>load<u8>(classes + load<u8>(at)) << 1));
  }
  return state > 1 ? load<u16>(rows + state * width + width - 2) : state;
}

function inHours(ms: f64, schedule: ScheduleEntry): u32 {
  const minutes = Math.floor(ms / 60000);
  if (!(minutes >= load<u32>(bundle.offset(schedule.first)) && minutes < schedule.until)) return UNKNOWN;
  const minute = <u32>minutes;
  let low = schedule.first;
  let high = low + schedule.count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (load<u32>(bundle.offset(middle)) <= minute) low = middle;
    else high = middle;
  }
  // The first minute that a schedule knows is a day behind 1970-01-01, a Thursday, so no local time is before it.
  const local = minute + load<u32>(bundle.offset(low), 4);
  const ofDay = local % 1440;
  return ((schedule.days >> ((local / 1440 + 3) % 7)) & 1) == 1 && ofDay >= schedule.from && ofDay < schedule.to ? TRUE : FALSE;
}

export function startsWith(cell: Cell, pointer: usize, length: u32): bool {
  return cell.length >= length && memory.compare(cell.pointer, pointer, length) == 0;
}

function endsWith(cell: Cell, pointer: usize, length: u32): bool {
  return cell.length >= length && memory.compare(cell.pointer + (cell.length - length), pointer, length) == 0;
}

function equalAddresses(a: Cell, b: Cell): bool {
  return a.length == b.length && memory.compare(a.pointer, b.pointer, 16) == 0;
}

function equalsNetwork(cell: Cell, network: u32): bool {
  return cell.length == bundle.networkPrefix(network) && memory.compare(cell.pointer, bundle.networkAddress(network), 16) == 0;
}

// --- sets ---

/** Sets up to this size are compared string by string, larger ones by the string's index. */
// @ts-ignore: decorator
@inline const COMPARED_MAX: u32 = 8;

function inStrings(cell: Cell, set: u32): bool {
  const entry = bundle.set(set);
  if (entry.count > COMPARED_MAX) return inElements(entry, findString(bundle, cell.pointer, cell.length));
  for (let i: u32 = 0; i < entry.count; i++) {
    const text = bundle.element(entry.first + i);
    if (bundle.stringIs(text, cell.pointer, cell.length)) return true;
  }
  return false;
}

/** Elements ascend. */
function inElements(entry: SetEntry, value: u32): bool {
  let low: u32 = 0;
  let high = entry.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const element = bundle.element(entry.first + middle);
    if (element == value) return true;
    if (element < value) low = middle + 1;
    else high = middle;
  }
  return false;
}

/** Numbers ascend by value. */
function inNumbers(value: f64, set: u32): bool {
  const entry = bundle.set(set);
  let low = entry.first;
  let high = low + entry.count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (bundle.number(bundle.element(middle)) <= value) low = middle;
    else high = middle;
  }
  return bundle.number(bundle.element(low)) == value;
}

/** Networks ascend and lie apart: only the last one that does not come after the address may hold it. */
function inNetworks(cell: Cell, set: u32): bool {
  const entry = bundle.set(set);
  let low = entry.first;
  let high = low + entry.count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (orderAddresses(bundle.networkAddress(bundle.element(middle)), cell.pointer) <= 0) low = middle;
    else high = middle;
  }
  const network = bundle.element(low);
  return inNetwork(cell.pointer, bundle.networkAddress(network), bundle.networkPrefix(network));
}

// --- lists ---

/** Kleene or over the elements: an element that is not present is unknown. */
function has(opcode: u32, list: Cell, b: u32): u32 {
  let answer = FALSE;
  let at = list.pointer;
  for (let i = list.length; i > 0; i--, at += CELL_BYTES) {
    const element = changetype<Cell>(at);
    if (element.state != PRESENT) answer = UNKNOWN;
    else if (elementIs(opcode, element, b)) return TRUE;
  }
  return answer;
}

function elementIs(opcode: u32, element: Cell, b: u32): bool {
  switch (opcode) {
    case op.OP_HAS_STRING:
      return bundle.stringIs(b, element.pointer, element.length);
    case op.OP_HAS_NUMBER:
      return element.number == bundle.number(b);
    case op.OP_HAS_MEMBER:
      return element.number == <f64>b;
    default:
      return equalsNetwork(element, b);
  }
}

/** Kleene or over the elements of `list`: equals `a`, or holds the address `a`. */
function inList(holds: bool, a: Cell, list: Cell): u32 {
  let answer = FALSE;
  let at = list.pointer;
  for (let i = list.length; i > 0; i--, at += CELL_BYTES) {
    const element = changetype<Cell>(at);
    if (element.state != PRESENT) answer = UNKNOWN;
    else if (holds ? inNetwork(a.pointer, element.pointer, element.length) : equalScalars(a, element)) return TRUE;
  }
  return answer;
}

function equalScalars(a: Cell, b: Cell): bool {
  if (a.kind == KIND_STRING) return equalBytes(a.pointer, a.length, b.pointer, b.length);
  return a.kind == KIND_ADDRESS ? equalAddresses(a, b) : a.number == b.number;
}
