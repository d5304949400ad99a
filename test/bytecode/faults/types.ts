/** Faults against rules 6 and 7: enums and shapes. */
import { TYPE_RECORD } from "../../../core/bytecode/gen/constants.ts";
import { TYPE_NAMES } from "../../../core/bytecode/gen/tables.ts";
import { SHAPES, string } from "../sample.ts";
import { type Fault, STRINGS } from "./fault.ts";

export const TYPES: readonly Fault[] = [
  [
    "no enum",
    (m) => void Object.assign(m, { enums: [], members: [] }),
    "enums: entry 0, `resource.type`, is missing",
  ],
  [
    "ordered resources",
    (m) => {
      m.enums[0]!.ordered = 1;
    },
    "enums entry 0: `resource.type` is ordered",
  ],
  [
    "ordered 2",
    (m) => {
      m.enums[1]!.ordered = 2;
    },
    "enums entry 1: `ordered` is 2, not 0 or 1",
  ],
  [
    "member range with a gap",
    (m) => {
      m.enums[1]!.first = 5;
    },
    "enums entry 1: its enums member range starts at 5, not where the one before ends, at 4",
  ],
  ["members of no enum", (m) => void m.members.push(0), "enums member 10: no entry uses it"],
  [
    "name of an enum",
    (m) => {
      m.enums[2]!.name = STRINGS;
    },
    `enums entry 2: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "enum name twice",
    (m) => {
      m.enums[2]!.name = string(m, "Risk");
    },
    "enums entry 2: a second enum `Risk`",
  ],
  [
    "string of a member",
    (m) => {
      m.members[9] = 99;
    },
    `enums member 9: string 99 does not exist, there are ${STRINGS}`,
  ],
  [
    "member twice",
    (m) => {
      m.members[9] = m.members[8]!;
    },
    "enums entry 2: member `red` stands there twice",
  ],
  [
    "unknown type",
    (m) => {
      m.shapes[1]!.type = TYPE_NAMES.length;
    },
    `shapes entry 1: unknown type ${TYPE_NAMES.length}`,
  ],
  [
    "argument of a scalar",
    (m) => {
      m.shapes[2]!.argument = 1;
    },
    "shapes entry 2: a int with argument 1",
  ],
  [
    "fields of a scalar",
    (m) => {
      m.shapes[2]!.fields = 1;
    },
    "shapes entry 2: a int with fields",
  ],
  [
    "enum of a shape",
    (m) => {
      m.shapes[5]!.argument = 3;
    },
    "shapes entry 5: enum 3 does not exist, there are 3",
  ],
  [
    "list of itself",
    (m) => {
      m.shapes[9]!.argument = 9;
    },
    "shapes entry 9: shape 9 does not stand before it",
  ],
  [
    "list of what comes later",
    (m) => {
      m.shapes[9]!.argument = 10;
    },
    "shapes entry 9: shape 10 does not stand before it",
  ],
  [
    "field of its own record",
    (m) => {
      m.fields[0]!.shape = 10;
    },
    "shapes field 0: shape 10 does not stand before it",
  ],
  [
    "field of resource type",
    (m) => {
      m.fields[0]!.shape = 0;
    },
    "shapes field 0: `resource.type` as a field or an element",
  ],
  [
    "list of resource types",
    (m) => {
      m.shapes[9]!.argument = 0;
    },
    "shapes entry 9: `resource.type` as a field or an element",
  ],
  [
    "record without fields",
    (m) => {
      m.shapes[10]!.fields = 0;
    },
    "shapes entry 10: a record without fields",
  ],
  [
    "field range with a gap",
    (m) => {
      m.shapes[12]!.argument = 3;
    },
    "shapes entry 12: its shapes field range starts at 3, not where the one before ends, at 2",
  ],
  [
    "fields of no record",
    (m) => void m.fields.push({ name: 0, shape: 1 }),
    "shapes field 7: no entry uses it",
  ],
  [
    "field name twice",
    (m) => {
      m.fields[1]!.name = m.fields[0]!.name;
    },
    "shapes field 1: a second field `cost` in one record",
  ],
  [
    "field name with a dot",
    (m) => {
      m.fields[1]!.name = string(m, "a.b");
    },
    "shapes field 1: the name `a.b` holds a dot",
  ],
  [
    "name of a field",
    (m) => {
      m.fields[1]!.name = STRINGS;
    },
    `shapes field 1: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "record wider than the limit",
    (m) => {
      // Each record holds the one before twice: 1, 3, 7 ... 255, 511 cells.
      let inner: number = SHAPES.string;
      for (let i = 0; i < 8; i++) {
        inner = m.shapes.push({ type: TYPE_RECORD, argument: m.fields.length, fields: 2 }) - 1;
        const before = i === 0 ? SHAPES.string : inner - 1;
        m.fields.push({ name: string(m, "a"), shape: before }, { name: string(m, "b"), shape: before });
      }
    },
    "shapes entry 27: it takes more than 256 cells",
  ],
];
