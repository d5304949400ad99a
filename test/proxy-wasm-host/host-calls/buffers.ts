import { concatBytes } from "../bytes.ts";
import type { Context } from "../context.ts";
import { BufferType, bufferTypeMax, Status } from "../status.ts";
import type { Vm } from "../vm.ts";

/**
 * INVARIANT: reading past the end is no error; it is cut at the end, and nothing left gives pointer 0, size 0.
 * A body buffer outside its callback reads as empty, while `PluginConfiguration` outside its callback is `NotFound`.
 *
 * Source: proxy-wasm-cpp-host, `src/exports.cc` (`get_buffer_bytes`); Envoy, `context.cc` (`getBuffer`, `copyFrom`).
 */
export function bufferCalls(vm: Vm) {
  return {
    proxy_get_buffer_bytes(
      type: number,
      start: number,
      length: number,
      bytesAt: number,
      sizeAt: number,
    ): Status {
      if (type > bufferTypeMax) return Status.BadArgument;
      const bytes = bufferOf(vm, type);
      if (!bytes) return Status.NotFound;
      return vm.memory.deliver(bytes.subarray(start, start + length), bytesAt, sizeAt);
    },
    proxy_get_buffer_status(type: number, sizeAt: number, flagsAt: number): Status {
      if (type > bufferTypeMax) return Status.BadArgument;
      const bytes = bufferOf(vm, type);
      if (!bytes) return Status.NotFound;
      const told = vm.memory.writeU32(sizeAt, bytes.length) && vm.memory.writeU32(flagsAt, 0);
      return told ? Status.Ok : Status.InvalidMemoryAccess;
    },
    /** Start 0 replaces `length` bytes at the front (0: prepends), a start at or past the end appends. No other place. */
    proxy_set_buffer_bytes(
      type: number,
      start: number,
      length: number,
      data: number,
      dataSize: number,
    ): Status {
      if (type > bufferTypeMax) return Status.BadArgument;
      if (!bufferOf(vm, type)) return Status.NotFound;
      const bytes = vm.memory.read(data, dataSize);
      if (!bytes) return Status.InvalidMemoryAccess;
      return type === BufferType.HttpRequestBody
        ? changeBody(vm.context, start, length, bytes)
        : Status.BadArgument;
    },
  };
}

function bufferOf(vm: Vm, type: number): Uint8Array | undefined {
  const { context } = vm;
  switch (type) {
    case BufferType.HttpRequestBody:
      return context?.requestBody?.bytes ?? new Uint8Array();
    case BufferType.VmConfiguration:
      return vm.vmConfiguration;
    case BufferType.PluginConfiguration:
      return context?.root === context && context?.root.configurationReadable
        ? context.root.identity.configuration
        : undefined;
    case BufferType.HttpCallResponseBody:
      return undefined;
    default:
      return new Uint8Array();
  }
}

function changeBody(context: Context | undefined, start: number, length: number, bytes: Uint8Array): Status {
  const body = context?.requestBody;
  if (!body) return Status.BadArgument;
  if (start === 0) body.bytes = concatBytes([bytes, body.bytes.subarray(length)]);
  else if (start >= body.bytes.length) body.bytes = concatBytes([body.bytes, bytes]);
  else return Status.BadArgument;
  return Status.Ok;
}
