/** Faults against rule 13: reads and features. */
import { setRoutine, testRoutine } from "../sample.ts";
import type { Fault } from "./fault.ts";

export const READS: readonly Fault[] = [
  [
    "read and not said",
    (m) => {
      m.slots[2]!.flags &= ~1;
    },
    "slots entry 2: some code reads `environment`, its flag says that none does",
  ],
  [
    "said and not read",
    (m) => {
      m.slots[4]!.flags |= 1;
    },
    "slots entry 4: no code reads `colour`, its flag says that some does",
  ],
  [
    "field of a record is read and not said",
    (m) => setRoutine(m, 6, testRoutine("EQ_NUMBER", { a: 15, b: 0 })),
    "slots entry 12: no code reads `tenant`, its flag says that some does",
  ],
  [
    "feature missing",
    (m) => {
      m.features &= ~1;
    },
    "header: features 0x6, slots and code need 0x7",
  ],
  [
    "feature too many",
    (m) => {
      for (const routine of [2, 4]) setRoutine(m, routine, testRoutine("EXISTS", { a: 1 }));
    },
    "header: features 0x7, slots and code need 0x3",
  ],
];
