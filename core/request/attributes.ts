/**
 * Attributes set directly (docs/request.md, section 1): values go back to JSON text and through the same readers
 * as a body, so that types mean the same.
 */
import type { Slot } from "../bytecode/program.ts";
import { JSON_DEPTH_MAX } from "../source/gen/facts.ts";
import type { JsonValues } from "./json-values.ts";
import type { Slots } from "./slots.ts";
import { invalidate, vacate } from "./values.ts";

const SCAN = { depthMax: JSON_DEPTH_MAX, refuseDuplicates: true };

/** A number whose spelling says more than its value: `1.0` is no int, though it is 1. */
export class SpelledNumber {
  readonly spelling: string;

  constructor(spelling: string) {
    this.spelling = spelling;
  }
}

/** Sets what `attributes` names, over what the sources gave; other names are ignored. `slots` may be read slots only. */
export class Attributes {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #values: JsonValues;

  constructor(slots: readonly Slot[], values: JsonValues) {
    this.#slots = new Map(slots.map((slot) => [slot.name, slot]));
    this.#values = values;
  }

  load(slots: Slots, attributes: ReadonlyMap<string, unknown>): void {
    for (const [name, value] of attributes) {
      const slot = this.#slots.get(name);
      if (slot === undefined) continue;
      vacate(slots, slot.shape, slot.cell);
      if (value !== undefined && !this.#read(slots, slot, value)) invalidate(slots, slot.shape, slot.cell);
    }
  }

  #read(slots: Slots, slot: Slot, value: unknown): boolean {
    const text = jsonText(value, 0);
    if (text === null || !this.#values.tape.scan(new TextEncoder().encode(text), SCAN)) return false;
    this.#values.begin();
    this.#values.read(slots, slot.shape, slot.cell, 0);
    return !this.#values.spoiled;
  }
}

/** The value as JSON text, or null when it is none. Members that are `undefined` are left out. */
function jsonText(value: unknown, depth: number): string | null {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : null;
  if (value instanceof SpelledNumber) return value.spelling;
  if (typeof value !== "object" || depth > JSON_DEPTH_MAX) return null;
  if (Array.isArray(value)) {
    const elements = Array.from(value, (element) => jsonText(element, depth + 1));
    return elements.includes(null) ? null : `[${elements.join(",")}]`;
  }
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const text = jsonText(member, depth + 1);
    if (text === null) return null;
    members.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${members.join(",")}}`;
}
