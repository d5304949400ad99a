/** What a slot holds, as a JSON value: the way back from cells, for those who look for other requests. */
import type { Program, Shape, Slot } from "../bytecode/program.ts";
import { formatAddress, formatNetwork } from "../source/address.ts";
import { formatDatetime, formatDuration } from "../source/time.ts";
import { ABSENT, PRESENT, type Slots } from "./slots.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** One fact about a request. */
export type FactValue =
  | { readonly state: "present"; readonly value: Json }
  | { readonly state: "absent" }
  | { readonly state: "invalid" };

/** The value of `resource.type` where no declared resource matches. */
export const NO_RESOURCE = "";

const decoder = new TextDecoder();

/** What the slot holds. Parts of a value that are invalid become JSON of a wrong type, so that they stay invalid. */
export function factIn(slots: Slots, slot: Slot, program: Program): FactValue {
  return factAt(slots, slot.cell, slot.shape, program);
}

/** What a cell of the global frame holds. */
export function factAt(slots: Slots, cell: number, shape: Shape, program: Program): FactValue {
  const state = slots.state[cell];
  if (state === PRESENT) return { state: "present", value: valueAt(slots, cell, shape, program) };
  return { state: state === ABSENT ? "absent" : "invalid" };
}

function valueAt(slots: Slots, cell: number, shape: Shape, program: Program): Json {
  switch (shape.type) {
    case "string":
      return decoder.decode(
        slots.bytes.subarray(slots.offset[cell]!, slots.offset[cell]! + slots.length[cell]!),
      );
    case "int":
    case "float":
      return slots.number[cell]!;
    case "datetime":
      return formatDatetime(slots.number[cell]!);
    case "duration":
      return formatDuration(slots.number[cell]!);
    case "bool":
      return slots.number[cell] === 1;
    case "enum": {
      const member = program.enums[shape.enumIndex]!.members[slots.number[cell]!];
      return member === undefined ? NO_RESOURCE : program.strings.at(member);
    }
    case "ip":
      return formatAddress(slots.bytes, slots.offset[cell]!);
    case "cidr":
      return formatNetwork(slots.bytes, slots.length[cell]!, slots.offset[cell]!);
    case "list": {
      const width = slots.id[cell]!;
      return Array.from({ length: slots.length[cell]! }, (_, i) =>
        partAt(slots, slots.offset[cell]! + i * width, shape.element!, program, null),
      );
    }
    case "record":
      return Object.fromEntries(
        shape.fields
          .filter((field) => slots.state[cell + field.offset] !== ABSENT)
          .map((field) => [
            field.name,
            // No type takes an array, except a list, and no list takes an object.
            partAt(slots, cell + field.offset, field.shape, program, field.shape.type === "list" ? {} : []),
          ]),
      );
  }
}

function partAt(slots: Slots, cell: number, shape: Shape, program: Program, invalid: Json): Json {
  return slots.state[cell] === PRESENT ? valueAt(slots, cell, shape, program) : invalid;
}

/** Are two facts the same? Members of records may stand in any order. */
export function sameFact(a: FactValue, b: FactValue): boolean {
  if (a.state !== "present" || b.state !== "present") return a.state === b.state;
  return sameJson(a.value, b.value);
}

/** Are two values the same? */
export function sameJson(a: Json, b: Json): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = b as { readonly [name: string]: Json };
  return (
    left.length === Object.keys(right).length &&
    left.every(([name, value]) => Object.hasOwn(right, name) && sameJson(value, right[name]!))
  );
}
