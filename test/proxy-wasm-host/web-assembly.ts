/**
 * The part of the WebAssembly JavaScript API used here. TypeScript has its types only together with those of a
 * browser page, which a Node project does not want.
 */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
/** Opaque: compiled code. */
export interface WasmModule {
  readonly wasmModule: never;
}
export type WasmExports = Readonly<Record<string, unknown>>;
export type WasmImports = Record<string, Record<string, unknown>>;

interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number; maximum?: number }) => WasmMemory;
  readonly Instance: new (module: WasmModule, imports: WasmImports) => { readonly exports: WasmExports };
  readonly RuntimeError: new (message?: string) => Error;
  compile(bytes: Uint8Array): Promise<WasmModule>;
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
