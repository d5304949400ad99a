import { expect, test } from "vitest";
import { type HeaderLine, ProxyWasmHost } from "./index.ts";
import { callback, filterWat, into, notesOf } from "./wat.ts";

const headers: HeaderLine[] = [[":path", "/"]];

/** Keeps the last configuration per root id in the log, and says which root a stream belongs to and what ends when. */
const filter = filterWat(
  (text) => `
    (func $line (param $letter i32) (param $id i32)
      (i32.store8 (i32.const 8) (local.get $letter))
      (i32.store8 (i32.const 9) (i32.add (i32.const 48) (local.get $id)))
      (drop (call $proxy_log (i32.const 2) (i32.const 8) (i32.const 2))))
    ${callback("proxy_on_context_create", "(call $line (i32.const 67) (local.get $id))")}
    ${callback("proxy_on_vm_start", "(call $line (i32.const 83) (local.get $id)) (i32.const 1)")}
    ${callback(
      "proxy_on_configure",
      `(drop (call $proxy_get_buffer_bytes (i32.const 7) (i32.const 0) (local.get $a) ${into}))
       (call $say)
       (i32.ne (i32.load8_u (i32.load (i32.const 0))) (i32.const 33))`,
    )}
    ${callback("proxy_on_done", "(call $line (i32.const 68) (local.get $id)) (i32.const 1)")}
    ${callback("proxy_on_delete", "(call $line (i32.const 88) (local.get $id))")}
    ${callback(
      "proxy_on_request_headers",
      `(drop (call $proxy_get_property ${text("plugin_root_id")} ${into})) (call $say) (i32.const 0)`,
    )}`,
  "proxy_get_buffer_bytes",
  "proxy_get_property",
);

/** What a worker's VM logged: C create, S vm start, D done, X delete, each with the context's id. */
const said = (host: ProxyWasmHost, worker: unknown = 0) =>
  host.logs.filter((log) => log.worker === worker).map((log) => log.message);

test("a canary VM tries the configuration first, then every worker starts a root of its own", async () => {
  const host = await ProxyWasmHost.load(filter, { workers: 2 });
  const result = host.configure({ configuration: "one" });
  expect(result.ok).toBe(true);
  expect(result.logs).toEqual(host.logs);
  const start = ["C1", "S1", "one"];
  expect([said(host, "canary"), said(host, 0), said(host, 1)]).toEqual([start, start, start]);
  expect(host.vm(0)).not.toBe(host.vm(1));
});

test("a configuration the module refuses is rejected by the canary, and no worker sees it", async () => {
  const host = await ProxyWasmHost.load(filter);
  const result = host.configure({ configuration: "!bad" });
  expect(result.ok).toBe(false);
  expect(result.logs.map((log) => [log.worker, log.message])).toEqual([
    ["canary", "C1"],
    ["canary", "S1"],
    ["canary", "!bad"],
  ]);
  expect(() => host.request({ headers })).toThrow(/call `configure` first/);
});

test("several plugins share the VM of a worker, each with its own root", async () => {
  const host = await ProxyWasmHost.load(filter);
  host.configure({ rootId: "a", configuration: "one" });
  host.configure({ rootId: "b", configuration: "two" });
  const [first, second] = host.plugins;
  expect(first?.root()?.vm).toBe(second?.root()?.vm);
  expect([first?.root()?.id, second?.root()?.id]).toEqual([1, 2]);
  first?.request({ headers });
  second?.request({ headers });
  host.request({ headers });
  expect(said(host)).toEqual([
    ...["C1", "S1", "one", "C2", "S2", "two"],
    ...["C3", "a", "D3", "X3", "C4", "b", "D4", "X4", "C5", "a", "D5", "X5"],
  ]);
});

test("plugins with another VM configuration have another VM", async () => {
  const host = await ProxyWasmHost.load(filter);
  host.configure({ rootId: "a", vmConfig: "x" });
  host.configure({ rootId: "b", vmConfig: "y" });
  host.configure({ rootId: "c", vmConfig: "x" });
  const [a, b, c] = host.plugins.map((plugin) => plugin.root()?.vm);
  expect(a).not.toBe(b);
  expect(a).toBe(c);
});

test("two plugins with the same configuration in every part share one root", async () => {
  const host = await ProxyWasmHost.load(filter);
  host.configure({ rootId: "a", configuration: "one" });
  host.configure({ rootId: "a", configuration: "one" });
  const [first, second] = host.plugins;
  expect(first?.root()).toBe(second?.root());
  first?.remove();
  expect(said(host)).not.toContain("X1");
  second?.remove();
  expect(said(host).slice(-2)).toEqual(["D1", "X1"]);
});

test("an update serves new streams by a second root while the first finishes its own", async () => {
  const host = await ProxyWasmHost.load(filter);
  host.configure({ rootId: "old", configuration: "one" });
  const stream = host.openStream();
  const oldRoot = host.plugins[0]?.root();
  expect(host.update({ rootId: "new", configuration: "two" }).ok).toBe(true);
  expect(host.plugins[0]?.root()?.vm).toBe(oldRoot?.vm);
  expect([...host.vm().contexts.keys()]).toEqual([1, 2, 3]);

  host.request({ headers });
  stream.requestHeaders(headers);
  expect(said(host).filter((line) => line.length > 2)).toEqual(["one", "two", "new", "old"]);
  expect(said(host)).not.toContain("D1");
  stream.finish();
  expect(said(host).slice(-4)).toEqual(["D2", "X2", "D1", "X1"]);
  expect([...host.vm().contexts.keys()]).toEqual([3]);
});

test("a refused update leaves what was serving", async () => {
  const host = await ProxyWasmHost.load(filter);
  host.configure({ rootId: "old", configuration: "one" });
  const before = host.plugins[0]?.root();
  expect(host.update({ configuration: "!bad" }).ok).toBe(false);
  expect(host.plugins[0]?.root()).toBe(before);
  expect(host.request({ headers })).toMatchObject({ kind: "continue" });
  expect(host.update({ configuration: "three" }).ok).toBe(true);
  expect(said(host).slice(-2)).toEqual(["D1", "X1"]);
});

test("an update to the same configuration keeps its root", async () => {
  const host = await ProxyWasmHost.load(filter);
  host.configure({ configuration: "one" });
  const before = host.plugins[0]?.root();
  host.update({ configuration: "one" });
  expect(host.plugins[0]?.root()).toBe(before);
  expect(said(host)).toEqual(["C1", "S1", "one"]);
});

test("the VM is dropped with its last plugin", async () => {
  const host = await ProxyWasmHost.load(filter);
  host.configure({ configuration: "one" });
  const first = host.vm();
  host.plugins[0]?.remove();
  host.configure({ configuration: "one" });
  expect(host.vm()).not.toBe(first);
});

test("the configuration is readable while configuring and on creation at start, and not later", async () => {
  const wasm = filterWat(
    () => `
      (func $try (call $note (call $proxy_get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 9) ${into})))
      ${callback("proxy_on_context_create", "(call $try)")}
      ${callback("proxy_on_vm_start", "(call $try) (i32.const 1)")}
      ${callback("proxy_on_configure", "(call $try) (call $note (local.get $a)) (i32.const 1)")}
      ${callback("proxy_on_request_headers", "(call $try) (i32.const 0)")}`,
    "proxy_get_buffer_bytes",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure({ configuration: Uint8Array.of(0, 255, 33) });
  host.request({ headers });
  expect(notesOf(host.vm())).toEqual([0, 1, 0, 3, 1, 1]);
});

test("the VM configuration is given to vm_start and readable everywhere", async () => {
  const wasm = filterWat(
    () => `
      ${callback(
        "proxy_on_vm_start",
        `(drop (call $proxy_get_buffer_bytes (i32.const 6) (i32.const 0) (local.get $a) ${into})) (call $say)
         (i32.ne (local.get $a) (i32.const 0))`,
      )}`,
    "proxy_get_buffer_bytes",
  );
  const host = await ProxyWasmHost.load(wasm, { vmConfig: "default" });
  expect(host.configure({ vmConfig: "" }).ok).toBe(false);
  expect(host.configure().ok).toBe(true);
  expect(host.configure({ vmConfig: "mine" }).ok).toBe(true);
  expect(said(host)).toEqual(["default", "mine"]);
});

test("a root that is not done yet is deleted when it says so", async () => {
  const wasm = filterWat(
    () => `
      ${callback(
        "proxy_on_configure",
        `(drop (call $proxy_set_tick_period_milliseconds (i32.const 1))) (i32.const 1)`,
      )}
      ${callback("proxy_on_done", "(call $note (local.get $id)) (i32.const 0)")}
      ${callback("proxy_on_tick", "(call $note (call $proxy_done)) (call $note (call $proxy_done))")}
      ${callback("proxy_on_delete", "(call $note (i32.const 99))")}`,
    "proxy_set_tick_period_milliseconds",
    "proxy_done",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const root = host.plugins[0]?.root();
  host.plugins[0]?.remove();
  expect(notesOf(host.vm())).toEqual([1]);
  root?.tick();
  expect(notesOf(host.vm())).toEqual([1, 0, 1, 99]);
});
