/** Maps of constants: keys ascend, ints by value, strings and members by index. */
import { TYPE_INT, TYPE_STRING } from "../gen/constants";
import { Bundle } from "./bundle";
import { ABSENT, Cell, INVALID, PRESENT } from "./cells";
import { giveConstant } from "./load-slots";
import { findString } from "./strings";

/** What the keys of a type are ordered by. */
export function keyAt(bundle: Bundle, type: u32, entry: u32): f64 {
  const key = load<u32>(bundle.mapEntry(entry));
  return type == TYPE_INT ? bundle.number(key) : <f64>key;
}

/** LOOKUP: absent where the key is present and not in the map; invalid where the key is not present. */
export function lookUp(bundle: Bundle, index: u32, key: Cell, into: Cell): void {
  // Both may be one cell.
  if (key.state != PRESENT) {
    into.state = <u16>INVALID;
    return;
  }
  const map = bundle.map(index);
  const type = bundle.shape(map.key).type;
  // A text that is none of the bundle's has no index that is a key's.
  const wanted = type == TYPE_STRING ? <f64>findString(bundle, key.pointer, key.length) : key.number;
  let low = map.first;
  let high = low + map.count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (keyAt(bundle, type, middle) <= wanted) low = middle;
    else high = middle;
  }
  into.state = <u16>ABSENT;
  if (keyAt(bundle, type, low) == wanted) giveConstant(bundle, map.value, load<u32>(bundle.mapEntry(low), 4), into);
}
