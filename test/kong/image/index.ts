export { type AdminDoors, declarative, loadByAdmin } from "./admin.ts";
export { ECHO_CONF, type EchoedLines, echoed, echoedQuery } from "./echo.ts";
export { type KongGateway, type KongOptions, type StartedKong, startKong } from "./kong.ts";
export { startNginxAsKong } from "./nginx-as-kong.ts";
