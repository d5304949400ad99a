export { type Client, type ClientOptions, type Instance, RpcFailure } from "./client.ts";
export { Connection, type ConnectionOptions, Gone, Pool } from "./connections.ts";
export { Gateway, type GatewayOptions, type Outcome } from "./gateway.ts";
export {
  type Bytes,
  callKong,
  type Exit,
  KongError,
  type KongRequest,
  type KongState,
  type KongVerified,
  LuaError,
  newState,
} from "./kong-request.ts";
export { MsgpackClient } from "./msgpack-client.ts";
export { pack } from "./msgpack-text.ts";
export { ProtobufClient } from "./protobuf-client.ts";
