export { type BundleFacts, createMetrics, HOSTS, type HostName, type ServerMetrics } from "./metrics.ts";
