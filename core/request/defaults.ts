/** Defaults replace what is absent, never what is invalid (docs/request.md, section 9). */
import type { Program, Shape, Slot } from "../bytecode/program.ts";
import { ABSENT, PRESENT, type Slots } from "./slots.ts";

const ADDRESS_BYTES = 16;

/** Gives the slot, which has a default, that default if it is absent. */
export function applyDefault(program: Program, slots: Slots, slot: Slot): void {
  const { cell, defaultIndex: index } = slot;
  if (slots.state[cell] === ABSENT) giveConstant(program, slots, slot.shape, cell, index);
}

/** Gives a cell the constant of a scalar type. */
export function giveConstant(
  program: Program,
  slots: Slots,
  shape: Shape,
  cell: number,
  index: number,
): void {
  slots.state[cell] = PRESENT;
  switch (shape.type) {
    case "string":
      copy(
        slots,
        cell,
        program.stringBytes,
        program.stringOffsets[index]!,
        program.stringOffsets[index + 1]!,
      );
      slots.length[cell] = slots.used - slots.offset[cell]!;
      slots.id[cell] = index;
      return;
    case "int":
    case "float":
    case "datetime":
    case "duration":
      slots.number[cell] = program.numbers[index]!;
      return;
    case "ip":
    case "cidr":
      copy(slots, cell, program.networks, index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES);
      slots.length[cell] = program.prefixes[index]!;
      return;
    default:
      slots.number[cell] = index;
  }
}

function copy(slots: Slots, cell: number, from: Uint8Array, start: number, end: number): void {
  const at = slots.room(end - start);
  for (let i = start; i < end; i++) slots.bytes[at + i - start] = from[i]!;
  slots.offset[cell] = at;
  slots.used = at + end - start;
}
