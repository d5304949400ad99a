import { expect, test } from "vitest";
import type { Callback } from "./abi.ts";
import { encodePairs, type HeaderLine, ProxyCrashError, ProxyWasmHost, toBytes } from "./index.ts";
import { callback, filterWat, notesOf, type Text } from "./wat.ts";

const headers: HeaderLine[] = [[":path", "/"]];
const pairs = (...lines: [string, string][]) =>
  Buffer.from(encodePairs(lines.map(([name, value]) => [toBytes(name), toBytes(value)]))).toString("latin1");

interface Respond {
  readonly status?: number;
  readonly details?: string;
  readonly body?: string;
  readonly headers?: string;
  readonly grpc?: number;
}

function respond(
  text: Text,
  { status = 403, details = "", body = "", headers = "", grpc = -1 }: Respond,
): string {
  return `(call $note (call $proxy_send_local_response (i32.const ${status}) ${text(details)} ${text(body)} ${text(headers)}
    (i32.const ${grpc})))`;
}

/** Notes a number for every callback that is called, so that the order shows. */
const order: Callback[] = [
  "proxy_on_context_create",
  "proxy_on_request_headers",
  "proxy_on_request_body",
  "proxy_on_response_headers",
  "proxy_on_done",
  "proxy_on_log",
  "proxy_on_delete",
];

function traced(text: Text, bodies: Partial<Record<Callback, (text: Text) => string>> = {}): string {
  const results: Partial<Record<Callback, number>> = { proxy_on_done: 1 };
  const written = order.map((name, index) => {
    const result = name.endsWith("create") || name.endsWith("log") || name.endsWith("delete");
    const value = result ? "" : `(i32.const ${results[name] ?? 0})`;
    return callback(name, `(call $note (i32.const ${100 + index})) ${bodies[name]?.(text) ?? ""} ${value}`);
  });
  return written.join("\n");
}

const callbacksOf = (notes: number[]) =>
  notes.filter((note) => note >= 100).map((note) => order[note - 100]?.slice(9));

async function configured(wasm: Uint8Array) {
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  return host;
}

const responses: { name: string; sent: Respond; want: object }[] = [
  {
    name: "all parts",
    sent: {
      status: 401,
      details: "no token\tgiven",
      body: "denied",
      headers: pairs(["WWW-Authenticate", "Bearer"], ["x-a", "1"]),
      grpc: 16,
    },
    want: {
      status: 401,
      details: "no_token_given",
      bodyText: "denied",
      headers: [
        ["www-authenticate", "Bearer"],
        ["x-a", "1"],
      ],
      grpcStatus: 16,
    },
  },
  { name: "no part", sent: {}, want: { status: 403, details: "", bodyText: "", headers: [] } },
  {
    name: "malformed headers, silently left out",
    sent: { headers: "\x01" },
    want: { status: 403, headers: [] },
  },
];

test.each(responses)("a local response with $name", async ({ sent, want }) => {
  const wasm = filterWat(
    (text) => callback("proxy_on_request_headers", `${respond(text, sent)} (i32.const 0)`),
    "proxy_send_local_response",
  );
  const host = await configured(wasm);
  const report = host.request({ headers });
  expect(report).toMatchObject({ kind: "local-response", origin: "filter", ...want });
  expect(notesOf(host.vm())).toEqual([0]);
});

test("-1 is no gRPC status", async () => {
  const wasm = filterWat(
    (text) => callback("proxy_on_request_headers", `${respond(text, { grpc: -1 })} (i32.const 0)`),
    "proxy_send_local_response",
  );
  expect((await configured(wasm)).request({ headers })).not.toHaveProperty("grpcStatus");
});

test("stops the request, whatever the callback answers: no body callback, then log, done, delete", async () => {
  const wasm = filterWat(
    (text) => traced(text, { proxy_on_request_headers: () => respond(text, { body: "first" }) }),
    "proxy_send_local_response",
  );
  const host = await configured(wasm);
  const report = host.request({ headers, body: ["a", "b"] });
  expect(report).toMatchObject({ kind: "local-response", bodyText: "first" });
  expect(callbacksOf(notesOf(host.vm())).slice(1)).toEqual([
    "context_create",
    "request_headers",
    "response_headers",
    "log",
    "done",
    "delete",
  ]);
});

test("the specification's order of the last callbacks is an option", async () => {
  const wasm = filterWat((text) => traced(text));
  const host = await ProxyWasmHost.load(wasm, { streamEndOrder: "specification" });
  host.configure();
  host.request({ headers });
  expect(callbacksOf(notesOf(host.vm())).slice(-3)).toEqual(["done", "log", "delete"]);
});

test("the first local response wins, and later changes of the request reach nobody", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `${respond(text, { status: 403, body: "first" })}
         (call $note (call $proxy_add_header_map_value (i32.const 0) ${text("x-late")} ${text("1")}))
         ${respond(text, { status: 200, body: "second" })}
         (i32.const 0)`,
      ),
    "proxy_send_local_response",
    "proxy_add_header_map_value",
  );
  const host = await configured(wasm);
  const report = host.request({ headers });
  expect(notesOf(host.vm())).toEqual([0, 0, 0]);
  expect(report).toMatchObject({ kind: "local-response", status: 403, bodyText: "first", headers: [] });
});

test("continuing after a local response does not send the request on", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `${respond(text, {})} (call $note (call $proxy_continue_stream (i32.const 0))) (i32.const 0)`,
      ),
    "proxy_send_local_response",
    "proxy_continue_stream",
  );
  expect((await configured(wasm)).request({ headers }).kind).toBe("local-response");
});

test("the response passes through the filter's own response callback", async () => {
  const wasm = filterWat(
    (text) => `
      ${callback("proxy_on_request_headers", `${respond(text, { headers: pairs(["x-a", "1"]) })} (i32.const 0)`)}
      ${callback(
        "proxy_on_response_headers",
        `(call $note (local.get $a))
         (call $note (call $proxy_add_header_map_value (i32.const 2) ${text("x-b")} ${text("2")})) (i32.const 0)`,
      )}`,
    "proxy_send_local_response",
    "proxy_add_header_map_value",
  );
  const host = await configured(wasm);
  expect(host.request({ headers })).toMatchObject({
    status: 403,
    headers: [
      ["x-a", "1"],
      ["x-b", "2"],
    ],
  });
  expect(notesOf(host.vm())).toEqual([0, 2, 0]);
});

test("works from the body callback", async () => {
  const wasm = filterWat(
    (text) => `
      ${callback("proxy_on_request_headers", "(i32.const 1)")}
      ${callback("proxy_on_request_body", `${respond(text, { status: 422 })} (i32.const 0)`)}`,
    "proxy_send_local_response",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure({ allowOnHeadersStopIteration: true });
  expect(host.request({ headers, body: ["a", "b"] })).toMatchObject({ kind: "local-response", status: 422 });
  expect(notesOf(host.vm())).toEqual([0]);
});

test("replaces the upstream's response, without a second response callback", async () => {
  const wasm = filterWat(
    (text) => callback("proxy_on_response_headers", `${respond(text, { status: 502 })} (i32.const 0)`),
    "proxy_send_local_response",
  );
  const host = await configured(wasm);
  const stream = host.openStream();
  stream.requestHeaders(headers);
  stream.responseHeaders([[":status", "200"]]);
  expect(stream.outcome).toMatchObject({ kind: "local-response", status: 502 });
  expect(notesOf(host.vm())).toEqual([0]);
  stream.finish();
});

test("one sent while the stream is created waits until the header callback had its turn, and wins", async () => {
  const wasm = filterWat(
    (text) =>
      traced(text, {
        proxy_on_context_create: () => `(if (local.get $a) (then ${respond(text, { status: 401 })}))`,
        proxy_on_request_headers: () => respond(text, { status: 402 }),
      }),
    "proxy_send_local_response",
  );
  const host = await configured(wasm);
  expect(host.request({ headers })).toMatchObject({
    kind: "local-response",
    status: 401,
    reachedUpstream: false,
  });
  expect(callbacksOf(notesOf(host.vm())).slice(1, 4)).toEqual([
    "context_create",
    "request_headers",
    "response_headers",
  ]);
});

test("after continuing the stream, the client is refused what the upstream already has", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `(drop (call $proxy_continue_stream (i32.const 0))) ${respond(text, {})} (i32.const 0)`,
      ),
    "proxy_send_local_response",
    "proxy_continue_stream",
  );
  const report = (await configured(wasm)).request({ headers });
  expect(report).toMatchObject({ kind: "local-response", status: 403, reachedUpstream: true });
});

const close = "(drop (call $proxy_close_stream (i32.const 0)))";
const crashes: { name: string; parts: (text: Text) => string }[] = [
  ...(["proxy_on_log", "proxy_on_delete"] as const).map((name) => ({
    name: `a local response from ${name}`,
    parts: (text: Text) => callback(name, respond(text, {})),
  })),
  {
    name: "a local response from proxy_on_done",
    parts: (text) => callback("proxy_on_done", `${respond(text, {})} (i32.const 1)`),
  },
  {
    name: "a close, then a local response",
    parts: (text) => callback("proxy_on_request_headers", `${close} ${respond(text, {})} (i32.const 0)`),
  },
  {
    name: "a local response, then a close",
    parts: (text) => callback("proxy_on_request_headers", `${respond(text, {})} ${close} (i32.const 0)`),
  },
  {
    name: "a close while the stream is created",
    parts: () => callback("proxy_on_context_create", `(if (local.get $a) (then ${close}))`),
  },
];

test.each(crashes)("$name crashes the proxy, and is thrown", async ({ parts }) => {
  const host = await configured(filterWat(parts, "proxy_send_local_response", "proxy_close_stream"));
  expect(() => host.request({ headers })).toThrow(ProxyCrashError);
});

test("close_stream resets the stream after the callback", async () => {
  const wasm = filterWat(
    () => `
      ${callback("proxy_on_request_headers", "(call $note (call $proxy_close_stream (i32.const 0))) (i32.const 0)")}
      ${callback("proxy_on_request_body", "(call $note (i32.const 99)) (i32.const 0)")}`,
    "proxy_close_stream",
  );
  const host = await configured(wasm);
  expect(host.request({ headers, body: "a" })).toMatchObject({ kind: "reset", details: "wasm_close_stream" });
  expect(notesOf(host.vm())).toEqual([0]);
});
