/** The slots that core loads, in the shape of the test twin's. */
import type { Dump } from "../../assembly/test-driver.ts";
import { decode } from "../../core/bytecode/decode.ts";
import type { Program, Shape } from "../../core/bytecode/program.ts";
import { createSlotLoader } from "../../core/request/load.ts";
import type { NeutralRequest } from "../../core/request/neutral.ts";
import { PRESENT, Slots } from "../../core/request/slots.ts";

const STATES = ["absent", "present", "invalid"] as const;

/** Loads requests for a bundle and shows every slot that is read, by name. */
export function coreSlots(bundle: Uint8Array): (request: NeutralRequest) => Map<string, Dump> {
  const decoded = decode(bundle);
  if (!decoded.ok) throw new Error(decoded.error);
  const program: Program = decoded.program;
  const loader = createSlotLoader(program);
  const slots = new Slots(program.cellCount);
  return (request) => {
    loader.load(request, slots);
    const read = program.slots.filter((slot) => slot.read);
    return new Map(read.map((slot) => [slot.name, dump(slots, slot.shape, slot.cell)]));
  };
}

function dump(slots: Slots, shape: Shape, cell: number): Dump {
  const state = STATES[slots.state[cell]!]!;
  if (shape.type === "record") {
    return {
      state,
      fields: Object.fromEntries(shape.fields.map((f) => [f.name, dump(slots, f.shape, cell + f.offset)])),
    };
  }
  if (slots.state[cell] !== PRESENT) return { state } as Dump;
  const [offset, length] = [slots.offset[cell]!, slots.length[cell]!];
  switch (shape.type) {
    case "string":
      return { state: "present", text: slots.bytes.slice(offset, offset + length) };
    case "ip":
    case "cidr":
      return { state: "present", address: slots.bytes.slice(offset, offset + 16), prefix: length };
    case "list": {
      const width = slots.id[cell]!;
      return {
        state: "present",
        elements: Array.from({ length }, (_, i) => dump(slots, shape.element!, offset + i * width)),
      };
    }
    default:
      return { state: "present", number: slots.number[cell]! };
  }
}
