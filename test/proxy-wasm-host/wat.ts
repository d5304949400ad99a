import binaryen from "binaryen";

/** For the tests of this folder: a module from WebAssembly text. */
export function assembleWat(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

/**
 * A module with what every filter needs: ABI marker, memory, and an allocator that hands out memory from 4096 on and
 * never takes it back. Scratch: addresses below 1024; texts of the test may go to 1024 and up.
 */
export function filterWat(parts: string, imports = ""): Uint8Array {
  return assembleWat(`(module
    ${imports}
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 4096))
    (func (export "proxy_abi_version_0_2_1"))
    (func $allocate (export "proxy_on_memory_allocate") (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    ${parts})`);
}
