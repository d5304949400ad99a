/** Rules 10 and 11: which operands each instruction takes. The kinds are those of the table in docs/bytecode.md. */
import * as op from "../../gen/constants";
import { ADDRESS_PREFIX } from "../address";
import { Bundle, ShapeEntry } from "../bundle";
import { SAFE_INTEGER_MAX } from "../cells";

// @ts-ignore: decorator
@inline const NO_SHAPE: u32 = 0xffffffff;

/** Whether operand a is a cell. */
export function hasCellA(opcode: u32): bool {
  return (opcode > op.OP_CONSTANT && opcode < op.OP_EQ_COUNT) || opcode > op.OP_LOAD_NUMBER;
}

/** Whether operand b is a cell. */
export function hasCellB(opcode: u32): bool {
  switch (opcode) {
    case op.OP_EQ_STRINGS:
    case op.OP_STARTS_STRINGS:
    case op.OP_ENDS_STRINGS:
    case op.OP_CONTAINS_STRINGS:
    case op.OP_EQ_NUMBERS:
    case op.OP_LT_NUMBERS:
    case op.OP_LE_NUMBERS:
    case op.OP_EQ_ADDRESSES:
    case op.OP_IN_CIDR:
    case op.OP_LT_STRINGS:
    case op.OP_LE_STRINGS:
    case op.OP_IN_LIST:
    case op.OP_IN_CIDRS:
    case op.OP_EQ_COUNT_CELL:
    case op.OP_LT_COUNT_CELL:
    case op.OP_LE_COUNT_CELL:
    case op.OP_ADD:
    case op.OP_SUBTRACT:
    case op.OP_MULTIPLY:
      return true;
    default:
      return false;
  }
}

/** Whether operand b has no meaning and must be 0. */
export function hasNoB(opcode: u32): bool {
  return opcode == op.OP_ACCEPT || opcode == op.OP_REJECT || opcode == op.OP_EXISTS || opcode == op.OP_TRUTH || (opcode >= op.OP_EQ_COUNTS && opcode < op.OP_LOAD_NUMBER) || opcode == op.OP_LOWER;
}

export function branches(opcode: u32): bool {
  return opcode > op.OP_REJECT && opcode != op.OP_COUNT && opcode < op.OP_LOAD_NUMBER;
}

/** A body may stand behind. */
export function isAggregate(opcode: u32): bool {
  return (opcode >= op.OP_ANY && opcode <= op.OP_COUNT) || opcode >= op.OP_TALLY;
}

/** Writes a temporary. */
export function computes(opcode: u32): bool {
  return opcode >= op.OP_LOAD_NUMBER;
}

/** The shape of a computed value of a type is this and the type's id: the bundle may have no shape of it. */
// @ts-ignore: decorator
@inline export const COMPUTED: u32 = 0x80000000;
const COMPUTED_SHAPES: usize = memory.data<u32>([0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 5, 0, 0, 6, 0, 0, 7, 0, 0, 8, 0, 0]);

export function shapeOf(bundle: Bundle, shape: u32): ShapeEntry {
  return shape < COMPUTED ? bundle.shape(shape) : changetype<ShapeEntry>(COMPUTED_SHAPES + (shape - COMPUTED) * 12);
}

/** What an instruction computes from operands of these shapes, which it takes; `NO_SHAPE` for nothing. Of a LOOKUP b is what the map gives. */
export function computedShape(bundle: Bundle, opcode: u32, field: u32, shapeA: u32, shapeB: u32): u32 {
  if (opcode == op.OP_LOAD_NUMBER) {
    const whole = field == op.TYPE_INT || field == op.TYPE_DATETIME || field == op.TYPE_DURATION;
    return field == op.TYPE_FLOAT || whole ? COMPUTED + field : NO_SHAPE;
  }
  if (opcode == op.OP_LOWER) return field == 0 ? COMPUTED + op.TYPE_STRING : NO_SHAPE;
  if (opcode == op.OP_LOOKUP) return field == 0 ? shapeB : NO_SHAPE;
  if (opcode == op.OP_TALLY) return field == 0 ? COMPUTED + op.TYPE_INT : NO_SHAPE;
  if (opcode > op.OP_TALLY) {
    const part = partShape(bundle, bundle.shape(shapeA).argument, field);
    if (part == NO_SHAPE) return NO_SHAPE;
    const type = bundle.shape(part).type;
    const fits = opcode == op.OP_SUM ? isCounted(type) && type != op.TYPE_DATETIME : isCounted(type) || isOrdered(bundle, part);
    return fits ? part : NO_SHAPE;
  }
  const type = field == 0 ? resultType(opcode, shapeOf(bundle, shapeA).type, shapeOf(bundle, shapeB).type) : NO_SHAPE;
  return type == NO_SHAPE ? type : COMPUTED + type;
}

function resultType(opcode: u32, a: u32, b: u32): u32 {
  if (isNumber(a) && isNumber(b)) return max(a, b);
  const times = opcode == op.OP_MULTIPLY;
  if (a == op.TYPE_DURATION && b == (times ? op.TYPE_INT : op.TYPE_DURATION)) return a;
  if (times) return a == op.TYPE_INT && b == op.TYPE_DURATION ? b : NO_SHAPE;
  if (a == op.TYPE_DATETIME && b == op.TYPE_DURATION) return a;
  if (opcode == op.OP_ADD) return a == op.TYPE_DURATION && b == op.TYPE_DATETIME ? b : NO_SHAPE;
  return a == op.TYPE_DATETIME && b == a ? op.TYPE_DURATION : NO_SHAPE;
}

/** Bit 8 of the head: the result is a float whose bounds are looked at. */
export function boundsFloat(bundle: Bundle, opcode: u32, shape: u32): bool {
  return ((opcode > op.OP_LOAD_NUMBER && opcode < op.OP_LOWER) || opcode == op.OP_SUM) && shapeOf(bundle, shape).type == op.TYPE_FLOAT;
}

/** Shape of cell `cell` of a value; `NO_SHAPE` where it has none. */
export function partShape(bundle: Bundle, shape: u32, cell: u32): u32 {
  if (cell >= bundle.shapeWidth(shape)) return NO_SHAPE;
  let rest = cell;
  while (rest > 0) {
    rest--;
    let index = bundle.shape(shape).argument;
    while (rest >= bundle.shapeWidth(bundle.field(index).shape)) rest -= bundle.shapeWidth(bundle.field(index++).shape);
    shape = bundle.field(index).shape;
  }
  return shape;
}

export function isSafeInteger(value: f64): bool {
  return Math.floor(value) == value && Math.abs(value) <= SAFE_INTEGER_MAX;
}

/** Whether the instruction takes a cell of this shape as a. */
export function takesA(bundle: Bundle, opcode: u32, shape: u32): bool {
  const type = shapeOf(bundle, shape).type;
  switch (opcode) {
    case op.OP_EXISTS:
      return true;
    case op.OP_TRUTH:
      return type == op.TYPE_BOOL;
    case op.OP_EQ_STRING:
    case op.OP_STARTS_STRING:
    case op.OP_ENDS_STRING:
    case op.OP_CONTAINS_STRING:
    case op.OP_MATCHES:
    case op.OP_IN_STRINGS:
    case op.OP_EQ_STRINGS:
    case op.OP_STARTS_STRINGS:
    case op.OP_ENDS_STRINGS:
    case op.OP_CONTAINS_STRINGS:
    case op.OP_LT_STRING:
    case op.OP_LE_STRING:
    case op.OP_LT_STRINGS:
    case op.OP_LE_STRINGS:
    case op.OP_LOWER:
      return type == op.TYPE_STRING;
    case op.OP_ADD:
    case op.OP_SUBTRACT:
    case op.OP_MULTIPLY:
    case op.OP_EQ_NUMBER:
    case op.OP_LT_NUMBER:
    case op.OP_LE_NUMBER:
    case op.OP_IN_NUMBERS:
      return isCounted(type);
    case op.OP_IN_HOURS:
      return type == op.TYPE_DATETIME;
    case op.OP_EQ_MEMBER:
    case op.OP_IN_MEMBERS:
      return type == op.TYPE_ENUM;
    case op.OP_LT_MEMBER:
    case op.OP_LE_MEMBER:
      return isOrdered(bundle, shape);
    case op.OP_EQ_ADDRESS:
    case op.OP_EQ_ADDRESSES:
      return isAddress(type);
    case op.OP_IN_NETWORK:
    case op.OP_IN_NETWORKS:
    case op.OP_IN_CIDR:
    case op.OP_IN_CIDRS:
      return type == op.TYPE_IP;
    case op.OP_EQ_NUMBERS:
      return isCounted(type) || type == op.TYPE_BOOL || type == op.TYPE_ENUM;
    case op.OP_LT_NUMBERS:
    case op.OP_LE_NUMBERS:
      return isCounted(type) || isOrdered(bundle, shape);
    case op.OP_HAS_STRING:
      return elementType(bundle, shape) == op.TYPE_STRING;
    case op.OP_HAS_NUMBER:
      return isCounted(elementType(bundle, shape));
    case op.OP_HAS_MEMBER:
      return elementType(bundle, shape) == op.TYPE_ENUM || elementType(bundle, shape) == op.TYPE_BOOL;
    case op.OP_HAS_ADDRESS:
      return isAddress(elementType(bundle, shape));
    case op.OP_IN_LIST:
    case op.OP_LOOKUP:
      return type < op.TYPE_LIST;
    default:
      return type == op.TYPE_LIST;
  }
}

/** Whether the instruction takes a cell of shape `b` beside `a`, which has passed `takesA`. */
export function takesB(bundle: Bundle, opcode: u32, a: u32, b: u32): bool {
  const type = shapeOf(bundle, b).type;
  switch (opcode) {
    case op.OP_EQ_STRINGS:
    case op.OP_STARTS_STRINGS:
    case op.OP_ENDS_STRINGS:
    case op.OP_CONTAINS_STRINGS:
    case op.OP_LT_STRINGS:
    case op.OP_LE_STRINGS:
      return type == op.TYPE_STRING;
    case op.OP_EQ_NUMBERS:
    case op.OP_LT_NUMBERS:
    case op.OP_LE_NUMBERS:
      return isComparable(bundle, a, b);
    case op.OP_EQ_ADDRESSES:
      return type == shapeOf(bundle, a).type;
    case op.OP_IN_CIDR:
      return type == op.TYPE_CIDR;
    case op.OP_IN_LIST:
      return type == op.TYPE_LIST && isComparable(bundle, a, shapeOf(bundle, b).argument);
    case op.OP_IN_CIDRS:
      return elementType(bundle, b) == op.TYPE_CIDR;
    case op.OP_ADD:
    case op.OP_SUBTRACT:
    case op.OP_MULTIPLY:
      return isCounted(type);
    default:
      return isNumber(type);
  }
}

/** Whether b, which is no cell, is the constant, immediate or body length that the instruction wants. */
export function isConstantB(bundle: Bundle, opcode: u32, b: u32, a: u32): bool {
  switch (opcode) {
    case op.OP_CONSTANT:
      return b <= 1;
    case op.OP_EQ_STRING:
    case op.OP_STARTS_STRING:
    case op.OP_ENDS_STRING:
    case op.OP_CONTAINS_STRING:
    case op.OP_LT_STRING:
    case op.OP_LE_STRING:
    case op.OP_HAS_STRING:
      return b < bundle.stringCount;
    case op.OP_EQ_NUMBER:
    case op.OP_LT_NUMBER:
    case op.OP_LE_NUMBER:
    case op.OP_HAS_NUMBER:
    case op.OP_EQ_COUNT:
    case op.OP_LT_COUNT:
    case op.OP_LE_COUNT:
    case op.OP_LOAD_NUMBER:
      return b < bundle.numberCount;
    case op.OP_EQ_MEMBER:
    case op.OP_LT_MEMBER:
    case op.OP_LE_MEMBER:
      return b < membersOf(bundle, a);
    case op.OP_HAS_MEMBER:
      return b < membersOf(bundle, shapeOf(bundle, a).argument);
    case op.OP_MATCHES:
      return b < bundle.automatonCount;
    case op.OP_IN_HOURS:
      return b < bundle.scheduleCount;
    case op.OP_LOOKUP:
      return b < bundle.mapCount && isComparable(bundle, a, bundle.map(b).key);
    case op.OP_IN_STRINGS:
      return isSet(bundle, b, op.SET_STRINGS);
    case op.OP_IN_NUMBERS:
      return isSet(bundle, b, op.SET_NUMBERS);
    case op.OP_IN_NETWORKS:
      return isSet(bundle, b, op.SET_NETWORKS);
    case op.OP_IN_MEMBERS:
      // Elements ascend and a set is not empty, so the last one is the greatest.
      return isSet(bundle, b, op.SET_MEMBERS) && bundle.element(bundle.set(b).first + bundle.set(b).count - 1) < membersOf(bundle, a);
    case op.OP_IN_NETWORK:
      return b < bundle.networkCount;
    case op.OP_EQ_ADDRESS:
      return isEqualNetwork(bundle, b, shapeOf(bundle, a).type);
    case op.OP_HAS_ADDRESS:
      return isEqualNetwork(bundle, b, elementType(bundle, a));
    case op.OP_ANY:
    case op.OP_ALL:
      return b >= 1;
    default:
      return true;
  }
}

/** What an address is compared with is an address. */
function isEqualNetwork(bundle: Bundle, network: u32, type: u32): bool {
  return network < bundle.networkCount && (type != op.TYPE_IP || bundle.networkPrefix(network) == ADDRESS_PREFIX);
}

function isSet(bundle: Bundle, set: u32, kind: u32): bool {
  return set < bundle.setCount && bundle.set(set).kind == kind;
}

/** Members of an enum; a bool has two. */
function membersOf(bundle: Bundle, shape: u32): u32 {
  const entry = shapeOf(bundle, shape);
  return entry.type == op.TYPE_BOOL ? 2 : bundle.enum_(entry.argument).count;
}

function isNumber(type: u32): bool {
  return type == op.TYPE_INT || type == op.TYPE_FLOAT;
}

/** Held as a number: compared with number constants. */
function isCounted(type: u32): bool {
  return isNumber(type) || type == op.TYPE_DATETIME || type == op.TYPE_DURATION;
}

function isAddress(type: u32): bool {
  return type == op.TYPE_IP || type == op.TYPE_CIDR;
}

function isOrdered(bundle: Bundle, shape: u32): bool {
  const entry = shapeOf(bundle, shape);
  return entry.type == op.TYPE_ENUM && bundle.enum_(entry.argument).ordered == 1;
}

/** The same scalar type: int and float mix, enums are the same enum. */
function isComparable(bundle: Bundle, a: u32, b: u32): bool {
  const first = shapeOf(bundle, a);
  const second = shapeOf(bundle, b);
  if (isNumber(first.type) && isNumber(second.type)) return true;
  return first.type == second.type && (first.type != op.TYPE_ENUM || first.argument == second.argument);
}

/** Type of a list's elements; of anything else, no type. */
function elementType(bundle: Bundle, shape: u32): u32 {
  const entry = shapeOf(bundle, shape);
  return entry.type == op.TYPE_LIST ? shapeOf(bundle, entry.argument).type : NO_SHAPE;
}
