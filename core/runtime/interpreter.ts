/**
 * Runs routines over slots. Each instruction tests and branches; a test answers 0 (false), 1 (true) or 2 (unknown), and
 * unknown counts as the run's mode. Nothing is allocated, jumps only lead forward, lists are bounded: every run ends.
 */
import * as automata from "../automaton/automaton.ts";
import * as op from "../bytecode/gen/constants.ts";
import type { Program } from "../bytecode/program.ts";
import type { Slots } from "../request/slots.ts";
import * as states from "../request/slots.ts";
import { type ByteTable, lower } from "../source/byte-table.ts";
import { ByteSearch, orderBytes, sameBits, sameBytes } from "./byte-search.ts";
import * as counts from "./counts.ts";
import { compareCount, compareCounts } from "./counts.ts";
import * as linking from "./link.ts";
import { type LinkedCode, link } from "./link.ts";
import { lookUp } from "./lookup.ts";

// V8 reads an import anew at every use, but folds a module's own constants into the code: a third of a decision's time.
const {
  OP_ACCEPT,
  OP_REJECT,
  OP_CONSTANT,
  OP_EXISTS,
  OP_TRUTH,
  OP_EQ_STRING,
  OP_STARTS_STRING,
  OP_ENDS_STRING,
  OP_CONTAINS_STRING,
  OP_IN_STRINGS,
  OP_EQ_NUMBER,
  OP_LT_NUMBER,
  OP_LE_NUMBER,
  OP_IN_NUMBERS,
  OP_EQ_MEMBER,
  OP_LT_MEMBER,
  OP_LE_MEMBER,
  OP_IN_MEMBERS,
  OP_EQ_ADDRESS,
  OP_IN_NETWORK,
  OP_IN_NETWORKS,
  OP_EQ_STRINGS,
  OP_STARTS_STRINGS,
  OP_ENDS_STRINGS,
  OP_CONTAINS_STRINGS,
  OP_EQ_NUMBERS,
  OP_LT_NUMBERS,
  OP_LE_NUMBERS,
  OP_EQ_ADDRESSES,
  OP_IN_CIDR,
  OP_LT_STRING,
  OP_LE_STRING,
  OP_LT_STRINGS,
  OP_LE_STRINGS,
  OP_MATCHES,
  OP_IN_HOURS,
  OP_HAS_STRING,
  OP_HAS_NUMBER,
  OP_HAS_MEMBER,
  OP_HAS_ADDRESS,
  OP_IN_LIST,
  OP_IN_CIDRS,
  OP_ANY,
  OP_ALL,
  OP_COUNT,
  OP_EQ_COUNT,
  OP_LT_COUNT,
  OP_LE_COUNT,
  OP_EQ_COUNT_CELL,
  OP_LT_COUNT_CELL,
  OP_LE_COUNT_CELL,
  OP_EQ_COUNTS,
  OP_LT_COUNTS,
  OP_LE_COUNTS,
  OP_LOAD_NUMBER,
  OP_ADD,
  OP_SUBTRACT,
  OP_MULTIPLY,
  OP_LOWER,
  OP_LOOKUP,
  OP_TALLY,
  OP_SUM,
  OP_MIN,
  OP_MAX,
  LIMIT_TEMPORARIES_MAX,
} = op;
const { INVALID, PRESENT } = states;
const { FIRST_ROW, YES } = automata;
const { B_IS_COLUMN, B_IS_PLACE, KIND_ADDRESS, KIND_STRING, REGISTER } = linking;
const { NO_COUNT, POSSIBLE, SURE } = counts;

const FALSE = 0;
const TRUE = 1;
const UNKNOWN = 2;
type Truth = 0 | 1 | 2;

/** Bit 8 of the head: of an instruction that computes, its result is a float. */
const SENSE = 0x100;

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

/** No aggregate around: elements lie behind the global frame, so no element's cell is 0. */
const NO_ELEMENT = 0;

export class Interpreter {
  /** Whether the last run met an unknown test; if not, its answer does not depend on the mode. */
  metUnknown = false;
  readonly #program: Program;
  readonly #code: LinkedCode;
  readonly #slots: Slots;
  readonly #search = new ByteSearch();
  #row = 0;
  /** First of the cells behind the global frame that hold computed values. */
  readonly #temporaries: number;
  #seeLookup: ((map: number, cell: number) => void) | null = null;
  /** The bundle's strings: a text that some code makes may equal one of them. */
  readonly #strings: ByteTable;

  constructor(program: Program, slots: Slots) {
    this.#program = program;
    this.#code = link(program);
    this.#slots = slots;
    this.#temporaries = program.slots.reduce((sum, slot) => sum + slot.shape.width, 0);
    this.#strings = program.stringTable;
  }

  /**
   * Run the routine that starts at `start`; `mode` is what unknown counts as, `row` where the constants of the policy
   * start whose condition it is.
   */
  run(start: number, mode: boolean, row: number): boolean {
    this.#row = row;
    this.metUnknown = false;
    return this.#region(start, mode ? TRUE : FALSE, NO_ELEMENT, NO_ELEMENT);
  }

  /** Is it this time, or later? Null where the request's time is not known. */
  hasPassed(ms: number): boolean | null {
    const { state, number } = this.#slots;
    const { timeCell } = this.#program;
    return state[timeCell] === PRESENT ? number[timeCell]! >= ms : null;
  }

  /** What the counts at the start of a test's routine come to, for explanations: at most two. */
  countsOf(start: number, row: number): number[] {
    this.#row = row;
    const { words } = this.#code;
    const found: number[] = [];
    for (let pc = start; ; ) {
      const opcode = words[pc * 2]! & 0xff;
      const list = words[pc * 2]! >>> 16;
      const body = words[pc * 2 + 1]! & 0xffff;
      if (opcode >= OP_LOAD_NUMBER) {
        pc += opcode < OP_TALLY ? 1 : 1 + body;
        continue;
      }
      if (opcode !== OP_COUNT) break;
      found.push(body === 0 ? this.#countPresent(list) : this.#count(pc + 1, list, NO_ELEMENT));
      pc += 1 + body;
    }
    return found;
  }

  /** What the maps at the start of a test's routine give, for explanations: `see` is called with the map and the cell of its value. */
  lookupsOf(start: number, row: number, see: (map: number, cell: number) => void): void {
    const { used } = this.#slots;
    this.#row = row;
    this.#seeLookup = see;
    this.#compute(start, this.#temporaries, NO_ELEMENT, NO_ELEMENT);
    this.#seeLookup = null;
    this.#slots.used = used;
  }

  /** Run until ACCEPT or REJECT. `outer`, `inner`: cells of the elements that are frames 1 and 2. */
  #region(start: number, mode: Truth, outer: number, inner: number): boolean {
    const { words } = this.#code;
    const slots = this.#slots;
    const { state, number } = slots;
    const { numbers, rows } = this.#program;
    let register0 = NO_COUNT;
    let register1 = NO_COUNT;
    // Each depth has temporaries of its own: at depth 1 both elements are the same one.
    const temporaries =
      this.#temporaries +
      (outer === NO_ELEMENT ? 0 : outer === inner ? LIMIT_TEMPORARIES_MAX : 2 * LIMIT_TEMPORARIES_MAX);
    const texts = slots.used;
    // Says that this is a 32-bit integer; without it V8 checks so at every instruction.
    let pc = start | 0;
    for (;;) {
      const head = words[pc * 2]!;
      const tail = words[pc * 2 + 1]!;
      const opcode = head & 0xff;
      const frameA = (head >> 10) & 3;
      let a = head >>> 16;
      if (frameA !== 0) a += frameA === 1 ? outer : frameA === 2 ? inner : temporaries;
      let b = tail & 0xffff;
      // INVARIANT: the opcodes from TRUTH to IN_CIDRS test the value in `a`.
      let known = opcode < OP_TRUTH || opcode > OP_IN_CIDRS || state[a] === PRESENT;
      if ((head & B_IS_PLACE) !== 0) {
        if ((head & B_IS_COLUMN) !== 0) b = rows[this.#row + b]!;
        else {
          const frameB = (head >> 12) & 3;
          if (frameB !== 0) b += frameB === 1 ? outer : frameB === 2 ? inner : temporaries;
          known &&= state[b] === PRESENT;
        }
      }
      let truth: number = UNKNOWN;
      let step = 1;
      if (known) {
        switch (opcode) {
          case OP_ACCEPT:
            return true;
          case OP_REJECT:
            return false;
          case OP_CONSTANT:
            truth = b;
            break;
          case OP_EXISTS:
            // INVARIANT: absent, present and invalid are numbered like false, true and unknown.
            truth = state[a]!;
            break;
          case OP_TRUTH:
            truth = number[a] === 0 ? FALSE : TRUE;
            break;
          case OP_EQ_STRING:
            truth = slots.id[a] === b ? TRUE : FALSE;
            break;
          case OP_STARTS_STRING:
          case OP_ENDS_STRING:
          case OP_CONTAINS_STRING:
            truth = this.#textConstant(opcode - OP_STARTS_STRING, a, b) ? TRUE : FALSE;
            break;
          case OP_IN_STRINGS:
            truth = this.#inSet(slots.id[a]!, b) ? TRUE : FALSE;
            break;
          case OP_EQ_NUMBER:
            truth = number[a] === numbers[b] ? TRUE : FALSE;
            break;
          case OP_LT_NUMBER:
            truth = number[a]! < numbers[b]! ? TRUE : FALSE;
            break;
          case OP_LE_NUMBER:
            truth = number[a]! <= numbers[b]! ? TRUE : FALSE;
            break;
          case OP_IN_NUMBERS:
            truth = this.#inNumbers(a, b) ? TRUE : FALSE;
            break;
          case OP_EQ_MEMBER:
            truth = number[a] === b ? TRUE : FALSE;
            break;
          case OP_LT_MEMBER:
            truth = number[a]! < b ? TRUE : FALSE;
            break;
          case OP_LE_MEMBER:
            truth = number[a]! <= b ? TRUE : FALSE;
            break;
          case OP_IN_MEMBERS:
            truth = this.#inSet(number[a]! | 0, b) ? TRUE : FALSE;
            break;
          case OP_EQ_ADDRESS:
            truth = this.#equalsNetwork(a, b) ? TRUE : FALSE;
            break;
          case OP_IN_NETWORK:
            truth = this.#inNetwork(a, b) ? TRUE : FALSE;
            break;
          case OP_IN_NETWORKS:
            truth = this.#inNetworks(a, b) ? TRUE : FALSE;
            break;
          case OP_EQ_STRINGS:
            truth = this.#equalStrings(a, b) ? TRUE : FALSE;
            break;
          case OP_STARTS_STRINGS:
          case OP_ENDS_STRINGS:
          case OP_CONTAINS_STRINGS:
            truth = this.#textCell(opcode - OP_STARTS_STRINGS, a, b) ? TRUE : FALSE;
            break;
          case OP_EQ_NUMBERS:
            truth = number[a] === number[b] ? TRUE : FALSE;
            break;
          case OP_LT_NUMBERS:
            truth = number[a]! < number[b]! ? TRUE : FALSE;
            break;
          case OP_LE_NUMBERS:
            truth = number[a]! <= number[b]! ? TRUE : FALSE;
            break;
          case OP_EQ_ADDRESSES:
            truth = this.#equalAddresses(a, b) ? TRUE : FALSE;
            break;
          case OP_IN_CIDR:
            truth = this.#inCidr(a, b) ? TRUE : FALSE;
            break;
          case OP_LT_STRING:
          case OP_LE_STRING:
            truth = this.#orderConstant(a, b) < opcode - OP_LT_STRING ? TRUE : FALSE;
            break;
          case OP_LT_STRINGS:
          case OP_LE_STRINGS:
            truth = this.#orderCell(a, b) < opcode - OP_LT_STRINGS ? TRUE : FALSE;
            break;
          case OP_IN_HOURS:
            truth = this.#inHours(number[a]!, b);
            break;
          case OP_MATCHES:
            truth = this.#matches(a, b) ? TRUE : FALSE;
            break;
          case OP_HAS_STRING:
          case OP_HAS_NUMBER:
          case OP_HAS_MEMBER:
          case OP_HAS_ADDRESS:
            truth = this.#has(opcode, a, b);
            break;
          case OP_IN_LIST:
          case OP_IN_CIDRS:
            truth = this.#inList(opcode, this.#code.kinds[pc]!, a, b);
            break;
          case OP_ANY:
            step += b;
            truth = this.#quantifier(TRUE, pc + 1, a, mode, outer);
            break;
          case OP_ALL:
            step += b;
            truth = this.#quantifier(FALSE, pc + 1, a, mode, outer);
            break;
          case OP_COUNT: {
            const count = b === 0 ? this.#countPresent(a) : this.#count(pc + 1, a, outer);
            if ((head & REGISTER) === 0) register0 = count;
            else register1 = count;
            pc += 1 + b;
            continue;
          }
          case OP_EQ_COUNT:
          case OP_LT_COUNT:
          case OP_LE_COUNT:
            truth = compareCount(opcode - OP_EQ_COUNT, register0, numbers, b);
            break;
          case OP_EQ_COUNT_CELL:
          case OP_LT_COUNT_CELL:
          case OP_LE_COUNT_CELL:
            truth = compareCount(opcode - OP_EQ_COUNT_CELL, register0, number, b);
            break;
          case OP_EQ_COUNTS:
          case OP_LT_COUNTS:
          case OP_LE_COUNTS:
            truth = compareCounts(opcode - OP_EQ_COUNTS, register0, register1);
            break;
          case OP_LOAD_NUMBER:
          case OP_ADD:
          case OP_SUBTRACT:
          case OP_MULTIPLY:
          case OP_LOWER:
          case OP_LOOKUP:
          case OP_TALLY:
          case OP_SUM:
          case OP_MIN:
          case OP_MAX:
            // Texts of the tests before are needed no longer.
            slots.used = texts;
            pc = this.#compute(pc, temporaries, outer, inner);
            continue;
          // INVARIANT: the verifier lets no other opcode through; it would be unknown.
        }
      }
      if (truth === UNKNOWN) {
        this.metUnknown = true;
        truth = mode;
      } else {
        truth ^= (head >> 9) & 1;
      }
      pc += truth === ((head >> 8) & 1) ? tail >>> 16 : step;
    }
  }

  // --- computed values ---

  /** Run all instructions that compute for one test, from `start` on; returns the place behind them. */
  #compute(start: number, temporaries: number, outer: number, inner: number): number {
    const { words } = this.#code;
    const slots = this.#slots;
    let pc = start;
    for (;;) {
      const head = words[pc * 2]!;
      const tail = words[pc * 2 + 1]!;
      const opcode = head & 0xff;
      if (opcode < OP_LOAD_NUMBER) return pc;
      const operand =
        (head & B_IS_PLACE) === 0 ? tail & 0xffff : this.#program.rows[this.#row + (tail & 0xffff)]!;
      const a = (head >>> 16) + frameStart((head >> 10) & 3, temporaries, outer, inner);
      const into = temporaries + ((tail >>> 16) & 0xff);
      const isFloat = (head & SENSE) !== 0;
      pc++;
      switch (opcode) {
        case OP_LOAD_NUMBER:
          slots.number[into] = this.#program.numbers[operand]!;
          slots.state[into] = PRESENT;
          break;
        case OP_ADD:
        case OP_SUBTRACT:
        case OP_MULTIPLY:
          this.#calculate(
            opcode,
            a,
            operand + frameStart((head >> 12) & 3, temporaries, outer, inner),
            into,
            isFloat,
          );
          break;
        case OP_LOWER:
          this.#lower(a, into);
          break;
        case OP_LOOKUP:
          lookUp(this.#program, slots, this.#program.maps[operand]!, a, into);
          if (this.#seeLookup !== null && outer === NO_ELEMENT) this.#seeLookup(operand, into);
          break;
        case OP_TALLY:
          this.#tally(operand === 0 ? this.#countPresent(a) : this.#count(pc, a, outer), into);
          pc += operand;
          break;
        default:
          this.#fold(
            opcode,
            { body: operand === 0 ? -1 : pc, list: a, field: tail >>> 24, into, isFloat },
            outer,
          );
          pc += operand;
      }
    }
  }

  #calculate(opcode: number, a: number, b: number, into: number, isFloat: boolean): void {
    const { state, number } = this.#slots;
    const known = state[a] === PRESENT && state[b] === PRESENT;
    const x = number[a]!;
    const y = number[b]!;
    // Adding 0 makes 0 of -0.
    const value = known
      ? (opcode === OP_ADD ? x + y : opcode === OP_SUBTRACT ? x - y : x * y) + 0
      : Number.NaN;
    number[into] = value;
    state[into] = isWithin(value, isFloat) ? PRESENT : INVALID;
  }

  #tally(count: number, into: number): void {
    const { state, number } = this.#slots;
    const exact = count >= 0 && count >> 16 === (count & 0xffff);
    state[into] = exact ? PRESENT : INVALID;
    number[into] = count & 0xffff;
  }

  /** A text without upper case stays where it is. */
  #lower(a: number, into: number): void {
    const slots = this.#slots;
    const { state, offset, length, id } = slots;
    state[into] = state[a] === PRESENT ? PRESENT : INVALID;
    if (state[a] !== PRESENT) return;
    const size = length[a]!;
    offset[into] = offset[a]!;
    length[into] = size;
    id[into] = id[a]!;
    const from = offset[a]!;
    let at = 0;
    while (at < size && lower(slots.bytes[from + at]!) === slots.bytes[from + at]) at++;
    if (at === size) return;
    const start = slots.room(size);
    const { bytes } = slots;
    for (let i = 0; i < size; i++) bytes[start + i] = lower(bytes[from + i]!);
    slots.used = start + size;
    offset[into] = start;
    id[into] = this.#strings.find(bytes, start, start + size);
  }

  /** SUM, MIN and MAX: one number of the fields of all elements that count. */
  #fold(opcode: number, { body, list, field, into, isFloat }: Fold, outer: number): void {
    const slots = this.#slots;
    const { state, number } = slots;
    state[into] = INVALID;
    if (state[list] !== PRESENT) return;
    const before = this.metUnknown;
    const width = slots.id[list]!;
    const first = slots.offset[list]!;
    const end = first + slots.length[list]! * width;
    const texts = slots.used;
    let value = opcode === OP_SUM ? 0 : Number.NaN;
    let known = true;
    for (let cell = first; cell < end && known; cell += width) {
      if (body >= 0) {
        const frame1 = outer === NO_ELEMENT ? cell : outer;
        this.metUnknown = false;
        const sure = this.#region(body, FALSE, frame1, cell);
        const possible = sure || (this.metUnknown && this.#region(body, TRUE, frame1, cell));
        slots.used = texts;
        if (!possible) continue;
        known = sure;
      }
      known &&= state[cell + field] === PRESENT;
      const next = number[cell + field]!;
      if (opcode === OP_SUM) {
        value = value + next + 0;
        known &&= isWithin(value, isFloat);
      } else if (Number.isNaN(value) || (opcode === OP_MIN ? next < value : next > value)) value = next;
    }
    this.metUnknown = before;
    number[into] = value;
    if (known && !Number.isNaN(value)) state[into] = PRESENT;
  }

  // --- aggregates ---

  /** `decisive`: the truth of one body that settles it, true for ANY, false for ALL. */
  #quantifier(decisive: Truth, body: number, list: number, mode: Truth, outer: number): Truth {
    const slots = this.#slots;
    if (slots.state[list] !== PRESENT) return UNKNOWN;
    const first = slots.offset[list]!;
    const width = slots.id[list]!;
    const end = first + slots.length[list]! * width;
    const texts = slots.used;
    for (let cell = first; cell < end; cell += width) {
      const truth = this.#region(body, mode, outer === NO_ELEMENT ? cell : outer, cell) ? TRUE : FALSE;
      slots.used = texts;
      if (truth === decisive) return decisive;
    }
    return decisive === TRUE ? FALSE : TRUE;
  }

  /** Elements for which the body is true. */
  #count(body: number, list: number, outer: number): number {
    const slots = this.#slots;
    if (slots.state[list] !== PRESENT) return NO_COUNT;
    const before = this.metUnknown;
    const first = slots.offset[list]!;
    const width = slots.id[list]!;
    const end = first + slots.length[list]! * width;
    const texts = slots.used;
    let count = 0;
    for (let cell = first; cell < end; cell += width) {
      const frame1 = outer === NO_ELEMENT ? cell : outer;
      this.metUnknown = false;
      if (this.#region(body, FALSE, frame1, cell)) count += SURE;
      else if (this.metUnknown && this.#region(body, TRUE, frame1, cell)) count += POSSIBLE;
      slots.used = texts;
    }
    // What the body met is in the two numbers now; only the comparison with them can be unknown.
    this.metUnknown = before;
    return count;
  }

  /** All elements: those that are there are sure, the others possible. */
  #countPresent(list: number): number {
    const slots = this.#slots;
    if (slots.state[list] !== PRESENT) return NO_COUNT;
    const first = slots.offset[list]!;
    const width = slots.id[list]!;
    const end = first + slots.length[list]! * width;
    let count = 0;
    for (let cell = first; cell < end; cell += width)
      count += slots.state[cell] === PRESENT ? SURE : POSSIBLE;
    return count;
  }

  // --- strings ---

  /** `kind`: 0 starts, 1 ends, 2 contains. */
  #textConstant(kind: number, a: number, constant: number): boolean {
    const { stringBytes, stringOffsets } = this.#program;
    const start = stringOffsets[constant]!;
    return this.#text(kind, a, stringBytes, start, stringOffsets[constant + 1]! - start);
  }

  #textCell(kind: number, a: number, b: number): boolean {
    const { bytes, offset, length } = this.#slots;
    return this.#text(kind, a, bytes, offset[b]!, length[b]!);
  }

  #text(kind: number, a: number, bytes: Uint8Array, start: number, length: number): boolean {
    const slots = this.#slots;
    const room = slots.length[a]! - length;
    if (room < 0) return false;
    const from = slots.offset[a]!;
    if (kind === 0) return sameBytes(slots.bytes, from, bytes, start, length);
    if (kind === 1) return sameBytes(slots.bytes, from + room, bytes, start, length);
    return this.#search.contains(slots.bytes, from, slots.length[a]!, bytes, start, length);
  }

  /** Below 0 where `a` comes before the constant, 0 where they are equal. */
  #orderConstant(a: number, constant: number): number {
    const slots = this.#slots;
    const { stringBytes, stringOffsets } = this.#program;
    const start = stringOffsets[constant]!;
    const length = stringOffsets[constant + 1]! - start;
    return orderBytes(slots.bytes, slots.offset[a]!, slots.length[a]!, stringBytes, start, length);
  }

  #orderCell(a: number, b: number): number {
    const { bytes, offset, length } = this.#slots;
    return orderBytes(bytes, offset[a]!, length[a]!, bytes, offset[b]!, length[b]!);
  }

  /** One look-up for each byte, until the answer is settled. */
  #inHours(ms: number, schedule: number): Truth {
    const { days, from, to, until, minutes, offsets } = this.#program.schedules[schedule]!;
    const minute = Math.floor(ms / MINUTE_MS);
    if (minute < minutes[0]! || minute >= until) return UNKNOWN;
    let low = 0;
    let high = minutes.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (minutes[middle]! <= minute) low = middle;
      else high = middle;
    }
    const local = minute + offsets[low]!;
    const day = Math.floor(local / DAY_MINUTES);
    const ofDay = local - day * DAY_MINUTES;
    // 1970-01-01 was a Thursday.
    return ((days >> ((day + 3) % 7)) & 1) === 1 && ofDay >= from && ofDay < to ? TRUE : FALSE;
  }

  #matches(a: number, automaton: number): boolean {
    const { classOf, classes, targets, start } = this.#program.automata[automaton]!;
    const { bytes, offset, length } = this.#slots;
    const width = classes + 1;
    const end = offset[a]! + length[a]!;
    let state = start;
    for (let i = offset[a]!; i < end && state >= FIRST_ROW; i++)
      state = targets[(state - FIRST_ROW) * width + classOf[bytes[i]!]!]!;
    return (state < FIRST_ROW ? state : targets[(state - FIRST_ROW) * width + classes]) === YES;
  }

  #equalStrings(a: number, b: number): boolean {
    const slots = this.#slots;
    // INVARIANT: a string of the bundle has its index, so two different indexes are two different strings.
    if (slots.id[a] !== -1 || slots.id[b] !== -1) return slots.id[a] === slots.id[b];
    return (
      slots.length[a] === slots.length[b] &&
      sameBytes(slots.bytes, slots.offset[a]!, slots.bytes, slots.offset[b]!, slots.length[a]!)
    );
  }

  // --- sets ---

  /** Elements ascend: by index, those of numbers by value. */
  #inSet(value: number, set: number): boolean {
    const { setElements, setOffsets } = this.#program;
    let low = setOffsets[set]!;
    let high = setOffsets[set + 1]!;
    while (high - low > SEARCHED_MIN) {
      const middle = (low + high) >> 1;
      if (setElements[middle]! <= value) low = middle;
      else high = middle;
    }
    for (; low < high; low++) if (setElements[low] === value) return true;
    return false;
  }

  #inNumbers(a: number, set: number): boolean {
    const value = this.#slots.number[a]!;
    const { setElements, setOffsets, numbers } = this.#program;
    let low = setOffsets[set]!;
    let high = setOffsets[set + 1]!;
    while (high - low > SEARCHED_MIN) {
      const middle = (low + high) >> 1;
      if (numbers[setElements[middle]!]! <= value) low = middle;
      else high = middle;
    }
    for (; low < high; low++) if (numbers[setElements[low]!] === value) return true;
    return false;
  }

  // --- addresses ---

  #equalsNetwork(a: number, network: number): boolean {
    const slots = this.#slots;
    const { networks, prefixes } = this.#program;
    return (
      slots.length[a] === prefixes[network] &&
      sameBytes(slots.bytes, slots.offset[a]!, networks, network * 16, 16)
    );
  }

  #inNetwork(a: number, network: number): boolean {
    const { networks, prefixes } = this.#program;
    return inPrefix(this.#slots.bytes, this.#slots.offset[a]!, networks, network * 16, prefixes[network]!);
  }

  /** Networks ascend, those of v4 first, and lie apart: only the last one that does not come after the address may hold it. */
  #inNetworks(a: number, set: number): boolean {
    const { bytes, offset } = this.#slots;
    const { setElements, setOffsets, networks } = this.#program;
    const at = offset[a]!;
    const v4 = isV4(bytes, at);
    let low = setOffsets[set]!;
    let high = setOffsets[set + 1]!;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const other = setElements[middle]! * 16;
      const isAfter = isV4(networks, other) === v4 ? orderBytes(networks, other, 16, bytes, at, 16) > 0 : v4;
      if (isAfter) high = middle;
      else low = middle;
    }
    return this.#inNetwork(a, setElements[low]!);
  }

  #equalAddresses(a: number, b: number): boolean {
    const { length, bytes, offset } = this.#slots;
    return length[a] === length[b] && sameBytes(bytes, offset[a]!, bytes, offset[b]!, 16);
  }

  #inCidr(address: number, network: number): boolean {
    const { length, bytes, offset } = this.#slots;
    return inPrefix(bytes, offset[address]!, bytes, offset[network]!, length[network]!);
  }

  // --- lists ---

  #has(opcode: number, list: number, b: number): Truth {
    const slots = this.#slots;
    const { numbers } = this.#program;
    const first = slots.offset[list]!;
    const end = first + slots.length[list]!;
    let answer: Truth = FALSE;
    for (let cell = first; cell < end; cell++) {
      if (slots.state[cell] !== PRESENT) answer = UNKNOWN;
      else if (
        opcode === OP_HAS_STRING
          ? slots.id[cell] === b
          : opcode === OP_HAS_NUMBER
            ? slots.number[cell] === numbers[b]
            : opcode === OP_HAS_MEMBER
              ? slots.number[cell] === b
              : this.#equalsNetwork(cell, b)
      )
        return TRUE;
    }
    return answer;
  }

  #inList(opcode: number, kind: number, a: number, list: number): Truth {
    const slots = this.#slots;
    const first = slots.offset[list]!;
    const end = first + slots.length[list]!;
    let answer: Truth = FALSE;
    for (let cell = first; cell < end; cell++) {
      if (slots.state[cell] !== PRESENT) answer = UNKNOWN;
      else if (
        opcode === OP_IN_CIDRS
          ? this.#inCidr(a, cell)
          : kind === KIND_STRING
            ? this.#equalStrings(a, cell)
            : kind === KIND_ADDRESS
              ? this.#equalAddresses(a, cell)
              : slots.number[a] === slots.number[cell]
      )
        return TRUE;
    }
    return answer;
  }
}

/** Elements of a set that are looked at one by one. */
const SEARCHED_MIN = 8;
/** What SUM, MIN and MAX go through; `body`: -1 for none. */
interface Fold {
  readonly body: number;
  readonly list: number;
  readonly field: number;
  readonly into: number;
  readonly isFloat: boolean;
}

function frameStart(frame: number, temporaries: number, outer: number, inner: number): number {
  return frame === 0 ? 0 : frame === 1 ? outer : frame === 2 ? inner : temporaries;
}

/** Finite, or for a whole number exact; NaN is neither. */
function isWithin(value: number, isFloat: boolean): boolean {
  return isFloat
    ? Number.isFinite(value)
    : value >= -Number.MAX_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
}

/** v4 lies in v4 networks only, v6 in v6 networks only; v4 is stored v4-mapped with its prefix + 96. */
function inPrefix(
  address: Uint8Array,
  at: number,
  network: Uint8Array,
  networkAt: number,
  prefix: number,
): boolean {
  if (prefix < 96 && isV4(address, at)) return false;
  return sameBits(address, at, network, networkAt, prefix);
}

function isV4(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}
