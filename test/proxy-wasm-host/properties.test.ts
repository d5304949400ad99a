import { expect, test } from "vitest";
import {
  double,
  encodePairs,
  failing,
  type HeaderLine,
  type PropertyBag,
  ProxyWasmHost,
  Status,
  toBytes,
  toText,
} from "./index.ts";
import { callback, deliveredTo, filterWat, into, notesOf } from "./wat.ts";

/** A filter that reads one property and notes the status. */
function reads(path: string): Uint8Array {
  return filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `(call $note (call $proxy_get_property ${text(path)} ${into})) (i32.const 0)`,
      ),
    "proxy_get_property",
  );
}

interface Read {
  readonly path: string;
  readonly properties?: PropertyBag;
  readonly headers?: HeaderLine[];
}

async function read({ path, properties = {}, headers = [] }: Read) {
  const host = await ProxyWasmHost.load(reads(path), { vmId: "vm" });
  host.configure({ name: "ipe", rootId: "root" });
  host.request({ headers, properties });
  const [status] = notesOf(host.vm());
  return { status, bytes: [...deliveredTo(host.vm()).bytes] };
}

const bytesOf = (value: string | Uint8Array) => [...toBytes(value)];
const claims = { jwt: { claims: { level: double(1.5), roles: ["a", "bc"], admin: true, name: "ann" } } };
const values: (Read & { name: string; want: number[] })[] = [
  { name: "a string", path: "s", properties: { s: "text" }, want: bytesOf("text") },
  { name: "bytes that are no UTF-8", path: "b", properties: { b: Uint8Array.of(255, 0) }, want: [255, 0] },
  { name: "an empty string", path: "s", properties: { s: "" }, want: [] },
  { name: "an integer", path: "n", properties: { n: 258n }, want: [2, 1, 0, 0, 0, 0, 0, 0] },
  {
    name: "a negative integer",
    path: "n",
    properties: { n: -2n },
    want: [254, 255, 255, 255, 255, 255, 255, 255],
  },
  { name: "a double", path: "n", properties: { n: double(1) }, want: [0, 0, 0, 0, 0, 0, 240, 63] },
  { name: "true", path: "t", properties: { t: true }, want: [1] },
  { name: "false", path: "t", properties: { t: false }, want: [0] },
  { name: "a nested value", path: "jwt\0claims\0name", properties: claims, want: bytesOf("ann") },
  { name: "a trailing NUL", path: "jwt\0claims\0name\0", properties: claims, want: bytesOf("ann") },
  { name: "an item of a list", path: "jwt\0claims\0roles\x001", properties: claims, want: bytesOf("bc") },
  {
    name: "a list, as pairs with empty values",
    path: "jwt\0claims\0roles",
    properties: claims,
    want: [
      ...encodePairs([
        [toBytes("a"), toBytes("")],
        [toBytes("bc"), toBytes("")],
      ]),
    ],
  },
  {
    name: "a map, as pairs of serialized values",
    path: "m",
    properties: { m: { t: true, n: 1n } },
    want: [
      ...encodePairs([
        [toBytes("t"), Uint8Array.of(1)],
        [toBytes("n"), Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)],
      ]),
    ],
  },
  { name: "the plugin's name", path: "plugin_name", want: bytesOf("ipe") },
  { name: "the plugin's root id", path: "plugin_root_id", want: bytesOf("root") },
  { name: "the VM id", path: "plugin_vm_id", want: bytesOf("vm") },
  {
    name: "all lines of a repeated header, joined by a comma",
    path: "request\0headers\0X-Role",
    headers: [
      ["x-role", "a"],
      ["x-other", ""],
      ["x-role", "b,c"],
    ],
    want: bytesOf("a,b,c"),
  },
  { name: "the path", path: "request\0path", headers: [[":path", "/a?b#c"]], want: bytesOf("/a?b#c") },
  {
    name: "the path without query",
    path: "request\0url_path",
    headers: [[":path", "/a?b#c"]],
    want: bytesOf("/a"),
  },
  { name: "the query", path: "request\0query", headers: [[":path", "/a?b=1?2"]], want: bytesOf("b=1?2") },
  { name: "the host", path: "request\0host", headers: [[":authority", "h:1"]], want: bytesOf("h:1") },
  {
    name: "the given value, though the headers say otherwise",
    path: "request\0host",
    headers: [[":authority", "h"]],
    properties: { request: { host: "given" } },
    want: bytesOf("given"),
  },
];

test.each(values)("$name", async ({ want, ...input }) => {
  expect(await read(input)).toEqual({ status: Status.Ok, bytes: want });
});

const failures: (Read & { name: string; want: number })[] = [
  { name: "an unknown property", path: "nothing", want: Status.NotFound },
  { name: "an absent member", path: "jwt\0claims\0email", properties: claims, want: Status.NotFound },
  { name: "a member of a string", path: "jwt\0claims\0name\0x", properties: claims, want: Status.NotFound },
  {
    name: "an item past the end",
    path: "jwt\0claims\0roles\x009",
    properties: claims,
    want: Status.NotFound,
  },
  { name: "no list index", path: "jwt\0claims\0roles\0a", properties: claims, want: Status.NotFound },
  { name: "a name every object has", path: "jwt\0constructor", properties: claims, want: Status.NotFound },
  { name: "a dotted path", path: "jwt.claims.name", properties: claims, want: Status.NotFound },
  { name: "an absent header", path: "request\0headers\0x", want: Status.NotFound },
  { name: "an empty path", path: "", want: Status.SerializationFailure },
  { name: "null", path: "n", properties: { n: null }, want: Status.SerializationFailure },
  {
    name: "below an injected failure",
    path: "jwt\0claims",
    properties: { jwt: failing(Status.InternalFailure) },
    want: Status.InternalFailure,
  },
];

test.each(failures)("$name: $want", async ({ want, ...input }) => {
  expect(await read(input)).toEqual({ status: want, bytes: [] });
});

test("types are lost: a double and eight characters arrive as the same bytes", async () => {
  const number = await read({ path: "v", properties: { v: double(1) } });
  const text = await read({ path: "v", properties: { v: Uint8Array.from(number.bytes) } });
  expect(text).toEqual(number);
});

test("a plain number is refused: integers and doubles differ in bytes", async () => {
  const properties = { n: 3 } as unknown as PropertyBag;
  await expect(read({ path: "n", properties })).rejects.toThrow(/write an integer as 3n/);
});

test("set_property is filter state for the test, and a property for the filter", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `(call $note (call $proxy_set_property ${text("ipe")} ${text("allow")}))
         (call $note (call $proxy_get_property ${text("ipe")} ${into})) (call $say)
         (call $note (call $proxy_set_property ${text("ipe")} ${text("deny")}))
         (call $note (call $proxy_get_property ${text("wasm.ipe")} ${into}))
         (call $note (call $proxy_get_property ${text("filter_state\0wasm.ipe")} ${into})) (call $say)
         (i32.const 0)`,
      ),
    "proxy_set_property",
    "proxy_get_property",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const report = host.request({ headers: [] });
  expect(notesOf(host.vm())).toEqual([Status.Ok, Status.Ok, Status.Ok, Status.NotFound, Status.Ok]);
  expect(report.logs.map((log) => log.message)).toEqual(["allow", "deny"]);
  expect([...report.filterState].map(([name, value]) => [name, toText(value)])).toEqual([
    ["wasm.ipe", "deny"],
  ]);
  expect(host.request({ headers: [] }).filterState).toEqual(report.filterState);
});

test("a root context has no stream to hold filter state", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_configure",
        `(call $note (call $proxy_set_property ${text("a")} ${text("b")})) (i32.const 1)`,
      ),
    "proxy_set_property",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  expect(notesOf(host.vm())).toEqual([Status.NotFound]);
});
