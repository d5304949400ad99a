import { expect, test } from "vitest";
import { LogLevel, ProxyWasmHost, Status } from "./index.ts";
import { callback, deliveredTo, filterWat, into, notesOf, u32At } from "./wat.ts";

test("counts the host calls of each request, by name", async () => {
  const wasm = filterWat(
    (text) => `
      ${callback("proxy_on_configure", "(drop (call $proxy_get_log_level (i32.const 8))) (i32.const 1)")}
      ${callback(
        "proxy_on_request_headers",
        `(drop (call $proxy_get_property ${text("a")} ${into})) (drop (call $proxy_get_property ${text("b")} ${into}))
         (i32.const 0)`,
      )}
      ${callback("proxy_on_log", "(call $say)")}`,
    "proxy_get_log_level",
    "proxy_get_property",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const want = { proxy_get_property: 2, proxy_log: 1 };
  expect(host.request({ headers: [] }).hostCalls).toEqual(want);
  expect(host.request({ headers: [] }).hostCalls).toEqual(want);
  expect(host.plugins[0]?.root()?.hostCalls).toEqual({ proxy_get_log_level: 1 });
});

test("messages below the log level are dropped, and the module can ask for the level", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `(call $note (call $proxy_log (i32.const 1) ${text("debug")}))
         (call $note (call $proxy_log (i32.const 3) ${text("warn")}))
         (call $note (call $proxy_log (i32.const 6) ${text("none")}))
         (call $note (call $proxy_get_log_level (i32.const 8)))
         (i32.const 0)`,
      ),
    "proxy_get_log_level",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const quiet = host.request({ headers: [] });
  expect(quiet.logs).toEqual([{ level: LogLevel.Warn, message: "warn", contextId: 2, worker: 0 }]);
  expect(u32At(host.vm(), 8)).toBe(LogLevel.Info);
  host.logLevel = LogLevel.Debug;
  const chatty = host.request({ headers: [] });
  expect(chatty.logs.map((log) => log.message)).toEqual(["debug", "warn"]);
  expect(u32At(host.vm(), 8)).toBe(LogLevel.Debug);
  expect(notesOf(host.vm()).slice(0, 4)).toEqual([0, 0, Status.BadArgument, 0]);
});

test("the clock is the test's", async () => {
  const wasm = filterWat(
    () =>
      callback(
        "proxy_on_request_headers",
        "(call $note (call $proxy_get_current_time_nanoseconds (i32.const 8))) (i32.const 0)",
      ),
    "proxy_get_current_time_nanoseconds",
  );
  const host = await ProxyWasmHost.load(wasm, { clock: () => 258n });
  host.configure();
  host.request({ headers: [] });
  expect(host.vm().memory.read(8, 8)).toEqual(Uint8Array.of(2, 1, 0, 0, 0, 0, 0, 0));
});

test("a capability that is not allowed: the call fails, the callback is silently not called", async () => {
  const wasm = filterWat(
    (text) => `
      ${callback(
        "proxy_on_request_headers",
        `(call $note (call $proxy_get_property ${text("plugin_name")} ${into})) (i32.const 0)`,
      )}
      ${callback("proxy_on_log", "(call $note (i32.const 99))")}`,
    "proxy_get_property",
  );
  const host = await ProxyWasmHost.load(wasm, { allowedCapabilities: ["proxy_on_request_headers"] });
  host.configure();
  host.request({ headers: [] });
  expect(notesOf(host.vm())).toEqual([Status.InternalFailure]);
});

test("calls to other services and to foreign functions link, and do nothing", async () => {
  const zeros = (count: number) => "(i32.const 0) ".repeat(count);
  const wasm = filterWat(
    () =>
      callback(
        "proxy_on_request_headers",
        `(call $note (call $proxy_http_call ${zeros(10)})) (call $note (call $proxy_grpc_call ${zeros(12)}))
         (call $note (call $proxy_resolve_shared_queue ${zeros(5)}))
         (call $note (call $proxy_call_foreign_function ${zeros(6)}))
         (call $note (call $proxy_get_status (i32.const 8) ${into}))
         (i32.const 0)`,
      ),
    "proxy_http_call",
    "proxy_grpc_call",
    "proxy_resolve_shared_queue",
    "proxy_call_foreign_function",
    "proxy_get_status",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  host.request({ headers: [] });
  expect(notesOf(host.vm())).toEqual([12, 12, 12, Status.NotFound, Status.Ok]);
});

test("exports and memory of the guest are within reach", async () => {
  const wasm = filterWat(
    () => `(func (export "answer") (result i32) (i32.store (i32.const 8) (i32.const 42)) (i32.const 42))`,
  );
  const host = await ProxyWasmHost.load(wasm);
  expect(() => host.vm()).toThrow(/nothing was configured/);
  host.configure();
  const answer = host.vm().exports.answer as () => number;
  expect(answer()).toBe(42);
  expect([u32At(host.vm(), 8), host.vm().memory.pages]).toEqual([42, 2]);
  expect(deliveredTo(host.vm()).pointer).toBe(0);
});

test("a module that exports no callback lets everything pass, uncalled", async () => {
  const host = await ProxyWasmHost.load(filterWat(() => ""));
  expect(host.configure().ok).toBe(true);
  expect(host.request({ headers: [["a", "1"]], body: ["x", "y"] })).toMatchObject({
    kind: "continue",
    requestHeaders: [["a", "1"]],
    requestBody: Uint8Array.of(0x78, 0x79),
    hostCalls: {},
  });
});
