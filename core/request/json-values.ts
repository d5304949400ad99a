/** Nodes of JSON to cells (docs/request.md, section 2): nothing is coerced. */
import type { Shape } from "../bytecode/program.ts";
import { CELLS_MAX, LIST_ELEMENTS_MAX } from "../source/gen/facts.ts";
import {
  JSON_ARRAY,
  JSON_FALSE,
  JSON_NULL,
  JSON_NUMBER,
  JSON_OBJECT,
  JSON_STRING,
  JSON_STRING_ESCAPED,
  JSON_TRUE,
  JsonTape,
} from "./json.ts";
import { NameGroup, NEAR_MISS } from "./name-group.ts";
import { readFloat, readInt } from "./number.ts";
import { INVALID, PRESENT, type Slots } from "./slots.ts";
import { beginList, invalidate, type Names, readText } from "./values.ts";

/** Reads values out of one text after the other. */
export class JsonValues {
  readonly tape = new JsonTape();
  /** Some rule makes the whole text invalid: a list or all lists too long, or a near miss of a searched name. */
  spoiled = false;
  readonly #names: Names;
  readonly #fields = new Map<Shape, NameGroup>();
  #listCells = 0;

  /** Shapes of everything that will be read. */
  constructor(names: Names, shapes: Iterable<Shape>) {
    this.#names = names;
    for (const shape of shapes) this.#prepare(shape);
  }

  /** Call before the first value of a text is read. */
  begin(): void {
    this.spoiled = false;
    this.#listCells = 0;
  }

  /** Reads the node into the cell and the cells behind it. `null` is absent: the cells must be so before. */
  read(slots: Slots, shape: Shape, cell: number, node: number): void {
    const kind = this.tape.kind(node);
    if (kind === JSON_NULL || this.spoiled) return;
    switch (shape.type) {
      case "list":
        if (kind === JSON_ARRAY) this.#readList(slots, shape.element!, cell, node);
        else slots.state[cell] = INVALID;
        return;
      case "record":
        if (kind === JSON_OBJECT) this.#readRecord(slots, shape, cell, node);
        else invalidate(slots, shape, cell);
        return;
      case "int":
      case "float":
        this.#readNumber(slots, shape, cell, node);
        return;
      case "bool":
        slots.state[cell] = kind === JSON_TRUE || kind === JSON_FALSE ? PRESENT : INVALID;
        slots.number[cell] = kind === JSON_TRUE ? 1 : 0;
        return;
      default:
        this.#readString(slots, shape, cell, node);
    }
  }

  #readNumber(slots: Slots, shape: Shape, cell: number, node: number): void {
    const { tape } = this;
    let value = Number.NaN;
    if (tape.kind(node) === JSON_NUMBER) {
      const read = shape.type === "int" ? readInt : readFloat;
      value = read(tape.text, tape.start(node), tape.end(node));
    }
    slots.state[cell] = Number.isNaN(value) ? INVALID : PRESENT;
    slots.number[cell] = value;
  }

  #readString(slots: Slots, shape: Shape, cell: number, node: number): void {
    const { tape } = this;
    const kind = tape.kind(node);
    if (kind !== JSON_STRING && kind !== JSON_STRING_ESCAPED) {
      slots.state[cell] = INVALID;
      return;
    }
    const start = slots.room(tape.end(node) - tape.start(node));
    slots.used = tape.decode(node, slots.bytes, start);
    readText(this.#names, slots, shape, cell, start, slots.used);
  }

  #readList(slots: Slots, element: Shape, cell: number, node: number): void {
    const { tape } = this;
    const size = tape.size(node);
    this.#listCells += size * element.width;
    if (size > LIST_ELEMENTS_MAX || this.#listCells > CELLS_MAX) {
      this.spoiled = true;
      return;
    }
    beginList(slots, element, cell);
    slots.length[cell] = size;
    // All at once: nested lists take their cells behind them.
    let at = slots.take(size * element.width);
    for (let child = node + 1; child < tape.next(node) && !this.spoiled; child = tape.next(child)) {
      if (tape.kind(child) === JSON_NULL) invalidate(slots, element, at);
      else this.read(slots, element, at, child);
      at += element.width;
    }
  }

  #readRecord(slots: Slots, shape: Shape, cell: number, node: number): void {
    const { tape } = this;
    const group = this.#fields.get(shape)!;
    slots.state[cell] = PRESENT;
    for (let name = node + 1; name < tape.next(node) && !this.spoiled; name = tape.next(name)) {
      const index = group.find(tape, name);
      if (index === NEAR_MISS) this.spoiled = true;
      if (index < 0) continue;
      const field = shape.fields[index]!;
      this.read(slots, field.shape, cell + field.offset, name + 1);
    }
  }

  #prepare(shape: Shape): void {
    if (shape.element !== null) this.#prepare(shape.element);
    if (shape.type !== "record" || this.#fields.has(shape)) return;
    this.#fields.set(shape, new NameGroup(shape.fields.map((field) => field.name)));
    for (const field of shape.fields) this.#prepare(field.shape);
  }
}
