/** What the built module is: small, without imports or exports that a proxy does not know, and without a managed runtime. */
import binaryen from "binaryen";
import { expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { readModuleShape } from "../proxy-wasm-host/module-shape.ts";

const BYTES_MAX = 73_728;

const filter = await buildFilter();
const debug = await buildFilter({ debug: true });

test("size", () => {
  expect(filter.length).toBeLessThan(BYTES_MAX);
});

test("a second build gives the same bytes", async () => {
  expect(Buffer.compare(await buildFilter(), filter)).toBe(0);
});

test("imports are the host calls that are used, and nothing else", () => {
  const { imports, exportsMemory } = readModuleShape(filter);
  expect(imports.map((item) => `${item.module}.${item.name}`).sort()).toEqual([
    "env.proxy_call_foreign_function",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_header_map_value",
    "env.proxy_get_property",
    "env.proxy_get_shared_data",
    "env.proxy_log",
    "env.proxy_remove_header_map_value",
    "env.proxy_replace_header_map_value",
    "env.proxy_send_local_response",
    "env.proxy_set_property",
    "env.proxy_set_shared_data",
  ]);
  expect(exportsMemory).toBe(true);
});

test("exports are the callbacks", () => {
  expect([...readModuleShape(filter).functions.keys()].sort()).toEqual([
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_vm_start",
  ]);
});

test("no function of a managed runtime is in it, and nothing can throw", () => {
  const names = functionNames(debug);
  // The names are there: else the next line would say nothing.
  expect(names).toContain("assembly/vm/interpreter/region");
  expect(
    names.filter((name) =>
      /__new|__renew|__alloc|__pin|__collect|~lib\/(rt\/(stub|tlsf|tcms|itcms)|error)|abort/.test(name),
    ),
  ).toEqual([]);
});

test("literals are no strings of AssemblyScript, so nothing calls their functions", () => {
  expect(functionNames(debug).filter((name) => /^~lib\/(util\/)?string\//.test(name))).toEqual([]);
});

test("what requests run reaches no allocation but the arena, and what is given back", () => {
  const calls = callGraph(debug);
  const reached = reach(calls, [
    "assembly/index/proxy_on_request_headers",
    "assembly/index/proxy_on_request_body",
    "assembly/index/proxy_on_request_trailers",
    "assembly/index/proxy_on_response_headers",
  ]);
  expect(reached).toContain("assembly/host/arena/allocate");
  expect(
    reached.filter((name) => name.includes("load-bundle/loadBundle") || name.includes("configureRoot")),
  ).toEqual([]);
  const allocators = [...calls]
    .filter(([, callees]) => callees.has("assembly/host/memory/allocateBlock"))
    .map(([name]) => name);
  expect(allocators.filter((name) => reached.includes(name))).toEqual([
    "assembly/host/arena/addChunk",
    "assembly/vm/search/searchWithTable",
    "assembly/filter/respond/keepResponseHeaders",
  ]);
});

function functionNames(wasm: Uint8Array): string[] {
  return [...callGraph(wasm).keys()];
}

/** By function: the functions it calls. */
function callGraph(wasm: Uint8Array): Map<string, Set<string>> {
  const module = binaryen.readBinary(wasm);
  const calls = new Map<string, Set<string>>();
  let current = "";
  for (const line of module.emitText().split("\n")) {
    const head = /^ \(func \$"?([^\s")]+)/.exec(line);
    if (head) {
      current = head[1]!;
      calls.set(current, new Set());
    }
    const call = /\(?\bcall \$"?([^\s")]+)/.exec(line);
    if (call) calls.get(current)?.add(call[1]!);
    // Every call is by name, so the graph is complete.
    expect(line).not.toMatch(/call_indirect|call_ref/);
  }
  module.dispose();
  return calls;
}

function reach(calls: ReadonlyMap<string, ReadonlySet<string>>, from: readonly string[]): string[] {
  const seen = new Set(from);
  for (const name of seen) for (const callee of calls.get(name) ?? []) seen.add(callee);
  return [...seen];
}
