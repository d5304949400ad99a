/** The reference evaluator over the checked document. It has no step from HTTP to slots of its own: core's is used. */

import type { Shape } from "../../../core/bytecode/program.ts";
import type { Program } from "../../../core/index.ts";
import { createSlotLoader } from "../../../core/request/load.ts";
import { ABSENT as CELL_ABSENT, PRESENT as CELL_PRESENT, Slots } from "../../../core/request/slots.ts";
import { evaluate } from "../../reference/reference.ts";
import { ABSENT, type Address, INVALID, present, type Value } from "../../reference/values.ts";
import { neutralRequest } from "../neutral.ts";
import type { Case } from "../vectors.ts";
import { type CompiledVector, type Runtime, seenExplanation } from "./runtime.ts";

export const reference: Runtime = {
  name: "reference",
  open: async () => ({
    judge: async (vector, given) => seenExplanation(evaluate(vector.document, valuation(vector, given))),
    close: async () => {},
  }),
};

function valuation({ program }: CompiledVector, given: Case): Map<string, Value> {
  const slots = new Slots(program.cellCount);
  const loader = createSlotLoader(program);
  loader.load(neutralRequest(given), slots);
  const read = program.slots.filter((slot) => slot.read);
  const values = new Map(read.map((slot) => [slot.name, valueIn(slots, slot.cell, slot.shape, program)]));
  // `default allow` asks for these three whether the policy reads them or not.
  if (loader.methodInvalid) values.set("request.method", INVALID);
  if (loader.pathInvalid) values.set("request.path", INVALID);
  if (loader.hostInvalid) values.set("request.host", INVALID);
  return values;
}

function valueIn(slots: Slots, cell: number, shape: Shape, program: Program): Value {
  const state = slots.state[cell];
  if (state === CELL_ABSENT) return ABSENT;
  if (state !== CELL_PRESENT) return INVALID;
  const number = slots.number[cell]!;
  const offset = slots.offset[cell]!;
  const length = slots.length[cell]!;
  switch (shape.type) {
    case "string":
      return present(
        new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
          slots.bytes.slice(offset, offset + length),
        ),
      );
    case "int":
    case "float":
    case "datetime":
    case "duration":
      return present(number);
    case "bool":
      return present(number === 1);
    case "enum":
      return present(number < 0 ? "" : program.strings.at(program.enums[shape.enumIndex]!.members[number]!));
    case "ip":
    case "cidr":
      return present(address(slots.bytes.slice(offset, offset + 16), length));
    case "list":
      return present(
        Array.from({ length }, (_, i) =>
          valueIn(slots, offset + i * shape.element!.width, shape.element!, program),
        ),
      );
    case "record":
      return present(
        new Map(
          shape.fields.map((field) => [
            field.name,
            valueIn(slots, cell + field.offset, field.shape, program),
          ]),
        ),
      );
  }
}

function address(bytes: Uint8Array, prefix: number): Address {
  const mapped =
    prefix >= 96 &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff &&
    bytes.subarray(0, 10).every((byte) => byte === 0);
  return mapped ? { bytes: [...bytes.subarray(12)], prefix: prefix - 96 } : { bytes: [...bytes], prefix };
}
