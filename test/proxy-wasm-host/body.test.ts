import { expect, test } from "vitest";
import { BodyAction, HeadersAction, type PluginConfig, ProxyWasmHost, toText } from "./index.ts";
import { callback, deliveredTo, filterWat, into, notesOf, u32At } from "./wat.ts";

interface Actions {
  readonly headers: number;
  /** While the stream has not ended, and once it has. */
  readonly body: number;
  readonly last?: number;
}

/** Answers the given actions and logs what each body callback sees. */
function bodyFilter({ headers, body, last = BodyAction.Continue }: Actions): Uint8Array {
  return filterWat(
    () => `
      ${callback("proxy_on_request_headers", `(i32.const ${headers})`)}
      ${callback(
        "proxy_on_request_body",
        `(call $note (local.get $a))
         (drop (call $proxy_get_buffer_bytes (i32.const 0) (i32.const 0) (local.get $a) ${into}))
         (call $say)
         (select (i32.const ${last}) (i32.const ${body}) (local.get $b))`,
      )}`,
    "proxy_get_buffer_bytes",
  );
}

const path: [string, string][] = [[":path", "/"]];
const { Continue, StopIteration, StopAllIterationAndBuffer, StopAllIterationAndWatermark } = HeadersAction;
const { StopIterationAndBuffer, StopIterationAndWatermark, StopIterationNoBuffer } = BodyAction;

interface Case {
  readonly name: string;
  readonly actions: Actions;
  readonly config?: PluginConfig;
  readonly body?: string[];
  readonly kind: string;
  readonly seen: string[];
  readonly sent?: string;
}
const waits = { allowOnHeadersStopIteration: true };
const cases: Case[] = [
  {
    name: "StopIteration without the flag",
    actions: { headers: StopIteration, body: StopIterationAndBuffer },
    body: ["a", "b"],
    kind: "hung",
    seen: [],
  },
  {
    name: "StopAllIterationAndBuffer, whatever the flag",
    actions: { headers: StopAllIterationAndBuffer, body: Continue },
    config: waits,
    body: ["a", "b"],
    kind: "hung",
    seen: [],
  },
  {
    name: "StopAllIterationAndWatermark, whatever the flag",
    actions: { headers: StopAllIterationAndWatermark, body: Continue },
    config: waits,
    body: ["a", "b"],
    kind: "hung",
    seen: [],
  },
  {
    name: "a number that is no action",
    actions: { headers: 5, body: Continue },
    config: waits,
    body: ["a"],
    kind: "hung",
    seen: [],
  },
  {
    name: "StopIteration with the flag, then the body is buffered and seen whole",
    actions: { headers: StopIteration, body: StopIterationAndBuffer },
    config: waits,
    body: ["a", "b", "c"],
    kind: "continue",
    seen: ["a", "ab", "abc"],
    sent: "abc",
  },
  {
    name: "StopIteration with the flag, and each chunk is seen once under a watermark",
    actions: { headers: StopIteration, body: StopIterationAndWatermark },
    config: waits,
    body: ["a", "b", "c"],
    kind: "continue",
    seen: ["a", "b", "c"],
    sent: "abc",
  },
  {
    name: "chunks that are not buffered are lost",
    actions: { headers: StopIteration, body: StopIterationNoBuffer },
    config: waits,
    body: ["a", "b", "c"],
    kind: "continue",
    seen: ["a", "b", "c"],
    sent: "c",
  },
  {
    name: "StopIteration with the flag, on a request without a body",
    actions: { headers: StopIteration, body: Continue },
    config: waits,
    kind: "hung",
    seen: [],
  },
  {
    name: "a filter that never lets the body go",
    actions: { headers: StopIteration, body: StopIterationAndBuffer, last: StopIterationAndBuffer },
    config: waits,
    body: ["a", "b"],
    kind: "hung",
    seen: ["a", "ab"],
  },
  {
    name: "Continue, and the body passes chunk by chunk",
    actions: { headers: Continue, body: Continue },
    body: ["a", "b"],
    kind: "continue",
    seen: ["a", "b"],
    sent: "ab",
  },
  {
    name: "2 is no action of the header callback any more, and continues",
    actions: { headers: 2, body: Continue },
    kind: "continue",
    seen: [],
    sent: "",
  },
];

test.each(cases)("$name: $kind", async ({ actions, config, body, kind, seen, sent }) => {
  const host = await ProxyWasmHost.load(bodyFilter(actions));
  host.configure(config);
  const report = host.request({ headers: path, ...(body ? { body } : {}) });
  expect(report.kind).toBe(kind);
  expect(report.logs.map((log) => log.message)).toEqual(seen);
  if (report.kind === "continue") expect(toText(report.requestBody)).toBe(sent);
});

const shapes: { name: string; body: string | Uint8Array | string[]; want: string[] }[] = [
  { name: "a string", body: "ab", want: ["ab"] },
  { name: "bytes", body: Uint8Array.of(0x61, 0x62), want: ["ab"] },
  { name: "chunks", body: ["a", "b"], want: ["a", "b"] },
  { name: "an empty last chunk", body: ["a", ""], want: ["a", ""] },
  { name: "nothing in it", body: "", want: [] },
];

test.each(shapes)("a body may be $name", async ({ body, want }) => {
  const host = await ProxyWasmHost.load(bodyFilter({ headers: Continue, body: Continue }));
  host.configure();
  expect(host.request({ headers: path, body }).logs.map((log) => log.message)).toEqual(want);
});

test("a filter without a body callback lets a held request go with its first chunk", async () => {
  const wasm = filterWat(() => callback("proxy_on_request_headers", "(i32.const 1)"));
  const host = await ProxyWasmHost.load(wasm);
  host.configure(waits);
  expect(host.request({ headers: path, body: "abc" })).toMatchObject({ kind: "continue" });
});

const ranges: { start: number; length: number; want: string }[] = [
  { start: 0, length: 3, want: "abc" },
  { start: 1, length: 3, want: "bcd" },
  { start: 4, length: 100, want: "ef" },
  { start: 0, length: -1, want: "abcdef" },
  { start: 6, length: 1, want: "" },
  { start: 100, length: 1, want: "" },
  { start: 2, length: 0, want: "" },
];

test.each(ranges)("get_buffer_bytes from $start, $length bytes: '$want'", async ({ start, length, want }) => {
  const wasm = filterWat(
    () =>
      callback(
        "proxy_on_request_body",
        `(i32.store (i32.const 0) (i32.const 77))
         (call $note (call $proxy_get_buffer_bytes (i32.const 0) (i32.const ${start}) (i32.const ${length}) ${into}))
         (call $note (call $proxy_get_buffer_status (i32.const 0) (i32.const 8) (i32.const 12)))
         (call $note (i32.load (i32.const 8)))
         (i32.const 0)`,
      ),
    "proxy_get_buffer_bytes",
    "proxy_get_buffer_status",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  host.request({ headers: path, body: "abcdef" });
  expect(notesOf(host.vm())).toEqual([0, 0, 6]);
  expect(toText(deliveredTo(host.vm()).bytes)).toBe(want);
  if (want === "") expect(u32At(host.vm(), 0)).toBe(0);
});

test("the body buffer is empty outside its callback, and a buffer that does not exist is BadArgument", async () => {
  const get = (type: number) =>
    `(call $note (call $proxy_get_buffer_bytes (i32.const ${type}) (i32.const 0) (i32.const 9) ${into}))`;
  const wasm = filterWat(
    () => callback("proxy_on_request_headers", `${get(0)} ${get(9)} ${get(7)} ${get(4)} (i32.const 0)`),
    "proxy_get_buffer_bytes",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure({ configuration: "secret" });
  host.request({ headers: path });
  expect(notesOf(host.vm())).toEqual([0, 2, 1, 1]);
});

const changes: { name: string; start: number; length: number; status: number; want: string }[] = [
  { name: "replaces all", start: 0, length: 6, status: 0, want: "NEW" },
  { name: "prepends", start: 0, length: 0, status: 0, want: "NEWabcdef" },
  { name: "replaces the front", start: 0, length: 2, status: 0, want: "NEWcdef" },
  { name: "appends", start: 6, length: 0, status: 0, want: "abcdefNEW" },
  { name: "cannot replace the middle", start: 2, length: 2, status: 2, want: "abcdef" },
];

test.each(changes)("set_buffer_bytes $name", async ({ start, length, status, want }) => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_body",
        `(call $note (call $proxy_set_buffer_bytes
           (i32.const 0) (i32.const ${start}) (i32.const ${length}) ${text("NEW")}))
         (i32.const 0)`,
      ),
    "proxy_set_buffer_bytes",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const report = host.request({ headers: path, body: "abcdef" });
  expect(notesOf(host.vm())).toEqual([status]);
  expect(report.kind === "continue" && toText(report.requestBody)).toBe(want);
});

const limits: { name: string; actions: Actions; body: string[]; kind: string; callbacks: number }[] = [
  {
    name: "as much as the buffer holds",
    actions: { headers: StopIteration, body: StopIterationAndBuffer },
    body: ["1234", "5678"],
    kind: "continue",
    callbacks: 2,
  },
  {
    name: "a chunk that makes the buffer too large, which the filter still sees",
    actions: { headers: StopIteration, body: StopIterationAndBuffer },
    body: ["1234", "56789", "more"],
    kind: "local-response",
    callbacks: 2,
  },
  {
    name: "a first chunk larger than the buffer, after the filter saw it",
    actions: { headers: StopIteration, body: StopIterationAndBuffer },
    body: ["123456789", "more"],
    kind: "local-response",
    callbacks: 1,
  },
  {
    name: "a body held since the header callback",
    actions: { headers: StopAllIterationAndBuffer, body: Continue },
    body: ["1234", "56789"],
    kind: "local-response",
    callbacks: 0,
  },
  {
    name: "a body under a watermark, which has no limit",
    actions: { headers: StopIteration, body: StopIterationAndWatermark },
    body: ["1234", "56789"],
    kind: "continue",
    callbacks: 2,
  },
];

test.each(limits)("buffer limit of 8 bytes, $name: $kind", async ({ actions, body, kind, callbacks }) => {
  const host = await ProxyWasmHost.load(bodyFilter(actions), { bufferBytesMax: 8 });
  host.configure(waits);
  const report = host.request({ headers: path, body });
  expect(report.kind).toBe(kind);
  expect(notesOf(host.vm())).toHaveLength(callbacks);
  if (report.kind !== "local-response") return;
  expect(report).toMatchObject({ status: 413, details: "request_payload_too_large", origin: "proxy" });
});

test("a held request is resumed by a tick, and its body is then seen", async () => {
  const wasm = filterWat(
    () => `
      (global $stream (mut i32) (i32.const 0))
      ${callback("proxy_on_configure", "(drop (call $proxy_set_tick_period_milliseconds (i32.const 10))) (i32.const 1)")}
      ${callback("proxy_on_request_headers", "(global.set $stream (local.get $id)) (i32.const 1)")}
      ${callback("proxy_on_request_body", "(call $note (local.get $a)) (i32.const 0)")}
      ${callback(
        "proxy_on_tick",
        `(call $note (call $proxy_set_effective_context (global.get $stream)))
         (call $note (call $proxy_continue_stream (i32.const 0)))
         (call $note (call $proxy_set_effective_context (i32.const 99)))`,
      )}`,
    "proxy_set_tick_period_milliseconds",
    "proxy_set_effective_context",
    "proxy_continue_stream",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const stream = host.openStream();
  stream.requestHeaders(path, false);
  stream.requestBody("ab");
  expect(stream.requestBody("cd", true).kind).toBe("hung");
  host.plugins[0]?.tick();
  expect(stream.outcome).toMatchObject({ kind: "continue", requestBody: Uint8Array.of(97, 98, 99, 100) });
  expect(notesOf(host.vm())).toEqual([0, 0, 2, 4]);
  stream.finish();
});

test("a body gone over the limit is a 413, though the filter answers it or traps", async () => {
  const answers = (then: string) =>
    filterWat(
      (text) => `
        ${callback("proxy_on_request_headers", "(i32.const 1)")}
        ${callback(
          "proxy_on_request_body",
          `(if (i32.gt_u (local.get $a) (i32.const 8)) (then
             (drop (call $proxy_send_local_response
               (i32.const 200) ${text("")} ${text("")} ${text("")} (i32.const -1))) ${then}))
           (i32.const 1)`,
        )}`,
      "proxy_send_local_response",
    );
  for (const then of ["", "(unreachable)"]) {
    const host = await ProxyWasmHost.load(answers(then), { bufferBytesMax: 8 });
    host.configure(waits);
    expect(host.request({ headers: path, body: ["1234", "56789"] })).toMatchObject({
      status: 413,
      origin: "proxy",
    });
    expect(host.vm().failed !== undefined).toBe(then !== "");
  }
});

/** Calls `proxy_continue_stream` in the header callback (`in` 0) or in the last body callback (1). */
const continuing: {
  name: string;
  in: 0 | 1;
  actions: Actions;
  body?: string[];
  kind: string;
  sent?: string;
}[] = [
  { name: "then stops all", in: 0, actions: { headers: 4, body: 0 }, kind: "continue", sent: "" },
  { name: "then stops all, with a body", in: 0, actions: { headers: 4, body: 0 }, body: ["a"], kind: "hung" },
  {
    name: "then waits for the body",
    in: 0,
    actions: { headers: 1, body: 0 },
    body: ["a"],
    kind: "continue",
    sent: "a",
  },
  {
    name: "then buffers",
    in: 1,
    actions: { headers: 1, body: 1, last: 1 },
    body: ["a", "b"],
    kind: "continue",
    sent: "ab",
  },
];

test.each(continuing)(
  "a filter that continues the stream, $name: $kind",
  async ({ actions, body, kind, sent, ...at }) => {
    const go = "(drop (call $proxy_continue_stream (i32.const 0)))";
    const wasm = filterWat(
      () => `
      ${callback("proxy_on_request_headers", `${at.in === 0 ? go : ""} (i32.const ${actions.headers})`)}
      ${callback(
        "proxy_on_request_body",
        `(if (i32.and (local.get $b) (i32.const ${at.in})) (then ${go}))
         (select (i32.const ${actions.last ?? 0}) (i32.const ${actions.body}) (local.get $b))`,
      )}`,
      "proxy_continue_stream",
    );
    const host = await ProxyWasmHost.load(wasm);
    host.configure(waits);
    const report = host.request({ headers: path, ...(body ? { body } : {}) });
    expect(report).toMatchObject({ kind, reachedUpstream: true });
    if (report.kind === "continue") expect(toText(report.requestBody)).toBe(sent);
  },
);

test("continuing a stream before its headers came changes nothing", async () => {
  const wasm = filterWat(
    () => `
      ${callback(
        "proxy_on_context_create",
        "(if (local.get $a) (then (call $note (call $proxy_continue_stream (i32.const 0)))))",
      )}
      ${callback("proxy_on_request_headers", "(i32.const 4)")}`,
    "proxy_continue_stream",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  expect(host.request({ headers: path })).toMatchObject({
    kind: "hung",
    reachedUpstream: false,
    requestHeaders: path,
  });
});
