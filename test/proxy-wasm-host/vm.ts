import { allocatorNames, type Callback, type HostFunction } from "./abi.ts";
import type { Context } from "./context.ts";
import { GuestMemory } from "./guest-memory.ts";
import { type HostCallTable, hostCallsOf } from "./host-calls/index.ts";
import { LoadError } from "./load-checks.ts";
import { MetricIds } from "./metrics.ts";
import type { ModuleShape } from "./module-shape.ts";
import type { LogEntry, ProxyState } from "./options.ts";
import { Status } from "./status.ts";
import {
  type WasmExports,
  type WasmImports,
  type WasmMemory,
  type WasmModule,
  webAssembly,
} from "./web-assembly.ts";

/** Compiled code with its shape: what VMs are cloned from. */
export interface Code {
  readonly module: WasmModule;
  readonly shape: ModuleShape;
}

/** Where a VM runs, and the configuration it has besides that of its plugins. */
export interface VmPlace {
  readonly worker: LogEntry["worker"];
  readonly vmConfiguration: Uint8Array;
}

/** The trap that ended a VM. */
export interface VmFailure {
  readonly error: Error;
  /** The export that was running: a callback, the allocator or a start function. */
  readonly during: string;
}

export interface CallResult {
  /** 0 after a trap, and `ran` is false, when the callback is not exported. */
  readonly value: number;
  readonly ran: boolean;
  /** A local response was sent: the proxy stops the iteration whatever the callback returned. */
  readonly stopped: boolean;
}

/** Thrown out of a host call to trap the module, as V8's host does with `restricted_callback`. */
class RestrictedCallError extends Error {
  override name = "RestrictedCallError";
}

/**
 * One instance of the module with its contexts, on one worker.
 *
 * Source: proxy-wasm-cpp-host, `src/wasm.cc` (`initialize`, `startVm`), `include/proxy-wasm/wasm.h` (`allocMemory`),
 * `src/v8/v8.cc` (restricted callbacks), `include/proxy-wasm/wasm_vm.h` (`SaveRestoreContext`).
 */
export class Vm {
  readonly proxy: ProxyState;
  readonly worker: LogEntry["worker"];
  readonly vmConfiguration: Uint8Array;
  readonly memory: GuestMemory;
  readonly metrics: MetricIds;
  /** Root and stream contexts alive in this VM, by id. */
  readonly contexts = new Map<number, Context>();
  /** Set by a trap, for good. */
  failed: VmFailure | undefined;
  /** A local response was sent in the callback that is running. */
  stopNextIteration = false;

  #exports: WasmExports;
  #allocatorName: string;
  #lastContextId = 0;
  #current: Context | undefined;
  #effectiveId = 0;
  /** While set, only `proxy_log` may be called. */
  #restricted: "the allocator" | "the start function" | undefined;
  #hostCall: HostFunction = "proxy_log";
  #deferred: (() => void)[] = [];

  /** Instantiates and runs `_initialize`. Throws `LoadError` when either fails. */
  constructor(code: Code, proxy: ProxyState, place: VmPlace) {
    this.proxy = proxy;
    this.worker = place.worker;
    this.vmConfiguration = place.vmConfiguration;
    this.metrics = new MetricIds(proxy.metrics);
    let started = false;
    const imports = this.#imports(code.shape, hostCallsOf(this), () => started);
    this.#exports = instantiate(code.module, imports);
    this.memory = new GuestMemory(this.#exports.memory as WasmMemory, (size) => this.#allocate(size));
    this.#allocatorName = allocatorNames.find((name) => name in this.#exports) ?? "malloc";
    started = true;
    this.#start();
    if (this.failed) throw new LoadError(`trap in \`${this.failed.during}\`: ${this.failed.error.message}`);
  }

  /** What the module exports, for debugging: a call from here is outside all callbacks, so it has no context. */
  get exports(): WasmExports {
    return this.#exports;
  }

  /** The context host calls act on: the effective one while it exists, else the one that was called. */
  get context(): Context | undefined {
    return this.contexts.get(this.#effectiveId) ?? this.#current;
  }

  setEffectiveContext(id: number): Status {
    if (!this.contexts.has(id)) return Status.BadArgument;
    this.#effectiveId = id;
    return Status.Ok;
  }

  /** Root and stream contexts draw from one counter; 0 is the VM itself. */
  newContextId(): number {
    this.#lastContextId += 1;
    return this.#lastContextId;
  }

  exportsCallback(callback: Callback): boolean {
    return callback in this.#exports && this.proxy.allows(callback);
  }

  /** Calls into the module. The caller runs `runDeferred` once it has looked at the result. */
  call(callback: Callback, context: Context, ...words: number[]): CallResult {
    if (!this.exportsCallback(callback)) return { value: 0, ran: false, stopped: false };
    const saved = { current: this.#current, effectiveId: this.#effectiveId };
    this.#current = context;
    this.#effectiveId = 0;
    const value = this.#invoke(callback, context.id, ...words);
    this.#current = saved.current;
    this.#effectiveId = saved.effectiveId;
    const stopped = this.stopNextIteration;
    this.stopNextIteration = false;
    return { value, ran: true, stopped };
  }

  /** What host calls ask for happens after the callback returned: local response, continue, close, delete. */
  defer(action: () => void): void {
    this.#deferred.push(action);
  }

  runDeferred(): void {
    for (let action = this.#deferred.shift(); action; action = this.#deferred.shift()) action();
  }

  #invoke(name: string, ...words: number[]): number {
    try {
      const body = this.#exports[name] as (...words: number[]) => number | undefined;
      return (body(...words) ?? 0) >>> 0;
    } catch (error) {
      if (!isTrap(error)) throw error;
      this.failed ??= { error, during: name };
      return 0;
    }
  }

  #allocate(size: number): number {
    if (this.proxy.faults.failsAllocation(this.#hostCall, size)) return 0;
    const hostCall = this.#hostCall;
    this.#restricted = "the allocator";
    const pointer = this.#invoke(this.#allocatorName, size);
    this.#restricted = undefined;
    this.#hostCall = hostCall;
    return pointer;
  }

  #start(): void {
    this.#restricted = "the start function";
    if ("_initialize" in this.#exports) {
      this.#invoke("_initialize");
      if ("main" in this.#exports && !this.failed) this.#invoke("main", 0, 0);
    } else if ("_start" in this.#exports) this.#invoke("_start");
    this.#restricted = undefined;
  }

  #imports(shape: ModuleShape, table: HostCallTable, isStarted: () => boolean): WasmImports {
    const imports: WasmImports = {};
    for (const item of shape.imports) {
      const module = imports[item.module] ?? {};
      imports[item.module] = module;
      if (item.limits) module[item.name] = new webAssembly.Memory(item.limits);
      else module[item.name] = this.#hostFunction(item.name as HostFunction, table, isStarted);
    }
    return imports;
  }

  #hostFunction(
    name: HostFunction,
    table: HostCallTable,
    isStarted: () => boolean,
  ): (...words: unknown[]) => Status {
    const body = table[name] as (...words: unknown[]) => Status;
    const allowed = this.proxy.allows(name);
    return (...words) => {
      if (!isStarted())
        throw new RestrictedCallError(`${name} called by a start section, before any context exists`);
      if (this.#restricted && name !== "proxy_log") {
        throw new RestrictedCallError(`restricted_callback: ${name} called while ${this.#restricted} runs`);
      }
      this.context?.countHostCall(name);
      const forced = this.proxy.faults.statusOf(name);
      if (forced !== undefined) return forced;
      if (!allowed) return Status.InternalFailure;
      this.#hostCall = name;
      return body(...words.map((word) => (typeof word === "number" ? word >>> 0 : word)));
    };
  }
}

function instantiate(module: WasmModule, imports: WasmImports): WasmExports {
  try {
    return new webAssembly.Instance(module, imports).exports;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new LoadError(`failed to create new Wasm instance: ${error.message}`);
  }
}

/** Anything else thrown is a mistake in this host and must not look like one of the module. */
function isTrap(error: unknown): error is Error {
  return (
    error instanceof webAssembly.RuntimeError ||
    error instanceof RangeError ||
    error instanceof RestrictedCallError
  );
}
