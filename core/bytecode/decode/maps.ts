/** Rule 8 of maps: what their keys and values are, and the order of the keys. */
import type { ConstantMap, EnumType, Shape } from "../program.ts";
import type { Constants } from "./constants.ts";
import type { Tables } from "./container.ts";
import { refuse } from "./refusal.ts";
import { constantFits } from "./slots.ts";
import { allUsed, nextRange } from "./table.ts";

const KEYS: readonly string[] = ["string", "int", "enum"];

/** What keys and values are checked against. */
interface Declared {
  readonly constants: Constants;
  readonly enums: readonly EnumType[];
  readonly shapes: readonly Shape[];
}

export function readMaps({ maps: table, mapEntries: rows }: Tables, declared: Declared): ConstantMap[] {
  const { constants, enums, shapes } = declared;
  const maps: ConstantMap[] = [];
  let next = 0;
  for (let i = 0; i < table.count; i++) {
    const say = (what: string): never => refuse(table.at(i), what);
    const target = { what: "shape", count: shapes.length };
    const key = shapes[table.index(i, 0, target)]!;
    const value = shapes[table.index(i, 1, target)]!;
    if (!KEYS.includes(key.type)) say(`a ${key.type} is no key`);
    const end = nextRange(table, i, 2, { next, of: rows });
    if (end === next) say("it is empty");
    const keys = new Int32Array(end - next);
    const values = new Int32Array(end - next);
    const order = (index: number): number => (key.type === "int" ? constants.numbers[index]! : index);
    for (let row = next; row < end; row++) {
      const [k, v] = [rows.word(row, 0), rows.word(row, 1)];
      if (!constantFits(key, k, constants, enums)) refuse(rows.at(row), `its key ${k} is no ${key.type}`);
      if (!constantFits(value, v, constants, enums))
        refuse(rows.at(row), `its value ${v} is no ${value.type}`);
      if (row > next && order(keys[row - next - 1]!) >= order(k)) say("its keys do not ascend");
      keys[row - next] = k;
      values[row - next] = v;
    }
    maps.push({ key, value, keys, values });
    next = end;
  }
  allUsed(rows, next);
  return maps;
}
