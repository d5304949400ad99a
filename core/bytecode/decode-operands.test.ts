/** Rules 10 and 11 over all instructions and all types: which cells each one takes. */
import { describe, expect, it } from "vitest";
import { ROUTINE } from "../../test/bytecode/faults/index.ts";
import { writeModel } from "../../test/bytecode/model.ts";
import { CELLS, type Fields, instruction, sample, setRoutine, settle } from "../../test/bytecode/sample.ts";
import { decode } from "./decode.ts";
import { INSTRUCTIONS, type OperandA } from "./gen/tables.ts";

function errorOf(bytes: Uint8Array): string {
  const decoded = decode(bytes);
  return decoded.ok ? "accepted" : decoded.error;
}

/** Slots of the sample that each kind of operand takes. */
const NUMBERS = ["amount", "ratio"] as const;
const TAKEN: Readonly<Record<Exclude<OperandA, "none">, readonly (keyof typeof CELLS)[]>> = {
  any: Object.keys(CELLS) as (keyof typeof CELLS)[],
  bool: ["vip"],
  string: ["environment", "order_id", "tenant"],
  number: NUMBERS,
  counted: NUMBERS,
  datetime: [],
  enum: ["resource.type", "risk", "colour", "other_risk"],
  ordered: ["risk", "other_risk"],
  address: ["source.ip", "network", "peer"],
  ip: ["source.ip", "peer"],
  numeric: [...NUMBERS, "vip", "resource.type", "risk", "colour", "other_risk"],
  comparable: [...NUMBERS, "risk", "other_risk"],
  stringList: ["tags"],
  numberList: ["ratios"],
  enumList: ["answers", "risks"],
  addressList: ["networks", "addresses"],
  scalar: [
    "resource.type",
    "source.ip",
    "environment",
    "risk",
    "colour",
    "amount",
    "ratio",
    "vip",
    "network",
    "order_id",
    "tenant",
    "other_risk",
    "peer",
  ],
  list: ["tags", "approvals", "networks", "addresses", "answers", "risks", "ratios"],
};

/** Lists whose elements are what the instruction makes one value of. */
const FOLDED: Readonly<Record<string, readonly (keyof typeof CELLS)[]>> = {
  SUM: ["ratios"],
  MIN: ["ratios", "risks"],
  MAX: ["ratios", "risks"],
  // The keys of the sample's first map are strings.
  LOOKUP: TAKEN.string,
};

/** Does it compute a float, of the sample's numbers? Only `amount` is an int. */
function isFloat(name: string, { a, b }: Fields): boolean {
  if (name === "SUM") return a === CELLS.ratios;
  return ["ADD", "SUBTRACT", "MULTIPLY"].includes(name) && (a !== CELLS.amount || b !== CELLS.amount);
}

/** Pairs of slots that an instruction with two cells takes, by its operand b. */
const PAIRS: Readonly<Record<string, readonly (readonly [keyof typeof CELLS, keyof typeof CELLS])[]>> = {
  stringCell: pairs(TAKEN.string, TAKEN.string),
  numericCell: [
    ...pairs(NUMBERS, NUMBERS),
    ["vip", "vip"],
    ["resource.type", "resource.type"],
    ["colour", "colour"],
    ...pairs(TAKEN.ordered, TAKEN.ordered),
  ],
  comparableCell: [...pairs(NUMBERS, NUMBERS), ...pairs(TAKEN.ordered, TAKEN.ordered)],
  countedCell: pairs(NUMBERS, NUMBERS),
  addressCell: [...pairs(TAKEN.ip, TAKEN.ip), ["network", "network"]],
  cidrCell: pairs(TAKEN.ip, ["network"]),
  listCell: [
    ...pairs(TAKEN.string, ["tags"]),
    ...pairs(NUMBERS, ["ratios"]),
    ["vip", "answers"],
    ...pairs(TAKEN.ordered, ["risks"]),
    ...pairs(TAKEN.ip, ["addresses"]),
    ["network", "networks"],
  ],
  cidrListCell: pairs(TAKEN.ip, ["networks"]),
};

function pairs<A extends string, B extends string>(a: readonly A[], b: readonly B[]): [A, B][] {
  return a.flatMap((x) => b.map((y): [A, B] => [x, y]));
}

/** A constant that fits each kind of operand b. */
const CONSTANTS: Readonly<Record<string, number>> = {
  truth: 1,
  string: 0,
  strings: 0,
  automaton: 1,
  number: 0,
  numbers: 1,
  member: 0,
  network: 1,
  networks: 3,
};

describe("rules 10 and 11, types of operands", () => {
  const INSTRUCTION_LIST = INSTRUCTIONS.filter((info) => info !== null);
  const withCode = (name: string, fields: Fields): string => {
    const model = sample();
    const { b, computes } = INSTRUCTION_LIST.find((info) => info.name === name)!;
    // A set whose only member is 0, which every enum of the sample has.
    if (b === "members") model.sets.push({ kind: 2, first: model.setElements.push(0) - 1, count: 1 });
    const test = instruction(name, { jump: 2, ...fields });
    const rest = [instruction("ACCEPT"), instruction("REJECT")];
    if (computes)
      setRoutine(model, ROUTINE, [
        instruction(name, { sense: isFloat(name, fields) ? 1 : 0, ...fields }),
        instruction("CONSTANT", { jump: 2 }),
        ...rest,
      ]);
    else if (b === "body")
      setRoutine(model, ROUTINE, [instruction(name, { jump: 3, ...fields }), instruction("ACCEPT"), ...rest]);
    else if (name === "COUNT")
      setRoutine(model, ROUTINE, [instruction(name, fields), instruction("EQ_COUNT", { jump: 2 }), ...rest]);
    else if (name.endsWith("_COUNT_CELL"))
      setRoutine(model, ROUTINE, [instruction("COUNT", { a: CELLS.tags }), test, ...rest]);
    else setRoutine(model, ROUTINE, [test, ...rest]);
    return errorOf(writeModel(settle(model)));
  };

  const ONE_CELL = INSTRUCTION_LIST.filter((info) => info.a !== "none" && !info.b.endsWith("Cell"));
  it.each(ONE_CELL)("$name takes exactly the cells of its kind", ({ name, a, b }) => {
    const constant = b === "members" ? 4 : b === "body" ? 1 : (CONSTANTS[b] ?? 0);
    const taken = Object.entries(CELLS)
      .filter(([, cell]) => withCode(name, { a: cell, b: constant }) === "accepted")
      .map(([slot]) => slot);
    expect(taken.sort()).toEqual([...(FOLDED[name] ?? TAKEN[a as Exclude<OperandA, "none">])].sort());
  });

  const TWO_CELLS = INSTRUCTION_LIST.filter((info) => info.b in PAIRS);
  it.each(TWO_CELLS)("$name takes exactly the pairs of its kinds", ({ name, b }) => {
    const all = pairs(
      Object.keys(CELLS) as (keyof typeof CELLS)[],
      Object.keys(CELLS) as (keyof typeof CELLS)[],
    );
    const taken = all.filter(([x, y]) => withCode(name, { a: CELLS[x], b: CELLS[y] }) === "accepted");
    expect(taken.map(String).sort()).toEqual(PAIRS[b]!.map(String).sort());
  });

  it.each(["EQ_COUNT_CELL", "LT_COUNT_CELL", "LE_COUNT_CELL"])("%s takes exactly numbers", (name) => {
    const taken = Object.entries(CELLS)
      .filter(([, cell]) => withCode(name, { b: cell }) === "accepted")
      .map(([slot]) => slot);
    expect(taken.sort()).toEqual([...NUMBERS].sort());
  });

  it("every instruction with cells is in one of the tables", () => {
    const others = INSTRUCTION_LIST.filter(
      (info) => !ONE_CELL.includes(info) && !TWO_CELLS.includes(info),
    ).map(({ name }) => name);
    expect(others).toEqual([
      "ACCEPT",
      "REJECT",
      "CONSTANT",
      "EQ_COUNT",
      "LT_COUNT",
      "LE_COUNT",
      "EQ_COUNT_CELL",
      "LT_COUNT_CELL",
      "LE_COUNT_CELL",
      "EQ_COUNTS",
      "LT_COUNTS",
      "LE_COUNTS",
      "LOAD_NUMBER",
    ]);
  });
});
