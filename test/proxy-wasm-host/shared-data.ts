import { Status } from "./status.ts";

/**
 * Values shared by every VM with the same vm id string, with compare-and-swap. Istio leaves the vm id empty, so there
 * all plugins of all authors share one namespace.
 *
 * Source: proxy-wasm-cpp-host, `src/shared_data.cc`.
 */
export class SharedData {
  #entries = new Map<string, Map<string, { value: Uint8Array; cas: number }>>();
  #lastCas = 0;

  get(vmId: string, key: string): { value: Uint8Array; cas: number } | undefined {
    return this.#entries.get(vmId)?.get(key);
  }

  /** `cas` 0 writes unconditionally. A key that does not exist yet is written whatever the `cas`. */
  set(vmId: string, key: string, value: Uint8Array, cas: number): Status {
    const entries = this.#entries.get(vmId) ?? new Map<string, { value: Uint8Array; cas: number }>();
    this.#entries.set(vmId, entries);
    const entry = entries.get(key);
    if (entry && cas !== 0 && cas !== entry.cas) return Status.CasMismatch;
    this.#lastCas += 1;
    entries.set(key, { value: value.slice(), cas: this.#lastCas });
    return Status.Ok;
  }
}
