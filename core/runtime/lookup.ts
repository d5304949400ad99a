/** What a map gives a key: LOOKUP writes it into a cell as a default is written, but for a key that is not in the map. */
import type { ConstantMap, Program } from "../bytecode/program.ts";
import { giveConstant } from "../request/defaults.ts";
import { ABSENT, INVALID, PRESENT, type Slots } from "../request/slots.ts";

/** Absent where the key is present and not in the map; invalid where the key is not present. */
export function lookUp(program: Program, slots: Slots, map: ConstantMap, key: number, into: number): void {
  if (slots.state[key] !== PRESENT) {
    slots.state[into] = INVALID;
    return;
  }
  const entry = entryOf(program, slots, map, key);
  if (entry === -1) slots.state[into] = ABSENT;
  else giveConstant(program, slots, map.value, into, map.values[entry]!);
}

/** Keys ascend: ints by value, strings and members by index. A text that is none of the bundle's has index -1. */
function entryOf({ numbers }: Program, slots: Slots, { key: type, keys }: ConstantMap, key: number): number {
  const isNumber = type.type === "int";
  const value = type.type === "string" ? slots.id[key]! : slots.number[key]!;
  let low = 0;
  let high = keys.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const at = keys[middle]!;
    if ((isNumber ? numbers[at]! : at) <= value) low = middle;
    else high = middle;
  }
  const found = keys[low]!;
  return (isNumber ? numbers[found]! : found) === value ? low : -1;
}
