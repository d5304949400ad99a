import { expect, test } from "vitest";
import { encodePairs, type HeaderLine, ProxyWasmHost, pairsCountMax, Status, toBytes } from "./index.ts";
import { callback, deliveredTo, filterWat, into, notesOf, type Text, u32At } from "./wat.ts";

const requestMap = "(i32.const 0)";
const responseMap = "(i32.const 2)";

async function runWith(wasm: Uint8Array, headers: HeaderLine[]) {
  const host = await ProxyWasmHost.load(wasm);
  expect(host.configure().ok).toBe(true);
  const report = host.request({ headers });
  return { host, report, notes: notesOf(host.vm()) };
}

function onHeaders(calls: (text: Text) => string): (text: Text) => string {
  return (text) => callback("proxy_on_request_headers", `${calls(text)} (i32.const 0)`);
}

test("a repeated header: the value is the first only, the pairs are all, in order, names lower-cased", async () => {
  const wasm = filterWat(
    onHeaders(
      (text) => `
        (call $note (call $proxy_get_header_map_value ${requestMap} ${text("X-Role")} ${into})) (call $say)
        (call $note (call $proxy_get_header_map_pairs ${requestMap} ${into}))`,
    ),
    "proxy_get_header_map_value",
    "proxy_get_header_map_pairs",
  );
  const headers: HeaderLine[] = [
    [":path", "/"],
    ["X-Role", "guest"],
    ["a", ""],
    ["x-role", "admin"],
  ];
  const { host, report, notes } = await runWith(wasm, headers);
  expect(notes).toEqual([Status.Ok, Status.Ok]);
  expect(report.logs.map((log) => log.message)).toEqual(["guest"]);
  expect(deliveredTo(host.vm()).bytes).toEqual(
    encodePairs(
      [
        [":path", "/"],
        ["x-role", "guest"],
        ["a", ""],
        ["x-role", "admin"],
      ].map(([name = "", value = ""]) => [toBytes(name), toBytes(value)]),
    ),
  );
});

test("the count given to the callback is lines, and the size of the map is bytes", async () => {
  const wasm = filterWat(
    onHeaders(
      () => `(call $note (local.get $a)) (call $note (local.get $b))
        (call $note (call $proxy_get_header_map_size ${requestMap} (i32.const 0)))`,
    ),
    "proxy_get_header_map_size",
  );
  const { host, notes } = await runWith(wasm, [
    ["a", "12"],
    ["a", "345"],
  ]);
  expect(notes).toEqual([2, 1, Status.Ok]);
  expect(u32At(host.vm(), 0)).toBe(1 + 2 + 1 + 3);
});

test("changes reach the upstream in order", async () => {
  const wasm = filterWat(
    onHeaders(
      (text) => `
        (call $note (call $proxy_add_header_map_value ${requestMap} ${text("X-New")} ${text("1")}))
        (call $note (call $proxy_add_header_map_value ${requestMap} ${text("x-new")} ${text("2")}))
        (call $note (call $proxy_replace_header_map_value ${requestMap} ${text("X-Twice")} ${text("one")}))
        (call $note (call $proxy_replace_header_map_value ${requestMap} ${text("x-made")} ${text("up")}))
        (call $note (call $proxy_remove_header_map_value ${requestMap} ${text("X-Secret")}))`,
    ),
    "proxy_add_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_remove_header_map_value",
  );
  const { report, notes } = await runWith(wasm, [
    ["x-secret", "a"],
    ["x-twice", "1"],
    ["x-last", ""],
    ["x-twice", "2"],
    ["x-secret", "b"],
  ]);
  expect(notes).toEqual([0, 0, 0, 0, 0]);
  expect(report.requestHeaders).toEqual([
    ["x-last", ""],
    ["x-new", "1"],
    ["x-new", "2"],
    ["x-twice", "one"],
    ["x-made", "up"],
  ]);
});

test("repeated lines of headers that Envoy keeps once are one value; pseudo-headers come first", async () => {
  const wasm = filterWat(
    onHeaders(
      (text) => `
        (call $note (call $proxy_get_header_map_value ${requestMap} ${text("authorization")} ${into})) (call $say)
        (call $note (call $proxy_add_header_map_value ${requestMap} ${text("Authorization")} ${text("c")}))
        (call $note (call $proxy_add_header_map_value ${requestMap} ${text("Authorization")} ${text("")}))
        (call $note (call $proxy_add_header_map_value ${requestMap} ${text("x-late")} ${text("1")}))
        (call $note (call $proxy_replace_header_map_value ${requestMap} ${text(":path")} ${text("/new")}))`,
    ),
    "proxy_get_header_map_value",
    "proxy_add_header_map_value",
    "proxy_replace_header_map_value",
  );
  const { report } = await runWith(wasm, [
    [":path", "/"],
    ["authorization", "a"],
    ["cookie", "a=1"],
    ["Authorization", "b"],
    ["cookie", "b=2"],
    [":authority", "host"],
  ]);
  expect(report.logs.map((log) => log.message)).toEqual(["a,b"]);
  expect(report.requestHeaders).toEqual([
    [":authority", "host"],
    [":path", "/new"],
    ["authorization", "a,b,c"],
    ["cookie", "a=1"],
    ["cookie", "b=2"],
    ["x-late", "1"],
  ]);
});

test("while logging, a map that is not there is NotFound", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_log",
        `(call $note (call $proxy_get_header_map_value (i32.const 1) ${text("a")} ${into}))
         (call $note (call $proxy_get_header_map_value ${responseMap} ${text("a")} ${into}))`,
      ),
    "proxy_get_header_map_value",
  );
  expect((await runWith(wasm, [["a", "1"]])).notes).toEqual([Status.NotFound, Status.NotFound]);
});

const bytesText = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const many = encodePairs(
  Array.from({ length: pairsCountMax + 1 }, () => [new Uint8Array(), new Uint8Array()]),
);
const lists: { name: string; sent: string; want: [string, string][] }[] = [
  { name: "a list", sent: bytesText(encodePairs([[toBytes("A"), toBytes("1")]])), want: [["a", "1"]] },
  { name: "an empty list", sent: "\0\0\0\0", want: [] },
  { name: "a malformed list, silently,", sent: "\x01\0\0\0\x01\0\0\0\x01\0\0\0a\x001", want: [] },
  { name: "a list of more than 1024 pairs, silently,", sent: bytesText(many), want: [] },
];

test.each(lists)("$name replaces the whole map", async ({ sent, want }) => {
  const wasm = filterWat(
    onHeaders((text) => `(call $note (call $proxy_set_header_map_pairs ${requestMap} ${text(sent)}))`),
    "proxy_set_header_map_pairs",
  );
  const { report, notes } = await runWith(wasm, [["x-old", "value"]]);
  expect(notes).toEqual([Status.Ok]);
  expect(report.requestHeaders).toEqual(want);
});

test("a map type that does not exist is BadArgument, and one not in its phase too", async () => {
  const value = (map: string, text: Text) =>
    `(call $note (call $proxy_get_header_map_value ${map} ${text("a")} ${into}))`;
  const wasm = filterWat(
    onHeaders(
      (text) => `${value("(i32.const 8)", text)} ${value(responseMap, text)} ${value("(i32.const 1)", text)}`,
    ),
    "proxy_get_header_map_value",
  );
  expect((await runWith(wasm, [["a", "1"]])).notes).toEqual([2, 2, 2]);
});

/** Every way to touch the request map, in each later phase, after the header callback answered `action`. */
function touching(action: number): Uint8Array {
  return filterWat(
    (text) => {
      const name = text("a");
      const touch = `
        (call $note (call $proxy_get_header_map_value ${requestMap} ${name} ${into}))
        (call $note (call $proxy_get_header_map_size ${requestMap} ${"(i32.const 8)"}))
        (call $note (call $proxy_add_header_map_value ${requestMap} ${name} ${name}))
        (call $note (call $proxy_replace_header_map_value ${requestMap} ${name} ${name}))
        (call $note (call $proxy_remove_header_map_value ${requestMap} ${name}))
        (call $note (call $proxy_set_header_map_pairs ${requestMap} (i32.const 0) (i32.const 0)))
        (call $note (call $proxy_get_header_map_pairs ${requestMap} ${into}))
        (call $note (i32.load (i32.const 4)))`;
      return `
        (func $touch ${touch})
        ${callback("proxy_on_request_headers", `(i32.const ${action})`)}
        ${callback("proxy_on_request_body", "(call $touch) (i32.const 0)")}
        ${callback("proxy_on_log", "(call $touch)")}
        ${callback("proxy_on_done", "(call $touch) (i32.const 1)")}`;
    },
    "proxy_get_header_map_value",
    "proxy_get_header_map_size",
    "proxy_add_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_set_header_map_pairs",
    "proxy_get_header_map_pairs",
  );
}

test("after Continue the request map is gone: pairs are Ok and empty, all else is BadArgument", async () => {
  const host = await ProxyWasmHost.load(touching(0));
  host.configure();
  const report = host.request({ headers: [["a", "1"]], body: "x" });
  const gone = [2, 2, 2, 2, 2, 2, 0, 0];
  // While logging, the map is readable (a count, two lengths, `a` and `1` with their NULs: 16 bytes) but not changed.
  const logged = [0, 2, 2, 2, 2, 2, 0, 16];
  expect(notesOf(host.vm())).toEqual([...gone, ...logged, ...gone]);
  expect(report.requestHeaders).toEqual([["a", "1"]]);
});

test("while the headers are held for the body, the request map lives", async () => {
  const host = await ProxyWasmHost.load(touching(1));
  host.configure({ allowOnHeadersStopIteration: true });
  const report = host.request({ headers: [["a", "1"]], body: "x" });
  expect(notesOf(host.vm()).slice(0, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(report).toMatchObject({ kind: "continue", requestHeaders: [] });
});

test("response headers are seen and changed in their own callback only", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_response_headers",
        `(call $note (call $proxy_get_header_map_value ${responseMap} ${text(":status")} ${into})) (call $say)
         (call $note (call $proxy_add_header_map_value ${responseMap} ${text("x-seen")} ${text("yes")}))
         (call $note (call $proxy_get_header_map_value ${requestMap} ${text("a")} ${into}))
         (i32.const 0)`,
      ),
    "proxy_get_header_map_value",
    "proxy_add_header_map_value",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const stream = host.openStream();
  stream.requestHeaders([["a", "1"]]);
  expect(stream.responseHeaders([[":status", "200"]])).toEqual([
    [":status", "200"],
    ["x-seen", "yes"],
  ]);
  stream.finish();
  expect(notesOf(host.vm())).toEqual([Status.Ok, Status.Ok, Status.BadArgument]);
  expect(host.logs.map((log) => log.message)).toEqual(["200"]);
});
