/** For tests of this folder: programs without policies, requests by what is special about them, slots as plain values. */
import { emptyHeads } from "../bytecode/decode/policies.ts";
import { Policies } from "../bytecode/policies.ts";
import type { EnumType, Program, Resource, Shape, Slot } from "../bytecode/program.ts";
import { Texts } from "../bytecode/texts.ts";
import { formatAddress, formatNetwork } from "../source/address.ts";
import { ByteTable } from "../source/byte-table.ts";
import { createSlotLoader } from "./load.ts";
import type { Connection, NeutralRequest, Peer } from "./neutral.ts";
import { ABSENT, INVALID, Slots } from "./slots.ts";

export type TypeSpec =
  | "string"
  | "int"
  | "float"
  | "bool"
  | "ip"
  | "cidr"
  | "datetime"
  | "duration"
  | "resource"
  | { enum: string[] }
  | { list: TypeSpec }
  | { record: Record<string, TypeSpec> };

export interface SlotSpec {
  name: string;
  type: TypeSpec;
  source: Slot["source"];
  argument?: string;
  read?: boolean;
  verbatim?: boolean;
  default?: string | number | boolean | { bytes: Uint8Array; prefix: number };
}

export interface ProgramSpec {
  slots: SlotSpec[];
  /** `GET /orders/{id}` or without method: name to pattern, most specific first. */
  resources?: Record<string, string>;
  /** More strings of the program, so that equal values get an id. */
  strings?: string[];
}

/** A program that reads the given slots. */
export function testProgram(spec: ProgramSpec): Program {
  const strings: string[] = [];
  const numbers: number[] = [];
  const networks: { bytes: Uint8Array; prefix: number }[] = [];
  const enums: EnumType[] = [];
  const intern = (text: string): number =>
    strings.includes(text) ? strings.indexOf(text) : strings.push(text) - 1;
  const addEnum = (name: string, members: string[]): number =>
    enums.push({ name, ordered: false, members: members.map(intern) }) - 1;
  for (const text of spec.strings ?? []) intern(text);
  const resources = Object.entries(spec.resources ?? {}).map(([, pattern], member) =>
    resource(pattern, member),
  );
  addEnum("resource.type", Object.keys(spec.resources ?? {}));

  const shapeOf = (type: TypeSpec): Shape => {
    const plain = { width: 1, enumIndex: -1, element: null, fields: [] };
    if (type === "resource") return { ...plain, type: "enum", enumIndex: 0 };
    if (typeof type === "string") return { ...plain, type };
    if ("enum" in type) return { ...plain, type: "enum", enumIndex: addEnum(type.enum.join(), type.enum) };
    if ("list" in type) return { ...plain, type: "list", element: shapeOf(type.list) };
    let width = 1;
    const fields = Object.entries(type.record).map(([name, each]) => {
      const shape = shapeOf(each);
      const field = { name, offset: width, shape };
      width += shape.width;
      return field;
    });
    return { ...plain, type: "record", width, fields };
  };
  const defaultIndex = (shape: Shape, value: SlotSpec["default"]): number => {
    if (typeof value === "string" && shape.type === "enum")
      return enums[shape.enumIndex]!.members.indexOf(intern(value));
    if (typeof value === "string") return intern(value);
    if (typeof value === "number") return numbers.push(value) - 1;
    return typeof value === "object" ? networks.push(value) - 1 : Number(value ?? 0);
  };

  let cells = 0;
  const slots = spec.slots.map((each): Slot => {
    const shape = shapeOf(each.type);
    const cell = cells;
    cells += shape.width;
    return {
      name: each.name,
      cell,
      shape,
      source: each.source,
      argument: each.argument ?? each.name,
      read: each.read ?? true,
      optional: true,
      marking: "trusted",
      verbatim: each.verbatim ?? false,
      hasDefault: each.default !== undefined,
      defaultIndex: defaultIndex(shape, each.default),
    };
  });
  const encoded = strings.map((text) => new TextEncoder().encode(text));
  const stringOffsets = new Int32Array(strings.length + 1);
  for (const [i, text] of encoded.entries()) stringOffsets[i + 1] = stringOffsets[i]! + text.length;
  const stringBytes = Uint8Array.from(encoded.flatMap((text) => [...text]));
  return {
    digest: "sha256:" + "0".repeat(64),
    defaultAllow: false,
    pathMode: "reject",
    policySets: null,
    hasLimits: false,
    readsBody: slots.some((slot) => slot.read && slot.source === "body"),
    strings: new Texts(stringBytes, stringOffsets),
    stringBytes,
    stringOffsets,
    stringTable: new ByteTable(stringBytes, stringOffsets),
    numbers: Float64Array.from(numbers),
    networks: Uint8Array.from(networks.flatMap((network) => [...network.bytes])),
    prefixes: Uint8Array.from(networks, (network) => network.prefix),
    setElements: new Int32Array(0),
    setOffsets: new Int32Array(1),
    automata: [],
    enums,
    slots,
    cellCount: cells,
    timeCell: -1,
    schedules: [],
    maps: [],
    resources,
    code: new Uint16Array(0),
    routineStarts: new Int32Array(1),
    policies: NO_POLICIES,
    rows: new Int32Array(0),
    headerNames: [],
    removedNames: [],
    queryNames: [],
    obligationKinds: new Set(),
    sectionBytes: [],
    totalBytes: 0,
  };
}

const none = new Int32Array(0);
const NO_POLICIES = new Policies(
  emptyHeads(0),
  {
    strings: new Texts(new Uint8Array(0), new Int32Array(1)),
    stringTable: new ByteTable(new Uint8Array(0), new Int32Array(1)),
    numbers: new Float64Array(0),
    obligations: { kinds: new Uint8Array(0), headers: none, values: none },
  },
  { intent: () => null, metadata: () => [], triggerNode: () => null, requirementNode: () => null },
);

function resource(pattern: string, member: number): Resource {
  const method = /^([A-Z]+) /.exec(pattern)?.[1] ?? null;
  const path = method === null ? pattern : pattern.slice(method.length + 1);
  const segments = path.split("/").filter((segment) => segment !== "");
  return {
    member,
    method,
    segments: segments.map((segment) => {
      if (segment === "*") return { kind: "any", text: "" };
      if (segment === "**") return { kind: "rest", text: "" };
      const capture = segment.startsWith("{");
      return { kind: capture ? "capture" : "literal", text: capture ? segment.slice(1, -1) : segment };
    }),
  };
}

const NO_PEER: Peer = { ip: undefined, port: undefined, principal: undefined };
const NO_CONNECTION: Connection = {
  mtls: undefined,
  requestedServerName: undefined,
  tlsVersion: undefined,
  subjectPeerCertificate: undefined,
  uriSanPeerCertificate: undefined,
  dnsSanPeerCertificate: undefined,
  sha256PeerCertificateDigest: undefined,
};

/** `GET /` of which nothing else is known. */
export function testRequest(
  special: Omit<Partial<NeutralRequest>, "connection" | "source" | "destination"> & Parts = {},
): NeutralRequest {
  return {
    method: "GET",
    target: "/",
    host: undefined,
    scheme: undefined,
    protocol: undefined,
    size: undefined,
    time: undefined,
    headers: [],
    headersJoined: false,
    body: { kind: "empty" },
    extensions: new Map(),
    ...special,
    source: { ...NO_PEER, ...special.source },
    destination: { ...NO_PEER, ...special.destination },
    connection: { ...NO_CONNECTION, ...special.connection },
  };
}

interface Parts {
  source?: Partial<Peer>;
  destination?: Partial<Peer>;
  connection?: Partial<Connection>;
}

export const absent: unique symbol = Symbol("absent");
export const invalid: unique symbol = Symbol("invalid");

/** Loads the request and returns the slots' values by name; enums by their member's name, addresses as text. */
export function load(
  program: Program,
  request: NeutralRequest,
  slots = new Slots(program.cellCount),
): Record<string, unknown> {
  createSlotLoader(program).load(request, slots);
  return values(program, slots);
}

/** The values of slots that are loaded. */
export function values(program: Program, slots: Slots): Record<string, unknown> {
  return Object.fromEntries(
    program.slots.map((slot) => [slot.name, valueAt(program, slots, slot.shape, slot.cell)]),
  );
}

function valueAt(program: Program, slots: Slots, shape: Shape, cell: number): unknown {
  if (slots.state[cell] !== ABSENT && slots.state[cell] !== INVALID)
    return presentAt(program, slots, shape, cell);
  const states = slots.state.subarray(cell, cell + shape.width);
  if (!states.every((state) => state === states[0]))
    throw new Error("fields differ in state from their record");
  return slots.state[cell] === ABSENT ? absent : invalid;
}

function presentAt(program: Program, slots: Slots, shape: Shape, cell: number): unknown {
  const offset = slots.offset[cell]!;
  const length = slots.length[cell]!;
  switch (shape.type) {
    case "string": {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        slots.bytes.subarray(offset, offset + length),
      );
      if (slots.id[cell] !== [...program.strings].indexOf(text))
        throw new Error(`\`${text}\` has id ${slots.id[cell]}`);
      return text;
    }
    case "int":
    case "float":
    case "datetime":
    case "duration":
      if (Object.is(slots.number[cell], -0)) throw new Error("-0 in a cell");
      return slots.number[cell];
    case "bool":
      return slots.number[cell] === 1;
    case "enum":
      return slots.number[cell] === -1
        ? null
        : program.strings.at(program.enums[shape.enumIndex]!.members[slots.number[cell]!]!);
    case "ip":
      if (length !== 128) throw new Error(`an ip of prefix length ${length}`);
      return formatAddress(slots.bytes, offset);
    case "cidr":
      return formatNetwork(slots.bytes, length, offset);
    case "list":
      if (slots.id[cell] !== shape.element!.width)
        throw new Error("a list's cell without its element's width");
      return Array.from({ length }, (_, i) =>
        valueAt(program, slots, shape.element!, offset + i * shape.element!.width),
      );
    case "record":
      return Object.fromEntries(
        shape.fields.map((field) => [field.name, valueAt(program, slots, field.shape, cell + field.offset)]),
      );
  }
}
