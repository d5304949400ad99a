export { type AdminOptions, type BundleState, startAdminServer } from "./admin.ts";
export {
  type AuthzenConfig,
  parseFact,
  parseTokens,
  parseUrl,
  type StatedFact,
  unstatedFacts,
} from "./authzen/config.ts";
export { proxyObjectionTo } from "./forward-auth.ts";
export type { HttpDecider } from "./judge.ts";
export type { HttpAnswer, HttpListener, MetricsText } from "./listener.ts";
export type { HttpHost, HttpMetrics } from "./metrics.ts";
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
