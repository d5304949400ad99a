/** Whatever a client sends: loading ends, never throws, and keeps the promises that the machine behind it relies on. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BUILTINS, CELLS_MAX, LIST_ELEMENTS_MAX } from "../source/gen/facts.ts";
import { type SlotSpec, type TypeSpec, testProgram, testRequest, values } from "./fixtures.ts";
import { createSlotLoader } from "./load.ts";
import { type Body, type NeutralRequest, type Text, undelivered } from "./neutral.ts";
import { Slots } from "./slots.ts";

const scalars: TypeSpec[] = [
  "string",
  "int",
  "float",
  "bool",
  "ip",
  "cidr",
  "datetime",
  "duration",
  { enum: ["a", "b", "é"] },
];
const record: TypeSpec = { record: { a: "int", b: { list: "string" }, c: { record: { a: "bool" } } } };
const argumentsOf = {
  header: ["x-a", "cookie"],
  query: ["a", "b"],
  cookie: ["a", "b"],
  extension: ["a"],
  capture: ["a"],
  body: ["", "/a", "/b/0", "/a/b", "/c"],
};

const program = testProgram({
  slots: [
    ...BUILTINS.map(
      (builtin): SlotSpec => ({
        name: builtin.name,
        type: builtin.type === "enum" ? "resource" : builtin.type,
        source: "builtin",
      }),
    ),
    ...Object.entries(argumentsOf).flatMap(([source, names]) =>
      names.flatMap((argument) => {
        const lists: TypeSpec[] = source === "capture" ? [] : scalars.map((type) => ({ list: type }));
        const types = [...scalars, ...lists, ...(source === "body" ? [record, { list: record }] : [])];
        return types.map(
          (type, i): SlotSpec => ({
            name: `${source}.${argument}.${i}`,
            type,
            source: source as SlotSpec["source"],
            argument,
          }),
        );
      }),
    ),
  ],
  resources: { root: "/", a: "/a", any: "/{a}", ab: "GET /a/{a}", deep: "/{a}/b/{c}" },
  strings: ["1", "/a", "GET"],
});

const piece = fc.constantFrom(
  ...'ab1-.,;=&?%/:"\\[]{}+ \t\u0000\u007fé😀',
  "%2e",
  "%c3%a9",
  "%ff",
  "a=1",
  "true",
  "null",
  "10.0.0.1",
  "::1/128",
  "1e5",
  "2026-11-29T08:30:00.5+01:00",
  "1h30m",
  "\ud800",
  '"a":',
  '{"a":',
  "[1,",
  "//",
  "..",
  "/a/b/1",
);
const textual = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
const text: fc.Arbitrary<Text> = fc.oneof(
  textual,
  fc.uint8Array({ maxLength: 12 }),
  textual.map((each) => new TextEncoder().encode(each)),
);
const fact = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined | typeof undelivered> =>
  fc.oneof(
    { weight: 8, arbitrary: value },
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(undelivered) },
  );
const target = fc.oneof(
  text,
  fc
    .tuple(
      fc.constantFrom("/", "/a", "/a/", "/a/x", "/x/b/1", "/%61/é"),
      fc.constantFrom("", "?", "?a=1&b=2&a=3", "?a=%zz&b", "?b=%ff#"),
    )
    .map((parts) => parts.join("")),
);
const json = fc
  .jsonValue({ maxDepth: 4, depthSize: "small" })
  .map((value) => JSON.stringify({ a: { a: 1, b: value, c: value }, b: [value], c: value }));
const body: fc.Arbitrary<Body> = fc.oneof(
  fc.constantFrom<Body>({ kind: "empty" }, { kind: "undelivered" }),
  fc
    .tuple(
      fc.oneof(
        json,
        textual,
        json.map((each) => each.slice(1)),
      ),
      fc.boolean(),
    )
    .map(([each, isJson]): Body => ({ kind: "bytes", bytes: new TextEncoder().encode(each), json: isJson })),
  fc.uint8Array().map((bytes): Body => ({ kind: "bytes", bytes })),
);
const header = fc.record({
  name: fc.constantFrom(
    "x-a",
    "X-A",
    "cookie",
    "content-type",
    "content-encoding",
    "x-request-id",
    "other",
    "\u212a",
  ),
  value: fc.oneof(text, fc.constantFrom("application/json", "1", "a=1; b=2")),
});
const peer = fc.record({
  ip: fact(text),
  port: fact(fc.oneof(fc.nat(70000), fc.double())),
  principal: fact(text),
});

const request: fc.Arbitrary<NeutralRequest> = fc.record(
  {
    method: fact(fc.oneof(fc.constantFrom<Text>("GET", "POST"), text)),
    target: fact(target),
    host: fact(text),
    scheme: fact(text),
    protocol: fact(text),
    size: fact(fc.double()),
    time: fact(fc.double()),
    headers: fc.array(header, { maxLength: 6 }),
    headersJoined: fc.boolean(),
    body,
    source: peer,
    destination: peer,
    connection: fc.record({
      mtls: fact(fc.boolean()),
      requestedServerName: fact(text),
      tlsVersion: fact(text),
      subjectPeerCertificate: fact(text),
      uriSanPeerCertificate: fact(text),
      dnsSanPeerCertificate: fact(text),
      sha256PeerCertificateDigest: fact(text),
    }),
    extensions: fc.oneof(
      fc.constant(undelivered),
      fc.dictionary(fc.constantFrom("a", "b"), text).map((each) => new Map(Object.entries(each))),
    ),
    attributes: fc
      .dictionary(
        fc.constantFrom(...program.slots.map((slot) => slot.name), "unknown"),
        fc.anything({ maxDepth: 3 }),
        { maxKeys: 3 },
      )
      .map((each) => new Map(Object.entries(each))),
  },
  {
    requiredKeys: [
      "method",
      "target",
      "host",
      "scheme",
      "protocol",
      "size",
      "time",
      "headers",
      "headersJoined",
      "body",
      "source",
      "destination",
      "connection",
      "extensions",
    ],
  },
);

const loader = createSlotLoader(program);
const slots = new Slots(program.cellCount);

test("any request: every cell keeps its promises, and the same request gives the same facts", () => {
  fc.assert(
    fc.property(request, (each) => {
      loader.load(each, slots);
      // Reading the values checks encodings, ids, ranges and that records agree with their fields.
      const facts = values(program, slots);
      expect(slots.cells).toBeGreaterThanOrEqual(program.cellCount);
      const flags = [loader.methodInvalid, loader.pathInvalid, loader.hostInvalid];
      const fresh = new Slots(program.cellCount);
      const other = createSlotLoader(program);
      other.load(each, fresh);
      expect(values(program, fresh)).toEqual(facts);
      expect([other.methodInvalid, other.pathInvalid, other.hostInvalid]).toEqual(flags);
    }),
    { numRuns: 500 },
  );
});

test("a client cannot make a body cost more than its limits", () => {
  const lists = `[${Array.from({ length: LIST_ELEMENTS_MAX }, () => '{"b":["x"],"c":{}}').join()}]`;
  const nodes = "[" + "[],".repeat(87000) + "[]]";
  const names = `{${Array.from({ length: 20000 }, (_, i) => `"${i}":0`).join()}}`;
  for (const each of [
    lists,
    nodes,
    names,
    `{"a":${names}}`,
    '"' + "\\u0061".repeat(43000) + '"',
    '{"c":' + lists + "}",
  ]) {
    loader.load(
      testRequest({ body: { kind: "bytes", bytes: new TextEncoder().encode(each), json: true } }),
      slots,
    );
    expect(slots.cells).toBeLessThanOrEqual(program.cellCount + CELLS_MAX);
  }
});
