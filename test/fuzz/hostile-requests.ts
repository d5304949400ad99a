/** Requests that no policy expects, for programs that no compiler made. */
import type { Program, Resource, Shape, SourceKind } from "../../core/bytecode/program.ts";
import { type Body, type NeutralRequest, undelivered } from "../../core/request/neutral.ts";
import type { Random } from "../differential/random.ts";

const NO_PEER = { ip: undefined, port: undefined, principal: undefined };
const NOTHING: NeutralRequest = {
  method: undefined,
  target: undefined,
  host: undefined,
  scheme: undefined,
  protocol: undefined,
  size: undefined,
  time: undefined,
  headers: [],
  headersJoined: false,
  body: { kind: "empty" },
  source: NO_PEER,
  destination: NO_PEER,
  connection: {
    mtls: undefined,
    requestedServerName: undefined,
    tlsVersion: undefined,
    subjectPeerCertificate: undefined,
    uriSanPeerCertificate: undefined,
    dnsSanPeerCertificate: undefined,
    sha256PeerCertificateDigest: undefined,
  },
  extensions: new Map(),
};
const UNKNOWABLE_PEER = { ip: undelivered, port: undelivered, principal: undelivered } as const;
const UNKNOWABLE: NeutralRequest = {
  ...NOTHING,
  method: undelivered,
  target: undelivered,
  host: undelivered,
  size: undelivered,
  time: undelivered,
  body: { kind: "undelivered" },
  source: UNKNOWABLE_PEER,
  destination: UNKNOWABLE_PEER,
  extensions: undelivered,
};
const BODIES = [
  '{"environment":"production","risk_level":"high","approvals":[{"role":"senior-engineer","department":"a"},null,7,{}]}',
  "[[[[[[[[",
  `[${"null,".repeat(300)}1]`,
  "1e999",
  '"\\ud800"',
  "",
];
const SCALARS: readonly unknown[] = [
  "",
  "production",
  "high",
  "10.0.0.1",
  "10.0.0.0/8",
  "é",
  0,
  1,
  -1,
  2.5,
  2 ** 53,
  true,
  false,
  null,
  [],
  {},
];
const ELEMENTS_MAX = 4;
/** Texts of a program that its requests are made of. */
const TEXTS_MAX = 50;
const DEPTH_MAX = 6;

/** A handful for one program: nothing, nothing known, ordinary, garbage, and three made for its slots and resources. */
export function hostileRequests(program: Program, random: Random): NeutralRequest[] {
  const ordinary: NeutralRequest = {
    ...NOTHING,
    method: "POST",
    target: random.pick(["/deployments", "/orders/7?amount=1&amount=2", "/", "/orders/%zz"]),
    host: "example.org:443",
    headers: program.slots
      .filter((slot) => slot.source === "header")
      .map((slot) => ({ name: slot.argument, value: "1, 2" })),
    body: json(random.pick(BODIES)),
    source: { ip: "10.0.0.1", port: 1, principal: "spiffe://a/b" },
  };
  const garbage = {
    ...ordinary,
    method: Uint8Array.of(0xff),
    host: "..",
    headersJoined: true,
    size: Number.NaN,
  };
  return [
    NOTHING,
    UNKNOWABLE,
    ordinary,
    garbage,
    ...random.times(3, () => fitting(ordinary, program, random)),
  ];
}

function json(text: string): Body {
  return { kind: "bytes", bytes: new TextEncoder().encode(text), json: true };
}

/** Every slot gets a value of its type, or now and then any value; the path is that of some resource. */
function fitting(ordinary: NeutralRequest, program: Program, random: Random): NeutralRequest {
  const texts = (source: SourceKind): [string, string][] =>
    program.slots
      .filter((slot) => slot.source === source)
      .map((slot) => [slot.argument, textOf(someValue(slot.shape, program, random, 0))]);
  const cookies = texts("cookie").map(([name, value]) => `${name}=${value}`);
  const headers = [...texts("header"), ["cookie", cookies.join("; ")] as const];
  const resource = random.pick([...program.resources, null]);
  const query = texts("query").map((pair) => pair.map(encodeURIComponent).join("="));
  return {
    ...ordinary,
    method: resource?.method ?? "POST",
    target: `${pathOf(resource, program, random)}?${query.join("&")}`,
    headers: headers.map(([name, value]) => ({ name, value })),
    body: json(bodyOf(program, random)),
    extensions: new Map(texts("extension")),
  };
}

function someStrings({ strings }: Program): string[] {
  return Array.from({ length: Math.min(TEXTS_MAX, strings.length) }, (_, i) => strings.at(i));
}

function pathOf(resource: Resource | null, program: Program, random: Random): string {
  if (resource === null) return "/";
  const segment = ({ kind, text }: Resource["segments"][number]): string =>
    kind === "literal" ? text : random.pick(["7", "a b", ...someStrings(program)]);
  const segments = resource.segments.flatMap((s) =>
    s.kind === "rest" ? random.times(random.below(4), () => segment(s)) : segment(s),
  );
  return `/${segments.map((text) => encodeURIComponent(text)).join("/")}`;
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.map(textOf).join(",") : String(value);
}

/** A JSON text with a value at the place of each slot from the body; of two that exclude each other the later. */
function bodyOf(program: Program, random: Random): string {
  const whole = new Map<string, unknown>();
  for (const slot of program.slots.filter((s) => s.source === "body")) {
    const value = someValue(slot.shape, program, random, 0);
    if (slot.argument === "") return JSON.stringify(value);
    const tokens = slot.argument
      .slice(1)
      .split("/")
      .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
    let at = whole;
    for (const token of tokens.slice(0, -1)) {
      const next = at.get(token);
      const inner: Map<string, unknown> = next instanceof Map ? next : new Map();
      at.set(token, inner);
      at = inner;
    }
    at.set(tokens.at(-1)!, value);
  }
  return JSON.stringify(whole, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value));
}

function someValue(shape: Shape, program: Program, random: Random, depth: number): unknown {
  if (depth > DEPTH_MAX || random.chance(15)) return random.pick(SCALARS);
  switch (shape.type) {
    case "string":
      return random.pick([...someStrings(program), ""]);
    case "int":
      return random.below(5);
    case "float":
      return random.pick([0.5, -1, ...program.numbers.slice(0, 10)]);
    case "bool":
      return random.chance(50);
    case "enum": {
      const { members } = program.enums[shape.enumIndex]!;
      return members.length === 0 ? "" : program.strings.at(random.pick(members));
    }
    case "ip":
      return random.pick(["10.0.0.1", "2001:db8::1"]);
    case "datetime":
      return random.pick(["2026-11-29T08:30:00Z", "1970-01-01T00:00:00.001+01:00"]);
    case "duration":
      return random.pick(["1h30m", "5ms"]);
    case "cidr":
      return random.pick(["10.0.0.0/8", "2001:db8::/32"]);
    case "list":
      return Array.from({ length: random.below(ELEMENTS_MAX) }, () =>
        someValue(shape.element!, program, random, depth + 1),
      );
    case "record":
      return Object.fromEntries(
        shape.fields.map((field) => [field.name, someValue(field.shape, program, random, depth + 1)]),
      );
  }
}
