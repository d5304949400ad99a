import type { HostFunction } from "../abi.ts";
import type { Status } from "../status.ts";
import type { Vm } from "../vm.ts";
import { bufferCalls } from "./buffers.ts";
import { generalCalls } from "./general.ts";
import { headerMapCalls } from "./header-maps.ts";
import { metricCalls } from "./metrics.ts";
import { outgoingCalls } from "./outgoing.ts";
import { propertyCalls } from "./properties.ts";
import { sharedCalls } from "./shared.ts";
import { streamCalls } from "./streams.ts";

/** Words arrive unsigned; 64-bit numbers arrive as `bigint`. */
export type HostCall = (...words: never[]) => Status;
export type HostCallTable = Readonly<Record<HostFunction, HostCall>>;

/**
 * Every host function of ABI 0.2.1, bound to one VM. The order of checks inside each (bad enumeration value, then
 * memory, then the thing itself) is that of proxy-wasm-cpp-host, `src/exports.cc`.
 */
export function hostCallsOf(vm: Vm): HostCallTable {
  return {
    ...generalCalls(vm),
    ...propertyCalls(vm),
    ...headerMapCalls(vm),
    ...bufferCalls(vm),
    ...streamCalls(vm),
    ...sharedCalls(vm),
    ...metricCalls(vm),
    ...outgoingCalls(),
  };
}
