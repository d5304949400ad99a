/** Requests that no policy expects, for programs that no compiler made. */
import type { Program, Shape } from "../../core/bytecode/program.ts";
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
const DEPTH_MAX = 6;

/** A handful for one program: nothing, nothing known, ordinary, garbage, and two with values of all its slots' types. */
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
  const garbage: NeutralRequest = {
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
    withValues(ordinary, program, random),
    withValues(ordinary, program, random),
  ];
}

function json(text: string): Body {
  return { kind: "bytes", bytes: new TextEncoder().encode(text), json: true };
}

/** Every declared slot gets a value of its type, or now and then any value. */
function withValues(request: NeutralRequest, program: Program, random: Random): NeutralRequest {
  const declared = program.slots.filter((slot) => slot.source !== "builtin");
  const attributes = new Map(declared.map((slot) => [slot.name, someValue(slot.shape, program, random, 0)]));
  return { ...request, body: { kind: "empty" }, attributes };
}

function someValue(shape: Shape, program: Program, random: Random, depth: number): unknown {
  if (depth > DEPTH_MAX || random.chance(15)) return random.pick(SCALARS);
  switch (shape.type) {
    case "string":
      return random.pick([...program.strings.slice(0, 50), ""]);
    case "int":
      return random.below(5);
    case "float":
      return random.pick([0.5, -1, ...program.numbers.slice(0, 10)]);
    case "bool":
      return random.chance(50);
    case "enum": {
      const { members } = program.enums[shape.enumIndex]!;
      return members.length === 0 ? "" : program.strings[random.pick(members)];
    }
    case "ip":
      return random.pick(["10.0.0.1", "2001:db8::1"]);
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
