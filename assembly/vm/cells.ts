/**
 * The facts of one request as cells, in the arena. The global frame is one run of cells, slot by slot; elements of a
 * list are a run of their own. A record takes a cell for itself and one for every cell of its fields, in order.
 *
 * | type | fields of the cell |
 * | --- | --- |
 * | string | `pointer`, `length` |
 * | int, float | `number` |
 * | bool, enum | `number`: 0 or 1; the member's index (`resource.type`: -1 when nothing matches) |
 * | ip, cidr | `pointer`: 16 bytes; `length`: prefix length in 128 bits (ip: 128) |
 * | list | `pointer`: the first element's cell; `length`: number of elements; `width`: cells of an element |
 * | record | only its state |
 */

// @ts-ignore: decorator
@inline export const ABSENT: u32 = 0;
// @ts-ignore: decorator
@inline export const PRESENT: u32 = 1;
// @ts-ignore: decorator
@inline export const INVALID: u32 = 2;

/** The greatest size of an int; above it a double no longer holds every whole number. */
// @ts-ignore: decorator
@inline export const SAFE_INTEGER_MAX: f64 = 9007199254740991;

/** How two cells are compared where the code does not say it. */
// @ts-ignore: decorator
@inline export const KIND_NUMBER: u32 = 0;
// @ts-ignore: decorator
@inline export const KIND_STRING: u32 = 1;
// @ts-ignore: decorator
@inline export const KIND_ADDRESS: u32 = 2;

// @ts-ignore: decorator
@inline export const CELL_BYTES: u32 = 24;

// @ts-ignore: decorator
@unmanaged
export class Cell {
  number: f64;
  pointer: usize;
  length: u32;
  width: u32;
  state: u16;
  /** Of a present scalar. */
  kind: u16;
}

/** Cell `index` of the run that starts at `first`. */
// @ts-ignore: decorator
@inline
export function cellAt(first: usize, index: u32): Cell {
  return changetype<Cell>(first + index * CELL_BYTES);
}

/** Give every cell of a value the state: a record's fields are absent or invalid with it. */
export function setStates(cell: Cell, width: u32, state: u32): void {
  for (let i: u32 = 0; i < width; i++) cellAt(changetype<usize>(cell), i).state = <u16>state;
}
