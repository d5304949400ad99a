import { Status } from "./status.ts";
import type { WasmMemory } from "./web-assembly.ts";

/**
 * The module's linear memory as the host sees it. The host never writes where it was not told to: it asks the
 * module's allocator for room, copies there, and hands the module the pointer; the module owns that room.
 *
 * Source: proxy-wasm/spec v0.2.1, "Memory ownership"; proxy-wasm-cpp-host, `include/proxy-wasm/wasm.h`
 * (`allocMemory`, `copyToPointerSize`) and `src/v8/v8.cc` (`getMemory`, `setWord`).
 */
export class GuestMemory {
  #memory: WasmMemory;
  #allocate: (size: number) => number;

  /** `allocate` answers 0 when the module has no room. */
  constructor(memory: WasmMemory, allocate: (size: number) => number) {
    this.#memory = memory;
    this.#allocate = allocate;
  }

  /** A page is 64 KiB. Linear memory never shrinks. */
  get pages(): number {
    return this.#memory.buffer.byteLength / 65536;
  }

  /** A copy, or `undefined` when any of it lies outside memory. */
  read(pointer: number, size: number): Uint8Array | undefined {
    if (pointer + size > this.#memory.buffer.byteLength) return undefined;
    return new Uint8Array(this.#memory.buffer, pointer, size).slice();
  }

  writeU32(pointer: number, value: number): boolean {
    if (pointer + 4 > this.#memory.buffer.byteLength) return false;
    new DataView(this.#memory.buffer).setUint32(pointer, value, true);
    return true;
  }

  writeU64(pointer: number, value: bigint): boolean {
    if (pointer + 8 > this.#memory.buffer.byteLength) return false;
    new DataView(this.#memory.buffer).setBigUint64(pointer, BigInt.asUintN(64, value), true);
    return true;
  }

  /**
   * Gives the module `bytes`: pointer and size are written at the two addresses.
   * INVARIANT: nothing to give does not call the allocator and gives pointer 0, size 0.
   */
  deliver(bytes: Uint8Array, pointerAt: number, sizeAt: number): Status {
    let pointer = 0;
    if (bytes.length > 0) {
      pointer = this.#allocate(bytes.length);
      if (pointer === 0 || pointer + bytes.length > this.#memory.buffer.byteLength)
        return Status.InvalidMemoryAccess;
      new Uint8Array(this.#memory.buffer).set(bytes, pointer);
    }
    const told = this.writeU32(pointerAt, pointer) && this.writeU32(sizeAt, bytes.length);
    return told ? Status.Ok : Status.InvalidMemoryAccess;
  }
}
