import { FaultPoints } from "./faults.ts";
import { callForeign, type ForeignAnswer } from "./foreign.ts";
import { MetricStore } from "./metrics.ts";
import { SharedData } from "./shared-data.ts";
import { LogLevel } from "./status.ts";

/**
 * What happens to requests after a trap, which fails the VM and with it every plugin in it. The request that trapped
 * and those in flight get an empty 503 under every policy.
 * - `FAIL_CLOSED` (the default): so do later ones, until a configuration update brings a new VM.
 * - `FAIL_OPEN`: later requests skip the filter.
 * - `FAIL_RELOAD`: the next request gets a new VM, at most one in `reloadBackoffMs`; meanwhile closed.
 *
 * Source: Envoy, `api/envoy/extensions/wasm/v3/wasm.proto`, and `createContext` and `maybeReloadHandleIfNeeded` in
 * `source/extensions/common/wasm/wasm.cc`; seen so in Envoy 1.37.0 and 1.40.0.
 */
export type FailurePolicy = "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";

export interface HostOptions {
  /** Namespace of shared data. Default empty, as Istio leaves it. */
  readonly vmId?: string;
  /** Default for plugins; see `PluginConfig`. */
  readonly vmConfig?: string | Uint8Array;
  /** Worker threads of the proxy, each with its own VM. Default 1. */
  readonly workers?: number;
  /** Default for plugins; see `PluginConfig`. */
  readonly allowOnHeadersStopIteration?: boolean;
  /** Default for plugins; see `PluginConfig`. */
  readonly failurePolicy?: FailurePolicy;
  /** Default 1000, as Envoy's; Envoy adds jitter. 0 reloads on the very next request. */
  readonly reloadBackoffMs?: number;
  /** A buffered request body larger than this is answered 413 by the proxy. Default 1 MiB. */
  readonly bufferBytesMax?: number;
  /** Messages below this are dropped. Default `Info`. */
  readonly logLevel?: LogLevel;
  /** Nanoseconds since 1970. Default: the system clock. */
  readonly clock?: () => bigint;
  /** Functions beyond the ABI. Default: Envoy's `verify_signature` alone. */
  readonly foreign?: (name: string, argument: Uint8Array) => ForeignAnswer;
  /** Give two hosts the same store and they are plugins of one proxy. */
  readonly sharedData?: SharedData;
  readonly metrics?: MetricStore;
  /**
   * Allow-list of capabilities by ABI name (`proxy_log`, `proxy_on_request_headers`). A host call not listed answers
   * `InternalFailure`; a callback not listed is never called, silently. Default: everything.
   */
  readonly allowedCapabilities?: readonly string[];
  /**
   * `envoy`: log, done, delete, as Envoy's HTTP connection manager does. `specification`: done, log, delete, as the
   * text of the specification has it and as other proxies may do.
   */
  readonly streamEndOrder?: "envoy" | "specification";
}

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly contextId: number;
  /** The worker's number, `base` while loading or `canary`. */
  readonly worker: number | "base" | "canary";
}

/** The parts of the proxy that all VMs of one host share. */
export interface ProxyState {
  readonly vmId: string;
  readonly bufferBytesMax: number;
  readonly reloadBackoffMs: number;
  readonly streamEndOrder: "envoy" | "specification";
  readonly clock: () => bigint;
  readonly foreign: (name: string, argument: Uint8Array) => ForeignAnswer;
  readonly sharedData: SharedData;
  readonly metrics: MetricStore;
  readonly logs: LogEntry[];
  readonly allows: (capability: string) => boolean;
  logLevel: LogLevel;
  faults: FaultPoints;
}

export function proxyOf(options: HostOptions): ProxyState {
  const { allowedCapabilities } = options;
  return {
    vmId: options.vmId ?? "",
    bufferBytesMax: options.bufferBytesMax ?? 1024 * 1024,
    reloadBackoffMs: options.reloadBackoffMs ?? 1000,
    streamEndOrder: options.streamEndOrder ?? "envoy",
    clock: options.clock ?? (() => BigInt(Date.now()) * 1_000_000n),
    foreign: options.foreign ?? callForeign,
    sharedData: options.sharedData ?? new SharedData(),
    metrics: options.metrics ?? new MetricStore(),
    logs: [],
    allows: (capability) => allowedCapabilities?.includes(capability) ?? true,
    logLevel: options.logLevel ?? LogLevel.Info,
    faults: new FaultPoints(),
  };
}
