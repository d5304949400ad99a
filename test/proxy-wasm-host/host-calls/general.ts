import { toText } from "../bytes.ts";
import { LogLevel, Status } from "../status.ts";
import type { Vm } from "../vm.ts";

export function generalCalls(vm: Vm) {
  const { proxy } = vm;
  const told = (written: boolean): Status => (written ? Status.Ok : Status.InvalidMemoryAccess);
  return {
    proxy_log(level: number, pointer: number, size: number): Status {
      if (level > LogLevel.Critical) return Status.BadArgument;
      const message = vm.memory.read(pointer, size);
      if (!message) return Status.InvalidMemoryAccess;
      if (level < proxy.logLevel) return Status.Ok;
      const contextId = vm.context?.id ?? 0;
      proxy.logs.push({ level: level as LogLevel, message: toText(message), contextId, worker: vm.worker });
      return Status.Ok;
    },
    proxy_get_log_level: (levelAt: number): Status => told(vm.memory.writeU32(levelAt, proxy.logLevel)),
    proxy_get_current_time_nanoseconds: (timeAt: number): Status =>
      told(vm.memory.writeU64(timeAt, proxy.clock())),
    proxy_set_tick_period_milliseconds(periodMs: number): Status {
      if (vm.context) vm.context.root.tickPeriodMs = periodMs;
      return Status.Ok;
    },
    /** The status of the last outgoing call; this host makes none. */
    proxy_get_status(codeAt: number, messageAt: number, sizeAt: number): Status {
      if (!vm.memory.writeU32(codeAt, 0)) return Status.InvalidMemoryAccess;
      return vm.memory.deliver(new Uint8Array(), messageAt, sizeAt);
    },
    proxy_set_effective_context: (id: number): Status => vm.setEffectiveContext(id),
    /** Only for a root that answered false to `proxy_on_done`. Its delete comes after the running callback. */
    proxy_done(): Status {
      const root = vm.context?.root;
      if (!root?.pendingDone) return Status.NotFound;
      root.pendingDone = false;
      vm.defer(() => root.delete());
      return Status.Ok;
    },
    proxy_call_foreign_function(
      name: number,
      nameSize: number,
      input: number,
      inputSize: number,
      resultAt: number,
      sizeAt: number,
    ): Status {
      const nameBytes = vm.memory.read(name, nameSize);
      const argument = vm.memory.read(input, inputSize);
      if (!nameBytes || !argument) return Status.InvalidMemoryAccess;
      const { status, result } = proxy.foreign(toText(nameBytes), argument);
      return status === Status.Ok ? vm.memory.deliver(result, resultAt, sizeAt) : status;
    },
  };
}
