import { toBytes } from "./bytes.ts";
import { FaultPoints, type Faults } from "./faults.ts";
import { checkModule, LoadError } from "./load-checks.ts";
import type { MetricStore } from "./metrics.ts";
import { type ModuleShape, readModuleShape } from "./module-shape.ts";
import { type HostOptions, type LogEntry, type ProxyState, proxyOf } from "./options.ts";
import type { RequestReport } from "./outcome.ts";
import {
  type ConfigureResult,
  type Machinery,
  Plugin,
  type PluginConfig,
  type RequestInput,
} from "./plugin.ts";
import type { SharedData } from "./shared-data.ts";
import type { LogLevel } from "./status.ts";
import type { Stream } from "./stream.ts";
import { type Code, Vm } from "./vm.ts";
import { type WasmModule, webAssembly } from "./web-assembly.ts";
import { Worker } from "./worker.ts";

/**
 * A proxy with one Wasm module loaded, seen from the module. `configure` puts a filter of it into the chain; the
 * methods after it are short for those of the filter configured first.
 */
export class ProxyWasmHost {
  readonly workers: readonly Worker[];
  readonly plugins: Plugin[] = [];
  #machinery: Machinery;

  private constructor(code: Code, options: HostOptions, proxy: ProxyState) {
    this.workers = Array.from(
      { length: options.workers ?? 1 },
      (_, number) => new Worker(number, code, proxy),
    );
    const { failurePolicy = "FAIL_CLOSED", allowOnHeadersStopIteration = false, vmConfig = "" } = options;
    this.#machinery = {
      code,
      proxy,
      workers: this.workers,
      defaults: { failurePolicy, allowOnHeadersStopIteration, vmConfig },
    };
  }

  /** Checks, compiles and starts a base VM. Throws `LoadError` where the proxy refuses the module. */
  static async load(wasm: Uint8Array, options: HostOptions = {}): Promise<ProxyWasmHost> {
    const module = await compile(wasm);
    const code = { module, shape: shapeOf(wasm) };
    checkModule(code.shape);
    const proxy = proxyOf(options);
    new Vm(code, proxy, { worker: "base", vmConfiguration: toBytes(options.vmConfig ?? "") });
    return new ProxyWasmHost(code, options, proxy);
  }

  /** Everything logged at or above the log level, by all VMs, canaries included. */
  get logs(): readonly LogEntry[] {
    return this.#machinery.proxy.logs;
  }

  get metrics(): MetricStore {
    return this.#machinery.proxy.metrics;
  }

  get sharedData(): SharedData {
    return this.#machinery.proxy.sharedData;
  }

  set logLevel(level: LogLevel) {
    this.#machinery.proxy.logLevel = level;
  }

  /** Replaces the faults to inject; the ordinals begin again at 1. */
  injectFaults(faults: Faults): void {
    this.#machinery.proxy.faults = new FaultPoints(faults);
  }

  /**
   * The worker's VM of the filter configured last: `vm().failed` is its trap, `vm().memory` its linear memory (`read`,
   * `pages`), `vm().exports` what the module exports, `vm().contexts` what lives in it.
   */
  vm(worker = 0): Vm {
    const vm = this.workers[worker]?.vm;
    if (!vm) throw new RangeError(`worker ${worker} has no VM: nothing was configured on it`);
    return vm;
  }

  /** Puts one more filter into the chain. Several share the VM of each worker. */
  configure(config: PluginConfig = {}): ConfigureResult {
    const result = Plugin.configure(this.#machinery, config);
    if (result.ok) this.plugins.push(result.plugin);
    return result;
  }

  /** A configuration update of the filter configured first; see `Plugin.update`. What is left out stays as it was. */
  update(config: PluginConfig): ConfigureResult {
    return this.#first().update(config);
  }

  /** One whole request through the filter configured first. */
  request(input: RequestInput): RequestReport {
    return this.#first().request(input);
  }

  openStream(options: Parameters<Plugin["openStream"]>[0] = {}): Stream {
    return this.#first().openStream(options);
  }

  #first(): Plugin {
    const [plugin] = this.plugins;
    if (!plugin) throw new Error("no filter is configured: call `configure` first");
    return plugin;
  }
}

async function compile(wasm: Uint8Array): Promise<WasmModule> {
  try {
    return await webAssembly.compile(new Uint8Array(wasm));
  } catch (error) {
    throw new LoadError(`failed to load Wasm bytecode: ${error instanceof Error ? error.message : error}`);
  }
}

function shapeOf(wasm: Uint8Array): ModuleShape {
  try {
    return readModuleShape(wasm);
  } catch (error) {
    throw new LoadError(`failed to parse Wasm module: ${error instanceof Error ? error.message : error}`);
  }
}
