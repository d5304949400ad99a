/** Rule 8: the slots, one for each fact about a request. */
import { BUILTINS } from "../../source/gen/facts.ts";
import {
  SLOT_CLAIMED,
  SLOT_HAS_DEFAULT,
  SLOT_OPTIONAL,
  SLOT_READ,
  SLOT_TRUSTED,
  SLOT_VERBATIM,
  SOURCE_BUILTIN,
} from "../gen/constants.ts";
import { SOURCE_NAMES } from "../gen/tables.ts";
import type { EnumType, Shape, Slot, SourceKind } from "../program.ts";
import type { Texts } from "../texts.ts";
import type { Constants } from "./constants.ts";
import type { Tables } from "./container.ts";
import { isHeaderName, isPointer, isToken, remembered } from "./names.ts";
import { refuse, shown } from "./refusal.ts";

const KNOWN_FLAGS =
  SLOT_READ | SLOT_OPTIONAL | SLOT_CLAIMED | SLOT_TRUSTED | SLOT_VERBATIM | SLOT_HAS_DEFAULT;
/** Cells are numbered in 16 bits. */
const GLOBAL_CELLS_MAX = 65535;
const CLIENT_SOURCES: readonly SourceKind[] = ["header", "query", "cookie", "capture", "body"];
const MEMBER_OF_ENUM_0 = 0;

export interface Declared {
  readonly constants: Constants;
  readonly enums: readonly EnumType[];
  readonly shapes: readonly Shape[];
}

/** Columns of a slot that concern its source and its default. */
interface SlotRow {
  readonly where: string;
  readonly name: string;
  readonly shape: Shape;
  readonly source: SourceKind;
  readonly flags: number;
  readonly argument: number;
  readonly default: number;
}

/** Rule 8. */
export function readSlots(tables: Tables, declared: Declared): Slot[] {
  const table = tables.slots;
  const { strings } = declared.constants;
  const problemOf = argumentProblems(strings, capturedNames(tables));
  const names = new Set<string>();
  const slots: Slot[] = [];
  const enum0Shapes = new Set(declared.shapes.filter((shape) => shape.enumIndex === MEMBER_OF_ENUM_0));
  let cell = 0;
  for (let i = 0; i < table.count; i++) {
    const row = readRow(tables, i, declared);
    if (names.has(row.name)) refuse(row.where, `a second slot ${shown(row.name)}`);
    names.add(row.name);
    if (row.source === "builtin") {
      checkBuiltin(row);
      enum0Shapes.delete(row.shape);
    } else {
      checkDeclared(row, strings, problemOf);
    }
    checkDefault(row, declared);
    slots.push(slotOf(row, cell, strings));
    cell += row.shape.width;
    if (cell > GLOBAL_CELLS_MAX)
      refuse(row.where, `with it the slots take more than ${GLOBAL_CELLS_MAX} cells`);
  }
  if (enum0Shapes.size > 0) {
    const [unused] = enum0Shapes;
    refuse(
      tables.shapes.at(declared.shapes.indexOf(unused!)),
      "a shape of enum 0 that the builtin `resource.type` does not use",
    );
  }
  return slots;
}

function readRow({ slots: table }: Tables, i: number, { constants: { strings }, shapes }: Declared): SlotRow {
  const where = table.at(i);
  const name = strings.at(table.index(i, 0, { what: "string", count: strings.length }));
  if (name === "") refuse(where, "its name is empty");
  const shape = shapes[table.index(i, 1, { what: "shape", count: shapes.length })]!;
  const sourceId = table.byte(i, 8);
  const source = SOURCE_NAMES[sourceId];
  if (source === undefined) refuse(where, `unknown source ${sourceId}`);
  const flags = table.byte(i, 9);
  if ((flags & ~KNOWN_FLAGS) !== 0) refuse(where, `unknown bit in the flags 0x${flags.toString(16)}`);
  if (table.half(i, 10) !== 0) refuse(where, "the half word behind its flags is not zero");
  return { where, name, shape, source, flags, argument: table.word(i, 3), default: table.word(i, 4) };
}

/** Names of slots differ and this pins a builtin's, so that each is there at most once. */
function checkBuiltin({ where, name, shape, flags, argument }: SlotRow): void {
  const builtin = BUILTINS[argument];
  if (builtin === undefined) refuse(where, `unknown builtin ${argument}`);
  if (builtin.name !== name)
    refuse(where, `builtin ${argument} is called \`${builtin.name}\`, not ${shown(name)}`);
  if (shape.type !== builtin.type || (shape.type === "enum" && shape.enumIndex !== MEMBER_OF_ENUM_0)) {
    refuse(
      where,
      `${shown(name)} is a ${builtin.type === "enum" ? "member of enum 0" : builtin.type}, its shape is another`,
    );
  }
  if ((flags & ~SLOT_READ) !== 0)
    refuse(where, `${shown(name)} is built in and has a flag other than \`read\``);
}

function checkDeclared(row: SlotRow, strings: Texts, problemOf: ArgumentProblems): void {
  const { where, name, shape, source, flags } = row;
  if (shape.enumIndex === MEMBER_OF_ENUM_0)
    refuse(where, `${shown(name)} is no builtin and has the shape of \`resource.type\``);
  if (row.argument >= strings.length)
    refuse(where, `string ${row.argument} does not exist, there are ${strings.length}`);
  const text = strings.at(row.argument);
  const problem = problemOf[source](row.argument);
  if (problem !== null) refuse(where, `${source} ${shown(text)}: ${problem}`);
  checkMarking(row);
  const element = shape.element;
  if (source !== "body") {
    if (shape.type === "record" || element?.type === "record")
      refuse(where, `${shown(name)} is a record and does not come from the body`);
    // Elements of text are texts: there is no spelling for a list in a list.
    if (element?.type === "list")
      refuse(where, `${shown(name)} is a list of lists and does not come from the body`);
  }
  if (source === "capture" && element !== null)
    refuse(where, `${shown(name)} is a list and comes from a capture, which is one value`);
  if ((flags & SLOT_VERBATIM) !== 0 && (source !== "header" || element !== null)) {
    refuse(where, `${shown(name)} is \`verbatim\` and is not a header that is read as one value`);
  }
}

/** By source: why a string cannot be the argument, or null. */
type ArgumentProblems = Readonly<Record<SourceKind, (index: number) => string | null>>;

function argumentProblems(strings: Texts, captures: ReadonlySet<number>): ArgumentProblems {
  const named = remembered(strings, (text) => (text === "" ? "its name is empty" : null));
  return {
    builtin: () => null,
    header: remembered(strings, headerProblem),
    query: named,
    cookie: remembered(strings, (text) => (isToken(text) ? null : "it is not a cookie's name")),
    capture: (index) => (captures.has(index) ? null : "no resource captures it"),
    body: remembered(strings, (text) =>
      isPointer(text) ? null : "it is not a JSON pointer within the limits",
    ),
    extension: named,
  };
}

function headerProblem(text: string): string | null {
  if (!isHeaderName(text)) return "it is not a header's name in lower case";
  return text === "host" ? "the host is the builtin `request.host`" : null;
}

function checkMarking({ where, name, source, flags }: SlotRow): void {
  const marking = flags & (SLOT_CLAIMED | SLOT_TRUSTED);
  const marked = marking === SLOT_CLAIMED || marking === SLOT_TRUSTED;
  if (CLIENT_SOURCES.includes(source)) {
    if (!marked)
      refuse(
        where,
        `${shown(name)} comes from the client and is not marked with exactly one of claimed and trusted`,
      );
  } else if (marking !== 0) {
    refuse(where, `${shown(name)} does not come from the client and is marked as if it did`);
  }
}

function checkDefault(
  { where, name, shape, flags, default: index }: SlotRow,
  { constants, enums }: Declared,
): void {
  if ((flags & SLOT_HAS_DEFAULT) === 0) {
    if (index !== 0) refuse(where, `${shown(name)} has no default and its field is not zero`);
    return;
  }
  if (!constantFits(shape, index, constants, enums))
    refuse(where, `its default ${index} is no ${shape.type}`);
}

/** Is it the index of a constant of the scalar type? */
export function constantFits(
  shape: Shape,
  index: number,
  constants: Constants,
  enums: readonly EnumType[],
): boolean {
  switch (shape.type) {
    case "string":
      return index < constants.strings.length;
    case "int":
    case "datetime":
    case "duration":
      return Number.isSafeInteger(constants.numbers[index]);
    case "float":
      return index < constants.numbers.length;
    case "bool":
      return index <= 1;
    case "enum":
      return index < enums[shape.enumIndex]!.members.length;
    case "ip":
      return constants.prefixes[index] === 128;
    case "cidr":
      return index < constants.prefixes.length;
    default:
      return false;
  }
}

/** String indexes of all captures. The segments are checked later, with the resources; strings are unique. */
function capturedNames({ segments }: Tables): ReadonlySet<number> {
  const names = new Set<number>();
  for (let i = 0; i < segments.count; i++) if (segments.word(i, 0) === 1) names.add(segments.word(i, 1));
  return names;
}

function slotOf(row: SlotRow, cell: number, strings: Texts): Slot {
  const { flags } = row;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    name: row.name,
    cell,
    shape: row.shape,
    source: row.source,
    argument: row.source === SOURCE_NAMES[SOURCE_BUILTIN] ? row.name : strings.at(row.argument),
    read: has(SLOT_READ),
    optional: has(SLOT_OPTIONAL),
    marking: has(SLOT_CLAIMED) ? "claimed" : has(SLOT_TRUSTED) ? "trusted" : "verified",
    verbatim: has(SLOT_VERBATIM),
    hasDefault: has(SLOT_HAS_DEFAULT),
    defaultIndex: row.default,
  };
}
