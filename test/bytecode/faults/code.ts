/** Faults in code: rules 10 to 12. Each replaces the code of the guard's trigger (routine 2, instructions 16 to 18). */

import { TYPE_DATETIME, TYPE_FLOAT, TYPE_INT } from "../../../core/bytecode/gen/constants.ts";
import { INSTRUCTIONS } from "../../../core/bytecode/gen/tables.ts";
import type { Model, Word4 } from "../model.ts";
import { CELLS, type Fields, instruction, string, testRoutine } from "../sample.ts";

export interface CodeFault {
  readonly name: string;
  readonly code: (model: Model) => readonly Word4[];
  /** Behind `code instruction 16: `, or another number where one is given. */
  readonly error: string;
}

export const ROUTINE = 2;

const accept = instruction("ACCEPT");
const reject = instruction("REJECT");

function one(name: string, opcode: string, fields: Fields, error: string): CodeFault {
  return { name, code: () => testRoutine(opcode, fields), error: `code instruction 16: ${error}` };
}

function words(name: string, code: readonly Word4[], at: number, error: string): CodeFault {
  return { name, code: () => code, error: `code instruction ${at}: ${error}` };
}

/** A body over the sample's approvals. */
function body(...code: readonly Word4[]): Word4[] {
  return [
    instruction("ANY", { a: CELLS.approvals, b: code.length, jump: code.length + 2 }),
    ...code,
    accept,
    reject,
  ];
}

const FIELDS: readonly CodeFault[] = [
  words("opcode 0", [[0, 0, 0, 0]], 16, "unknown opcode 0"),
  words(
    "an opcode past the last",
    [[INSTRUCTIONS.length, 0, 0, 0]],
    16,
    `unknown opcode ${INSTRUCTIONS.length}`,
  ),
  words("opcode 255", [[255, 0, 0, 0]], 16, "unknown opcode 255"),
  words(
    "column of ACCEPT",
    [instruction("ACCEPT", { column: 1 })],
    16,
    "ACCEPT has no constant and names a column",
  ),
  words(
    "column of a test of two cells",
    testRoutine("EQ_STRINGS", { a: CELLS.environment, b: CELLS.environment, column: 1 }),
    16,
    "EQ_STRINGS has no constant and names a column",
  ),
  words(
    "column of CONSTANT",
    testRoutine("CONSTANT", { column: 1 }),
    16,
    "CONSTANT has no constant and names a column",
  ),
  words(
    "sense of ACCEPT",
    [instruction("ACCEPT", { sense: 1 })],
    16,
    "ACCEPT does not branch and has a sense",
  ),
  words(
    "negate of REJECT",
    [instruction("REJECT", { negate: 1 })],
    16,
    "REJECT does not branch and has `negate`",
  ),
  words("jump of ACCEPT", [instruction("ACCEPT", { jump: 1 })], 16, "ACCEPT does not branch and has a jump"),
  words("a of ACCEPT", [instruction("ACCEPT", { a: 1 })], 16, "ACCEPT has no operand a and it is 1"),
  words("b of REJECT", [instruction("REJECT", { b: 1 })], 16, "REJECT has no operand b and it is 1"),
  words(
    "sense of COUNT",
    [instruction("COUNT", { a: CELLS.tags, sense: 1 })],
    16,
    "COUNT does not branch and has a sense",
  ),
  ...["ANY", "ALL"].map((name) =>
    words(
      `negate of ${name}`,
      [instruction(name, { a: CELLS.tags, b: 1, jump: 2, negate: 1 }), instruction("ACCEPT")],
      16,
      `${name} has \`negate\`, which would turn what its body rounded the wrong way`,
    ),
  ),
  words(
    "negate of COUNT",
    [instruction("COUNT", { a: CELLS.tags, negate: 1 })],
    16,
    "COUNT does not branch and has `negate`",
  ),
  words(
    "jump of COUNT",
    [instruction("COUNT", { a: CELLS.tags, jump: 1 })],
    16,
    "COUNT does not branch and has a jump",
  ),
  one("register of a test", "EXISTS", { register: 1 }, "EXISTS has no register and names one"),
  one("frame of no cell a", "CONSTANT", { frameA: 1 }, "CONSTANT has no cell a and names its frame"),
  one(
    "frame of no cell b",
    "EQ_STRING",
    { a: CELLS.environment, frameB: 1 },
    "EQ_STRING has no cell b and names its frame",
  ),
  one("a of CONSTANT", "CONSTANT", { a: 1 }, "CONSTANT has no operand a and it is 1"),
  one("b of EXISTS", "EXISTS", { b: 1 }, "EXISTS has no operand b and it is 1"),
  one("cell outside the global frame", "EXISTS", { a: 23 }, "operand a is cell 23 of frame 0, which has 23"),
  one(
    "cell b outside the global frame",
    "EQ_STRINGS",
    { a: 2, b: 23 },
    "operand b is cell 23 of frame 0, which has 23",
  ),
  one("frame 1 outside a body", "EXISTS", { frameA: 1 }, "operand a is in frame 1, which is not open here"),
  one("frame 3", "EXISTS", { frameA: 3 }, "operand a is temporary 0, which nothing in front of it computes"),
  one(
    "frame 2 of b outside a body",
    "EQ_STRINGS",
    { a: 2, frameB: 2 },
    "operand b is in frame 2, which is not open here",
  ),
  words(
    "frame 2 in a body of depth 1",
    body(...testRoutine("EXISTS", { frameA: 2 })),
    17,
    "operand a is in frame 2, which is not open here",
  ),
  words(
    "cell outside an element",
    body(...testRoutine("EXISTS", { frameA: 1, a: 4 })),
    17,
    "operand a is cell 4 of frame 1, which has 4",
  ),
  words(
    "frame 1 behind its body",
    [...body(...testRoutine("EXISTS", { frameA: 1 })).slice(0, 4), ...testRoutine("EXISTS", { frameA: 1 })],
    20,
    "operand a is in frame 1, which is not open here",
  ),
];

const number = (fields: Fields = {}) => instruction("LOAD_NUMBER", { b: 0, jump: FLOAT << 8, ...fields });
const FLOAT = TYPE_FLOAT;
const reading = testRoutine("LT_NUMBER", { frameA: 3, b: 0 });

const COMPUTING: readonly CodeFault[] = [
  words("sense", [number({ sense: 1 }), ...reading], 16, "LOAD_NUMBER computes a float and bit 8 is 1"),
  words(
    "a sum that is a float and does not say so",
    [instruction("SUM", { a: CELLS.ratios }), ...reading],
    16,
    "SUM computes a float and bit 8 is 0",
  ),
  words(
    "temporary 8",
    [number({ jump: 8 | (FLOAT << 8) }), ...reading],
    16,
    "LOAD_NUMBER writes temporary 8, there are 8",
  ),
  words(
    "another temporary",
    [number({ jump: 1 | (FLOAT << 8) }), ...reading],
    17,
    "operand a is temporary 0, which nothing in front of it computes",
  ),
  words(
    "a temporary beyond all",
    [number(), ...testRoutine("LT_NUMBER", { frameA: 3, a: 9 })],
    17,
    "operand a is temporary 9, which nothing in front of it computes",
  ),
  words(
    "a temporary of the test before",
    [number(), instruction("LT_NUMBER", { frameA: 3, jump: 1 }), ...reading],
    18,
    "operand a is temporary 0, which nothing in front of it computes",
  ),
  words("load a string", [number({ jump: 0 }), ...reading], 16, "LOAD_NUMBER loads no type 0"),
  words(
    "load an unknown type",
    [number({ jump: 200 << 8 }), ...reading],
    16,
    "LOAD_NUMBER loads no type 200",
  ),
  {
    name: "load half an int",
    code: () => [number({ b: 1, jump: TYPE_INT << 8 }), ...reading],
    error: "code instruction 16: LOAD_NUMBER: 0.5 is no int",
  },
  words(
    "a field of ADD",
    [instruction("ADD", { a: CELLS.amount, b: CELLS.amount, jump: 1 << 8 }), ...reading],
    16,
    "ADD has no field and it is 1",
  ),
  words(
    "a string in arithmetic",
    [instruction("ADD", { a: CELLS.amount, b: CELLS.environment }), ...reading],
    16,
    "ADD does not take cell b, a string, with a int",
  ),
  words(
    "two datetimes added",
    [number({ jump: TYPE_DATETIME << 8 }), instruction("ADD", { frameA: 3, frameB: 3 }), ...reading],
    17,
    "ADD makes nothing of a datetime and a datetime",
  ),
  {
    name: "two datetimes multiplied",
    code: () => [
      number({ jump: TYPE_DATETIME << 8 }),
      instruction("MULTIPLY", { frameA: 3, frameB: 3 }),
      ...reading,
    ],
    error: "code instruction 17: MULTIPLY makes nothing of a datetime and a datetime",
  },
  words(
    "a sum of texts",
    [instruction("SUM", { a: CELLS.tags }), ...reading],
    16,
    "SUM does not take a string",
  ),
  words(
    "a sum of members",
    [instruction("SUM", { a: CELLS.risks }), ...reading],
    16,
    "SUM does not take a enum",
  ),
  words(
    "a field that is not there",
    [instruction("MIN", { a: CELLS.approvals, jump: 4 << 8 }), ...reading],
    16,
    "MIN: the element has no cell 4",
  ),
  words(
    "a map that is not there",
    [instruction("LOOKUP", { a: CELLS.environment, b: 3 }), ...reading],
    16,
    "LOOKUP: map 3 does not exist, there are 3",
  ),
  words(
    "a map with other keys",
    [instruction("LOOKUP", { a: CELLS.amount, b: 0 }), ...reading],
    16,
    "LOOKUP: map 0 has keys of another type, string, than cell a",
  ),
  words(
    "a map with members of another enum",
    [instruction("LOOKUP", { a: CELLS.colour, b: 2 }), ...reading],
    16,
    "LOOKUP: map 2 has keys of another type, enum, than cell a",
  ),
  words(
    "a key that is a list",
    [instruction("LOOKUP", { a: CELLS.tags, b: 0 }), ...reading],
    16,
    "LOOKUP does not take cell a, a list of string",
  ),
  words(
    "a field of LOOKUP",
    [instruction("LOOKUP", { a: CELLS.environment, jump: 1 << 8 }), ...reading],
    16,
    "LOOKUP has no field and it is 1",
  ),
  words(
    "a LOOKUP that says it is a float",
    [instruction("LOOKUP", { a: CELLS.environment, sense: 1 }), ...reading],
    16,
    "LOOKUP computes a int and bit 8 is 1",
  ),
  words(
    "column of LOOKUP",
    [instruction("LOOKUP", { a: CELLS.environment, column: 1 }), ...reading],
    16,
    "LOOKUP has no constant and names a column",
  ),
  words(
    "what a map gives as another type",
    [instruction("LOOKUP", { a: CELLS.amount, b: 1 }), ...reading],
    17,
    "LT_NUMBER does not take cell a, a ip",
  ),
  words("nothing that reads it", [number(), accept], 16, "no test follows what LOAD_NUMBER computes"),
  words(
    "a body without end",
    [instruction("TALLY", { a: CELLS.tags, b: 9 }), ...reading],
    16,
    "its body of 9 instructions passes the end of what it stands in",
  ),
  words(
    "a jump to the test",
    [instruction("EXISTS", { a: 0, jump: 2 }), number(), ...reading],
    17,
    "a jump lands between LOAD_NUMBER and what reads it",
  ),
];

const CONSTANTS: readonly CodeFault[] = [
  one("truth", "CONSTANT", { b: 2 }, "CONSTANT: 2 is not 0 or 1"),
  one(
    "string",
    "EQ_STRING",
    { a: CELLS.environment, b: 999 },
    "EQ_STRING: string 999 does not exist, there are 72",
  ),
  one("number", "EQ_NUMBER", { a: CELLS.amount, b: 3 }, "EQ_NUMBER: number 3 does not exist, there are 3"),
  one(
    "network",
    "IN_NETWORK",
    { a: CELLS["source.ip"], b: 3 },
    "IN_NETWORK: network 3 does not exist, there are 3",
  ),
  one("member", "EQ_MEMBER", { a: CELLS.risk, b: 4 }, "EQ_MEMBER: member 4 does not exist, there are 4"),
  one(
    "member of the other enum",
    "EQ_MEMBER",
    { a: CELLS.colour, b: 2 },
    "EQ_MEMBER: member 2 does not exist, there are 2",
  ),
  one(
    "member of a list",
    "HAS_MEMBER",
    { a: CELLS.risks, b: 4 },
    "HAS_MEMBER: member 4 does not exist, there are 4",
  ),
  one(
    "member of a list of bool",
    "HAS_MEMBER",
    { a: CELLS.answers, b: 2 },
    "HAS_MEMBER: member 2 does not exist, there are 2",
  ),
  one("set", "IN_STRINGS", { a: CELLS.environment, b: 4 }, "IN_STRINGS: set 4 does not exist, there are 4"),
  one(
    "set of numbers for strings",
    "IN_STRINGS",
    { a: CELLS.environment, b: 1 },
    "IN_STRINGS: set 1 holds numbers, not strings",
  ),
  one(
    "set of strings for numbers",
    "IN_NUMBERS",
    { a: CELLS.amount, b: 0 },
    "IN_NUMBERS: set 0 holds strings, not numbers",
  ),
  one(
    "set of networks for members",
    "IN_MEMBERS",
    { a: CELLS.risk, b: 3 },
    "IN_MEMBERS: set 3 holds networks, not members",
  ),
  one(
    "set of members for networks",
    "IN_NETWORKS",
    { a: CELLS["source.ip"], b: 2 },
    "IN_NETWORKS: set 2 holds members, not networks",
  ),
  one(
    "members of the other enum",
    "IN_MEMBERS",
    { a: CELLS.colour, b: 2 },
    "IN_MEMBERS: member 3 does not exist, there are 2",
  ),
  one(
    "network for an ip",
    "EQ_ADDRESS",
    { a: CELLS["source.ip"], b: 0 },
    "EQ_ADDRESS: network 0 has prefix length 104, an address has 128",
  ),
  one(
    "network for a list of ip",
    "HAS_ADDRESS",
    { a: CELLS.addresses, b: 0 },
    "HAS_ADDRESS: network 0 has prefix length 104, an address has 128",
  ),
  {
    name: "member far beyond what a signed word holds",
    code: (model) => {
      model.setElements[5] = 0xffffffff;
      return testRoutine("IN_MEMBERS", { a: CELLS.risk, b: 2 });
    },
    // The sample's own IN_MEMBERS on the same set comes first.
    error: "code instruction 2: IN_MEMBERS: member 4294967295 does not exist, there are 4",
  },
  {
    name: "number of a count",
    code: () => [instruction("COUNT", { a: CELLS.tags }), ...testRoutine("EQ_COUNT", { b: 3 })],
    error: "code instruction 17: EQ_COUNT: number 3 does not exist, there are 3",
  },
];

const STRUCTURE: readonly CodeFault[] = [
  words("jump 0", testRoutine("CONSTANT", { jump: 0 }), 16, "CONSTANT branches and its jump is 0"),
  words(
    "jump behind the routine",
    testRoutine("CONSTANT", { jump: 3 }),
    16,
    "its jump of 3 leads out of its routine or body, or into another body",
  ),
  words(
    "jump behind all code",
    testRoutine("CONSTANT", { jump: 0xffff }),
    16,
    "its jump of 65535 leads out of its routine or body, or into another body",
  ),
  words(
    "jump out of a body",
    body(instruction("CONSTANT", { jump: 3 }), accept, reject),
    17,
    "its jump of 3 leads out of its routine or body, or into another body",
  ),
  words(
    "jump into a body",
    [instruction("CONSTANT", { jump: 2 }), ...body(accept)],
    16,
    "its jump of 2 leads out of its routine or body, or into another body",
  ),
  words(
    "ANY jumps into its own body",
    [instruction("ANY", { a: CELLS.approvals, b: 1, jump: 1 }), accept, accept],
    16,
    "its jump of 1 leads out of its routine or body, or into another body",
  ),
  words(
    "routine ends in a test",
    [instruction("CONSTANT", { jump: 1 }), instruction("CONSTANT", { jump: 1 })],
    17,
    "its jump of 1 leads out of its routine or body, or into another body",
  ),
  words(
    "routine ends in a count",
    [instruction("COUNT", { a: CELLS.tags })],
    16,
    "no compare that uses the COUNT follows it",
  ),
  words(
    "body ends in a count",
    body(instruction("COUNT", { frameA: 1, a: 3 })),
    17,
    "no compare that uses the COUNT follows it",
  ),
  words(
    "routine ends in a body",
    [instruction("CONSTANT", { jump: 1 }), instruction("ANY", { a: CELLS.tags, b: 1, jump: 1 }), accept],
    17,
    "its jump of 1 leads out of its routine or body, or into another body",
  ),
  words("code behind ACCEPT", [accept, reject], 17, "nothing leads to it, behind ACCEPT"),
  words(
    "code behind REJECT",
    [instruction("CONSTANT", { jump: 1 }), reject, accept],
    18,
    "nothing leads to it, behind REJECT",
  ),
  words("code behind ACCEPT in a body", body(accept, reject), 18, "nothing leads to it, behind ACCEPT"),
  words(
    "empty body of ANY",
    [instruction("ANY", { a: CELLS.tags, jump: 1 }), accept],
    16,
    "ANY: its body is empty",
  ),
  words(
    "empty body of ALL",
    [instruction("ALL", { a: CELLS.tags, jump: 1 }), accept],
    16,
    "ALL: its body is empty",
  ),
  words(
    "body past the routine",
    [instruction("ANY", { a: CELLS.tags, b: 2, jump: 1 }), accept],
    16,
    "its body of 2 instructions passes the end of what it stands in",
  ),
  words(
    "body of COUNT past the routine",
    [instruction("COUNT", { a: CELLS.tags, b: 0xffff }), accept],
    16,
    "its body of 65535 instructions passes the end of what it stands in",
  ),
  words(
    "body past the body around it",
    body(instruction("ANY", { frameA: 1, a: 3, b: 1, jump: 1 })),
    17,
    "its body of 1 instructions passes the end of what it stands in",
  ),
  words(
    "three aggregates inside one another",
    body(
      instruction("ANY", { frameA: 1, a: 3, b: 3, jump: 4 }),
      instruction("ANY", { frameA: 1, a: 3, b: 1, jump: 2 }),
      accept,
      accept,
      accept,
    ),
    18,
    "aggregates nested deeper than 2",
  ),
  words(
    "compare without count",
    testRoutine("EQ_COUNT"),
    16,
    "EQ_COUNT without the COUNT that it needs in front of it",
  ),
  words(
    "compare of two without count",
    testRoutine("LE_COUNTS"),
    16,
    "LE_COUNTS without the COUNT that it needs in front of it",
  ),
  words(
    "count without compare",
    [instruction("COUNT", { a: CELLS.tags }), accept],
    16,
    "no compare that uses the COUNT follows it",
  ),
  words(
    "two compares",
    [
      instruction("COUNT", { a: CELLS.tags }),
      instruction("EQ_COUNT", { jump: 2 }),
      ...testRoutine("LT_COUNT"),
    ],
    18,
    "LT_COUNT without the COUNT that it needs in front of it",
  ),
  words(
    "one count, compare of two",
    [instruction("COUNT", { a: CELLS.tags }), ...testRoutine("EQ_COUNTS")],
    16,
    "no compare that uses the COUNT follows it",
  ),
  words(
    "only register 1",
    [instruction("COUNT", { a: CELLS.tags, register: 1 }), ...testRoutine("EQ_COUNT")],
    16,
    "COUNT without the COUNT that it needs in front of it",
  ),
  words(
    "only register 1, compare of two",
    [instruction("COUNT", { a: CELLS.tags, register: 1 }), ...testRoutine("EQ_COUNTS")],
    16,
    "COUNT without the COUNT that it needs in front of it",
  ),
  words(
    "two counts into register 0",
    [
      instruction("COUNT", { a: CELLS.tags }),
      instruction("COUNT", { a: CELLS.tags }),
      ...testRoutine("EQ_COUNTS"),
    ],
    16,
    "no compare that uses the COUNT follows it",
  ),
  words(
    "two counts, compare of one",
    [
      instruction("COUNT", { a: CELLS.tags }),
      instruction("COUNT", { a: CELLS.tags, register: 1 }),
      ...testRoutine("EQ_COUNT"),
    ],
    16,
    "no compare of both registers follows the two COUNT",
  ),
  words(
    "jump to a compare",
    [
      instruction("CONSTANT", { jump: 2 }),
      instruction("COUNT", { a: CELLS.tags }),
      ...testRoutine("EQ_COUNT"),
    ],
    18,
    "a jump lands between EQ_COUNT and the COUNT in front of it",
  ),
  words(
    "jump to the second count",
    [
      instruction("CONSTANT", { jump: 2 }),
      instruction("COUNT", { a: CELLS.tags }),
      instruction("COUNT", { a: CELLS.tags, register: 1 }),
      ...testRoutine("EQ_COUNTS"),
    ],
    18,
    "a jump lands between COUNT and the COUNT in front of it",
  ),
];

const LENGTHS: readonly CodeFault[] = [
  {
    name: "empty routine",
    code: (model) => {
      model.routines.push(0);
      return testRoutine("CONSTANT");
    },
    error: "code routine 7: it is empty",
  },
  {
    name: "routines longer than the code",
    code: (model) => {
      model.routines[6] = 4;
      return testRoutine("CONSTANT");
    },
    error: "code routine 6: it ends at instruction 32, there are 31",
  },
  {
    name: "instructions of no routine",
    code: (model) => {
      model.code.push(accept);
      return testRoutine("CONSTANT");
    },
    error: "code instruction 31: no routine holds it",
  },
  {
    name: "string that the code added",
    code: (model) => testRoutine("EQ_STRING", { a: CELLS.environment, b: string(model, "new") + 1 }),
    error: "code instruction 16: EQ_STRING: string 73 does not exist, there are 73",
  },
];

export const CODE_FAULTS: Readonly<Record<string, readonly CodeFault[]>> = {
  "rule 10, fields": FIELDS,
  "rules 10 to 12, what computes": COMPUTING,
  "rules 10 and 11, constants": CONSTANTS,
  "rule 12, structure": STRUCTURE,
  "rule 10, routines": LENGTHS,
};
