/** Faults against rule 8: maps. */
import { SHAPES } from "../sample.ts";
import { type Fault, STRINGS } from "./fault.ts";

function map(name: string, index: number, change: object, error: string): Fault {
  return [name, (m) => void Object.assign(m.maps[index]!, change), error];
}

function entry(name: string, index: number, [key, value]: [number, number], error: string): Fault {
  return [
    name,
    (m) => {
      m.mapEntries[index] = [key, value];
    },
    error,
  ];
}

const SHAPE_COUNT = Object.keys(SHAPES).length;

export const MAPS: readonly Fault[] = [
  map("shape of the keys", 0, { key: SHAPE_COUNT }, "maps entry 0: shape 20 does not exist, there are 20"),
  map(
    "shape of the values",
    0,
    { value: SHAPE_COUNT },
    "maps entry 0: shape 20 does not exist, there are 20",
  ),
  map("keys that are floats", 1, { key: SHAPES.float }, "maps entry 1: a float is no key"),
  map("keys that are addresses", 1, { key: SHAPES.ip }, "maps entry 1: a ip is no key"),
  map("values that are lists", 0, { value: SHAPES.strings }, "maps key 0: its value 0 is no list"),
  map("values that are records", 0, { value: SHAPES.item }, "maps key 0: its value 0 is no record"),
  map(
    "a range that does not join",
    1,
    { first: 3 },
    "maps entry 1: its maps key range starts at 3, not where the one before ends, at 2",
  ),
  map(
    "a range beyond all",
    2,
    { count: 3 },
    "maps entry 2: its maps key range of 3 from 4 passes the end, there are 6",
  ),
  [
    "an empty one",
    (m) => {
      m.maps.push({ key: SHAPES.string, value: SHAPES.int, first: 6, count: 0 });
    },
    "maps entry 3: it is empty",
  ],
  [
    "an entry of nobody",
    (m) => {
      m.mapEntries.push([0, 0]);
    },
    "maps key 6: no entry uses it",
  ],
  entry("a string that is not there", 1, [STRINGS, 2], `maps key 1: its key ${STRINGS} is no string`),
  entry("half an int as a key", 2, [1, 1], "maps key 2: its key 1 is no int"),
  entry("a number that is not there", 3, [3, 1], "maps key 3: its key 3 is no int"),
  entry("a member that is not there", 5, [4, 0], "maps key 5: its key 4 is no enum"),
  entry("half an int as a value", 0, [1, 1], "maps key 0: its value 1 is no int"),
  entry("a network as an address", 2, [0, 0], "maps key 2: its value 0 is no ip"),
  entry("a member of no enum", 4, [0, 2], "maps key 4: its value 2 is no enum"),
  entry("a key twice", 1, [1, 2], "maps entry 0: its keys do not ascend"),
  entry("strings that descend", 0, [5, 0], "maps entry 0: its keys do not ascend"),
  [
    "ints that descend by value",
    (m) => {
      m.mapEntries.splice(2, 2, [2, 1], [0, 1]);
    },
    "maps entry 1: its keys do not ascend",
  ],
];
