/** Which policies a request is judged by. */
import type { PolicySets } from "../bytecode/program.ts";
import { PRESENT, type Slots } from "../request/slots.ts";

/** The bundle has no policy sets, so that there is nothing to choose. */
export const ALL_POLICIES = -1;
/** The selector is absent, invalid, or names no set. */
export const NO_POLICY_SET = -2;

/** Index of the set that the request in the slots chooses, or one of the above. */
export function chosenSet(sets: PolicySets | null, slots: Slots): number {
  if (sets === null) return ALL_POLICIES;
  if (slots.state[sets.cell] !== PRESENT) return NO_POLICY_SET;
  const name = slots.id[sets.cell]!;
  const { names } = sets;
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return names[low] === name ? low : NO_POLICY_SET;
}

/** `own`: the set that a policy belongs to; policies of no set apply with every one. */
export function isChosen(own: number, set: number): boolean {
  return own === -1 || own === set;
}
