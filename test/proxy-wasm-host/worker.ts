import { RootContext, type RootIdentity } from "./context.ts";
import type { ProxyState } from "./options.ts";
import { type Code, Vm } from "./vm.ts";

/** A plugin configuration as a worker serves it. */
export interface PluginIdentity {
  /** Equal for two plugins that may share a root context. */
  readonly key: string;
  readonly root: RootIdentity;
  /** Plugins that differ in this never share a VM. */
  readonly vmConfiguration: Uint8Array;
}

/**
 * One worker thread of the proxy: at most one live VM for the code and each VM configuration, and in it one root
 * context for each plugin configuration in use. A new configuration gets its root in the *same* VM, next to the old
 * one. A VM that no plugin uses any more is dropped.
 *
 * Source: proxy-wasm-cpp-host, `src/wasm.cc` (`getOrCreateThreadLocalWasm`, `getOrCreateThreadLocalPlugin`).
 */
export class Worker {
  readonly number: number;
  #code: Code;
  #proxy: ProxyState;
  #vms = new Map<string, { readonly vm: Vm; handles: number }>();
  #handles = new Map<string, PluginHandle>();
  #last: Vm | undefined;

  constructor(number: number, code: Code, proxy: ProxyState) {
    this.number = number;
    this.#code = code;
    this.#proxy = proxy;
  }

  /** The VM of the plugin that was configured last. A failed one stays here until the next is configured. */
  get vm(): Vm | undefined {
    return this.#last;
  }

  /** The live handle of this plugin configuration, or a new one; `undefined` when the module refuses it. */
  acquire(identity: PluginIdentity): PluginHandle | undefined {
    const live = this.#handles.get(identity.key);
    if (live && !live.root.vm.failed) return live.retain();
    const slot = this.#slot(identity.vmConfiguration);
    this.#last = slot.vm;
    const root = new RootContext(slot.vm, identity.root);
    if (!root.start() || !root.configure()) return undefined;
    slot.handles += 1;
    const handle = new PluginHandle(root, () => {
      slot.handles -= 1;
      if (this.#handles.get(identity.key) === handle) this.#handles.delete(identity.key);
    });
    this.#handles.set(identity.key, handle);
    return handle;
  }

  #slot(vmConfiguration: Uint8Array): { readonly vm: Vm; handles: number } {
    const key = Buffer.from(vmConfiguration).toString("latin1");
    const live = this.#vms.get(key);
    if (live && live.handles > 0 && !live.vm.failed) return live;
    const slot = {
      vm: new Vm(this.#code, this.#proxy, { worker: this.number, vmConfiguration }),
      handles: 0,
    };
    this.#vms.set(key, slot);
    return slot;
  }
}

/** Counts who uses a root context: the filter configuration, and every stream begun under it. */
export class PluginHandle {
  readonly root: RootContext;
  #references = 1;
  #onRelease: () => void;

  constructor(root: RootContext, onRelease: () => void) {
    this.root = root;
    this.#onRelease = onRelease;
  }

  retain(): this {
    this.#references += 1;
    return this;
  }

  /** The last one out shuts the root down. */
  release(): void {
    this.#references -= 1;
    if (this.#references > 0) return;
    this.#onRelease();
    this.root.shutdown();
  }
}

/** A VM only to try a configuration: created, configured, thrown away without done or delete. */
export function canary(code: Code, proxy: ProxyState, identity: PluginIdentity): boolean {
  const { vmConfiguration } = identity;
  const root = new RootContext(new Vm(code, proxy, { worker: "canary", vmConfiguration }), identity.root);
  return root.start() && root.configure();
}
