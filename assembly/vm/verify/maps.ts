/** Rule 8 of maps: what their keys and values are, and the order of the keys. */
import { TYPE_ENUM, TYPE_INT, TYPE_STRING } from "../../gen/constants";
import { Bundle } from "../bundle";
import { keyAt } from "../maps";
import { refuse, refuseAt } from "./refusal";
import { constantFits } from "./slots";

export function verifyMaps(bundle: Bundle): bool {
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.mapCount; i++) {
    const map = bundle.map(i);
    if (map.key >= bundle.shapeCount || map.value >= bundle.shapeCount) return refuseAt("maps", "does not exist", i);
    const type = bundle.shape(map.key).type;
    if (type != TYPE_STRING && type != TYPE_INT && type != TYPE_ENUM) return refuseAt("maps", "wrong type", i);
    if (map.first != next || map.count > bundle.mapEntryCount - next) return refuseAt("maps", "ranges do not join", i);
    if (map.count == 0) return refuseAt("maps", "empty", i);
    for (const end = next + map.count; next < end; next++) {
      const entry = bundle.mapEntry(next);
      if (!constantFits(bundle, map.key, load<u32>(entry)) || !constantFits(bundle, map.value, load<u32>(entry, 4))) {
        return refuseAt("maps", "bad operand", i);
      }
      if (next > map.first && keyAt(bundle, type, next - 1) >= keyAt(bundle, type, next)) return refuseAt("maps", "wrong order", i);
    }
  }
  return next == bundle.mapEntryCount || refuse("maps", "not all used");
}
