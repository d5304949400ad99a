import { toText } from "../bytes.ts";
import type { HeaderMap } from "../header-map.ts";
import { decodePairs, encodePairs } from "../pairs.ts";
import { MapType, mapTypeMax, Status } from "../status.ts";
import type { Vm } from "../vm.ts";

/**
 * Header maps by phase.
 * INVARIANT: once `proxy_on_request_headers` returned Continue the request map is gone. Then value, size, add, replace,
 * remove and set answer `BadArgument`, but *pairs answers `Ok` with nothing*, as does every map that does not exist.
 *
 * Source: Envoy, `source/extensions/common/wasm/context.cc` (`getMap`, `getConstMap` and the calls after them).
 */
export function headerMapCalls(vm: Vm) {
  const change = (type: number, body: (map: HeaderMap) => void): Status => {
    const map = mutableMap(vm, type);
    if (!map) return Status.BadArgument;
    body(map);
    return Status.Ok;
  };
  const put =
    (method: "add" | "replace") =>
    (type: number, name: number, nameSize: number, value: number, valueSize: number): Status => {
      if (type > mapTypeMax) return Status.BadArgument;
      const nameBytes = vm.memory.read(name, nameSize);
      const valueBytes = vm.memory.read(value, valueSize);
      if (!nameBytes || !valueBytes) return Status.InvalidMemoryAccess;
      return change(type, (map) => map[method](toText(nameBytes), valueBytes));
    };

  return {
    proxy_get_header_map_value(
      type: number,
      name: number,
      nameSize: number,
      valueAt: number,
      sizeAt: number,
    ): Status {
      if (type > mapTypeMax) return Status.BadArgument;
      const bytes = vm.memory.read(name, nameSize);
      if (!bytes) return Status.InvalidMemoryAccess;
      const map = readableMap(vm, type);
      if (!map) return vm.context?.logPhase ? Status.NotFound : Status.BadArgument;
      const value = map.first(toText(bytes));
      return value ? vm.memory.deliver(value, valueAt, sizeAt) : Status.NotFound;
    },
    proxy_get_header_map_size(type: number, sizeAt: number): Status {
      if (type > mapTypeMax) return Status.BadArgument;
      const map = mutableMap(vm, type);
      if (!map) return Status.BadArgument;
      return vm.memory.writeU32(sizeAt, map.byteSize) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_get_header_map_pairs(type: number, pairsAt: number, sizeAt: number): Status {
      if (type > mapTypeMax) return Status.BadArgument;
      const pairs = readableMap(vm, type)?.pairs() ?? [];
      return vm.memory.deliver(pairs.length === 0 ? new Uint8Array() : encodePairs(pairs), pairsAt, sizeAt);
    },
    proxy_set_header_map_pairs(type: number, pairs: number, size: number): Status {
      if (type > mapTypeMax) return Status.BadArgument;
      const bytes = vm.memory.read(pairs, size);
      if (!bytes) return Status.InvalidMemoryAccess;
      return change(type, (map) => {
        map.clear();
        for (const [name, value] of decodePairs(bytes)) map.add(toText(name), value);
      });
    },
    proxy_add_header_map_value: put("add"),
    proxy_replace_header_map_value: put("replace"),
    proxy_remove_header_map_value(type: number, name: number, nameSize: number): Status {
      if (type > mapTypeMax) return Status.BadArgument;
      const bytes = vm.memory.read(name, nameSize);
      if (!bytes) return Status.InvalidMemoryAccess;
      return change(type, (map) => map.remove(toText(bytes)));
    },
  };
}

function mutableMap(vm: Vm, type: number): HeaderMap | undefined {
  if (type === MapType.RequestHeaders) return vm.context?.requestHeaders;
  if (type === MapType.ResponseHeaders) return vm.context?.responseHeaders;
  return undefined;
}

function readableMap(vm: Vm, type: number): HeaderMap | undefined {
  const logged = vm.context?.logPhase;
  if (!logged) return mutableMap(vm, type);
  if (type === MapType.RequestHeaders) return logged.requestHeaders;
  if (type === MapType.ResponseHeaders) return logged.responseHeaders;
  return undefined;
}
