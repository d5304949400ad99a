/**
 * Runs routines over slots. Each instruction tests and branches; a test answers 0 (false), 1 (true) or 2 (unknown), and
 * unknown counts as the run's mode. Nothing is allocated, jumps only lead forward, lists are bounded: every run ends.
 */
import * as op from "../bytecode/gen/constants.ts";
import type { Program } from "../bytecode/program.ts";
import { ABSENT, PRESENT, type Slots } from "../request/slots.ts";
import { ByteSearch, sameBytes } from "./byte-search.ts";
import { KIND_ADDRESS, KIND_STRING, type LinkedCode, link } from "./link.ts";

const FALSE = 0;
const TRUE = 1;
const UNKNOWN = 2;
type Truth = 0 | 1 | 2;

export class Interpreter {
  /** Whether the last run met an unknown test; if not, its answer does not depend on the mode. */
  metUnknown = false;
  readonly #program: Program;
  readonly #code: LinkedCode;
  readonly #slots: Slots;
  readonly #search = new ByteSearch();
  /** First cell of each frame. */
  readonly #base = new Int32Array(3);
  /** Sure and possible number of each register; sure is -1 where the list is unknown. */
  readonly #sure = new Int32Array(2);
  readonly #possible = new Int32Array(2);

  constructor(program: Program, slots: Slots) {
    this.#program = program;
    this.#code = link(program);
    this.#slots = slots;
  }

  /** Run the routine that starts at `start`; `mode` is what unknown counts as. */
  run(start: number, mode: boolean): boolean {
    this.metUnknown = false;
    return this.#region(start, mode ? TRUE : FALSE, 1);
  }

  /** Run until ACCEPT or REJECT. `depth`: frame that the next body gets. */
  #region(start: number, mode: Truth, depth: number): boolean {
    const code = this.#code;
    let pc = start;
    for (;;) {
      const opcode = code.opcode[pc]!;
      let step = 1;
      let truth: Truth;
      switch (opcode) {
        case op.OP_ACCEPT:
          return true;
        case op.OP_REJECT:
          return false;
        case op.OP_COUNT:
          this.#count(pc, depth);
          pc += 1 + code.b[pc]!;
          continue;
        case op.OP_ANY:
        case op.OP_ALL:
          step = 1 + code.b[pc]!;
          truth = this.#quantifier(pc, mode, depth);
          break;
        default:
          truth = this.#test(opcode, pc);
      }
      if (truth === UNKNOWN) {
        this.metUnknown = true;
        truth = mode;
      } else if (code.negate[pc] === 1) {
        truth = truth === TRUE ? FALSE : TRUE;
      }
      pc += truth === code.sense[pc] ? code.jump[pc]! : step;
    }
  }

  // --- aggregates ---

  #quantifier(pc: number, mode: Truth, depth: number): Truth {
    const code = this.#code;
    const slots = this.#slots;
    const list = this.#base[code.frameA[pc]!]! + code.a[pc]!;
    if (slots.state[list] !== PRESENT) return UNKNOWN;
    const any = code.opcode[pc] === op.OP_ANY;
    const first = slots.offset[list]!;
    const width = slots.id[list]!;
    const end = first + slots.length[list]! * width;
    for (let cell = first; cell < end; cell += width) {
      this.#base[depth] = cell;
      if (this.#region(pc + 1, mode, depth + 1) === any) return any ? TRUE : FALSE;
    }
    return any ? FALSE : TRUE;
  }

  #count(pc: number, depth: number): void {
    const code = this.#code;
    const slots = this.#slots;
    const register = code.register[pc]!;
    const list = this.#base[code.frameA[pc]!]! + code.a[pc]!;
    if (slots.state[list] !== PRESENT) {
      this.#sure[register] = -1;
      return;
    }
    const before = this.metUnknown;
    // A body may count too; what it does to register 0 must not reach a comparison of register 0 with register 1.
    const sureBefore = this.#sure[0]!;
    const possibleBefore = this.#possible[0]!;
    const first = slots.offset[list]!;
    const width = slots.id[list]!;
    const end = first + slots.length[list]! * width;
    const hasBody = code.b[pc] !== 0;
    let sure = 0;
    let possible = 0;
    for (let cell = first; cell < end; cell += width) {
      this.#base[depth] = cell;
      const truth = hasBody
        ? this.#element(pc + 1, depth + 1)
        : slots.state[cell] === PRESENT
          ? TRUE
          : UNKNOWN;
      if (truth === TRUE) sure++;
      if (truth !== FALSE) possible++;
    }
    // What the body met is in the two numbers now; only the comparison with them can be unknown.
    this.metUnknown = before;
    this.#sure[0] = sureBefore;
    this.#possible[0] = possibleBefore;
    this.#sure[register] = sure;
    this.#possible[register] = possible;
  }

  #element(pc: number, depth: number): Truth {
    this.metUnknown = false;
    if (this.#region(pc, FALSE, depth)) return TRUE;
    if (!this.metUnknown) return FALSE;
    return this.#region(pc, TRUE, depth) ? UNKNOWN : FALSE;
  }

  // --- tests ---

  #test(opcode: number, pc: number): Truth {
    const code = this.#code;
    const slots = this.#slots;
    const a = this.#base[code.frameA[pc]!]! + code.a[pc]!;
    const b = code.b[pc]!;
    switch (opcode) {
      case op.OP_CONSTANT:
        return b as Truth;
      case op.OP_EXISTS: {
        const state = slots.state[a]!;
        return state === PRESENT ? TRUE : state === ABSENT ? FALSE : UNKNOWN;
      }
      case op.OP_EQ_COUNT:
      case op.OP_LT_COUNT:
      case op.OP_LE_COUNT:
        return this.#compareCount(opcode - op.OP_EQ_COUNT, this.#program.numbers[b]!);
      case op.OP_EQ_COUNT_CELL:
      case op.OP_LT_COUNT_CELL:
      case op.OP_LE_COUNT_CELL: {
        const cell = this.#base[code.frameB[pc]!]! + b;
        if (slots.state[cell] !== PRESENT) return UNKNOWN;
        return this.#compareCount(opcode - op.OP_EQ_COUNT_CELL, slots.number[cell]!);
      }
      case op.OP_EQ_COUNTS:
      case op.OP_LT_COUNTS:
      case op.OP_LE_COUNTS:
        return this.#compareCounts(opcode - op.OP_EQ_COUNTS);
      default:
        return slots.state[a] === PRESENT ? this.#present(opcode, pc, a, b) : UNKNOWN;
    }
  }

  /** Tests of a present cell. */
  #present(opcode: number, pc: number, a: number, b: number): Truth {
    const slots = this.#slots;
    const { numbers } = this.#program;
    switch (opcode) {
      case op.OP_TRUTH:
        return truth(slots.number[a] !== 0);
      case op.OP_EQ_STRING:
        return truth(slots.id[a] === b);
      case op.OP_IN_STRINGS:
        return truth(this.#inSet(slots.id[a]!, b));
      case op.OP_STARTS_STRING:
      case op.OP_ENDS_STRING:
      case op.OP_CONTAINS_STRING:
        return truth(this.#textConstant(opcode, a, b));
      case op.OP_EQ_NUMBER:
        return truth(slots.number[a] === numbers[b]);
      case op.OP_LT_NUMBER:
        return truth(slots.number[a]! < numbers[b]!);
      case op.OP_LE_NUMBER:
        return truth(slots.number[a]! <= numbers[b]!);
      case op.OP_IN_NUMBERS:
        return truth(this.#inNumbers(slots.number[a]!, b));
      case op.OP_EQ_MEMBER:
        return truth(slots.number[a] === b);
      case op.OP_LT_MEMBER:
        return truth(slots.number[a]! < b);
      case op.OP_LE_MEMBER:
        return truth(slots.number[a]! <= b);
      case op.OP_IN_MEMBERS:
        return truth(this.#inSet(slots.number[a]!, b));
      case op.OP_EQ_ADDRESS:
        return truth(this.#equalsNetwork(a, b));
      case op.OP_IN_NETWORK:
        return truth(this.#inNetwork(a, b));
      case op.OP_IN_NETWORKS:
        return truth(this.#inNetworks(a, b));
      case op.OP_HAS_STRING:
      case op.OP_HAS_NUMBER:
      case op.OP_HAS_MEMBER:
      case op.OP_HAS_ADDRESS:
        return this.#has(opcode, a, b);
      default:
        return this.#pair(opcode, pc, a, this.#base[this.#code.frameB[pc]!]! + b);
    }
  }

  /** Tests of two cells. */
  #pair(opcode: number, pc: number, a: number, b: number): Truth {
    const slots = this.#slots;
    if (slots.state[b] !== PRESENT) return UNKNOWN;
    switch (opcode) {
      case op.OP_EQ_STRINGS:
        return truth(this.#equalStrings(a, b));
      case op.OP_STARTS_STRINGS:
      case op.OP_ENDS_STRINGS:
      case op.OP_CONTAINS_STRINGS:
        return truth(
          this.#textOf(opcode - op.OP_STARTS_STRINGS, a, slots.bytes, slots.offset[b]!, slots.length[b]!),
        );
      case op.OP_EQ_NUMBERS:
        return truth(slots.number[a] === slots.number[b]);
      case op.OP_LT_NUMBERS:
        return truth(slots.number[a]! < slots.number[b]!);
      case op.OP_LE_NUMBERS:
        return truth(slots.number[a]! <= slots.number[b]!);
      case op.OP_EQ_ADDRESSES:
        return truth(this.#equalAddresses(a, b));
      case op.OP_IN_CIDR:
        return truth(this.#inCidr(a, b));
      case op.OP_IN_LIST:
      case op.OP_IN_CIDRS:
        return this.#inList(opcode, this.#code.kind[pc]!, a, b);
      default:
        // INVARIANT: the verifier lets no other opcode through.
        return UNKNOWN;
    }
  }

  // --- strings ---

  #textConstant(opcode: number, a: number, constant: number): boolean {
    const { stringBytes, stringOffsets } = this.#program;
    const start = stringOffsets[constant]!;
    return this.#textOf(
      opcode - op.OP_STARTS_STRING,
      a,
      stringBytes,
      start,
      stringOffsets[constant + 1]! - start,
    );
  }

  /** `kind`: 0 starts, 1 ends, 2 contains. */
  #textOf(kind: number, a: number, bytes: Uint8Array, start: number, length: number): boolean {
    const slots = this.#slots;
    const room = slots.length[a]! - length;
    if (room < 0) return false;
    const from = slots.offset[a]!;
    if (kind === 0) return sameBytes(slots.bytes, from, bytes, start, length);
    if (kind === 1) return sameBytes(slots.bytes, from + room, bytes, start, length);
    return this.#search.contains(slots.bytes, from, slots.length[a]!, bytes, start, length);
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

  #inSet(value: number, set: number): boolean {
    const { setElements, setOffsets } = this.#program;
    const end = setOffsets[set + 1]!;
    for (let i = setOffsets[set]!; i < end; i++) {
      if (setElements[i] === value) return true;
    }
    return false;
  }

  #inNumbers(value: number, set: number): boolean {
    const { setElements, setOffsets, numbers } = this.#program;
    const end = setOffsets[set + 1]!;
    for (let i = setOffsets[set]!; i < end; i++) {
      if (numbers[setElements[i]!] === value) return true;
    }
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

  #inNetworks(a: number, set: number): boolean {
    const { setElements, setOffsets } = this.#program;
    const end = setOffsets[set + 1]!;
    for (let i = setOffsets[set]!; i < end; i++) {
      if (this.#inNetwork(a, setElements[i]!)) return true;
    }
    return false;
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
        opcode === op.OP_HAS_STRING
          ? slots.id[cell] === b
          : opcode === op.OP_HAS_NUMBER
            ? slots.number[cell] === numbers[b]
            : opcode === op.OP_HAS_MEMBER
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
        opcode === op.OP_IN_CIDRS
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

  // --- counts ---

  /** `order`: 0 equal, 1 less, 2 at most. */
  #compareCount(order: number, value: number): Truth {
    return this.#sure[0]! < 0 ? UNKNOWN : between(order, this.#sure[0]!, this.#possible[0]!, value, value);
  }

  #compareCounts(order: number): Truth {
    if (this.#sure[0]! < 0 || this.#sure[1]! < 0) return UNKNOWN;
    const exact = this.#sure[0] === this.#possible[0] || this.#sure[1] === this.#possible[1];
    return exact
      ? between(order, this.#sure[0]!, this.#possible[0]!, this.#sure[1]!, this.#possible[1]!)
      : UNKNOWN;
  }
}

/** Does every number of the first range stand in the order to every number of the second? */
function between(order: number, low: number, high: number, otherLow: number, otherHigh: number): Truth {
  if (order === 0) {
    if (low === high && otherLow === otherHigh && low === otherLow) return TRUE;
    // A range holds whole numbers only, so a fraction equals none of them; that is false as soon as it is no member.
    return otherHigh < low || otherLow > high || (otherLow === otherHigh && !Number.isInteger(otherLow))
      ? FALSE
      : UNKNOWN;
  }
  if (order === 1) return high < otherLow ? TRUE : low >= otherHigh ? FALSE : UNKNOWN;
  return high <= otherLow ? TRUE : low > otherHigh ? FALSE : UNKNOWN;
}

function truth(value: boolean): Truth {
  return value ? TRUE : FALSE;
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
  const whole = prefix >> 3;
  if (!sameBytes(address, at, network, networkAt, whole)) return false;
  const rest = prefix & 7;
  return (
    rest === 0 || ((address[at + whole]! ^ network[networkAt + whole]!) & (0xff << (8 - rest)) & 0xff) === 0
  );
}

function isV4(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}
