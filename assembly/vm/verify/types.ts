/** Rules 6 and 7: enums and the shapes of values. */
import { LIMIT_SHAPE_WIDTH_MAX, TYPE_ENUM, TYPE_LIST, TYPE_RECORD } from "../../gen/constants";
import { Bundle } from "../bundle";
import { AS_FIELD_NAME, isFit } from "./judgements";
import { clearMarks, mark } from "./marks";
import { refuse, refuseAt } from "./refusal";

/** The enum whose members are the resources. */
// @ts-ignore: decorator
@inline export const RESOURCE_TYPE_ENUM: u32 = 0;

/** Rule 6. */
export function verifyEnums(bundle: Bundle): bool {
  if (bundle.enumCount == 0) return refuse("enums", "empty");
  clearMarks();
  for (let i: u32 = 0; i < bundle.enumCount; i++) {
    const name = bundle.enum_(i).name;
    if (name >= bundle.stringCount) return refuseAt("enums", "does not exist", i);
    if (!mark(name)) return refuseAt("enums", "two alike", i);
  }
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.enumCount; i++) {
    const entry = bundle.enum_(i);
    if (entry.ordered > 1) return refuseAt("enums", "malformed", i);
    if (i == RESOURCE_TYPE_ENUM && entry.ordered == 1) return refuse("enums", "malformed");
    if (entry.first != next || entry.count > bundle.memberCount - next) return refuseAt("enums", "ranges do not join", i);
    next += entry.count;
    clearMarks();
    for (let m = entry.first; m < next; m++) {
      if (bundle.member(m) >= bundle.stringCount) return refuseAt("enums", "does not exist", i);
      if (!mark(bundle.member(m))) return refuseAt("enums", "two alike", i);
    }
  }
  return next == bundle.memberCount || refuse("enums", "not all used");
}

/** Rule 7. Sets the shapes' widths. That a shape of enum 0 belongs to the builtin is seen with the slots. */
export function verifyShapes(bundle: Bundle): bool {
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.shapeCount; i++) {
    const shape = bundle.shape(i);
    let width: u32 = 1;
    if (shape.type == TYPE_RECORD) {
      if (shape.argument != next || shape.fieldCount > bundle.fieldCount - next) {
        return refuseAt("shapes", "ranges do not join", i);
      }
      if (shape.fieldCount == 0) return refuseAt("shapes", "empty", i);
      next += shape.fieldCount;
      width = recordWidth(bundle, i);
      if (width == 0) return false;
    } else {
      if (shape.type > TYPE_RECORD) return refuseAt("shapes", "unknown kind", i);
      if (shape.fieldCount != 0) return refuseAt("shapes", "malformed", i);
      if (!argumentFits(bundle, i)) return refuseAt("shapes", "bad argument", i);
    }
    store<u32>(bundle.shapeWidths + (i << 2), width);
  }
  return next == bundle.fieldCount || refuse("shapes", "not all used");
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
    if (field.name >= bundle.stringCount) return none("shapes", "does not exist", index);
    if (!isFit(bundle, field.name, AS_FIELD_NAME)) return none("shapes", "a field's name holds a dot", index);
    if (!mark(field.name)) return none("shapes", "two alike", index);
    if (!isPart(bundle, field.shape, index)) return none("shapes", "bad argument", index);
    width += bundle.shapeWidth(field.shape);
    if (width > LIMIT_SHAPE_WIDTH_MAX) return none("shapes", "too many cells", index);
  }
  return width;
}

function none(where: string, what: string, index: u32): u32 {
  refuseAt(where, what, index);
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
