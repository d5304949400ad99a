/**
 * What callbacks answer, as the proxy understands it.
 *
 * Source: proxy-wasm-cpp-host, `src/context.cc` (`convertVmCallResultToFilterHeadersStatus` and `...DataStatus`).
 */
import { BodyAction, HeadersAction } from "./status.ts";
import type { CallResult } from "./vm.ts";

/** 2 is no longer an action and means Continue; anything above 4 stops all, as a local response does. */
export function headersAction(result: CallResult, allowStopIteration: boolean): HeadersAction {
  if (result.stopped || result.value > HeadersAction.StopAllIterationAndWatermark) {
    return HeadersAction.StopAllIterationAndWatermark;
  }
  if (result.value === HeadersAction.StopIteration && !allowStopIteration) {
    return HeadersAction.StopAllIterationAndWatermark;
  }
  return result.value === 2 ? HeadersAction.Continue : (result.value as HeadersAction);
}

export function bodyAction(result: CallResult): BodyAction {
  const unknown = result.value > BodyAction.StopIterationNoBuffer;
  return result.stopped || unknown ? BodyAction.StopIterationNoBuffer : (result.value as BodyAction);
}
