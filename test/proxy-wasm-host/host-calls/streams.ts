import { toText } from "../bytes.ts";
import type { LocalResponse } from "../context.ts";
import { HeaderMap } from "../header-map.ts";
import { decodePairs } from "../pairs.ts";
import { Status, StreamType, streamTypeMax } from "../status.ts";
import type { Vm } from "../vm.ts";

/**
 * What these ask for happens after the running callback returned. On a root context, and with no effective context
 * set, they answer `Ok` and nothing happens.
 *
 * Source: Envoy, `source/extensions/common/wasm/context.cc` (`continueStream`, `closeStream`, `sendLocalResponse`);
 * proxy-wasm-cpp-host, `src/exports.cc` (`send_local_response`).
 */
export function streamCalls(vm: Vm) {
  return {
    proxy_continue_stream(type: number): Status {
      if (type > streamTypeMax) return Status.BadArgument;
      if (type === StreamType.Upstream) return Status.Unimplemented;
      if (type === StreamType.Downstream) return Status.Ok;
      const { context } = vm;
      if (context && type === StreamType.Request) vm.defer(() => context.stream?.resume());
      if (context) {
        context.requestHeaders = undefined;
        context.requestBody = undefined;
      }
      return Status.Ok;
    },
    proxy_close_stream(type: number): Status {
      if (type > streamTypeMax) return Status.BadArgument;
      const { context } = vm;
      if (context && type <= StreamType.Response) vm.defer(() => context.stream?.reset());
      return Status.Ok;
    },
    proxy_send_local_response(
      status: number,
      details: number,
      detailsSize: number,
      body: number,
      bodySize: number,
      headers: number,
      headersSize: number,
      grpcStatus: number,
    ): Status {
      const detailBytes = vm.memory.read(details, detailsSize);
      const bodyBytes = vm.memory.read(body, bodySize);
      const pairBytes = vm.memory.read(headers, headersSize);
      if (!detailBytes || !bodyBytes || !pairBytes) return Status.InvalidMemoryAccess;
      const response: LocalResponse = {
        status,
        details: toText(detailBytes).replace(/\s/g, "_"),
        body: bodyBytes,
        headers: new HeaderMap(decodePairs(pairBytes).map(([name, value]) => [toText(name), value])),
        ...(grpcStatus <= 16 ? { grpcStatus } : {}),
      };
      const { context } = vm;
      if (context) vm.defer(() => context.stream?.localResponse(response));
      vm.stopNextIteration = true;
      return Status.Ok;
    },
  };
}
