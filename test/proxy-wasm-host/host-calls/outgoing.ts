import { Status } from "../status.ts";

/** Calls to other services. They link, and always answer `Unimplemented`. */
export function outgoingCalls() {
  const unimplemented = (): Status => Status.Unimplemented;
  return {
    proxy_http_call: unimplemented,
    proxy_grpc_call: unimplemented,
    proxy_grpc_stream: unimplemented,
    proxy_grpc_send: unimplemented,
    proxy_grpc_cancel: unimplemented,
    proxy_grpc_close: unimplemented,
  };
}
