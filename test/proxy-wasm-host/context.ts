import type { HostFunction } from "./abi.ts";
import type { HeaderMap } from "./header-map.ts";
import type { PropertyBag } from "./properties.ts";
import type { Vm } from "./vm.ts";

/** How often each host function was called. Only functions that were called have an entry. */
export type HostCallCounts = Readonly<Partial<Record<HostFunction, number>>>;

/** What the module sends with `proxy_send_local_response`. */
export interface LocalResponse {
  readonly status: number;
  readonly details: string;
  readonly body: Uint8Array;
  readonly headers: HeaderMap;
  /** Absent when the module gave -1 or a number outside 0..16. */
  readonly grpcStatus?: number;
}

/** What the stream of a context does when a host call asks for it. */
export interface StreamControl {
  localResponse(response: LocalResponse): void;
  resume(): void;
  reset(): void;
}

/** The body bytes a callback sees and may change. */
export interface BodyView {
  bytes: Uint8Array;
}

/** The host's side of a context id: what the host calls made under it read and change. */
export class Context {
  readonly id: number;
  readonly vm: Vm;
  /** The root context of a stream; of a root, itself. */
  readonly root: RootContext;
  /** Absent for a root. */
  readonly stream: StreamControl | undefined;

  requestHeaders: HeaderMap | undefined;
  responseHeaders: HeaderMap | undefined;
  /** Set while `proxy_on_log` runs. */
  logPhase: { readonly requestHeaders?: HeaderMap; readonly responseHeaders?: HeaderMap } | undefined;
  requestBody: BodyView | undefined;
  properties: PropertyBag = {};
  readonly filterState = new Map<string, Uint8Array>();

  #hostCalls: Partial<Record<HostFunction, number>> = {};

  constructor(vm: Vm, root?: RootContext, stream?: StreamControl) {
    this.vm = vm;
    this.id = vm.newContextId();
    this.root = root ?? (this as unknown as RootContext);
    this.stream = stream;
    vm.contexts.set(this.id, this);
  }

  get hostCalls(): HostCallCounts {
    return this.#hostCalls;
  }

  countHostCall(name: HostFunction): void {
    this.#hostCalls[name] = (this.#hostCalls[name] ?? 0) + 1;
  }
}

/** What a plugin is identified by in its VM. */
export interface RootIdentity {
  readonly name: string;
  readonly rootId: string;
  readonly configuration: Uint8Array;
}

/** The root context: the policy configuration one plugin handle serves. */
export class RootContext extends Context {
  readonly identity: RootIdentity;
  /** `proxy_on_done` answered false: deleted once the module calls `proxy_done`. */
  pendingDone = false;
  /** The `PluginConfiguration` buffer is readable only inside `proxy_on_configure` and context creation at start. */
  configurationReadable = false;
  tickPeriodMs = 0;

  constructor(vm: Vm, identity: RootIdentity) {
    super(vm);
    this.identity = identity;
  }

  /** Answers whether `proxy_on_vm_start` did not refuse. Called once per root context, not once per VM. */
  start(): boolean {
    this.configurationReadable = true;
    this.vm.call("proxy_on_context_create", this, 0);
    this.configurationReadable = false;
    const result = this.vm.call("proxy_on_vm_start", this, this.vm.vmConfiguration.length);
    this.vm.runDeferred();
    return !result.ran || result.value !== 0;
  }

  /** A VM that already failed counts as configured: its requests then meet the failure policy. */
  configure(): boolean {
    if (this.vm.failed) return true;
    this.configurationReadable = true;
    const result = this.vm.call("proxy_on_configure", this, this.identity.configuration.length);
    this.configurationReadable = false;
    this.vm.runDeferred();
    return !result.ran || result.value !== 0;
  }

  tick(): void {
    if (this.vm.failed) return;
    this.vm.call("proxy_on_tick", this);
    this.vm.runDeferred();
  }

  /** Done, then delete; delete waits for `proxy_done` if the module answers that it is not done yet. */
  shutdown(): void {
    if (!this.vm.failed) {
      const result = this.vm.call("proxy_on_done", this);
      if (result.ran && result.value === 0 && !this.vm.failed) this.pendingDone = true;
      this.vm.runDeferred();
    }
    if (!this.pendingDone) this.delete();
  }

  /** Upholds that the module is not called for a root again, and that the id is free. */
  delete(): void {
    this.pendingDone = false;
    if (!this.vm.failed) {
      this.vm.call("proxy_on_delete", this);
      this.vm.runDeferred();
    }
    this.vm.contexts.delete(this.id);
  }
}
