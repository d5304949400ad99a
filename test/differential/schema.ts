/** Random declarations: enums, record types, constants, resources and attributes from every source. */

import type {
  Attribute,
  AttributeSource,
  ConstantValue,
  EnumInfo,
  FieldInfo,
  RecordInfo,
  Type,
} from "../../core/schema/schema.ts";
import { typeName } from "../../core/schema/schema.ts";
import { PATH_MODES } from "../../core/source/gen/facts.ts";
import { ADDRESSES, DATETIMES, DURATIONS, FLOATS, INTS, NETWORKS, STRINGS } from "./pools.ts";
import type { Random } from "./random.ts";

export interface GeneratedSchema {
  readonly attributes: readonly GeneratedAttribute[];
  readonly constants: readonly {
    readonly name: string;
    readonly value: ConstantValue;
    readonly text: string;
  }[];
  /** Sets of data. */
  readonly data: readonly { readonly name: string; readonly type: Type; readonly text: string }[];
  /** Maps of data. */
  readonly maps: readonly {
    readonly name: string;
    readonly key: Type;
    readonly value: Type;
    readonly text: string;
  }[];
  readonly builtins: readonly { readonly name: string; readonly type: Type }[];
  readonly defaultAllow: boolean;
  /** Declarations without the attributes. */
  readonly text: string;
}

export interface GeneratedAttribute extends Omit<Attribute, "span" | "default"> {
  /** The default as written, or null. */
  readonly default: string | null;
}

/** What `resource.type` can be; requests draw from their paths (request.ts). */
export const RESOURCES =
  'resource Order: "/orders/{order_id}"\nresource Deployment: POST "/deployments"\nresource Item: GET "/orders/{order_id}/items/{item}"\n' +
  'resource File: "/files/*/**"\nresource Log: GET "/{*}/{item}/**/log"\nresource Deep: POST "/**/deep/{order_id}"\n';
const RESOURCE_TYPE: EnumInfo = {
  name: "resource",
  ordered: false,
  members: ["Order", "Deployment", "Item", "File", "Log", "Deep"],
};

const STRING: Type = { kind: "string" };
const INT: Type = { kind: "int" };
/** Built-ins that policies read, with their types. */
const BUILTINS: readonly { name: string; type: Type }[] = [
  ...[
    "request.method",
    "request.path",
    "request.query",
    "request.host",
    "request.scheme",
    "request.protocol",
    "request.id",
  ].map((name) => ({ name, type: STRING })),
  ...[
    "source.principal",
    "destination.principal",
    "connection.requested_server_name",
    "connection.tls_version",
  ].map((name) => ({ name, type: STRING })),
  ...["subject", "uri_san", "dns_san"].map((name) => ({
    name: `connection.${name}_peer_certificate`,
    type: STRING,
  })),
  { name: "connection.sha256_peer_certificate_digest", type: STRING },
  ...["request.size", "source.port", "destination.port"].map((name) => ({
    name,
    type: { kind: "int" } as const,
  })),
  { name: "request.time", type: { kind: "datetime" } },
  ...["source.ip", "destination.ip"].map((name) => ({ name, type: { kind: "ip" } as const })),
  { name: "connection.mtls", type: { kind: "bool" } },
  { name: "resource.type", type: { kind: "enum", enum: RESOURCE_TYPE } },
  { name: "resource.type", type: { kind: "enum", enum: RESOURCE_TYPE } },
];

const ENUMS: readonly EnumInfo[] = [
  { name: "Risk", ordered: true, members: ["low", "medium", "high"] },
  { name: "Color", ordered: false, members: ["red", "green", "blue"] },
  { name: "Single", ordered: false, members: ["only"] },
];

const TEXT_SOURCES: readonly AttributeSource[] = ["header", "query", "cookie", "extension"];
const NAME_ROOTS = ["", "", "requester.", "resource.", "approval.", "s."];

export function generateSchema(random: Random): GeneratedSchema {
  const names = new Names();
  const inner = record("Inner", random, names, []);
  const outer = record("Outer", random, names, [inner]);
  const records = [inner, outer];
  const constants = random.times(random.below(4), (i) => constant(`C${i}`, random));
  const data = random.times(random.below(4), (i) => dataSet(`D${i}`, random));
  const maps = random.times(random.below(5), (i) => dataMap(`M${i}`, random));
  const tables = [...data, ...maps];
  const attributes = random.times(4 + random.below(8), (i) => attribute(i, random, names, records));
  const defaultAllow = random.chance(20);
  const text = [
    ...ENUMS.map((e) => `enum ${e.name}: ${e.members.join(e.ordered ? " < " : ", ")}\n`),
    ...records.map(
      (r) =>
        `type ${r.name}:\n${r.fields.map((f) => `  ${f.name}: ${typeText(f.type, f.optional)}\n`).join("")}`,
    ),
    RESOURCES,
    ...constants.map((c) => `constant ${c.name}: ${typeText(constantType(c.value), false)} = ${c.text}\n`),
    tables.length === 0 ? "" : `data\n${tables.map((d) => `  ${d.name}: ${d.text}\n`).join("")}`,
    random.chance(40) ? `normalize: ${random.pick(PATH_MODES)}\n` : "",
    defaultAllow ? "default allow\n" : random.chance(30) ? "default deny\n" : "",
  ].join("");
  return { attributes, constants, data, maps, builtins: BUILTINS, defaultAllow, text };
}

/** The `attributes` declaration; a schema without attributes has none. */
export function attributesText(attributes: readonly GeneratedAttribute[]): string {
  return attributes.length === 0 ? "" : `attributes\n${attributes.map(attributeText).join("")}`;
}

/** Element names are never used twice, so that nested lists do not shadow each other. */
class Names {
  #used = 0;

  element(): string {
    return `e${this.#used++}`;
  }
}

function scalar(random: Random): Type {
  const kind = random.pick([
    "string",
    "string",
    "int",
    "int",
    "float",
    "bool",
    "enum",
    "ip",
    "cidr",
    "datetime",
    "duration",
  ] as const);
  return kind === "enum" ? { kind, enum: random.pick(ENUMS) } : { kind };
}

function listOf(element: Type, random: Random, names: Names): Type {
  return { kind: "list", element, elementName: random.chance(85) ? names.element() : null };
}

function record(name: string, random: Random, names: Names, records: readonly RecordInfo[]): RecordInfo {
  const fields: FieldInfo[] = random.times(1 + random.below(4), (i) => ({
    name: `f${i}`,
    type: scalar(random),
    optional: random.chance(25),
  }));
  if (random.chance(60))
    fields.push({ name: "xs", type: listOf(scalar(random), random, names), optional: random.chance(25) });
  for (const inner of records) {
    fields.push({ name: "inner", type: { kind: "record", record: inner }, optional: random.chance(25) });
    fields.push({
      name: "inners",
      type: listOf({ kind: "record", record: inner }, random, names),
      optional: random.chance(25),
    });
  }
  return { name, fields: random.shuffled(fields) };
}

/** Of few values or of so many that they are searched. */
function dataSet(name: string, random: Random): GeneratedSchema["data"][number] {
  let type = scalar(random);
  while (type.kind === "bool") type = scalar(random);
  const value = (): string =>
    type.kind === "cidr"
      ? JSON.stringify(random.pick(random.chance(80) ? NETWORKS : ADDRESSES).text)
      : literal(type, random).text;
  const values = random.times(random.pick([0, 1, 3, 12]), value);
  return { name, type, text: `set of ${typeText(type, false)} = [${values.join(", ")}]` };
}

/** Of few keys, of so many that they are searched, or of all members of an enum. */
function dataMap(name: string, random: Random): GeneratedSchema["maps"][number] {
  const [key, value] = [
    random.pick([STRING, STRING, INT, { kind: "enum", enum: random.pick(ENUMS) } as const]),
    scalar(random),
  ];
  const entries = new Map<ConstantValue["value"], string>();
  for (let i = random.pick([1, 2, 4, 20]); i > 0; i--) {
    const { value: constant, text } = literal(key, random);
    entries.set(constant.value, `${text}: ${literal(value, random).text}`);
  }
  const type = `map of ${typeText(key, false)} to ${typeText(value, false)}`;
  return { name, key, value, text: `${type} = {${[...entries.values()].join(", ")}}` };
}

function constant(name: string, random: Random): { name: string; value: ConstantValue; text: string } {
  const type = scalar(random);
  return { name, ...literal(type, random) };
}

function constantType(value: ConstantValue): Type {
  return value.kind === "enum" ? { kind: "enum", enum: value.enum } : { kind: value.kind };
}

/** A literal of a scalar type with its spelling. */
export function literal(type: Type, random: Random): { value: ConstantValue; text: string } {
  switch (type.kind) {
    case "string": {
      const value = random.pick(STRINGS);
      return { value: { kind: "string", value }, text: JSON.stringify(value) };
    }
    case "int": {
      const value = random.pick(INTS);
      return { value: { kind: "int", value }, text: String(value) };
    }
    case "float": {
      const text = random.pick(FLOATS);
      return { value: { kind: "float", value: Number(text) }, text };
    }
    case "bool": {
      const value = random.chance(50);
      return { value: { kind: "bool", value }, text: String(value) };
    }
    case "enum": {
      const value = random.pick(type.enum.members);
      return { value: { kind: "enum", enum: type.enum, value }, text: JSON.stringify(value) };
    }
    case "ip":
    case "cidr": {
      const { text } = random.pick(type.kind === "ip" ? ADDRESSES : NETWORKS);
      return { value: { kind: type.kind, value: text }, text: JSON.stringify(text) };
    }
    case "datetime": {
      const { text, ms } = random.pick(DATETIMES);
      return { value: { kind: "datetime", value: ms }, text: JSON.stringify(text) };
    }
    case "duration": {
      const { text, ms } = random.pick(DURATIONS);
      return { value: { kind: "duration", value: ms }, text };
    }
    default:
      throw new Error(`a ${type.kind} has no literal`);
  }
}

/** Two literals of an ordered type, of which the second does not come before the first. */
export function rangeOf(type: Type, random: Random): [string, string] {
  const ends = random.times(2, () => literal(type, random));
  const rank = ({ value }: { readonly value: ConstantValue }): number =>
    value.kind === "enum" ? value.enum.members.indexOf(value.value) : Number(value.value);
  const [a, b] = ends.map((end) => Buffer.from(String(end.value.value)));
  const swapped = type.kind === "string" ? Buffer.compare(a!, b!) > 0 : rank(ends[0]!) > rank(ends[1]!);
  return swapped ? [ends[1]!.text, ends[0]!.text] : [ends[0]!.text, ends[1]!.text];
}

function attribute(
  index: number,
  random: Random,
  names: Names,
  records: readonly RecordInfo[],
): GeneratedAttribute {
  const name = `${random.pick(NAME_ROOTS)}a${index}`;
  const base = {
    name,
    marking: random.pick(["claimed", "trusted", "trusted"] as const),
    optional: random.chance(30),
    verbatim: false,
    default: null,
  };
  const shape = random.below(10);
  if (shape < 4) {
    const element: Type = random.chance(65)
      ? { kind: "record", record: random.pick(records) }
      : scalar(random);
    const type = listOf(element, random, names);
    if (element.kind === "record" || random.chance(50))
      return { ...base, type, source: "body", argument: pointer(index, random) };
    return { ...base, type, ...textSource(index, random, base.marking) };
  }
  if (shape < 5)
    return {
      ...base,
      type: { kind: "record", record: random.pick(records) },
      source: "body",
      argument: pointer(index, random),
    };
  const type = scalar(random);
  const written = random.chance(20) ? literal(type, random).text : null;
  if (shape < 6 && (type.kind === "string" || type.kind === "int")) {
    return {
      ...base,
      type,
      source: "capture",
      argument: random.pick(["order_id", "item"]),
      default: written,
    };
  }
  if (random.chance(50))
    return { ...base, type, source: "body", argument: pointer(index, random), default: written };
  const source = textSource(index, random, base.marking);
  return {
    ...base,
    type,
    ...source,
    verbatim: source.source === "header" && random.chance(30),
    default: written,
  };
}

/** Each attribute has a member of its own, some of them below a common object. */
function pointer(index: number, random: Random): string {
  return random.chance(70) ? `/a${index}` : `/group/a~1${index}`;
}

function textSource(
  index: number,
  random: Random,
  marking: Attribute["marking"],
): { source: AttributeSource; argument: string; marking: Attribute["marking"] } {
  const source = random.pick(TEXT_SOURCES);
  const argument = source === "header" ? `x-a${index}` : `a${index}`;
  return { source, argument, marking: source === "extension" ? "verified" : marking };
}

function attributeText(a: GeneratedAttribute): string {
  const marking = a.marking === "verified" ? "" : `${a.marking} `;
  const verbatim = a.verbatim ? " verbatim" : "";
  const written = a.default === null ? "" : ` default ${a.default}`;
  return `  ${a.name}: ${typeText(a.type, a.optional)} ${marking}from ${a.source} ${JSON.stringify(a.argument)}${verbatim}${written}\n`;
}

function typeText(type: Type, optional: boolean): string {
  const mark = optional ? "?" : "";
  if (type.kind !== "list") return typeName(type) + mark;
  return `list of ${type.elementName === null ? "" : `${type.elementName}: `}${typeName(type.element)}${mark}`;
}
