import { describe, expect, test } from "vitest";
import type { Slot } from "../bytecode/program.ts";
import { compile } from "../compile.ts";
import { createEngine } from "../runtime/engine.ts";
import { factIn, type Json } from "./facts.ts";
import { parseNeutralRequest } from "./json-form.ts";
import { createSlotLoader } from "./load.ts";
import { type NeutralRequest, undelivered } from "./neutral.ts";
import { Slots } from "./slots.ts";
import { withAttribute, withFact } from "./with-fact.ts";

const TEXT = `enum Risk: low < high
type Part:
  name: string
  sizes: list of size: int
resource Order: GET "/orders/{order}"
resource Item: PUT "/orders/{order}/items/{item}"
attributes
  header:  string trusted from header "x-header"
  headers: list of h: int trusted from header "x-headers"
  cookie:  string claimed from cookie "c"
  cookies: list of k: string claimed from cookie "cs"
  query:   string claimed from query "q"
  queries: list of qs: string claimed from query "qs"
  order:   string claimed from capture "order"
  item:    int    claimed from capture "item"
  member:  float  claimed from body "/a/b~1c/0"
  part:    Part   claimed from body "/part"
  risk:    Risk   claimed from body "/risk"
  route:   bool   from extension "route"
  routes:  list of r: string from extension "routes"
  until:   datetime claimed from header "x-until"
  wait:    duration claimed from body "/wait"
policy P:
  requires header == "" and headers.count == 1 and cookie == "" and cookies.count == 1 and query == "" and queries.count == 1
    and order == "" and item == 1 and member == 1 and part.name == "" and part.sizes.count == 1 and risk == "low" and route
    and routes.count == 1 and request.method == "" and request.path == "" and request.query == "" and request.host == ""
    and request.scheme == "" and request.protocol == "" and request.size == 1 and request.id == "" and source.ip == "::"
    and destination.port == 1 and source.principal == "" and connection.mtls and connection.tls_version == ""
    and resource.type == "Order" and until > "2026-01-01T00:00:00Z" and wait > 1s and request.time > until and connection.subject_peer_certificate == ""
`;

const compiled = compile([{ name: "p.ipe", text: TEXT }]);
if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
const made = createEngine(compiled.bundle);
if (!made.ok) throw new Error(made.error);
const { program } = made.engine;
const loader = createSlotLoader(program);

function slotOf(name: string): Slot {
  return program.slots.find((slot) => slot.name === name)!;
}

function factOf(request: NeutralRequest, name: string): unknown {
  const slots = new Slots(program.cellCount);
  loader.load(request, slots);
  const fact = factIn(slots, slotOf(name), program);
  return fact.state === "present" ? fact.value : fact.state;
}

function requestOf(form: object): NeutralRequest {
  const parsed = parseNeutralRequest(form);
  if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
  return parsed.request;
}

const FULL = {
  request: {
    method: "PUT",
    path: "/orders/a%20b/items/3/?q=1&qs=a&x=y&qs=b",
    host: "h",
    headers: { "x-header": ["1", "2"], cookie: "c=1; d=2; cs=3", "content-type": "text/plain" },
    body: '{"a":{"z":1}}',
  },
};

describe.each([
  ["on an empty request", {}],
  ["on a full one", FULL],
])("%s", (_name, form) => {
  test.each<[string, Json]>([
    ["header", "a, b"],
    ["headers", [1, 2]],
    ["cookie", "x=y"],
    ["cookies", ["a", "b"]],
    ["query", "a&b=c +%é"],
    ["queries", ["a", "", "b"]],
    ["member", 1.5],
    ["part", { name: "n", sizes: [1, 2] }],
    ["risk", "high"],
    ["until", "2026-11-29T08:30:00.250Z"],
    ["wait", "-1h30m5ms"],
    ["request.time", "2026-11-29T08:30:00Z"],
    ["route", true],
    ["routes", ["a", "b"]],
    ["request.method", "PATCH"],
    ["request.path", "/a/b"],
    ["request.query", "a=b"],
    ["request.host", "example.com"],
    ["request.scheme", "https"],
    ["request.protocol", "HTTP/2"],
    ["request.size", 12],
    ["request.id", "7"],
    ["source.ip", "10.0.0.1"],
    ["source.principal", "spiffe://a"],
    ["destination.port", 443],
    ["connection.mtls", true],
    ["connection.tls_version", "TLSv1.3"],
    ["connection.subject_peer_certificate", "CN=a"],
    ["resource.type", "Order"],
    ["resource.type", "Item"],
    ["resource.type", ""],
  ])("%s becomes %j", (name, value) => {
    const changed = withFact(requestOf(form), slotOf(name), value, program);
    expect(factOf(changed!, name)).toEqual(value);
  });

  test.each([
    "header",
    "headers",
    "cookie",
    "query",
    "queries",
    "member",
    "part",
    "route",
    "request.host",
    "source.ip",
  ])("%s is left out", (name) => {
    const slot = slotOf(name);
    const filled = withFact(
      requestOf(form),
      slot,
      name === "part" ? { name: "n" } : name === "route" ? true : 1,
      program,
    );
    expect(factOf(withFact(filled!, slot, undefined, program)!, name)).toBe("absent");
  });
});

test("what stands beside the fact stays", () => {
  let request = requestOf(FULL);
  request = withFact(request, slotOf("cookie"), "9", program)!;
  request = withFact(request, slotOf("query"), "9", program)!;
  request = withFact(request, slotOf("item"), 4, program)!;
  expect(factOf(request, "cookies")).toEqual(["3"]);
  expect(factOf(request, "queries")).toEqual(["a", "b"]);
  expect(factOf(request, "order")).toBe("a b");
  expect(request.target).toBe("/orders/a%20b/items/4?qs=a&x=y&qs=b&q=9");
  request = withFact(request, slotOf("risk"), "low", program)!;
  request = withFact(request, slotOf("member"), 2, program)!;
  expect(factOf(request, "risk")).toBe("low");
  expect(factOf(request, "header")).toBe("invalid");
});

test("a capture needs a resource that has it, and a resource takes the captures along", () => {
  expect(withFact(requestOf({}), slotOf("item"), 1, program)).toBeNull();
  expect(withFact(requestOf({}), slotOf("item"), undefined, program)).not.toBeNull();
  expect(withFact(requestOf(FULL), slotOf("item"), undefined, program)).toBeNull();
  const order = withFact(requestOf(FULL), slotOf("resource.type"), "Order", program)!;
  expect([order.method, order.target]).toEqual(["GET", "/orders/a%20b?q=1&qs=a&x=y&qs=b"]);
  expect(withFact(requestOf({}), slotOf("resource.type"), "Nothing", program)).toBeNull();
});

test("facts that nobody delivered are delivered", () => {
  const request: NeutralRequest = {
    ...requestOf({}),
    headers: undelivered,
    target: undelivered,
    method: undelivered,
    extensions: undelivered,
    body: { kind: "undelivered" },
  };
  for (const [name, value] of [
    ["header", "a"],
    ["query", "a"],
    ["route", true],
    ["member", 1],
    ["resource.type", "Order"],
  ] as const)
    expect(factOf(withFact(request, slotOf(name), value, program)!, name)).toBe(value);
});

test("an attribute that is set directly is set again", () => {
  const request = requestOf({ attributes: { member: 1 } });
  expect(withFact(request, slotOf("member"), 2, program)!.attributes).toEqual(new Map([["member", 2]]));
  expect(factOf(withAttribute(request, slotOf("header"), "a\nb"), "header")).toBe("a\nb");
  expect(factOf(withAttribute(request, slotOf("header"), undefined), "header")).toBe("absent");
});

test("a body that is nested without end is not followed", () => {
  const deep = requestOf({ request: { body: `{"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}` } });
  const changed = withFact(deep, slotOf("member"), 1, program);
  expect(changed === null || factOf(changed, "member") === 1 || factOf(changed, "member") === "invalid").toBe(
    true,
  );
});

test("invalid parts of a value stay invalid", () => {
  const request = requestOf({
    request: { body: { part: { name: 1, sizes: [1, "x", null] }, a: { "b/c": [2] } } },
  });
  const value = factOf(request, "part");
  expect(value).toEqual({ name: [], sizes: [1, null, null] });
  expect(factOf(withFact(request, slotOf("part"), value as Json, program)!, "part")).toEqual(value);
  expect(factOf(request, "member")).toBe(2);
});
