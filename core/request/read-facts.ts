/** What a bundle reads of a request, as plain data that outlives the request: for logs, and for judging again. */
import type { Program, Shape, Slot } from "../bytecode/program.ts";
import { giveConstant } from "./defaults.ts";
import { type FactValue, factIn, sameFact } from "./facts.ts";
import type { NeutralRequest } from "./neutral.ts";
import { Slots } from "./slots.ts";

/** One fact, as the policies saw it. */
export interface ReadFact {
  /** The attribute's dotted name. */
  readonly name: string;
  /** Where the bundle says that it comes from, such as `header x-department`. */
  readonly from: string;
  /** Facts of one type can be put in each other's place. */
  readonly type: string;
  readonly fact: FactValue;
  /** The host was told the value itself, and did not look where it comes from. */
  readonly stated: boolean;
  /** It may have been absent: the attribute has a default, and this is it. */
  readonly likeDefault: boolean;
}

/** Where a slot's value comes from, and how it is read there. */
export function originOf({ source, argument, verbatim }: Slot): string {
  return `${source} ${argument}${verbatim ? " verbatim" : ""}`;
}

/** A shape in words: two shapes with the same words hold the same values. */
export function typeOf(shape: Shape, program: Pick<Program, "enums" | "strings">): string {
  switch (shape.type) {
    case "enum": {
      const { ordered, members } = program.enums[shape.enumIndex]!;
      return `enum ${members.map((member) => program.strings.at(member)).join(ordered ? " < " : ", ")}`;
    }
    case "list":
      return `list of ${typeOf(shape.element!, program)}`;
    case "record":
      return `record (${shape.fields.map((field) => `${field.name}: ${typeOf(field.shape, program)}`).join(", ")})`;
    default:
      return shape.type;
  }
}

/** Reads the facts of one program. What depends on the program alone is made once. */
export class FactReader {
  readonly #program: Program;
  readonly #read: readonly {
    readonly slot: Slot;
    readonly from: string;
    readonly type: string;
    /** Null where it has none. */
    readonly byDefault: FactValue | null;
  }[];

  constructor(program: Program) {
    this.#program = program;
    this.#read = program.slots
      .filter((slot) => slot.read)
      .map((slot) => ({
        slot,
        from: originOf(slot),
        type: typeOf(slot.shape, program),
        byDefault: defaultOf(slot, program),
      }));
  }

  /** Of the request that was loaded into the slots. */
  read(slots: Slots, { attributes }: Pick<NeutralRequest, "attributes">): ReadFact[] {
    return this.#read.map(({ slot, from, type, byDefault }) => {
      const fact = factIn(slots, slot, this.#program);
      return {
        ...{ name: slot.name, from, type, fact },
        stated: attributes?.has(slot.name) === true,
        likeDefault: byDefault !== null && sameFact(fact, byDefault),
      };
    });
  }
}

/** What a slot holds that is absent; null where it has no default. */
export function defaultOf(slot: Slot, program: Program): FactValue | null {
  if (!slot.hasDefault) return null;
  const slots = new Slots(program.cellCount);
  slots.reset(program.cellCount);
  giveConstant(program, slots, slot.shape, slot.cell, slot.defaultIndex);
  return factIn(slots, slot, program);
}
