/** Rule 10 of instructions that compute: the shape of what they write. */

import { cellShapes } from "../cells.ts";
import {
  OP_ADD,
  OP_LOAD_NUMBER,
  OP_LOOKUP,
  OP_LOWER,
  OP_MULTIPLY,
  OP_SUBTRACT,
  OP_SUM,
  OP_TALLY,
} from "../gen/constants.ts";
import { TYPE_NAMES } from "../gen/tables.ts";
import type { ScalarType, Shape } from "../program.ts";
import type { Facts, Instruction, OperandShapes } from "./instructions.ts";
import { refuse } from "./refusal.ts";

const NUMBERS: readonly string[] = ["int", "float", "datetime", "duration"];

/** Those whose bounds depend on the type. */
const BOUNDED = [OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_SUM];

/** Results of arithmetic by operands, besides those of numbers. */
const TIMES: Readonly<Record<string, ScalarType>> = {
  "datetime ADD duration": "datetime",
  "duration ADD datetime": "datetime",
  "duration ADD duration": "duration",
  "datetime SUBTRACT datetime": "duration",
  "datetime SUBTRACT duration": "datetime",
  "duration SUBTRACT duration": "duration",
  "duration MULTIPLY int": "duration",
  "int MULTIPLY duration": "duration",
};

/** Refuses what computes nothing. `operands` have passed rule 11. */
export function computedShape(
  where: string,
  instruction: Instruction,
  operands: OperandShapes,
  facts: Facts,
): Shape {
  const shape = shapeOf(where, instruction, operands, facts);
  const float = BOUNDED.includes(instruction.opcode) && shape.type === "float" ? 1 : 0;
  if (instruction.sense !== float)
    refuse(where, `${instruction.info.name} computes a ${shape.type} and bit 8 is ${instruction.sense}`);
  return shape;
}

function shapeOf(where: string, instruction: Instruction, operands: OperandShapes, facts: Facts): Shape {
  switch (instruction.opcode) {
    case OP_LOAD_NUMBER:
      return loadedShape(where, instruction, facts);
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
      return arithmeticShape(where, instruction, operands.a!, operands.b!);
    case OP_LOWER:
      return scalar("string");
    case OP_LOOKUP:
      return facts.maps[instruction.b]!.value;
    case OP_TALLY:
      return scalar("int");
    default:
      return fieldShape(where, instruction, operands.a!, facts);
  }
}

function loadedShape(where: string, { field, b, column }: Instruction, { constants }: Facts): Shape {
  const type = TYPE_NAMES[field];
  if (type === undefined || !NUMBERS.includes(type)) refuse(where, `LOAD_NUMBER loads no type ${field}`);
  if (type !== "float" && !column && !Number.isSafeInteger(constants.numbers[b]))
    refuse(where, `LOAD_NUMBER: ${constants.numbers[b]} is no ${type}`);
  return scalar(type as ScalarType);
}

function arithmeticShape(where: string, { info }: Instruction, a: Shape, b: Shape): Shape {
  const types = [a.type, b.type];
  if (types.every((type) => type === "int" || type === "float"))
    return scalar(types.includes("float") ? "float" : "int");
  const type = TIMES[`${a.type} ${info.name} ${b.type}`];
  if (type === undefined) refuse(where, `${info.name} makes nothing of a ${a.type} and a ${b.type}`);
  return scalar(type);
}

function fieldShape(where: string, { opcode, info, field }: Instruction, a: Shape, { enums }: Facts): Shape {
  const shape = cellShapes(a.element!)[field];
  if (shape === undefined) refuse(where, `${info.name}: the element has no cell ${field}`);
  const ordered = shape.type === "enum" && enums[shape.enumIndex]!.ordered;
  const fits =
    opcode === OP_SUM
      ? NUMBERS.includes(shape.type) && shape.type !== "datetime"
      : NUMBERS.includes(shape.type) || ordered;
  if (!fits) refuse(where, `${info.name} does not take a ${shape.type}`);
  return shape;
}

function scalar(type: ScalarType): Shape {
  return { type, width: 1, enumIndex: -1, element: null, fields: [] };
}
