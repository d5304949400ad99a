/** A model of a bundle with something of everything: the seed of the loader's tests. */
import {
  FEATURE_AGGREGATES,
  FEATURE_BODY,
  FEATURE_COMPUTING,
  FEATURE_LIMITS,
  FEATURE_NETWORKS,
  NONE,
  OBLIGATION_LIMIT,
  OBLIGATION_LIMIT_KEY,
  OBLIGATION_PART,
  SLOT_CLAIMED,
  SLOT_HAS_DEFAULT,
  SLOT_OPTIONAL,
  SLOT_READ,
  SLOT_TRUSTED,
  SLOT_VERBATIM,
} from "../../core/bytecode/gen/constants.ts";
import { INSTRUCTIONS, SOURCE_NAMES, TYPE_NAMES } from "../../core/bytecode/gen/tables.ts";
import { BUILTINS } from "../../core/source/gen/facts.ts";
import type { Model, NodeRow, PolicyRow, Word4 } from "./model.ts";

const V4 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Shapes of the sample by name. */
export const SHAPES = {
  resource: 0,
  string: 1,
  int: 2,
  float: 3,
  bool: 4,
  risk: 5,
  colour: 6,
  ip: 7,
  cidr: 8,
  strings: 9,
  item: 10,
  items: 11,
  approver: 12,
  approvers: 13,
  cidrs: 14,
  ips: 15,
  bools: 16,
  risks: 17,
  floats: 18,
  address: 19,
} as const;

/** First cells of the sample's slots by name. */
export const CELLS = {
  "resource.type": 0,
  "source.ip": 1,
  environment: 2,
  risk: 3,
  colour: 4,
  amount: 5,
  ratio: 6,
  vip: 7,
  network: 8,
  tags: 9,
  approvals: 10,
  order_id: 11,
  tenant: 12,
  /** A record of `street` (14) and `number` (15). */
  home: 13,
  networks: 16,
  addresses: 17,
  answers: 18,
  risks: 19,
  ratios: 20,
  other_risk: 21,
  peer: 22,
} as const;

/** Index of a text, added where it is missing. */
export function string(model: Model, text: string): number {
  const bytes = new TextEncoder().encode(text);
  const known = model.strings.findIndex(
    (other) => other.length === bytes.length && other.every((byte, i) => byte === bytes[i]),
  );
  return known !== -1 ? known : model.strings.push(bytes) - 1;
}

/** Index of what is only shown, added where it is missing. */
export function text(model: Model, shown: string): number {
  const bytes = new TextEncoder().encode(shown);
  const known = model.texts.findIndex(
    (other) => other.length === bytes.length && other.every((byte, i) => byte === bytes[i]),
  );
  return known !== -1 ? known : model.texts.push(bytes) - 1;
}

export interface Fields {
  a?: number;
  b?: number;
  jump?: number;
  sense?: number;
  negate?: number;
  frameA?: number;
  frameB?: number;
  register?: number;
  column?: number;
}

/** One instruction by name; what is not given is zero. */
export function instruction(name: string, fields: Fields = {}): Word4 {
  const opcode = INSTRUCTIONS.findIndex((info) => info?.name === name);
  const { a = 0, b = 0, jump = 0, sense = 0, negate = 0, frameA = 0, frameB = 0, register = 0 } = fields;
  const marks = (register << 14) | ((fields.column ?? 0) << 15);
  return [opcode | (sense << 8) | (negate << 9) | (frameA << 10) | (frameB << 12) | marks, a, b, jump];
}

/** Put code in the place of a routine. */
export function setRoutine(model: Model, routine: number, code: readonly Word4[]): void {
  const start = model.routines.slice(0, routine).reduce((sum, length) => sum + length, 0);
  model.code.splice(start, model.routines[routine]!, ...code);
  model.routines[routine] = code.length;
}

/** A test, then ACCEPT and REJECT. */
export function testRoutine(name: string, fields: Fields = {}): Word4[] {
  return [instruction(name, { jump: 2, ...fields }), instruction("ACCEPT"), instruction("REJECT")];
}

/** Make the `read` flags and the features right for the code and the slots that are there. */
export function settle(model: Model): Model {
  const used = new Set<number>();
  let features = 0;
  for (const [head, a, b] of model.code) {
    const info = INSTRUCTIONS[head & 0xff]!;
    if (info.a !== "none" && ((head >> 10) & 3) === 0) used.add(a);
    if (info.b.endsWith("Cell") && ((head >> 12) & 3) === 0) used.add(b);
    if (info.b.startsWith("body")) features |= FEATURE_AGGREGATES;
    if (info.computes) features |= FEATURE_COMPUTING;
    if (/ADDRESS|NETWORK|CIDR/.test(info.name)) features |= FEATURE_NETWORKS;
    const slot = slotOfCell(model, a);
    if (info.name === "IN_LIST" && ["ip", "cidr"].includes(TYPE_NAMES[model.shapes[slot?.shape ?? 0]!.type]!))
      features |= FEATURE_NETWORKS;
  }
  for (const { kind, header } of model.obligations)
    if (kind === OBLIGATION_LIMIT_KEY || kind === OBLIGATION_PART) used.add(header);
  let cell = 0;
  for (const [index, slot] of model.slots.entries()) {
    const width = widthOf(model, slot.shape);
    const read =
      Array.from({ length: width }, (_, i) => cell + i).some((c) => used.has(c)) || index === model.selector;
    slot.flags = read ? slot.flags | SLOT_READ : slot.flags & ~SLOT_READ;
    if (read && SOURCE_NAMES[slot.source] === "body") features |= FEATURE_BODY;
    cell += width;
  }
  if (model.obligations.some(({ kind }) => kind === OBLIGATION_LIMIT)) features |= FEATURE_LIMITS;
  model.features = features;
  return model;
}

function slotOfCell(model: Model, cell: number): Model["slots"][number] | undefined {
  let end = 0;
  return model.slots.find((slot) => {
    end += widthOf(model, slot.shape);
    return cell < end;
  });
}

function widthOf(model: Model, shape: number): number {
  const { type, argument, fields } = model.shapes[shape]!;
  if (TYPE_NAMES[type] !== "record") return 1;
  return model.fields
    .slice(argument, argument + fields)
    .reduce((sum, field) => sum + widthOf(model, field.shape), 1);
}

/** A fresh copy of the sample. */
export function sample(): Model {
  const model: Model = {
    features: 0,
    flags: 0,
    strings: [],
    texts: [],
    textEnds: null,
    constants: [],
    numbersPadding: 0,
    numbers: [2, 0.5, 100],
    networks: [
      { address: [...V4, 10, 0, 0, 0], prefix: 104 },
      { address: [...V4, 10, 0, 0, 1], prefix: 128 },
      { address: [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], prefix: 32 },
    ],
    sets: [
      { kind: 0, first: 0, count: 2 },
      { kind: 1, first: 2, count: 2 },
      { kind: 2, first: 4, count: 2 },
      { kind: 3, first: 6, count: 2 },
    ],
    setElements: [1, 4, 0, 2, 1, 3, 0, 2],
    // `^a` and, with padding, `b$`.
    schedules: [{ days: 31, from: 540, to: 1020, until: 9000, first: 0, count: 2 }],
    offsets: [
      [1440, 60],
      [2000, 0xffffff88],
    ],
    // From a string to an int, from an int to an ip, from an enum to another one.
    maps: [
      { key: SHAPES.string, value: SHAPES.int, first: 0, count: 2 },
      { key: SHAPES.int, value: SHAPES.ip, first: 2, count: 2 },
      { key: SHAPES.risk, value: SHAPES.colour, first: 4, count: 2 },
    ],
    mapEntries: [
      [1, 0],
      [4, 2],
      [0, 1],
      [2, 1],
      [0, 1],
      [3, 0],
    ],
    automata: [
      { states: 1, classes: 2, start: 2, classOf: classesOf("a"), targets: [0, 1, 0], padding: null },
      {
        states: 2,
        classes: 2,
        start: 2,
        classOf: classesOf("b"),
        targets: [2, 3, 0, 2, 3, 1],
        padding: null,
      },
    ],
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
    selector: NONE,
    metadata: [],
    rows: [],
    nodes: [],
    reads: [],
  };
  addTypes(model);
  addSlots(model);
  addResources(model);
  addCode(model);
  addPolicies(model);
  addExplain(model);
  return settle(model);
}

/** Class 1 for the character, 0 for the other bytes. */
function classesOf(character: string): number[] {
  return Array.from({ length: 256 }, (_, byte) => (byte === character.charCodeAt(0) ? 1 : 0));
}

function addTypes(model: Model): void {
  const enumOf = (name: string, ordered: number, members: readonly string[]): void => {
    model.enums.push({
      name: string(model, name),
      ordered,
      first: model.members.length,
      count: members.length,
    });
    model.members.push(...members.map((member) => string(model, member)));
  };
  enumOf("resource", 0, ["Order", "Orders", "Deployment", "Any"]);
  enumOf("Risk", 1, ["low", "medium", "high", "critical"]);
  enumOf("Colour", 0, ["red", "green"]);
  const shape = (
    name: keyof typeof SHAPES,
    type: (typeof TYPE_NAMES)[number],
    argument = 0,
    fields = 0,
  ): void => {
    if (model.shapes.length !== SHAPES[name]) throw new Error(`shape ${name} out of order`);
    model.shapes.push({ type: TYPE_NAMES.indexOf(type), argument, fields });
  };
  shape("resource", "enum", 0);
  for (const name of ["string", "int", "float", "bool"] as const) shape(name, name);
  shape("risk", "enum", 1);
  shape("colour", "enum", 2);
  for (const name of ["ip", "cidr"] as const) shape(name, name);
  shape("strings", "list", SHAPES.string);
  shape("item", "record", 0, 2);
  shape("items", "list", SHAPES.item);
  shape("approver", "record", 2, 3);
  shape("approvers", "list", SHAPES.approver);
  shape("cidrs", "list", SHAPES.cidr);
  shape("ips", "list", SHAPES.ip);
  shape("bools", "list", SHAPES.bool);
  shape("risks", "list", SHAPES.risk);
  shape("floats", "list", SHAPES.float);
  shape("address", "record", 5, 2);
  const field = (name: string, of: keyof typeof SHAPES): void =>
    void model.fields.push({ name: string(model, name), shape: SHAPES[of] });
  field("cost", "int");
  field("tag", "string");
  field("role", "string");
  field("level", "int");
  field("items", "items");
  field("street", "string");
  field("number", "int");
}

function addSlots(model: Model): void {
  const builtin = (name: keyof typeof CELLS, shape: keyof typeof SHAPES): void => {
    const argument = BUILTINS.findIndex((b) => b.name === name);
    model.slots.push({
      name: string(model, name),
      shape: SHAPES[shape],
      source: 0,
      flags: 0,
      half: 0,
      argument,
      default: 0,
    });
  };
  const slot = (
    name: keyof typeof CELLS,
    shape: keyof typeof SHAPES,
    [source, argument]: [(typeof SOURCE_NAMES)[number], string],
    flags: number,
    value = 0,
  ): void => {
    const row = {
      name: string(model, name),
      shape: SHAPES[shape],
      source: SOURCE_NAMES.indexOf(source),
      flags,
      half: 0,
    };
    model.slots.push({ ...row, argument: string(model, argument), default: value });
  };
  builtin("resource.type", "resource");
  builtin("source.ip", "ip");
  slot("environment", "string", ["body", "/environment"], SLOT_CLAIMED);
  slot("risk", "risk", ["body", "/risk_level"], SLOT_CLAIMED | SLOT_OPTIONAL);
  slot("colour", "colour", ["header", "x-colour"], SLOT_TRUSTED | SLOT_VERBATIM);
  slot("amount", "int", ["query", "amount"], SLOT_CLAIMED | SLOT_HAS_DEFAULT, 2);
  slot("ratio", "float", ["cookie", "ratio"], SLOT_CLAIMED);
  slot("vip", "bool", ["header", "x-vip"], SLOT_TRUSTED | SLOT_HAS_DEFAULT, 1);
  slot("network", "cidr", ["header", "x-network"], SLOT_TRUSTED);
  slot("tags", "strings", ["header", "x-tags"], SLOT_CLAIMED);
  slot("approvals", "approvers", ["body", "/approvals"], SLOT_TRUSTED);
  slot("order_id", "string", ["capture", "order_id"], SLOT_CLAIMED);
  slot("tenant", "string", ["extension", "tenant"], SLOT_HAS_DEFAULT, string(model, "public"));
  slot("home", "address", ["body", "/home~1~0"], SLOT_CLAIMED);
  slot("networks", "cidrs", ["body", "/networks"], SLOT_CLAIMED);
  slot("addresses", "ips", ["body", "/addresses"], SLOT_CLAIMED);
  slot("answers", "bools", ["body", "/answers"], SLOT_CLAIMED);
  slot("risks", "risks", ["body", "/risks"], SLOT_CLAIMED);
  slot("ratios", "floats", ["body", "/ratios"], SLOT_CLAIMED);
  slot("other_risk", "risk", ["body", "/other"], SLOT_CLAIMED);
  slot("peer", "ip", ["header", "x-peer"], SLOT_TRUSTED | SLOT_HAS_DEFAULT, 1);
}

function addResources(model: Model): void {
  const resource = (member: number, method: string | null, segments: readonly string[]): void => {
    const row = {
      member,
      method: method === null ? NONE : string(model, method),
      first: model.segments.length,
      count: segments.length,
    };
    model.resources.push(row);
    for (const text of segments) {
      const capture = text.startsWith("{");
      model.segments.push({
        kind: capture ? 1 : 0,
        string: string(model, capture ? text.slice(1, -1) : text),
      });
    }
  };
  resource(2, "POST", ["deployments"]);
  resource(1, "POST", ["orders"]);
  resource(3, null, ["orders"]);
  resource(0, null, ["orders", "{order_id}"]);
}

function addCode(model: Model): void {
  const add = (...code: readonly Word4[]): void => {
    model.routines.push(code.length);
    model.code.push(...code);
  };
  const accept = instruction("ACCEPT");
  const reject = instruction("REJECT");
  const production = string(model, "production");
  // 0: trigger of the first policy.
  add(
    instruction("EQ_MEMBER", { a: CELLS["resource.type"], b: 2, jump: 4 }),
    instruction("EQ_STRING", { a: CELLS.environment, b: production, jump: 3 }),
    instruction("IN_MEMBERS", { a: CELLS.risk, b: 2, negate: 1, jump: 2 }),
    accept,
    reject,
  );
  // 1: its requirement: two approvals of seniors, each with an item of some cost.
  add(
    instruction("COUNT", { a: CELLS.approvals, b: 7 }),
    instruction("EQ_STRING", { frameA: 1, a: 1, b: string(model, "senior"), jump: 6 }),
    instruction("ANY", { frameA: 1, a: 3, b: 3, jump: 5 }),
    instruction("LT_NUMBERS", { frameA: 2, a: 1, frameB: 1, b: 2, jump: 2 }),
    accept,
    reject,
    accept,
    reject,
    instruction("LT_COUNT", { b: 0, sense: 1, jump: 2 }),
    accept,
    reject,
  );
  // 2: trigger of the guard.
  add(...testRoutine("IN_NETWORK", { a: CELLS["source.ip"], b: 0, column: 1, negate: 1 }));
  // 3-6: leaves.
  add(...testRoutine("LT_NUMBER", { a: CELLS.amount, b: 2 }));
  add(...testRoutine("IN_NETWORK", { a: CELLS["source.ip"], b: 0, column: 1 }));
  add(...testRoutine("EQ_MEMBER", { a: CELLS["resource.type"], b: 2 }));
  add(...testRoutine("EXISTS", { a: CELLS.tenant }));
}

function addPolicies(model: Model): void {
  const policy = (row: Partial<PolicyRow> & { name: number }): void => {
    const counts = {
      firstObligation: model.obligations.length,
      obligations: 0,
      firstMetadata: model.metadata.length,
      metadata: 0,
    };
    const texts = { status: 0, body: NONE, reason: NONE };
    const {
      name,
      set = NONE,
      intent = NONE,
      kind = 0,
      mode = 0,
      severity = 2,
      effect = 0,
      trigger = NONE,
      requirement = NONE,
      ...rest
    } = row;
    model.policies.push({
      name,
      set,
      intent,
      kind,
      mode,
      severity,
      effect,
      trigger,
      requirement,
      ...texts,
      ...counts,
      ...rest,
    });
  };
  const intent = text(model, "deployments need two approvals");
  const name = string(model, "Approvals");
  policy({
    name,
    intent,
    severity: 0,
    trigger: 0,
    requirement: 1,
    status: 403,
    body: string(model, "no"),
    obligations: 1,
    metadata: 2,
  });
  model.obligations.push({
    kind: 1,
    header: string(model, "x-approved-by"),
    value: string(model, "ipe mesh"),
  });
  model.metadata.push(
    { key: text(model, "owner"), value: text(model, "security") },
    { key: text(model, "version"), value: text(model, "1.2.0") },
  );
  policy({
    name: string(model, "Inside"),
    kind: 1,
    severity: 1,
    effect: 2,
    trigger: 2,
    reason: string(model, "from inside only"),
    constants: 1,
  });
  model.constants.push(0);
  policy({ name: string(model, "Open"), mode: 1, effect: 1, obligations: 2 });
  model.obligations.push({ kind: 1, header: string(model, "x-approved-by"), value: string(model, "") });
  model.obligations.push({ kind: 1, header: string(model, "x-open"), value: string(model, "yes") });
}

function addExplain(model: Model): void {
  model.rows.push(
    { trigger: 0, requirement: 1 },
    { trigger: 2, requirement: NONE },
    { trigger: NONE, requirement: NONE },
  );
  const node = (row: Partial<NodeRow>, reads: readonly (keyof typeof CELLS)[] = []): void => {
    const { kind = 0, children = 0, firstChild = 0, text = NONE, line = 0, column = 0, routine = NONE } = row;
    model.nodes.push({
      kind,
      children,
      firstChild,
      text,
      line,
      column,
      routine,
      firstRead: model.reads.length,
      reads: reads.length,
    });
    model.reads.push(...reads.map((name) => ({ cell: CELLS[name], name: string(model, name) })));
  };
  const place = (shown: string, line: number): Partial<NodeRow> => ({
    text: text(model, shown),
    line,
    column: 5,
  });
  node({ kind: 1, children: 2, firstChild: 3 });
  node({ ...place("amount < 100", 4), routine: 3 }, ["amount"]);
  node({ ...place('source.ip in "10.0.0.0/8"', 9), routine: 4 }, ["source.ip"]);
  node({ ...place('resource.type == "Deployment"', 2), routine: 5 }, ["resource.type"]);
  node({ kind: 3, children: 1, firstChild: 5, ...place("not exists tenant", 3) }, ["tenant"]);
  node({ ...place("exists tenant", 3), routine: 6 }, ["tenant"]);
}
