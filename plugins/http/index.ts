export { type AdminOptions, type BundleState, startAdminServer } from "./admin.ts";
export {
  type AuthzenConfig,
  parseFact,
  parseUrl,
  type StatedFact,
  unstatedFacts,
} from "./authzen/config.ts";
export { type NamedToken, parseNamedTokens, parseTokens } from "./bearer.ts";
export {
  BUNDLES,
  type BundleControl,
  type ControlAnswer,
  type Pushed,
  ROLLBACK,
  type RollbackWanted,
  STATUS,
} from "./bundle-doors.ts";
export { proxyObjectionTo } from "./forward-auth.ts";
export type { HttpDecider } from "./judge.ts";
export type { HttpAnswer, HttpListener, MetricsText } from "./listener.ts";
export type { HttpHost, HttpMetrics, RecorderFor } from "./metrics.ts";
export { PROXIES, PROXY_HEADERS, type ProxyName } from "./proxies.ts";
export { type AuthRequest, toNeutral } from "./request.ts";
export { failure, toResponse } from "./response.ts";
export {
  type FactSources,
  type HttpServerOptions,
  objectionTo,
  type RunningHttpServer,
  startHttpServer,
} from "./server.ts";
