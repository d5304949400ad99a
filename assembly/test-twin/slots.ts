/**
 * The loaded slots for the test driver: u32 count, and for each slot that is read a text (u32 length and bytes) with
 * its name, and a value:
 *
 *     u8 state (0 absent, 1 present, 2 invalid); u8 type; present:
 *       string        text
 *       number        f64                       int, float, bool, enum
 *       address       16 bytes; u32 prefix      ip, cidr
 *       list          u32 count; values
 *     record, in every state: u32 count; count x (text name; value)
 */
import { TYPE_CIDR, TYPE_IP, TYPE_LIST, TYPE_RECORD, TYPE_STRING } from "../gen/constants";
import { Writer } from "../host/writer";
import { Bundle } from "../vm/bundle";
import { Cell, cellAt, PRESENT } from "../vm/cells";

export function writeSlots(writer: Writer, bundle: Bundle, cells: usize): Writer {
  writer.word(bundle.readSlotCount);
  for (let i: u32 = 0; i < bundle.readSlotCount; i++) {
    const index = bundle.readSlot(i);
    const slot = bundle.slot(index);
    writeText(writer, bundle.stringPointer(slot.name), bundle.stringLength(slot.name));
    writeValue(writer, bundle, slot.shape, cellAt(cells, bundle.slotCell(index)));
  }
  return writer;
}

function writeValue(writer: Writer, bundle: Bundle, shape: u32, cell: Cell): void {
  const entry = bundle.shape(shape);
  writer.byte(cell.state).byte(entry.type);
  if (entry.type == TYPE_RECORD) {
    let offset: u32 = 1;
    writer.word(entry.fieldCount);
    for (let i: u32 = 0; i < entry.fieldCount; i++) {
      const field = bundle.field(entry.argument + i);
      writeText(writer, bundle.stringPointer(field.name), bundle.stringLength(field.name));
      writeValue(writer, bundle, field.shape, cellAt(changetype<usize>(cell), offset));
      offset += bundle.shapeWidth(field.shape);
    }
    return;
  }
  if (cell.state != PRESENT) return;
  switch (entry.type) {
    case TYPE_STRING:
      writeText(writer, cell.pointer, cell.length);
      return;
    case TYPE_IP:
    case TYPE_CIDR:
      writer.bytes(cell.pointer, 16).word(cell.length);
      return;
    case TYPE_LIST:
      writer.word(cell.length);
      for (let i: u32 = 0; i < cell.length; i++) writeValue(writer, bundle, entry.argument, cellAt(cell.pointer, i * cell.width));
      return;
    default: {
      const bits = reinterpret<u64>(cell.number);
      writer.word(<u32>bits).word(<u32>(bits >> 32));
    }
  }
}

export function writeText(writer: Writer, pointer: usize, length: u32): void {
  writer.word(length).bytes(pointer, length);
}
