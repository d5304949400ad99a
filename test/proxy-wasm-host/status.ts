/**
 * The numbers of ABI 0.2.1, by name.
 *
 * Source: proxy-wasm/spec, `abi-versions/v0.2.1/README.md` (proxy_status_t, proxy_log_level_t, proxy_map_type_t,
 * proxy_buffer_type_t, proxy_stream_type_t, proxy_metric_type_t), and for what a filter returns the `Filter*Status`
 * enumerations of proxy-wasm-cpp-host, `include/proxy-wasm/context_interface.h`.
 */

/** What a host call answers. */
export const Status = {
  Ok: 0,
  NotFound: 1,
  BadArgument: 2,
  SerializationFailure: 3,
  ParseFailure: 4,
  BadExpression: 5,
  /** A pointer outside linear memory, or the module's allocator answered 0. */
  InvalidMemoryAccess: 6,
  Empty: 7,
  CasMismatch: 8,
  ResultMismatch: 9,
  /** Also: the capability is not allowed. */
  InternalFailure: 10,
  BrokenConnection: 11,
  Unimplemented: 12,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

export const LogLevel = { Trace: 0, Debug: 1, Info: 2, Warn: 3, Error: 4, Critical: 5 } as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

export const MapType = {
  RequestHeaders: 0,
  RequestTrailers: 1,
  ResponseHeaders: 2,
  ResponseTrailers: 3,
  GrpcReceiveInitialMetadata: 4,
  GrpcReceiveTrailingMetadata: 5,
  HttpCallResponseHeaders: 6,
  HttpCallResponseTrailers: 7,
} as const;
export const mapTypeMax = 7;

export const BufferType = {
  HttpRequestBody: 0,
  HttpResponseBody: 1,
  DownstreamData: 2,
  UpstreamData: 3,
  HttpCallResponseBody: 4,
  GrpcReceiveBuffer: 5,
  VmConfiguration: 6,
  PluginConfiguration: 7,
  CallData: 8,
} as const;
export const bufferTypeMax = 8;

export const StreamType = { Request: 0, Response: 1, Downstream: 2, Upstream: 3 } as const;
export const streamTypeMax = 3;

/** The low two bits of a metric id. */
export const MetricType = { Counter: 0, Gauge: 1, Histogram: 2 } as const;

/** What `proxy_on_request_headers` and `proxy_on_response_headers` return. */
export const HeadersAction = {
  Continue: 0,
  /** Becomes `StopAllIterationAndWatermark` unless `allowOnHeadersStopIteration` is set. */
  StopIteration: 1,
  StopAllIterationAndBuffer: 3,
  StopAllIterationAndWatermark: 4,
} as const;
export type HeadersAction = (typeof HeadersAction)[keyof typeof HeadersAction];

/** What `proxy_on_request_body` returns. */
export const BodyAction = {
  Continue: 0,
  StopIterationAndBuffer: 1,
  StopIterationAndWatermark: 2,
  StopIterationNoBuffer: 3,
} as const;
export type BodyAction = (typeof BodyAction)[keyof typeof BodyAction];
