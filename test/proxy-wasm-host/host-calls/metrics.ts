import { toText } from "../bytes.ts";
import { Status } from "../status.ts";
import type { Vm } from "../vm.ts";

export function metricCalls(vm: Vm) {
  return {
    proxy_define_metric(type: number, name: number, nameSize: number, idAt: number): Status {
      const bytes = vm.memory.read(name, nameSize);
      if (!bytes) return Status.InvalidMemoryAccess;
      const id = vm.metrics.define(type, toText(bytes));
      if (id === undefined) return Status.BadArgument;
      return vm.memory.writeU32(idAt, id) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_increment_metric: (id: number, offset: bigint): Status => vm.metrics.increment(id, offset),
    proxy_record_metric: (id: number, value: bigint): Status =>
      vm.metrics.record(id, BigInt.asUintN(64, value)),
    proxy_get_metric(id: number, valueAt: number): Status {
      const value = vm.metrics.get(id);
      if (typeof value === "number") return value;
      return vm.memory.writeU64(valueAt, value) ? Status.Ok : Status.InvalidMemoryAccess;
    },
  };
}
