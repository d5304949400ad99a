/** Code of routines with handles for constants, each once: what stays of it from one bundle to the next. */
import { INSTRUCTIONS, type OperandB } from "./gen/tables.ts";
import { Lists } from "./lists.ts";
import { TooLarge } from "./too-large.ts";

/** Four u16 an instruction: head, a, b, jump; `b` may be larger where it is a constant. */
export type Words = readonly number[];

/** Bit of a head: `b` is a column of the policy's row. */
export const COLUMN = 1 << 15;

export const WORDS = 4;
const U16_MAX = 0xffff;

const CONSTANTS: ReadonlySet<OperandB> = new Set([
  "string",
  "strings",
  "number",
  "numbers",
  "member",
  "members",
  "network",
  "networks",
  "automaton",
  "schedule",
]);

/** Is `b` of such an instruction something that can stand in a row? */
export function takesColumn(kind: OperandB): boolean {
  return CONSTANTS.has(kind);
}

/** By opcode. */
const KINDS = INSTRUCTIONS.map((info) => info?.b ?? "none");
const TAKES_COLUMN = KINDS.map(takesColumn);

/** Code but for the constants in it. */
export interface Form {
  readonly id: number;
  /** With zeros for the constants. */
  readonly words: Words;
  /** Where in `words` a constant belongs, and what it is. */
  readonly places: readonly number[];
  readonly kinds: readonly OperandB[];
  /** Where in `words` the handle of a map stands. */
  readonly maps: readonly number[];
  /** Cells of the global frame that some instruction tests. */
  readonly cells: ReadonlySet<number>;
  readonly aggregates: boolean;
  readonly computes: boolean;
}

export interface Routine {
  readonly id: number;
  readonly form: Form;
  /** One for each place: handles, or members. */
  readonly constants: readonly number[];
}

/** INVARIANT: two routines, or forms, that are equal are one object. */
export class Routines {
  readonly all: Routine[] = [];
  readonly #forms = new Lists<Form>();
  readonly #routines = new Lists<Routine>();
  #formCount = 0;

  /** The routine with this code. */
  of(words: Words): Routine {
    const bare = [...words];
    const constants: number[] = [];
    for (let at = 0; at < bare.length; at += WORDS) {
      const head = bare[at]!;
      if (!TAKES_COLUMN[head & 0xff] || (head & COLUMN) !== 0) continue;
      constants.push(bare[at + 2]!);
      bare[at + 2] = 0;
    }
    return this.#with(
      this.#forms.of(bare, () => formOf(this.#formCount++, bare)),
      constants,
    );
  }

  /** The same code with columns at some places of its constants; -1 where the constant stays. */
  inColumns({ form, constants }: Routine, columns: readonly number[]): Routine {
    if (columns.every((column) => column === -1)) return this.#with(form, constants);
    const words = [...form.words];
    form.places.forEach((at, i) => {
      const column = columns[i]!;
      if (column > U16_MAX) throw new TooLarge();
      words[at] = column === -1 ? constants[i]! : column;
      if (column !== -1) words[at - 2] = words[at - 2]! | COLUMN;
    });
    return this.of(words);
  }

  #with(form: Form, constants: readonly number[]): Routine {
    return this.#routines.of([form.id, ...constants], () => {
      const routine = { id: this.all.length, form, constants };
      this.all.push(routine);
      return routine;
    });
  }
}

/** Cells of the global frame that some instruction tests. */
export function cellsReadBy(words: Words): ReadonlySet<number> {
  const cells = new Set<number>();
  for (let i = 0; i < words.length; i += WORDS) {
    const head = words[i]!;
    const info = INSTRUCTIONS[head & 0xff]!;
    if (info.a !== "none" && ((head >> 10) & 3) === 0) cells.add(words[i + 1]!);
    if (info.b.endsWith("Cell") && ((head >> 12) & 3) === 0) cells.add(words[i + 2]!);
  }
  return cells;
}

function formOf(id: number, words: Words): Form {
  const places: number[] = [];
  const kinds: OperandB[] = [];
  const maps: number[] = [];
  let [aggregates, computes] = [false, false];
  for (let at = 0; at < words.length; at += WORDS) {
    const head = words[at]!;
    const info = INSTRUCTIONS[head & 0xff]!;
    aggregates ||= info.b.startsWith("body");
    computes ||= info.computes;
    if (info.b === "map") maps.push(at + 2);
    if (!TAKES_COLUMN[head & 0xff] || (head & COLUMN) !== 0) continue;
    places.push(at + 2);
    kinds.push(info.b);
  }
  return { id, words, places, kinds, maps, cells: cellsReadBy(words), aggregates, computes };
}
