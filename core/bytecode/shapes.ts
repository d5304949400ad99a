/** Shapes of values while a bundle is written: each once, elements and fields before what is made of them. */
import type { EnumInfo, Type } from "../schema/schema.ts";
import { TYPE_NAMES } from "./gen/tables.ts";
import type { Pools } from "./pools.ts";
import { Writer } from "./writer.ts";

interface ShapeRow {
  readonly type: number;
  readonly argument: number;
  readonly fields: number;
}

export class Shapes {
  readonly #enums: readonly EnumInfo[];
  readonly #pools: Pools;
  readonly #rows: ShapeRow[] = [];
  readonly #fields: { readonly name: number; readonly shape: number }[] = [];
  readonly #indexes = new Map<string, number>();

  constructor(enums: readonly EnumInfo[], pools: Pools) {
    this.#enums = enums;
    this.#pools = pools;
  }

  /** Index of a type's shape. */
  of(type: Type): number {
    switch (type.kind) {
      case "enum":
        return this.#row(type.kind, this.#enums.indexOf(type.enum));
      case "list":
        return this.#row(type.kind, this.of(type.element));
      case "record":
        return this.#record(type);
      default:
        return this.#row(type.kind, 0);
    }
  }

  section(): Uint8Array {
    const out = new Writer();
    out.u32(this.#rows.length, this.#fields.length);
    for (const row of this.#rows) out.u32(row.type, row.argument, row.fields);
    for (const field of this.#fields) out.u32(field.name, field.shape);
    return out.done();
  }

  #row(kind: Type["kind"], argument: number): number {
    return this.#intern(`${kind} ${argument}`, () => ({
      type: TYPE_NAMES.indexOf(kind),
      argument,
      fields: 0,
    }));
  }

  #record(type: Extract<Type, { kind: "record" }>): number {
    const fields = type.record.fields.map((field) => ({
      name: this.#pools.useString(field.name),
      shape: this.of(field.type),
    }));
    const key = `record ${fields.map((field) => `${field.name}:${field.shape}`).join()}`;
    return this.#intern(key, () => {
      const argument = this.#fields.length;
      this.#fields.push(...fields);
      return { type: TYPE_NAMES.indexOf("record"), argument, fields: fields.length };
    });
  }

  #intern(key: string, make: () => ShapeRow): number {
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.#rows.push(make()) - 1;
    this.#indexes.set(key, index);
    return index;
  }
}
