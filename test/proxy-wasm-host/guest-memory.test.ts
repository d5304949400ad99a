import { expect, test } from "vitest";
import { failAllocation, failHostCall, ProxyWasmHost, Status, toBytes } from "./index.ts";
import {
  allocationsOf,
  assembleWat,
  callback,
  deliveredTo,
  filterWat,
  importWat,
  into,
  notesOf,
  u32At,
} from "./wat.ts";

/** Reads one header per request into the module and notes the status. */
const readsHeader = filterWat(
  (text) => `
    ${callback(
      "proxy_on_request_headers",
      `(i32.store (i32.const 0) (i32.const 77)) (i32.store (i32.const 4) (i32.const 77))
       (call $note (call $proxy_get_header_map_value (i32.const 0) ${text("x-user")} ${into}))
       (i32.const 0)`,
    )}`,
  "proxy_get_header_map_value",
);

async function configured(wasm: Uint8Array) {
  const host = await ProxyWasmHost.load(wasm);
  expect(host.configure().ok).toBe(true);
  return host;
}

test("asks the module's allocator for every buffer it hands over", async () => {
  const host = await configured(readsHeader);
  host.request({ headers: [["x-user", "alice"]] });
  const first = deliveredTo(host.vm());
  host.request({ headers: [["x-user", "bob"]] });
  const second = deliveredTo(host.vm());
  expect(first).toEqual({ pointer: 8192, bytes: toBytes("alice") });
  expect(second).toEqual({ pointer: 8192 + 5, bytes: toBytes("bob") });
  expect(allocationsOf(host.vm())).toBe(2);
});

test("an empty result is pointer 0 and size 0, and the allocator is not asked", async () => {
  const host = await configured(readsHeader);
  host.request({ headers: [["x-user", ""]] });
  expect([u32At(host.vm(), 0), u32At(host.vm(), 4)]).toEqual([0, 0]);
  expect([notesOf(host.vm()), allocationsOf(host.vm())]).toEqual([[Status.Ok], 0]);
});

test("an absent value leaves the module's variables alone", async () => {
  const host = await configured(readsHeader);
  host.request({ headers: [] });
  expect([u32At(host.vm(), 0), u32At(host.vm(), 4)]).toEqual([77, 77]);
  expect(notesOf(host.vm())).toEqual([Status.NotFound]);
});

test("a failed allocation is InvalidMemoryAccess, without a trap", async () => {
  const host = await configured(readsHeader);
  host.injectFaults(failAllocation(2));
  for (const user of ["alice", "bob", "carol"]) host.request({ headers: [["x-user", user]] });
  expect(notesOf(host.vm())).toEqual([Status.Ok, Status.InvalidMemoryAccess, Status.Ok]);
  expect(allocationsOf(host.vm())).toBe(2);
  expect(host.vm().failed).toBeUndefined();
});

test("a host call can be made to fail by its ordinal or by its name", async () => {
  const host = await configured(readsHeader);
  host.injectFaults(failHostCall(2, Status.InternalFailure));
  for (const user of ["alice", "bob"]) host.request({ headers: [["x-user", user]] });
  host.injectFaults({
    hostCall: (at) => (at.hostCall === "proxy_get_header_map_value" ? Status.Empty : undefined),
  });
  const report = host.request({ headers: [["x-user", "carol"]] });
  expect(notesOf(host.vm())).toEqual([Status.Ok, Status.InternalFailure, Status.Empty]);
  expect(report.hostCalls).toEqual({ proxy_get_header_map_value: 1 });
});

const outside: { name: string; call: string }[] = [
  {
    name: "a name outside memory",
    call: `(call $proxy_get_header_map_value (i32.const 0) (i32.const 131070) (i32.const 8) ${into})`,
  },
  {
    name: "a negative name pointer",
    call: `(call $proxy_get_header_map_value (i32.const 0) (i32.const -1) (i32.const 8) ${into})`,
  },
  {
    name: "a result pointer outside memory",
    call: `(call $proxy_get_header_map_value (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 131070) (i32.const 4))`,
  },
  {
    name: "a result size outside memory",
    call: `(call $proxy_get_header_map_value (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 0) (i32.const -4))`,
  },
];

test.each(outside)("$name is InvalidMemoryAccess", async ({ call }) => {
  const wasm = filterWat(
    () => `(data (i32.const 512) "x")
      ${callback("proxy_on_request_headers", `(call $note ${call}) (i32.const 0)`)}`,
    "proxy_get_header_map_value",
  );
  const host = await configured(wasm);
  expect(host.request({ headers: [["x", "value"]] }).kind).toBe("continue");
  expect(notesOf(host.vm())).toEqual([Status.InvalidMemoryAccess]);
});

test("a call to the host from inside the allocator traps, but for proxy_log", async () => {
  const wasm = assembleWat(`(module
    ${importWat("proxy_log")} ${importWat("proxy_get_log_level")} ${importWat("proxy_get_buffer_bytes")}
    (memory (export "memory") 1)
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32)
      (drop (call $proxy_log (i32.const 4) (i32.const 0) (i32.const 0)))
      (drop (call $proxy_get_log_level (i32.const 0)))
      (i32.const 4096))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (drop (call $proxy_get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 9) ${into}))
      (i32.const 1)))`);
  const host = await ProxyWasmHost.load(wasm);
  expect(host.configure({ configuration: "x" }).ok).toBe(true);
  expect(host.logs).toHaveLength(2);
  expect(host.vm().failed?.during).toBe("malloc");
  expect(host.vm().failed?.error.message).toMatch(/restricted_callback: proxy_get_log_level/);
});
