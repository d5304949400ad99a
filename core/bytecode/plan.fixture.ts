/** Plans for tests: attributes of every type, refs by name, and a guard that denies when a condition is true. */
import type { Condition, Plan, PlanNode, PlanPolicy, PlanSlot, Ref } from "../plan/plan.ts";
import type { ConstantValue, EnumInfo, RecordInfo, Type } from "../schema/schema.ts";
import { typeWidth } from "../schema/schema.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import type { Program } from "./program.ts";

/** A ref that still knows its name: the attribute and its fields, or the fields of the element. */
export interface NamedRef extends Ref {
  readonly path: readonly string[];
}

const RESOURCES: EnumInfo = { name: "resource.type", ordered: false, members: [] };
export const COLOUR: EnumInfo = { name: "Colour", ordered: false, members: ["red", "green", "blue"] };
export const RISK: EnumInfo = { name: "Risk", ordered: true, members: ["low", "medium", "high"] };

const string: Type = { kind: "string" };
const int: Type = { kind: "int" };
const ip: Type = { kind: "ip" };
const cidr: Type = { kind: "cidr" };

function listOf(element: Type): Type {
  return { kind: "list", element, elementName: null };
}

function record(name: string, fields: Readonly<Record<string, Type>>): Type {
  const infos = Object.entries(fields).map(([field, type]) => ({ name: field, type, optional: true }));
  const info: RecordInfo = { name, fields: infos };
  return { kind: "record", record: info };
}

const PART = record("Part", { name: string, cost: int });
const ITEM = record("Item", {
  name: string,
  cost: int,
  ok: { kind: "bool" },
  tags: listOf(string),
  parts: listOf(PART),
});

/** In the order of their cells. */
export const TYPES: Readonly<Record<string, Type>> = {
  text: string,
  text2: string,
  int,
  int2: int,
  float: { kind: "float" },
  flag: { kind: "bool" },
  flag2: { kind: "bool" },
  colour: { kind: "enum", enum: COLOUR },
  colour2: { kind: "enum", enum: COLOUR },
  risk: { kind: "enum", enum: RISK },
  risk2: { kind: "enum", enum: RISK },
  ip,
  ip2: ip,
  net: cidr,
  net2: cidr,
  texts: listOf(string),
  ints: listOf(int),
  flags: listOf({ kind: "bool" }),
  colours: listOf({ kind: "enum", enum: COLOUR }),
  ips: listOf(ip),
  nets: listOf(cidr),
  home: record("Home", { street: string, number: int }),
  items: listOf(ITEM),
};

/** `text`, `home.street`. */
export function ref(name: string): NamedRef {
  const [root, ...fields] = name.split(".");
  let cell = 0;
  for (const [other, type] of Object.entries(TYPES)) {
    if (other === root) return below({ frame: 0, cell, type, path: [other] }, fields);
    cell += typeWidth(type);
  }
  throw new Error(`no attribute ${name}`);
}

/** The element of a list in a body, or a field of it; the body's frame is one more than the list's depth. */
export function element(list: Ref, frame: 1 | 2, ...fields: string[]): NamedRef {
  if (list.type.kind !== "list") throw new Error("an element of no list");
  return below({ frame, cell: 0, type: list.type.element, path: [] }, fields);
}

function below(start: NamedRef, fields: readonly string[]): NamedRef {
  const [name, ...rest] = fields;
  if (name === undefined) return start;
  if (start.type.kind !== "record") throw new Error(`a field ${name} of no record`);
  let cell = start.cell + 1;
  for (const field of start.type.record.fields) {
    if (field.name === name)
      return below({ frame: start.frame, cell, type: field.type, path: [...start.path, name] }, rest);
    cell += typeWidth(field.type);
  }
  throw new Error(`no field ${name}`);
}

/** A constant of a type from what JSON would hold. */
export function constant(type: Type, value: unknown): ConstantValue {
  if (type.kind === "enum") return { kind: "enum", enum: type.enum, value: value as string };
  return { kind: type.kind, value } as ConstantValue;
}

export function leaf(condition: Condition, text = "leaf", line = 1): Extract<PlanNode, { kind: "leaf" }> {
  return { kind: "leaf", condition, place: { text, line, column: 1 }, reads: [] };
}

const POLICY: PlanPolicy = {
  name: "Case",
  set: null,
  intent: null,
  kind: "guard",
  mode: "enforce",
  severity: "medium",
  effect: "denies",
  trigger: null,
  requirement: null,
  denyStatus: null,
  denyBody: null,
  denyBodyParts: [],
  denyBodyIsJson: false,
  reason: null,
  obligations: [],
  metadata: [],
  expires: null,
  offWhenExpired: false,
  limits: [],
  limiterFailure: "local",
};

/** A policy: by default a guard that always denies. */
export function policyOf(differences: Partial<PlanPolicy>): PlanPolicy {
  return { ...POLICY, ...differences };
}

export function planOf(policies: readonly PlanPolicy[], defaultAllow = true): Plan {
  let cell = 0;
  const slots = Object.entries(TYPES).map(([name, type]): PlanSlot => {
    const attribute = { name, type, optional: true, marking: "claimed", source: "body" } as const;
    const slot = {
      attribute: { ...attribute, argument: `/${name}`, verbatim: false, default: null, span: null },
      cell,
    };
    cell += typeWidth(type);
    return slot;
  });
  return {
    defaultAllow,
    pathMode: "reject",
    enums: [RESOURCES, COLOUR, RISK],
    slots,
    resources: [],
    policies,
    sets: null,
  };
}

/** The verified program of a plan. */
export function programOf(plan: Plan): Program {
  const encoded = encode(plan);
  if (!encoded.ok) throw new Error(encoded.problem);
  const decoded = decode(encoded.bundle);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.program;
}

/** The program of a guard that denies when the condition is true. */
export function guardOf(condition: Condition): Program {
  return programOf(planOf([policyOf({ trigger: leaf(condition) })]));
}
