export { toBytes, toText } from "./bytes.ts";
export type { HostCallCounts } from "./context.ts";
export { type CallSite, type Faults, failAllocation, failHostCall } from "./faults.ts";
export { type HeaderLine, HeaderMap, joinedRequestHeaders } from "./header-map.ts";
export { ProxyWasmHost } from "./host.ts";
export { LoadError } from "./load-checks.ts";
export { MetricStore } from "./metrics.ts";
export type { FailurePolicy, HostOptions, LogEntry } from "./options.ts";
export type { Outcome, RequestReport, StreamReport } from "./outcome.ts";
export { decodePairs, encodePairs, type Pair, pairsBytesMax, pairsCountMax } from "./pairs.ts";
export type { ConfigureResult, Plugin, PluginConfig, RequestInput } from "./plugin.ts";
export { double, failing, type PropertyBag, type PropertyValue } from "./properties.ts";
export { ProxyCrashError } from "./proxy-crash.ts";
export { SharedData } from "./shared-data.ts";
export {
  BodyAction,
  BufferType,
  HeadersAction,
  LogLevel,
  MapType,
  MetricType,
  Status,
  StreamType,
} from "./status.ts";
export type { Stream } from "./stream.ts";
export type { Vm, VmFailure } from "./vm.ts";
