/** Values of the request as text: for what a limit counts by, and for texts of obligations. */
import { cellShapes } from "../bytecode/cells.ts";
import type { Program, Shape } from "../bytecode/program.ts";
import type { Slots } from "../request/slots.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class CellTexts {
  readonly #program: Program;
  readonly #slots: Slots;
  /** By cell of the global frame; made when the first text is asked for. */
  #shapes: readonly Shape[] | null = null;

  constructor(program: Program, slots: Slots) {
    this.#program = program;
    this.#slots = slots;
  }

  /** The text of a cell that is present; null where it has more than so many bytes. Of an address none. */
  of(cell: number, bytesMax: number): string | null {
    const { number, offset, length, bytes } = this.#slots;
    const shape = this.shapeOf(cell);
    switch (shape.type) {
      case "string":
        if (length[cell]! > bytesMax) return null;
        return decoder.decode(bytes.subarray(offset[cell]!, offset[cell]! + length[cell]!));
      case "bool":
        return number[cell] === 1 ? "true" : "false";
      case "enum": {
        const member = this.#program.enums[shape.enumIndex]!.members[number[cell]!];
        return member === undefined ? "" : this.#program.strings.at(member);
      }
      default:
        return String(number[cell]);
    }
  }

  shapeOf(cell: number): Shape {
    this.#shapes ??= this.#program.slots.flatMap(({ shape }) => cellShapes(shape));
    return this.#shapes[cell]!;
  }
}
