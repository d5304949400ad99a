import { expect, test } from "vitest";
import { ProxyWasmHost } from "./index.ts";
import { filterWat } from "./wat.ts";

test("a filter denies by header and lets others pass", async () => {
  const wasm = filterWat(
    `(data (i32.const 1024) "x-denied")
     (func (export "proxy_on_request_headers") (param $id i32) (param $count i32) (param $end i32) (result i32)
       (if (i32.eqz (call $value (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 0) (i32.const 4)))
         (then (drop (call $respond (i32.const 403) (i32.const 1024) (i32.const 8) (i32.load (i32.const 0)) (i32.load (i32.const 4)) (i32.const 0) (i32.const 0) (i32.const -1)))))
       (i32.const 0))`,
    `(import "env" "proxy_get_header_map_value" (func $value (param i32 i32 i32 i32 i32) (result i32)))
     (import "env" "proxy_send_local_response" (func $respond (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))`,
  );
  const host = await ProxyWasmHost.load(wasm);
  expect(host.configure().ok).toBe(true);
  expect(host.request({ headers: [[":path", "/"]] })).toMatchObject({
    kind: "continue",
    requestHeaders: [[":path", "/"]],
    hostCalls: { proxy_get_header_map_value: 1 },
  });
  expect(host.request({ headers: [["X-Denied", "why"]] })).toMatchObject({
    kind: "local-response",
    status: 403,
    bodyText: "why",
    details: "x-denied",
  });
});
