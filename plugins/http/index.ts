export { PROXIES, PROXY_HEADERS, type ProxyName } from "./proxies.ts";
export { type AuthRequest, toNeutral } from "./request.ts";
export { type AuthResponse, failure, toResponse } from "./response.ts";
export {
  type HttpDecider,
  type HttpServerOptions,
  objectionTo,
  type RunningHttpServer,
  startHttpServer,
} from "./server.ts";
