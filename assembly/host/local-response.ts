/** An answer of our own instead of the upstream's. */
import { proxy_send_local_response } from "./imports";
import { newWriter, Writer } from "./writer";

/** No status of gRPC is set: the proxy derives it from the HTTP status. */
// @ts-ignore: decorator
@inline const GRPC_STATUS_NONE: i32 = -1;

/** `details` must have no blanks; `headers` is in the pairs encoding. Answers the host's status. */
export function sendLocalResponse(status: u32, details: string, body: Writer, headers: Writer): u32 {
  const reason = newWriter(64).text(details);
  return proxy_send_local_response(
    status,
    reason.start,
    reason.length,
    body.start,
    body.length,
    headers.start,
    headers.length,
    GRPC_STATUS_NONE,
  );
}
