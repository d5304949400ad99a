export { bodyUse } from "./check.ts";
export { type BodyPromise, type Decider, defaults, type FailureMode, type ServerOptions } from "./config.ts";
export { type Address, parseAddress } from "./listener.ts";
export { createMetrics, type Metrics, type MetricsSnapshot, type SnapshotMetrics } from "./metrics.ts";
export { type RequestOptions, toNeutral } from "./request.ts";
export {
  type Answer,
  errorResponse,
  failureResponse,
  toCheckResponse,
} from "./response.ts";
export { type RunningServer, startServer } from "./server.ts";
