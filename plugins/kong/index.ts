export * from "./server/index.ts";
export { luaModules, luaSetupFiles } from "./setup/lua.ts";
export { type ServerSetup, serverSetupFiles } from "./setup/server.ts";
