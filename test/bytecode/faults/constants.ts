/** Faults against rules 4 and 5: strings, numbers, networks and sets. */
import { NONE } from "../../../core/bytecode/gen/constants.ts";
import { type Fault, STRINGS, utf8 } from "./fault.ts";

export const CONSTANTS: readonly Fault[] = [
  [
    "lone surrogate",
    (m) => void m.strings.push(Uint8Array.of(0xed, 0xa0, 0x80)),
    `strings entry ${STRINGS}: it is not valid UTF-8`,
  ],
  [
    "overlong form",
    (m) => void m.strings.push(Uint8Array.of(0xc0, 0xaf)),
    `strings entry ${STRINGS}: it is not valid UTF-8`,
  ],
  [
    "text cut inside a character",
    (m) => void m.strings.push(Uint8Array.of(0xc3), Uint8Array.of(0xa9)),
    `strings entry ${STRINGS}: it is not valid UTF-8`,
  ],
  [
    "beyond Unicode",
    (m) => void m.strings.push(Uint8Array.of(0xf4, 0x90, 0x80, 0x80)),
    `strings entry ${STRINGS}: it is not valid UTF-8`,
  ],
  [
    "string twice",
    (m) => void m.strings.push(utf8("Risk")),
    `strings entry ${STRINGS}: \`Risk\` stands there twice`,
  ],
  [
    "word behind the numbers' count",
    (m) => {
      m.numbersPadding = 1;
    },
    "numbers: the word behind its count is not zero",
  ],
  [
    "infinite number",
    (m) => {
      m.numbers[1] = Number.POSITIVE_INFINITY;
    },
    "numbers entry 1: it is not finite",
  ],
  [
    "NaN",
    (m) => {
      m.numbers[1] = Number.NaN;
    },
    "numbers entry 1: it is not finite",
  ],
  [
    "-0",
    (m) => {
      m.numbers[1] = -0;
    },
    "numbers entry 1: it is -0",
  ],
  [
    "number twice",
    (m) => {
      m.numbers[1] = 2;
    },
    "numbers entry 1: 2 stands there twice",
  ],
  [
    "prefix over 128",
    (m) => {
      m.networks[2]!.prefix = 129;
    },
    "networks entry 2: prefix length 129 is more than 128",
  ],
  [
    "bits behind the prefix",
    (m) => {
      m.networks[2]!.prefix = 28;
    },
    "networks entry 2: bits behind the prefix of 28 are not zero",
  ],
  [
    "IPv4 with a prefix below 96",
    (m) => {
      m.networks[0]!.prefix = 95;
    },
    "networks entry 0: an IPv4 address with prefix length 95, which is less than 96",
  ],
  [
    "network twice",
    (m) => void m.networks.push({ ...m.networks[0]! }),
    "networks entry 3: it stands there twice",
  ],
];

export const SETS: readonly Fault[] = [
  [
    "unknown set kind",
    (m) => {
      m.sets[0]!.kind = 4;
    },
    "sets entry 0: unknown kind 4",
  ],
  [
    "set range with a gap",
    (m) => {
      m.sets[1]!.first = 3;
    },
    "sets entry 1: its sets element range starts at 3, not where the one before ends, at 2",
  ],
  [
    "set range past the end",
    (m) => {
      m.sets[3]!.count = 3;
    },
    "sets entry 3: its sets element range of 3 from 6 passes the end, there are 8",
  ],
  [
    "set range of 2^32-1",
    (m) => {
      m.sets[3]!.count = NONE;
    },
    "sets entry 3: its sets element range of 4294967295 from 6 passes the end, there are 8",
  ],
  ["elements that no set uses", (m) => void m.setElements.push(9), "sets element 8: no entry uses it"],
  ["empty set", (m) => void m.sets.push({ kind: 0, first: 8, count: 0 }), "sets entry 4: it is empty"],
  [
    "elements that descend",
    (m) => {
      m.setElements[0] = 7;
    },
    "sets entry 0: its elements do not ascend",
  ],
  [
    "elements that are equal",
    (m) => {
      m.setElements[5] = 1;
    },
    "sets entry 2: its elements do not ascend",
  ],
  [
    "members that ascend as signed numbers only",
    (m) => {
      m.setElements[4] = NONE;
    },
    "sets entry 2: its elements do not ascend",
  ],
  [
    "string of a set",
    (m) => {
      m.setElements[1] = STRINGS;
    },
    `sets element 1: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "number of a set",
    (m) => {
      m.setElements[3] = 3;
    },
    "sets element 3: number 3 does not exist, there are 3",
  ],
  [
    "network of a set",
    (m) => {
      m.setElements[7] = 3;
    },
    "sets element 7: network 3 does not exist, there are 3",
  ],
];

export const AUTOMATA: readonly Fault[] = [
  [
    "automaton of too many states",
    (m) => {
      m.automata[1] = { ...m.automata[1]!, states: 4095, targets: new Array(4095 * 3).fill(0) };
    },
    "automata entry 1: 4095 states, the limit is 4094",
  ],
  [
    "automaton of too many bytes",
    (m) => {
      m.automata[1] = { ...m.automata[1]!, states: 4000, classes: 33, targets: new Array(4000 * 34).fill(0) };
    },
    "automata entry 1: its rows have 272000 bytes, the limit is 262144",
  ],
  [
    "automaton without classes",
    (m) => {
      m.automata[0] = { ...m.automata[0]!, classes: 0, classOf: new Array(256).fill(0), targets: [0] };
    },
    "automata entry 0: 0 classes of bytes",
  ],
  [
    "automaton of 257 classes",
    (m) => {
      m.automata[0] = { ...m.automata[0]!, classes: 257, targets: new Array(258).fill(0) };
    },
    "automata entry 0: 257 classes of bytes",
  ],
  [
    "class of a byte",
    (m) => {
      m.automata[0]!.classOf[255] = 2;
    },
    "automata entry 0: class 2 of a byte does not exist, there are 2",
  ],
  [
    "start of an automaton",
    (m) => {
      m.automata[1]!.start = 4;
    },
    "automata entry 1: start 4 does not exist, there are 4 states",
  ],
  [
    "target of an automaton",
    (m) => {
      m.automata[0]!.targets[1] = 3;
    },
    "automata entry 0: target 1 is 3",
  ],
  [
    "last target of an automaton",
    (m) => {
      m.automata[1]!.targets[5] = 2;
    },
    "automata entry 1: target 5 is 2, which is no answer",
  ],
  [
    "padding of an automaton",
    (m) => {
      m.automata[0]!.padding = [0, 1];
    },
    "automata: its padding is not zero",
  ],
  [
    "automaton whose rows are not there",
    (m) => {
      m.automata[1]!.states = 3;
    },
    "automata: it has 560 bytes, its counts demand 568",
  ],
  [
    "automaton of 2^32-1 states",
    (m) => {
      m.automata[0] = { ...m.automata[0]!, states: NONE, classes: NONE };
    },
    "automata: it has 560 bytes, its counts demand 36893488138829170000",
  ],
  ...(
    [
      ["days", { days: 0 }, "schedules entry 0: days 0"],
      ["eight days", { days: 128 }, "schedules entry 0: days 128"],
      ["hours without length", { to: 540 }, "schedules entry 0: hours from minute 540 to 540"],
      ["hours beyond the day", { to: 1441 }, "schedules entry 0: hours from minute 540 to 1441"],
      ["an end beyond all", { until: 2 ** 31 }, "schedules entry 0: until minute 2147483648"],
      ["no offset", { count: 0 }, "schedules entry 0: it has no offset"],
      [
        "an offset behind the end",
        { until: 2000 },
        "schedules offset 1: minute 2000 stands in the wrong place",
      ],
    ] as const
  ).map(
    ([name, change, error]): Fault => [
      `schedule: ${name}`,
      (m) => void Object.assign(m.schedules[0]!, change),
      error,
    ],
  ),
  [
    "schedule: a minute of the first day",
    (m) => {
      m.offsets[0]![0] = 1439;
    },
    "schedules offset 0: minute 1439 stands in the wrong place",
  ],
  [
    "schedule: minutes that do not ascend",
    (m) => {
      m.offsets[1]![0] = 1440;
    },
    "schedules offset 1: minute 1440 stands in the wrong place",
  ],
  [
    "schedule: an offset of more than a day",
    (m) => {
      m.offsets[0]![1] = 1441;
    },
    "schedules offset 0: an offset of 1441 minutes",
  ],
  [
    "schedule: an offset of nobody",
    (m) => {
      m.offsets.push([3000, 0]);
    },
    "schedules offset 2: no entry uses it",
  ],
];
