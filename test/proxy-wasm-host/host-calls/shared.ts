import { toText } from "../bytes.ts";
import { Status } from "../status.ts";
import type { Vm } from "../vm.ts";

export function sharedCalls(vm: Vm) {
  const { sharedData, vmId } = vm.proxy;
  return {
    proxy_get_shared_data(
      key: number,
      keySize: number,
      valueAt: number,
      sizeAt: number,
      casAt: number,
    ): Status {
      const bytes = vm.memory.read(key, keySize);
      if (!bytes) return Status.InvalidMemoryAccess;
      const entry = sharedData.get(vmId, toText(bytes));
      if (!entry) return Status.NotFound;
      const status = vm.memory.deliver(entry.value, valueAt, sizeAt);
      if (status !== Status.Ok) return status;
      return vm.memory.writeU32(casAt, entry.cas) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_set_shared_data(
      key: number,
      keySize: number,
      value: number,
      valueSize: number,
      cas: number,
    ): Status {
      const keyBytes = vm.memory.read(key, keySize);
      const valueBytes = vm.memory.read(value, valueSize);
      if (!keyBytes || !valueBytes) return Status.InvalidMemoryAccess;
      return sharedData.set(vmId, toText(keyBytes), valueBytes, cas);
    },
    proxy_register_shared_queue: (): Status => Status.Unimplemented,
    proxy_resolve_shared_queue: (): Status => Status.Unimplemented,
    proxy_enqueue_shared_queue: (): Status => Status.Unimplemented,
    proxy_dequeue_shared_queue: (): Status => Status.Unimplemented,
  };
}
