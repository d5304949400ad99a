import { expect, test } from "vitest";
import { LoadError, ProxyWasmHost } from "./index.ts";
import { assembleWat, filterWat } from "./wat.ts";

const marker = `(func (export "proxy_abi_version_0_2_1"))`;
const memory = `(memory (export "memory") 1)`;
const allocator = `(func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 4096))`;
const base = marker + memory + allocator;

const refused: { name: string; parts: string; want: RegExp }[] = [
  { name: "no ABI marker", parts: memory + allocator, want: /missing or unknown Proxy-Wasm ABI version/ },
  {
    name: "the marker of an older ABI",
    parts: `(func (export "proxy_abi_version_0_1_0"))${memory}${allocator}`,
    want: /missing or unknown Proxy-Wasm ABI version/,
  },
  { name: "no allocator", parts: marker + memory, want: /missing malloc function/ },
  {
    name: "an allocator of the wrong type",
    parts: `${marker}${memory}(func (export "malloc") (param i64) (result i32) (i32.const 0))`,
    want: /bad function signature for: malloc/,
  },
  { name: "no exported memory", parts: marker + allocator + `(memory 1)`, want: /missing export: memory/ },
  {
    name: "an unknown import",
    parts: `(import "env" "abort" (func (param i32 i32 i32 i32)))${base}`,
    want: /missing import: env\.abort/,
  },
  {
    name: "an import that only ABI 0.1.0 has",
    parts: `(import "env" "proxy_clear_route_cache" (func (result i32)))${base}`,
    want: /missing import: env\.proxy_clear_route_cache/,
  },
  {
    name: "an import of the wrong type",
    parts: `(import "env" "proxy_log" (func (param i32) (result i32)))${base}`,
    want: /import type mismatch: env\.proxy_log/,
  },
  {
    name: "an imported global",
    parts: `(import "env" "g" (global i32))${base}`,
    want: /unsupported import: global/,
  },
  {
    name: "a callback of the wrong type",
    parts: `${base}(func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))`,
    want: /bad function signature for: proxy_on_request_headers/,
  },
  {
    name: "a trap in _initialize",
    parts: `${base}(func (export "_initialize") (unreachable))`,
    want: /trap in `_initialize`/,
  },
  {
    name: "a start section that calls the host",
    parts: `(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))${base}
      (func $main (drop (call $log (i32.const 2) (i32.const 0) (i32.const 0)))) (start $main)`,
    want: /failed to create new Wasm instance: .*proxy_log/,
  },
  {
    name: "_initialize calling more than proxy_log",
    parts: `(import "env" "proxy_get_log_level" (func $level (param i32) (result i32)))${base}
      (func (export "_initialize") (drop (call $level (i32.const 0))))`,
    want: /restricted_callback: proxy_get_log_level/,
  },
];

test.each(refused)("refuses $name", async ({ parts, want }) => {
  const load = ProxyWasmHost.load(assembleWat(`(module ${parts})`));
  await expect(load).rejects.toBeInstanceOf(LoadError);
  await expect(load).rejects.toThrow(want);
});

test("refuses bytes that are no WebAssembly", async () => {
  await expect(ProxyWasmHost.load(new Uint8Array([1, 2, 3]))).rejects.toThrow(/failed to load Wasm bytecode/);
});

test("reports every complaint at once", async () => {
  const load = ProxyWasmHost.load(assembleWat(`(module (import "env" "abort" (func)) ${memory})`));
  await expect(load).rejects.toThrow(/ABI version[\s\S]*env\.abort[\s\S]*malloc/);
});

const starts: { name: string; parts: string; want: string[] }[] = [
  { name: "_initialize", parts: `(func (export "_initialize") (call $ran (i32.const 65)))`, want: ["A"] },
  {
    name: "_initialize, then main",
    parts: `(func (export "_initialize") (call $ran (i32.const 65)))
      (func (export "main") (param i32 i32) (result i32) (call $ran (i32.const 66)) (i32.const 0))
      (func (export "_start") (call $ran (i32.const 67)))`,
    want: ["A", "B"],
  },
  {
    name: "_start when there is no _initialize",
    parts: `(func (export "_start") (call $ran (i32.const 67)))`,
    want: ["C"],
  },
];

test.each(starts)("runs $name once per VM", async ({ parts, want }) => {
  const wasm = filterWat(
    () => `(func $ran (param $letter i32)
      (i32.store8 (i32.const 8) (local.get $letter))
      (drop (call $proxy_log (i32.const 2) (i32.const 8) (i32.const 1)))) ${parts}`,
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  const ran = (worker: unknown) => host.logs.filter((log) => log.worker === worker).map((log) => log.message);
  expect([ran("base"), ran("canary"), ran(0)]).toEqual([want, want, want]);
});

test("prefers malloc to proxy_on_memory_allocate, and takes a module that imports its memory", async () => {
  const wasm = assembleWat(`(module
    (import "env" "memory" (memory 1))
    (import "env" "proxy_get_buffer_bytes" (func $get (param i32 i32 i32 i32 i32) (result i32)))
    (export "memory" (memory 0))
    ${marker}
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) (unreachable))
    (func (export "malloc") (param i32) (result i32) (i32.const 4096))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (i32.eqz (call $get (i32.const 7) (i32.const 0) (i32.const 9) (i32.const 0) (i32.const 4)))))`);
  const host = await ProxyWasmHost.load(wasm);
  expect(host.configure({ configuration: "ok" }).ok).toBe(true);
  expect(host.vm().memory.read(4096, 2)).toEqual(Uint8Array.of(0x6f, 0x6b));
});
