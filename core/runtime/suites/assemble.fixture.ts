/**
 * From a case's instructions to a bundle: one guard that denies when its trigger, the case's code, is true. The only
 * leaf of its tree has the same code. An instruction is written as
 *
 *     NAME [cell] [constant or cell] [negate] [true->N | false->N] [register 1] [body N] [field F] [into T]
 *
 * where a cell is an attribute (`text`, `home.street`), or `element`, `element.name`, `inner.cost` in a body; constants
 * `t0` is a temporary, T its number, F a type or a field of the element; constants
 * are JSON (members by name, sets as arrays, automata as regular expressions); N is the number of an instruction of the case (`body`: the one behind it).
 * A single instruction that branches stands for itself with `false->2`, ACCEPT and REJECT.
 */
import { type Model, type Word4, writeModel } from "../../../test/bytecode/model.ts";
import { automatonOf } from "../../automaton/automaton.ts";
import { parsePattern } from "../../automaton/parse-pattern.ts";
import * as f from "../../bytecode/gen/constants.ts";
import { NONE, SET_MEMBERS, SET_NETWORKS, SET_NUMBERS, SET_STRINGS } from "../../bytecode/gen/constants.ts";
import { INSTRUCTIONS, type InstructionInfo, TYPE_NAMES } from "../../bytecode/gen/tables.ts";
import { parseAddress, parseNetwork } from "../../source/address.ts";
import {
  ATTRIBUTES,
  attribute,
  ENUMS,
  fieldOf,
  type Place,
  RESOURCE,
  type Spec,
  widthOf,
} from "./schema.fixture.ts";

const ENUM_NAMES = Object.keys(ENUMS) as (keyof typeof ENUMS)[];
const SET_KINDS = {
  strings: SET_STRINGS,
  numbers: SET_NUMBERS,
  members: SET_MEMBERS,
  networks: SET_NETWORKS,
};

/** The bundle of a case's code. */
export function assemble(code: string | readonly string[]): Uint8Array {
  const assembler = new Assembler();
  const lines = typeof code === "string" ? [`${code} false->2`, "ACCEPT", "REJECT"] : code;
  return assembler.bundle(lines);
}

class Assembler {
  readonly #model: Model = emptyModel();
  readonly #read = new Set<number>();
  readonly #shapes: string[] = [];
  readonly #temporaries = new Map<number, Spec>();

  bundle(lines: readonly string[]): Uint8Array {
    const model = this.#model;
    this.#types();
    const code = this.#region(lines, 0, lines.length, []);
    for (let copy = 0; copy < 2; copy++) {
      model.routines.push(code.length);
      model.code.push(...code);
    }
    this.#slots();
    const name = this.#string("Case");
    model.policies.push({
      name,
      set: NONE,
      intent: NONE,
      kind: f.POLICY_KIND_GUARD,
      mode: f.MODE_ENFORCE,
      severity: 2,
      effect: f.EFFECT_DENIES,
      trigger: 0,
      requirement: NONE,
      status: 0,
      body: NONE,
      reason: NONE,
      firstObligation: 0,
      obligations: 0,
      firstMetadata: 0,
      metadata: 0,
    });
    model.rows.push({ trigger: 0, requirement: NONE });
    // In the order in which the words are written.
    const node = {
      kind: f.NODE_LEAF,
      children: 0,
      firstChild: 0,
      text: model.texts.push(new TextEncoder().encode("Case")) - 1,
      line: 1,
      column: 1,
      routine: 1,
    };
    model.nodes.push({ ...node, firstRead: 0, reads: 0 });
    return writeModel(model);
  }

  // --- code ---

  /** `frames`: types of the elements of the open bodies. */
  #region(lines: readonly string[], start: number, end: number, frames: readonly Spec[]): Word4[] {
    const code: Word4[] = [];
    for (let at = start; at < end; ) {
      const words = lines[at]!.match(/\[.*?\]|\{.*?\}|"[^"]*"|\S+/g)!;
      const opcode = INSTRUCTIONS.findIndex((info) => info?.name === words[0]);
      const info = INSTRUCTIONS[opcode];
      if (info === null || info === undefined) throw new Error(`no instruction ${words[0]}`);
      const operands = words.slice(1);
      const a = info.a === "none" ? null : this.#place(operands.shift()!, frames);
      const bodyEnd = take(operands, "body");
      const register = take(operands, "register") ?? 0;
      const into = take(operands, "into");
      const field = takeWord(operands, "field");
      const negate = operands.includes("negate") ? 1 : 0;
      const jump = operands.find((word) => word.includes("->"));
      const sense = jump?.startsWith("true") || operands.includes("as-float") ? 1 : 0;
      const to = jump === undefined ? 0 : Number(jump.split("->")[1]) - at;
      const b =
        info.b === "map" ? this.#map(operands[0]!, a!, field!) : this.#operand(info, operands[0]!, a, frames);
      const body =
        bodyEnd === null ? [] : this.#region(lines, at + 1, bodyEnd, [...frames, elementOf(a!.spec)]);
      const frameOfB = typeof b === "object" ? b.frame : 0;
      this.#note(info, a, typeof b === "object" ? b : null);
      code.push([
        opcode | (sense << 8) | (negate << 9) | ((a?.frame ?? 0) << 10) | (frameOfB << 12) | (register << 14),
        a?.cell ?? 0,
        info.b.startsWith("body") ? body.length : typeof b === "object" ? b.cell : b,
        into === null ? to : into | (this.#compute(info, a, field, into) << 8),
      ]);
      code.push(...body);
      at = bodyEnd ?? at + 1;
    }
    return code;
  }

  /** Notes what a temporary holds; the number of the field. */
  #compute(info: InstructionInfo, a: Place | null, field: string | null, into: number): number {
    this.#model.features |= f.FEATURE_COMPUTING;
    if (info.name === "LOAD_NUMBER") {
      this.#temporaries.set(into, field as Spec);
      return TYPE_NAMES.indexOf(field as (typeof TYPE_NAMES)[number]);
    }
    if (info.name === "LOOKUP") {
      this.#temporaries.set(into, valueSpec(field!));
      return 0;
    }
    if (info.a !== "list" || info.name === "TALLY") {
      this.#temporaries.set(into, info.name === "TALLY" ? "int" : a!.spec);
      return 0;
    }
    const element = elementOf(a!.spec);
    const { cell, spec } = field === null ? { cell: 0, spec: element } : fieldOf(element, field);
    this.#temporaries.set(into, spec);
    return cell;
  }

  #place(text: string, frames: readonly Spec[]): Place {
    if (Object.hasOwn(ATTRIBUTES, text)) return { frame: 0, ...attribute(text) };
    if (/^t\d$/.test(text)) {
      const cell = Number(text.slice(1));
      return { frame: 3, cell, spec: this.#temporaries.get(cell) ?? "int" };
    }
    const [root, ...fields] = text.split(".");
    const frame = ["element", "inner"].indexOf(root!) + 1;
    let place: Place =
      frame === 0 ? { frame, ...attribute(root!) } : { frame, cell: 0, spec: frames[frame - 1]! };
    for (const name of fields) {
      const { cell, spec } = fieldOf(place.spec, name);
      place = { frame, cell: place.cell + cell, spec };
    }
    return place;
  }

  #operand(info: InstructionInfo, word: string, a: Place | null, frames: readonly Spec[]): number | Place {
    if (info.b.endsWith("Cell")) return this.#place(word, frames);
    if (info.b === "none" || info.b.startsWith("body")) return 0;
    const value: unknown = JSON.parse(word);
    switch (info.b) {
      case "strings":
      case "numbers":
      case "networks":
      case "members":
        return this.#set(info.b, value as unknown[], a!);
      default:
        return this.#constant(info.b, value, a);
    }
  }

  #constant(kind: string, value: unknown, a: Place | null): number {
    const model = this.#model;
    switch (kind) {
      case "string":
        return this.#string(value as string);
      case "number":
        return intern(model.numbers, value as number, (other) => other === value);
      case "network":
        return intern(model.networks, networkOf(value as string), (other) =>
          same(other, networkOf(value as string)),
        );
      case "automaton":
        return model.automata.push(automatonOfText(value as string)) - 1;
      case "schedule":
        return this.#schedule();
      case "member":
        return typeof value === "number" ? value : (membersOf(a!.spec) as string[]).indexOf(value as string);
      default:
        return value as number;
    }
  }

  /** A map from the keys of an object, of the type of `a`, to its values. */
  #map(text: string, a: Place, field: string): number {
    const model = this.#model;
    const value = valueSpec(field);
    const constant = (spec: Spec, of: unknown): number =>
      this.#constant(KINDS[typeName(spec)]!, of, { ...a, spec });
    const keyOf = (key: string): unknown => (a.spec === "int" ? Number(key) : key);
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>).map(
      ([key, of]): [number, number] => [constant(a.spec, keyOf(key)), constant(value, of)],
    );
    const order = (key: number): number => (a.spec === "int" ? model.numbers[key]! : key);
    entries.sort(([x], [y]) => order(x) - order(y));
    const [keyShape, valueShape] = [this.#shape(a.spec), this.#shape(value)];
    model.maps.push({
      key: keyShape,
      value: valueShape,
      first: model.mapEntries.length,
      count: entries.length,
    });
    model.mapEntries.push(...entries);
    return model.maps.length - 1;
  }

  /** Monday to Friday, 9 to 17 in Berlin, in the first half of 2020. */
  #schedule(): number {
    const model = this.#model;
    if (model.schedules.length > 0) return 0;
    const minute = (text: string): number => Date.parse(text) / 60_000;
    model.offsets.push([minute("2020-01-01T00:00:00Z"), 60], [minute("2020-03-29T01:00:00Z"), 120]);
    const until = minute("2020-07-01T00:00:00Z");
    model.schedules.push({ days: 31, from: 540, to: 1020, until, first: 0, count: 2 });
    return 0;
  }

  #set(kind: keyof typeof SET_KINDS, values: readonly unknown[], a: Place): number {
    const model = this.#model;
    const indexes = values
      .map((value) => this.#constant(kind.slice(0, -1), value, a))
      .sort(this.#inSet(kind));
    model.sets.push({ kind: SET_KINDS[kind], first: model.setElements.length, count: indexes.length });
    model.setElements.push(...indexes);
    return model.sets.length - 1;
  }

  /** The order of a set's elements; networks are written in theirs. */
  #inSet(kind: keyof typeof SET_KINDS): (x: number, y: number) => number {
    if (kind === "networks") return () => 0;
    const { numbers } = this.#model;
    return (x, y) => (kind === "numbers" ? numbers[x]! - numbers[y]! : x - y);
  }

  /** What the header says of the code. */
  #note(info: InstructionInfo, a: Place | null, b: Place | null): void {
    for (const place of [a, b]) if (place?.frame === 0) this.#read.add(place.cell);
    if (info.b.startsWith("body")) this.#model.features |= f.FEATURE_AGGREGATES;
    const networks =
      /ADDRESS|NETWORK|CIDR/.test(info.name) || (info.name === "IN_LIST" && isAddress(a!.spec));
    if (networks) this.#model.features |= f.FEATURE_NETWORKS;
  }

  // --- everything else ---

  #string(text: string): number {
    const bytes = new TextEncoder().encode(text);
    return intern(this.#model.strings, bytes, (other) => same(other, bytes));
  }

  #types(): void {
    const model = this.#model;
    for (const name of ENUM_NAMES) {
      const { ordered, members } = ENUMS[name];
      const row = { name: this.#string(name), ordered: ordered ? 1 : 0, first: model.members.length };
      model.enums.push({ ...row, count: members.length });
      model.members.push(...members.map((member) => this.#string(member)));
    }
    model.resources.push({ member: 0, method: this.#string("POST"), first: 0, count: 1 });
    model.segments.push({ kind: 0, string: this.#string(RESOURCE.toLowerCase()) });
  }

  #shape(spec: Spec): number {
    const key = JSON.stringify(spec);
    const known = this.#shapes.indexOf(key);
    if (known !== -1) return known;
    const row = this.#shapeRow(spec);
    this.#shapes.push(key);
    return this.#model.shapes.push(row) - 1;
  }

  #shapeRow(spec: Spec): Model["shapes"][number] {
    const { fields } = this.#model;
    if (typeof spec === "string") return { type: TYPE_NAMES.indexOf(spec), argument: 0, fields: 0 };
    if ("enum" in spec) return { type: f.TYPE_ENUM, argument: ENUM_NAMES.indexOf(spec.enum), fields: 0 };
    if ("list" in spec) return { type: f.TYPE_LIST, argument: this.#shape(spec.list), fields: 0 };
    const rows = Object.entries(spec.record).map(([name, each]) => ({
      name: this.#string(name),
      shape: this.#shape(each),
    }));
    fields.push(...rows);
    return { type: f.TYPE_RECORD, argument: fields.length - rows.length, fields: rows.length };
  }

  #slots(): void {
    for (const [name, spec] of Object.entries(ATTRIBUTES)) {
      const { cell } = attribute(name);
      const read = Array.from({ length: widthOf(spec) }, (_, i) => cell + i).some((each) =>
        this.#read.has(each),
      );
      const builtin = name === "resource.type";
      if (read && !builtin) this.#model.features |= f.FEATURE_BODY;
      this.#model.slots.push({
        name: this.#string(name),
        shape: this.#shape(spec),
        source: builtin ? f.SOURCE_BUILTIN : f.SOURCE_BODY,
        flags: (read ? f.SLOT_READ : 0) | (builtin ? 0 : f.SLOT_CLAIMED),
        half: 0,
        argument: builtin ? f.BUILTIN_RESOURCE_TYPE : this.#string(`/${name}`),
        default: 0,
      });
    }
  }
}

function emptyModel(): Model {
  return {
    features: 0,
    flags: f.FLAG_DEFAULT_ALLOW,
    strings: [],
    texts: [],
    textEnds: null,
    constants: [],
    numbersPadding: 0,
    numbers: [],
    networks: [],
    sets: [],
    setElements: [],
    automata: [],
    schedules: [],
    offsets: [],
    maps: [],
    mapEntries: [],
    enums: [],
    members: [],
    shapes: [],
    fields: [],
    slots: [],
    resources: [],
    segments: [],
    routines: [],
    code: [],
    obligations: [],
    policies: [],
    policySets: [],
    selector: f.NONE,
    metadata: [],
    rows: [],
    nodes: [],
    reads: [],
  };
}

/** The number behind a word, which is taken out with it. */
function take(words: string[], name: string): number | null {
  const at = words.indexOf(name);
  return at === -1 ? null : Number(words.splice(at, 2)[1]);
}

function takeWord(words: string[], name: string): string | null {
  const at = words.indexOf(name);
  return at === -1 ? null : words.splice(at, 2)[1]!;
}

function intern<T>(pool: T[], value: T, isSame: (other: T) => boolean): number {
  const known = pool.findIndex(isSame);
  return known === -1 ? pool.push(value) - 1 : known;
}

function networkOf(text: string): Model["networks"][number] {
  const address = parseAddress(text);
  const network = address === null ? parseNetwork(text) : { bytes: address, prefix: 128 };
  if ("error" in network) throw new Error(`no address or network: ${text}`);
  return { address: [...network.bytes], prefix: network.prefix };
}

function automatonOfText(pattern: string): Model["automata"][number] {
  const parsed = parsePattern(pattern);
  const built = parsed.ok ? automatonOf(parsed.pattern) : parsed;
  if (!built.ok) throw new Error(built.problem.message);
  const { classOf, targets, ...row } = built.automaton;
  return { ...row, classOf: [...classOf], targets: [...targets], padding: null };
}

function elementOf(spec: Spec): Spec {
  if (typeof spec === "string" || !("list" in spec)) throw new Error(`no list: ${JSON.stringify(spec)}`);
  return spec.list;
}

function membersOf(spec: Spec): readonly string[] {
  if (typeof spec === "object" && "list" in spec) return membersOf(spec.list);
  if (typeof spec === "string" || !("enum" in spec)) throw new Error(`no enum: ${JSON.stringify(spec)}`);
  return ENUMS[spec.enum].members;
}

/** Kinds of constants by the type that they have. */
const KINDS: Readonly<Record<string, string>> = {
  string: "string",
  int: "number",
  float: "number",
  bool: "truth",
  enum: "member",
  ip: "network",
  cidr: "network",
};

function typeName(spec: Spec): string {
  return typeof spec === "string" ? spec : "enum";
}

/** The type that a word names, be it an enum. */
function valueSpec(word: string): Spec {
  return Object.hasOwn(ENUMS, word) ? { enum: word as keyof typeof ENUMS } : (word as Spec);
}

function isAddress(spec: Spec): boolean {
  return spec === "ip" || spec === "cidr";
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
