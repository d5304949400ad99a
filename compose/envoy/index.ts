export {
  type AccessLogEntry,
  BODY_BYTES_MAX,
  type Bootstrap,
  type BootstrapOptions,
  type CommonListener,
  type ExtAuthzListener,
  type ListenerOptions,
  type ListenerTls,
  type LuaListener,
  type PlainListener,
  toBootstrap,
  type WasmListener,
} from "./config.ts";
export { FILTER_NAME, type FilterResource, filterStat, writeFilterResource } from "./filter-resource.ts";
export { type ObtainedEnvoy, type ObtainOptions, obtainEnvoy, WHEEL_VERSION } from "./obtain.ts";
export { type Envoy, type Exit, type StartOptions, startEnvoy, validateBootstrap } from "./process.ts";
export { type Echo, startUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";
