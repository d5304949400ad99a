import { toText } from "../bytes.ts";
import { type PropertyBag, readProperty } from "../properties.ts";
import { Status } from "../status.ts";
import type { Vm } from "../vm.ts";

export function propertyCalls(vm: Vm) {
  return {
    proxy_get_property(path: number, pathSize: number, valueAt: number, sizeAt: number): Status {
      const bytes = vm.memory.read(path, pathSize);
      if (!bytes) return Status.InvalidMemoryAccess;
      const context = vm.context;
      const found = readProperty(
        {
          bag: { ...pluginProperties(vm), ...context?.properties },
          requestHeaders: context?.logPhase ? context.logPhase.requestHeaders : context?.requestHeaders,
          filterState: context?.filterState ?? new Map(),
        },
        bytes,
      );
      return "value" in found ? vm.memory.deliver(found.value, valueAt, sizeAt) : found.status;
    },
    /** Writes filter state `wasm.<name>`: readable by the access log and later filters. A root has no stream to hold it. */
    proxy_set_property(name: number, nameSize: number, value: number, valueSize: number): Status {
      const key = vm.memory.read(name, nameSize);
      const bytes = vm.memory.read(value, valueSize);
      if (!key || !bytes) return Status.InvalidMemoryAccess;
      if (!vm.context?.stream) return Status.NotFound;
      vm.context.filterState.set(`wasm.${toText(key)}`, bytes);
      return Status.Ok;
    },
  };
}

/** Readable in every context, roots included. */
function pluginProperties(vm: Vm): PropertyBag {
  const identity = vm.context?.root.identity;
  return {
    plugin_name: identity?.name ?? "",
    plugin_root_id: identity?.rootId ?? "",
    plugin_vm_id: vm.proxy.vmId,
  };
}
