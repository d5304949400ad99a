/** Rules 6 and 7: enums and the shapes of values. */
import { LIMIT_SHAPE_WIDTH_MAX, TYPE_ENUM, TYPE_LIST, TYPE_RECORD } from "../../gen/constants";
import { Bundle } from "../bundle";
import { findByte } from "../bytes";
import { clearMarks, mark } from "./marks";
import { refuse, refuseAt } from "./refusal";

/** The enum whose members are the resources. */
// @ts-ignore: decorator
@inline export const RESOURCE_TYPE_ENUM: u32 = 0;

/** Rule 6. */
export function verifyEnums(bundle: Bundle): bool {
  if (bundle.enumCount == 0) return refuse("enums: entry 0, `resource.type`, is missing");
  clearMarks();
  for (let i: u32 = 0; i < bundle.enumCount; i++) {
    const name = bundle.enum_(i).name;
    if (name >= bundle.stringCount) return refuseAt("enums: a name does not exist", i);
    if (!mark(name)) return refuseAt("enums: two of one name", i);
  }
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.enumCount; i++) {
    const entry = bundle.enum_(i);
    if (entry.ordered > 1) return refuseAt("enums: `ordered` is not 0 or 1", i);
    if (i == RESOURCE_TYPE_ENUM && entry.ordered == 1) return refuse("enums: `resource.type` is ordered");
    if (entry.first != next || entry.count > bundle.memberCount - next) return refuseAt("enums: members do not follow those of the enum before", i);
    next += entry.count;
    clearMarks();
    for (let m = entry.first; m < next; m++) {
      if (bundle.member(m) >= bundle.stringCount) return refuseAt("enums: a member's name does not exist", i);
      if (!mark(bundle.member(m))) return refuseAt("enums: a member stands there twice", i);
    }
  }
  return next == bundle.memberCount || refuse("enums: no enum uses the last members");
}

/** Rule 7. Sets the shapes' widths. That a shape of enum 0 belongs to the builtin is seen with the slots. */
export function verifyShapes(bundle: Bundle): bool {
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.shapeCount; i++) {
    const shape = bundle.shape(i);
    let width: u32 = 1;
    if (shape.type == TYPE_RECORD) {
      if (shape.argument != next || shape.fieldCount > bundle.fieldCount - next) {
        return refuseAt("shapes: fields do not follow those of the record before", i);
      }
      if (shape.fieldCount == 0) return refuseAt("shapes: a record without fields", i);
      next += shape.fieldCount;
      width = recordWidth(bundle, i);
      if (width == 0) return false;
    } else {
      if (shape.type > TYPE_RECORD) return refuseAt("shapes: unknown type", i);
      if (shape.fieldCount != 0) return refuseAt("shapes: fields, and no record", i);
      if (!argumentFits(bundle, i)) return refuseAt("shapes: argument does not fit", i);
    }
    store<u32>(bundle.shapeWidths + (i << 2), width);
  }
  return next == bundle.fieldCount || refuse("shapes: no record uses the last fields");
}

function argumentFits(bundle: Bundle, index: u32): bool {
  const shape = bundle.shape(index);
  switch (shape.type) {
    case TYPE_ENUM:
      return shape.argument < bundle.enumCount;
    case TYPE_LIST:
      return isPart(bundle, shape.argument, index);
    default:
      return shape.argument == 0;
  }
}

/** Cells of the record, or 0 when it is refused. */
function recordWidth(bundle: Bundle, index: u32): u32 {
  const record = bundle.shape(index);
  let width: u32 = 1;
  clearMarks();
  for (let i: u32 = 0; i < record.fieldCount; i++) {
    const field = bundle.field(record.argument + i);
    if (field.name >= bundle.stringCount) return none("shapes: a field's name does not exist", index);
    const name = bundle.stringPointer(field.name);
    const end = name + bundle.stringLength(field.name);
    if (findByte(0x2e, name, end) < end) return none("shapes: a field's name holds a dot", index);
    if (!mark(field.name)) return none("shapes: two fields of one name", index);
    if (!isPart(bundle, field.shape, index)) return none("shapes: a field's shape does not stand before the record, or is `resource.type`", index);
    width += bundle.shapeWidth(field.shape);
    if (width > LIMIT_SHAPE_WIDTH_MAX) return none("shapes: a record has too many cells", index);
  }
  return width;
}

function none(why: string, index: u32): u32 {
  refuseAt(why, index);
  return 0;
}

/** An element's or a field's shape stands before, so that shapes never hold themselves, and is not `resource.type`. */
function isPart(bundle: Bundle, part: u32, whole: u32): bool {
  return part < whole && !isResourceType(bundle, part);
}

export function isResourceType(bundle: Bundle, index: u32): bool {
  const shape = bundle.shape(index);
  return shape.type == TYPE_ENUM && shape.argument == RESOURCE_TYPE_ENUM;
}
