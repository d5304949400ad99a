/** Faults against rule 18 and, of rule 4, the texts: constants of policies' rows, and what is only shown. */
import { FEATURE_COMPUTING } from "../../../core/bytecode/gen/constants.ts";
import { CELLS, instruction, setRoutine, testRoutine } from "../sample.ts";
import { type Fault, TEXTS, utf8 } from "./fault.ts";

/** The routine of the sample's guard, and the leaf that its tree has. */
const GUARD = 2;
const LEAF = 4;

export const SHOWN: readonly Fault[] = [
  [
    "text that is no UTF-8",
    (m) => void m.texts.push(Uint8Array.of(0xed, 0xa0, 0x80)),
    `texts entry ${TEXTS}: it is not valid UTF-8`,
  ],
  [
    "text cut inside a character",
    (m) => void m.texts.push(Uint8Array.of(0xc3), Uint8Array.of(0xa9)),
    `texts entry ${TEXTS}: it is not valid UTF-8`,
  ],
  [
    "text that ends in front of the one before",
    (m) => {
      m.texts = [utf8("ab"), utf8("cd"), ...m.texts];
      const sizes = m.texts.map((text) => text.length);
      m.textEnds = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0));
      m.textEnds[0] = 5;
      for (const row of m.metadata) {
        row.key += 2;
        row.value += 2;
      }
    },
    "texts entry 1: it ends at byte 4, the one before at 5",
  ],
  [
    "text that ends behind the bundle",
    (m) => {
      m.texts = [utf8("ab"), ...m.texts];
      const sizes = m.texts.map((text) => text.length);
      m.textEnds = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0));
      m.textEnds[0] = 0xffff_fff0;
    },
    "texts entry 0: it ends at byte 4294967280, behind all texts",
  ],
];

export const ROWS: readonly Fault[] = [
  [
    "rows that overlap",
    (m) => {
      m.policies[2]!.firstConstant = 0;
    },
    "policies entry 2: its rows entry range starts at 0, not where the one before ends, at 1",
  ],
  [
    "row beyond the end",
    (m) => {
      m.policies[1]!.constants = 2;
    },
    "policies entry 1: its rows entry range of 2 from 0 passes the end, there are 1",
  ],
  ["constant of no policy", (m) => void m.constants.push(0), "rows entry 1: no entry uses it"],
  [
    "constant that no routine names",
    (m) => {
      m.policies[1]!.constants = 2;
      m.constants.push(0);
    },
    "policies entry 1: it has 2 constants, its routines name 1",
  ],
  [
    "row of a policy whose routines name none",
    (m) => {
      m.policies[2]!.constants = 1;
      m.constants.push(0);
    },
    "policies entry 2: it has 1 constants, its routines name 0",
  ],
  [
    "column beyond the row",
    (m) =>
      setRoutine(m, GUARD, testRoutine("IN_NETWORK", { a: CELLS["source.ip"], b: 1, column: 1, negate: 1 })),
    "code instruction 16: column 1 does not exist, policies entry 1 has 1",
  ],
  [
    "column beyond the row, of a leaf",
    (m) => setRoutine(m, LEAF, testRoutine("IN_NETWORK", { a: CELLS["source.ip"], b: 1, column: 1 })),
    "code instruction 22: column 1 does not exist, policies entry 1 has 1",
  ],
  [
    "column of a policy without a row",
    (m) => {
      setRoutine(m, 3, testRoutine("LT_NUMBER", { a: CELLS.amount, b: 0, column: 1 }));
    },
    "code instruction 19: column 0 does not exist, policies entry 0 has 0",
  ],
  [
    "constant that does not exist",
    (m) => {
      m.constants[0] = 3;
    },
    "rows entry 0: IN_NETWORK: network 3 does not exist, there are 3",
  ],
  [
    "constant of another kind for a leaf",
    (m) => {
      setRoutine(m, LEAF, testRoutine("EQ_ADDRESS", { a: CELLS["source.ip"], b: 0, column: 1 }));
    },
    "rows entry 0: EQ_ADDRESS: network 0 has prefix length 104, an address has 128",
  ],
  [
    "number that is not whole",
    (m) => {
      m.constants[0] = 1;
      setRoutine(m, LEAF, [
        instruction("LOAD_NUMBER", { b: 0, column: 1, jump: 1 << 8 }),
        ...testRoutine("LT_NUMBERS", { frameA: 3, a: 0, b: CELLS.amount }),
      ]);
      m.features |= FEATURE_COMPUTING;
    },
    "rows entry 0: LOAD_NUMBER: 0.5 is not whole",
  ],
  [
    "member of a smaller enum",
    (m) => {
      m.constants[0] = 2;
      setRoutine(m, GUARD, testRoutine("IN_NETWORK", { a: CELLS["source.ip"], b: 0, negate: 1 }));
      setRoutine(m, LEAF, testRoutine("EQ_MEMBER", { a: CELLS.risk, b: 0, column: 1 }));
      m.constants[0] = 9;
    },
    "rows entry 0: EQ_MEMBER: member 9 does not exist, there are 4",
  ],
];
