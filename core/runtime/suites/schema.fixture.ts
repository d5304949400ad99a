/** What the suites' code reads: attributes by name, all from a JSON body by their name, and one resource. */

export type Spec =
  | "string"
  | "int"
  | "float"
  | "bool"
  | "ip"
  | "cidr"
  | "datetime"
  | { readonly enum: keyof typeof ENUMS }
  | { readonly list: Spec }
  | { readonly record: Readonly<Record<string, Spec>> };

/** The resource of the suites: `POST /thing`. */
export const RESOURCE = "Thing";

export const ENUMS = {
  "resource.type": { ordered: false, members: [RESOURCE] },
  Colour: { ordered: false, members: ["red", "green", "blue"] },
  Risk: { ordered: true, members: ["low", "medium", "high"] },
} as const;

const COLOUR: Spec = { enum: "Colour" };
const RISK: Spec = { enum: "Risk" };
const PART: Spec = { record: { name: "string", cost: "int", at: "ip" } };
const ITEM: Spec = {
  record: {
    name: "string",
    cost: "int",
    ok: "bool",
    at: "ip",
    tags: { list: "string" },
    parts: { list: PART },
  },
};

/** In the order of their cells. */
export const ATTRIBUTES: Readonly<Record<string, Spec>> = {
  "resource.type": { enum: "resource.type" },
  text: "string",
  text2: "string",
  int: "int",
  int2: "int",
  float: "float",
  flag: "bool",
  flag2: "bool",
  colour: COLOUR,
  colour2: COLOUR,
  risk: RISK,
  risk2: RISK,
  ip: "ip",
  ip2: "ip",
  net: "cidr",
  net2: "cidr",
  texts: { list: "string" },
  ints: { list: "int" },
  floats: { list: "float" },
  flags: { list: "bool" },
  colours: { list: COLOUR },
  ips: { list: "ip" },
  nets: { list: "cidr" },
  home: { record: { street: "string", number: "int", parts: { list: PART } } },
  items: { list: ITEM },
  items2: { list: ITEM },
  when: "datetime",
};

/** A cell of a frame with the type of what it holds. */
export interface Place {
  readonly frame: number;
  readonly cell: number;
  readonly spec: Spec;
}

/** Cells of one value. */
export function widthOf(spec: Spec): number {
  return typeof spec === "object" && "record" in spec
    ? Object.values(spec.record).reduce((sum, field) => sum + widthOf(field), 1)
    : 1;
}

/** The first cell of an attribute and its type. */
export function attribute(name: string): Omit<Place, "frame"> {
  let cell = 0;
  for (const [other, spec] of Object.entries(ATTRIBUTES)) {
    if (other === name) return { cell, spec };
    cell += widthOf(spec);
  }
  throw new Error(`no attribute ${name}`);
}

/** A field of a record. */
export function fieldOf(spec: Spec, name: string): Omit<Place, "frame"> {
  if (typeof spec === "string" || !("record" in spec))
    throw new Error(`no field ${name} of ${JSON.stringify(spec)}`);
  let cell = 1;
  for (const [other, each] of Object.entries(spec.record)) {
    if (other === name) return { cell, spec: each };
    cell += widthOf(each);
  }
  throw new Error(`no field ${name}`);
}
