/** Cells of frames: which value each one holds, and how a reader calls it. */
import type { Program, Shape } from "./program.ts";

export interface Cell {
  readonly shape: Shape;
  /** Names of the fields from the value to the cell, each with a dot before it; empty for the value itself. */
  readonly path: string;
}

/** Shapes of the cells of one value, in order: `width` many. INVARIANT: each cell is the first of the value or of a field. */
export function cellShapes(shape: Shape): Shape[] {
  return [shape, ...shape.fields.flatMap((field) => cellShapes(field.shape))];
}

/** The same with names. */
export function cellsOf(shape: Shape, path = ""): Cell[] {
  const fields = shape.fields.flatMap((field) => cellsOf(field.shape, `${path}.${field.name}`));
  return [{ shape, path }, ...fields];
}

/** Dotted names of all cells of the global frame. */
export function globalCellNames(slots: Program["slots"]): string[] {
  return slots.flatMap((slot) => cellsOf(slot.shape).map((cell) => slot.name + cell.path));
}
