export { companionFiles, GUARD_NAME, guardSnippet, PASS_PREFIX, SNAPSHOT_NAME } from "./companions.ts";
export {
  BODY_LIMIT_MAX,
  DECISION_KEY,
  LIMIT_MS,
  METADATA_KEY,
  type Mode,
  NAME,
  type PluginConfig,
  PRIORITY,
  readConfig,
  SNAPSHOT_KEY,
  VERSION,
} from "./config.ts";
export { CONFIG_FIELDS, dump, pluginInfo, pluginSchema } from "./dump.ts";
export { type MakePlugin, makeIpePlugin, type Plugin } from "./instances.ts";
export { createMetrics, type Metrics, type MetricsSnapshot } from "./metrics.ts";
export type { Pdk } from "./pdk.ts";
export { IpePlugin, objections } from "./plugin.ts";
export { PROTOCOLS, type ProtocolName } from "./protocol.ts";
export { FAILURE_STATUS } from "./response.ts";
export { type PluginServerOptions, type RunningPluginServer, startPluginServer } from "./server.ts";
export { VERIFIED, type VerifiedName } from "./verified.ts";
