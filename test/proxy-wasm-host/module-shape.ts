/**
 * Reads from a WebAssembly binary what `WebAssembly.Module.imports` and `exports` do not tell: function types.
 * Only the four sections with types, imports, functions and exports are looked at.
 *
 * Source: WebAssembly core specification 2.0, "Binary format", modules.
 */

export type ValueType = "i32" | "i64" | "f32" | "f64" | "other";
export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}
export interface ImportedItem {
  readonly module: string;
  readonly name: string;
  readonly kind: "function" | "table" | "memory" | "global" | "tag";
  /** Present for functions. */
  readonly type?: FunctionType;
  /** Present for memories, in pages. */
  readonly limits?: { readonly initial: number; readonly maximum?: number };
}
export interface ModuleShape {
  readonly imports: readonly ImportedItem[];
  /** Exported functions by name. */
  readonly functions: ReadonlyMap<string, FunctionType>;
  readonly exportsMemory: boolean;
}

const kinds = ["function", "table", "memory", "global", "tag"] as const;
const valueTypes: Readonly<Record<number, ValueType>> = { 127: "i32", 126: "i64", 125: "f32", 124: "f64" };

/** Throws `RangeError` on a binary that is cut short or uses a type form other than plain function types. */
export function readModuleShape(bytes: Uint8Array): ModuleShape {
  const types: FunctionType[] = [];
  const imports: ImportedItem[] = [];
  const functionTypes: FunctionType[] = [];
  const functions = new Map<string, FunctionType>();
  let exportsMemory = false;

  const file = new Cursor(bytes);
  file.skip(8);
  while (!file.atEnd) {
    const id = file.byte();
    const section = file.section();
    if (id === 1) section.vector(() => types.push(readFunctionType(section)));
    else if (id === 2)
      section.vector(() => {
        const item = readImport(section, types);
        imports.push(item);
        if (item.type) functionTypes.push(item.type);
      });
    else if (id === 3) section.vector(() => functionTypes.push(at(types, section.u32())));
    else if (id === 7)
      section.vector(() => {
        const name = section.name();
        const kind = section.byte();
        const index = section.u32();
        if (kind === 0) functions.set(name, at(functionTypes, index));
        if (kind === 2) exportsMemory = true;
      });
  }
  return { imports, functions, exportsMemory };
}

/** As in `(i32,i64)->(i32)`. */
export function printFunctionType(type: FunctionType): string {
  return `(${type.parameters.join(",")})->(${type.results.join(",")})`;
}

function readFunctionType(section: Cursor): FunctionType {
  const form = section.byte();
  if (form !== 0x60) throw new RangeError(`type form 0x${form.toString(16)} is not a plain function type`);
  const list = (): ValueType[] => {
    const read: ValueType[] = [];
    section.vector(() => read.push(valueTypes[section.byte()] ?? "other"));
    return read;
  };
  const parameters = list();
  return { parameters, results: list() };
}

function readImport(section: Cursor, types: readonly FunctionType[]): ImportedItem {
  const module = section.name();
  const name = section.name();
  const kind = at(kinds, section.byte());
  switch (kind) {
    case "function":
      return { module, name, kind, type: at(types, section.u32()) };
    case "table":
      section.byte();
      readLimits(section);
      return { module, name, kind };
    case "memory":
      return { module, name, kind, limits: readLimits(section) };
    case "global":
      section.skip(2);
      return { module, name, kind };
    case "tag":
      section.byte();
      section.u32();
      return { module, name, kind };
  }
}

function readLimits(section: Cursor): { initial: number; maximum?: number } {
  const bounded = (section.byte() & 1) !== 0;
  const initial = section.u32();
  return bounded ? { initial, maximum: section.u32() } : { initial };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`index ${index} is out of range`);
  return item;
}

class Cursor {
  #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError("the binary is cut short");
    return value;
  }

  skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new RangeError("the binary is cut short");
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number is longer than five bytes");
  }

  #take(size: number): Uint8Array {
    const start = this.#at;
    this.skip(size);
    return this.#bytes.subarray(start, this.#at);
  }

  section(): Cursor {
    return new Cursor(this.#take(this.u32()));
  }

  name(): string {
    return new TextDecoder().decode(this.#take(this.u32()));
  }

  vector(readItem: () => void): void {
    for (let left = this.u32(); left > 0; left--) readItem();
  }
}
