/**
 * For the tests of this folder: filters written as WebAssembly text.
 *
 *     filterWat((text) => callback("proxy_on_request_headers", `
 *       (call $note (call $proxy_get_header_map_value (i32.const 0) ${text("x-user")} ${into}))
 *       (i32.const 0)`), "proxy_get_header_map_value")
 */
import binaryen from "binaryen";
import { type Callback, callbackTypes, functionType, type HostFunction, hostFunctionTypes } from "./abi.ts";
import type { Status } from "./status.ts";
import type { Vm } from "./vm.ts";

export function assembleWat(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

/** Places a text in memory; answers its address and size as two operands. */
export type Text = (text: string) => string;

/** Operands: where a host call is to write the pointer and the size of what it delivers. */
export const into = "(i32.const 0) (i32.const 4)";

/**
 * A module with what every filter needs: ABI marker, memory, and an allocator that hands out memory from 8192 on and
 * never takes it back, counted in the exported global `allocations`. The parts may call the host functions listed,
 * `$note` (keeps an i32 for `notesOf`) and `$say` (logs what the last host call delivered `into`).
 */
export function filterWat(parts: (text: Text) => string, ...hostFunctions: HostFunction[]): Uint8Array {
  const data: string[] = [];
  let next = 1024;
  const text: Text = (value) => {
    const size = Buffer.byteLength(value);
    const escaped = [...Buffer.from(value)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`);
    data.push(`(data (i32.const ${next}) "${escaped.join("")}")`);
    next += size;
    return `(i32.const ${next - size}) (i32.const ${size})`;
  };
  const written = parts(text);
  const imports = new Set<HostFunction>(["proxy_log", ...hostFunctions]);
  return assembleWat(`(module
    ${[...imports].map(importWat).join("\n")}
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 8192))
    (global $noted (mut i32) (i32.const 0))
    (global $allocations (export "allocations") (mut i32) (i32.const 0))
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
      (local $at i32)
      (global.set $allocations (i32.add (global.get $allocations) (i32.const 1)))
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    (func $note (param $value i32)
      (global.set $noted (i32.add (global.get $noted) (i32.const 1)))
      (i32.store (i32.const 252) (global.get $noted))
      (i32.store (i32.add (i32.const 252) (i32.mul (global.get $noted) (i32.const 4))) (local.get $value)))
    (func $say (drop (call $proxy_log (i32.const 2) (i32.load (i32.const 0)) (i32.load (i32.const 4)))))
    ${data.join("\n")}
    ${written})`);
}

/** An exported callback. Its parameters are `$id`, `$a`, `$b`, `$c`, `$d`. */
export function callback(name: Callback, body: string): string {
  const { parameters, results } = functionType(callbackTypes[name]);
  const names = ["id", "a", "b", "c", "d"];
  const declared = parameters.map((type, at) => `(param $${names[at]} ${type})`);
  return `(func (export "${name}") ${[...declared, ...results.map((type) => `(result ${type})`)].join(" ")} ${body})`;
}

export function importWat(name: HostFunction): string {
  const { parameters, results } = functionType(hostFunctionTypes[name]);
  return `(import "env" "${name}" (func $${name} (param ${parameters.join(" ")}) (result ${results.join(" ")})))`;
}

/** What the VM noted with `$note` since it was created, and at most 190 numbers. */
export function notesOf(vm: Vm): (Status | number)[] {
  const count = u32At(vm, 252);
  return Array.from({ length: count }, (_, index) => u32At(vm, 256 + 4 * index));
}

/** What the last host call delivered `into`: pointer and the bytes there. */
export function deliveredTo(vm: Vm): { pointer: number; bytes: Uint8Array } {
  const pointer = u32At(vm, 0);
  return { pointer, bytes: vm.memory.read(pointer, u32At(vm, 4)) ?? new Uint8Array() };
}

export function allocationsOf(vm: Vm): number {
  return (vm.exports.allocations as { value: number }).value;
}

export function u32At(vm: Vm, address: number): number {
  const bytes = vm.memory.read(address, 4) ?? new Uint8Array(4);
  return new DataView(bytes.buffer).getUint32(0, true);
}
