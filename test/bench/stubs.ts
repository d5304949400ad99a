/** Wasm filters without a policy: what Envoy's host for them costs, whatever a filter does. */
import binaryen from "binaryen";

/**
 * - `nothing`: one callback, which lets the request go on.
 * - `calls`: the callbacks and calls of our filter on an allowed request (contexts made and deleted, all headers read, a
 *   note of `noteBytes` bytes left for the access log), and nothing else.
 */
export function stubFilter(kind: "nothing" | "calls", noteBytes = 230): Uint8Array {
  const calls = kind === "calls";
  const module = binaryen.parseText(`(module
    ${
      calls
        ? `(import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
           (import "env" "proxy_set_property" (func $note (param i32 i32 i32 i32) (result i32)))
           (func (export "proxy_on_context_create") (param i32 i32))
           (func (export "proxy_on_delete") (param i32))`
        : ""
    }
    (memory (export "memory") 2)
    (data (i32.const 64) "ipe")
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 4096))
    (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
    (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      ${
        calls
          ? `(drop (call $pairs (i32.const 0) (i32.const 0) (i32.const 4)))
             (drop (call $note (i32.const 64) (i32.const 3) (i32.const 128) (i32.const ${noteBytes})))`
          : ""
      }
      (i32.const 0)))`);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}
