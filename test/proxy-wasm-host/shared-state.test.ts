import { expect, test } from "vitest";
import {
  type HostOptions,
  MetricStore,
  ProxyWasmHost,
  SharedData,
  Status,
  toBytes,
  toText,
} from "./index.ts";
import { callback, deliveredTo, filterWat, into, notesOf, u32At } from "./wat.ts";

async function run(wasm: Uint8Array, options: HostOptions = {}) {
  const host = await ProxyWasmHost.load(wasm, options);
  host.configure();
  const report = host.request({ headers: [["a", "1"]] });
  return { host, report, notes: notesOf(host.vm()) };
}

test("shared data is compared and swapped by its cas number", async () => {
  const wasm = filterWat(
    (text) => {
      const key = text("key");
      const get = `(call $note (call $proxy_get_shared_data ${key} ${into} (i32.const 8)))`;
      const set = (value: string, cas: string) =>
        `(call $note (call $proxy_set_shared_data ${key} ${text(value)} ${cas}))`;
      return callback(
        "proxy_on_request_headers",
        `${get}
         ${set("one", "(i32.const 7)")} ${get} (call $say)
         ${set("two", "(i32.load (i32.const 8))")}
         ${set("lost", "(i32.load (i32.const 8))")}
         ${set("three", "(i32.const 0)")} ${get}
         (i32.const 0)`,
      );
    },
    "proxy_get_shared_data",
    "proxy_set_shared_data",
  );
  const { host, report, notes } = await run(wasm, { vmId: "vm" });
  expect(notes).toEqual([
    ...[Status.NotFound, Status.Ok, Status.Ok],
    ...[Status.Ok, Status.CasMismatch, Status.Ok, Status.Ok],
  ]);
  expect(report.logs.map((log) => log.message)).toEqual(["one"]);
  expect(toText(deliveredTo(host.vm()).bytes)).toBe("three");
  expect(u32At(host.vm(), 8)).toBe(host.sharedData.get("vm", "key")?.cas);
  expect(host.sharedData.get("other", "key")).toBeUndefined();
});

test("hosts given the same store share by VM id", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `(call $note (call $proxy_get_shared_data ${text("key")} ${into} (i32.const 8))) (i32.const 0)`,
      ),
    "proxy_get_shared_data",
  );
  const sharedData = new SharedData();
  sharedData.set("", "key", toBytes("value"), 0);
  expect((await run(wasm, { sharedData })).notes).toEqual([Status.Ok]);
  expect((await run(wasm, { sharedData, vmId: "mine" })).notes).toEqual([Status.NotFound]);
});

test("metrics count, are set and are recorded, by ids of this VM", async () => {
  const define = (type: number, name: string) =>
    `(call $note (call $proxy_define_metric (i32.const ${type}) ${name} (i32.const ${8 + 4 * type})))`;
  const id = (type: number) => `(i32.load (i32.const ${8 + 4 * type}))`;
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `${define(0, text("hits"))} ${define(1, text("level"))} ${define(2, text("time"))} ${define(3, text("none"))}
         (call $note (call $proxy_increment_metric ${id(0)} (i64.const 2)))
         (call $note (call $proxy_record_metric ${id(0)} (i64.const 3)))
         (call $note (call $proxy_increment_metric ${id(0)} (i64.const 0)))
         (call $note (call $proxy_increment_metric ${id(1)} (i64.const 5)))
         (call $note (call $proxy_increment_metric ${id(1)} (i64.const -2)))
         (call $note (call $proxy_record_metric ${id(2)} (i64.const -1)))
         (call $note (call $proxy_increment_metric ${id(2)} (i64.const 1)))
         (call $note (call $proxy_get_metric ${id(0)} (i32.const 32)))
         (call $note (call $proxy_get_metric ${id(2)} (i32.const 40)))
         (call $note (call $proxy_increment_metric (i32.const 4000) (i64.const 1)))
         (i32.const 0)`,
      ),
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_record_metric",
    "proxy_get_metric",
  );
  const metrics = new MetricStore();
  const { host, notes } = await run(wasm, { metrics });
  expect(notes).toEqual([0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 2, 0, 2, 1]);
  expect(metrics.counters).toEqual(new Map([["hits", 5n]]));
  expect(metrics.gauges).toEqual(new Map([["level", 3n]]));
  expect(metrics.histograms).toEqual(new Map([["time", [2n ** 64n - 1n]]]));
  expect(u32At(host.vm(), 32)).toBe(5);
  host.request({ headers: [] });
  expect(metrics.counters.get("hits")).toBe(10n);
});
