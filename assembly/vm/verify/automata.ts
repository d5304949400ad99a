/** Rule 5, automata: every class and every state that a run can meet exists, so that it needs no checks of its own. */
import { LIMIT_AUTOMATON_BYTES_MAX, LIMIT_AUTOMATON_STATES_MAX } from "../../gen/constants";
import { AutomatonEntry, Bundle } from "../bundle";
import { refuseAt } from "./refusal";

/** Classes of the bytes and rows, with padding; a section that is shorter is refused. */
export function automatonBytes(entry: AutomatonEntry): u64 {
  return (256 + <u64>entry.states * (<u64>entry.classes + 1) * 2 + 3) & ~3;
}

/** Sets the places of the tables, which the container has found to be there. */
export function verifyAutomata(bundle: Bundle): bool {
  let at = bundle.automata + bundle.automatonCount * 12;
  for (let i: u32 = 0; i < bundle.automatonCount; i++) {
    const entry = bundle.automaton(i);
    const width = entry.classes + 1;
    if (entry.states > LIMIT_AUTOMATON_STATES_MAX || entry.classes - 1 > 255 || entry.states * width * 2 > LIMIT_AUTOMATON_BYTES_MAX) {
      return refuseAt("automata", "larger than the limit", i);
    }
    if (entry.start > entry.states + 1) return refuseAt("automata", "does not exist", i);
    store<usize>(bundle.automatonTables + (i << 2), at);
    const end = at + <usize>automatonBytes(entry);
    for (const rows = at + 256; at < rows; at++) if (load<u8>(at) >= entry.classes) return refuseAt("automata", "does not exist", i);
    for (let row: u32 = 0; row < entry.states; row++) {
      for (let c: u32 = 0; c < width; c++, at += 2) {
        if (load<u16>(at) > (c == entry.classes ? 1 : entry.states + 1)) return refuseAt("automata", "does not exist", i);
      }
    }
    for (; at < end; at += 2) if (load<u16>(at) != 0) return refuseAt("automata", "padding is not zero", i);
  }
  return true;
}
