/** Faults against rule 8: slots. */
import { TYPE_LIST, TYPE_RECORD } from "../../../core/bytecode/gen/constants.ts";
import { BUILTINS } from "../../../core/source/gen/facts.ts";
import { SHAPES, string } from "../sample.ts";
import { type Fault, STRINGS, utf8 } from "./fault.ts";

/** Slots of the sample by name. */
const SLOT = {
  resourceType: 0,
  sourceIp: 1,
  environment: 2,
  risk: 3,
  colour: 4,
  amount: 5,
  ratio: 6,
  vip: 7,
  network: 8,
  tags: 9,
  approvals: 10,
  orderId: 11,
  tenant: 12,
  home: 13,
  peer: 20,
};

export const SLOTS: readonly Fault[] = [
  [
    "name of a slot",
    (m) => {
      m.slots[2]!.name = STRINGS;
    },
    `slots entry 2: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "name twice",
    (m) => {
      m.slots[3]!.name = m.slots[2]!.name;
    },
    "slots entry 3: a second slot `environment`",
  ],
  [
    "empty name",
    (m) => {
      m.slots[3]!.name = string(m, "");
    },
    "slots entry 3: its name is empty",
  ],
  [
    "shape of a slot",
    (m) => {
      m.slots[3]!.shape = 20;
    },
    "slots entry 3: shape 20 does not exist, there are 20",
  ],
  [
    "unknown source",
    (m) => {
      m.slots[3]!.source = 7;
    },
    "slots entry 3: unknown source 7",
  ],
  [
    "unknown flag",
    (m) => {
      m.slots[3]!.flags |= 64;
    },
    "slots entry 3: unknown bit in the flags 0x47",
  ],
  [
    "half word",
    (m) => {
      m.slots[3]!.half = 1;
    },
    "slots entry 3: the half word behind its flags is not zero",
  ],
  [
    "unknown builtin",
    (m) => {
      m.slots[1]!.argument = BUILTINS.length;
    },
    `slots entry 1: unknown builtin ${BUILTINS.length}`,
  ],
  [
    "name of a builtin",
    (m) => {
      m.slots[1]!.argument = 11;
    },
    "slots entry 1: builtin 11 is called `destination.ip`, not `source.ip`",
  ],
  [
    "shape of a builtin",
    (m) => {
      m.slots[1]!.shape = SHAPES.string;
    },
    "slots entry 1: `source.ip` is a ip, its shape is another",
  ],
  [
    "resource.type of another enum",
    (m) => {
      m.slots[0]!.shape = SHAPES.risk;
    },
    "slots entry 0: `resource.type` is a member of enum 0, its shape is another",
  ],
  [
    "flag of a builtin",
    (m) => {
      m.slots[1]!.flags |= 2;
    },
    "slots entry 1: `source.ip` is built in and has a flag other than `read`",
  ],
  [
    "default of a builtin",
    (m) => {
      m.slots[1]!.default = 1;
    },
    "slots entry 1: `source.ip` has no default and its field is not zero",
  ],
  [
    "shape of resource.type elsewhere",
    (m) => {
      m.slots[3]!.shape = SHAPES.resource;
    },
    "slots entry 3: `risk` is no builtin and has the shape of `resource.type`",
  ],
  [
    "a second shape of enum 0",
    (m) => void m.shapes.push({ type: 4, argument: 0, fields: 0 }),
    "shapes entry 20: a shape of enum 0 that the builtin `resource.type` does not use",
  ],
  [
    "argument",
    (m) => {
      m.slots[2]!.argument = STRINGS;
    },
    `slots entry 2: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "header in capitals",
    (m) => {
      m.slots[4]!.argument = string(m, "X-Colour");
    },
    "slots entry 4: header `X-Colour`: it is not a header's name in lower case",
  ],
  [
    "pseudo header",
    (m) => {
      m.slots[4]!.argument = string(m, ":path");
    },
    "slots entry 4: header `:path`: it is not a header's name in lower case",
  ],
  [
    "empty header",
    (m) => {
      m.slots[4]!.argument = string(m, "");
    },
    "slots entry 4: header ``: it is not a header's name in lower case",
  ],
  [
    "header host",
    (m) => {
      m.slots[4]!.argument = string(m, "host");
    },
    "slots entry 4: header `host`: the host is the builtin `request.host`",
  ],
  [
    "cookie that is no token",
    (m) => {
      m.slots[6]!.argument = string(m, "a=b");
    },
    "slots entry 6: cookie `a=b`: it is not a cookie's name",
  ],
  [
    "empty query name",
    (m) => {
      m.slots[5]!.argument = string(m, "");
    },
    "slots entry 5: query ``: its name is empty",
  ],
  [
    "empty extension name",
    (m) => {
      m.slots[12]!.argument = string(m, "");
    },
    "slots entry 12: extension ``: its name is empty",
  ],
  [
    "capture of no resource",
    (m) => {
      m.slots[11]!.argument = string(m, "orders");
    },
    "slots entry 11: capture `orders`: no resource captures it",
  ],
  [
    "pointer without slash",
    (m) => {
      m.slots[2]!.argument = string(m, "environment");
    },
    "slots entry 2: body `environment`: it is not a JSON pointer within the limits",
  ],
  [
    "pointer with a bad escape",
    (m) => {
      m.slots[2]!.argument = string(m, "/a~2");
    },
    "slots entry 2: body `/a~2`: it is not a JSON pointer within the limits",
  ],
  [
    "pointer that ends in an escape",
    (m) => {
      m.slots[2]!.argument = string(m, "/a~");
    },
    "slots entry 2: body `/a~`: it is not a JSON pointer within the limits",
  ],
  [
    "pointer of 33 tokens",
    (m) => {
      m.slots[2]!.argument = string(m, "/a".repeat(33));
    },
    `slots entry 2: body \`${"/a".repeat(30)}...\`: it is not a JSON pointer within the limits`,
  ],
  [
    "unmarked",
    (m) => {
      m.slots[2]!.flags &= ~4;
    },
    "slots entry 2: `environment` comes from the client and is not marked with exactly one of claimed and trusted",
  ],
  [
    "claimed and trusted",
    (m) => {
      m.slots[2]!.flags |= 8;
    },
    "slots entry 2: `environment` comes from the client and is not marked with exactly one of claimed and trusted",
  ],
  [
    "marked extension",
    (m) => {
      m.slots[12]!.flags |= 8;
    },
    "slots entry 12: `tenant` does not come from the client and is marked as if it did",
  ],
  [
    "record from a header",
    (m) => void Object.assign(m.slots[SLOT.vip]!, { shape: SHAPES.item, flags: 8, default: 0 }),
    "slots entry 7: `vip` is a record and does not come from the body",
  ],
  [
    "records from a header",
    (m) => {
      m.slots[SLOT.tags]!.shape = SHAPES.items;
    },
    "slots entry 9: `tags` is a record and does not come from the body",
  ],
  [
    "list of lists from a header",
    (m) => {
      m.slots[SLOT.tags]!.shape = m.shapes.push({ type: TYPE_LIST, argument: SHAPES.strings, fields: 0 }) - 1;
    },
    "slots entry 9: `tags` is a list of lists and does not come from the body",
  ],
  [
    "list from a capture",
    (m) => {
      m.slots[SLOT.orderId]!.shape = SHAPES.strings;
    },
    "slots entry 11: `order_id` is a list and comes from a capture, which is one value",
  ],
  [
    "verbatim list",
    (m) => {
      m.slots[SLOT.tags]!.flags |= 16;
    },
    "slots entry 9: `tags` is `verbatim` and is not a header that is read as one value",
  ],
  [
    "verbatim cookie",
    (m) => {
      m.slots[SLOT.ratio]!.flags |= 16;
    },
    "slots entry 6: `ratio` is `verbatim` and is not a header that is read as one value",
  ],
  [
    "field of no default",
    (m) => {
      m.slots[2]!.default = 1;
    },
    "slots entry 2: `environment` has no default and its field is not zero",
  ],
  [
    "default of a string",
    (m) => {
      m.slots[SLOT.tenant]!.default = STRINGS;
    },
    `slots entry 12: its default ${STRINGS} is no string`,
  ],
  [
    "default of an int, a fraction",
    (m) => {
      m.slots[SLOT.amount]!.default = 1;
    },
    "slots entry 5: its default 1 is no int",
  ],
  [
    "default of an int, not exact",
    (m) => {
      m.slots[SLOT.amount]!.default = m.numbers.push(2 ** 53) - 1;
    },
    "slots entry 5: its default 3 is no int",
  ],
  [
    "default of an int, missing",
    (m) => {
      m.slots[SLOT.amount]!.default = 3;
    },
    "slots entry 5: its default 3 is no int",
  ],
  [
    "default of a float",
    (m) => void Object.assign(m.slots[SLOT.ratio]!, { flags: 4 | 32, default: 3 }),
    "slots entry 6: its default 3 is no float",
  ],
  [
    "default of a bool",
    (m) => {
      m.slots[SLOT.vip]!.default = 2;
    },
    "slots entry 7: its default 2 is no bool",
  ],
  [
    "default of an enum",
    (m) => void Object.assign(m.slots[SLOT.risk]!, { flags: 4 | 32, default: 4 }),
    "slots entry 3: its default 4 is no enum",
  ],
  [
    "default of an ip, a network",
    (m) => {
      m.slots[SLOT.peer]!.default = 0;
    },
    "slots entry 20: its default 0 is no ip",
  ],
  [
    "default of an ip, missing",
    (m) => {
      m.slots[SLOT.peer]!.default = 3;
    },
    "slots entry 20: its default 3 is no ip",
  ],
  [
    "default of a cidr",
    (m) => void Object.assign(m.slots[SLOT.network]!, { flags: 8 | 32, default: 3 }),
    "slots entry 8: its default 3 is no cidr",
  ],
  [
    "default of a list",
    (m) => {
      m.slots[SLOT.tags]!.flags |= 32;
    },
    "slots entry 9: its default 0 is no list",
  ],
  [
    "default of a record",
    (m) => {
      m.slots[SLOT.home]!.flags |= 32;
    },
    "slots entry 13: its default 0 is no record",
  ],
  [
    "more cells than 16 bits number",
    (m) => {
      // 23 cells are there; each of these takes 2, so the last but one reaches 65,535.
      m.shapes.push({ type: TYPE_RECORD, argument: m.fields.length, fields: 1 });
      m.fields.push({ name: 0, shape: SHAPES.string });
      const flags = { source: 5, flags: 4, half: 0, argument: string(m, "/home~1~0"), default: 0 };
      for (let i = 0; i < 32757; i++)
        m.slots.push({ name: m.strings.push(utf8(`s${i}`)) - 1, shape: 20, ...flags });
    },
    "slots entry 32777: with it the slots take more than 65535 cells",
  ],
];
