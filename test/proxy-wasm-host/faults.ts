import type { HostFunction } from "./abi.ts";
import type { Status } from "./status.ts";

/** Where a host call or an allocation happens. `ordinal` counts from 1 since these faults were installed. */
export interface CallSite {
  readonly ordinal: number;
  readonly hostCall: HostFunction;
}

/** Faults to inject. Both hooks are asked before the thing happens. */
export interface Faults {
  /** `true`: the module's allocator is not called and counts as having answered 0. */
  readonly allocation?: (at: CallSite & { readonly size: number }) => boolean;
  /** A status: the host call does nothing and answers it. */
  readonly hostCall?: (at: CallSite) => Status | undefined;
}

/** The `ordinal`-th copy into the module finds no room; the others do. */
export function failAllocation(ordinal: number): Faults {
  return { allocation: (at) => at.ordinal === ordinal };
}

/** The `ordinal`-th host call answers `status`; the others work. */
export function failHostCall(ordinal: number, status: Status): Faults {
  return { hostCall: (at) => (at.ordinal === ordinal ? status : undefined) };
}

/** Installed faults with their counters. */
export class FaultPoints {
  #faults: Faults;
  #allocations = 0;
  #hostCalls = 0;

  constructor(faults: Faults = {}) {
    this.#faults = faults;
  }

  failsAllocation(hostCall: HostFunction, size: number): boolean {
    this.#allocations += 1;
    return this.#faults.allocation?.({ ordinal: this.#allocations, hostCall, size }) ?? false;
  }

  statusOf(hostCall: HostFunction): Status | undefined {
    this.#hostCalls += 1;
    return this.#faults.hostCall?.({ ordinal: this.#hostCalls, hostCall });
  }
}
