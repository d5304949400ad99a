import { RootContext, type RootIdentity } from "./context.ts";
import type { ProxyState } from "./options.ts";
import { type Code, Vm } from "./vm.ts";

/**
 * One worker thread of the proxy: at most one live VM for the code, and in it one root context for each plugin
 * configuration in use. A new configuration gets its root in the *same* VM, next to the old one.
 *
 * Source: proxy-wasm-cpp-host, `src/wasm.cc` (`getOrCreateThreadLocalWasm`, `getOrCreateThreadLocalPlugin`).
 */
export class Worker {
  readonly number: number;
  #code: Code;
  #proxy: ProxyState;
  #vm: Vm | undefined;
  #handles = new Map<string, PluginHandle>();

  constructor(number: number, code: Code, proxy: ProxyState) {
    this.number = number;
    this.#code = code;
    this.#proxy = proxy;
  }

  /** The VM of the next plugin. A failed one stays here until that needs one. */
  get vm(): Vm | undefined {
    return this.#vm;
  }

  /** The live handle of this plugin configuration, or a new one; `undefined` when the module refuses it. */
  acquire(key: string, identity: RootIdentity): PluginHandle | undefined {
    const live = this.#handles.get(key);
    if (live && !live.root.vm.failed) return live.retain();
    if (!this.#vm || this.#vm.failed) this.#vm = new Vm(this.#code, this.#proxy, this.number);
    const root = new RootContext(this.#vm, identity);
    if (!root.start() || !root.configure()) return undefined;
    const handle = new PluginHandle(root, () => {
      if (this.#handles.get(key) === handle) this.#handles.delete(key);
    });
    this.#handles.set(key, handle);
    return handle;
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
export function canary(code: Code, proxy: ProxyState, identity: RootIdentity): boolean {
  const root = new RootContext(new Vm(code, proxy, "canary"), identity);
  return root.start() && root.configure();
}
