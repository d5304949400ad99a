import { toBytes } from "./bytes.ts";
import type { RootContext } from "./context.ts";
import type { HeaderLine } from "./header-map.ts";
import type { FailurePolicy, LogEntry, ProxyState } from "./options.ts";
import type { Outcome, RequestReport } from "./outcome.ts";
import type { PropertyBag } from "./properties.ts";
import { FilterStream, type Stream } from "./stream.ts";
import { UnservedStream } from "./unserved-stream.ts";
import type { Code } from "./vm.ts";
import { canary, type PluginHandle, type PluginIdentity, type Worker } from "./worker.ts";

/** Envoy's `PluginConfig`. Default for the name and the root id: `""`. */
export interface PluginConfig {
  readonly name?: string;
  readonly rootId?: string;
  readonly configuration?: string | Uint8Array;
  /** Configuration of the VM. Filters that differ in it do not share one. */
  readonly vmConfig?: string | Uint8Array;
  /**
   * Without it (Envoy's default, and all that Istio and Envoy Gateway offer) StopIteration from a header callback
   * stops the body callbacks as well: a filter that waits for the body then hangs every request that has one.
   */
  readonly allowOnHeadersStopIteration?: boolean;
  readonly failurePolicy?: FailurePolicy;
}

/** `false`: the proxy rejects the update, and what was serving keeps serving. `logs` are those of this attempt. */
export type ConfigureResult =
  | { readonly ok: true; readonly plugin: Plugin; readonly logs: readonly LogEntry[] }
  | { readonly ok: false; readonly logs: readonly LogEntry[] };

export interface RequestInput {
  readonly headers: Iterable<HeaderLine>;
  /** The request body, or the chunks it arrives in. Absent, or nothing in it: the headers end the stream. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** `false`: more would follow the last chunk. */
  readonly endOfStream?: boolean;
  readonly properties?: PropertyBag;
  /** The header lines of the upstream's answer, where the request gets there. */
  readonly response?: Iterable<HeaderLine>;
  /** Default 0. */
  readonly worker?: number;
}

/** The machinery a plugin runs on. */
export interface Machinery {
  readonly code: Code;
  readonly proxy: ProxyState;
  readonly workers: readonly Worker[];
  readonly defaults: Required<
    Pick<PluginConfig, "failurePolicy" | "allowOnHeadersStopIteration" | "vmConfig">
  >;
}

/** A filter in the proxy's filter chain: one place in the chain, whose configuration may be replaced. */
export class Plugin {
  /** What FAIL_RELOAD did: Envoy's `vm_reload_success`, `vm_reload_failure` and `vm_reload_backoff`. */
  readonly reloads = { success: 0, failure: 0, backoff: 0 };
  #machinery: Machinery;
  #config: PluginConfig;
  #slots: Slot[] = [];

  /** Answers whether the configuration was taken is up to `configure`: use that. */
  private constructor(machinery: Machinery, config: PluginConfig) {
    this.#machinery = machinery;
    this.#config = config;
  }

  static configure(machinery: Machinery, config: PluginConfig): ConfigureResult {
    return new Plugin(machinery, config).update(config);
  }

  /**
   * A configuration update. First a canary VM tries it; then every worker starts a root context for it, and only then
   * are the old ones let go: each is shut down when its last stream has finished.
   */
  update(config: PluginConfig): ConfigureResult {
    const { code, proxy, workers, defaults } = this.#machinery;
    const logsBefore = proxy.logs.length;
    const logs = () => proxy.logs.slice(logsBefore);
    const merged = { ...this.#config, ...config };
    const identity = identityOf({ ...defaults, ...merged });
    if (!canary(code, proxy, identity)) return { ok: false, logs: logs() };
    const old = this.#slots;
    this.#config = merged;
    this.#slots = workers.map((worker) => ({
      worker,
      handle: worker.acquire(identity),
      loadedAt: proxy.clock(),
    }));
    for (const slot of old) slot.handle?.release();
    return { ok: true, plugin: this, logs: logs() };
  }

  /** The root context that serves new streams of a worker; `undefined` if that worker's module refused to start it. */
  root(worker = 0): RootContext | undefined {
    return this.#slots[worker]?.handle?.root;
  }

  openStream(options: { readonly properties?: PropertyBag; readonly worker?: number } = {}): Stream {
    const slot = this.#slots[options.worker ?? 0];
    if (!slot) throw new RangeError(`no worker ${options.worker}`);
    const policy = this.#config.failurePolicy ?? this.#machinery.defaults.failurePolicy;
    if (policy === "FAIL_RELOAD") this.#reloadIfFailed(slot);
    const { handle } = slot;
    // Envoy 1.36 skips the filter where a worker refused what the canary took, whatever the policy (`createContext`).
    if (!handle) return new UnservedStream("pass", undefined);
    const { failed } = handle.root.vm;
    if (failed) return new UnservedStream(policy === "FAIL_OPEN" ? "pass" : "refuse", failed);
    handle.retain();
    const { allowOnHeadersStopIteration } = { ...this.#machinery.defaults, ...this.#config };
    return new FilterStream(handle.root, {
      allowOnHeadersStopIteration,
      onFinish: () => handle.release(),
      ...(options.properties ? { properties: options.properties } : {}),
    });
  }

  /** A whole request. The body is sent until the request is answered, and the stream is finished. */
  request(input: RequestInput): RequestReport {
    const { logs } = this.#machinery.proxy;
    const logsBefore = logs.length;
    const stream = this.openStream(input);
    const body = chunksOf(input.body);
    const ends = input.endOfStream ?? true;
    let outcome = stream.requestHeaders(input.headers, ends && body.length === 0);
    for (const [index, chunk] of body.entries()) {
      if (isAnswered(outcome)) break;
      outcome = stream.requestBody(chunk, ends && index === body.length - 1);
    }
    const requestHeaders = stream.headers.lines();
    const answers = input.response !== undefined && outcome.kind === "continue";
    const responseHeaders = answers ? stream.responseHeaders(input.response) : [];
    stream.finish();
    return {
      requestHeaders,
      responseHeaders,
      ...outcome,
      filterState: stream.filterState,
      reachedUpstream: stream.reachedUpstream,
      hostCalls: stream.hostCalls,
      logs: logs.slice(logsBefore),
    };
  }

  /** Every root with a tick period ticks, on every worker. */
  tick(): void {
    for (const { handle } of this.#slots) if (handle && handle.root.tickPeriodMs > 0) handle.root.tick();
  }

  /** The filter leaves the chain. */
  remove(): void {
    for (const slot of this.#slots.splice(0)) slot.handle?.release();
  }

  #reloadIfFailed(slot: Slot): void {
    const { proxy } = this.#machinery;
    if (!slot.handle?.root.vm.failed) return;
    const now = proxy.clock();
    if (now - slot.loadedAt < BigInt(proxy.reloadBackoffMs) * 1_000_000n) {
      this.reloads.backoff += 1;
      return;
    }
    slot.loadedAt = now;
    const handle = slot.worker.acquire(identityOf({ ...this.#machinery.defaults, ...this.#config }));
    if (!handle || handle.root.vm.failed) {
      handle?.release();
      this.reloads.failure += 1;
      return;
    }
    this.reloads.success += 1;
    slot.handle.release();
    slot.handle = handle;
  }
}

/** A plugin on one worker. */
interface Slot {
  readonly worker: Worker;
  handle: PluginHandle | undefined;
  loadedAt: bigint;
}

/** Two plugins with the same configuration in every part share their root contexts. */
function identityOf(config: PluginConfig): PluginIdentity {
  const { name = "", rootId = "", allowOnHeadersStopIteration, failurePolicy } = config;
  const configuration = toBytes(config.configuration ?? "");
  const vmConfiguration = toBytes(config.vmConfig ?? "");
  const bytes = [configuration, vmConfiguration].map((part) => Buffer.from(part).toString("latin1"));
  const key = JSON.stringify([name, rootId, ...bytes, allowOnHeadersStopIteration, failurePolicy]);
  return { key, root: { name, rootId, configuration }, vmConfiguration };
}

function chunksOf(body: RequestInput["body"] = []): readonly (string | Uint8Array)[] {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return body;
  return body.length === 0 ? [] : [body];
}

function isAnswered({ kind }: Outcome): boolean {
  return kind === "local-response" || kind === "vm-failed" || kind === "reset";
}
