/**
 * What a program compares with what: the constants that decide about each value, from its code. Whoever looks for requests
 * draws from these, since a value that no test names is as good as any other.
 *
 * Values are named by paths: a cell of the global frame by its number, what lies in an element of a list by the list's path,
 * `[` and the cell within the element. Instructions are read by what the specification says of their operands, so one that
 * is added later is understood as far as its operands are.
 */
import { samplesOf } from "../automaton/samples.ts";
import { cellShapes } from "../bytecode/cells.ts";
import { type Instruction, inRow, instructionAt } from "../bytecode/decode/instructions.ts";
import { OP_LOOKUP, OP_TALLY } from "../bytecode/gen/constants.ts";
import type { ExplainNode, Program, Shape } from "../bytecode/program.ts";
import type { Json } from "../request/facts.ts";
import { formatAddress, formatNetwork } from "../source/address.ts";

/** Constants of one value that are kept; a policy rarely names more, and a search cannot try more. */
const CONSTANTS_MAX = 64;
/** Values of a map that may be a part of a sum. */
const LOADED_MAX = 4;
const NUMERIC: readonly string[] = ["int", "float", "datetime", "duration"];
/** The frame of computed values. */
const TEMPORARIES = 3;
const ADDRESS_BYTES = 16;
const ADDRESS_PREFIX = 128;

/** Where what is read goes. */
interface Sink {
  add(path: string, constant: Json): void;
  addSize(path: string, size: number): void;
  mention(path: string): void;
  link(a: string, b: string): void;
  /** Set where some value is computed. */
  computes: boolean;
}

/** The constants of one routine. */
export class RoutineWords implements Sink {
  readonly constants = new Map<string, Json[]>();
  readonly sizes = new Map<string, number[]>();
  computes = false;

  add(path: string, constant: Json): void {
    append(this.constants, path, constant);
  }

  addSize(path: string, size: number): void {
    append(this.sizes, path, size);
  }

  mention(): void {}

  link(): void {}
}

/** Once each, and not too many. */
function append<T>(lists: Map<string, T[]>, path: string, value: T): void {
  const known = lists.get(path) ?? [];
  if (known.length < CONSTANTS_MAX && !known.includes(value)) known.push(value);
  lists.set(path, known);
}

/** Instructions, and where the constants start that they take from a row. */
interface Range {
  readonly start: number;
  readonly end: number;
  readonly row: number;
}

function hasColumns({ code }: Program, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (instructionAt(code, i).column) return true;
  return false;
}

export class Vocabulary implements Sink {
  readonly #program: Program;
  readonly #global: Frame;
  readonly #ends = new Map<number, number>();
  readonly #routines = new Map<string, RoutineWords>();
  computes = false;
  readonly #constants = new Map<string, Json[]>();
  readonly #sizes = new Map<string, number[]>();
  readonly #parents = new Map<string, string>();
  readonly #linked = new Map<string, Set<string>>();
  readonly #mentioned = new Set<string>();

  constructor(program: Program) {
    this.#program = program;
    const global = program.slots.flatMap((slot) => cellShapes(slot.shape));
    const paths = global.map((_, cell) => String(cell));
    this.#global = { shapes: global, paths };
    for (const name of program.policySets?.names ?? []) {
      this.add(String(program.policySets!.cell), program.strings.at(name));
      this.mention(String(program.policySets!.cell));
    }
    for (let r = 0; r + 1 < program.routineStarts.length; r++) {
      const [start, end] = [program.routineStarts[r]!, program.routineStarts[r + 1]!];
      this.#ends.set(start, end);
      if (!hasColumns(program, start, end)) this.#region({ start, end, row: 0 }, [this.#global], this);
    }
    const { triggers, requirements, rowStarts } = program.policies.columns;
    for (let i = 0; i < program.policies.length; i++)
      for (const start of [triggers[i]!, requirements[i]!]) {
        if (start === -1 || rowStarts[i] === rowStarts[i + 1]) continue;
        const range = { start, end: this.#ends.get(start)!, row: rowStarts[i]! };
        if (hasColumns(program, start, range.end)) this.#region(range, [this.#global], this);
      }
  }

  /** What a condition alone compares with what. */
  within({ code: start, row }: Pick<ExplainNode, "code" | "row">): RoutineWords {
    const key = `${start} ${row}`;
    const known = this.#routines.get(key);
    if (known !== undefined) return known;
    const words = new RoutineWords();
    this.#region({ start, end: this.#ends.get(start) ?? start, row }, [this.#global], words);
    this.#routines.set(key, words);
    return words;
  }

  /** What the value is compared with, or any value that is compared with it. */
  constants(path: string): readonly Json[] {
    return this.#constants.get(this.#root(path)) ?? [];
  }

  /** Numbers that the size of a list is compared with. */
  sizes(path: string): readonly number[] {
    return this.#sizes.get(path) ?? [];
  }

  /** Paths of values that are compared with this one, itself among them. */
  linked(path: string): readonly string[] {
    return [...(this.#linked.get(this.#root(path)) ?? [path])];
  }

  /** Does some test read the value, or a part of it? */
  mentions(path: string): boolean {
    return this.#mentioned.has(path);
  }

  #region({ start, end, row }: Range, frames: readonly Frame[], sink: Sink): void {
    const scope: Scope = { frames, temporaries: new Map(), given: new Map(), loaded: [] };
    let counted: string | null = null;
    for (let i = start; i < end; i++) {
      const instruction = inRow(instructionAt(this.#program.code, i), this.#program.rows, row);
      const { info, b } = instruction;
      const as = info.a === "none" ? [] : cellsAt(scope, instruction.frameA, instruction.a);
      const bs = info.b.endsWith("Cell") ? cellsAt(scope, instruction.frameB, b) : [];
      for (const cell of [...as, ...bs]) sink.mention(cell.path);
      for (const value of givenTo(instruction, scope))
        for (const cell of [...as, ...bs]) addValue(cell, value, sink);
      if (info.b.startsWith("body")) {
        const [list] = as;
        if (list?.shape.element == null) continue;
        if (info.computes) this.#compute(instruction, elementCells(instruction, list), scope, sink);
        else counted = list.path;
        const shapes = cellShapes(list.shape.element);
        const frame = { shapes, paths: shapes.map((_, k) => `${list.path}[${k}`) };
        this.#region({ start: i + 1, end: i + 1 + b, row }, [...frames, frame], sink);
        i += b;
      } else if (instruction.opcode === OP_LOOKUP) this.#lookUp(instruction, as, scope, sink);
      else if (info.computes) this.#compute(instruction, [...as, ...bs], scope, sink);
      else if (bs.length > 0) linkAll([...as, ...bs], sink);
      else if (as.length > 0) {
        for (const cell of as) this.#addAll(instruction, cell, scope, sink);
      } else if (info.b === "number" && counted !== null) sink.addSize(counted, this.#program.numbers[b]!);
    }
  }

  /** A computed value stands for what it is made of: what is compared with it says something of each part. */
  #compute(instruction: Instruction, parts: readonly NamedCell[], scope: Scope, sink: Sink): void {
    if (instruction.info.b === "number") scope.loaded.push(this.#program.numbers[instruction.b]!);
    for (const part of parts) {
      if (part.sized !== true && NUMERIC.includes(part.shape.type))
        for (const number of scope.loaded) sink.add(scalarPath(part), number);
    }
    linkAll(parts, sink);
    sink.computes = true;
    scope.temporaries.set(
      instruction.into,
      parts.map((part) => ({ ...part, computed: true })),
    );
  }

  /** The keys of a map say something of what the key is made of, its values of what they are compared with. */
  #lookUp({ b, into }: Instruction, parts: readonly NamedCell[], scope: Scope, sink: Sink): void {
    const { key, value, keys, values } = this.#program.maps[b]!;
    const json = (shape: Shape, indexes: Int32Array): Json[] =>
      [...indexes.subarray(0, CONSTANTS_MAX)].map((index) => constantOf(this.#program, shape, index));
    for (const each of json(key, keys)) for (const part of parts) addValue(part, each, sink);
    const given = json(value, values);
    scope.loaded.push(...given.filter((each) => typeof each === "number").slice(0, LOADED_MAX));
    scope.given.set(into, given);
    scope.temporaries.set(into, []);
    sink.computes = true;
  }

  #addAll(instruction: Instruction, cell: NamedCell, { loaded }: Scope, sink: Sink): void {
    for (const constant of this.#constantsOf(instruction, cell.shape)) {
      if (cell.sized === true) {
        if (typeof constant === "number") sink.addSize(cell.path, constant);
        continue;
      }
      sink.add(scalarPath(cell), constant);
      if (cell.computed !== true || typeof constant !== "number") continue;
      for (const number of loaded) {
        sink.add(scalarPath(cell), constant - number);
        sink.add(scalarPath(cell), constant + number);
      }
    }
  }

  mention(path: string): void {
    for (let at = path; ; at = at.slice(0, at.lastIndexOf("["))) {
      this.#mentioned.add(at);
      if (!at.includes("[")) return;
    }
  }

  #constantsOf({ info, b }: Instruction, shape: Shape): Json[] {
    const { program } = { program: this.#program };
    const set = (): number[] => [
      ...program.setElements.subarray(program.setOffsets[b]!, program.setOffsets[b + 1]!),
    ];
    switch (info.b) {
      case "string":
        return [program.strings.at(b)];
      case "strings":
        return set().map((index) => program.strings.at(index));
      case "number":
        return [program.numbers[b]!];
      case "numbers":
        return set().map((index) => program.numbers[index]!);
      case "member":
        return [memberOf(program, shape, b)];
      case "members":
        return set().map((member) => memberOf(program, shape, member));
      case "network":
        return [networkOf(program, b)];
      case "networks":
        return set().map((index) => networkOf(program, index));
      case "automaton":
        return samplesOf(program.automata[b]!);
      default:
        return [];
    }
  }

  add(path: string, constant: Json): void {
    append(this.#constants, this.#root(path), constant);
  }

  addSize(path: string, size: number): void {
    append(this.#sizes, path, size);
  }

  link(a: string, b: string): void {
    const [left, right] = [this.#root(a), this.#root(b)];
    const group = new Set([...(this.#linked.get(left) ?? [a]), ...(this.#linked.get(right) ?? [b])]);
    this.#linked.set(left, group);
    if (left === right) return;
    this.#parents.set(right, left);
    for (const constant of this.#constants.get(right) ?? []) this.add(left, constant);
  }

  #root(path: string): string {
    let root = path;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root))
      root = parent;
    return root;
  }
}

/** Cells that are in reach under one number. */
interface Frame {
  readonly shapes: readonly Shape[];
  readonly paths: readonly string[];
}

interface NamedCell {
  readonly path: string;
  readonly shape: Shape;
  /** It is a part of what was computed. */
  readonly computed?: true;
  /** Not the list itself but its size. */
  readonly sized?: true;
}

/** What instructions of one region can name. */
interface Scope {
  readonly frames: readonly Frame[];
  /** Computed values, by what they are made of. */
  readonly temporaries: Map<number, readonly NamedCell[]>;
  /** Values that maps give. */
  readonly given: Map<number, readonly Json[]>;
  /** Numbers that take part in computing. */
  readonly loaded: number[];
}

/** The cell, or what a computed value is made of. */
function cellsAt({ frames, temporaries }: Scope, frame: number, cell: number): readonly NamedCell[] {
  if (frame === TEMPORARIES) return temporaries.get(cell) ?? [];
  const shape = frames[frame]?.shapes[cell];
  return shape === undefined ? [] : [{ shape, path: frames[frame]!.paths[cell]! }];
}

/** What maps give to an instruction. */
function givenTo({ info, frameA, a, frameB, b }: Instruction, { given }: Scope): readonly Json[] {
  const first = info.a !== "none" && frameA === TEMPORARIES ? given.get(a) : undefined;
  const second = info.b.endsWith("Cell") && frameB === TEMPORARIES ? given.get(b) : undefined;
  return [...(first ?? []), ...(second ?? [])];
}

function addValue(cell: NamedCell, value: Json, sink: Sink): void {
  if (cell.sized !== true) sink.add(scalarPath(cell), value);
  else if (typeof value === "number") sink.addSize(cell.path, value);
}

/** What SUM, MIN and MAX take of the elements; of TALLY, which takes nothing of them, the size. */
function elementCells({ opcode, field }: Instruction, list: NamedCell): NamedCell[] {
  if (opcode === OP_TALLY) return [{ ...list, sized: true }];
  const shape = cellShapes(list.shape.element!)[field];
  return shape === undefined ? [] : [{ shape, path: `${list.path}[${field}` }];
}

function linkAll(cells: readonly NamedCell[], sink: Sink): void {
  const [first, ...others] = cells.filter((cell) => cell.sized !== true);
  if (first === undefined) return;
  for (const other of others) sink.link(scalarPath(first), scalarPath(other));
}

/** Of a list, what is compared are its elements. */
function scalarPath({ path, shape }: NamedCell): string {
  return shape.element === null ? path : `${path}[0`;
}

function constantOf(program: Program, shape: Shape, index: number): Json {
  switch (shape.type) {
    case "string":
      return program.strings.at(index);
    case "ip":
    case "cidr":
      return networkOf(program, index);
    case "bool":
    case "enum":
      return memberOf(program, shape, index);
    default:
      return program.numbers[index]!;
  }
}

function memberOf(program: Program, shape: Shape, member: number): Json {
  const scalar = shape.element ?? shape;
  if (scalar.type !== "enum") return member === 1;
  return program.strings.at(program.enums[scalar.enumIndex]!.members[member]!);
}

function networkOf({ networks, prefixes }: Program, index: number): string {
  const at = index * ADDRESS_BYTES;
  return prefixes[index] === ADDRESS_PREFIX
    ? formatAddress(networks, at)
    : formatNetwork(networks, prefixes[index]!, at);
}
