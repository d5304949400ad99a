/** Rules 6 and 7: enums and the shapes of values. */
import { LIMIT_SHAPE_WIDTH_MAX, TYPE_ENUM, TYPE_LIST, TYPE_RECORD } from "../gen/constants.ts";
import { TYPE_NAMES } from "../gen/tables.ts";
import type { EnumType, Shape, ShapeField } from "../program.ts";
import type { Texts } from "../texts.ts";
import type { Tables } from "./container.ts";
import { remembered } from "./names.ts";
import { refuse, shown } from "./refusal.ts";
import { allUsed, nextRange } from "./table.ts";

/** Rule 6. */
export function readEnums({ enums: table, members: memberTable }: Tables, strings: Texts): EnumType[] {
  if (table.count === 0) refuse("enums", "entry 0, `resource.type`, is missing");
  const text = { what: "string", count: strings.length };
  const enums: EnumType[] = [];
  const names = new Set<number>();
  let next = 0;
  for (let i = 0; i < table.count; i++) {
    const name = table.index(i, 0, text);
    if (names.has(name)) refuse(table.at(i), `a second enum ${shown(strings.at(name))}`);
    names.add(name);
    const ordered = table.word(i, 1);
    if (ordered > 1) refuse(table.at(i), `\`ordered\` is ${ordered}, not 0 or 1`);
    if (i === 0 && ordered === 1) refuse(table.at(i), "`resource.type` is ordered");
    const first = next;
    next = nextRange(table, i, 2, { next, of: memberTable });
    const members = new Set<number>();
    for (let m = first; m < next; m++) {
      const member = memberTable.index(m, 0, text);
      if (members.has(member)) refuse(table.at(i), `member ${shown(strings.at(member))} stands there twice`);
      members.add(member);
    }
    enums.push({ name: strings.at(name), ordered: ordered === 1, members: [...members] });
  }
  allUsed(memberTable, next);
  return enums;
}

/** Rule 7. That a shape of enum 0 belongs to a builtin is seen with the slots. */
export function readShapes(tables: Tables, strings: Texts, enums: readonly EnumType[]): Shape[] {
  const { shapes: table, fields: fieldTable } = tables;
  const shapes: Shape[] = [];
  const dotted = remembered(strings, (text) => text.includes("."));
  let next = 0;
  for (let i = 0; i < table.count; i++) {
    const typeId = table.word(i, 0);
    const type = TYPE_NAMES[typeId];
    if (type === undefined) refuse(table.at(i), `unknown type ${typeId}`);
    if (typeId === TYPE_RECORD) {
      const first = next;
      next = nextRange(table, i, 1, { next, of: fieldTable });
      if (next === first) refuse(table.at(i), "a record without fields");
      shapes.push(readRecord(tables, { record: i, first, end: next }, { strings, dotted, shapes }));
      continue;
    }
    if (table.word(i, 2) !== 0) refuse(table.at(i), `a ${type} with fields`);
    const shape = { type, width: 1, enumIndex: -1, element: null, fields: [] };
    if (typeId === TYPE_ENUM) {
      shapes.push({ ...shape, enumIndex: table.index(i, 1, { what: "enum", count: enums.length }) });
    } else if (typeId === TYPE_LIST) {
      shapes.push({ ...shape, element: earlierShape(table.at(i), table.word(i, 1), shapes) });
    } else {
      if (table.word(i, 1) !== 0) refuse(table.at(i), `a ${type} with argument ${table.word(i, 1)}`);
      shapes.push(shape);
    }
  }
  allUsed(fieldTable, next);
  return shapes;
}

function readRecord(
  { shapes: table, fields: fieldTable }: Tables,
  range: { readonly record: number; readonly first: number; readonly end: number },
  known: {
    readonly strings: Texts;
    readonly dotted: (index: number) => boolean;
    readonly shapes: readonly Shape[];
  },
): Shape {
  const fields: ShapeField[] = [];
  const names = new Set<string>();
  let width = 1;
  for (let f = range.first; f < range.end; f++) {
    const index = fieldTable.index(f, 0, { what: "string", count: known.strings.length });
    const name = known.strings.at(index);
    if (known.dotted(index)) refuse(fieldTable.at(f), `the name ${shown(name)} holds a dot`);
    if (names.has(name)) refuse(fieldTable.at(f), `a second field ${shown(name)} in one record`);
    names.add(name);
    const shape = earlierShape(fieldTable.at(f), fieldTable.word(f, 1), known.shapes);
    fields.push({ name, offset: width, shape });
    width += shape.width;
    if (width > LIMIT_SHAPE_WIDTH_MAX)
      refuse(table.at(range.record), `it takes more than ${LIMIT_SHAPE_WIDTH_MAX} cells`);
  }
  return { type: "record", width, enumIndex: -1, element: null, fields };
}

/** An element's or a field's shape: it stands before, so that shapes never hold themselves. */
function earlierShape(where: string, index: number, shapes: readonly Shape[]): Shape {
  const shape = shapes[index];
  if (shape === undefined) refuse(where, `shape ${index} does not stand before it`);
  if (shape.enumIndex === 0) refuse(where, "`resource.type` as a field or an element");
  return shape;
}
